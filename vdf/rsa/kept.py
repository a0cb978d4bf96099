"""What is kept of a delay for the proof of its run: some of the elements that its evaluation stored.

    kept = L (8 bytes) ‖ C_0 ‖ C_1 ‖ …        C_j = x^(2^(L·j)), encoded, for L·j ≤ T − 256; 512 KiB at most

`check` finds a wrong one without the evaluation: with hashed coefficients β, C_0 = ±x and
(Π C_j^β_j)^(2^L) = ±Π C_{j+1}^β_j. Cost: L squarings, about T/2^11 at most, and two products.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import _escapement

from vdf.cores import usable_cores
from vdf.encoding import u64
from vdf.errors import Rejected, UsageError
from vdf.group import Delay
from vdf.rsa.elements import Elements
from vdf.rsa.evaluation import Evaluation
from vdf.rsa.layout import Layout, layout_of, stride
from vdf.rsa.power import coefficients, product


def keep(elements: Elements, done: Evaluation) -> bytes:
    """What to keep of an evaluation, checked. Raises Rejected `delay-miscomputed`."""
    step, size, stored = stride(done.layout), elements.element_bytes, done.stored.encode()
    chosen = (stored[at : at + size] for at in range(0, len(stored), step * size))
    encoded = b"".join(elements.encode(int.from_bytes(element, "big")) for element in chosen)
    kept = u64(done.layout.interval * step) + encoded
    check(elements, done.x, done.squarings, kept)
    return kept


def check(elements: Elements, x: bytes, squarings: int, kept: bytes) -> Layout:
    """Require that `kept` holds the elements of x; their layout. Raises Rejected `delay-miscomputed`."""
    layout = layout_of(squarings, int.from_bytes(kept[:8], "big"))
    size = elements.element_bytes
    column = [kept[at : at + size] for at in range(8, len(kept), size)]
    fits = len(column) == layout.count and len(kept) == 8 + layout.count * size
    if not fits or (column and column[0] != x) or not _follow(elements, column, layout.interval):
        raise Rejected(
            "delay-miscomputed",
            "the elements kept for the proof of the run are not the delay's: memory or disk changed one; "
            "remove the delay's files and evaluate it again",
        )
    return layout


def combine(
    elements: Elements, delays: Sequence[Delay], alphas: Sequence[int]
) -> tuple[Layout, _escapement.Stored]:
    """Π_i C_{i,j}^α_i for every j, which the evaluation of Π x_i^α_i would have stored, and their layout.

    Reads CHUNK delays at a time. Raises UsageError `delay-batch` if the intervals differ.
    """
    layout = layout_of(delays[0].squarings, int.from_bytes(delays[0].load_kept()[:8], "big"))
    expected, combined = (u64(layout.interval), 8 + layout.count * elements.element_bytes), list[bytes]()
    for at in range(0, len(delays), CHUNK):
        chunk = [delay.load_kept() for delay in delays[at : at + CHUNK]]
        if {(kept[:8], len(kept)) for kept in chunk} != {expected}:
            raise UsageError(
                "delay-batch",
                f"delays {at} to {at + len(chunk) - 1}: their kept elements are not all those of one layout; "
                "were some made by another version? Evaluate these again",
            )
        combined = combined or [elements.encode(1)] * layout.count  # no sooner: the count may be false
        combined = _multiplied(elements, combined, chunk, alphas[at : at + CHUNK])
    return layout, _escapement.Stored.decode(elements.native, b"".join(combined))


def _multiplied(
    elements: Elements, combined: Sequence[bytes], chunk: Sequence[bytes], alphas: Sequence[int]
) -> list[bytes]:
    size = elements.element_bytes

    def one(j: int) -> bytes:
        at = 8 + j * size
        column = [(kept[at : at + size], alpha) for kept, alpha in zip(chunk, alphas, strict=True)]
        return product(elements, [(combined[j], 1), *column])

    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(one, range(len(combined))))


def _follow(elements: Elements, column: Sequence[bytes], interval: int) -> bool:
    """Whether every element is the one before it, squared `interval` times."""
    if len(column) < 2:
        return True
    try:
        betas = coefficients(hashlib.sha256(b"".join(column)).digest(), len(column) - 1)
        below = product(elements, list(zip(column[:-1], betas, strict=True)), usable_cores())
        above = product(elements, list(zip(column[1:], betas, strict=True)), usable_cores())
        squared = elements.native.square_times(below, interval)
    except _escapement.NativeError:  # one of them is no element
        return False
    return elements.encode(int.from_bytes(squared, "big")) == above


CHUNK = 128  # knob: delays read at once, 64 MiB at most
