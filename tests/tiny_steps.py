"""Tiny chains of steps by every prover that is always there, honest or not: 2 segments, short delays.

`Hashes` is an honest prover without cryptography, to exercise the chain with several links per segment and a
proof in each: a step hashes the weights with its seed, its proof is the new weights, and the verifier
repeats it. It shows what it says, and hides nothing.
"""

import dataclasses
import functools
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import vdf
from tests.tiny_run import tiny_data, tiny_program
from tests.tiny_segment import segment_program
from vdf.encoding import u64
from zkml.errors import ProofMalformed, ProofRejected
from zkml.program import Program
from zkml.provers import chain
from zkml.provers.interface import Backend, Emit, Estimate, Limits, Link, Progress, Steps, Work
from zkml.provers.registry import PROVERS
from zkml.provers.stepsfile import Segment, StepsFile
from zkml.provers.terms import Terms

NAMES = ("hashes", "segment", "r1cs-nova")
SEGMENTS, SQUARINGS = 2, 300
Seed = Callable[[int, bytes, bytes], bytes]


@dataclass(frozen=True)
class Made:
    """A chain that verifies, and what it was made from."""

    backend: Backend
    steps: Steps
    terms: Terms
    data: bytes
    folder: Path

    @property
    def file(self) -> StepsFile:
        """The file, decoded."""
        from zkml.provers.stepsfile import decode

        return decode(self.data, chain.shape_of(self.terms, self.backend))


def tiny_work(name: str) -> Work:
    """Nine rows and a program for the prover of that name."""
    data = segment_program() if name == "segment" else tiny_program(m=3 if name == "hashes" else 2)
    x, labels = tiny_data()
    rows = np.frombuffer(x, "<i4").reshape(9, 3)
    return Work(Program.decode(data), rows, np.frombuffer(labels, "<i4"))


def terms_for(name: str, work: Work, rows: bytes, nonce: bytes = b"n" * 32) -> Terms:
    """Terms of two segments."""
    return Terms(
        prover=name,
        program=work.program.encode(),
        rows=hashlib.sha256(rows).digest(),
        nonce=nonce,
        group="rsa-2048",
        squarings=SQUARINGS,
        segments=SEGMENTS,
        srs=bytes(32),
    )


@functools.cache
def set_up(name: str) -> tuple[Backend, Steps, Path]:
    """The backend of that name, set up for `tiny_work`; once per process."""
    backend, folder = PROVERS[name](), Path(KEPT.name) / name
    return backend, backend.set_up(tiny_work(name), folder, None), folder / "verifier"


@functools.cache
def made(name: str, nonce: bytes = b"n" * 32) -> Made:
    """A chain that verifies; once per process."""
    backend, steps, folder = set_up(name)
    terms = terms_for(name, tiny_work(name), steps.rows, nonce)
    return Made(backend, steps, terms, chain.prove(terms, backend, steps).data, folder)


def checked(
    chain_made: Made, data: bytes | StepsFile | None = None, terms: Terms | None = None
) -> chain.Verified:
    """The chain's file, or another, verified under its terms, or others."""
    given = chain_made.data if data is None else data if isinstance(data, bytes) else data.encode()
    own = chain_made.terms if terms is None else terms
    return chain.verify(own, given, PROVERS[own.prover](), chain_made.folder, None)


def cheated(
    honest: Made,
    *,
    terms: Terms | None = None,
    nonce: bytes | None = None,
    statement: bytes | None = None,
    steps: Steps | None = None,
    seed: Seed = lambda index, previous, own: own,
    squarings: int | None = None,
) -> StepsFile:
    """A file by a prover that does as it likes; without arguments it verifies.

    terms: those that the chain of hashes is made under; nonce: of the first weights; statement: what the
    prover is told; steps: of other rows; seed: what segment index + 1 trains on, given the seeds of the
    delay before and of its own; squarings: of the delays that are computed.
    """
    terms = honest.terms if terms is None else terms
    steps = honest.steps if steps is None else steps
    group, digest = vdf.group(terms.group), terms.statement()
    prover = steps.prover(terms.nonce if nonce is None else nonce, digest if statement is None else statement)
    checkpoint, previous, delays, segments = prover.genesis, chain.NO_SEED, [], []
    for index in range(terms.segments):
        context = chain.delay_context(digest, index, checkpoint, previous)
        length = terms.squarings if squarings is None else squarings
        delays.append(group.delay(group.input(context, length), length))
        own = chain.seed(digest, index, checkpoint, delays[-1].y)
        links = prover.prove(seed(index, previous, own), lambda progress: None)
        segments.append(Segment(delays[-1].y, links))
        previous, checkpoint = own, links[-1].after
    return StepsFile(steps.rows, tuple(segments), group.prove_run(delays), prover.finish())


