"""Grumpkin, y² = x³ − 17 over BN254's scalar field, by the textbook's affine law; py_ecc does not have it.

Its order is the prime q of BN254's coordinates, as BN254's order p is the prime of Grumpkin's: a cycle.
None is the identity.
"""

from py_ecc import optimized_bn128 as bn

P = bn.curve_order  # the field of coordinates
ORDER = bn.field_modulus
B = -17
Point = tuple[int, int] | None


def on_curve(point: Point) -> bool:
    """Canonical coordinates that satisfy the equation."""
    if point is None:
        return True
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - x**3 - B) % P == 0


def add(a: Point, b: Point) -> Point:
    """The chord and tangent."""
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] ** 2 * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar: int, point: Point) -> Point:
    """Double and add."""
    total: Point = None
    for bit in bin(scalar)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def root(square: int) -> int | None:
    """A square root modulo P by Tonelli and Shanks, as P ≡ 1 mod 2^28."""
    odd, twos = P - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    if pow(square, (P - 1) // 2, P) not in (0, 1):
        return None
    c, x, t = pow(NON_RESIDUE, odd, P), pow(square, (odd + 1) // 2, P), pow(square, odd, P)
    while t not in (0, 1):
        order, power = 0, t
        while power != 1:
            order, power = order + 1, power * power % P
        b = pow(c, 1 << (twos - order - 1), P)
        twos, c = order, b * b % P
        x, t = x * b % P, t * b * b % P
    return x


NON_RESIDUE = 5
GENERATOR: Point = (1, root(1 + B) or 0)
