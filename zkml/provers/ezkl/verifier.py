"""Checks a chain of ezkl proofs: every instance is the verifier's own, or a hash that the next link uses.

For each step p of a segment with seed s the instances are: the hashes of the weights that the link before
ended with (genesis first), the hashes of the rows that `batch_indices(program, s, p)` names, and the link's
own output hashes. The keys are derived from the program here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from _escapement import batch_indices

from zkml.errors import ProofMalformed, ProofRejected
from zkml.provers.ezkl import child, field, proof
from zkml.provers.ezkl.prover import hash_tensors, row_hash
from zkml.provers.ezkl.setup import SetUp
from zkml.provers.interface import Link


@dataclass(frozen=True)
class EzklVerifier:
    """Verifies links of one program with its own keys."""

    kept: SetUp

    @property
    def insecure(self) -> str | None:
        """Set if the reference string was made locally."""
        return self.kept.insecure

    def genesis(self, nonce: bytes) -> bytes:
        """The hash of the genesis weights."""
        return field.weights_hash(self._genesis(nonce))

    def verify(
        self,
        rows: bytes,
        nonce: bytes,
        statement: bytes,
        seeds: Sequence[bytes],
        segments: Sequence[tuple[Link, ...]],
        last: bytes,
    ) -> None:
        """Require that every step's proof holds for the instances that chain and seeds dictate.

        `statement` enters no proof. Raises ProofMalformed, ProofRejected.
        """
        steps = self._parse(rows, seeds, segments, last)
        hashes: Sequence[bytes] = self._genesis(nonce)
        program = self.kept.layout.program.encode()
        statements: list[tuple[str, list[str], bytes]] = []
        for seed, segment, parsed in zip(seeds, range(len(seeds)), steps, strict=True):
            for position, step in enumerate(parsed):
                batch = [row_hash(rows, row) for row in batch_indices(program, seed, position)]
                wanted = proof.instances(hashes, batch, step.after)
                statements.append((_where(segment, position), wanted, step.proof))
                hashes = step.after
        for start in range(0, len(statements), _PER_CHILD):
            self._check(statements[start : start + _PER_CHILD])

    def _parse(
        self, rows: bytes, seeds: Sequence[bytes], segments: Sequence[tuple[Link, ...]], last: bytes
    ) -> list[list[proof.Step]]:
        layout = self.kept.layout
        if len(rows) != 32 * layout.program.rows:
            raise ProofMalformed(f"rows: {len(rows)} bytes, expected 32 for each of {layout.program.rows}")
        if last:
            raise ProofMalformed(f"ezkl: {len(last)} bytes behind the links, expected none")
        if len(segments) != len(seeds):
            raise ProofMalformed(f"ezkl: {len(segments)} segments for {len(seeds)} seeds")
        for i, links in enumerate(segments):
            if len(links) != layout.steps:
                raise ProofMalformed(f"segment {i + 1}: {len(links)} links, expected {layout.steps}")
        return [
            [proof.parse(link, layout, _where(i, j)) for j, link in enumerate(links)]
            for i, links in enumerate(segments)
        ]

    def _check(self, statements: list[tuple[str, list[str], bytes]]) -> None:
        found = child.run(
            "verify",
            self.kept.folder.parent,
            folder=str(self.kept.folder),
            srs=str(self.kept.srs.resolve()),
            statements=[[instances, data.hex()] for _, instances, data in statements],
        )
        if found is None:
            return
        number, wrong = found
        where = statements[number][0]
        if wrong is None:
            raise ProofMalformed(f"{where}: bytes behind the end of the proof")
        raise ProofRejected(f"{where}: ezkl's proof does not verify: {wrong}{self._hint()}")

    def _hint(self) -> str:
        if self.insecure is None:
            return ""
        return f" (or it was made with another reference string than {self.kept.srs.name}: give that file)"

    def _genesis(self, nonce: bytes) -> list[bytes]:
        return hash_tensors(self.kept, field.genesis(self.kept.layout.program, nonce))


def _where(segment: int, position: int) -> str:
    return f"segment {segment + 1}, link {position + 1}"


_PER_CHILD = 64  # proofs that one process checks
