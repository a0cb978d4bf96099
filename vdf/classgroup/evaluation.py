"""The prover: sub-delay after sub-delay in one native process, each checked as it comes and saved.

    state file: body = y_0 ‖ π_0 ‖ y_1 ‖ π_1 ‖ …        bound to x, T and the first sub-delay's length

A stop or a crash loses the sub-delay under way, at most S squarings (`chain`): six seconds of work up to
T = 2^28, then T/256, 25 minutes at most. Continuing checks what is saved: 4 ms per sub-delay, up to 4096.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vdf.classgroup.chain import Step
from vdf.classgroup.client import Worker, WorkerDied, WorkerSilent
from vdf.classgroup.discriminant import Setting, setting
from vdf.classgroup.forms import FORM_BYTES, NotCanonical, decode
from vdf.encoding import u64
from vdf.errors import Interrupted, Rejected, ResourceError
from vdf.group import Progress, Stop
from vdf.record import Record, Unusable


def evaluate(
    x: bytes,
    parts: Sequence[int],
    *,
    state: Path | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> list[Step]:
    """All sub-delays of x (32 bytes), proven. `state`, `progress`, `stop` as in Group.delay.

    Raises Rejected `delay-miscomputed`; ResourceError `delay-class-missing`, `-died`, `-timeout`; Interrupted
    `delay-interrupted`; StorageError of vdf.record.
    """
    total = sum(parts)
    place = setting(x, total)
    binding = hashlib.sha256(x + u64(total) + u64(parts[0])).digest()
    file = Record(state, STATE_TAG, binding, SIZE * len(parts))
    with Worker() as worker:
        watch = _Watch(total, progress, stop)
        steps = _resumed(file, place, parts, worker, watch)
        for squarings in parts[len(steps) :]:
            watch.begin(squarings)
            steps.append(_next(worker, place, steps[-1].y if steps else place.base, squarings, watch))
            watch.end()
            file.save(lambda: b"".join(step.y + step.pi for step in steps))
    if progress is not None:
        progress(total, total)
    return steps


class _Watch:
    """Called often: heeds `stop`, and tells the progress that the last sub-delay's pace suggests."""

    def __init__(self, total: int, progress: Progress | None, stop: Stop | None) -> None:
        self._total, self._progress, self._stop = total, progress, stop
        self._pace = FIRST_PACE
        self._done = self._size = 0
        self._started = self._report_at = time.monotonic()

    def skip(self, done: int) -> None:
        """`done` squarings in all were saved before this call, so far as known."""
        self._done = done

    def begin(self, size: int) -> None:
        """A sub-delay of `size` squarings begins."""
        self._size = size
        self._started = self._report_at = time.monotonic()

    def end(self) -> None:
        """It has ended."""
        taken = time.monotonic() - self._started
        if taken > 0:
            self._pace = self._size / taken
        self._done, self._size = self._done + self._size, 0

    def __call__(self) -> None:
        now = time.monotonic()
        if self._stop is not None and self._stop():
            raise Interrupted("delay-interrupted", f"stopped after {self._done} of {self._total} squarings")
        if self._progress is not None and now >= self._report_at:
            guess = max(0, min(int(self._pace * (now - self._started)), self._size - 1))
            self._progress(self._done + guess, self._total)
            self._report_at = now + REPORT_SECONDS


def _next(worker: Worker, place: Setting, x: bytes, squarings: int, watch: _Watch) -> Step:
    """The sub-delay from x, checked."""
    try:
        y, pi, _ = worker.prove(place.seed, x, squarings, watch)
    except WorkerDied as error:
        raise ResourceError(
            "delay-class-died",
            f"the process that computes the delay failed: {error}; the same call continues",
        ) from error
    step = Step(x, y, pi, squarings)
    if not _true(worker, place, step):
        raise Rejected(
            "delay-miscomputed",
            "a sub-delay's own proof does not verify: this machine miscomputed; repeat the call",
        )
    return step


def _true(worker: Worker, place: Setting, step: Step, idle: Callable[[], None] | None = None) -> bool:
    try:
        for form in (step.y, step.pi):
            decode(place.discriminant, form)
        return worker.verify(place.discriminant, step, idle)
    except NotCanonical:
        return False
    except WorkerDied as error:
        raise ResourceError(
            "delay-class-died", f"the process that checks the delay failed: {error}"
        ) from error
    except WorkerSilent as error:
        raise ResourceError("delay-class-timeout", f"a sub-delay's check did not end: {error}") from error


def _resumed(file: Record, place: Setting, parts: Sequence[int], worker: Worker, watch: _Watch) -> list[Step]:
    """The sub-delays that the state file holds, as far as they are true."""

    def parse(body: bytes) -> list[Step]:
        steps: list[Step] = []
        done = 0
        for at, squarings in zip(range(0, len(body), SIZE), parts, strict=False):
            x = steps[-1].y if steps else place.base
            y, pi = body[at : at + FORM_BYTES], body[at + FORM_BYTES : at + SIZE]
            step = Step(x, y, pi, squarings)
            if len(body) < at + SIZE or not _true(worker, place, step, watch):
                break
            steps.append(step)
            done += squarings
            watch.skip(done)
        if body and not steps:
            raise Unusable("it holds no true sub-delay")
        return steps

    return file.load(parse) or []


SIZE = 2 * FORM_BYTES
STATE_TAG = "escapement/v1/class-delay-state"
FIRST_PACE = 50_000.0  # squarings per second that progress assumes before the first sub-delay ends
REPORT_SECONDS = 0.1
