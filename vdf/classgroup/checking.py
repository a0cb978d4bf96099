"""Sub-delays checked side by side in native processes, until the earliest one that fails is known."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from vdf.classgroup.chain import Step
from vdf.classgroup.client import Worker, WorkerDied, WorkerSilent, WorkerStopped
from vdf.cores import usable_cores
from vdf.errors import Rejected, ResourceError


@dataclass(frozen=True)
class Claim:
    """A sub-delay of canonical forms; `where`: its name in errors."""

    where: str
    discriminant: int
    step: Step


class Checker:
    """One thread and one native process per core, kept from one `check` to the next; `with` ends them."""

    def __init__(self, claims: int) -> None:
        """`claims` ≥ 1: how many there will be in all; LEAST_SHARE of them are worth a process."""
        self._workers: list[Worker | None] = [None] * min(usable_cores(), -(-claims // LEAST_SHARE))
        self._pool = ThreadPoolExecutor(len(self._workers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._pool.shutdown(cancel_futures=True)
        finally:
            for worker in self._workers:
                if worker is not None:
                    worker.end()

    def check(self, claims: Sequence[Claim]) -> None:
        """Return if all hold; raise for the earliest that fails, without waiting for those after it.

        Raises Rejected `delay-false`, `delay-class-crashed`; ResourceError `delay-class-missing`, `-died`,
        `-timeout`. After any error, and after Ctrl-C, the checker can only be left.
        """
        work = _Work(claims)
        try:
            slots = range(min(len(self._workers), len(claims)))
            for future in [self._pool.submit(self._serve, slot, work) for slot in slots]:
                future.result()
        except BaseException:
            work.drop()
            raise
        if work.error is not None:
            raise work.error

    def _serve(self, slot: int, work: "_Work") -> None:
        """A thread: claims, as long as there are any that still matter."""
        while (number := work.take()) is not None:
            try:
                self._require(slot, work.claims[number], partial(work.heed, number))
            except _Moot:
                return
            except Exception as error:
                work.fail(number, error)

    def _require(self, slot: int, claim: Claim, idle: Callable[[], None]) -> None:
        try:
            holds = self._ask(slot, claim, idle)
        except WorkerStopped as error:
            raise ResourceError(
                "delay-class-died", f"{claim.where}: chiavdf was stopped: {error}; repeat the call"
            ) from error
        except WorkerDied as error:
            raise Rejected(
                "delay-class-crashed", f"{claim.where}: chiavdf failed on it, twice: {error}"
            ) from error
        except WorkerSilent as error:
            raise ResourceError(
                "delay-class-timeout", f"{claim.where}: chiavdf hangs on it: {error}"
            ) from error
        if not holds:
            squarings = claim.step.squarings
            raise Rejected("delay-false", f"{claim.where}: π^B·x^r ≠ y: not {squarings} squarings")

    def _ask(self, slot: int, claim: Claim, idle: Callable[[], None]) -> bool:
        """The verdict; what dies on a claim other than by the machine's doing gets a second process."""
        try:
            return self._worker(slot, idle).verify(claim.discriminant, claim.step, idle)
        except WorkerStopped:
            raise
        except WorkerDied:
            self._end(slot)
            return self._worker(slot, idle).verify(claim.discriminant, claim.step, idle)

    def _worker(self, slot: int, idle: Callable[[], None]) -> Worker:
        worker = self._workers[slot]
        if worker is None:
            worker = self._workers[slot] = Worker(idle)
        return worker

    def _end(self, slot: int) -> None:
        worker, self._workers[slot] = self._workers[slot], None
        if worker is not None:
            worker.end()


class _Moot(Exception):
    """An earlier claim has failed, or nobody waits any more."""


class _Work:
    """Claims handed out in order, so that all before a failing one are done or under way when it fails."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self.claims = claims
        self.error: Exception | None = None
        self._next, self._end = 0, len(claims)  # those from _end on do not matter
        self._lock = threading.Lock()

    def take(self) -> int | None:
        with self._lock:
            if self._next >= self._end:
                return None
            self._next += 1
            return self._next - 1

    def heed(self, number: int) -> None:
        if number >= self._end:
            raise _Moot

    def fail(self, number: int, error: Exception) -> None:
        with self._lock:
            if number < self._end:
                self._end, self.error = number, error

    def drop(self) -> None:
        self._end = 0


LEAST_SHARE = 16  # sub-delays that are worth a process of their own
