"""T squarings, one after the other: y = x^(2^T), resumable, with the elements stored that the proof needs.

Cost: 1.05 µs per squaring (gmpy2 2.3.2 on a server CPU of 2024), and what layout.py says for storing.
`progress` and `stop` are called between slices of 2^13 squarings, about 9 ms.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gmpy2 import mpz, powmod

from vdf.errors import Interrupted, UsageError
from vdf.layout import Layout, choose_layout
from vdf.rsa import Group, hash_to_group
from vdf.state import Progress, StateFile


@dataclass(frozen=True)
class Evaluation:
    """A finished delay: y = x^(2^squarings), and what `prove` needs.

    `x`, `y`: encoded elements; `squarings`: T; `stored`: the elements of layout.py, encoded one after
    another, at most 16 MiB.
    """

    x: bytes
    y: bytes
    squarings: int
    stored: bytes = field(repr=False)


def evaluate(
    group: Group,
    x: bytes,
    squarings: int,
    *,
    state: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Evaluation:
    """Compute x^(2^squarings); minutes to months, by T.

    `x`: an encoded element; `squarings`: T, 1..2^50. `state`: a file of this delay alone, saved atomically
    every few seconds, at `stop` and at the end, and continued from when it exists; deleting it is the
    caller's. `progress(done, T)` is called at the start, some ten times a second, and at the end. `stop()`
    true saves and raises Interrupted `delay-interrupted`.

    Raises UsageError `delay-squarings`; the errors of Group.decode for x; StorageError of state.py.
    """
    require_squarings(squarings)
    element = group.decode("x", x)
    layout = choose_layout(squarings)
    file = StateFile(state, group, x, squarings, layout)
    run = file.load() or Progress(0, element)
    _run(group, run, squarings, layout, file, progress, stop)
    return Evaluation(x, group.encode(run.current), squarings, bytes(run.stored))


def calibrate(group: Group, seconds: float) -> float:
    """Squarings per second of one core of this machine that does nothing else.

    Takes about `seconds` (finite, > 0); counts this thread's processor time, so that a busy machine gives
    the same answer. Raises UsageError `delay-seconds`.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise UsageError("delay-seconds", f"seconds: expected a finite number above 0, got {seconds!r}")
    element = int.from_bytes(hash_to_group(group, bytes(32)), "big")
    run, layout = Progress(0, element), Layout(kappa=SLICE, gamma=1, count=0)
    start, used = time.monotonic(), time.thread_time()
    while run.position == 0 or time.monotonic() - start < seconds:
        _advance(group, run, run.position + SLICE, layout)
    return run.position / (time.thread_time() - used)


def require_squarings(squarings: int) -> None:
    """Require an int, not a bool, of 1..2^50; raises UsageError `delay-squarings`."""
    if type(squarings) is not int or not 1 <= squarings <= MOST_SQUARINGS:
        raise UsageError(
            "delay-squarings",
            f"squarings: expected an int of 1..2^50, got {type(squarings).__name__} {squarings!r:.40}",
        )


def _run(
    group: Group,
    run: Progress,
    squarings: int,
    layout: Layout,
    file: StateFile,
    progress: Callable[[int, int], None] | None,
    stop: Callable[[], bool] | None,
) -> None:
    """Advance `run` to T, saving, reporting and heeding `stop` between slices."""
    # A KeyboardInterrupt may fall between the two assignments of a slice: such a state must not be saved, and
    # is not, because nothing is saved on the way out of an exception. At most the last seconds are repeated.
    start = run.position
    report_at = save_at = time.monotonic()
    while run.position < squarings:
        now = time.monotonic()
        if stop is not None and stop():
            file.save(run)
            raise Interrupted("delay-interrupted", f"stopped after {run.position} of {squarings} squarings")
        if progress is not None and now >= report_at:
            progress(run.position, squarings)
            report_at = now + REPORT_SECONDS
        if now >= save_at:
            file.save(run)
            save_at = now + max(SAVE_SECONDS, SAVE_SHARE * (time.monotonic() - now))
        _advance(group, run, min(run.position + SLICE, squarings), layout)
    if start < squarings:
        file.save(run)
    if progress is not None:
        progress(squarings, squarings)


def _advance(group: Group, run: Progress, until: int, layout: Layout) -> None:
    """Square up to position `until`, storing the elements at multiples of the interval."""
    modulus, current, position = mpz(group.modulus), mpz(run.current), run.position
    while position < until:
        done = position % layout.interval
        if done == 0 and position // layout.interval < layout.count:
            run.stored += int(current).to_bytes(group.element_bytes, "big")
        chunk = min(layout.interval - done, until - position)
        current = powmod(current, mpz(1) << chunk, modulus)
        position += chunk
    run.current, run.position = int(current), position


MOST_SQUARINGS = 1 << 50  # protocol §9
SLICE = 1 << 13  # knob: squarings between two looks at the clock
REPORT_SECONDS = 0.1  # knob
SAVE_SECONDS = 5.0  # knob: most work that a crash costs
SAVE_SHARE = 100  # knob: saving takes at most one part in this many
