"""Class groups in plain integers, slow and without chiavdf: composition, powers, Wesolowski's equation.

Forms are (a, b), reduced. Cohen, Computational Algebraic Number Theory, algorithms 5.4.2 and 5.4.7.
"""

import hashlib

from gmpy2 import gcdext, is_prime, mpz

from vdf.classgroup.chain import Step
from vdf.classgroup.forms import decode

Form = tuple[int, int]
IDENTITY: Form = (1, 1)


def reduced(a: int, b: int, discriminant: int) -> Form:
    """The reduced form that is equivalent to (a, b)."""
    while True:
        b -= 2 * a * -((a - b) // (2 * a))
        c = (b * b - discriminant) // (4 * a)
        if a <= c:
            assert -a < b <= a and b * b - 4 * a * c == discriminant
            return int(a), int(abs(b) if a == c else b)
        a, b = c, -b


def compose(left: Form, right: Form, discriminant: int) -> Form:
    (a1, b1), (a2, b2) = left, right
    s, c2 = (b1 + b2) // 2, (b2 * b2 - discriminant) // (4 * a2)
    first, _, v = gcdext(mpz(a1), mpz(a2))
    d, p, w = gcdext(first, mpz(s))
    b = b2 + 2 * (a2 // d) * (p * v * (s - b2) - w * c2)
    return reduced(a1 * a2 // d**2, b, discriminant)


def power(base: Form, exponent: int, discriminant: int) -> Form:
    """base^exponent, negative exponents included."""
    if exponent < 0:
        base, exponent = inverse(base), -exponent
    result = IDENTITY
    for digit in bin(exponent)[2:]:
        result = compose(result, result, discriminant)
        if digit == "1":
            result = compose(result, base, discriminant)
    return result


def inverse(form: Form) -> Form:
    a, b = form
    return (a, b) if a == b else (a, -b)


def hash_prime(seed: bytes, bits: int, ones: tuple[int, ...]) -> int:
    """Chia's, with the seed as a list of bytes that is counted up."""
    counter, mask = list(seed), 1
    for bit in ones:
        mask |= 1 << bit
    while True:
        blob = b""
        while len(blob) * 8 < bits:
            for at in reversed(range(len(counter))):
                counter[at] = (counter[at] + 1) % 256
                if counter[at]:
                    break
            blob += hashlib.sha256(bytes(counter)).digest()
        candidate = int.from_bytes(blob[: bits // 8], "big") | mask
        if is_prime(candidate, 50):
            return candidate


def challenge(x: bytes, y: bytes) -> int:
    """Chia's B of two encoded forms."""
    return hash_prime(x + y, 264, (263,))


def holds(discriminant: int, x: Form, y: Form, pi: Form, ell: int, squarings: int) -> bool:
    """π^ℓ · x^(2^T mod ℓ) = y."""
    left = power(pi, ell, discriminant)
    return compose(left, power(x, pow(2, squarings, ell), discriminant), discriminant) == y


def step_holds(discriminant: int, step: Step) -> bool:
    """Chia's verification of a sub-delay."""
    x, y, pi = (decode(discriminant, form) for form in (step.x, step.y, step.pi))
    return holds(discriminant, x, y, pi, challenge(step.x, step.y), step.squarings)
