"""How far a chain of steps is, for a person: bars with an estimate on a terminal, a line per segment."""

from types import TracebackType

from rich.progress import BarColumn, TextColumn

from escapement import console
from escapement.console import human_seconds
from zkml.provers import interface
from zkml.provers.chain import Watch
from zkml.provers.interface import Estimate


class StepsWatcher:
    """A context manager; `watch()` is what `zkml.provers.chain.prove` tells."""

    def __init__(self, segments: int, steps: int, squarings: int, estimate: Estimate) -> None:
        """squarings: per delay; estimate: of the steps, until some have been measured."""
        self._segments, self._steps, self._squarings = segments, steps, squarings
        self._per_step, self._done, self._proving = estimate.seconds_per_step, 0, 0.0
        self._bars = console.bars(
            TextColumn("{task.description:8}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
        )
        self._proof = self._bars.add_task("proof", total=steps, note="")
        self._delay = self._bars.add_task("delay", total=squarings, note="")

    def __enter__(self) -> "StepsWatcher":
        self._bars.start()
        console.log(
            f"Proving {self._steps} steps in {self._segments} segments, about "
            f"{human_seconds(self._steps * self._per_step)} and {self._segments} delays of "
            f"{self._squarings:,} squarings"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def watch(self) -> Watch:
        """The three things that are told."""
        return Watch(delay=self._delayed, steps=self._proven, segment=self._segment)

    def _delayed(self, index: int, done: int, total: int) -> None:
        self._bars.update(self._delay, completed=done, note=f"before segment {index + 1}")

    def _proven(self, progress: interface.Progress) -> None:
        self._done += progress.steps
        self._proving += progress.seconds
        self._per_step = self._proving / self._done
        self._bars.update(self._proof, completed=self._done, note=self._left())

    def _segment(self, index: int) -> None:
        console.log(
            f"Segment {index + 1} of {self._segments} proven, {human_seconds(self._per_step)} per step; "
            f"{self._left()}"
        )

    def _left(self) -> str:
        left = (self._steps - self._done) * self._per_step
        return f"about {human_seconds(left)} of proving left"
