"""Whether the points of a reference string are the powers of one τ: random combinations and pairings.

With P_i the powers in G1, Q_j those in G2, L_i the Lagrange points of a halo2 file, weights r of 128 bits
from the operating system, fresh for every check and unknown to whoever made the file:

    P_0 = G,  Q_0 = H,  P_1 ∉ {0, G}
    e(Σ r_i·P_{i+1}, H) = e(Σ r_i·P_i, Q_1)            i < n−1      so P_{i+1} = τ·P_i, τ that of Q_1
    e(G, Σ r_j·Q_{j+1}) = e(P_1, Σ r_j·Q_j)            j < n'−1     likewise in G2, where it has more than two
    Σ v_i·L_i = Σ r_i·P_i,  v_i = Σ_j r_j·ω^(ij)       i < n        so L_i = L_i(τ), as r ↦ v is bijective

Soundness: were one equation between points false, its random combination would hold with probability 2^−128
at most, as the groups have a prime order above 2^128. There are three, and the subgroup check of
`zkml.srs.pairings` beside: at most 2^−126 in all. The two sums of the first are made in one pass, and the
second sum of the third is one of the first, with one power more.

Time, measured on one core of a machine with other work: 0.3 s, 65 µs per power in G1, 160 per power in G2,
70 per Lagrange point (2^10, 2^14, 2^17 powers of a halo2 file: 0.5, 2.6, 18 s). Memory: up to 40 MB of
buckets; of a halo2 file 200 bytes per power, for the transform.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Generic

from gmpy2 import mpz

from zkml.errors import SrsError
from zkml.srs import pairings
from zkml.srs.field import G1Affine, G1Point, G2Affine, G2Point, P, add_g1, add_g2
from zkml.srs.layout import Layout, Table
from zkml.srs.points import g1_points, g2_points
from zkml.srs.sums import Add, Combination, Point

Report = Callable[[str, int, int], None]


def require_powers(file: BinaryIO, layout: Layout, powers: int, g2_powers: int, report: Report) -> None:
    """Require the first `powers` of G1 and `g2_powers` of G2 (≥ 2 each), and all Lagrange points.

    `report`: what is being read, points done, points in all. Raises SrsError, ProverMissing.
    """
    G, H = pairings.generators()
    tau_h = _start_of_g2(file, layout.g2, H)
    _, second = _start_of_g1(file, layout.g1, G)
    weights: list[int] = []
    draw = _kept(weights) if layout.lagrange else _weights()
    points = _watched(g1_points(file, layout.g1, 0, powers), layout.g1, powers, report)
    sums = _shifted(points, draw, add_g1, powers)
    if not _same_ratio_g1(sums, H, tau_h):
        _refuse_g1(file, layout, powers, H, tau_h)
    if g2_powers > 2:
        _require_g2(file, layout.g2, g2_powers, (G, second), report)
    if layout.lagrange:
        whole = add_g1(sums.low, _multiple(next(draw), sums.last))
        _require_lagrange(file, layout.lagrange, weights, whole, report)


def _start_of_g2(file: BinaryIO, table: Table, H: G2Point) -> G2Point:
    """Q_1, in the subgroup, behind Q_0 = H."""
    first, second = g2_points(file, table, 0, 2)
    if first != H:
        raise SrsError(f"{table.place(0)}: it is not the generator")
    if not pairings.in_subgroup(second):
        raise SrsError(f"{table.place(1)}: it is outside the subgroup of prime order")
    return second


def _start_of_g1(file: BinaryIO, table: Table, G: G1Point) -> tuple[G1Point, G1Point]:
    first, second = g1_points(file, table, 0, 2)
    if first != G:
        raise SrsError(f"{table.place(0)}: it is not the generator")
    if second == G:
        raise SrsError(f"{table.place(1)}: it is the generator, so tau is 1")
    return first, second


@dataclass(frozen=True)
class _Shifted(Generic[Point]):
    """Σ r_i·A_i and Σ r_i·A_{i+1} over all i but the last, with its windows; the last A."""

    low: Point | None
    high: Point | None
    last: Point
    low_windows: list[Point | None]


def _shifted(
    points: Iterator[Point], weights: Iterator[int], add: Add[Point], count: int, window_cost: int = 0
) -> _Shifted[Point]:
    low, high = (Combination(add, WEIGHT_BITS, count, cost) for cost in (window_cost, 0))
    point = next(points)
    for following in points:
        weight = next(weights)
        low.take(weight, point)
        high.take(weight, following)
        point = following
    windows = low.windows()
    return _Shifted(low.join(windows), high.join(high.windows()), point, windows)


def _same_ratio_g1(sums: _Shifted[G1Affine], H: G2Point, tau_h: G2Point) -> bool:
    return pairings.product_is_one([(sums.high, H), (pairings.negative(sums.low), tau_h)])


def _refuse_g1(file: BinaryIO, layout: Layout, powers: int, H: G2Point, tau_h: G2Point) -> None:
    """Find the first power that is wrong, by halving."""
    table = layout.g1

    def holds(start: int, stop: int) -> bool:
        points = g1_points(file, table, start, stop + 1)
        sums = _shifted(points, _weights(), add_g1, stop + 1 - start)
        return _same_ratio_g1(sums, H, tau_h)

    broken = _first_failure(holds, 0, powers - 1)
    if broken == 0 and powers > 3 and not holds(2, 3):
        raise SrsError(f"{layout.g2.place(1)}: its tau is not that of the powers in G1")
    raise SrsError(f"{table.place(broken + 1)}: it is not tau times power {broken}")


def _require_g2(
    file: BinaryIO, table: Table, count: int, first: tuple[G1Point, G1Point], report: Report
) -> None:
    G, tau_g = first

    def holds(sums: _Shifted[G2Affine]) -> bool:
        return pairings.product_is_one([(G, sums.high), (pairings.negative(tau_g), sums.low)])

    points = _watched(g2_points(file, table, 0, count), table, count, report)
    sums = _shifted(points, _weights(), add_g2, count, SUBGROUP_COST if count > DIRECT else 0)
    outside = None if count > DIRECT and _inside(sums) else _first_outside(file, table, count)
    if outside is not None:
        raise SrsError(f"{table.place(outside)}: it is outside the subgroup of prime order")
    if not holds(sums):
        broken = _first_failure(lambda i, j: holds(_sums_g2(file, table, i, j + 1)), 0, count - 1)
        raise SrsError(f"{table.place(broken + 1)}: it is not tau times power {broken}")


def _sums_g2(file: BinaryIO, table: Table, start: int, stop: int, window_cost: int = 0) -> _Shifted[G2Affine]:
    return _shifted(g2_points(file, table, start, stop), _weights(), add_g2, stop - start, window_cost)


def _inside(sums: _Shifted[G2Affine]) -> bool:
    """Whether all points are in the subgroup (`zkml.srs.pairings`)."""
    return all(map(pairings.in_subgroup, [*sums.low_windows, sums.last]))


def _first_outside(file: BinaryIO, table: Table, high: int) -> int | None:
    """The first point outside the subgroup; one by one as soon as they are few."""
    low = 0
    while high - low > DIRECT:
        middle = (low + high) // 2
        if _inside(_sums_g2(file, table, low, middle, SUBGROUP_COST)):
            low = middle
        else:
            high = middle
    points = enumerate(g2_points(file, table, low, high), low)
    return next((i for i, point in points if not pairings.in_subgroup(point)), None)


def _require_lagrange(
    file: BinaryIO, table: Table, weights: list[int], expected: G1Point, report: Report
) -> None:
    values = transform(weights)
    sum_ = Combination[G1Affine](add_g1, P.bit_length(), table.count)
    points = _watched(g1_points(file, table, 0, table.count), table, table.count, report)
    for value, point in zip(values, points, strict=True):
        sum_.take(value, point)
    if sum_.join(sum_.windows()) != expected:
        raise SrsError(
            f"bytes {table.offset} to {table.offset + table.count * table.size - 1}: "
            "the Lagrange points are not those of the powers"
        )


def transform(coefficients: list[int]) -> list[int]:
    """v_i = Σ_j c_j·ω^(ij) mod p, i < n = a power of two, ω = 7^((p−1)/n), halo2's root of unity."""
    n = len(coefficients)
    bits = n.bit_length() - 1
    values = [mpz(coefficients[int(f"{i:0{bits}b}"[::-1], 2)]) if bits else coefficients[0] for i in range(n)]
    prime, size = mpz(P), 1
    while size < n:
        root, roots = mpz(pow(GENERATOR, (P - 1) // (2 * size), P)), [mpz(1)]
        for _ in range(size - 1):
            roots.append(roots[-1] * root % prime)
        for start in range(0, n, 2 * size):
            for i, power in enumerate(roots, start):
                odd = values[i + size] * power % prime
                values[i], values[i + size] = (values[i] + odd) % prime, (values[i] - odd) % prime
        size *= 2
    return [int(value) for value in values]


def _first_failure(holds: Callable[[int, int], bool], low: int, high: int) -> int:
    """The i of low..high−1 where holds(i, i+1) first fails, if holds(low, high) does not hold."""
    while high - low > 1:
        middle = (low + high) // 2
        if holds(low, middle):
            low = middle
        else:
            high = middle
    return low


def _watched(points: Iterator[Point], table: Table, count: int, report: Report) -> Iterator[Point]:
    for done, point in enumerate(points):
        if done % REPORT_EVERY == 0:
            report(f"{table.name}s", done, count)
        yield point
    report(f"{table.name}s", count, count)


def _multiple(scalar: int, point: G1Affine) -> G1Point:
    sum_ = Combination[G1Affine](add_g1, WEIGHT_BITS, 1)
    sum_.take(scalar, point)
    return sum_.join(sum_.windows())


def _weight() -> int:
    return secrets.randbits(WEIGHT_BITS)


def _kept(kept: list[int]) -> Iterator[int]:
    """Weights without end, noted as they are drawn: memory grows with the points that were read."""
    for weight in _weights():
        kept.append(weight)
        yield weight


_weights = partial(iter, _weight, -1)  # without end

WEIGHT_BITS = 128  # security: the error of one equation is 2^−128
GENERATOR = 7  # of the field's multiplicative group, as halo2curves has it
# Knobs: multiplying by the order takes about as long as so many sums in G2; up to so many points it is done
# for each.
SUBGROUP_COST, DIRECT = 8000, 16
REPORT_EVERY = 1 << 12
