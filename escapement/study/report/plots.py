"""Plots of a study as SVG, by matplotlib (extra `bench`); the same figures give the same bytes.

How lines, markers and scales look is in `axes`.
"""

import importlib.util
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from escapement import console
from escapement.study.report import shown
from escapement.study.report.axes import GRID, INK, PAPER, Value, canvas, draw_lines, legend
from escapement.study.report.figures import REST, Figures, Point, Spread
from escapement.study.report.sheets import SWEEPS
from escapement.study.report.sweeps import lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bar = tuple[str, Point]


def available() -> bool:
    """Whether matplotlib is there; if not, the remedy is said on stderr."""
    if importlib.util.find_spec("matplotlib") is not None:
        return True
    console.log(
        "No plots: matplotlib is missing; `make cost` installs it, or pip install 'escapement[bench]'."
    )
    return False


def draw(figures: Figures) -> dict[str, str]:
    """SVG documents by name, those with something to show; none without matplotlib."""
    if not available():
        return {}
    import matplotlib

    settings: dict[Any, Any] = {
        "svg.hashsalt": "escapement",
        "svg.fonttype": "none",
        "text.parse_math": False,
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.facecolor": "none",
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
    }
    with matplotlib.rc_context(settings):
        made = {name: plot(figures) for name, plot in PLOTS.items()}
        origin = f"{figures.study.machine.cpu[:60]}, {figures.study.date}"
        return {name: _svg(figure, origin) for name, figure in made.items() if figure is not None}


def slowdown(figures: Figures) -> "Figure | None":
    """Slowdown against parameters: the main one."""
    figure, (axes,) = canvas(1, (8.6, 5.0))
    if not draw_lines(axes, lines(figures, "parameters"), _slowdown, _estimated_slowdown, slopes=True):
        return None
    axes.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
    axes.annotate(
        "plain training",
        (0.99, 1.12),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=8,
    )
    if (overhead := figures.overhead()) and overhead[1] > axes.get_xlim()[0]:
        _shade(axes, overhead[1])
    axes.set(xlabel="parameters", ylabel="times plain training")
    axes.set_title("Slowdown of a training step")
    return figure


