"""How each table of a study is to be read, in sentences; some depend on what the study holds."""

from escapement.study.report.figures import Figures


def sweep(figures: Figures, axis: str) -> str:
    """Of a sweep: what varies, and what its slowdown is worth."""
    made = [SWEEPS[axis]]
    found = figures.on(axis)
    if axis == "parameters":
        features = sorted({point.cell.work.widths[0] for point in found})
        if len(features) > 1:
            made.append(f"Features differ with size, too: {', '.join(f'{one:,}' for one in features)}.")
        return " ".join(made)
    overhead = figures.overhead()
    if overhead and found and all(point.cell.work.parameters <= overhead[1] for point in found):
        made.append(
            "At these sizes plain training is mostly call overhead, so slowdown here is the prover's time "
            "over nearly a constant: read seconds per step."
        )
    return " ".join(made)


def parts(figures: Figures) -> str:
    """Of the split of a step: what was timed, and what the names mean."""
    ways = {point.cell.measured.parts_by for point in figures.on("parameters") if point.cell.measured}
    named = {name for point in figures.on("parameters") for name in point.shares}
    made = [text for way, text in PARTS_BY.items() if way in ways]
    words = [f"{name}: {text}" for name, text in PARTS.items() if name in named]
    return " ".join([*made, *([f"{'; '.join(words)}."] if words else [])])


def sizes(figures: Figures) -> str:
    """Of memory, keys, proofs and verification."""
    measured = [point.cell for point in figures.on("parameters") if point.cell.measured]
    made = [SIZES]
    if any(cell.measured and cell.measured.peak_by == "sampled" for cell in measured):
        made.append(SAMPLED)
    if any(cell.prover == "ezkl" for cell in measured):
        made.append(EZKL)
    return " ".join(made)


HEADLINE = (
    "Median seconds per step over those of plain float32 training of the same step, NumPy's or torch's, "
    "whichever was faster, at the smallest and the largest size measured, in parameters. k: steps per fold, "
    "which differ by prover. With last proof: the compression or "
    "closing spread over the steps proven here. Slope: of a least-squares line on logarithmic axes through "
    "three sizes or more that span a decade; behind it, what ten times the parameters did to the slowdown "
    "along it."
)
SWEEPS = {
    "parameters": (
        "Quartiles are those of n repetitions. Slowdown divides by the median of plain training, whose own "
        "spread is not in it. An estimate stands only where nothing was measured."
    ),
    "batch": "B: samples per step.",
    "layers": "Hidden layers of one width are added.",
    "fold": "k: steps that are proven at once.",
    "segment": (
        "k·m steps between two checkpoints. m, the folds per segment, changes nothing in either prover's "
        "work per fold: differences are noise."
    ),
}
SCHEME = "The same step under another polynomial commitment."
PARTS_BY: dict[str | None, str] = {
    "time": "Time: each part was timed, as a share of the mean step.",
    "constraints": (
        "Constraints: each part's share of the constraints. It is no measurement of time: recursion's "
        "circuit is the same in every cell, yet the seconds apportioned to it differ."
    ),
}
PARTS = {
    "check": "training and the prover's verification of its own proof",
    "commitments": "to the trace and the weights",
    "products": "the layers' matrix products, in r1cs-nova with ReLU",
    "wiring": "rescaling, clamping, ReLU and loss, and which samples",
    "range checks": "that values lie in their ranges, in r1cs-nova with rescaling and the leaves of rows",
    "opening": "of the commitments, and their accumulation",
    "hashing": "commitments to weights, and paths of rows",
    "recursion": "the two verifier circuits",
    "witness": "running the model on the step's values",
    "proof": "the maker's proof",
    "rest": "what no part accounts for, for ezkl the start of processes, keys read and the prover's check",
}
SIZES = (
    "Peak memory is that of the whole process tree. Proof: everything a verifier is given for so many steps. "
    "Verification: of all of it, n times, with the verifier's keys in memory."
)
SAMPLED = "≥: memory was sampled, so the peak is at least that; otherwise the kernel's own figure."
EZKL = (
    "ezkl's memory includes torch's export (about 0.9 GB). Its verification includes the start of two "
    "processes and keys read from disk, and it checks every proof twice, the second time without its last "
    "bytes."
)
UNFIT = (
    "What was planned and not measured. Skipped: it would take longer than a cell may, or the prover does "
    "not support it. Estimates are the planner's; nothing is drawn through them."
)
CELLS = "Slowdown is against the faster plain training of the same step."
