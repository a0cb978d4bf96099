"""What a study measures: cells, the sweeps that they are points of, and the named plans.

A cell is one prover (or plain training) on one step: layer widths, batch, steps per fold k, folds per segment
m, commitment scheme. A plan has one base point, and sweeps that each vary one dimension of it; no product.

Widths of a two-layer network of about P parameters: features F = 64 below 10,000, 784 below 500,000, else
1024 (powers of two and MNIST's pixels); 10 classes; hidden width the power of two for which F + 1 + 10
parameters per unit come nearest to P in ratio, at least 4. Powers of two pad least in the segment argument.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from escapement.errors import UsageError

PLAIN = ("numpy", "torch", "integer")
OURS = ("r1cs-nova", "segment")
PROVERS = (*PLAIN, *OURS, "ezkl")
AXES = ("parameters", "batch", "layers", "fold", "segment", "scheme")


@dataclass(frozen=True)
class Cell:
    """One thing to measure. scheme: "ipa", "hyperkzg", "kzg", or None for plain training.

    k and m are 1 where they mean nothing: plain training, and provers of single steps.
    """

    prover: str
    widths: tuple[int, ...]
    batch: int
    rows: int
    k: int
    m: int
    scheme: str | None
    axes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Unique in a study, and the same in every study of this format."""
        words = [self.prover, "-".join(map(str, self.widths)), f"B={self.batch}", f"n={self.rows}"]
        if self.scheme is not None:
            words += [f"k={self.k}", f"m={self.m}", self.scheme]
        return " ".join(words)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameters(self.widths)


@dataclass(frozen=True)
class Plan:
    """One base point and the values that each dimension takes around it.

    sizes: networks of the sweep over parameters; base: the network of the other sweeps; k: steps per fold of
    the base, by prover; timed: folds timed per cell, by prover, after one that is not; verifications: how
    often a proof is verified; blocks, block_seconds: of plain training, how many are timed and how long they
    are; cell_seconds: a cell estimated above it is left out; left_out: sweeps that a prover takes no part in;
    axes: the sweeps that are measured at all.
    """

    name: str
    base: tuple[int, ...]
    sizes: tuple[tuple[int, ...], ...]
    batch: int
    rows: int
    k: dict[str, int]
    m: int = 1
    batches: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()
    ks: tuple[int, ...] = ()
    ms: tuple[int, ...] = ()
    provers: tuple[str, ...] = PROVERS
    hyperkzg: bool = False
    timed: dict[str, int] = field(default_factory=lambda: dict(TIMED))
    blocks: int = 7
    verifications: int = 3
    block_seconds: float = 0.25
    cell_seconds: float = 300.0
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    axes: tuple[str, ...] = AXES


def widths_for(target: int) -> tuple[int, int, int]:
    """(features, hidden, classes) of a network of about `target` parameters, by the module's rule."""
    features = next(width for width, below in FEATURES if target < below)
    units = max(1.0, (target - CLASSES) / (features + 1 + CLASSES))
    return features, max(4, 1 << round(math.log2(units))), CLASSES


def parameters(widths: Sequence[int]) -> int:
    """Weights and biases of dense layers of these widths."""
    return sum((a + 1) * b for a, b in pairwise(widths))


def with_layers(widths: tuple[int, ...], layers: int) -> tuple[int, ...]:
    """The network with `layers` dense layers (1 or more), its first hidden width repeated."""
    return (widths[0], *widths[1:2] * (layers - 1), widths[-1])


def cells(plan: Plan) -> list[Cell]:
    """Every cell once, with all sweeps it takes part in, cheapest kind first, then by size."""
    found: dict[str, Cell] = {}
    for prover in plan.provers:
        for axis, cell in _points(plan, prover):
            if axis not in plan.axes or axis in plan.left_out.get(prover, ()):
                continue
            known = found.setdefault(cell.id, cell)
            if axis not in known.axes:
                found[cell.id] = replace(known, axes=(*known.axes, axis))
    return sorted(found.values(), key=lambda cell: (PROVERS.index(cell.prover), cell.parameters))


def _points(plan: Plan, prover: str) -> Iterator[tuple[str, Cell]]:
    """(axis, cell) of every sweep; a sweep of one point is none."""
    k, m = (plan.k[prover], plan.m) if prover in OURS else (1, 1)
    base = Cell(prover, plan.base, plan.batch, plan.rows, k, m, SCHEMES.get(prover))
    for widths in plan.sizes:
        yield "parameters", replace(base, widths=widths)
    for batch in plan.batches:
        yield "batch", replace(base, batch=batch)
    for layers in plan.layers:
        yield "layers", replace(base, widths=with_layers(plan.base, layers))
    if prover in OURS:
        for value in plan.ks:
            yield "fold", replace(base, k=value)
        for value in plan.ms:
            yield "segment", replace(base, m=value)
    if prover == "r1cs-nova" and plan.hyperkzg:
        for scheme in ("ipa", "hyperkzg"):
            yield "scheme", replace(base, scheme=scheme)


def plan_by_name(name: str) -> Plan:
    """A named plan. Raises UsageError `study-plan`."""
    if name not in PLANS:
        raise UsageError("study-plan", f"--plan: expected {' or '.join(PLANS)}, got {name!r}.")
    return PLANS[name]


CLASSES = 10
FEATURES = ((64, 10_000), (784, 500_000), (1024, math.inf))  # (features, up to this many parameters)
TIMED: dict[str, int] = {"r1cs-nova": 3, "segment": 7, "ezkl": 1}  # by what a fold costs
SCHEMES = {"r1cs-nova": "ipa", "segment": "ipa", "ezkl": "kzg"}

_REFERENCE_SIZES = (1_000, 3_000, 9_999, 30_000, 100_000, 300_000, 1_000_000)
PLANS = {
    "quick": Plan(
        name="quick",
        base=(8, 4, 3),
        sizes=((8, 4, 3), (16, 8, 3)),
        batch=2,
        rows=16,
        k={"r1cs-nova": 1, "segment": 2},
        timed={"r1cs-nova": 2, "segment": 2, "ezkl": 1},
        blocks=2,
        verifications=2,
        block_seconds=0.02,
        cell_seconds=60.0,
        ks=(1, 2),
        left_out={"r1cs-nova": ("fold",)},
    ),
    "reference": Plan(
        name="reference",
        base=widths_for(1_000),
        sizes=tuple(widths_for(size) for size in _REFERENCE_SIZES),
        batch=8,
        rows=1024,
        k={"r1cs-nova": 4, "segment": 16},
        batches=(2, 8, 16),
        layers=(1, 2, 3),
        ks=(1, 4, 16),
        ms=(1, 4, 16),
        left_out={"ezkl": ("batch", "layers")},  # minutes per cell
        cell_seconds=660.0,
    ),
}
