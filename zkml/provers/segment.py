"""The segment argument as a step prover: a proof per fold by sumchecks, and a closing for all of them.

    rows  = root ‖ K          after = digest of the commitment to the weights at the segment's end
    proofs of a link = those of its m folds                     last = proof of the rows ‖ closing

All lengths follow from the program (`_escapement.segment_proof_sizes`). Source: docs/protocol.md §14, §15.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import _escapement

from zkml.errors import ProofMalformed, TermsMismatch
from zkml.program import SEGMENT, Program
from zkml.provers.interface import Emit, Estimate, Limits, Link, Progress, Work
from zkml.provers.native import (
    blinding_key,
    estimated,
    proof_errors,
    proving_errors,
    require_arithmetisation,
    row_bytes,
)


class Segment:
    """`zkml.provers.interface.Backend`."""

    name = "segment"
    not_bound = (
        "that the blinds of the checkpoints are the derived ones: a trainer may have tried many, run their "
        "delays side by side, and kept the seed that it liked best",
        "that weights and rows stay hidden: its messages are not masked, so a reader can confirm any guess "
        "of them and find what is small outright; r1cs-nova hides both",
        "that K commits to the key that the blinds come from; K is only part of what was agreed on",
    )

    def require(self) -> None:
        """It is part of this package."""

    def links_per_segment(self, program: Program) -> int:
        """1: a segment ends in a checkpoint, its folds hand over inside the argument."""
        return 1

    def limits(self, program: Program) -> Limits:
        """Exact lengths, by counting."""
        sizes = proof_sizes(program)
        last = sizes["dataset_bytes"] + sizes["closing_bytes"]
        return Limits(rows=64, proofs=program.m, proof=sizes["fold_bytes"], last=last)

    def estimate(self, program: Program) -> Estimate:
        """By `zkml.costs`. The last proof is not in it."""
        return estimated(program, SEGMENT)

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> "SegmentSteps":
        """Generators (a file in the folder), and the committed rows."""
        parameters = self._parameters(work.program, folder, srs)
        rows = row_bytes(work)
        key = blinding_key(folder, work.program, rows)
        with proving_errors("rows"):
            committed = _escapement.SegmentRows(parameters, key, *rows)
        return SegmentSteps(work.program, committed, key)

    def verifier(self, program: Program, folder: Path, srs: Path | None) -> "SegmentVerifier":
        """The same generators, from the verifier's own folder; the native module has their digests."""
        return SegmentVerifier(program, self._parameters(program, folder, srs))

    def _parameters(self, program: Program, folder: Path, srs: Path | None) -> _escapement.SegmentParameters:
        require_arithmetisation(program, SEGMENT)
        if srs is not None:
            raise TermsMismatch(f"{self.name}: no reference string expected")
        path = folder / "generators" / "bn254.points"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            LOGGER.warning("the generators are not kept: %s", error)
        with proving_errors("generators"):
            kept = path if path.parent.is_dir() else None
            parameters = _escapement.SegmentParameters(program.encode(), kept)
        if parameters.remark:
            LOGGER.warning("%s", parameters.remark)
        return parameters


class SegmentSteps:
    """`zkml.provers.interface.Steps`."""

    srs: Path | None = None
    insecure: str | None = None

    def __init__(self, program: Program, committed: _escapement.SegmentRows, key: bytes) -> None:
        """Use `Segment.set_up`."""
        self._program, self._committed, self._key = program, committed, key
        self.rows = committed.root + _escapement.key_commitment(key)
        self.key_bytes = 64 << proof_sizes(program)["log_generators"]

    def prover(self, nonce: bytes, statement: bytes) -> "SegmentStepProver":
        """A prover at z_0; `statement` enters the log, from which an honest prover's blinds come."""
        with proving_errors("prover"):
            native = _escapement.SegmentProver.start(self._committed, self._key, nonce, statement)
        return SegmentStepProver(self._program, native)


class SegmentStepProver:
    """`zkml.provers.interface.StepProver`."""

    def __init__(self, program: Program, native: _escapement.SegmentProver) -> None:
        """Use `SegmentSteps.prover`."""
        self._program, self._native = program, native
        self.genesis = native.z()[1]

    def prove(self, seed: bytes, emit: Emit) -> tuple[Link, ...]:
        """m folds, each proof verified as it is made."""
        proofs = []
        for _ in range(self._program.m):
            start = time.perf_counter()
            with proving_errors(f"fold {self._native.folds + 1}"):
                proof, times = self._native.prove_fold(seed)
            parts = {"check": times["check_seconds"], **{name: times[name] for name in PARTS}}
            emit(Progress(self._program.k, time.perf_counter() - start, parts))
            proofs.append(proof)
        return (Link(self._native.z()[1], tuple(proofs)),)

    def finish(self) -> bytes:
        """Proof of the rows ‖ closing."""
        with proving_errors("closing"):
            return b"".join(self._native.close())


class SegmentVerifier:
    """`zkml.provers.interface.Verifier`."""

    insecure: str | None = None

    def __init__(self, program: Program, parameters: _escapement.SegmentParameters) -> None:
        """Use `Segment.verifier`."""
        self._program, self._parameters, self._sizes = program, parameters, proof_sizes(program)

    def genesis(self, nonce: bytes) -> bytes:
        """C_0, by the program and the nonce alone."""
        with proving_errors("genesis"):
            return self._parameters.genesis_commitment(nonce)

    def verify(
        self,
        rows: bytes,
        nonce: bytes,
        statement: bytes,
        seeds: Sequence[bytes],
        segments: Sequence[tuple[Link, ...]],
        last: bytes,
    ) -> None:
        """The rows' ranges, every fold on its seed's batches, each checkpoint, the closing.

        `statement` is bound by the seeds, which hash it; the argument has no other place for it.
        """
        if len(rows) != 64:
            raise ProofMalformed(f"rows: 64 bytes expected, got {len(rows)}")
        dataset = self._sizes["dataset_bytes"]
        _length("last proof", last, dataset + self._sizes["closing_bytes"])
        links = [self._link(i, segment) for i, segment in enumerate(segments)]
        with proof_errors("segments"):
            self._parameters.verify(
                rows[:32],
                nonce,
                list(seeds),
                [link.after for link in links],
                last[:dataset],
                [proof for link in links for proof in link.proofs],
                last[dataset:],
            )

    def _link(self, index: int, links: tuple[Link, ...]) -> Link:
        where = f"segment {index + 1}"
        if len(links) != 1:
            raise ProofMalformed(f"{where}: 1 link expected, got {len(links)}")
        if len(links[0].proofs) != self._program.m:
            raise ProofMalformed(
                f"{where}, link 1: {self._program.m} proofs expected, got {len(links[0].proofs)}"
            )
        for j, proof in enumerate(links[0].proofs):
            _length(f"{where}, link 1, proof {j + 1}", proof, self._sizes["fold_bytes"])
        return links[0]


def proof_sizes(program: Program) -> dict[str, int]:
    """See `_escapement.segment_proof_sizes`. Raises ProverUnsupported."""
    require_arithmetisation(program, SEGMENT)
    with proving_errors("program"):
        return _escapement.segment_proof_sizes(program.encode())


def _length(where: str, proof: bytes, length: int) -> None:
    if len(proof) != length:
        raise ProofMalformed(f"{where}: {length} bytes expected, got {len(proof)}")


LOGGER = logging.getLogger(__name__)
PARTS = ("commitments", "products", "wiring", "lookups", "opening")
