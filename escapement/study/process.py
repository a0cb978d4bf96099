"""A measuring process: started with a JSON object, watched for memory and time, and killed with its tree.

The child gets one line on standard input, which stays open: its end tells the child that this process is
gone. It answers with JSON objects, one per line; {"phase": name, "peak_bytes": n} as it goes, and what it
measured last. Memory is that of the whole process tree. While it is one process, its resident size is sampled
20 times a second, and its exact peak, from the kernel, comes from the child itself. Else it is the sum of
proportional shares (PSS), for which the kernel walks page tables: sampled at least once a second, and at most
so often that it takes a hundredth of one core; what peaks in between is not seen.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any

from escapement.errors import ResourceError

Message = dict[str, Any]


@dataclass
class Ended:
    """How a child ended. messages: its objects; rest: what else it printed; said: the end of its stderr.

    peak_bytes: of the tree before the phase "verify"; processes: the most seen at once; stopped: "memory",
    "time" or "output" if it was killed for that, with the figure that was too large in `excess`.
    """

    status: int = 0
    messages: list[Message] = field(default_factory=list)
    rest: str = ""
    said: str = ""
    peak_bytes: int = 0
    processes: int = 0
    stopped: str = ""
    excess: float = 0.0

    @property
    def result(self) -> Message | None:
        """The last object that is not a phase."""
        last = self.messages[-1] if self.messages else {}
        return last if last and "phase" not in last else None


@dataclass(frozen=True)
class Limits:
    """Bytes of the tree, and seconds, after which a child is killed."""

    memory_bytes: int
    seconds: float


def require_psutil() -> None:
    """Raise ResourceError `bench-missing` unless memory of process trees can be measured here."""
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]  # noqa: F401
    except ImportError as error:
        raise ResourceError(
            "bench-missing",
            "psutil is not installed: `make cost` installs it, or pip install 'escapement[bench]'",
        ) from error


def run(
    work: Mapping[str, Any],
    limits: Limits,
    on_phase: Callable[[str], None] = lambda phase: None,
    command: Sequence[str] = (),
) -> Ended:
    """Run the measuring child (or `command`) until it ends or passes a limit; then its whole tree is gone."""
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command or CHILD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the tree
        )
        watch = _Watch(child, limits, on_phase)
        try:
            _send(child, work)
            ended = watch.until_end()
        finally:
            watch.kill()
            with suppress(OSError):  # stdin of a child that is gone
                child.__exit__(None, None, None)
        ended.status = child.returncode
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - MOST_SAID))
        ended.said = errors.read().decode("utf-8", errors="replace").strip()
    return ended


class _Watch:
    """Reads a child's lines and samples its tree's memory."""

    def __init__(
        self, child: "subprocess.Popen[bytes]", limits: Limits, on_phase: Callable[[str], None]
    ) -> None:
        import psutil

        self._child, self._limits, self._on_phase = child, limits, on_phase
        self._gone = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)
        self._root = psutil.Process(child.pid)
        self._seen = {child.pid: self._root}
        self._ended = Ended()
        self._start = time.monotonic()
        self._proving = True
        self._buffer = b""

    def until_end(self) -> Ended:
        """Until the child closes its output and is gone, or passes a limit."""
        out: IO[bytes] | None = self._child.stdout
        assert out is not None
        os.set_blocking(out.fileno(), False)
        with DefaultSelector() as selector:
            selector.register(out, EVENT_READ)
            wait = LEAST_WAIT
            while not self._ended.stopped:
                if selector.select(wait):
                    data = out.read(1 << 16)
                    if data == b"":
                        break
                    self._take(data or b"")
                elif self._child.poll() is not None:
                    break  # gone, though something that it started still holds its output
                wait = self._sample()
        self._finish_lines()
        self._wait()
        return self._ended

    def kill(self) -> None:
        """End every process of the tree that was ever seen, and the child's own group."""
        for process in self._seen.values():
            with suppress(*self._gone):
                process.kill()  # compares creation times: never a stranger with the same number
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def _wait(self) -> None:
        """A child that closed its output ends soon, or is killed: what it said still counts."""
        if not self._ended.stopped:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(END_SECONDS)

    def _sample(self) -> float:
        """Seconds until the next sample."""
        start = time.monotonic()
        used, processes = self._tree()
        if self._proving:
            self._ended.peak_bytes = max(self._ended.peak_bytes, used)
        if used > self._limits.memory_bytes:
            self._ended.stopped, self._ended.excess = "memory", used
        elif start - self._start > self._limits.seconds:
            self._ended.stopped, self._ended.excess = "time", start - self._start
        return wait_after(processes, time.monotonic() - start)

    def _tree(self) -> tuple[int, int]:
        """(bytes, processes) now."""
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except self._gone:
            return 0, 0
        self._seen |= {process.pid: process for process in tree}
        self._ended.processes = max(self._ended.processes, len(tree))
        total = 0
        for process in tree:
            with suppress(*self._gone):
                total += process.memory_info().rss if len(tree) == 1 else _share(process)
        return total, len(tree)

    def _take(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._buffer) + len(self._ended.rest) > MOST_OUTPUT:
            self._ended.stopped, self._ended.excess = "output", MOST_OUTPUT

    def _finish_lines(self) -> None:
        if self._buffer:
            self._line(self._buffer)
            self._buffer = b""

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):  # not UTF-8, not JSON
            message = None
        if not isinstance(message, dict):
            self._ended.rest += line[:MOST_SAID].decode("utf-8", errors="replace") + "\n"
            return
        self._ended.messages.append(message)
        peak = message.get("peak_bytes")
        if self._proving and isinstance(peak, int):
            self._ended.peak_bytes = max(self._ended.peak_bytes, peak)
        if "phase" in message:
            self._proving = self._proving and message["phase"] != VERIFY
            self._on_phase(str(message["phase"]))


def wait_after(processes: int, spent: float) -> float:
    """Seconds until the next sample, after one of so many processes that took `spent` seconds."""
    wait = min(MOST_WAIT, TREE_SHARE * spent) if processes > 1 else SHARE_OF_TIME * spent
    return max(LEAST_WAIT, wait)


def _send(child: "subprocess.Popen[bytes]", work: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # it is gone already: what it said tells why
        child.stdin.write(json.dumps(work).encode() + b"\n")
        child.stdin.flush()


def _share(process: Any) -> int:
    """Its share of the tree's memory: pages that processes have in common count once in the sum."""
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


VERIFY = "verify"  # the phase from which memory no longer counts as the prover's
CHILD = (sys.executable, "-P", "-m", "escapement.study.child")
LEAST_WAIT = 0.05  # seconds between samples
SHARE_OF_TIME = 10.0  # sampling one process takes at most about a tenth of one core
TREE_SHARE = 100.0  # sampling several takes at most about a hundredth,
MOST_WAIT = 1.0  # but happens at least so often
END_SECONDS = 10.0
MOST_SAID = 4096
MOST_OUTPUT = 1 << 22
