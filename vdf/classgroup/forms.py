"""Binary quadratic forms (a, b, c) of discriminant D = b² − 4ac < 0, and their one encoding of 100 bytes.

Canonical: the reduced form, |b| ≤ a ≤ c, in the bytes that chiavdf serialises it to (src/bqfc.c). As −D is a
prime above 3, neither |b| = a > 1 nor a = c occurs, and no two reduced forms are equivalent.

    (1, 1): 04 00…     (2, 1): 08 00…     any other, all numbers little-endian:
    flags(1): bit 0: b < 0, bit 1: t < 0, others 0        n(1) = bytes of g, less one
    a/g (64 − n) ‖ |t/g| (32 − n) ‖ g (n + 1) ‖ ⌊|b|/(a/g)⌋ (n + 1), 0 if g = 1            g = gcd(a, t)

t is the cofactor of |b| where Euclid's algorithm on (a, |b|) has a remainder r ≤ √a: t·|b| ≡ r mod a. The
decoder finds r from r² = t²·D mod a, and b from r. Mostly it is the first such remainder; in one form of
some thousands it is another, because chiavdf (src/xgcd_partial.c, from FLINT) takes at once the steps that
the leading 63 bits decide, and stops by those bits: `_cofactor` does the same. Cost: 0.1 ms.
"""

from itertools import pairwise

from gmpy2 import gcd, invert, is_square, isqrt, mpz


class NotCanonical(ValueError):
    """Bytes that are not the canonical encoding of a form of this discriminant; the text says why."""


def decode(discriminant: int, data: bytes) -> tuple[int, int]:
    """(a, b) of the reduced form that `data` encodes; raises NotCanonical for every other string."""
    if len(data) != FORM_BYTES:
        raise NotCanonical(f"{FORM_BYTES} bytes expected, got {len(data)}")
    a, b = (mpz(SPECIAL[data[0]]), mpz(1)) if data[0] in SPECIAL else _decompressed(discriminant, data)
    c, rest = divmod(b * b - discriminant, 4 * a)
    if rest != 0:
        raise NotCanonical("not a form of this discriminant")
    if not -a < b <= a <= c or (a == c and b < 0):
        raise NotCanonical("not reduced")
    if encode(int(a), int(b)) != data:
        raise NotCanonical("another spelling of a form")
    return int(a), int(b)


def encode(a: int, b: int) -> bytes:
    """The 100 bytes of a reduced form with odd b, a < 2^512."""
    if b == 1 and a in SPECIAL.values():
        return IDENTITY if a == 1 else GENERATOR
    t = _cofactor(mpz(a), mpz(abs(b)))
    g = gcd(mpz(a), t)
    extra = (g.bit_length() + 7) // 8 - 1
    reduced_a = a // int(g)
    fields = [
        (reduced_a, A_BYTES - extra),
        (int(abs(t) // g), T_BYTES - extra),
        (int(g), extra + 1),
        (abs(b) // reduced_a if g > 1 else 0, extra + 1),
    ]
    flags = B_NEGATIVE * (b < 0) | T_NEGATIVE * (t < 0)
    return bytes([flags, extra]) + b"".join(value.to_bytes(size, "little") for value, size in fields)


def _decompressed(discriminant: int, data: bytes) -> tuple[mpz, mpz]:
    """(a, b) with a ≥ 1 that the fields lead to, of no discriminant in particular."""
    flags, extra = data[0], data[1]
    if flags > B_NEGATIVE | T_NEGATIVE or extra >= T_BYTES:
        raise NotCanonical("unknown flags or an impossible length of g")
    ends = [2, 2 + A_BYTES - extra, 2 + A_BYTES + T_BYTES - 2 * extra, FORM_BYTES - extra - 1, FORM_BYTES]
    a, t, g, multiple = (mpz(int.from_bytes(data[start:end], "little")) for start, end in pairwise(ends))
    if a == 0 or g == 0 or gcd(a, t) != 1:
        raise NotCanonical("a, g or gcd(a, t) impossible")
    square = t * t * discriminant % a
    if not is_square(square):
        raise NotCanonical("t² · D mod a is no square")
    if flags & T_NEGATIVE:
        t = -t
    remainder = isqrt(square) * invert(t, a) % a if a > 1 else mpz(0)
    b = remainder + a * multiple
    return a * g, -b if flags & B_NEGATIVE else b


def _cofactor(a: mpz, b: mpz) -> mpz:
    """t of the encoding: Euclid's algorithm on (a, b), as many steps at once as the leading words decide."""
    bound, before, last = isqrt(a), mpz(0), mpz(1)
    while b > bound:
        shift = max(0, a.bit_length() - WORD_BITS)
        p, q, r, s = _steps(int(a >> shift), int(b >> shift), int(bound >> shift))
        if q == 0:  # the words decide nothing: one division
            p, q, r, s = 0, 1, 1, -int(a // b)
        a, b = p * a + q * b, r * a + s * b
        before, last = p * before + q * last, r * before + s * last
        if a < 0:
            a, before = -a, -before
        if b < 0:
            b, last = -b, -last
    return last


def _steps(a: int, b: int, bound: int) -> tuple[int, int, int, int]:
    """(p, q, r, s): Euclid's steps from (a, b) to (p·a + q·b, r·a + s·b).

    As long as the bits cut off cannot matter and the remainder is above the bound, by these words alone.
    """
    p, q, r, s, odd = 1, 0, 0, 1, False
    while b > bound:
        quotient, rest = divmod(a, b)
        next_r, next_s = p - quotient * r, q - quotient * s
        least, gap = (next_r, next_s - s) if odd else (next_s, next_r - r)
        if rest < -least or b - rest < gap:
            break
        a, b = b, rest
        p, q, r, s, odd = r, s, next_r, next_s, not odd
    return p, q, r, s


FORM_BYTES = 100
A_BYTES, T_BYTES = 64, 32  # of a discriminant of 1024 bits
WORD_BITS = 63  # of a 64-bit word with sign: part of the format, like the rest of `_cofactor`
B_NEGATIVE, T_NEGATIVE = 1, 2
SPECIAL = {4: 1, 8: 2}  # flag alone: the a of (a, 1)
IDENTITY, GENERATOR = (bytes([flag]) + bytes(FORM_BYTES - 1) for flag in SPECIAL)
