"""The parent's side of a delay's process: start, hear, stop; and wait for those of a killed run.

Every delay process holds a shared lock on one file from before it starts until it is gone, so that a new run
can tell when none of an earlier one is left.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import ivc
from ivc.delay import Task
from ivc.errors import IvcError, StorageError
from ivc.storage import writing


class DelayFailed(IvcError):
    """A delay's process ended without its result; code and exit code are those of its own error."""

    def __init__(self, code: str, message: str, exit_code: int) -> None:
        super().__init__(code, message)
        self.exit_code = exit_code


class DelayProcess:
    """A running delay. `done`: squarings so far; `y`: the output once known, `seconds` what it took;

    `proven`: seconds that the proof took, once result and proof are saved; `peak_memory_bytes`: likewise.
    """

    def __init__(self, task: Task, lock: Path, log: Path, wake: threading.Event) -> None:
        """Start it; stderr goes to `log`; sets `wake` whenever it has said something. Raises StorageError."""
        self.task = task
        self.done, self.y, self.seconds = 0, b"", 0.0
        self.proven: float | None = None
        self.peak_memory_bytes = 0
        self._error: IvcError | None = None
        root = str(Path(ivc.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with writing(lock), lock.open("w") as held, log.open("ab") as stderr:
            fcntl.flock(held, fcntl.LOCK_SH)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ivc.delay"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=[held.fileno()],
                env={**os.environ, "PYTHONPATH": path},
            )
        assert self._process.stdin is not None
        self._stdin = self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it died already: the listener tells with which exit code
            os.write(self._stdin.fileno(), json.dumps(asdict(task)).encode() + b"\n")
        self._listener = threading.Thread(target=self._listen, args=(wake,), daemon=True)
        self._listener.start()

    def check(self) -> None:
        """Raise DelayFailed if the process has failed."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Have it save its state and end; returns when it is gone."""
        self._stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()

    def _listen(self, wake: threading.Event) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._hear(json.loads(line))
                wake.set()
        code = self._process.wait()
        if self.proven is None and self._error is None:
            self._error = DelayFailed(
                "delay-died", f"{self.task.result}: its process ended with {code}; run.log may say why", 4
            )
        wake.set()

    def _hear(self, message: dict[str, object]) -> None:
        match message:
            case {"done": int(done)}:
                self.done = done
            case {"y": str(y), "seconds": float(seconds)}:
                self.seconds, self.y = seconds, bytes.fromhex(y)
            case {"proven": float(seconds), "peak_memory_bytes": int(peak)}:
                self.peak_memory_bytes, self.proven = peak, seconds
            case {"error": {"code": str(code), "message": str(text), "exit_code": int(exit_code)}}:
                self._error = DelayFailed(code, f"{self.task.result}: {text}", exit_code)


def wait_for_orphans(lock: Path) -> None:
    """Return when no delay process of an earlier, killed run is left; raises StorageError `delay-in-use`."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    with writing(lock), lock.open("a") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise StorageError(
                        "delay-in-use",
                        f"{lock}: a delay of an earlier run is still being computed; stop that process",
                    ) from error
                time.sleep(0.05)


STOP_SECONDS = 25.0  # longer than the process's own grace
ORPHAN_SECONDS = 30.0
