"""Lines, names and scales on a pair of axes, the same for every plot of a study.

Every prover has one colour (after Okabe and Ito's, which colour-blind readers can tell apart) and one marker.
Bars are quartiles. Open markers are estimates of what was not measured and are joined to nothing.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from escapement.study.report import shown
from escapement.study.report.figures import Point, Spread
from escapement.study.report.sweeps import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = Callable[[Point], Spread | None]


def draw_lines(
    axes: "Axes",
    found: Sequence[Line],
    value: Value,
    estimate: Callable[[Point], float | None] | None,
    slopes: bool = False,
) -> bool:
    """Draw a line per prover, with its name at its end where the plot stands alone, else for the legend.

    Returns whether there was anything to draw.
    """
    ends: list[tuple[float, float, str, str, str]] = []
    seen: list[tuple[float, float]] = []
    guessed = False
    for line in found:
        if slopes and line.points[0][1].is_plain:
            continue
        colour, marker = _style(line.prover)
        spreads = [(x, spread) for x, point in line.points if (spread := value(point)) and spread.q1 > 0]
        guesses = _guesses(line, estimate)
        if spreads:
            _errorbar(axes, spreads, colour, marker)
        for x, guess in guesses:
            axes.plot([x], [guess], marker=marker, markersize=7, color=colour, markerfacecolor="none")
        drawn = [(float(x), spread.median) for x, spread in spreads] + guesses
        seen += drawn + [(x, end) for x, spread in spreads for end in (spread.q1, spread.q3)]
        guessed |= bool(guesses)
        if drawn:
            row = LABEL_SIGNS if len(axes.figure.axes) == 1 else None
            ends.append((*drawn[-1], _label(line, slopes, row), colour, marker))
    if ends:
        _scales(axes, [x for x, _ in seen], [y for _, y in seen], least=1 if slopes else None)
        _names(axes, ends)
    if guessed:
        _explain_open(axes)
    return bool(ends)


def _explain_open(axes: "Axes") -> None:
    """What an open marker says."""
    note = "open: estimate, not measured"
    if len(axes.figure.axes) == 1:
        axes.annotate(note, (1.03, -0.1), xycoords="axes fraction", va="center", fontsize=8)
    else:
        axes.plot([], [], linestyle="none", marker="o", markerfacecolor="none", color=INK, label=note)


def _label(line: Line, slopes: bool, row: int | None) -> str:
    """The line's name, what must be known of it, and where asked steps per fold and slope.

    In rows of so many signs where it stands at the line, else in one.
    """
    name = line.label if len(line.label) <= LABEL_SIGNS else f"{line.label[: LABEL_SIGNS - 1]}…"
    made = [name]
    pieces = [(" ", f"({one})") for one in line.qualifiers()]
    if slopes and line.ks() and "k=" not in name:
        pieces.append((", ", f"k={line.ks()}"))
    if slopes and (slope := line.slope()) is not None:
        pieces.append((", ", f"slope {shown.slope(slope)}"))
    for between, text in pieces:
        if row is None or len(made[-1]) + len(between) + len(text) <= row:
            made[-1] += between + text
        else:
            made.append(text)
    return "\n".join(made)


def _names(axes: "Axes", ends: Sequence[tuple[float, float, str, str, str]]) -> None:
    """At the lines' ends where the plot stands alone, else for the figure's legend."""
    if len(axes.figure.axes) == 1:
        _end_labels(axes, ends)
    else:
        for _, _, label, colour, marker in ends:
            axes.plot([], [], color=colour, marker=marker, label=label)


def _tick(value: float, _: float) -> str:
    """1,000 or 0.001, as few digits as there are."""
    return f"{value:,.0f}" if value >= 1 else f"{value:.9f}".rstrip("0")


def _scales(axes: "Axes", xs: Sequence[float], ys: Sequence[float], least: float | None) -> None:
    """Logarithmic axes around the values, a decade high at least, with plain numbers at the ticks."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set(xscale="log", yscale="log")
    low, high = min(ys), max(ys)
    low = min(low, least or low)
    middle = math.sqrt(low * high)
    low, high = min(low / 1.6, middle / 3.2), max(high * 1.6, middle * 3.2)
    left, right = min(xs) / 1.3, max(xs) * 1.3
    for axis, span in ((axes.xaxis, right / left), (axes.yaxis, high / low)):
        axis.set_major_locator(LogLocator(subs=(1.0,) if span > 30 else (1.0, 2.0, 5.0), numticks=20))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(_tick)
    axes.set(xlim=(left, right), ylim=(low, high))


