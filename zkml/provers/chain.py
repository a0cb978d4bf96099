"""Chains of steps by any prover: delays between segments, batches by their seeds (docs/protocol.md §15).

    d_i = SHA-256("escapement/v1/steps/delay" ‖ M ‖ u64(i) ‖ C_i ‖ s_{i−1})      s_{−1} = 0³²
    x_i = input(d_i, T)      y_i = x_i^(2^T)
    s_i = SHA-256("escapement/v1/steps/seed" ‖ M ‖ u64(i) ‖ C_i ‖ y_i)

M: the terms' digest. C_0: the genesis that program and nonce give; C_i: what the last link of segment i leads
to. Segment i+1 trains on the batches that s_i dictates, in the backend's own way. Prover and verifier compute
all of it with the functions below.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import vdf
import vdf.errors
from vdf import Delay
from vdf.encoding import tag, u64
from vdf.errors import VdfError
from zkml.errors import (
    ProofMalformed,
    ProofRejected,
    ProverFailed,
    TermsMalformed,
    TermsMismatch,
)
from zkml.provers.interface import Backend, Emit, Steps, Verifier
from zkml.provers.native import proof_errors
from zkml.provers.stepsfile import Segment, Shape, StepsFile, decode
from zkml.provers.terms import Terms


@dataclass(frozen=True)
class Watch:
    """Who hears how far `prove` is: delay(index, done, T); steps: see `Emit`; segment(index) when done."""

    delay: Callable[[int, int, int], None] = lambda index, done, total: None
    steps: Emit = lambda progress: None
    segment: Callable[[int], None] = lambda index: None


@dataclass(frozen=True)
class Proven:
    """A file's bytes and what went into it, in seconds: delays with their proof, segments, the last proof."""

    data: bytes
    delay_seconds: float
    segment_seconds: float
    last_seconds: float


@dataclass(frozen=True)
class Verified:
    """What a file shows under its terms; `insecure` says why it shows nothing."""

    terms: Terms
    statement: bytes
    checkpoints: tuple[bytes, ...]
    links: int
    steps: int
    squarings: int
    file_bytes: int
    proof_bytes: int
    not_bound: tuple[str, ...]
    insecure: str | None


def prove(terms: Terms, backend: Backend, steps: Steps, watch: Watch | None = None) -> Proven:
    """Train and prove all segments, each after its delay; nothing is saved in between.

    steps: the backend's set-up of the terms' program. Raises TermsMismatch before anything is computed,
    ProverError, VdfError.
    """
    watch = Watch() if watch is None else watch
    shape = shape_of(terms, backend)
    terms.require_srs(steps.srs)
    terms.require_rows(steps.rows)
    group, statement, clock = vdf.group(terms.group), terms.statement(), _Clock()
    prover = steps.prover(terms.nonce, statement)
    checkpoint, previous = prover.genesis, NO_SEED
    delays: list[Delay] = []
    segments: list[Segment] = []
    for index in range(terms.segments):
        x = group.input(delay_context(statement, index, checkpoint, previous), terms.squarings)
        with clock("delay"):
            delays.append(group.delay(x, terms.squarings, progress=_told(watch, index)))
        y = delays[-1].y
        previous = seed(statement, index, checkpoint, y)
        with clock("segment"):
            links = prover.prove(previous, watch.steps)
        segments.append(Segment(y, links))
        checkpoint = links[-1].after
        watch.segment(index)
    with clock("delay"):
        run = group.prove_run(delays)
    with clock("last"):
        last = prover.finish()
    data = StepsFile(steps.rows, tuple(segments), run, last).encode()
    try:
        decode(data, shape)
    except ProofMalformed as error:
        raise ProverFailed(f"{backend.name} made what its own limits refuse: {error}") from error
    return Proven(data, clock.seconds["delay"], clock.seconds["segment"], clock.seconds["last"])


