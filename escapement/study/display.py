"""A study for the person watching: a bar with the time left on a terminal, and a line per finished cell."""

import statistics
import time
from types import TracebackType
from typing import Any

from rich.progress import BarColumn, TextColumn
from rich.table import Table

from escapement import console
from escapement.console import human_bytes, human_seconds
from escapement.study.planning import Planned
from escapement.study.result import Result
from escapement.study.run import Options, run


class Watcher:
    """A context manager, and a `study.run.Watcher` on standard error."""

    def __init__(self) -> None:
        self._bars = console.bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
        )
        self._task = self._bars.add_task("planning", total=None, note="")
        self._begin = time.monotonic()
        self._expected = self._done = self._now = 0.0
        self._name = ""

    def __enter__(self) -> "Watcher":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def planning(self, done: int, total: int) -> None:
        """See `study.run.Watcher`."""
        self._bars.update(self._task, completed=done, total=total, note=f"{done} of {total} cells")

    def started(self, one: Planned, left: float) -> None:
        """See `study.run.Watcher`."""
        if not self._expected:
            self._begin, self._expected = time.monotonic(), left
            if left:
                console.log(f"Measuring, about {human_seconds(left)} by the estimates")
        self._done, self._now, self._name = self._expected - left, one.seconds, one.cell.id
        self._bars.update(
            self._task,
            description="measuring",
            total=self._expected or 1,
            completed=self._done,
            note=f"{self._name}, {self._left(left)}",
        )

    def kept(self, number: int, left: int, result: Result) -> None:
        """See `study.run.Watcher`."""
        console.log(f"{number} cells are kept from {result.path}, a study of {result.body['date']}")
        if not left:
            console.log("Nothing is left that can be measured; without --resume, all is measured anew")

    def phase(self, name: str) -> None:
        """See `study.run.Watcher`."""
        left = self._expected - self._done
        self._bars.update(self._task, note=f"{self._name}: {name}, {self._left(left)}")

    def ended(self, cell: dict[str, Any]) -> None:
        """See `study.run.Watcher`."""
        console.log(line(cell))

    def _left(self, left: float) -> str:
        """Time left, by how the cells so far compare with their estimates once there are some."""
        spent = time.monotonic() - self._begin
        pace = spent / self._done if self._done > LEAST_DONE else 1.0
        return f"about {human_seconds(pace * left)} left"


def watched(options: Options, result: Result, command: str = "") -> None:
    """`study.run.run` with a Watcher; after Ctrl-C say what is kept and the command that goes on, if any.

    Raises as `study.run.run`, KeyboardInterrupt included.
    """
    try:
        with Watcher() as watcher:
            run(options, result, watcher)
    except KeyboardInterrupt:
        kept = len(result.body["cells"])
        where = f"{kept} cells are kept in {result.path}" if kept else "no cell is measured yet"
        console.log(f"Interrupted; {where}." + (f" It continues with:\n  {command}" if command else ""))
        raise


def line(cell: dict[str, Any]) -> str:
    """One finished cell in a line."""
    measured = cell["measured"]
    if measured is None:
        estimate = cell["estimate"]
        guess = "" if estimate is None else f" [estimate: {_estimate(estimate)}]"
        return f"{cell['id']}: {cell['status']}: {cell['reason']}{guess}"
    words = [
        f"{human_time(statistics.median(measured['seconds_per_step']))} per step",
        f"{human_bytes(measured['peak_bytes'])} of memory",
    ]
    if measured["proof_bytes"] is not None:
        words.append(f"proof of {measured['proof_steps']} steps {human_bytes(measured['proof_bytes'])}")
    if measured["verify_seconds"]:
        words.append(f"verified in {human_time(statistics.median(measured['verify_seconds']))}")
    if cell["insecure"]:
        words.append("INSECURE")
    return f"{cell['id']}: {', '.join(words)}"


def listing(planned: list[Planned]) -> Table:
    """What `--list` shows: every cell with its estimate, and what will not be started."""
    table = Table("cell", "parameters", "sweeps", "per step", "memory", "disk", "whole cell", "")
    for one in planned:
        estimate = one.estimate
        figures = [""] * 3
        if estimate is not None:
            figures = [
                human_time(estimate.seconds_per_step),
                human_bytes(estimate.memory_bytes),
                human_bytes(estimate.disk_bytes),
            ]
        whole = human_seconds(one.seconds) if one.seconds else ""
        reason = f"{one.status}: {one.reason}" if one.status else ""
        axes = " ".join(one.cell.axes)
        table.add_row(one.cell.id, f"{one.cell.parameters:,}", axes, *figures, whole, reason)
    return table


def human_time(seconds: float) -> str:
    """A duration from microseconds on: '39.0 µs', '1.20 ms', '0.31 s'."""
    if seconds < 1e-3:
        return f"{1e6 * seconds:.3g} µs"
    if seconds < 0.1:
        return f"{1e3 * seconds:.3g} ms"
    return human_seconds(seconds)


def _estimate(estimate: dict[str, Any]) -> str:
    seconds, memory = human_time(estimate["seconds_per_step"]), human_bytes(estimate["memory_bytes"])
    return f"{seconds} per step, {memory} of memory"


LEAST_DONE = 30.0  # estimated seconds of work done, before the pace so far says anything
