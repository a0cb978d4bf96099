"""The run's event stream for a person: bars with an estimate on a terminal, and a line per milestone."""

from types import TracebackType

from rich.progress import BarColumn, TaskID, TextColumn

from escapement import console
from escapement.console import human_bytes, human_seconds
from ivc import events


class Watcher:
    """A context manager that is called with every event of `ivc.run` and `ivc.finish`."""

    def __init__(self) -> None:
        self._bars = console.bars(
            TextColumn("{task.description:8}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
        )
        self._state = events.Progress()
        self._proofs: TaskID | None = None
        self._delay: TaskID | None = None

    def __enter__(self) -> "Watcher":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, event: events.Event) -> None:
        """Show one event."""
        self._state.see(event)
        self._draw(event)
        line = self._line(event)
        if line is not None:
            console.log(line)

    def _draw(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self._proofs = self._bars.add_task("proof", total=event.folds, note="")
                self._delay = self._bars.add_task("delay", total=event.squarings // event.segments, note="")
            case events.DelayStarted() if self._delay is not None:
                self._bars.reset(self._delay, note=f"before segment {event.index + 1}")
            case events.DelayProgress() if self._delay is not None:
                self._bars.update(self._delay, completed=event.done)
        if self._proofs is not None:
            self._bars.update(self._proofs, completed=self._state.folds, note=self._left())

    def _left(self) -> str:
        seconds = self._state.remaining_seconds()
        return "" if seconds is None else f"about {human_seconds(seconds)} left"

    def _line(self, event: events.Event) -> str | None:
        match event:
            case events.RunStarted() if event.proven_folds or event.trained_segments:
                return (
                    f"Continuing: {event.trained_segments} of {event.segments} segments trained, "
                    f"{event.proven_folds} of {event.folds} folds proven"
                )
            case events.RunStarted():
                return (
                    f"Running {event.segments} segments: {event.steps} steps in {event.folds} folds, "
                    f"{event.squarings:,} squarings"
                )
            case events.SetUpStarted():
                return "Preparing the prover's parameters"
            case events.SetUpDone():
                return f"Parameters ready after {human_seconds(event.seconds)}"
            case events.SegmentTrained():
                return self._trained(event)
            case events.ClampWarning():
                return (
                    f"warning: step {event.step}: {event.clamped} of {event.values} values of {event.tensor} "
                    f"clamped ({event.share:.1%})"
                )
            case events.Damaged():
                return (
                    f"warning: {event.path} is damaged ({event.reason}); kept as {event.kept_as}, made again"
                )
            case events.RunDone():
                return f"All {event.segments} segments trained and proven"
            case events.DelaysProven():
                return f"Proof of all {event.delays} delays in {human_seconds(event.seconds)}"
            case events.CompressionStarted():
                return f"Making the last proof over {event.folds} folds (no progress is shown)"
            case events.Compressed():
                return (
                    f"Proofs of {human_bytes(event.proof_bytes)}, the last in {human_seconds(event.seconds)}"
                )
            case events.BundleWritten():
                return f"Bundle verified and written: {event.path}, {human_bytes(event.bundle_bytes)}"
            case _:
                return None

    def _trained(self, event: events.SegmentTrained) -> str:
        plan = self._state.plan
        of = "" if plan is None else f" of {plan.segments}"
        proven = "" if plan is None else f", {self._state.folds} of {plan.folds} folds proven"
        loss = sum(event.losses) / max(1, len(event.losses))
        left = self._left()
        return f"Segment {event.segment}{of} trained, loss {loss:.3f}{proven}" + (f", {left}" if left else "")
