"""The parent's side of `worker`: start it, ask it, notice when it dies, hangs or answers nonsense."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from vdf.classgroup import worker
from vdf.classgroup.chain import Step
from vdf.classgroup.forms import FORM_BYTES
from vdf.errors import ResourceError


class WorkerDied(Exception):
    """The process ended, or said what it never says, while it was asked; the text says how."""


class WorkerStopped(WorkerDied):
    """This machine ended it, by a signal from outside or for want of memory. The question is not to blame."""


class WorkerSilent(Exception):
    """No answer in time."""


class Worker:
    """One native process, one question at a time; `with` ends it."""

    def __init__(self, idle: Callable[[], None] | None = None) -> None:
        """Start it, about 50 ms. Raises ResourceError `delay-class-missing`, `-died`, `-timeout`.

        `idle`, here and below, is called some twenty times a second; what it raises ends the call, after
        which the process is of no more use.
        """
        self._buffer = b""
        try:
            self._process = subprocess.Popen(
                COMMAND, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise ResourceError(
                "delay-class-died", f"no process for chiavdf can be started: {error}"
            ) from error
        self._selector = selectors.DefaultSelector()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        try:
            self._selector.register(self._stdout, selectors.EVENT_READ)
            self._greet(idle)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Kill it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._stdout.close()
        self._stdin.close()

    def verify(self, discriminant: int, step: Step, idle: Callable[[], None] | None = None) -> bool:
        """Whether chiavdf accepts a sub-delay, whose forms are canonical. Raises WorkerDied, WorkerSilent."""
        forms = (form.hex() for form in (step.x, step.y, step.pi))
        answer = self._ask({"verify": [str(discriminant), *forms, step.squarings]}, VERIFY_SECONDS, idle)
        match answer:
            case {"holds": bool(holds)}:
                return holds
            case {"error": str()}:
                return False
        raise _unanswered(answer)

    def prove(
        self, seed: bytes, x: bytes, squarings: int, idle: Callable[[], None]
    ) -> tuple[bytes, bytes, float]:
        """(y, π, seconds of processor time). Raises WorkerDied."""
        answer = self._ask({"prove": [seed.hex(), x.hex(), squarings]}, None, idle)
        with contextlib.suppress(ValueError):
            match answer:
                case {"y": str(y), "pi": str(pi), "seconds": float(seconds)}:
                    if len(y) == len(pi) == 2 * FORM_BYTES:
                        return bytes.fromhex(y), bytes.fromhex(pi), seconds
        raise _unanswered(answer)

    def _greet(self, idle: Callable[[], None] | None) -> None:
        try:
            answer = self._answer(START_SECONDS, idle)
        except WorkerSilent as error:
            raise ResourceError(
                "delay-class-timeout", f"chiavdf did not load in {START_SECONDS:g} s"
            ) from error
        except WorkerStopped as error:
            raise ResourceError("delay-class-died", f"chiavdf was stopped as it loaded: {error}") from error
        except WorkerDied as error:
            raise ResourceError(
                "delay-class-missing", f"chiavdf cannot be loaded here: {error}; {REMEDY}"
            ) from error
        if answer != {"ready": True}:
            raise ResourceError("delay-class-missing", f"no usable chiavdf: {answer!s:.200}; {REMEDY}")

    def _ask(
        self, request: dict[str, Any], limit: float | None, idle: Callable[[], None] | None = None
    ) -> Any:
        try:
            self._stdin.write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise self._ending() from error
        return self._answer(limit, idle)

    def _answer(self, limit: float | None, idle: Callable[[], None] | None = None) -> Any:
        deadline = None if limit is None else time.monotonic() + limit
        while b"\n" not in self._buffer:
            if idle is not None:
                idle()
            if self._selector.select(POLL_SECONDS):
                said = os.read(self._stdout.fileno(), MOST_BYTES)
                self._buffer += said
                if not said:
                    raise self._ending()
            if len(self._buffer) > MOST_BYTES:
                raise WorkerDied("it answered too much")
            if deadline is not None and time.monotonic() > deadline:
                raise WorkerSilent(f"no answer in {limit:g} s")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise WorkerDied("it answered what is not JSON") from error

    def _ending(self) -> WorkerDied:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        if code is None or code >= 0:
            return WorkerDied(f"it ended with {code}")
        kind = WorkerStopped if -code in OUTSIDE else WorkerDied
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unnamed"
        return kind(f"it was ended by signal {-code} ({name})")


def _unanswered(answer: Any) -> WorkerDied:
    match answer:
        case {"memory": str(text)}:
            return WorkerStopped(f"it ran out of memory: {text:.200}")
    return WorkerDied(f"it answered {answer!s:.200}")


REMEDY = "pip install 'escapement[classgroup]'"
COMMAND = [sys.executable, "-P", worker.__file__]
START_SECONDS = 60.0  # knob: loading takes 0.1 s on an idle machine
OUTSIDE = {
    signal.SIGHUP,
    signal.SIGKILL,
    signal.SIGTERM,
}  # operators and the system send them, no faulty code
VERIFY_SECONDS = 10.0  # knob: one sub-delay takes 0.005 s on an idle machine
POLL_SECONDS = 0.05  # how often `idle` is called at least
MOST_BYTES = 4096  # the longest line is a sub-delay's, 0.5 KB