def _errorbar(axes: "Axes", spreads: Sequence[tuple[int, Spread]], colour: str, marker: str) -> None:
    xs, medians = [x for x, _ in spreads], [spread.median for _, spread in spreads]
    around = [
        [spread.median - spread.q1 for _, spread in spreads],
        [spread.q3 - spread.median for _, spread in spreads],
    ]
    axes.errorbar(
        xs, medians, yerr=around, marker=marker, markersize=6, color=colour, capsize=3, linewidth=1.8
    )


def _guesses(line: Line, estimate: Callable[[Point], float | None] | None) -> list[tuple[float, float]]:
    """Of the cells without measurement."""
    if estimate is None:
        return []
    found = [(x, estimate(point)) for x, point in line.points if point.cell.measured is None]
    return [(float(x), guess) for x, guess in found if guess]


def legend(figure: "Figure") -> None:
    """One for all plots of the figure, below them."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(
        found.values(), found.keys(), loc="outside lower left", ncols=min(4, len(found)), fontsize=9
    )


def _end_labels(axes: "Axes", ends: Sequence[tuple[float, float, str, str, str]]) -> None:
    """Names at the right, at the height of each line's end, moved apart where they would touch."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    low, high = (math.log(limit) for limit in axes.get_ylim())
    heights = [(math.log(y) - low) / (high - low) for _, y, _, _, _ in ends]
    tall = figure.get_figheight() * 72 * axes.get_position().height
    sizes = [(label.count("\n") + 1) * LABEL_POINTS / tall for _, _, label, _, _ in ends]
    for i, height in _apart(heights, sizes).items():
        x, y, label, colour, _ = ends[i]
        axes.annotate(
            label,
            xy=(x, y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "shrinkB": 5},
        )


def _apart(heights: Sequence[float], sizes: Sequence[float]) -> dict[int, float]:
    """Middles by index, labels of these sizes apart: from the lowest up, then pushed below the top."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    made: dict[int, float] = {}
    floor = -math.inf
    for i in order:
        made[i] = max(heights[i], floor + sizes[i] / 2)
        floor = made[i] + sizes[i] / 2
    ceiling = 1.0 + max(sizes, default=0.0) / 2
    for i in reversed(order):
        made[i] = min(made[i], ceiling - sizes[i] / 2)
        ceiling = made[i] - sizes[i] / 2
    return made


def _style(prover: str) -> tuple[str, str]:
    """Colour and marker; provers that this file does not know share a few by their name."""
    if prover in PROVERS:
        return PROVERS[prover]
    return OTHERS[sum(prover.encode("utf-8", "replace")) % len(OTHERS)]


def canvas(count: int, inches: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    """A figure with so many plots, two in a row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained" if count > 1 else None)
    if count == 1:
        figure.subplots_adjust(left=0.16, right=0.765, bottom=0.115, top=0.93)
    columns = min(2, count)
    rows = (count + columns - 1) // columns
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(count)]


# In a page these colours stand for its own (`svg.embedded`), so each is used for one thing only.
INK, GRID, PAPER = "#222326", "#dfe1e5", "#fffffe"
PROVERS = {
    "numpy": ("#666a70", "s"),
    "torch": ("#7d5f35", "D"),
    "integer": ("#00795b", "^"),
    "r1cs-nova": ("#a0457c", "v"),
    "segment": ("#0060a0", "o"),
    "ezkl": ("#b84600", "P"),
}
OTHERS = (("#5b4a9c", "X"), ("#66660a", "p"), ("#8f5c00", "h"))
LABEL_POINTS, LABEL_SIGNS = 13, 27
