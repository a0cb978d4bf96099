"""The native kernels against GMP, and what a delay's proof and its verification cost here."""

import hashlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import _escapement
import gmpy2
from gmpy2 import mpz, powmod

from escapement.errors import INVALID, EscapementError
from vdf.classgroup.discriminant import setting
from vdf.group import Delay, Group
from vdf.rsa.elements import RSA2048, Elements
from vdf.rsa.evaluation import measure

N = mpz(RSA2048.modulus)


def check_kernel(name: str) -> int:
    """Compare a kernel with GMP modulo the RSA-2048 number; returns how many results were compared.

    Raises EscapementError `kernel-differs` (exit 1) for the first that is not GMP's.
    """
    native = Elements(RSA2048.modulus, name).native
    compared = 0

    def require(what: str, got: bytes, expected: mpz) -> None:
        nonlocal compared
        compared += 1
        if int.from_bytes(got, "big") % N not in (expected, N - expected):
            raise EscapementError(
                "kernel-differs",
                f"kernel {name}: {what} is not what GMP computes: do not use this machine for delays",
                INVALID,
            )

    samples = _samples()
    for base in samples:
        for squarings in COUNTS:
            expected = powmod(base, 1 << squarings, N)
            require(f"{squarings} squarings", native.square_times(_bytes(base), squarings), expected)
    for a, b in zip(samples, reversed(samples), strict=True):
        require("a product", native.multiply(_bytes(a), _bytes(b)), a * b % N)
        left, right = a % (1 << 512), b % (1 << 256)
        exponents = [int(left).to_bytes(64, "big"), int(right).to_bytes(32, "big")]
        got = native.power([_bytes(a), _bytes(b)], exponents)
        require("a power", got, powmod(a, left, N) * powmod(b, right, N) % N)
    return compared


def kernel_nanoseconds(name: str, seconds: float) -> float:
    """Nanoseconds per squaring, of this thread's processor time, over about `seconds`."""
    return 1e9 / measure(Elements(RSA2048.modulus, name), seconds)


def gmp_nanoseconds(seconds: float) -> float:
    """The same for gmpy2's powmod, POWMOD_SQUARINGS at a time."""
    x, exponent, done = mpz(3), mpz(1) << POWMOD_SQUARINGS, 0
    start, used = time.monotonic(), time.thread_time()
    while done == 0 or time.monotonic() - start < seconds:
        x, done = powmod(x, exponent, N), done + POWMOD_SQUARINGS
    return (time.thread_time() - used) * 1e9 / done


def gmp_version() -> str:
    """gmpy2 and the GMP under it."""
    return f"gmpy2 {gmpy2.version()}, {gmpy2.mp_version()}"


def delays(group: Group, squarings: int, number: int) -> list[Delay]:
    """So many delays, of fixed contexts."""
    contexts = [hashlib.sha256(b"escapement vdf bench" + bytes([i])).digest() for i in range(number)]
    return [group.delay(group.input(context, squarings), squarings) for context in contexts]


def overhead(group: Group, squarings: int) -> dict[str, Any]:
    """Wall time of one delay's evaluation and of its proof, their ratio; class groups make both in one."""
    evaluated = 0.0

    def note(y: bytes) -> None:
        nonlocal evaluated
        evaluated = time.perf_counter()

    x = group.input(hashlib.sha256(b"escapement vdf bench").digest(), squarings)
    start = time.perf_counter()
    group.delay(x, squarings, on_output=note)
    proof, evaluation = time.perf_counter() - evaluated, evaluated - start
    return {
        "squarings": squarings,
        "evaluation_seconds": evaluation,
        "proof_seconds": proof,
        "proof_over_evaluation": proof / evaluation,
    }


def verification(group: Group, made: list[Delay], rounds: int) -> dict[str, float]:
    """Median microseconds of verifying one delay, all of them in a batch, and all of them by one proof."""
    one, proof = made[0], group.prove_run(made)
    xs, ys = [delay.x for delay in made], [delay.y for delay in made]
    return {
        "one_microseconds": _median(lambda: group.verify(one.x, one.y, one.pi, one.squarings), rounds),
        "batch_microseconds": _median(lambda: group.verify_each(made), rounds),
        "run_microseconds": _median(lambda: group.verify_run(xs, ys, proof, one.squarings), rounds),
    }


def forget() -> None:
    """Forget the class groups of earlier delays, which a verifier meets for the first time."""
    setting.cache_clear()


def _median(work: Callable[[], None], rounds: int) -> float:
    """Microseconds of wall time."""
    times = []
    for _ in range(rounds):
        forget()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def _samples() -> list[mpz]:
    """Residues at the edges, with long runs of one bit, and some like any other."""
    edges = [mpz(1), mpz(2), N - 1, N - 2, (N - 1) // 2, (mpz(1) << 2047) - 1, mpz(1) << 1024]
    wide = [hashlib.shake_256(b"escapement vdf bench" + bytes([i])).digest(272) for i in range(25)]
    return edges + [mpz(int.from_bytes(data, "big")) % N for data in wide]


def _bytes(value: mpz) -> bytes:
    return int(value).to_bytes(256, "big")


def kernels() -> list[str]:
    """The native kernels that run on this machine."""
    return list(_escapement.kernels())


COUNTS = (1, 2, 3, 7, 64, 1000)
POWMOD_SQUARINGS = 4096  # per call: enough that the call itself costs nothing
