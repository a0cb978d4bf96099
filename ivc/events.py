"""What happens in a run, as one stream of frozen records: for progress bars, metrics.jsonl and reports alike.

The engine emits every event in order, from one thread. `record` gives the line that metrics.jsonl keeps (all
events but `DelayProgress`, with the time); `summarise` reads those lines back, over any number of
interruptions.
"""

import dataclasses
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all events; numbers of segments and folds count from 1, delays from 0."""

    kept: ClassVar[bool] = True  # whether metrics.jsonl has it

    @classmethod
    def name(cls) -> str:
        """Kebab-case name, as in metrics.jsonl."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def record(self) -> dict[str, Any]:
        """The event as one JSON object with the current time (seconds since 1970)."""
        return {"time": round(time.time(), 3), "event": self.name(), **dataclasses.asdict(self)}


@dataclass(frozen=True)
class RunStarted(Event):
    """A run begins or continues: what it will have in the end, and what exists already."""

    segments: int
    folds: int
    steps: int
    squarings: int
    trained_segments: int
    proven_folds: int


@dataclass(frozen=True)
class SetUpStarted(Event):
    """The prover's parameters are being prepared."""


@dataclass(frozen=True)
class SetUpDone(Event):
    """The prover's parameters are ready; `folds` is the number of the fold it continues from."""

    seconds: float
    folds: int


@dataclass(frozen=True)
class DelayStarted(Event):
    """Delay `index` runs in its own process."""

    index: int
    squarings: int


@dataclass(frozen=True)
class DelayProgress(Event):
    """`done` of `squarings` are computed."""

    kept: ClassVar[bool] = False
    index: int
    done: int
    squarings: int


@dataclass(frozen=True)
class DelayDone(Event):
    """Delay `index` has its output, which the next segment needs; seconds of the process that finished it."""

    index: int
    squarings: int
    seconds: float


@dataclass(frozen=True)
class DelayProven(Event):
    """Delay `index` has its proof, too, made while the run went on; with the peak memory of its process."""

    index: int
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class SegmentTrained(Event):
    """Segment's steps are executed and its checkpoint saved; `losses` one per step, `clamped` per tensor."""

    segment: int
    seconds: float
    losses: tuple[float, ...]
    clamped: dict[str, int]


@dataclass(frozen=True)
class ClampWarning(Event):
    """One tensor in one step (of the run, from 1) had more of its values clamped than the user's share."""

    step: int
    tensor: str
    clamped: int
    values: int
    share: float


@dataclass(frozen=True)
class FoldProven(Event):
    """Fold `fold` of the run is checked and folded."""

    fold: int
    segment: int
    check_seconds: float
    fold_seconds: float


@dataclass(frozen=True)
class StateSaved(Event):
    """The running proof after `fold` is on disk."""

    fold: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Damaged(Event):
    """A file was found damaged; it is kept under `kept_as` and what it held is made again."""

    path: str
    kept_as: str
    reason: str


@dataclass(frozen=True)
class RunDone(Event):
    """All segments are trained and proven."""

    segments: int
    folds: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class CompressionStarted(Event):
    """The running proof is being compressed."""

    folds: int


@dataclass(frozen=True)
class DelaysProven(Event):
    """The one proof of all `delays` delays exists."""

    delays: int
    seconds: float


@dataclass(frozen=True)
class Compressed(Event):
    """The compressed proof exists."""

    seconds: float
    proof_bytes: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class BundleWritten(Event):
    """The bundle passed its own verification and is on disk."""

    path: str
    bundle_bytes: int
    verify_seconds: float


