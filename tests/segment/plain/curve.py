"""BN254's G1, y² = x³ + 3 over F_q, of prime order p, and hiding vector commitments in it (Pedersen).

    C = Σ v_i·G_i + blind·H        generators by hashing: nobody knows a relation between them

Affine points are (x, y) and None is the identity; sums are made in Jacobian coordinates (X/Z², Y/Z³).
Generator of index i: for c = 0, 1, …, the SHA-256 of the tag, u64(i), u64(c), as a little-endian integer,
has x in its low 254 bits and a sign in bit 255; the first with x < q and x³ + 3 a square counts, and y is
the root whose parity is the sign.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count

from .field import P

Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583  # field of coordinates
Affine = tuple[int, int] | None
Jacobian = tuple[int, int, int]
ZERO: Jacobian = (1, 1, 0)
TAG = b"escapement/v1/generator".ljust(32, b"\0")


@cache
def generator(index: int) -> Affine:
    """G_index."""
    for c in count():
        seed = TAG + index.to_bytes(8, "big") + c.to_bytes(8, "big")
        value = int.from_bytes(hashlib.sha256(seed).digest(), "little")
        x, sign = value & ((1 << 254) - 1), value >> 255
        square = (x**3 + 3) % Q
        y = pow(square, (Q + 1) // 4, Q)
        if x < Q and y * y % Q == square:
            return x, y if y & 1 == sign else Q - y


def generators(n: int) -> list[Affine]:
    """G_0 … G_{n−1}."""
    return [generator(i) for i in range(n)]


H_GENERATOR, U_GENERATOR = generator((1 << 64) - 1), generator((1 << 64) - 2)


def commit(values: Sequence[int], blind: int) -> Affine:
    """Σ values_i·G_i + blind·H."""
    return multi([*values, blind], [*generators(len(values)), H_GENERATOR])


def limbs(point: Affine) -> list[int]:
    """What a transcript absorbs: halves of 128 bits of x and y, low first; zeros for the identity."""
    x, y = point or (0, 0)
    return [x & LOW, x >> 128, y & LOW, y >> 128]


def on_curve(point: Affine) -> bool:
    """Coordinates below q that satisfy the equation (the order is prime: no subgroup to check)."""
    return point is None or (all(0 <= a < Q for a in point) and (point[1] ** 2 - point[0] ** 3 - 3) % Q == 0)


# --- arithmetic ---------------------------------------------------------------------------------------------


def add(*terms: tuple[int, Affine]) -> Affine:
    """Σ k·A over (k, A)."""
    return multi([k for k, _ in terms], [a for _, a in terms])


def multi(scalars: Iterable[int], points: Iterable[Affine]) -> Affine:
    """Σ k_i·A_i by buckets (Pippenger), k_i taken in (−p/2, p/2): small ones of either sign are cheap."""
    pairs = [(signed(k), a) for k, a in zip(scalars, points, strict=True)]
    pairs = [(k, a) if k > 0 else (-k, (a[0], Q - a[1])) for k, a in pairs if k and a]
    total = ZERO
    c = 1 if len(pairs) < 16 else 6  # bits of a window; with 1 it is double-and-add
    windows = -(-max((k.bit_length() for k, _ in pairs), default=0) // c)
    for window in reversed(range(windows)):
        for _ in range(c):
            total = double(total)
        buckets = [ZERO] * (1 << c)
        for k, a in pairs:
            if digit := (k >> (c * window)) & ((1 << c) - 1):
                buckets[digit] = add_affine(buckets[digit], a)
        running = ZERO
        for bucket in reversed(buckets[1:]):  # Σ digit·bucket by partial sums
            running = add_jacobian(running, bucket)
            total = add_jacobian(total, running)
    return affine(total)


def signed(k: int) -> int:
    """The representative of least absolute value."""
    k %= P
    return k - P if k > P // 2 else k


def affine(a: Jacobian) -> Affine:
    """(X/Z², Y/Z³)."""
    if a[2] == 0:
        return None
    z = pow(a[2], -1, Q)
    return a[0] * z * z % Q, a[1] * z * z * z % Q


def double(a: Jacobian) -> Jacobian:
    """2·A."""
    x, y, z = a
    yy = y * y % Q
    s, m = 4 * x * yy % Q, 3 * x * x % Q
    x2 = (m * m - 2 * s) % Q
    return x2, (m * (s - x2) - 8 * yy * yy) % Q, 2 * y * z % Q


def add_jacobian(a: Jacobian, b: Jacobian) -> Jacobian:
    """A + B."""
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    za, zb = a[2] * a[2] % Q, b[2] * b[2] % Q
    u, v = a[0] * zb % Q, b[0] * za % Q
    s, t = a[1] * zb * b[2] % Q, b[1] * za * a[2] % Q
    h, r = (v - u) % Q, (t - s) % Q
    if h == 0:
        return double(a) if r == 0 else ZERO
    hh = h * h % Q
    hhh, w = h * hh % Q, u * hh % Q
    x = (r * r - hhh - 2 * w) % Q
    return x, (r * (w - x) - s * hhh) % Q, h * a[2] * b[2] % Q


def add_affine(a: Jacobian, b: tuple[int, int]) -> Jacobian:
    """A + B with B affine and not the identity."""
    return add_jacobian(a, (b[0], b[1], 1))


LOW = (1 << 128) - 1
