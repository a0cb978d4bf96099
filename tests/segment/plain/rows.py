"""Stage A, rows: every product of matrices of the fold and the weights' update, at one row point.

Weights inside the fold are virtual: W[s] = W_0 − c·Σ_{step(t') < s} X(t')ᵀG(t'). With
ord(t', s) = eq(r_s, s)·[step(t') < s], X^(s) = Σ_b eq(r_b, b)·X((s,b)), G^ likewise, real the mask of rows,
and with one sumcheck of degree 3 to the point (v, σ):

    q_l = Σ_{t',s} ord·K_l(s,t')·G_l(t', r)
          K_l = Σ_i X^_{l−1}(s,i)·X_{l−1}(t',i) + [bias]·one²·real^(s)·real(t')
    p_l = Σ_{t',s} ord·H_l(s,t')·X_{l−1}(t', r)            l ≥ 2
          H_l = Σ_j G^_l(s,j)·G_l(t',j)
    u_0 − u_k = Σ_t c·Σ_l G_l(t,ω_j)·(pre_l·X_{l−1}(t,ω_i) + one·prebias_l)

so that z_l + c·q_l and e_l + c·p_l are products with W_0 alone (stage B). u = W(ω) over every coefficient of
the commitment: ω has n_max coordinates. r_t = (r_s, r_b) is a row point; r gives columns, r[:v] its first v.
"""

from dataclasses import dataclass, field

from .field import (
    P,
    Point,
    Table,
    below,
    eq,
    eq_table,
    evaluate,
    evaluate_padded,
    fix_columns,
    fix_rows,
    powers,
)
from .shape import Shape
from .sumcheck import Instance, prove, verify
from .transcript import MESSAGE, ProverTranscript, VerifierTranscript, need

Key = tuple[object, ...]
Claims = dict[Key, int]  # a value that was sent, by its name: ("X", l, row, column), ("z", l), …


@dataclass
class Points:
    """The points of a fold, as they become known: rows rt, s = (σ ‖ r_b), v; columns r, w, ω's parts i, j."""

    shape: Shape
    rt: Point
    r: Point
    omega: Point
    v: Point = field(default_factory=list)
    sigma: Point = field(default_factory=list)
    w: Point = field(default_factory=list)

    def row(self, name: str) -> Point:
        """Row point by name."""
        if name == "s":
            return self.sigma + self.rt[self.shape.lk :]
        return self.rt if name == "rt" else self.v

    def column(self, name: str, l: int, variables: int) -> Point:
        """Column point by name; i and j are the parts of ω that belong to W_l."""
        if name in "rw":
            return (self.r if name == "r" else self.w)[:variables]
        layer = self.shape.layer(l)
        tail = self.omega[len(self.omega) - layer.a - layer.b :]
        return tail[: layer.a] if name == "i" else tail[layer.a :]

    def claim(self, key: Key) -> tuple[Point, Point]:
        """Row and column point of a claim on X or G; ω's part of X_l is the input part of W_{l+1}."""
        tensor, l, row, column = key
        columns = self.shape.columns(l) if tensor == "X" else self.shape.layer(l).b
        return self.row(row), self.column(column, l + 1 if tensor == "X" else l, columns)


def first_names(shape: Shape) -> list[Key]:
    """Message A."""
    names: list[Key] = []
    for l, layer in enumerate(shape.layers, 1):
        names += [("z", l), ("q", l), *[("beta", l)] * layer.bias]
    for l in range(2, shape.L + 1):
        names += [("e", l), ("p", l)]
    return [*names, ("u0",), ("uk",)]


def second_names(shape: Shape) -> list[Key]:
    """Message A'."""
    names: list[Key] = []
    for l in range(1, shape.L + 1):
        names += [("K", l), ("G", l, "v", "r"), ("X", l - 1, "v", "i"), ("G", l, "v", "j")]
    for l in range(2, shape.L + 1):
        names += [("H", l), ("X", l - 1, "v", "r")]
    return names