def redelayed(file: StepsFile, terms: Terms, genesis: bytes) -> StepsFile:
    """The file with delays computed for what it claims, and a true proof of them."""
    group, digest = vdf.group(terms.group), terms.statement()
    checkpoint, previous, delays, segments = genesis, chain.NO_SEED, [], []
    for index, segment in enumerate(file.segments):
        x = group.input(chain.delay_context(digest, index, checkpoint, previous), terms.squarings)
        delays.append(group.delay(x, terms.squarings))
        previous = chain.seed(digest, index, checkpoint, delays[-1].y)
        checkpoint = segment.links[-1].after
        segments.append(dataclasses.replace(segment, y=delays[-1].y))
    return dataclasses.replace(file, segments=tuple(segments), delays=group.prove_run(delays))


class Hashes:
    """`zkml.provers.interface.Backend`; one link and one proof per step."""

    name = "hashes"
    not_bound = ("anything about training",)

    def require(self) -> None:
        """Always there."""

    def links_per_segment(self, program: Program) -> int:
        """One per step."""
        return program.m * program.k

    def limits(self, program: Program) -> Limits:
        """Everything is a digest."""
        return Limits(rows=32, proofs=1, proof=32, last=32)

    def estimate(self, program: Program) -> Estimate:
        """Next to nothing."""
        return Estimate(1e-6, 0.0, 0, 0, "a guess")

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> "HashSteps":
        """The digest of the rows is what is public of them."""
        return HashSteps(work.program, _digest(work.x.tobytes(), work.labels.tobytes()))

    def verifier(self, program: Program, folder: Path, srs: Path | None) -> "HashVerifier":
        """Needs nothing."""
        return HashVerifier(program)


class HashSteps:
    """`zkml.provers.interface.Steps`."""

    key_bytes = 0
    srs: Path | None = None
    insecure: str | None = "it is a test double"

    def __init__(self, program: Program, rows: bytes) -> None:
        """Use `Hashes.set_up`."""
        self._program, self.rows = program, rows

    def prover(self, nonce: bytes, statement: bytes) -> "HashProver":
        """At the genesis."""
        return HashProver(self._program, self.rows, nonce, statement)


class HashProver:
    """`zkml.provers.interface.StepProver`."""

    def __init__(self, program: Program, rows: bytes, nonce: bytes, statement: bytes) -> None:
        """Use `HashSteps.prover`."""
        self._steps, self._rows, self._statement = program.m * program.k, rows, statement
        self._weights = _digest(program.digest(), nonce)
        self.genesis = _digest(self._weights)

    def prove(self, seed: bytes, emit: Emit) -> tuple[Link, ...]:
        """One link per step."""
        links = []
        for step in range(self._steps):
            self._weights = _digest(self._weights, seed, u64(step))
            links.append(Link(_digest(self._weights), (self._weights,)))
            emit(Progress(1, 1e-6, {"hashing": 1e-6}))
        return tuple(links)

    def finish(self) -> bytes:
        """Binds what no link does."""
        return _digest(self._statement, self._rows, self._weights)


class HashVerifier:
    """`zkml.provers.interface.Verifier`."""

    insecure: str | None = "it is a test double"

    def __init__(self, program: Program) -> None:
        """Use `Hashes.verifier`."""
        self._program = program

    def genesis(self, nonce: bytes) -> bytes:
        """The hash of the first weights."""
        return _digest(_digest(self._program.digest(), nonce))

    def verify(
        self,
        rows: bytes,
        nonce: bytes,
        statement: bytes,
        seeds: Sequence[bytes],
        segments: Sequence[tuple[Link, ...]],
        last: bytes,
    ) -> None:
        """By repeating every step."""
        weights = _digest(self._program.digest(), nonce)
        for i, (seed, links) in enumerate(zip(seeds, segments, strict=True)):
            for j, link in enumerate(links):
                where = f"segment {i + 1}, link {j + 1}"
                if len(link.proofs) != 1 or len(link.proofs[0]) != 32:
                    raise ProofMalformed(f"{where}: one proof of 32 bytes expected")
                weights = _digest(weights, seed, u64(j))
                if link != Link(_digest(weights), (weights,)):
                    raise ProofRejected(f"{where}: not the step from the one before")
        if last != _digest(statement, rows, weights):
            raise ProofRejected("last proof: not of this statement")


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


KEPT = tempfile.TemporaryDirectory(prefix="escapement-steps-")  # removed when the process ends
