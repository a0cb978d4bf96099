"""Powers modulo N by the native module: products of a few, and the one long power that a proof is.

    x^⌊2^T/ℓ⌋ = Π_s (Π_j C_j^(b_{j,s}))^(2^(κs)),   b_{j,s} = ⌊2^w·(2^(T − (Lj + κs + w)) mod ℓ)/ℓ⌋, w bits

`layout.py` says which C_j there are. Digits above T − 256 are 0 and left out.
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import _escapement
from gmpy2 import invert, mpz, powmod

from vdf.cores import usable_cores
from vdf.encoding import expand, u64
from vdf.errors import Interrupted, StorageError
from vdf.group import Stop
from vdf.record import Record, Unusable
from vdf.rsa.elements import Elements
from vdf.rsa.layout import Layout


def product(elements: Elements, powers: Sequence[tuple[bytes, int]], threads: int = 1) -> bytes:
    """±Π a^e for pairs of encoded element a and exponent 0 ≤ e < 2^512, encoded."""
    bases = [base for base, _ in powers]
    exponents = [exponent.to_bytes(-(-exponent.bit_length() // 8), "big") for _, exponent in powers]
    return elements.encode(int.from_bytes(elements.native.power(bases, exponents, threads), "big"))


def coefficients(seed: bytes, number: int) -> list[int]:
    """`number` integers of 128 bits, hashed from a seed of 32 bytes."""
    size = COEFFICIENT_BITS // 8
    data = expand(COEFFICIENTS_TAG, seed, COEFFICIENT_BITS * number)
    return [int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size)]


def remainder(squarings: int, ell: int) -> int:
    """2^T mod ℓ."""
    return int(powmod(2, squarings, ell))


def quotient_power(
    elements: Elements,
    stored: _escapement.Stored,
    layout: Layout,
    squarings: int,
    ell: int,
    *,
    state: Path | None = None,
    stop: Stop | None = None,
) -> bytes:
    """±x^⌊2^T/ℓ⌋, encoded, from the C_j of `layout`, on all cores this process may use.

    `state`: a file for the progress, saved every SAVE_SECONDS and when `stop()` is true, which raises
    Interrupted `delay-interrupted`; it is bound to stored elements and ℓ, and deleting it is the caller's.
    """
    file = _state_file(state, elements, stored, layout, squarings, ell)
    left, result = _resume(file, elements, layout)
    save_at = time.monotonic() + SAVE_SECONDS
    for inner in _inner_products(stored, layout, squarings, ell, left):
        shifted = elements.native.square_times(result, layout.kappa)
        left, result = left - 1, elements.native.multiply(shifted, inner)
        stopped = stop is not None and left > 0 and stop()
        if stopped or time.monotonic() >= save_at:
            file.save(partial(_body, left, result))
            save_at = time.monotonic() + SAVE_SECONDS
        if stopped:
            raise Interrupted("delay-interrupted", f"stopped with {left} of {layout.columns} columns to do")
    return elements.encode(int.from_bytes(result, "big"))


def _inner_products(
    stored: _escapement.Stored, layout: Layout, squarings: int, ell: int, columns: int
) -> Iterator[bytes]:
    """Π_j C_j^(b_{j,s}) for s = columns−1..0, computed some ahead on all cores."""
    step = invert(powmod(2, layout.interval, ell), ell)  # from b_{j,s} to b_{j+1,s}

    def inner(index: int) -> bytes:
        position, width = layout.column(index)
        first = squarings - position - width
        number = min(layout.count, first // layout.interval + 1) if first >= 0 else 0
        start = powmod(2, max(0, first), ell)
        return stored.digit_product(_bytes32(ell), _bytes32(start), _bytes32(step), width, number)

    threads = usable_cores()
    ahead: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for index in reversed(range(columns)):
                ahead.append(pool.submit(inner, index))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _state_file(
    path: Path | None,
    elements: Elements,
    stored: _escapement.Stored,
    layout: Layout,
    squarings: int,
    ell: int,
) -> Record:
    """The progress of this power: columns left, and the result so far."""
    binding = b""
    if path is not None:
        numbers = u64(squarings) + u64(layout.interval) + u64(layout.kappa)
        content = hashlib.sha256(stored.encode()).digest()
        binding = hashlib.sha256(elements.modulus_encoded + _bytes32(ell) + numbers + content).digest()
    return Record(path, POWER_TAG, binding, 8 + elements.element_bytes)


def _body(left: int, result: bytes) -> bytes:
    return u64(left) + result


def _resume(file: Record, elements: Elements, layout: Layout) -> tuple[int, bytes]:
    """Columns left, and the result so far. A file of another proof counts as none: only time is lost."""

    def parse(body: bytes) -> tuple[int, bytes]:
        left, result = int.from_bytes(body[:8], "big"), body[8:]
        fits = len(result) == elements.element_bytes and 0 < int.from_bytes(result, "big") < elements.modulus
        if left > layout.columns or not fits:
            raise Unusable("its parts do not fit each other")
        return left, result

    start = layout.columns, (1).to_bytes(elements.element_bytes, "big")
    try:
        return file.load(parse) or start
    except StorageError as error:
        if error.code != "delay-state-foreign":
            raise
        return start


def _bytes32(number: int | mpz) -> bytes:
    return int(number).to_bytes(32, "big")


COEFFICIENTS_TAG = "escapement/v1/coefficients"
COEFFICIENT_BITS = 128  # security: error per hash, and the order of elements that must not be known
POWER_TAG = "escapement/v1/delay-proof-state"
SAVE_SECONDS = 5.0  # knob: most work that a crash costs
