"""Proves steps one by one: the outputs' elements of a step are the inputs of the next."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from _escapement import batch_indices

from zkml.errors import ProverFailed, TensorError
from zkml.provers.ezkl import child, field, proof
from zkml.provers.ezkl.layout import Layout
from zkml.provers.ezkl.setup import SetUp
from zkml.provers.interface import Emit, Link, Progress, Work


@dataclass(frozen=True)
class EzklSteps:
    """One program's keys and its rows as field elements."""

    kept: SetUp
    elements: list[list[str]]
    rows: bytes

    @property
    def key_bytes(self) -> int:
        """Bytes of keys, compiled circuit and reference string."""
        return self.kept.key_bytes

    @property
    def srs(self) -> Path:
        """The reference string's file, given or made here."""
        return self.kept.srs

    @property
    def insecure(self) -> str | None:
        """Set if the reference string was made here."""
        return self.kept.insecure

    def prover(self, nonce: bytes, statement: bytes) -> EzklProver:
        """A prover at the genesis weights. `statement` enters no proof: see `backend.NOT_BOUND`."""
        return EzklProver(self, field.genesis(self.kept.layout.program, nonce))


class EzklProver:
    """Holds the current weights as field elements; a failed segment leaves them as they were."""

    def __init__(self, steps: EzklSteps, weights: list[list[str]]) -> None:
        self._steps = steps
        self._weights = weights
        self._hashes = hash_tensors(steps.kept, weights)
        self.genesis = field.weights_hash(self._hashes)

    @property
    def weights(self) -> list[list[int]]:
        """The current weights, tensor by tensor, as integers at scale s."""
        return [field.integers(tensor) for tensor in self._weights]

    def prove(self, seed: bytes, emit: Emit) -> tuple[Link, ...]:
        """One link per step of the segment that `seed` selects."""
        layout, weights, hashes = self._steps.kept.layout, self._weights, self._hashes
        links = []
        for position in range(layout.steps):
            start = time.perf_counter()
            rows = batch_indices(layout.program.encode(), seed, position)
            made, weights, parts = self._step(weights, hashes, rows)
            hashes = list(made.after)
            links.append(proof.link(made))
            emit(Progress(1, time.perf_counter() - start, parts))
        self._weights, self._hashes = weights, hashes
        return tuple(links)

    def finish(self) -> bytes:
        """Nothing: every link has its own proof."""
        return b""

    def _step(
        self, weights: list[list[str]], hashes: list[bytes], rows: list[int]
    ) -> tuple[proof.Step, list[list[str]], dict[str, float]]:
        steps, kept = self._steps, self._steps.kept
        answer = child.run(
            "step",
            kept.folder.parent,
            folder=str(kept.folder),
            srs=str(kept.srs.resolve()),
            inputs=weights + [steps.elements[row] for row in rows],
        )
        after = tuple(bytes.fromhex(e) for e in answer["instances"][len(weights) + len(rows) :])
        batch = [row_hash(steps.rows, row) for row in rows]
        if answer["instances"] != proof.instances(hashes, batch, after):
            raise ProverFailed("ezkl: the instances of its proof are not the hashes of what it was given")
        parts = {"witness": answer["witness_seconds"], "proof": answer["proof_seconds"]}
        return proof.Step(after, bytes.fromhex(answer["proof"])), answer["outputs"], parts


def make_steps(kept: SetUp, work: Work) -> EzklSteps:
    """Quantise and hash the rows. Raises TensorError if they do not fit the program."""
    require_rows(kept.layout, work)
    elements = field.samples(work.program, work.x, work.labels)
    return EzklSteps(kept, elements, b"".join(hash_tensors(kept, elements)))


def require_rows(layout: Layout, work: Work) -> None:
    """Require rows of the program's number, width and range. Raises TensorError."""
    program = layout.program
    if work.x.shape != (program.rows, program.features) or work.labels.shape != (program.rows,):
        raise TensorError(
            f"rows: expected x of shape {(program.rows, program.features)} and as many labels, "
            f"got {work.x.shape} and {work.labels.shape}"
        )
    for name, values, (low, high) in (
        ("x", work.x, program.input_range),
        ("labels", work.labels, (0, program.classes - 1)),
    ):
        if values.min() < low or values.max() > high:
            raise TensorError(f"rows: {name} must be in [{low}, {high}], got {values.min()}..{values.max()}")


def hash_tensors(kept: SetUp, tensors: list[list[str]]) -> list[bytes]:
    """The Poseidon hash of each tensor."""
    found: list[bytes] = []
    for chunk in _chunks(tensors):
        hexes = child.run("hashes", kept.folder.parent, messages=chunk)
        found += [bytes.fromhex(h) for h in hexes]
    return found


def row_hash(rows: bytes, index: int) -> bytes:
    """The hash of one row."""
    return rows[32 * index : 32 * index + 32]


def _chunks(tensors: list[list[str]]) -> list[list[list[str]]]:
    """Consecutive tensors, so many to a chunk that its text stays within some tens of megabytes."""
    chunks: list[list[list[str]]] = [[]]
    size = 0
    for tensor in tensors:
        if chunks[-1] and size + len(tensor) > _CHUNK:
            chunks.append([])
            size = 0
        chunks[-1].append(tensor)
        size += len(tensor)
    return chunks


_CHUNK = 1 << 18  # elements
