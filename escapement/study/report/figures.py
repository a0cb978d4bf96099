"""What follows from a study's raw result: medians, ratios to plain training, slopes, shares.

    slowdown = median seconds per step of a prover / median seconds per step of plain float training

of the same step: same widths, same batch. Plain training is NumPy's, torch's, or the faster of those
measured, which is the slowdown without further name. Nothing is extrapolated: no baseline, no ratio.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from escapement.study.raw import Cell, Study, check


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of `count` repetitions, inclusive method."""

    median: float
    q1: float
    q3: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def each(self, function: Callable[[float], float]) -> "Spread":
        """Under an increasing function."""
        return Spread(function(self.median), function(self.q1), function(self.q3), self.count)


@dataclass(frozen=True)
class Point:
    """A cell with what follows from it.

    seconds, with_last: per step, with_last with the last proof spread over the steps that it covers.
    slowdown, slowdown_with_last: by baseline, "numpy", "torch" and "faster", which `faster` names.
    estimated: seconds of the estimate over the faster baseline. shares: of a step's mean time by part, what
    no part accounts for as "rest". None or absent: not measured, or no baseline.
    """

    cell: Cell
    seconds: Spread | None
    with_last: Spread | None
    verify: Spread | None
    slowdown: Mapping[str, Spread]
    slowdown_with_last: Mapping[str, Spread]
    estimated: float | None
    faster: str | None
    shares: Mapping[str, float]

    @property
    def is_plain(self) -> bool:
        """Whether it is a baseline."""
        return self.cell.prover in BASELINES

    @property
    def proves(self) -> bool:
        """Whether it is a prover: neither a baseline nor integer training."""
        return self.cell.prover not in (*BASELINES, INTEGER)


@dataclass(frozen=True)
class Figures:
    """The study and its cells in order."""

    study: Study
    points: tuple[Point, ...]

    def on(self, axis: str) -> tuple[Point, ...]:
        """The cells of a sweep, in the raw result's order."""
        return tuple(point for point in self.points if axis in point.cell.axes)

    def unmeasured(self) -> tuple[Point, ...]:
        """The cells without a measurement."""
        return tuple(point for point in self.points if point.cell.measured is None)

    def overhead(self) -> tuple[int, int] | None:
        """(least, most) parameters between which plain training takes under twice its time at the least.

        There it takes about as long whatever it computes: a slowdown is over the calls of Python. None if
        not even the second size is.
        """
        plain: dict[int, float] = {}
        for point in self.on("parameters"):
            if point.is_plain and point.seconds is not None:
                size, median = point.cell.work.parameters, point.seconds.median
                plain[size] = min(median, plain.get(size, median))
        sizes = sorted(plain)
        under = list(takewhile(lambda size: plain[size] < 2 * plain[sizes[0]], sizes))
        return (under[0], under[-1]) if len(under) > 1 else None


def derive(result: Mapping[str, Any]) -> Figures:
    """Everything that tables and plots show. Raises InputError."""
    study = check(result)
    plain = _baselines(study.cells)
    return Figures(study, tuple(_point(cell, plain.get(_step(cell), {})) for cell in study.cells))


def fitted_slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Slope of the least-squares line through (x, y) on logarithmic axes; None with fewer than two x."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    if len(set(xs)) < 2:
        return None
    return statistics.linear_regression(xs, ys).slope


def estimate_errors(figures: Figures) -> dict[str, list[float]]:
    """Estimated over measured seconds per step by prover, of every cell that has both."""
    made: dict[str, list[float]] = {}
    for point in figures.points:
        estimate, seconds = point.cell.estimate, point.seconds
        if estimate is not None and seconds is not None:
            made.setdefault(point.cell.prover, []).append(estimate.seconds_per_step / seconds.median)
    return made


def _step(cell: Cell) -> tuple[tuple[int, ...], int]:
    return tuple(cell.work.widths), cell.work.batch


def _baselines(cells: Sequence[Cell]) -> dict[tuple[tuple[int, ...], int], dict[str, float]]:
    """Median seconds per step of plain training by step and maker; of several, the fastest."""
    made: dict[tuple[tuple[int, ...], int], dict[str, float]] = {}
    for cell in cells:
        if cell.prover in BASELINES and cell.measured is not None:
            medians = made.setdefault(_step(cell), {})
            median = Spread.of(cell.measured.seconds_per_step).median
            medians[cell.prover] = min(median, medians.get(cell.prover, median))
    return made


def _point(cell: Cell, plain: Mapping[str, float]) -> Point:
    measured = cell.measured
    bases = dict(plain)
    faster = min(plain, key=lambda name: plain[name]) if plain else None
    if faster is not None:
        bases["faster"] = plain[faster]
    seconds = Spread.of(measured.seconds_per_step) if measured else None
    with_last = None
    if measured and seconds and measured.last_seconds is not None and measured.proof_steps is not None:
        share = measured.last_seconds / measured.proof_steps
        with_last = seconds.each(lambda value: value + share)
    estimated = cell.estimate.seconds_per_step / bases["faster"] if cell.estimate and faster else None
    return Point(
        cell,
        seconds,
        with_last,
        Spread.of(measured.verify_seconds) if measured and measured.verify_seconds else None,
        _over(seconds, bases),
        _over(with_last, bases),
        estimated,
        faster,
        _shares(measured.parts, measured.seconds_per_step) if measured else {},
    )


def _shares(parts: Mapping[str, float], seconds: Sequence[float]) -> dict[str, float]:
    """Parts, which are means, of the mean step; apportioned ones leave nothing but rounding."""
    mean, total = statistics.fmean(seconds), sum(parts.values())
    if not total:
        return {}
    made: dict[str, float] = {}
    for name, value in parts.items():
        shown = NAMES.get(name, name)
        made[shown] = made.get(shown, 0.0) + value / max(mean, total)
    if total < (1 - ROUNDING) * mean:
        made[REST] = made.get(REST, 0.0) + (mean - total) / mean
    return made


def _over(seconds: Spread | None, bases: Mapping[str, float]) -> dict[str, Spread]:
    if seconds is None:
        return {}
    return {name: _divided(seconds, base) for name, base in bases.items()}


def _divided(seconds: Spread, base: float) -> Spread:
    return seconds.each(lambda value: value / base)


BASELINES = ("numpy", "torch")
INTEGER = "integer"
NAMES = {"lookups": "range checks"}  # parts that provers name differently
REST = "rest"
ROUNDING = 1e-6
