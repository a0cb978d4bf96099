"""py_ecc's part: generators, pairings, multiplication by the order.

Subgroup of G2. The curve's group has order p·h, h = 2q − p, which p does not divide and whose least prime
factor is 10069. A point A is in the subgroup of order p if and only if p·A = 0. Of many points at once: for
random digits d_i below 2^c ≤ 2^13, p·Σ d_i·A_i = 0. If some A_i is outside, the order of p·A_i is at least
10069 > 2^13, so at most one value of d_i makes the sum vanish, whatever the others are. Over the windows of
`zkml.srs.sums`, together 128 bits, all sums vanish with probability 2^−128 at most.
"""

import sys
from collections.abc import Iterable
from typing import Any

from zkml.errors import ProverMissing
from zkml.srs.field import G1Point, G2Point, P


def curve() -> Any:
    """py_ecc's BN254; raises ProverMissing.

    py_ecc 8 sets the interpreter's recursion limit to 100,000 when it is imported. With that, deeply nested
    input crashes parsers that would refuse it, so the limit is set back; nothing used here needs it.
    """
    limit = sys.getrecursionlimit()
    try:
        from py_ecc import optimized_bn128
    except ImportError as error:
        raise ProverMissing(
            "reference strings are checked with py_ecc, which is not installed: "
            "`make srs`, or pip install 'escapement[srs]'"
        ) from error
    finally:
        sys.setrecursionlimit(limit)
    return optimized_bn128


def generators() -> tuple[G1Point, G2Point]:
    """G and H in affine coordinates."""
    bn = curve()
    (x, y), (v, w) = bn.normalize(bn.G1), bn.normalize(bn.G2)
    return (x.n, y.n), (v.coeffs, w.coeffs)


def product_is_one(pairs: Iterable[tuple[G1Point, G2Point]]) -> bool:
    """Whether Π e(A_i, B_i) = 1; about 0.1 s per pair."""
    bn = curve()
    product = bn.FQ12.one()
    for a, b in pairs:
        product *= bn.pairing(_g2(bn, b), _g1(bn, a), final_exponentiate=False)
    return bool(bn.final_exponentiate(product) == bn.FQ12.one())


def in_subgroup(point: G2Point) -> bool:
    """Whether p·A = 0; about 0.02 s."""
    bn = curve()
    return bool(bn.is_inf(bn.multiply(_g2(bn, point), P)))


def negative(point: G1Point) -> G1Point:
    """−A."""
    return point and (point[0], -point[1])


def _g1(bn: Any, point: G1Point) -> Any:
    return bn.Z1 if point is None else (bn.FQ(int(point[0])), bn.FQ(int(point[1])), bn.FQ.one())


def _g2(bn: Any, point: G2Point) -> Any:
    if point is None:
        return bn.Z2
    x, y = (bn.FQ2([int(c[0]), int(c[1])]) for c in point)
    return x, y, bn.FQ2.one()
