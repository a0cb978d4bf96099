"""What a group of unknown order offers to run delays in; `vdf.rsa` and `vdf.classgroup` implement it.

A delay is fixed by (group, context, T), all of them the verifier's: `input` turns the context, 32 bytes that
commit to everything before the delay, into x. Outputs y and proofs are bytes with one encoding each, so that
nobody can choose between two outputs of one delay.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vdf.errors import StorageError, UsageError

Progress = Callable[[int, int], None]  # (done, total)
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Delay:
    """A finished delay. `x`, `y`: encoded; `pi`: its own proof; `squarings`: T.

    `kept`: what the proof of a whole run is made from, opaque, or the file that holds it; empty where a group
    needs nothing. It is the prover's own: no verifier ever sees it.
    """

    x: bytes
    y: bytes
    pi: bytes
    squarings: int
    kept: bytes | Path = field(default=b"", repr=False)

    def load_kept(self) -> bytes:
        """The kept bytes; raises StorageError `delay-file-unreadable`."""
        if isinstance(self.kept, bytes):
            return self.kept
        try:
            return self.kept.read_bytes()
        except OSError as error:
            raise StorageError("delay-file-unreadable", f"{self.kept}: {error.strerror or error}") from error


class Group(ABC):
    """A group of unknown order; `name` is what policies say, `output_bytes` the length of every y."""

    name: str
    output_bytes: int

    @abstractmethod
    def input(self, context: bytes, squarings: int) -> bytes:
        """x for a context of 32 bytes and T; UsageError `delay-context`, `delay-squarings`."""

    @abstractmethod
    def proof_bytes(self, squarings: int) -> int:
        """Length of the proof of one delay of T squarings."""

    @abstractmethod
    def run_proof_bytes(self, squarings: int, delays: int) -> int:
        """Length of the one proof of `delays` ≥ 1 delays of T squarings each, as a bundle carries it."""

    @abstractmethod
    def delay(
        self,
        x: bytes,
        squarings: int,
        *,
        state: Path | None = None,
        on_output: Callable[[bytes], None] | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Delay:
        """Evaluate and prove. `on_output(y)` is called as soon as y is known, before the proof is made.

        `state`: a file of this delay alone, saved atomically and continued from when it exists, with others
        beside it; when the delay is safe, record.discard removes them all. `progress(done, T)` counts
        squarings. `stop()` true saves and raises Interrupted.
        """

    @abstractmethod
    def verify(self, x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
        """Check that y is x after T squarings; returns nothing, raises if it is not shown."""

    @abstractmethod
    def verify_each(self, delays: Sequence[Delay]) -> None:
        """`verify` for many delays of equal T, in one go; an error names the first false one by its index."""

    @abstractmethod
    def prove_run(self, delays: Sequence[Delay]) -> bytes:
        """One proof for many delays of equal T, of `run_proof_bytes`."""

    @abstractmethod
    def verify_run(self, xs: Sequence[bytes], ys: Sequence[bytes], proof: bytes, squarings: int) -> None:
        """Check that every y is its x after T squarings; raises if that is not shown."""

    @abstractmethod
    def calibrate(self, seconds: float) -> float:
        """Squarings per second of one core of this machine, measured for about `seconds`."""


def require_squarings(squarings: int, most_bits: int = 50) -> None:
    """Require an int, not a bool, of 1..2^most_bits; raises UsageError `delay-squarings`."""
    if type(squarings) is not int or not 1 <= squarings <= 1 << most_bits:
        # Python refuses to print the decimals of a huge integer.
        huge = isinstance(squarings, int) and squarings.bit_length() > 64
        got = f"of {squarings.bit_length()} bits" if huge else f"{squarings!r:.40}"
        raise UsageError(
            "delay-squarings",
            f"squarings: expected an int of 1..2^{most_bits}, got {type(squarings).__name__} {got}",
        )


def common_squarings(delays: Sequence[Delay]) -> int:
    """The T of all of them; raises UsageError `delay-batch`, `delay-squarings`."""
    for delay in delays:
        require_squarings(delay.squarings)
    lengths = {delay.squarings for delay in delays}
    if len(lengths) != 1:
        raise UsageError("delay-batch", f"delays of one T expected, at least one; got T in {sorted(lengths)}")
    return delays[0].squarings


def require_pairs(xs: Sequence[bytes], ys: Sequence[bytes]) -> None:
    """Require as many inputs as outputs, and one at least; raises UsageError `delay-batch`."""
    if not xs or len(xs) != len(ys):
        raise UsageError("delay-batch", f"as many x as y expected, at least one; got {len(xs)} and {len(ys)}")


def require_context(context: bytes) -> None:
    """Require 32 bytes; raises UsageError `delay-context`."""
    if not isinstance(context, bytes) or len(context) != CONTEXT_BYTES:
        raise UsageError("delay-context", f"context: expected {CONTEXT_BYTES} bytes, got {context!r:.80}")


CONTEXT_BYTES = 32
