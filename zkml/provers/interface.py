"""What a prover of training steps offers, whoever made it (`--prover`).

    steps  = backend.set_up(work, folder, srs)         once per program: keys, generators, rows
    prover = steps.prover(nonce, statement)            at the genesis weights
    links  = prover.prove(seed, emit)                  one segment, on the batches that the seed dictates
    last   = prover.finish()                           what the links' own proofs leave to show
    backend.verifier(program, folder, srs).verify(rows, nonce, statement, seeds, segments, last)

A link says that training led from the weights behind the hash before it to those behind its own. Links are
as fine as what the proofs bind: one per step in ezkl, one per segment where steps are folded into one proof.
The first link starts at the genesis that program and nonce give. `statement` is the digest of everything
agreed on beforehand (`zkml.provers.terms`). Digests, seeds and nonces are 32 bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zkml.exact import Int
from zkml.program import Program


@dataclass(frozen=True)
class Work:
    """A program and its training rows. x: integers (rows, features); labels: (rows,)."""

    program: Program
    x: Int
    labels: Int


@dataclass(frozen=True)
class Link:
    """The hash of the weights after some steps, 32 bytes, and what proves them; empty if `last` does."""

    after: bytes
    proofs: tuple[bytes, ...]


@dataclass(frozen=True)
class Progress:
    """`steps` more are proven, in `seconds` of training and proving, of which `parts` by name."""

    steps: int
    seconds: float
    parts: dict[str, float]


@dataclass(frozen=True)
class Estimate:
    """What proving will take: seconds and bytes; `source` says where the figures come from."""

    seconds_per_step: float
    set_up_seconds: float
    memory_bytes: int
    disk_bytes: int
    source: str


@dataclass(frozen=True)
class Limits:
    """The most that a prover's bytes may take, by the program alone; nothing longer is read.

    `rows`: bytes of `Steps.rows`; `proofs`: how many a link has, each of at most `proof` bytes; `last`: bytes
    of `StepProver.finish`.
    """

    rows: int
    proofs: int
    proof: int
    last: int


Emit = Callable[[Progress], None]


class StepProver(Protocol):
    """Proves segment after segment; holds weights and rows."""

    @property
    def genesis(self) -> bytes:
        """The hash of the weights that it starts from."""
        ...

    def prove(self, seed: bytes, emit: Emit) -> tuple[Link, ...]:
        """The next segment's links. `emit` hears of every proof as it is made. Raises ProverError."""
        ...

    def finish(self) -> bytes:
        """The proof of what no link's own proofs show; empty if there is none."""
        ...


class Steps(Protocol):
    """One program's set-up with its rows."""

    @property
    def rows(self) -> bytes:
        """What is public of the training rows; its SHA-256 is agreed on beforehand."""
        ...

    @property
    def key_bytes(self) -> int:
        """Bytes of all keys, generators and reference strings that proving reads."""
        ...

    @property
    def srs(self) -> Path | None:
        """The file of the reference string in use, also if it was made here; None if there is none."""
        ...

    @property
    def insecure(self) -> str | None:
        """Why proofs of this set-up show nothing, for display; None if nothing of the kind is known."""
        ...

    def prover(self, nonce: bytes, statement: bytes) -> StepProver:
        """A prover at the genesis weights."""
        ...


class Verifier(Protocol):
    """Checks links with keys derived from the program, never taken from a prover."""

    @property
    def insecure(self) -> str | None:
        """As of `Steps`."""
        ...

    def genesis(self, nonce: bytes) -> bytes:
        """The hash of the weights that program and nonce give."""
        ...

    def verify(
        self,
        rows: bytes,
        nonce: bytes,
        statement: bytes,
        seeds: Sequence[bytes],
        segments: Sequence[tuple[Link, ...]],
        last: bytes,
    ) -> None:
        """Require that the links lead from the genesis on over the batches of each seed.

        `rows` has been compared with what was agreed on; everything else is a prover's. Raises
        ProofRejected, ProofMalformed.
        """
        ...


class Backend(Protocol):
    """A way to prove steps, by its name on the command line."""

    @property
    def name(self) -> str:
        """As of `--prover`."""
        ...

    @property
    def not_bound(self) -> tuple[str, ...]:
        """What its proofs leave open, in sentences for the reader of a statement."""
        ...

    def require(self) -> None:
        """Require that it can run here; raises ProverMissing with the remedy."""
        ...

    def links_per_segment(self, program: Program) -> int:
        """How many links `StepProver.prove` returns, and `Verifier.verify` demands per seed."""
        ...

    def limits(self, program: Program) -> Limits:
        """What a file of links may hold at most; cheap. Raises ProverError."""
        ...

    def estimate(self, program: Program) -> Estimate:
        """What set-up and steps will take, before either; cheap. Raises ProverError, ZkmlError."""
        ...

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> Steps:
        """Keys and generators, with files under `folder`. Raises ProverError, ZkmlError.

        The same work in the same folder gives the same `rows`: what is secret is kept there.
        """
        ...

    def verifier(self, program: Program, folder: Path, srs: Path | None) -> Verifier:
        """The verifier's own set-up; `folder` is its own, and may hold what it derived before."""
        ...
