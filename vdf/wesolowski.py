"""Wesolowski's proof that y = ±x^(2^T), non-interactive (ePrint 2018/623; protocol §9): prover and verifier.

    t = SHA-256("escapement/v1/wesolowski" ‖ N ‖ x ‖ y ‖ u64(T))         everything that the statement says
    ℓ = hash_to_prime(t)                                               256 bits, deterministic
    prover:   q = ⌊2^T/ℓ⌋,   π = canonical(x^q)
    verifier: r = 2^T mod ℓ,  π^ℓ · x^r = ±y

Sound if, in Z_N*/{±1}, nobody finds ℓ-th roots of elements they chose before ℓ (adaptive root assumption).
Prover: layout.py. Verifier: two powers of 256 bits and a hash to a prime, 1.2 ms.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice

from gmpy2 import invert, mpz, powmod

from vdf.encoding import tag, u64
from vdf.errors import Interrupted, Rejected
from vdf.evaluation import Evaluation, require_squarings
from vdf.layout import Layout, choose_layout
from vdf.prime import hash_to_prime
from vdf.rsa import Group


def prove(
    group: Group,
    evaluation: Evaluation,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> bytes:
    """π for a finished evaluation, encoded; about a fifth of the evaluation's time, none of it repeated.

    `progress(done, total)` counts digits of q; `stop()` true raises Interrupted `delay-interrupted` (the
    proof then starts anew, the evaluation does not). The proof is verified before it is returned: Rejected
    `delay-miscomputed` if a fault of memory or disk made the evaluation false.
    """
    x, y, squarings = evaluation.x, evaluation.y, evaluation.squarings
    layout = choose_layout(squarings)
    ell = challenge(group, x, y, squarings)
    size = group.element_bytes
    stored = [
        mpz(int.from_bytes(evaluation.stored[at : at + size], "big"))
        for at in range(0, layout.count * size, size)
    ]
    watch = _Watch(squarings // layout.kappa, progress, stop)
    pi = group.encode(_power(group, stored, squarings, mpz(ell), layout, watch))
    try:
        verify(group, x, y, pi, squarings)
    except Rejected as error:
        raise Rejected(
            "delay-miscomputed",
            "the delay's own proof does not verify: memory or disk changed a value; delete its state and "
            "evaluate again",
        ) from error
    return pi


def verify(group: Group, x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
    """Check that y = ±x^(2^squarings); returns nothing, raises if it is not shown.

    `x`, `y`, `pi`: encoded elements, 256 bytes each; `squarings`: T from the verifier's own policy, 1..2^50.
    Whether x belongs to the run is the caller's to check: compute it with hash_to_group.

    Raises UsageError `delay-squarings`; the errors of Group.decode, first all lengths, then all ranges,
    then all gcds; Rejected `delay-false`.
    """
    require_squarings(squarings)
    named = {"x": x, "y": y, "pi": pi}
    for name, data in named.items():
        group.check_length(name, data)
    elements = {name: group.parse(name, data) for name, data in named.items()}
    for name, element in elements.items():
        group.check_unit(name, element)
    ell = challenge(group, x, y, squarings)
    if not holds(group, **elements, ell=ell, squarings=squarings):
        raise Rejected("delay-false", f"delay: π^ℓ·x^r ≠ ±y for T = {squarings}: y is not x^(2^T)")


def challenge(group: Group, x: bytes, y: bytes, squarings: int) -> int:
    """ℓ, from encoded x and y and T."""
    modulus = group.modulus.to_bytes(group.element_bytes, "big")
    transcript = hashlib.sha256(tag(TRANSCRIPT_TAG) + modulus + x + y + u64(squarings)).digest()
    return hash_to_prime(transcript)


def holds(group: Group, x: int, y: int, pi: int, ell: int, squarings: int) -> bool:
    """The equation alone, for decoded elements: π^ℓ·x^(2^T mod ℓ) = ±y. It says nothing where ℓ came from."""
    remainder = powmod(2, squarings, ell)
    product = powmod(pi, ell, group.modulus) * powmod(x, remainder, group.modulus)
    return group.encode(int(product)) == group.encode(y)


class _Watch:
    """Calls `progress` and `stop` every few thousand digits."""

    def __init__(
        self, total: int, progress: Callable[[int, int], None] | None, stop: Callable[[], bool] | None
    ) -> None:
        self._done, self._total, self._progress, self._stop = 0, total, progress, stop

    def slices(self, elements: list[mpz], most: int) -> Iterator[list[mpz]]:
        """The first `most` elements in slices, looking up before each."""
        source = islice(elements, most)
        while part := list(islice(source, SLICE)):
            if self._stop is not None and self._stop():
                raise Interrupted("delay-interrupted", f"stopped after {self._done} of {self._total} digits")
            yield part
            self._done += len(part)
            if self._progress is not None:
                self._progress(self._done, self._total)


def _power(group: Group, stored: list[mpz], squarings: int, ell: mpz, layout: Layout, watch: _Watch) -> int:
    """x^⌊2^T/ℓ⌋ mod N from the stored C_j: for s = γ−1..0, result ← result^(2^κ)·Π_j C_j^(b_{γj+s}).

    b_i = ⌊2^κ·(2^(T−κ(i+1)) mod ℓ)/ℓ⌋. The digit above the last whole one is 0, because 2^κ < ℓ.
    """
    kappa, gamma = layout.kappa, layout.gamma
    modulus, digits = mpz(group.modulus), squarings // kappa
    step = invert(powmod(2, layout.interval, ell), ell)  # from b_{γj+s} to b_{γ(j+1)+s}
    result = mpz(1)
    for s in reversed(range(gamma)):
        buckets = [mpz(1)] * (1 << kappa)
        remainder = powmod(2, max(0, squarings - kappa * (s + 1)), ell)
        for part in watch.slices(stored, -(-(digits - s) // gamma)):
            for element in part:
                digit = int((remainder << kappa) // ell)
                buckets[digit] = buckets[digit] * element % modulus
                remainder = remainder * step % ell
        result = powmod(result, mpz(1) << kappa, modulus) * _combine(buckets, modulus) % modulus
    return int(result)


def _combine(buckets: list[mpz], modulus: mpz) -> mpz:
    """Π_b buckets[b]^b mod N with two multiplications per bucket."""
    suffix = product = mpz(1)
    for bucket in reversed(buckets[1:]):
        suffix = suffix * bucket % modulus
        product = product * suffix % modulus
    return product


TRANSCRIPT_TAG = "escapement/v1/wesolowski"
SLICE = 1 << 12  # knob: digits between two looks at `stop`, about 8 ms
