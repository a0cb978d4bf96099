"""Attacks on the delay: each is refused with its exact error; where one rule is what refuses it, the same
attack is shown to succeed against a verifier without that rule.

The weakened verifiers exist only here: `weak_verify` is the package's equation with another challenge.
"""

import hashlib
import math
from collections.abc import Callable
from itertools import count

import pytest
from gmpy2 import is_prime, mpz, next_prime, powmod, primorial

import vdf
from tests.vdf import plain
from vdf import Delay
from vdf.encoding import expand, tag, u64
from vdf.errors import Malformed, Rejected, UsageError, VdfError
from vdf.rsa import RsaGroup
from vdf.rsa.elements import RSA2048, Elements, hash_to_element
from vdf.rsa.evaluation import evaluate
from vdf.rsa.wesolowski import challenge, holds, prove, verify

N = RSA2048.modulus
T = 2000
FAR = 1 << 40  # a delay of about two weeks, which the forgers of this file do not wait for
Challenge = Callable[[Elements, bytes, bytes, int], int]


def honest(
    context: bytes = bytes(32), squarings: int = T, elements: Elements = RSA2048
) -> tuple[bytes, bytes, bytes]:
    x = hash_to_element(elements, context)
    done = evaluate(elements, x, squarings)
    return x, done.y, prove(elements, done)


def with_room() -> tuple[bytes, bytes, bytes]:
    """A delay whose x, y and π plus N still fit into 256 bytes: a decoder that reduces would accept those."""
    delays = (honest(bytes([index]) * 32) for index in count())
    return next(delay for delay in delays if all(int.from_bytes(e, "big") + N < 2**2048 for e in delay))


X, Y, PI = with_room()
OTHER_X, OTHER_Y, OTHER_PI = honest(b"\xff" * 32)


def refused(code: str, kind: type[VdfError], *arguments: object, elements: Elements = RSA2048) -> None:
    """By `verify`, by the check of many delays, with one, and by the plain verifier."""
    x, y, pi, squarings = arguments
    delay = Delay(x, y, pi, squarings)  # type: ignore[arg-type]
    calls: list[Callable[[], None]] = [
        lambda: verify(elements, *arguments),  # type: ignore[arg-type]
        lambda: RsaGroup("test", elements).verify_each([delay]),
    ]
    for call in calls:
        with pytest.raises(VdfError) as caught:
            call()
        assert (caught.value.code, type(caught.value)) == (code, kind)
    if kind is not UsageError:
        assert not plain.verify(x, y, pi, squarings, elements.modulus)  # type: ignore[arg-type]


def weak_verify(weak: Challenge, x: bytes, y: bytes, pi: bytes, squarings: int) -> bool:
    """The real equation and encodings, for a challenge that some other implementation might use."""
    for name, data in (("x", x), ("y", y), ("pi", pi)):
        RSA2048.decode(name, data)
    return holds(RSA2048, x, y, pi, weak(RSA2048, x, y, squarings), squarings)


def element(value: int) -> bytes:
    """256 bytes, canonical or not."""
    return value.to_bytes(256, "big")


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def power(base: bytes, exponent: int) -> bytes:
    """base^exponent in the group, negative exponents included."""
    return RSA2048.encode(int(powmod(number(base), exponent, N)))


def times(left: bytes, right: bytes) -> bytes:
    return RSA2048.encode(number(left) * number(right))


def test_the_honest_delay_is_accepted() -> None:
    verify(RSA2048, X, Y, PI, T)
    assert weak_verify(challenge, X, Y, PI, T)


# --- one honest delay, every element altered ----------------------------------------------------------

