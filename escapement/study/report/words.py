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
    return [_verdict(provers), *(_sentence(line) for line in answers(figures)), *limits(figures)]


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
    """For the prover with the least slowdown at the most parameters."""

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
        f"{best.label}{CAVEATS.get(best.prover, '')}, a day of plain training becomes "
        f"{' and '.join(places)}, {'both ' if len(places) > 1 else ''}on this processor."
    )


def _sentence(line: Line) -> str:
    """A prover's slowdown at both ends, and how it goes between them."""
    measured = line.slowdowns()
    ends = []
    for x, point in dict([measured[0], measured[-1]]).items():
        ratio = shown.digits(point.slowdown["faster"].median)
        ends.append(f"{ratio} times plain training ({NAMES[point.faster or '']}) at {x:,} parameters")
    name = f"{line.label}{CAVEATS.get(line.prover, '')}"
    text = f"{name}: {', '.join(ends)}"
    _, last = measured[-1]
    if "faster" in last.slowdown_with_last and last.cell.measured is not None:
        ratio = shown.digits(last.slowdown_with_last["faster"].median)
        steps = last.cell.measured.proof_steps
        over = "one step" if steps == 1 else f"{steps} steps"
        text += f" ({ratio} with the last proof spread over {over})"
    slope, tenfold = line.slope(), line.tenfold()
    if slope is None or tenfold is None:
        return f"{text}."
    turn = "grows" if tenfold >= 1 else "falls"
    factor = shown.digits(max(tenfold, 1 / tenfold))
    return (
        f"{text}; slope {shown.slope(slope)} over {len(measured)} sizes: for ten times the parameters, "
        f"the slowdown {turn} about {factor} times."
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
CAVEATS = {"segment": ", not zero-knowledge", "integer": " training, without a proof"}
INSECURE = "Insecure as measured"
NAMES = {"numpy": "NumPy", "torch": "torch", "": ""}
