"""Stage C, wiring: rescale, clamp, ReLU, loss, masks and the selection of samples.

Every claim on X_l, G_l, Z_l, E_{l+1} is a weighted sum over committed tensors. Per layer, over (t, j):

    Σ A·X + Gw·Gpart + EQ·( g_z·(2^s((2M−1)(V+Ef)+M)+rho) + g_e·(2^s(U+(2N−1)Ex)+sigma)
                            + g_M(M²−M) + g_f·Ef(V_max−V) + g_N(N²−N) + g_x·Ex(U−N·U_max) )
    X = relu ? M·V : (2M−1)V+M−1
    Gpart = relu ? M(U−off) : U−off, in the last layer up·X (the targets' part is in the claim)
    A, Gw: Σ g·eq of the claims' points, masked to real rows and columns;  EQ = eq((r_t, r), (t, j)), unmasked

and over (t, column) of the dataset Σ Wt·I with I(t, ·) = D(idx_t, ·) on real rows, 0 elsewhere: one sumcheck
of degree 3. The powers γ_C^0, γ_C^1, … (the g) are consumed by layer: X claims, G claims, Z, E, zerochecks
M, Ef, N, Ex as present; then X_0's claims, then the targets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .columns import gradient_claims, real, target_names
from .field import P, Point, Table, below, bits, eq, eq_below, eq_table, powers
from .rows import Claims, Key, Points
from .shape import LayerShape, Shape
from .sumcheck import Instance, prove, verify
from .transcript import ProverTranscript, VerifierTranscript

Weighted = list[tuple[int, Point, Point]]  # coefficient, row point, column point


@dataclass
class LayerWiring:
    """One layer's instance: weights of X and G, coefficients of the terms under EQ, and the claim."""

    x: Weighted = field(default_factory=list)
    g: Weighted = field(default_factory=list)
    terms: dict[str, int] = field(default_factory=dict)  # Z, E, M, Ef, N, Ex
    claim: int = 0


@dataclass
class Wiring:
    """All instances; features and targets are the weights of the selection."""

    layers: list[LayerWiring]
    features: Weighted = field(default_factory=list)
    targets: Weighted = field(default_factory=list)
    claim: int = 0


def input_claims(shape: Shape, l: int) -> list[Key]:
    """The claims on X_l, l < L, in order."""
    out: list[Key] = [("X", l, row, "w") for row in ("rt", "s", "v")]
    return [*out, *[("X", l, "v", "r")] * (l > 0), ("X", l, "v", "i")]


def wire(shape: Shape, points: Points, v: Claims, gamma: int) -> Wiring:
    """Weights and claims of all instances, from what has been sent."""
    g: Iterator[int] = iter(powers(gamma, 16 * (shape.L + 1)))
    wiring = Wiring([LayerWiring() for _ in shape.layers])
    s, half = shape.s, 1 << (shape.s - 1)
    for l, (layer, w) in enumerate(zip(shape.layers, wiring.layers, strict=True), 1):
        tensors = dict(layer.tensors)
        for key in input_claims(shape, l) * (l < shape.L):
            w.x.append((x := next(g), *points.claim(key)))
            w.claim += x * v[key]
        for key in gradient_claims(shape, l):
            w.g.append((x := next(g), *points.claim(key)))
            w.claim += x * (v[key] + (shape.up * shape.one * v["T", *key[1:]] if l == shape.L else 0))
        w.terms["Z"] = next(g)
        w.claim += w.terms["Z"] * (v["z", l] + half + (1 << s))
        if l < shape.L:
            w.terms["E"] = next(g)
            w.claim += w.terms["E"] * (v["e", l + 1] + half + (layer.offset << s))
        w.terms |= {name: next(g) for name in ("M", "Ef", "N", "Ex") if name in tensors}
    for key in input_claims(shape, 0):
        row, column = points.claim(key)
        wiring.features.append((x := next(g), row, column))
        wiring.claim += x * (v[key] + shape.x_offset * real(shape, row) * below(column, shape.d_0))
    for key in target_names(shape):
        wiring.targets.append((x := next(g), *points.claim(("G", *key[1:]))))
        wiring.claim += x * v[key]
    return wiring


def prove_wiring(
    transcript: ProverTranscript, shape: Shape, wiring: Wiring, tables: dict[Key, Table], r: Point, rt: Point
) -> Point:
    """The point x. tables: the committed tensors, and ("I", 0)."""
    instances = []
    for l, (layer, w) in enumerate(zip(shape.layers, wiring.layers, strict=True), 1):
        names = [name for name, _ in layer.tensors]
        weights = [masked(shape, w.x, layer), masked(shape, w.g, layer), eq_table(rt + r[: layer.b])]

        def f(A: int, Gw: int, EQ: int, *values: int, l: int = l, names: list[str] = names) -> int:
            return layer_value(
                shape, l, wiring.layers[l - 1], A, Gw, EQ, dict(zip(names, values, strict=True))
            )

        instances.append(Instance(shape.lR + layer.b, weights + [tables[name, l] for name in names], f))
    selection = [selection_weights(shape, wiring), tables["I", 0]]
    instances.append(Instance(shape.lR + shape.lC, selection, lambda w, i: w * i % P))
    return prove(transcript, 3, instances)


