"""k steps of integer training (docs/protocol.md §3) with everything the argument is about written down.

    Z = X·W + one·bias     Z + 2^(s−1) = 2^s·((2M−1)(V+Ef) + M−1) + rho     Y = (2M−1)V + M−1
                                                                            X' = relu ? M·V : Y
    E = G·Wᵀ               E + 2^(s−1) = 2^s·(U−off + (2N−1)Ex) + sigma     dX = U−off
                                                                            G' = relu ? M·dX : dX
    last layer: G = up·(X − one·T)     W ← W − c·Xᵀ·G     bias ← bias − c·one·Σ G

Rows are (step, sample), padded to powers of two; X and G are zero outside real rows and columns, the other
tables are what follows from that. `hook(what, position, value)` lets a test cheat at any place, consistently
from there on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .field import Table
from .shape import LayerShape, Shape

Hook = Callable[[str, Any, Any], Any]
Matrix = list[list[int]]


@dataclass(frozen=True)
class Dataset:
    """Rows of d_0 integers in the program's input range, and one label each."""

    features: Matrix
    labels: list[int]


@dataclass
class Trace:
    """tables["V", l] and so on, row-major over (t, column), integers; X has l = 0..L, E has l = 2..L."""

    tables: dict[tuple[str, int], Table]
    weights: Table  # W after the last step
    patches: list[tuple[int, int]]  # (index, value) to write into F afterwards; empty if honest


def honest(what: str, position: object, value: Any) -> Any:
    """No cheating."""
    return value


def execute(
    shape: Shape, data: Dataset, indices: Sequence[int], weights: Table, hook: Hook = honest
) -> Trace:
    """The trace of one fold from the weights polynomial `weights`."""
    names = [("X", 0)]
    for l in range(1, shape.L + 1):
        names += [(name, l) for name in ("Z", "M", "V", "Ef", "rho", "X", "G")]
        names += [(name, l) for name in ("N", "U", "Ex", "sigma")] * (l < shape.L) + [("E", l)] * (l > 1)
    trace = Trace({name: [] for name in names}, list(weights), [])
    for step in range(1 << shape.lk):
        first = len(trace.tables["X", 0])
        for b in range(1 << shape.lB):
            real = hook("real", (step, b), step < shape.k and b < shape.B)
            sample = indices[step * shape.B + b] if step < shape.k and b < shape.B else 0
            _sample(shape, data, hook("sample", (step, b), sample), (step, b), real, trace, hook)
        if hook("update", step, True):
            _update(shape, trace, first)
    return trace


def _sample(
    shape: Shape, data: Dataset, n: int, at: tuple[int, int], real: bool, trace: Trace, hook: Hook
) -> None:
    """One row: forward, loss, backward."""
    row: dict[tuple[str, int], list[int]] = {}
    x = [0] * (1 << shape.columns(0))
    if real:
        x[: shape.d_0] = data.features[n]
    row["X", 0] = x
    columns: dict[int, list[bool]] = {}
    for l, layer in enumerate(shape.layers, 1):
        W, bias = hook("forward weights", (*at, l), matrix(shape, l, trace.weights))
        z = [sum(a * w for a, w in zip(x, column, strict=True)) for column in zip(*W, strict=True)]
        row["Z", l] = z = [v + shape.one * beta * real for v, beta in zip(z, bias, strict=True)]
        split = [hook("forward", (*at, l, j), split_forward(v, shape.s, layer)) for j, v in enumerate(z)]
        row["M", l], row["V", l], row["Ef", l], row["rho", l] = map(list, zip(*split, strict=True))
        columns[l] = hook("columns", (*at, l), [bool(real) and j < layer.d_out for j in range(1 << layer.b)])
        x = [output(layer, m, v) * on for (m, v, _, _), on in zip(split, columns[l], strict=True)]
        row["X", l] = x
    label = hook("label", at, data.labels[n])
    g = [
        shape.up * (v - shape.one * (j == label)) * on
        for j, (v, on) in enumerate(zip(x, columns[shape.L], strict=True))
    ]
    row["G", shape.L] = g
    for l in range(shape.L, 1, -1):
        W, _ = hook("backward weights", (*at, l), matrix(shape, l, trace.weights))
        below = shape.layer(l - 1)
        row["E", l] = e = [sum(a * w for a, w in zip(g, line, strict=True)) for line in W]
        split = [
            hook("backward", (*at, l - 1, j), split_backward(v, shape.s, below)) for j, v in enumerate(e)
        ]
        for name, values in zip(("N", "U", "Ex", "sigma"), zip(*split, strict=True), strict=True):
            row[name, l - 1] = list(values)
        gates = row["M", l - 1] if below.relu else [1] * len(e)
        g = [
            m * (u - below.offset) * on
            for m, (_, u, _, _), on in zip(gates, split, columns[l - 1], strict=True)
        ]
        row["G", l - 1] = g
    for name, values in row.items():
        trace.tables[name] += values


def _update(shape: Shape, trace: Trace, first: int) -> None:
    """W −= c·Xᵀ·G over the rows of the step that begins at element `first` of X_0."""
    start = first >> shape.columns(0)
    for l, layer in enumerate(shape.layers, 1):
        rows = range(start, start + (1 << shape.lB))
        X = [trace.tables["X", l - 1][t << layer.a : (t + 1) << layer.a] for t in rows]
        G = [trace.tables["G", l][t << layer.b : (t + 1) << layer.b] for t in rows]
        slot = shape.w_slots["W", l].offset
        for i in range(1 << layer.a):
            for j in range(1 << layer.b):
                trace.weights[slot + (i << layer.b) + j] -= shape.c * sum(
                    x[i] * g[j] for x, g in zip(X, G, strict=True)
                )
        if layer.bias:
            slot = shape.w_slots["bias", l].offset
            for j in range(1 << layer.b):
                trace.weights[slot + j] -= shape.c * shape.one * sum(g[j] for g in G)


def matrix(shape: Shape, l: int, weights: Table) -> tuple[Matrix, list[int]]:
    """W_l as rows, and its bias (zeros if it has none), padded."""
    layer, slot = shape.layer(l), shape.w_slots["W", l]
    width = 1 << layer.b
    rows = [weights[slot.offset + i * width : slot.offset + (i + 1) * width] for i in range(1 << layer.a)]
    if not layer.bias:
        return rows, [0] * width
    offset = shape.w_slots["bias", l].offset
    return rows, weights[offset : offset + width]


def split_forward(z: int, s: int, layer: LayerShape) -> tuple[int, int, int, int]:
    """(M, V, Ef, rho) of z."""
    shifted = z + (1 << (s - 1))
    quotient = shifted >> s  # floor
    m = int(quotient >= 0)
    magnitude = quotient if m else -1 - quotient
    v = min(magnitude, layer.v_max)
    return m, v, magnitude - v, shifted - (quotient << s)


def split_backward(e: int, s: int, layer: LayerShape) -> tuple[int, int, int, int]:
    """(N, U, Ex, sigma) of e."""
    shifted = e + (1 << (s - 1))
    quotient = shifted >> s
    u = min(max(quotient + layer.offset, 0), layer.u_max)
    return int(quotient >= 0), u, abs(quotient - (u - layer.offset)), shifted - (quotient << s)


def output(layer: LayerShape, m: int, v: int) -> int:
    """X from M and V."""
    return m * v if layer.relu else (2 * m - 1) * v + m - 1
