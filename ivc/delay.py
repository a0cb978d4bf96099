"""One delay in a process of its own: evaluated, handed over, then proven, while its parent trains and proves.

`python -m ivc.delay` reads its task from stdin (one line of JSON) and stops when stdin ends, so it never
outlives its parent, however that died. It answers on stdout, one JSON object per line: `done` (squarings so
far), `y`, `proven`, or `error`. The output y is handed over as soon as it is known; the finished delay is a
file of vdf.delayfile. It resumes from vdf's state files; what a kill loses is the group's to say.
"""

import contextlib
import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vdf
import vdf.errors
from ivc.errors import IvcError, Malformed, Resources, StorageError, delay_errors
from ivc.memory import peak_memory
from vdf import Delay, delayfile
from vdf.delayfile import DelayFile
from vdf.errors import Interrupted, VdfError
from vdf.record import discard


@dataclass(frozen=True)
class Task:
    """What to compute: group, T and d_i (hexadecimal), and where the result goes."""

    group: str
    squarings: int
    context: str
    result: str

    @property
    def state(self) -> Path:
        """vdf's state file, beside the result."""
        return Path(self.result).with_suffix(".state")


def load_delay(task: Task) -> Delay:
    """A task's result, of its context, group and T; whether it is true is the caller's to check.

    Raises Malformed `delay-damaged` for what has to be made again; StorageError, also `missing-file`.
    """
    path = Path(task.result)
    if not path.exists():
        raise StorageError("missing-file", f"delay {path}: no such file")
    with _damaged(path):
        found = delayfile.load(path, kept=True)
    expected = (task.group, task.squarings, task.context)
    got = (found.group, found.delay.squarings, found.context.hex())
    if got != expected:
        raise Malformed("delay-damaged", f"{path}: delay {expected} expected, got {got}")
    return found.delay


def load_true_delay(task: Task) -> Delay:
    """`load_delay`, verified; a false one is `delay-damaged` too, a fault of the machine is not."""
    delay = load_delay(task)
    with _damaged(Path(task.result)):
        vdf.group(task.group).verify(delay.x, delay.y, delay.pi, task.squarings)
    return delay


@contextlib.contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """What is wrong with the file is `delay-damaged`; what the machine lacks keeps its own code."""
    with delay_errors(str(path)):
        try:
            yield
        except (vdf.errors.Malformed, vdf.errors.Rejected) as error:
            if error.code == "delay-class-crashed":
                raise
            raise Malformed("delay-damaged", f"{path}: {error}") from error


def compute(task: Task, *, say: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """Evaluate, hand over, prove, save; raises VdfError (exit 130: stopped)."""
    group, context, started = vdf.group(task.group), bytes.fromhex(task.context), time.perf_counter()
    evaluated = started

    def hand_over(y: bytes) -> None:
        nonlocal evaluated
        evaluated = time.perf_counter()
        say({"y": y.hex(), "seconds": evaluated - started})

    delay = group.delay(
        group.input(context, task.squarings),
        task.squarings,
        state=task.state,
        on_output=hand_over,
        progress=lambda done, _: say({"done": done}),
        stop=stop,
    )
    delayfile.save(Path(task.result), DelayFile(task.group, context, delay, evaluated - started))
    discard(task.state)
    say({"proven": time.perf_counter() - evaluated, "peak_memory_bytes": peak_memory()})


def failure(error: BaseException) -> dict[str, Any]:
    """Code, message and exit code for the parent; a full disk is named as such wherever it was noticed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return {
                "code": "disk-full",
                "message": f"{error}; nothing is lost",
                "exit_code": Resources.exit_code,
            }
        cause = cause.__cause__
    if isinstance(error, MemoryError):
        return {
            "code": "out-of-memory",
            "message": "the delay ran out of memory",
            "exit_code": Resources.exit_code,
        }
    code, exit_code = getattr(error, "code", "cannot-write"), getattr(error, "exit_code", 5)
    return {"code": code, "message": str(error), "exit_code": exit_code}


def main() -> int:
    """The process; its exit code is the error's, as on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    task = Task(**json.loads(_first_line()))
    stopping = threading.Event()
    threading.Thread(target=_watch, args=(stopping,), daemon=True).start()
    try:
        compute(task, say=_say, stop=stopping.is_set)
    except Interrupted:
        return Interrupted.exit_code
    except (VdfError, IvcError, OSError, MemoryError) as error:
        told = failure(error)
        _say({"error": told})
        return int(told["exit_code"])
    return 0


def _first_line() -> bytes:
    """Read by single bytes: a buffered reader would hold its lock while the watching thread waits in it."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _watch(stopping: threading.Event) -> None:
    while os.read(0, 1):
        pass
    stopping.set()
    time.sleep(GRACE)
    os._exit(Interrupted.exit_code)  # it did not stop by itself: the state file has all but the last seconds


def _say(message: dict[str, Any]) -> None:
    # When nobody reads, stdin has ended as well, and that stops the delay with its state saved.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode() + b"\n")


GRACE = 20.0  # seconds between the parent's end and this process's, at most

if __name__ == "__main__":
    sys.exit(main())