def _shade(axes: "Axes", most: int) -> None:
    """The sizes at which plain training is no measure of training."""
    axes.axvspan(axes.get_xlim()[0], most, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    note = "plain training: mostly call overhead"
    axes.annotate(note, (0.01, 0.985), xycoords="axes fraction", va="top", fontsize=8)


def seconds(figures: Figures) -> "Figure | None":
    """Seconds per step against parameters, plain training included."""
    figure, (axes,) = canvas(1, (8.6, 4.6))
    if not draw_lines(axes, lines(figures, "parameters"), lambda point: point.seconds, _estimated_seconds):
        return None
    axes.set(xlabel="parameters", ylabel="seconds per step")
    axes.set_title("Seconds per step")
    return figure


def memory(figures: Figures) -> "Figure | None":
    """Peak memory and keys against parameters."""
    figure, (left, right) = canvas(2, (8.6, 4.2))
    found = lines(figures, "parameters")
    drawn = draw_lines(left, found, _of("peak_bytes", 2**30), _estimated_memory)
    keys = draw_lines(right, found, _of("key_bytes", 2**20), None)
    left.set(xlabel="parameters", ylabel="GiB")
    left.set_title("Peak memory of the process tree")
    right.set(xlabel="parameters", ylabel="MiB")
    right.set_title("Keys and generators")
    legend(figure)
    return figure if drawn or keys else None


def proofs(figures: Figures) -> "Figure | None":
    """Proof bytes and verification per step proven, against parameters."""
    figure, (left, right) = canvas(2, (8.6, 4.2))
    found = lines(figures, "parameters")
    sizes = draw_lines(left, found, _of("proof_bytes", 2**10, per_step=True), None)
    checks = draw_lines(right, found, _verification, None)
    left.set(xlabel="parameters", ylabel="KiB per step proven")
    left.set_title("Proof")
    right.set(xlabel="parameters", ylabel="ms per step proven")
    right.set_title("Verification")
    legend(figure)
    return figure if sizes or checks else None


def sweeps(figures: Figures) -> "Figure | None":
    """Seconds per step against batch size, depth, steps per fold and per segment, without plain training."""
    titles = {"batch": "samples per step", "layers": "dense layers", "fold": "steps per fold, k"}
    titles["segment"] = "steps per segment, k·m"
    found = {axis: lines(figures, axis) for axis in titles}
    found = {axis: [line for line in made if not line.points[0][1].is_plain] for axis, made in found.items()}
    chosen = [axis for axis, made in found.items() if any(len(line.timed()) > 1 for line in made)]
    if not chosen:
        return None
    figure, all_axes = canvas(len(chosen), (8.6, 3.6 * ((len(chosen) + 1) // 2)))
    for axis, axes in zip(chosen, all_axes, strict=True):
        draw_lines(axes, found[axis], lambda point: point.seconds, _estimated_seconds)
        axes.set(xlabel=titles[axis], ylabel="seconds per step")
        axes.set_title(SWEEPS[axis][0])
        places = sorted({x for line in found[axis] for x, _ in line.points})
        if axes.get_xscale() == "log":
            axes.set_xticks(places, [f"{place:,}" for place in places])
    legend(figure)
    return figure


def parts(figures: Figures) -> "Figure | None":
    """Share of a step by part, one bar per cell of the sweep over parameters; timed and apportioned apart."""
    from matplotlib.figure import Figure

    groups: dict[str, list[Bar]] = {way: [] for way in WAYS}
    for line in lines(figures, "parameters"):
        for x, point in line.points:
            if point.shares and point.cell.measured and point.cell.measured.parts_by:
                groups[point.cell.measured.parts_by].append((f"{line.label}, {x:,}", point))
    chosen = {way: bars for way, bars in groups.items() if bars}
    if not chosen:
        return None
    rows = [len(bars) for bars in chosen.values()]
    figure = Figure(figsize=(8.6, 0.34 * sum(rows) + 0.8 * len(rows) + 0.8), layout="constrained")
    panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
    found = dict.fromkeys(name for bars in chosen.values() for _, point in bars for name in point.shares)
    names = sorted(found, key=lambda name: name == REST)
    for axes, (way, bars) in zip(panels, chosen.items(), strict=True):
        _stack(axes, bars, names)
        axes.set_title(WAYS[way])
    legend(figure)
    return figure


def _stack(axes: "Axes", bars: "list[Bar]", names: list[str]) -> None:
    """A bar per cell, its parts one behind the other, and at its end how long the whole step takes."""
    below = [0.0] * len(bars)
    for i, name in enumerate(names):
        widths = [point.shares.get(name, 0.0) for _, point in bars]
        if any(widths):
            colour, hatch = PARTS[i % len(PARTS)], HATCHES[i // len(PARTS) % len(HATCHES)]
            drawn = axes.barh(range(len(bars)), widths, left=below, color=colour, hatch=hatch, height=0.72)
            drawn.set_label(name)
        below = [start + width for start, width in zip(below, widths, strict=True)]
    for i, (_, point) in enumerate(bars):
        total = point.seconds.median if point.seconds else 0
        axes.annotate(shown.seconds(total), (1.01, i), va="center", fontsize=9, annotation_clip=False)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(visible=False, axis="y")


def _slowdown(point: Point) -> Spread | None:
    return point.slowdown.get("faster")


def _estimated_slowdown(point: Point) -> float | None:
    return point.estimated


def _estimated_seconds(point: Point) -> float | None:
    return point.cell.estimate.seconds_per_step if point.cell.estimate else None


def _estimated_memory(point: Point) -> float | None:
    return point.cell.estimate.memory_bytes / 2**30 if point.cell.estimate else None


def _verification(point: Point) -> Spread | None:
    steps = point.cell.measured.proof_steps if point.cell.measured else None
    if steps is None or point.verify is None:
        return None
    return point.verify.each(lambda value: value * 1000 / steps)


def _of(name: str, unit: int, per_step: bool = False) -> Value:
    """A figure of `measured` in units."""

    def value(point: Point) -> Spread | None:
        measured = point.cell.measured
        found = getattr(measured, name) if measured else None
        if found is None or (per_step and (measured is None or measured.proof_steps is None)):
            return None
        steps = measured.proof_steps if per_step and measured and measured.proof_steps else 1
        return Spread.of([found / unit / steps])

    return value


def _svg(figure: "Figure", origin: str) -> str:
    """The document on a white ground, with where and when it was measured, and not when it was drawn."""
    figure.text(0.995, 0.99, origin, ha="right", va="top", fontsize=7.5)
    data = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(data, format="svg", metadata=nothing, facecolor=PAPER)
    return data.getvalue()


PLOTS: "dict[str, Callable[[Figures], Figure | None]]" = {
    "slowdown": slowdown,
    "seconds": seconds,
    "memory": memory,
    "parts": parts,
    "sweeps": sweeps,
    "proofs": proofs,
}
PARTS = (
    "#0073b3",
    "#e6a000",
    "#009f74",
    "#d65f00",
    "#57b5ea",
    "#cd7aa8",
    "#f0e442",
    "#5b4a9c",
    "#2b3a55",
    "#b8a98a",
    "#7a1f3d",
    "#8a8d92",
)
HATCHES = ("", "///", "...")
WAYS = {
    "time": "Share of a step's time (at the right: the whole step)",
    "constraints": "Share of constraints, not measured as time (at the right: the whole step)",
}