def verify(terms: Terms, data: bytes, backend: Backend, folder: Path, srs: Path | None) -> Verified:
    """What the file shows under the terms; raises unless everything holds.

    backend: the one that the terms name; folder: the verifier's own, for what it derives; srs: its reference
    string, of which the terms state the digest. In this order: terms → size and form → rows → seeds → delays
    → proofs. Raises ProofMalformed (exit 5), ProofRejected (1), TermsMismatch (2), TermsMalformed (5),
    ProverError, VdfError for what the machine lacks.
    """
    shape = shape_of(terms, backend)
    terms.require_srs(srs)
    file = decode(data, shape)
    got = hashlib.sha256(file.rows).digest()
    if got != terms.rows:
        raise ProofRejected(f"rows: the terms state SHA-256 {terms.rows.hex()}, got {got.hex()}")
    verifier = backend.verifier(terms.decoded, folder, srs)
    statement, genesis = terms.statement(), verifier.genesis(terms.nonce)
    seeds = check_delays(terms, genesis, file)
    _check_links(verifier, terms, statement, seeds, file)
    last_links = [segment.links[-1] for segment in file.segments]
    return Verified(
        terms=terms,
        statement=statement,
        checkpoints=(genesis, *(link.after for link in last_links)),
        links=terms.segments * shape.links,
        steps=terms.segments * terms.decoded.m * terms.decoded.k,
        squarings=terms.segments * terms.squarings,
        file_bytes=len(data),
        proof_bytes=len(file.last)
        + sum(len(p) for s in file.segments for link in s.links for p in link.proofs),
        not_bound=backend.not_bound,
        insecure=verifier.insecure,
    )


def shape_of(terms: Terms, backend: Backend) -> Shape:
    """The shape of a file under the terms. Raises TermsMismatch for another prover's, TermsMalformed."""
    if backend.name != terms.prover:
        raise TermsMismatch(f"prover: the terms state {terms.prover}, got {backend.name}")
    group, program = vdf.group(terms.group), terms.decoded
    try:
        delays = group.run_proof_bytes(terms.squarings, terms.segments)
    except VdfError as error:
        raise TermsMalformed(f"terms.squarings: {error}") from error
    return Shape(
        segments=terms.segments,
        links=backend.links_per_segment(program),
        y=group.output_bytes,
        delays=delays,
        limits=backend.limits(program),
    )


def delay_context(statement: bytes, index: int, checkpoint: bytes, previous_seed: bytes) -> bytes:
    """d_i; all arguments but the index are 32 bytes, `previous_seed` is NO_SEED for i = 0."""
    return _hash("escapement/v1/steps/delay", statement, u64(index), checkpoint, previous_seed)


def seed(statement: bytes, index: int, checkpoint: bytes, y: bytes) -> bytes:
    """s_i; the terms fix the length of y."""
    return _hash("escapement/v1/steps/seed", statement, u64(index), checkpoint, y)


def check_delays(terms: Terms, genesis: bytes, file: StepsFile) -> list[bytes]:
    """Check the one proof of all delays, with the terms' group and T; the seeds of all segments.

    Every x comes from the claims before it, so a false y or checkpoint can only make the proof fail.
    """
    group, statement = vdf.group(terms.group), terms.statement()
    checkpoint, seeds, inputs = genesis, [NO_SEED], []
    for index, segment in enumerate(file.segments):
        context = delay_context(statement, index, checkpoint, seeds[-1])
        inputs.append(group.input(context, terms.squarings))
        seeds.append(seed(statement, index, checkpoint, segment.y))
        checkpoint = segment.links[-1].after
    with _delay_errors():
        group.verify_run(inputs, [segment.y for segment in file.segments], file.delays, terms.squarings)
    return seeds[1:]


def _check_links(
    verifier: Verifier, terms: Terms, statement: bytes, seeds: Sequence[bytes], file: StepsFile
) -> None:
    """Only a normal return of the backend is acceptance."""
    segments = [segment.links for segment in file.segments]
    with proof_errors(terms.prover):
        verifier.verify(file.rows, terms.nonce, statement, seeds, segments, file.last)


@contextmanager
def _delay_errors() -> Iterator[None]:
    """What is wrong with a delay is wrong with the file; what the machine lacks keeps its own code."""
    try:
        yield
    except vdf.errors.Malformed as error:
        raise ProofMalformed(f"delays: {error}") from error
    except vdf.errors.Rejected as error:
        raise ProofRejected(f"delays: {error}") from error


class _Clock:
    """Seconds by part."""

    def __init__(self) -> None:
        self.seconds = {"delay": 0.0, "segment": 0.0, "last": 0.0}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - start


def _told(watch: Watch, index: int) -> Callable[[int, int], None]:
    return lambda done, total: watch.delay(index, done, total)


def _hash(name: str, *fields: bytes) -> bytes:
    return hashlib.sha256(tag(name) + b"".join(fields)).digest()


NO_SEED = bytes(32)