def prove_rows(
    transcript: ProverTranscript, shape: Shape, tables: dict[Key, Table], before: Table, after: Table
) -> tuple[Points, Claims, int]:
    """tables: X, G, Z, E; before, after: W_0 and W_k. Points, claims sent and γ_B."""
    # 1. points for rows, columns and weights
    points = draw(shape, transcript.exchange(MESSAGE, [], first_length(shape)))
    rt, r, omega = points.rt, points.r, points.omega
    rs, rb = rt[: shape.lk], rt[shape.lk :]
    # 2. what the products and the corrections are there
    steps = list(enumerate(eq_table(rs)))
    order = [e * (t >> shape.lB < s) for t in range(1 << shape.lR) for s, e in steps]  # (t', s)
    gram = {
        ("K", l): grams(shape, tables["X", l - 1], rb, shape.layer(l).bias) for l in range(1, shape.L + 1)
    }
    gram |= {("H", l): grams(shape, tables["G", l], rb, False) for l in range(2, shape.L + 1)}
    g_r = {l: fix_columns(tables["G", l], r[: shape.layer(l).b]) for l in range(1, shape.L + 1)}
    x_r = {l: fix_columns(tables["X", l - 1], r[: shape.layer(l).a]) for l in range(2, shape.L + 1)}
    pairs = [(gram["K", l], spread(shape, g_r[l])) for l in range(1, shape.L + 1)]
    pairs += [(gram["H", l], spread(shape, x_r[l])) for l in range(2, shape.L + 1)]
    corrections = [sum(o * a * b for o, a, b in zip(order, *pair, strict=True)) % P for pair in pairs]
    claims: Claims = {}
    for l, layer in enumerate(shape.layers, 1):
        claims["z", l] = evaluate(tables["Z", l], rt + r[: layer.b])
        claims["q", l] = corrections[l - 1]
        if layer.bias:
            slot = shape.w_slots["bias", l]
            claims["beta", l] = evaluate(before[slot.offset : slot.offset + (1 << layer.b)], r[: layer.b])
        if l > 1:
            claims["e", l] = evaluate(tables["E", l], rt + r[: layer.a])
            claims["p", l] = corrections[shape.L + l - 2]
    claims["u0",], claims["uk",] = evaluate_padded(before, omega), evaluate_padded(after, omega)
    (gamma,) = transcript.exchange(MESSAGE, [claims[name] for name in first_names(shape)], 1)
    # 3. sumcheck
    deltas = powers(gamma, 2 * shape.L)
    update = []
    for l, layer in enumerate(shape.layers, 1):
        pre, prebias = prefixes(shape, l, omega)
        x = fix_columns(tables["X", l - 1], points.column("i", l, layer.a))
        update += [
            fix_columns(tables["G", l], points.column("j", l, layer.b)),
            [pre * a + shape.one * prebias for a in x],
        ]
    corrected = Instance(
        shape.lR + shape.lk,
        [order, *[table for pair in pairs for table in pair]],
        lambda o, *ab: o * sum(d * a * b for d, a, b in zip(deltas, ab[0::2], ab[1::2], strict=False)) % P,
    )
    updated = Instance(
        shape.lR,
        update,
        lambda *gx: deltas[-1] * shape.c * sum(g * x for g, x in zip(gx[0::2], gx[1::2], strict=True)) % P,
    )
    point = prove(transcript, 3, [corrected, updated])
    points.v, points.sigma = point[: shape.lR], point[shape.lR :]
    # 4. the factors
    for name in second_names(shape):
        if name[0] in ("K", "H"):
            claims[name] = evaluate(gram[name], point)
        else:
            row, column = points.claim(name)
            claims[name] = evaluate(tables[name[0], name[1]], row + column)
    (gamma,) = transcript.exchange(MESSAGE, [claims[name] for name in second_names(shape)], 1)
    return points, claims, gamma