class Progress:
    """How far a run is and how long the rest takes, from the events seen so far; compression not included."""

    def __init__(self) -> None:
        self.plan: RunStarted | None = None
        self.folds = 0
        self.squarings = 0
        self._fold_seconds: list[float] = []
        self._rate = 0.0
        self._delay: tuple[int, int, float] = (-1, 0, 0.0)  # index, squarings, clock where rating began

    def see(self, event: Event) -> None:
        """Take one event into account."""
        match event:
            case RunStarted():
                self.plan, self.folds = event, event.proven_folds
                self.squarings = event.trained_segments * (event.squarings // event.segments)
            case SetUpDone():
                self.folds = event.folds
            case DelayProgress():
                self._see_delay(event)
            case DelayDone():
                self.squarings = (event.index + 1) * event.squarings
            case FoldProven():
                self.folds = event.fold
                self._fold_seconds.append(event.check_seconds + event.fold_seconds)
            case StateSaved() if self._fold_seconds:
                self._fold_seconds[-1] += event.seconds

    def remaining_seconds(self) -> float | None:
        """Estimate of the rest: delays and folds side by side; None until both rates are known."""
        if self.plan is None:
            return None
        recent = self._fold_seconds[-20:]
        folds, squarings = self.plan.folds - self.folds, self.plan.squarings - self.squarings
        if (folds and not recent) or (squarings and not self._rate):
            return None
        fold_seconds = sum(recent) / len(recent) if recent else 0.0
        # The last segment's folds come after the last delay, whatever the speeds.
        last = min(folds, self.plan.folds // self.plan.segments)
        delaying = squarings / self._rate + last * fold_seconds if squarings else 0.0
        return max(folds * fold_seconds, delaying)

    def _see_delay(self, event: DelayProgress) -> None:
        self.squarings = event.index * event.squarings + event.done
        index, first, began = self._delay
        if index != event.index:
            self._delay = (event.index, event.done, time.monotonic())
        elif event.done > first and (elapsed := time.monotonic() - began) > 0:
            self._rate = (event.done - first) / elapsed


@dataclass(frozen=True)
class Summary:
    """A run's figures over all its sittings; seconds. Each fold and delay counts once, as last made.

    prove_seconds: check, fold and save of every fold; compress_seconds and verify_seconds: of the last
    `finish`.
    """

    segments: int
    folds: int
    prove_seconds: float
    delay_seconds: float
    losses: tuple[float, ...]
    clamped: dict[str, int]
    peak_memory_bytes: int
    compress_seconds: float
    verify_seconds: float


def summarise(metrics: Iterable[dict[str, Any]]) -> Summary:
    """Gather the lines of metrics.jsonl."""
    last: dict[tuple[str, int], dict[str, Any]] = {}
    peak = {"own": 0, "delay": 0}
    for line in metrics:
        place = next((line[name] for name in ("fold", "segment", "index") if name in line), 0)
        last[line["event"], place] = line
        if "peak_memory_bytes" in line:
            owner = "delay" if line["event"] == DelayProven.name() else "own"
            peak[owner] = max(peak[owner], line["peak_memory_bytes"])

    def lines(kind: type[Event]) -> list[dict[str, Any]]:
        return [
            line
            for (event, _), line in sorted(last.items(), key=lambda item: item[0])
            if event == kind.name()
        ]

    def total(kind: type[Event], field: str) -> float:
        return float(sum(line[field] for line in lines(kind)))

    clamped: dict[str, int] = {}
    for trained in lines(SegmentTrained):
        for tensor, count in trained["clamped"].items():
            clamped[tensor] = clamped.get(tensor, 0) + count
    return Summary(
        segments=len(lines(SegmentTrained)),
        folds=len(lines(FoldProven)),
        prove_seconds=total(FoldProven, "check_seconds")
        + total(FoldProven, "fold_seconds")
        + total(StateSaved, "seconds"),
        delay_seconds=total(DelayDone, "seconds"),
        losses=tuple(loss for trained in lines(SegmentTrained) for loss in trained["losses"]),
        clamped=clamped,
        peak_memory_bytes=peak["own"] + peak["delay"],
        compress_seconds=total(Compressed, "seconds"),
        verify_seconds=total(BundleWritten, "verify_seconds"),
    )


def ignore(event: Event) -> None:
    """The listener of whoever wants no events."""