def verify_wiring(transcript: VerifierTranscript, shape: Shape, wiring: Wiring) -> tuple[Point, int]:
    """The point x and what the sum of all instances must be there."""
    claims = [(w.claim % P, shape.lR + layer.b) for w, layer in zip(wiring.layers, shape.layers, strict=True)]
    return verify(transcript, 3, [*claims, (wiring.claim % P, shape.lR + shape.lC)])


def tensor_names(shape: Shape) -> list[Key]:
    """Message C' before ι: the committed tensors at x."""
    return [(name, l) for l, layer in enumerate(shape.layers, 1) for name, _ in layer.tensors]


def final_value(shape: Shape, wiring: Wiring, points: Points, x: Point, v: Claims, iota: int) -> int:
    """The sum of all instances at x, from the tensors' values v there."""
    theta, chi, total = x[: shape.lR], x[shape.lR :], 0
    for l, (layer, w) in enumerate(zip(shape.layers, wiring.layers, strict=True), 1):
        here = theta + chi[: layer.b]
        A, Gw = (masked_at(shape, items, layer, here) for items in (w.x, w.g))
        values = {name: v[name, l] for name, _ in layer.tensors}
        total += layer_value(shape, l, w, A, Gw, eq(points.rt + points.r[: layer.b], here), values)
    chi = chi[: shape.lC]
    lead, label = shape.lC - shape.layer(1).a, shape.lC - shape.lcl
    block = bits(shape.loff >> shape.lcl, label)
    features = eq([0] * lead, chi[:lead]) * sum(
        c * eq(row, theta) * eq_below(column, chi[lead:], shape.d_0) for c, row, column in wiring.features
    )
    targets = eq(block, chi[:label]) * sum(
        c * eq(row, theta) * eq_below(column, chi[label:], shape.classes) for c, row, column in wiring.targets
    )
    return (total + (features + targets) * iota) % P


def layer_value(shape: Shape, l: int, w: LayerWiring, A: int, Gw: int, EQ: int, t: dict[str, int]) -> int:
    """A layer's summand from the values of its weights and tensors."""
    layer, sign = shape.layer(l), 2 * t["M"] - 1
    x = t["M"] * t["V"] if layer.relu else sign * t["V"] + t["M"] - 1
    gate = t["M"] if layer.relu else 1
    g = shape.up * x if l == shape.L else gate * (t["U"] - layer.offset)
    under = w.terms["Z"] * ((sign * (t["V"] + t.get("Ef", 0)) + t["M"] << shape.s) + t["rho"])
    under += w.terms["M"] * (t["M"] ** 2 - t["M"])
    if "Ef" in t:
        under += w.terms["Ef"] * t["Ef"] * (layer.v_max - t["V"])
    if l < shape.L:
        clamp = (2 * t["N"] - 1) * t.get("Ex", 0)
        under += w.terms["E"] * ((t["U"] + clamp << shape.s) + t["sigma"])
        under += w.terms["N"] * (t["N"] ** 2 - t["N"])
    if "Ex" in t:
        under += w.terms["Ex"] * t["Ex"] * (t["U"] - t["N"] * layer.u_max)
    return (A * x + Gw * g + EQ * under) % P


def masked(shape: Shape, items: Weighted, layer: LayerShape) -> Table:
    """Σ c·eq(row, t)·eq(column, j) on real rows and columns."""
    out = [0] * (1 << shape.lR + layer.b)
    for c, row, column in items:
        rows, columns = eq_table(row), eq_table(column)
        for t in shape.real_rows():
            for j in range(layer.d_out):
                out[(t << layer.b) + j] += c * rows[t] * columns[j]
    return [a % P for a in out]


def masked_at(shape: Shape, items: Weighted, layer: LayerShape, x: Point) -> int:
    """The same at a point."""
    steps, samples, columns = x[: shape.lk], x[shape.lk : shape.lR], x[shape.lR :]
    total = 0
    for c, row, column in items:
        rows = eq_below(row[: shape.lk], steps, shape.k) * eq_below(row[shape.lk :], samples, shape.B)
        total += c * rows * eq_below(column, columns, layer.d_out)
    return total % P


def selection_weights(shape: Shape, wiring: Wiring) -> Table:
    """Wt over (t, dataset column)."""
    out = [0] * (1 << shape.lR + shape.lC)
    for items, start, width in ((wiring.features, 0, shape.d_0), (wiring.targets, shape.loff, shape.classes)):
        for c, row, column in items:
            rows, columns = eq_table(row), eq_table(column)
            for t in range(1 << shape.lR):
                for j in range(width):
                    out[(t << shape.lC) + start + j] += c * rows[t] * columns[j]
    return [a % P for a in out]


def selected(shape: Shape, indices: list[int], data: Table) -> Table:
    """I over (t, dataset column)."""
    out = [0] * (1 << shape.lR + shape.lC)
    for t, n in zip(shape.real_rows(), indices, strict=True):
        out[t << shape.lC : (t + 1) << shape.lC] = data[n << shape.lC : (n + 1) << shape.lC]
    return out