def verify_rows(transcript: VerifierTranscript, shape: Shape) -> tuple[Points, Claims, int]:
    """Points, claims received and γ_B; every claim but q, p is still unproven."""
    # 1. points for rows, columns and weights
    _, challenges = transcript.receive(MESSAGE, 0, first_length(shape))
    points = draw(shape, challenges)
    # 2. what the products and the corrections are there
    names = first_names(shape)
    values, (gamma,) = transcript.receive(MESSAGE, len(names), 1)
    v: Claims = dict(zip(names, values, strict=True))
    # 3. sumcheck
    deltas = powers(gamma, 2 * shape.L)
    corrections = [v["q", l] for l in range(1, shape.L + 1)] + [v["p", l] for l in range(2, shape.L + 1)]
    claim = sum(d * c for d, c in zip(deltas, corrections, strict=False))
    update = deltas[-1] * (v["u0",] - v["uk",])
    point, value = verify(transcript, 3, [(claim, shape.lR + shape.lk), (update, shape.lR)])
    points.v, points.sigma = point[: shape.lR], point[shape.lR :]
    # 4. the factors
    names = second_names(shape)
    values, (gamma,) = transcript.receive(MESSAGE, len(names), 1)
    v |= dict(zip(names, values, strict=True))
    products = [v["K", l] * v["G", l, "v", "r"] for l in range(1, shape.L + 1)]
    products += [v["H", l] * v["X", l - 1, "v", "r"] for l in range(2, shape.L + 1)]
    final = order_at(shape, points) * sum(d * a for d, a in zip(deltas, products, strict=False))
    for l in range(1, shape.L + 1):
        pre, prebias = prefixes(shape, l, points.omega)
        final += (
            deltas[-1] * shape.c * v["G", l, "v", "j"] * (pre * v["X", l - 1, "v", "i"] + shape.one * prebias)
        )
    need(final % P == value, "stage rows: final value of the sumcheck")
    return points, v, gamma


def first_length(shape: Shape) -> int:
    """Coordinates of r_t, r and ω."""
    return shape.lR + shape.cmax + shape.n_max


def draw(shape: Shape, challenges: list[int]) -> Points:
    """r_t, r, ω."""
    rest = challenges[shape.lR :]
    return Points(shape, challenges[: shape.lR], rest[: shape.cmax], rest[shape.cmax :])


def prefixes(shape: Shape, l: int, omega: Point) -> tuple[int, int]:
    """pre_l and prebias_l: the slots' leading bits against ω's; prebias is 0 without a bias."""
    out = []
    for key in (("W", l), ("bias", l)):
        slot = shape.w_slots.get(key)
        lead = shape.n_max - slot.variables if slot else 0
        out.append(eq(slot.prefix(shape.n_max), omega[:lead]) if slot else 0)
    return out[0], out[1]


def grams(shape: Shape, table: Table, rb: Point, bias: bool) -> Table:
    """K or H over (t', s), mod p."""
    width = len(table) >> shape.lR
    lines = [table[t * width : (t + 1) * width] for t in range(1 << shape.lR)]
    steps = len(table) >> shape.lk
    hats = [fix_rows(table[s * steps : (s + 1) * steps], rb) for s in range(1 << shape.lk)]
    real = [0] * (1 << shape.lR)
    for t in shape.real_rows():
        real[t] = shape.one * bias
    weight = [shape.one * below(rb, shape.B) * (s < shape.k) for s in range(1 << shape.lk)]
    return [
        (sum(a * b for a, b in zip(hat, line, strict=True)) + one * o) % P
        for line, one in zip(lines, real, strict=True)
        for hat, o in zip(hats, weight, strict=True)
    ]


def spread(shape: Shape, table: Table) -> Table:
    """A table of rows t' as one over (t', s)."""
    return [a for a in table for _ in range(1 << shape.lk)]


def order_at(shape: Shape, points: Points) -> int:
    """ord at (v, σ): by bits of (s, step(t')), the first place where they differ has s = 1."""
    less, same = 0, 1
    for x, r, y in zip(points.sigma, points.rt, points.v, strict=False):
        here = (x * r + (1 - x) * (1 - r)) % P
        less = (less * here + same * x * r * (1 - y)) % P
        same = same * (x * r * y + (1 - x) * (1 - r) * (1 - y)) % P
    return less