ALTERED = {
    "negated": (lambda v: element(N - number(v)), "range"),
    "plus N": (lambda v: element(number(v) + N), "range"),
    "plus 2N": (lambda v: (number(v) + 2 * N).to_bytes(257, "big"), "length"),
    "N minus 1": (lambda v: element(N - 1), "range"),
    "N": (lambda v: element(N), "range"),
    "N plus 1": (lambda v: element(N + 1), "range"),
    "zero": (lambda v: element(0), "range"),
    "all ones": (lambda v: b"\xff" * 256, "range"),
    "just above the middle": (lambda v: element((N + 1) // 2), "range"),
    "little-endian": (lambda v: b"\xff" + v[:0:-1], "range"),
    "empty": (lambda v: b"", "length"),
    "truncated": (lambda v: v[1:], "length"),
    "appended": (lambda v: v + b"\0", "length"),
    "zero in front": (lambda v: b"\0" + v, "length"),
    "a megabyte": (lambda v: v * 4096, "length"),
}


@pytest.mark.parametrize("place", ["x", "y", "pi"])
@pytest.mark.parametrize("how", ALTERED)
def test_elements_have_one_form(place: str, how: str) -> None:
    change, failure = ALTERED[how]
    elements = {"x": X, "y": Y, "pi": PI}
    elements[place] = change(elements[place])
    refused(f"delay-{place}-{failure}", Malformed, *elements.values(), T)


def test_lengths_come_before_ranges_before_gcds_before_the_equation() -> None:
    outside = element(N - 1)
    refused("delay-pi-length", Malformed, outside, outside, b"", T)
    refused("delay-y-length", Malformed, outside, PI + PI, b"", T)
    refused("delay-pi-range", Malformed, X, OTHER_Y, outside, T)
    shared = TOY.encode(P)
    refused("delay-pi-range", Malformed, shared, shared, bytes(TOY.element_bytes), T, elements=TOY)
    refused("delay-squarings", UsageError, b"", b"", b"", 0)


FALSE = {
    "y flipped": (X, Y[:-1] + bytes([Y[-1] ^ 1]), PI),
    "π flipped": (X, Y, PI[:-1] + bytes([PI[-1] ^ 1])),
    "y = 1": (X, element(1), PI),
    "π = 1": (X, Y, element(1)),
    "y = π = 1": (X, element(1), element(1)),
    "y = x": (X, X, PI),
    "π = x": (X, Y, X),
    "y and π swapped": (X, PI, Y),
    "x of another delay": (OTHER_X, Y, PI),
    "y of another delay": (X, OTHER_Y, PI),
    "π of another delay": (X, Y, OTHER_PI),
    "another delay's y and π": (X, OTHER_Y, OTHER_PI),
    "product of two delays": (X, times(Y, OTHER_Y), times(PI, OTHER_PI)),
    "y squared, π squared": (X, power(Y, 2), power(PI, 2)),
    "y inverted, π inverted": (X, power(Y, -1), power(PI, -1)),
    "x and π inverted": (power(X, -1), Y, power(PI, -1)),
    "π inverted": (X, Y, power(PI, -1)),
    "one squaring less": (X, power(X, 1 << (T - 1)), PI),
}  # fmt: skip


@pytest.mark.parametrize("how", FALSE)
def test_false_delays(how: str) -> None:
    refused("delay-false", Rejected, *FALSE[how], T)


def test_x_is_not_trivial() -> None:
    """1^(2^T) = 1 needs no time, and the equation holds."""
    one = element(1)
    assert holds(RSA2048, one, one, one, challenge(RSA2048, one, one, FAR), FAR)
    refused("delay-x-range", Malformed, one, one, one, FAR)


@pytest.mark.parametrize("squarings", [T - 1, T + 1, 1, 2 * T, FAR, 1 << 50])
def test_t_is_the_verifiers(squarings: int) -> None:
    refused("delay-false", Rejected, X, Y, PI, squarings)


@pytest.mark.parametrize("squarings", [0, -T, (1 << 50) + 1, 1 << 60, True, float(T), str(T), None])
def test_impossible_t(squarings: object) -> None:
    refused("delay-squarings", UsageError, X, Y, PI, squarings)


# --- groups whose factors or small-order elements are known ----------------------------------------------

P = next(p for p in count(2**128 + 1) if p % 3 == 1 and is_prime(p))
Q = int(next_prime(2**130))
TOY = Elements(P * Q)


def test_elements_share_no_factor_with_n() -> None:
    x, y, pi = honest(elements=TOY)
    verify(
        TOY,
        x,
        y,
        pi,
        T,
    )
    for factor in (P, Q):
        bad = TOY.encode(factor * 12345)
        refused("delay-x-unit", Rejected, bad, y, pi, T, elements=TOY)
        refused("delay-y-unit", Rejected, x, bad, pi, T, elements=TOY)
        refused("delay-pi-unit", Rejected, x, y, bad, T, elements=TOY)
        refused("delay-x-unit", Rejected, bad, bad, bad, T, elements=TOY)


def test_without_gcds_a_factor_would_be_its_own_delay() -> None:
    """e ≡ 0 mod P, 1 mod Q is idempotent: e^(2^T) = e at once, and π = e satisfies the equation."""
    idempotent = P * pow(P, -1, Q) % TOY.modulus
    e = TOY.encode(idempotent)
    assert holds(TOY, e, e, e, challenge(TOY, e, e, FAR), FAR)
    refused("delay-x-unit", Rejected, e, e, e, FAR, elements=TOY)


def test_an_element_of_low_order_forges() -> None:
    """Why the group is a quotient by ±1: who knows w of order 3 proves y·w for y. Nobody does in RSA-2048."""
    x, y, _ = honest(elements=TOY)
    w = next(w for a in count(2) if (w := pow(a, (P - 1) // 3, P)) != 1)
    w = (w * Q * pow(Q, -1, P) + P * pow(P, -1, Q)) % TOY.modulus
    assert w != 1 and pow(w, 3, TOY.modulus) == 1
    false = TOY.encode(number(y) * w)
    ell = challenge(TOY, x, false, T)
    proof = pow(number(x), (1 << T) // ell, TOY.modulus) * pow(w, pow(ell, -1, 3), TOY.modulus)
    verify(TOY, x, false, TOY.encode(proof), T)
    assert false != y


def test_minus_one_does_not_forge() -> None:
    """−1 is the low-order element of every modulus: without the quotient a delay has two outputs."""
    true = pow(number(X), 1 << T, N)
    for value, sign in ((true, 1), (N - true, -1)):
        ell = challenge(RSA2048, X, element(value), T)
        pi = sign * pow(number(X), (1 << T) // ell, N) % N
        assert pow(pi, ell, N) * pow(number(X), pow(2, T, ell), N) % N == value
        if element(value) == Y:
            verify(RSA2048, X, Y, RSA2048.encode(pi), T)
        else:
            refused("delay-y-range", Malformed, X, element(value), RSA2048.encode(pi), T)


def test_known_factors_forge() -> None:
    """What a factorisation of N would do: any delay at once. Hence no group but those of vdf.GROUPS."""
    x = hash_to_element(TOY, bytes(32))
    order = math.lcm(P - 1, Q - 1)
    y = TOY.encode(pow(number(x), pow(2, FAR, order), TOY.modulus))
    ell = challenge(TOY, x, y, FAR)
    quotient = (pow(2, FAR, order * ell) - pow(2, FAR, ell)) // ell
    verify(TOY, x, y, TOY.encode(pow(number(x), quotient, TOY.modulus)), FAR)
    with pytest.raises(UsageError) as caught:
        vdf.group("toy")
    assert caught.value.code == "delay-group"


# --- challenges that can be met without the delay -----------------------------------------------------------


def transcript(name: str, *parts: bytes) -> bytes:
    return hashlib.sha256(tag(name) + b"".join(parts)).digest()


def shortcut(x: bytes, weak: Challenge, product: int, tries: int) -> tuple[bytes, bytes]:
    """For challenges ℓ that divide `product`: y = x^s with s = 2^FAR mod product, plus multiples of it to try
    other challenges; π = x^((s − 2^FAR mod ℓ)/ℓ). No step takes longer than |product| squarings.
    """
    s, jump = pow(2, FAR, product), power(x, product)
    y = power(x, s)
    for _ in range(tries):
        ell = weak(RSA2048, x, y, FAR)
        if product % ell == 0:
            return y, power(x, (s - pow(2, FAR, ell)) // ell)
        s, y = s + product, times(y, jump)
    raise AssertionError("no challenge was met")


def composite_challenge(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
    """64 odd bits of the hash, primality not tested."""
    return number(transcript("weak", x, y, u64(squarings))[:8]) | 1


def smooth_challenge(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
    """256 bits whose primality a bad test believed: a product of primes of 16 bits."""
    seed, found = transcript("weak", x, y, u64(squarings)), 1
    for index in range(16):
        word = number(expand("weak", seed + u64(index), 16)) | 1 << 15
        found *= int(next_prime(word)) if word < 65500 else 65521
    return found


def small_challenge(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
    """A true prime, of 16 bits."""
    return int(next_prime(number(transcript("weak", x, y, u64(squarings))[:2])))


SMOOTH = int(primorial(1 << 16)) * math.prod(
    p**e for p in (3, 5, 7, 11, 13) for e in [int(40 / math.log2(p))]
)
WEAK = {
    "composite": (composite_challenge, SMOOTH, 20_000),
    "smooth": (smooth_challenge, int(primorial(1 << 16)) ** 2, 100),
    "small": (small_challenge, int(primorial(70_000)), 1),
}


@pytest.mark.parametrize("how", WEAK)
def test_challenges_that_are_not_large_primes_forge(how: str) -> None:
    """Two weeks of delay in a second of work, accepted by the weak verifier and refused by the real one."""
    weak, product, tries = WEAK[how]
    y, pi = shortcut(X, weak, product, tries)
    assert weak_verify(weak, X, y, pi, FAR)
    refused("delay-false", Rejected, X, y, pi, FAR)


def test_the_real_challenge_is_a_large_prime() -> None:
    for squarings in range(1, 60):
        ell = challenge(RSA2048, X, Y, squarings)
        assert ell.bit_length() == 256
        assert is_prime(ell, 50)
        assert SMOOTH % ell != 0


def test_the_shortcut_does_not_meet_the_real_challenge() -> None:
    with pytest.raises(AssertionError, match="no challenge was met"):
        shortcut(X, challenge, SMOOTH, 20)


# --- Fiat–Shamir inputs left out ---------------------------------------------------------------------------


def hashed(*parts: bytes) -> int:
    return plain.hash_to_prime(transcript("weak", *parts))


def test_y_missing_from_the_challenge_forges() -> None:
    """ℓ is known before y: choose π, compute y."""

    def weak(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
        return hashed(element(elements.modulus), x, u64(squarings))

    ell = weak(RSA2048, X, b"", FAR)
    pi = power(X, 123456789)
    y = times(power(pi, ell), power(X, pow(2, FAR, ell)))
    assert weak_verify(weak, X, y, pi, FAR)
    refused("delay-false", Rejected, X, y, pi, FAR)


def test_x_missing_from_the_challenge_forges() -> None:
    """ℓ is known before x: y = g^s, then x = g^a and π = g^b with bℓ + ar = s."""

    def weak(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
        return hashed(element(elements.modulus), y, u64(squarings))

    s = 987654321
    y = power(X, s)
    ell = weak(RSA2048, b"", y, FAR)
    r = pow(2, FAR, ell)
    a = s * pow(r, -1, ell) % ell
    x, pi = power(X, a), power(X, (s - a * r) // ell)
    assert weak_verify(weak, x, y, pi, FAR)
    refused("delay-false", Rejected, x, y, pi, FAR)


def test_t_missing_from_the_challenge_forges() -> None:
    """2^T mod ℓ repeats: a short delay passes for one that is longer by a multiple of 2's order mod ℓ."""

    def weak(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
        return hashed(element(elements.modulus), x, y)

    ell = weak(RSA2048, X, Y, 0)
    pi = power(X, (1 << T) // ell)
    assert weak_verify(weak, X, Y, pi, T)
    assert weak_verify(weak, X, Y, pi, T + ell - 1)
    refused("delay-false", Rejected, X, Y, pi, T)


def test_n_missing_from_the_challenge_carries_over() -> None:
    """A proof over N is one over every divisor of N: with N left out, no matter which of them was meant."""
    x = hash_to_element(TOY, bytes(32))
    y = pow(number(x), 1 << T, TOY.modulus)
    ell = hashed(x, element(y))
    pi = pow(number(x), (1 << T) // ell, TOY.modulus)
    for part in (TOY, Elements(P)):
        assert holds(part, *(part.encode(value) for value in (number(x), y, pi)), ell, T)
    assert challenge(TOY, x, TOY.encode(y), T) != challenge(Elements(P * Q + 2), x, TOY.encode(y), T)


@pytest.mark.parametrize("change", ["N", "x", "y", "T"])
def test_every_part_of_the_statement_changes_the_challenge(change: str) -> None:
    other = Elements(N - 2) if change == "N" else RSA2048
    x, y = OTHER_X if change == "x" else X, OTHER_Y if change == "y" else Y
    assert challenge(other, x, y, T + (change == "T")) != challenge(RSA2048, X, Y, T)


# --- hashing to a short element ---------------------------------------------------------------------


def test_short_inputs_are_products_of_delays_made_before() -> None:
    """Delays multiply: with x of 48 bits and a table of the primes' delays, made once and in parallel, some
    contexts have their y without one squaring after x is known. Hashing wide leaves nothing to factor.
    """
    bound, table = 1000, {}

    def short(context: bytes) -> int:
        return number(expand("weak", context, 48))

    contexts = (u64(index) + bytes(24) for index in count())
    context = next(c for c in contexts if (x := short(c)) > 1 and pow(int(primorial(bound)), 64, x) == 0)
    for p in range(2, bound):
        if is_prime(p):
            table[p] = int(powmod(p, mpz(1) << T, N))
    product, rest = 1, short(context)
    for p, delayed in table.items():
        while rest % p == 0:
            product, rest = product * delayed % N, rest // p
    x = element(short(context))
    assert rest == 1
    assert RSA2048.encode(product) == evaluate(RSA2048, x, T).y


def test_real_inputs_are_wide_and_not_smooth() -> None:
    smooth = int(primorial(1 << 16)) ** 8
    for index in range(40):
        x = number(hash_to_element(RSA2048, u64(index) + bytes(24)))
        assert x.bit_length() > 2000
        assert (x // math.gcd(x, smooth)).bit_length() > 1800
