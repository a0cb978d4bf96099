"""Range checks: logarithmic derivatives (Haböck, ePrint 2022/1530) by trees of fractions (2023/1284).

Relation: every looked-up pair (width_i, value_i) is in the table of pairs, because for random α, β

    Σ_i 1/(α − value_i − β·width_i) = Σ_e mult_e/(α − value(e) − β·width(e))

Table of 2^(q+1) entries: e = 2^w + v, v < 2^w, is (w, v); e = 0 repeats (0, 0).
A tree adds two fractions per node: node i has the children 2i, 2i+1 and
(p0, q0) + (p1, q1) = (p0·q1 + p1·q0, q0·q1).
Level l: Σ_i λ^{2i}P_i + λ^{2i+1}Q_i at a point pt of l coordinates, over the trees of more than l variables,
becomes a claim on the children at l+1 coordinates by a sumcheck of degree 2 whose messages leave eq out
(Gruen, 2024/108): with h(X) = Σ_rest eq·(…), claim = (1 − pt_j)·h(0) + pt_j·h(1), next claim = h(x_j).
Output: for each tree an unproven claim (point, P, Q) on its leaves. Rounds: n(n−1)/2, the larger tree's n.
"""

from dataclasses import dataclass

from .field import P, Point, Table, bind_last, eq_table, inverse, powers
from .sumcheck import interpolate
from .transcript import MESSAGE, ROUND, ProverTranscript, VerifierTranscript, need

Fractions = tuple[Table, Table]  # numerators, denominators


@dataclass(frozen=True)
class LeafClaim:
    """Numerators at `point` are p, denominators q."""

    point: Point
    p: int
    q: int


def prove(transcript: ProverTranscript, trees: list[Fractions]) -> tuple[list[Point], int]:
    """The leaf point of each tree, and the last λ, which is fresh."""
    levels = [tree_levels(tree) for tree in trees]
    (lam,) = transcript.exchange(MESSAGE, [table[0] for tree in levels for table in tree[0]], 1)
    point: Point = []
    ends: list[Point] = [[] for _ in trees]
    for l in range(max(map(len, levels)) - 1):
        active = [i for i, tree in enumerate(levels) if len(tree) > l + 1]
        coefficients = level_coefficients(lam, active)
        children = [
            side for i in active for table in levels[i][l + 1] for side in (table[0::2], table[1::2])
        ]  # a, b, c, d of every active tree
        x: Point = []
        for j in reversed(range(l)):
            eq = eq_table(point[:j])
            message = []
            for at in (0, 2):
                ends_at = [bind_last(table, at) for table in children]
                values = zip(eq, *ends_at, strict=True)
                message.append(sum(e * combine(coefficients, v) for e, *v in values) % P)
            (c,) = transcript.exchange(ROUND, message, 1)
            x.insert(0, c)
            children = [bind_last(table, c) for table in children]
        mu, lam = transcript.exchange(MESSAGE, [table[0] for table in children], 2)
        point = [*x, mu]
        for i in active:
            if len(levels[i]) == l + 2:
                ends[i] = point
    return ends, lam


def verify(transcript: VerifierTranscript, sizes: list[int]) -> tuple[list[LeafClaim], int]:
    """sizes: variables of each of the two trees. The claims on their leaves, and the last λ."""
    roots, (lam,) = transcript.receive(MESSAGE, 2 * len(sizes), 1)
    fractions = [(roots[0], roots[1]), (roots[2], roots[3])]
    (p1, q1), (p2, q2) = fractions
    need(q1 != 0 and q2 != 0, "lookup: zero denominator")
    need((p1 * q2 - p2 * q1) % P == 0, "lookup: fractions differ (value out of range)")
    point: Point = []
    claims = [LeafClaim([], p, q) for p, q in fractions]
    for l in range(max(sizes)):
        active = [i for i, size in enumerate(sizes) if size > l]
        coefficients = level_coefficients(lam, active)
        claim = (
            sum(g * claims[i].p + h * claims[i].q for i, (g, h) in zip(active, coefficients, strict=True)) % P
        )
        x: Point = []
        for j in reversed(range(l)):
            (h0, h2), (c,) = transcript.receive(ROUND, 2, 1)
            need(point[j] != 0, "lookup: zero challenge")
            h1 = (claim - (1 - point[j]) * h0) * inverse(point[j]) % P
            claim = interpolate([h0, h1, h2], c)
            x.insert(0, c)
        children, (mu, lam) = transcript.receive(MESSAGE, 4 * len(active), 2)
        need(combine(coefficients, children) == claim, "stage lookup: final value of the sumcheck")
        point = [*x, mu]
        for n, i in enumerate(active):
            a, b, c_, d = children[4 * n : 4 * n + 4]
            claims[i] = LeafClaim(point, (a + mu * (b - a)) % P, (c_ + mu * (d - c_)) % P)
    return claims, lam


def tree_levels(leaves: Fractions) -> list[Fractions]:
    """All levels, the root's first."""
    levels = [leaves]
    while len(levels[0][0]) > 1:
        p, q = levels[0]
        pairs = list(zip(p[0::2], p[1::2], q[0::2], q[1::2], strict=True))
        levels.insert(0, ([(a * d + b * c) % P for a, b, c, d in pairs], [c * d % P for _, _, c, d in pairs]))
    return levels


def level_coefficients(lam: int, active: list[int]) -> list[tuple[int, int]]:
    """λ^{2i}, λ^{2i+1} of the active trees."""
    return [tuple(powers(lam, 2 * i + 2)[2 * i :]) for i in active]


def combine(coefficients: list[tuple[int, int]], children: list[int]) -> int:
    """Σ_i λ^{2i}·(a·d + b·c) + λ^{2i+1}·c·d."""
    out = 0
    for n, (g, h) in enumerate(coefficients):
        a, b, c, d = children[4 * n : 4 * n + 4]
        out += g * (a * d + b * c) + h * c * d
    return out % P


# --- the table ----------------------------------------------------------------------------------------------


def table_entry(e: int) -> tuple[int, int]:
    """(width, value) of entry e."""
    width = max(e.bit_length() - 1, 0)
    return width, e - (1 << width) if e else 0


def table_at(z: Point) -> tuple[int, int]:
    """Width and value of the table at z: a leading one at bit b is width b, the other bits are the value."""
    width = value = 0
    none_above = 1
    for i, c in enumerate(z):
        b = len(z) - 1 - i
        leading = none_above * c % P
        width, value = (width + b * leading) % P, (value + (c << b) - (leading << b)) % P
        none_above = none_above * (1 - c) % P
    return width, value
