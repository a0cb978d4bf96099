"""Wesolowski's proof that y = ±x^(2^T), non-interactive (ePrint 2018/623; protocol §9): prover and verifier.

    t = SHA-256("escapement/v1/wesolowski" ‖ N ‖ x ‖ y ‖ u64(T))         everything that the statement says
    ℓ = hash_to_prime(t)                                               256 bits, deterministic
    prover:   q = ⌊2^T/ℓ⌋,   π = canonical(x^q)
    verifier: r = 2^T mod ℓ,  π^ℓ · x^r = ±y

Sound if, in Z_N*/{±1}, nobody finds ℓ-th roots of elements they chose before ℓ (adaptive root assumption).
"""

import hashlib
from pathlib import Path

import _escapement

from vdf.encoding import tag, u64
from vdf.errors import Malformed, Rejected
from vdf.group import Stop, require_squarings
from vdf.rsa.elements import Elements
from vdf.rsa.evaluation import Evaluation
from vdf.rsa.power import product, quotient_power, remainder


def prove(
    elements: Elements, evaluation: Evaluation, *, state: Path | None = None, stop: Stop | None = None
) -> bytes:
    """π for a finished evaluation, encoded; some hundredths of the evaluation's time, on all cores.

    `state` keeps the progress of long proofs; `stop()` true raises Interrupted `delay-interrupted`. The
    proof is verified before it is returned: Rejected `delay-miscomputed` if a fault of memory or disk made
    the evaluation false.
    """
    x, y, squarings = evaluation.x, evaluation.y, evaluation.squarings
    ell = challenge(elements, x, y, squarings)
    pi = quotient_power(
        elements, evaluation.stored, evaluation.layout, squarings, ell, state=state, stop=stop
    )
    try:
        verify(elements, x, y, pi, squarings)
    except (Malformed, Rejected) as error:
        raise Rejected(
            "delay-miscomputed",
            "the delay's own proof does not verify: memory or disk changed a value; delete its state and "
            "evaluate again",
        ) from error
    return pi


def verify(elements: Elements, x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
    """Check that y = ±x^(2^squarings); returns nothing, raises if it is not shown.

    `x`, `y`, `pi`: encoded elements; `squarings`: T from the verifier's own policy, 1..2^50. Whether x
    belongs to the run is the caller's to check: compute it with hash_to_element.

    Raises UsageError `delay-squarings`; the errors of Elements.decode, first all lengths, then all ranges,
    then all gcds; Rejected `delay-false`.
    """
    require_squarings(squarings)
    elements.check([("x", x), ("y", y), ("pi", pi)])
    if not holds(elements, x, y, pi, challenge(elements, x, y, squarings), squarings):
        raise Rejected("delay-false", f"π^ℓ·x^r ≠ ±y for T = {squarings}: y is not x^(2^T)")


def transcript(elements: Elements, x: bytes, y: bytes, squarings: int) -> bytes:
    """t, 32 bytes, from encoded x and y and T."""
    parts = elements.modulus_encoded + x + y + u64(squarings)
    return hashlib.sha256(tag(TRANSCRIPT_TAG) + parts).digest()


def challenge(elements: Elements, x: bytes, y: bytes, squarings: int) -> int:
    """ℓ, from encoded x and y and T."""
    return int.from_bytes(_escapement.hash_to_prime(transcript(elements, x, y, squarings)), "big")


def holds(elements: Elements, x: bytes, y: bytes, pi: bytes, ell: int, squarings: int) -> bool:
    """The equation alone: π^ℓ·x^(2^T mod ℓ) = ±y. It says nothing where ℓ came from."""
    return product(elements, [(pi, ell), (x, remainder(squarings, ell))]) == y


TRANSCRIPT_TAG = "escapement/v1/wesolowski"
