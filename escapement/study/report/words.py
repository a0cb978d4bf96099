"""The study's answer in sentences, each made from figures."""

from escapement.study.report import shown
from escapement.study.report.figures import Figures, estimate_errors
from escapement.study.report.sheets import answers
from escapement.study.report.sweeps import Line, lines


def answer(figures: Figures) -> list[str]:
    """Is this a ban on training? The answer, then a sentence per prover, then what limits both."""
    provers = [line for line in answers(figures) if line.points[0][1].proves]
    if not provers:
        return ["No prover was measured beside plain training of the same step, so this study has no answer."]
    made = [_verdict(provers), *_overhead(figures)]
    return [*made, *(_sentence(line) for line in answers(figures)), *limits(figures)]


def limits(figures: Figures) -> list[str]:
    """What was not measured, what is insecure, and how good estimates were."""
    made = [text for line in lines(figures, "parameters") if (text := _unmeasured(line))]
    flags: dict[str, list[str]] = {}
    for point in figures.points:
        if point.cell.insecure:
            names = flags.setdefault(point.cell.insecure, [])
            name = f"{point.cell.prover} {point.cell.scheme or ''}".strip()
            if name not in names:
                names.append(name)
    made += [f"{INSECURE} ({', '.join(names)}): {why}." for why, names in flags.items()]
    ratios = [
        f"{prover} {shown.digits(min(found))} to {shown.digits(max(found))} ({len(found)} cells)"
        for prover, found in estimate_errors(figures).items()
    ]
    if ratios:
        made.append(f"Where a cell has both, estimated over measured seconds per step: {', '.join(ratios)}.")
    return made


def _verdict(provers: list[Line]) -> str:
    """For the prover with the least slowdown at the most parameters, and the one that hides weights."""

    def order(line: Line) -> tuple[int, float]:
        most, last = line.slowdowns()[-1]
        return -most, last.slowdown["faster"].median

    best = min(provers, key=order)
    places = []
    for x, point in dict([best.slowdowns()[0], best.slowdowns()[-1]]).items():
        days = shown.digits(point.slowdown["faster"].median)
        places.append(f"{days} days at {x:,} parameters")
    return (
        "Proving multiplies the cost of a step, and by how much says whether it amounts to a ban. With "
        f"{_named(best)}, a day of plain training becomes "
        f"{' and '.join(places)}, {'both ' if len(places) > 1 else ''}on this processor."
        f"{'' if best.prover == HIDES else _hiding(provers)}"
    )


def _hiding(provers: list[Line]) -> str:
    """The slowdown of the prover that hides weights, so that no verdict is read without it."""
    found = [line for line in provers if line.prover == HIDES]
    if not found:
        return f" {HIDES}, the one that hides weights, was not measured beside plain training."
    line = max(found, key=lambda line: line.slowdowns()[-1][0])
    x, point = line.slowdowns()[-1]
    ratio = shown.times(point.slowdown["faster"].median)
    return f" The one that hides weights, {_named(line)}: {ratio} at its largest size, {x:,} parameters."


def _overhead(figures: Figures) -> list[str]:
    """Up to where plain training is no measure of training."""
    found = figures.overhead()
    if found is None:
        return []
    return [
        f"Up to {found[1]:,} parameters plain training takes under twice its time at {found[0]:,}: there the "
        "factor is over Python's call overhead."
    ]


def _named(line: Line) -> str:
    """A prover with what must be known beside its speed."""
    said = [CAVEATS[line.prover]] if line.prover in CAVEATS else []
    said += ["insecure reference string"] if line.insecure() else []
    if ks := line.ks():
        said.append(f"{ks} {'step' if ks == '1' else 'steps'} per fold")
    return f"{line.label} ({', '.join(said)})" if said else line.label


def _sentence(line: Line) -> str:
    """A prover's slowdown at both ends, and how it goes between them."""
    measured = line.slowdowns()
    ends = []
    for x, point in dict([measured[0], measured[-1]]).items():
        ratio = shown.digits(point.slowdown["faster"].median)
        ends.append(f"{ratio} times plain training ({NAMES[point.faster or '']}) at {x:,} parameters")
    text = f"{_named(line)}: {', '.join(ends)}"
    _, last = measured[-1]
    if "faster" in last.slowdown_with_last and last.cell.measured is not None:
        ratio = shown.digits(last.slowdown_with_last["faster"].median)
        steps = last.cell.measured.proof_steps
        over = "one step" if steps == 1 else f"{steps} steps"
        text += f" ({ratio} with the last proof spread over {over})"
    slope, tenfold = line.slope(), line.tenfold()
    if slope is None or tenfold is None:
        return f"{text}."
    turn = "grew" if tenfold >= 1 else "fell"
    factor = shown.digits(max(tenfold, 1 / tenfold))
    return (
        f"{text}; slope {shown.slope(slope)} over {len(measured)} sizes: between {measured[0][0]:,} and "
        f"{measured[-1][0]:,} parameters it {turn} about {factor} times for every ten times the parameters."
    )


def _unmeasured(line: Line) -> str:
    """The least size at which a line was not measured, and why."""
    missing = [(x, point) for x, point in line.points if point.cell.measured is None]
    if not missing:
        return ""
    x, point = missing[0]
    status = point.cell.status.replace("-", " ")
    why = f": {point.cell.reason.rstrip('.')}" if point.cell.reason else ""
    return f"Not measured, {line.label} at {x:,} parameters ({status}){why}."


# What a reader must know of a prover beside its speed.
CAVEATS = {
    "segment": "not zero-knowledge",
    "integer": "training without a proof",
    "ezkl": "rounding left to the prover",
}
HIDES = "r1cs-nova"
INSECURE = "Insecure as measured"
NAMES = {"numpy": "NumPy", "torch": "torch", "": ""}
