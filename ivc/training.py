"""Delays and segments in the order of protocol §8, each as soon as the one before it exists.

    s_i = seed of delay i's output y_i;  segment i+1: m·k steps on the batches that s_i selects;  delay i+1

Segment i+1 needs y_i; delay i+1 needs C_{i+1} and s_i: nothing here can be done earlier. What is on disk is
checked (delays verify, checkpoints open their commitment) and used; what is damaged is set aside and made
again.
"""

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path

import _escapement

from ivc import chain
from ivc.chain import Head
from ivc.checkpoint import Checkpoint, save_checkpoint
from ivc.delay import load_true_delay
from ivc.delay_process import DelayProcess
from ivc.errors import IvcError, Malformed, Rejected, native_errors
from ivc.events import (
    ClampWarning,
    Damaged,
    DelayDone,
    DelayProgress,
    DelayProven,
    DelayStarted,
    Event,
    SegmentTrained,
)
from ivc.material import Material
from ivc.storage import set_aside
from ivc.stored import commit, delay_task, open_segment, stored_checkpoint
from vdf.record import discard


@dataclasses.dataclass(frozen=True)
class ClampLimit:
    """The user's share of clamped values, per tensor and step: above it a warning, or the end of training."""

    share: float
    stop: bool = False


class Training:
    """A run's chain up to `segments` segments. `heads[i]` is the chain after i segments."""

    def __init__(
        self, material: Material, segments: int, emit: Callable[[Event], None], limit: ClampLimit | None
    ) -> None:
        """Starts nothing; no delay process of an earlier run may be left."""
        self.heads: list[Head] = [chain.start(material.digest, material.manifest.genesis)]
        self._material, self._segments, self._emit, self._limit = material, segments, emit, limit
        with native_errors("genesis"):
            self._weights = _escapement.genesis_weights(material.program, material.policy.nonce)
        self._processes: dict[int, DelayProcess] = {}
        self._announced: set[int] = set()
        self._wake = threading.Event()

    @property
    def trained(self) -> int:
        """Segments whose checkpoint exists."""
        return len(self.heads) - 1

    @property
    def done(self) -> bool:
        """Whether all segments are trained and all delays proven."""
        return self.trained == self._segments and not self._processes

    def advance(self) -> None:
        """Train whatever the delays allow by now, and have the next delay running.

        Raises DelayFailed, Rejected `clamp-share`, Resources, StorageError.
        """
        self._wake.clear()
        self._collect()
        while self.trained < self._segments and (y := self._output(self.trained)):
            self._segment(y)

    def wait(self) -> None:
        """Return when a delay has something new to say, at `wake`, or after a second."""
        self._wake.wait(1.0)

    def wake(self) -> None:
        """End a `wait`, from any thread."""
        self._wake.set()

    def close(self) -> None:
        """Stop the delays' processes, their state saved."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()

    def _output(self, index: int) -> bytes:
        """y_index; empty while it is being computed, which this starts."""
        if index in self._processes:
            return self._processes[index].y
        task = delay_task(self._material, index, self.heads[index])
        if Path(task.result).exists():
            try:
                delay = load_true_delay(task)
                discard(task.state)  # a crash may have left it
                return delay.y
            except Malformed as error:
                self._set_aside(Path(task.result), error)
        directory = self._material.directory
        self._processes[index] = DelayProcess(task, directory.delays_lock, directory.log_path, self._wake)
        self._emit(DelayStarted(index, task.squarings))
        return b""

    def _collect(self) -> None:
        """Hear every process; let go of those that have saved their result."""
        for index, process in list(self._processes.items()):
            process.check()
            if not process.y:
                self._emit(DelayProgress(index, process.done, process.task.squarings))
            elif index not in self._announced:
                self._announced.add(index)
                self._emit(DelayDone(index, process.task.squarings, process.seconds))
            if process.proven is not None:
                process.stop()
                del self._processes[index]
                self._emit(DelayProven(index, process.proven, process.peak_memory_bytes))

    def _segment(self, y: bytes) -> None:
        """Segment trained + 1, from disk or trained now."""
        number, head = self.trained + 1, self.heads[-1]
        opened = open_segment(self._material, number - 1, head, y)
        checkpoint = self._stored(number, opened) or self._train(number, opened)
        self._weights = checkpoint.weights
        self.heads.append(dataclasses.replace(opened, checkpoint=checkpoint.commitment))

    def _stored(self, number: int, opened: Head) -> Checkpoint | None:
        """The checkpoint on disk, if there is one and it is good."""
        path = self._material.directory.checkpoint_path(number)
        if not path.exists():
            return None
        try:
            return stored_checkpoint(self._material, number, opened)
        except Malformed as error:
            self._set_aside(path, error)
            return None

    def _train(self, number: int, opened: Head) -> Checkpoint:
        """Execute the segment's steps and save the checkpoint."""
        material, started = self._material, time.perf_counter()
        with native_errors("training"):
            weights, report = _escapement.train_segment(
                material.program, material.samples, material.labels, self._weights, opened.seed
            )
        self._watch_clamping(number, report["clamped_per_step"])
        checkpoint = Checkpoint(number, commit(material, opened, weights), weights)
        path = material.directory.checkpoint_path(number)
        save_checkpoint(path, material.program, material.digest, checkpoint)
        seconds = time.perf_counter() - started
        self._emit(SegmentTrained(number, seconds, tuple(report["loss"]), report["clamped"]))
        return checkpoint

    def _watch_clamping(self, number: int, per_step: dict[str, list[int]]) -> None:
        """Warn, or stop before the checkpoint is saved, where a tensor is clamped above the user's share."""
        if self._limit is None:
            return
        first = (number - 1) * self._material.info.folds_per_segment * self._material.info.steps_per_fold + 1
        for tensor, counts in per_step.items():
            values = self._values(tensor)
            for step, count in enumerate(counts, first):
                if count <= self._limit.share * values:
                    continue
                self._emit(ClampWarning(step, tensor, count, values, count / values))
                if self._limit.stop:
                    raise Rejected(
                        "clamp-share",
                        f"step {step}: {count} of {values} values of {tensor} were clamped, above the share "
                        f"{self._limit.share}; segment {number} is not saved; use wider tensors or go on",
                    )

    def _values(self, tensor: str) -> int:
        """Values of a tensor in one step: `<layer>.Y` is a layer's output, `<layer>.dX` as its input."""
        name, _, which = tensor.rpartition(".")
        layer = next(layer for layer in self._material.info.layers if layer.name == name)
        return self._material.info.batch * (layer.d_in if which == "dX" else layer.d_out)

    def _set_aside(self, path: Path, error: IvcError) -> None:
        self._emit(Damaged(str(path), str(set_aside(path)), str(error)))
