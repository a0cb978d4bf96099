"""The sums of zkml.srs against py_ecc, and the constants against what they follow from."""

import random
from typing import Any

import pytest
from gmpy2 import mpz
from py_ecc import optimized_bn128 as bn

from tests.zkml.srs.insecure import P, Q, g1, g2, lagrange, off_subgroup
from zkml.srs import field, layout, pairings, points
from zkml.srs.consistency import transform
from zkml.srs.sums import MAX_WINDOW, Combination, window_bits

DRAW = random.Random(3)


def g1_point(scalar: int) -> Any:
    x, y = map(mpz, g1(scalar))
    return x, y


def g2_point(scalar: int) -> Any:
    a, b, c, d = map(mpz, g2(scalar))
    return (a, b), (c, d)


@pytest.mark.parametrize(("add", "make"), [(field.add_g1, g1_point), (field.add_g2, g2_point)], ids="12")
def test_the_law(add: Any, make: Any) -> None:
    """Sums, doubling, inverses and the identity are py_ecc's multiples of the generator."""
    two, five, minus = make(2), make(5), make(P - 5)
    assert add(two, five) == add(five, two) == make(7)
    assert add(five, five) == make(10)
    assert add(five, minus) is None
    assert add(None, five) == add(five, None) == five
    assert add(None, None) is None


@pytest.mark.parametrize("expected", [1, 40, 1 << 20])
@pytest.mark.parametrize("bits", [128, 254])
def test_a_combination(expected: int, bits: int) -> None:
    """Whatever the windows: with s_i·a_i added up in the exponent, and edge scalars."""
    known = [DRAW.randrange(1, P) for _ in range(6)] + [1, P - 1]
    scalars = [DRAW.getrandbits(bits) for _ in range(5)] + [0, 1, (1 << bits) - 1]
    sum_ = Combination(field.add_g1, bits, expected)
    for scalar, a in zip(scalars, known, strict=True):
        sum_.take(scalar, g1_point(a))
    assert sum_.join(sum_.windows()) == g1_point(sum(s * a for s, a in zip(scalars, known, strict=True)) % P)


def test_a_combination_in_g2_and_off_its_subgroup() -> None:
    a, b, c, d = map(mpz, off_subgroup())
    outside = ((a, b), (c, d))
    sum_ = Combination(field.add_g2, 128, 4)
    scalar = DRAW.getrandbits(128)
    sum_.take(scalar, outside)
    expected = bn.multiply((bn.FQ2([int(a), int(b)]), bn.FQ2([int(c), int(d)]), bn.FQ2.one()), scalar)
    x, y = bn.normalize(expected)
    assert sum_.join(sum_.windows()) == (x.coeffs, y.coeffs)
    assert not pairings.in_subgroup(outside)
    assert pairings.in_subgroup(g2_point(12345))


def test_no_points_sum_to_the_identity() -> None:
    sum_ = Combination(field.add_g1, 128, 1)
    assert sum_.join(sum_.windows()) is None


def test_the_curves_are_py_eccs() -> None:
    assert (bn.curve_order, bn.field_modulus) == (field.P, field.Q)
    assert bn.b2.coeffs == field.B2
    assert pairings.generators() == (g1_point(1), g2_point(1))
    assert points.FROM_MONTGOMERY * 2**256 % Q == 1


def test_the_windows_are_below_the_cofactors_least_prime() -> None:
    """The order of G2's curve is p·(2q − p): a multiple of it, and not p alone, sends a point to 0."""
    cofactor = 2 * Q - P
    x = off_subgroup()
    outside = (bn.FQ2(x[:2]), bn.FQ2(x[2:]), bn.FQ2.one())
    assert bn.is_inf(bn.multiply(bn.multiply(outside, P), cofactor))
    assert min(d for d in range(2, 20000) if cofactor % d == 0) == 10069 > 1 << MAX_WINDOW
    assert all(1 <= window_bits(128, n) <= MAX_WINDOW for n in (1, 1000, 1 << 28))


@pytest.mark.parametrize("log2", [0, 1, 3])
def test_the_transform_is_evaluation_at_the_roots(log2: int) -> None:
    n = 1 << log2
    omega = pow(7, (P - 1) // n, P)
    c = [DRAW.randrange(P) for _ in range(n)]
    assert transform(c) == [sum(a * pow(omega, i * j, P) for j, a in enumerate(c)) % P for i in range(n)]


def test_lagrange_values_interpolate() -> None:
    """The tests' own closed form: Σ v_i·L_i(τ) is the polynomial at τ."""
    c, tau = [3, 1, 4, 1, 5, 9, 2, 6], 123456789
    values = sum(v * weight for v, weight in zip(transform(c), lagrange(8, tau), strict=True)) % P
    assert values == sum(a * pow(tau, i, P) for i, a in enumerate(c)) % P


def test_the_largest_lagrange_basis() -> None:
    assert (P - 1) % 2**layout.MAX_LOG2 == 0 and (P - 1) % 2 ** (layout.MAX_LOG2 + 1) != 0
    assert pow(7, (P - 1) // 2, P) == P - 1
