"""Lines through a sweep: which cells belong together when one dimension of the study is varied.

A line holds one prover at one setting of everything that the sweep does not vary. Where a prover's steps per
fold change along a line because no fixed number fits everywhere, it stays one line and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from escapement.study.report.figures import Figures, Point, fitted_slope


@dataclass(frozen=True)
class Line:
    """A prover's points of one sweep by x, measured or not."""

    prover: str
    label: str
    points: tuple[tuple[int, Point], ...]

    def slowdowns(self) -> list[tuple[int, Point]]:
        """The measured ones with a baseline."""
        return [(x, point) for x, point in self.points if "faster" in point.slowdown]

    def timed(self) -> list[tuple[int, Point]]:
        """The measured ones."""
        return [(x, point) for x, point in self.points if point.seconds is not None]

    def slope(self) -> float | None:
        """Of the slowdown on logarithmic axes, by least squares.

        None with fewer than three x, or where they span less than a decade: two neighbours show no trend.
        """
        found = self.slowdowns()
        xs = sorted({x for x, _ in found})
        if len(xs) < LEAST_SIZES or xs[-1] < LEAST_SPAN * xs[0]:
            return None
        return fitted_slope([(x, point.slowdown["faster"].median) for x, point in found])

    def tenfold(self) -> float | None:
        """What ten times the x did to the slowdown along that slope; None without one that means anything."""
        slope = self.slope()
        return None if slope is None or abs(slope) > STEEPEST else 10.0**slope

    def ks(self) -> str:
        """Steps per fold from the least x to the most; "" where it means nothing."""
        found = list(dict.fromkeys(point.cell.k for _, point in self.points if point.proves))
        return " to ".join(f"{k:,}" for k in dict.fromkeys([*found[:1], *found[-1:]]))

    def insecure(self) -> bool:
        """Whether one of its cells is."""
        return any(point.cell.insecure for _, point in self.points)

    def qualifiers(self) -> list[str]:
        """What must stand wherever the prover's name does, in a word or two."""
        found = ["not zero-knowledge"] if self.prover in NOT_ZERO_KNOWLEDGE else []
        return [*found, "insecure string"] if self.insecure() else found


def lines(figures: Figures, axis: str) -> list[Line]:
    """The lines of a sweep of `AXES`, in the raw result's order."""
    groups = [list(figures.on(axis))]
    for setting in ("prover", *SPLIT[axis]):
        groups = [part for group in groups for part in _parts(group, setting)]
    for setting in LOOSE[axis]:
        groups = [part for group in groups for part in _unless_distinct(group, axis, setting)]
    made = []
    for group in groups:
        prover = group[0].cell.prover
        peers = [other for other in groups if other[0].cell.prover == prover]
        at = [(AXES[axis](point), point) for point in group]
        points = tuple(sorted(at, key=lambda pair: pair[0]))
        made.append(Line(prover, _label(group, peers, axis), points))
    return made


def _parts(group: Sequence[Point], setting: str) -> list[list[Point]]:
    """The group by the value of a setting."""
    made: dict[str, list[Point]] = {}
    for point in group:
        made.setdefault(SETTINGS[setting](point), []).append(point)
    return list(made.values())


def _unless_distinct(group: list[Point], axis: str, setting: str) -> list[list[Point]]:
    """The group whole where every x occurs once, else by the setting."""
    places = [AXES[axis](point) for point in group]
    return [group] if len(set(places)) == len(places) else _parts(group, setting)


def _label(group: Sequence[Point], peers: Sequence[Sequence[Point]], axis: str) -> str:
    """The prover, with what sets this line apart from its others."""
    words = [group[0].cell.prover]
    for setting in (*SPLIT[axis], *LOOSE[axis]):
        here = list(dict.fromkeys(SETTINGS[setting](point) for point in group))
        there = {SETTINGS[setting](point) for peer in peers for point in peer}
        if len(there) > 1:
            words.append(here[0] if len(here) == 1 else f"{here[0]} to {here[-1]}")
    return " ".join(word for word in words if word)


STEEPEST = 9
LEAST_SIZES, LEAST_SPAN = 3, 10  # that a slope is fitted to
NOT_ZERO_KNOWLEDGE = ("segment",)
AXES: dict[str, Callable[[Point], int]] = {
    "parameters": lambda point: point.cell.work.parameters,
    "batch": lambda point: point.cell.work.batch,
    "layers": lambda point: point.cell.work.layers,
    "fold": lambda point: point.cell.k,
    "segment": lambda point: point.cell.k * point.cell.m,
}
SETTINGS: dict[str, Callable[[Point], str]] = {
    "prover": lambda point: point.cell.prover,
    "scheme": lambda point: point.cell.scheme or "",
    "batch": lambda point: f"B={point.cell.work.batch}",
    "widths": lambda point: point.cell.work.name,
    "k": lambda point: f"k={point.cell.k}",
    "m": lambda point: f"m={point.cell.m}",
}
# What always starts another line, and what does only where an x would occur twice.
SPLIT = {
    "parameters": ("scheme", "batch"),
    "batch": ("scheme", "widths"),
    "layers": ("scheme", "batch"),
    "fold": ("scheme", "widths", "batch"),
    "segment": ("scheme", "widths", "batch", "k"),
}
LOOSE: dict[str, tuple[str, ...]] = {
    "parameters": ("k", "m"),
    "batch": ("k", "m"),
    "layers": ("k", "m"),
    "fold": ("m",),
    "segment": (),
}
