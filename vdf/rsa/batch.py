"""Many delays of equal T at once: checked in one equation, or proven by one element (ePrint 2021/1209).

    t_i = transcript of delay i (wesolowski.py), n delays
    coefficients of 128 bits, from a seed: one after the other from expand("escapement/v1/coefficients", seed)

**With their own proofs** (`verify_each`): β from SHA-256("escapement/v1/batch" ‖ u64(n) ‖ all t_i ‖ all π_i),

    Π (π_i^ℓ_i · x_i^(2^T mod ℓ_i))^β_i = ±Π y_i^β_i

**With one proof for all** (`prove_run`, `verify_run`): u = SHA-256("escapement/v1/wesolowski-run" ‖ u64(n) ‖
all t_i), α and ℓ from u, X = Π x_i^α_i, Y = Π y_i^α_i,

    π = X^⌊2^T/ℓ⌋          π^ℓ · X^(2^T mod ℓ) = ±Y

The prover says nothing between learning α and ℓ, so one hash gives both. If y_i = e_i·x_i^(2^T) with an
e_i ≠ ±1, two values of one coefficient that both pass, the others fixed, give e_i^d = ±1 for some
0 < d < 2^128. So either an element of low order was found, which would break single proofs as well, or one
hash in 2^128 passes; and the combined statement is a single one, with the error of a single proof. Without
coefficients, y_0·w and y_1/w pass.
"""

import hashlib
from collections.abc import Sequence

import _escapement

from vdf.cores import usable_cores
from vdf.encoding import tag, u64
from vdf.errors import Malformed, Rejected, VdfError
from vdf.group import Delay, common_squarings, require_pairs, require_squarings
from vdf.rsa import kept
from vdf.rsa.elements import Elements
from vdf.rsa.power import coefficients, product, quotient_power, remainder
from vdf.rsa.wesolowski import holds, transcript


def verify_each(elements: Elements, delays: Sequence[Delay]) -> None:
    """Check many delays of equal T by their own proofs; an error names the first false one.

    Raises what wesolowski.verify raises, with "delay i: " before the message; UsageError `delay-batch` for
    no delay, or for unequal T.
    """
    squarings = common_squarings(delays)
    _check(elements, [[("x", delay.x), ("y", delay.y), ("pi", delay.pi)] for delay in delays])
    transcripts = [transcript(elements, delay.x, delay.y, squarings) for delay in delays]
    primes = [int.from_bytes(prime, "big") for prime in _escapement.hash_to_primes(transcripts)]
    proofs = b"".join(delay.pi for delay in delays)
    seed = hashlib.sha256(tag(BATCH_TAG) + u64(len(delays)) + b"".join(transcripts) + proofs).digest()
    betas = coefficients(seed, len(delays))
    left = []
    for delay, ell, beta in zip(delays, primes, betas, strict=True):
        left += [(delay.pi, ell * beta), (delay.x, remainder(squarings, ell) * beta)]
    right = [(delay.y, beta) for delay, beta in zip(delays, betas, strict=True)]
    if product(elements, left, usable_cores()) == product(elements, right, usable_cores()):
        return
    for index, (delay, ell) in enumerate(zip(delays, primes, strict=True)):
        if not holds(elements, delay.x, delay.y, delay.pi, ell, squarings):
            raise Rejected(
                "delay-false", f"delay {index}: π^ℓ·x^r ≠ ±y for T = {squarings}: y is not x^(2^T)"
            )
    raise Rejected("delay-false", "every delay holds, their product does not: this machine miscomputed")


def prove_run(elements: Elements, delays: Sequence[Delay]) -> bytes:
    """One π for delays of equal T, from what is `kept` of each (kept.py).

    Raises UsageError `delay-batch`; Rejected `delay-miscomputed` if the proof is false, with the delay whose
    kept elements are; StorageError `delay-file-unreadable`.
    """
    squarings = common_squarings(delays)
    xs, ys = [delay.x for delay in delays], [delay.y for delay in delays]
    alphas, ell = _challenges(elements, xs, ys, squarings)
    try:
        layout, stored = kept.combine(elements, delays, alphas)
        pi = quotient_power(elements, stored, layout, squarings, ell)
        verify_run(elements, xs, ys, pi, squarings)
    except (Malformed, Rejected, _escapement.NativeError) as error:  # native: a kept element is none
        for index, delay in enumerate(delays):
            try:
                kept.check(elements, delay.x, squarings, delay.load_kept())
            except Rejected as wrong:
                raise Rejected(wrong.code, f"delay {index}: {wrong}") from error
        raise Rejected(
            "delay-miscomputed",
            "the proof of all delays does not verify, though what it is made from is right: this machine "
            "miscomputed, or an output is false; repeat the call",
        ) from error
    return pi


def verify_run(
    elements: Elements, xs: Sequence[bytes], ys: Sequence[bytes], pi: bytes, squarings: int
) -> None:
    """Check that y_i = ±x_i^(2^T) for all i by one proof.

    Raises UsageError `delay-squarings`, `delay-batch`; the errors of Elements.decode, with "delay i: " before
    the message for x and y; Rejected `delay-false`, which cannot name the false one.
    """
    require_squarings(squarings)
    require_pairs(xs, ys)
    elements.check([("pi", pi)])
    _check(elements, [[("x", x), ("y", y)] for x, y in zip(xs, ys, strict=True)])
    alphas, ell = _challenges(elements, xs, ys, squarings)
    threads = usable_cores()
    base = product(elements, list(zip(xs, alphas, strict=True)), threads)
    output = product(elements, list(zip(ys, alphas, strict=True)), threads)
    if not holds(elements, base, output, pi, ell, squarings):
        raise Rejected(
            "delay-false", f"one of {len(xs)} delays is false: an y is not x^(2^T), T = {squarings}"
        )


def _challenges(
    elements: Elements, xs: Sequence[bytes], ys: Sequence[bytes], squarings: int
) -> tuple[list[int], int]:
    """α and ℓ of a run."""
    transcripts = (transcript(elements, x, y, squarings) for x, y in zip(xs, ys, strict=True))
    u = hashlib.sha256(tag(RUN_TAG) + u64(len(xs)) + b"".join(transcripts)).digest()
    return coefficients(u, len(xs)), int.from_bytes(_escapement.hash_to_prime(u), "big")


def _check(elements: Elements, delays: Sequence[Sequence[tuple[str, bytes]]]) -> None:
    """Elements.check for all of them; an error names the first delay that has one."""
    try:
        elements.check([item for delay in delays for item in delay])
    except VdfError:
        for index, delay in enumerate(delays):
            try:
                elements.check(delay)
            except VdfError as error:
                raise type(error)(error.code, f"delay {index}: {error}") from error
        raise


BATCH_TAG = "escapement/v1/batch"
RUN_TAG = "escapement/v1/wesolowski-run"
