"""One delay in a process of its own: evaluated, handed over, then proven, while its parent trains and proves.

`python -m ivc.delay` reads its task from stdin (one line of JSON) and stops when stdin ends, so it never
outlives its parent, however that died. It answers on stdout, one JSON object per line: `done` (squarings so
far), `y`, `proven`, or `error`. The output y is handed over as soon as it is known; y and π together are
saved as one file:

    {"format": …, "context": d_i, "group", "squarings": T, "y", "pi", "seconds"}            (hexadecimal)

The evaluation resumes from vdf's state file; at most some seconds of squarings are lost, whenever it is
killed.
"""

import contextlib
import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import vdf
from ivc.errors import IvcError, Malformed, Resources
from ivc.memory import peak_memory
from ivc.storage import read, save
from vdf.errors import Interrupted, VdfError


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


@dataclass(frozen=True)
class Delay:
    """A finished delay: output and proof, 256 bytes each."""

    y: bytes
    pi: bytes


def load_delay(task: Task) -> Delay:
    """A task's verified result; raises StorageError `missing-file`, Malformed `delay-damaged`."""
    path = Path(task.result)
    try:
        found = json.loads(read(path, "delay"))
        expected = {
            "format": FORMAT,
            "context": task.context,
            "group": task.group,
            "squarings": task.squarings,
        }
        for name, value in expected.items():
            if found[name] != value:
                raise Malformed("delay-damaged", f"{path}: {name} {value} expected, got {found[name]}")
        delay = Delay(bytes.fromhex(found["y"]), bytes.fromhex(found["pi"]))
        group = vdf.group(task.group)
        vdf.verify(group, _input(task), delay.y, delay.pi, task.squarings)
    except (ValueError, TypeError, KeyError, VdfError) as error:
        raise Malformed("delay-damaged", f"{path}: {error}") from error
    return delay


def compute(task: Task, *, say: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """Evaluate, hand over, prove, save; raises VdfError (exit 130: stopped), Resources, StorageError."""
    group, started = vdf.group(task.group), time.perf_counter()
    evaluation = vdf.evaluate(
        group,
        _input(task),
        task.squarings,
        state=task.state,
        progress=lambda done, _: say({"done": done}),
        stop=stop,
    )
    evaluated = time.perf_counter()
    say({"y": evaluation.y.hex(), "seconds": evaluated - started})
    try:
        pi = vdf.prove(group, evaluation, stop=stop)
    except VdfError as error:
        if error.code == "delay-miscomputed":
            # The state holds the fault: the same command must not meet it again.
            os.replace(task.state, task.state.with_name(task.state.name + ".damaged"))
        raise
    result = {
        "format": FORMAT,
        **{name: value for name, value in asdict(task).items() if name != "result"},
        "y": evaluation.y.hex(),
        "pi": pi.hex(),
        "seconds": evaluated - started,
    }
    save(Path(task.result), json.dumps(result, indent=1).encode())
    task.state.unlink(missing_ok=True)
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


def _input(task: Task) -> bytes:
    return vdf.hash_to_group(vdf.group(task.group), bytes.fromhex(task.context))


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


FORMAT = "escapement/delay/1"
GRACE = 20.0  # seconds between the parent's end and this process's, at most

if __name__ == "__main__":
    sys.exit(main())
