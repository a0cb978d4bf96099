"""T squarings, one after the other: y = x^(2^T), resumable, with the elements stored that the proof needs.

The squarings run in the native module, without the interpreter's lock. `progress` and `stop` are called
between slices of about 10 ms. The state file holds plain residues, so that it may move to another machine,
whose native kernel may have another Montgomery form:

    body = position(8) ‖ interval(8) ‖ count(8) ‖ x^(2^position) ‖ stored elements         bound to N, x and T
"""

import hashlib
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import _escapement

from vdf.encoding import u64
from vdf.errors import Interrupted, UsageError
from vdf.group import Progress, Stop, require_squarings
from vdf.record import Record, Unusable
from vdf.rsa.elements import Elements
from vdf.rsa.layout import MOST_STORED, Layout, choose_layout, layout_of


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation: y = x^(2^squarings), and what its proof needs.

    `x`, `y`: encoded elements; `squarings`: T; `stored`: the elements of `layout`, in Montgomery form.
    """

    x: bytes
    y: bytes
    squarings: int
    layout: Layout
    stored: _escapement.Stored = field(repr=False, compare=False)


def evaluate(
    elements: Elements,
    x: bytes,
    squarings: int,
    *,
    state: Path | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Evaluation:
    """Compute x^(2^squarings); minutes to months, by T.

    `x`: an encoded element; `squarings`: T, 1..2^50. `state`: a file of this delay alone, saved atomically
    every few seconds, at `stop` and at the end, and continued from when it exists; deleting it is the
    caller's. `progress(done, T)` is called at the start, some ten times a second, and at the end. `stop()`
    true saves and raises Interrupted `delay-interrupted`.

    Raises UsageError `delay-squarings`; the errors of Elements.decode for x; StorageError of vdf.record.
    """
    require_squarings(squarings)
    elements.decode("x", x)
    file = state_file(state, elements, x, squarings)
    saved = file.load(partial(_parse, elements, x, squarings))
    if saved is None:
        layout = choose_layout(squarings)
        run = _escapement.Squarings(elements.native, x, layout.interval, layout.count)
    else:
        run, layout = saved
    _advance(run, layout, squarings, file, progress, stop)
    return Evaluation(
        x, elements.encode(int.from_bytes(run.current(), "big")), squarings, layout, run.stored()
    )


def state_file(path: Path | None, elements: Elements, x: bytes, squarings: int) -> Record:
    """The state file of this delay."""
    modulus = elements.modulus_encoded
    binding = hashlib.sha256(u64(len(modulus)) + modulus + x + u64(squarings)).digest()
    return Record(path, STATE_TAG, binding, 24 + (1 + MOST_STORED) * elements.element_bytes)


def measure(elements: Elements, seconds: float) -> float:
    """Squarings per second of one core, by this thread's processor time, so that other work counts little.

    `seconds`: finite, above 0; raises UsageError `delay-seconds`.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise UsageError("delay-seconds", f"seconds: expected a finite number above 0, got {seconds!r:.40}")
    element = elements.encode(3)
    run = _escapement.Squarings(elements.native, element, 1 << 62, 0)
    start, used, slice_ = time.monotonic(), time.thread_time(), FIRST_SLICE
    while run.position == 0 or time.monotonic() - start < seconds:
        slice_ = _timed(run, run.position + slice_, slice_)
    return run.position / (time.thread_time() - used)


def _advance(
    run: _escapement.Squarings,
    layout: Layout,
    squarings: int,
    file: Record,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> None:
    """Advance `run` to T, saving, reporting and heeding `stop` between slices."""
    # A KeyboardInterrupt is raised between native calls and saves nothing: at most the last seconds are lost.
    start, slice_ = run.position, FIRST_SLICE
    report_at = save_at = time.monotonic()
    while run.position < squarings:
        now = time.monotonic()
        if stop is not None and stop():
            file.save(lambda: _body(run, layout))
            raise Interrupted("delay-interrupted", f"stopped after {run.position} of {squarings} squarings")
        if progress is not None and now >= report_at:
            progress(run.position, squarings)
            report_at = now + REPORT_SECONDS
        if now >= save_at:
            file.save(lambda: _body(run, layout))
            save_at = now + max(SAVE_SECONDS, SAVE_SHARE * (time.monotonic() - now))
        slice_ = _timed(run, min(run.position + slice_, squarings), slice_)
    if start < squarings:
        file.save(lambda: _body(run, layout))
    if progress is not None:
        progress(squarings, squarings)


def _timed(run: _escapement.Squarings, until: int, slice_: int) -> int:
    """Advance, and return a slice that takes about SLICE_SECONDS."""
    start = time.monotonic()
    run.advance(until)
    taken = time.monotonic() - start
    return slice_ if taken >= SLICE_SECONDS / 2 else 2 * slice_


def _body(run: _escapement.Squarings, layout: Layout) -> bytes:
    place = u64(run.position) + u64(layout.interval) + u64(layout.count)
    return place + run.current() + run.stored_bytes()


def _parse(elements: Elements, x: bytes, squarings: int, body: bytes) -> tuple[_escapement.Squarings, Layout]:
    """The saved run, and the layout it was begun with; raises Unusable for what no run can have saved."""
    size = elements.element_bytes
    position, interval, count = (int.from_bytes(body[at : at + 8], "big") for at in (0, 8, 16))
    current, stored = body[24 : 24 + size], body[24 + size :]
    if interval == 0 or count > MOST_STORED or position > squarings:
        raise Unusable("its numbers cannot be")
    layout = layout_of(squarings, interval)
    held = stored_at(position, layout)
    if count != layout.count or len(current) != size or len(stored) != held * size:
        raise Unusable("its parts do not fit each other")
    try:
        run = _escapement.Squarings.restore(elements.native, position, current, stored, interval, count)
    except _escapement.NativeError as error:
        raise Unusable(str(error.args[1])) from error
    if not _consistent(elements, x, position, current, stored, layout):
        raise Unusable("its elements do not follow from each other")
    return run, layout


def _consistent(
    elements: Elements, x: bytes, position: int, current: bytes, stored: bytes, layout: Layout
) -> bool:
    """Whether x, a random interval, and the squarings since the last stored element come out again.

    Costs at most two intervals, below 2^−14 of a long delay; a fault that it misses, `prove` finds.
    """
    size, held = elements.element_bytes, stored_at(position, layout)

    def at(index: int) -> bytes:
        return stored[index * size : (index + 1) * size]

    if held == 0:
        return elements.native.square_times(x, position) == current
    if at(0) != x:
        return False
    since = position - (held - 1) * layout.interval  # at most an interval and the 255 bits that need no digit
    if elements.native.square_times(at(held - 1), since) != current:
        return False
    if held == 1:
        return True
    chosen = random.randrange(held - 1)
    return elements.native.square_times(at(chosen), layout.interval) == at(chosen + 1)


def stored_at(position: int, layout: Layout) -> int:
    """How many elements are stored after `position` squarings: those at multiples of the interval below."""
    return min(layout.count, -(-position // layout.interval))


STATE_TAG = "escapement/v1/delay-state"
FIRST_SLICE = 1 << 10  # knob: squarings between two looks at the clock, doubled until a slice takes
SLICE_SECONDS = 0.01  # knob
REPORT_SECONDS = 0.1  # knob
SAVE_SECONDS = 5.0  # knob: most work that a crash costs
SAVE_SHARE = 100  # knob: saving takes at most one part in this many
