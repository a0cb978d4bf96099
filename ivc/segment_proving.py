"""The running proof of a segment run: a proof per fold, and the claims that wait for the closing.

On disk, in this order after fold f, each file whole or absent:

    fold-f.proof      goes into the bundle as it is; kept
    fold-f.state      weights, claims, accumulated polynomials, digest of the proofs 1 to f; two are kept

    d_0 = 0³²         d_f = SHA-256(d_{f−1} ‖ proof_f)

So a state is only continued with the very proofs that led to it: whatever a crash or a damaged file
leaves, either state f stands with all its proofs, or fold f is proven again from state f−1, or everything is.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import _escapement

from ivc import cache
from ivc.bundle import Segment
from ivc.commitments import segment_rows
from ivc.errors import StorageError, native_errors
from ivc.material import Material
from ivc.nova_proving import require_key
from ivc.running_proof import SetAside
from ivc.segment_bundle import SegmentBundle
from ivc.states import fold_proof_path, folds_of, save_state, saved_states
from ivc.storage import read, save


class SegmentProof:
    """`ivc.running_proof.RunningProof` for the segment argument."""

    def __init__(self, material: Material, prover: _escapement.SegmentProver) -> None:
        """Use `restore`."""
        self._material, self._prover, self._last = material, prover, b""

    @classmethod
    def set_up(cls, material: Material, ptau: Path | None) -> _escapement.SegmentRows:
        """The generators, from the cache, and the committed rows, which the material has already."""
        require_key(cache.segment_parameters(material.program).digest, material)
        if material.rows is not None:
            return material.rows
        return segment_rows(material.program, material.key, material.samples, material.labels)

    @classmethod
    def restore(cls, material: Material, parameters: _escapement.SegmentRows, set_aside: SetAside) -> Self:
        """From the newest state that is whole, this run's, and has all its proofs."""
        folder, inputs = material.directory.proofs, (parameters, material.key)
        for path in saved_states(folder):
            try:
                prover = _escapement.SegmentProver.restore(*inputs, read(path, "running proof"))
            except _escapement.NativeError as error:
                set_aside(path, str(error.args[1]))
                continue
            if prover.folds != folds_of(path) or prover.manifest_digest != material.digest:
                set_aside(path, f"fold {prover.folds} of manifest {prover.manifest_digest.hex()}")
            elif not _whole(folder, prover):
                set_aside(path, f"the proofs of folds 1 to {prover.folds} are not those that led to it")
            else:
                return cls(material, prover)
        with native_errors("prover"):
            return cls(
                material, _escapement.SegmentProver.start(*inputs, material.policy.nonce, material.digest)
            )

    @property
    def folds(self) -> int:
        """Folds proven."""
        return self._prover.folds

    def z(self) -> list[bytes]:
        """The state, six field elements."""
        return self._prover.z()

    def prove_fold(self, seed: bytes) -> tuple[float, float]:
        """Prove the next fold and verify its proof; kept in memory until `save`."""
        with native_errors("fold"):
            self._last, times = self._prover.prove_fold(seed)
        return times["check_seconds"], times["fold_seconds"]

    def save(self) -> int:
        """Write the fold's proof, then the state behind it."""
        folder = self._material.directory.proofs
        with native_errors("state"):
            data = self._prover.state_bytes()
        save(fold_proof_path(folder, self.folds), self._last, mode=0o600)
        save_state(folder, self.folds, data)
        return len(self._last) + len(data)

    def bundle(self, segments: tuple[Segment, ...], delays: bytes) -> SegmentBundle:
        """With the proof of the rows, every fold's as it lies on disk, and the closing."""
        material = self._material
        folder = material.directory.proofs
        if not _whole(folder, self._prover):
            raise StorageError("run-incomplete", f"{folder}: a fold's proof is damaged; run it again")
        with native_errors("closing"):
            dataset, closing = self._prover.close()
        return SegmentBundle(
            request=material.request.encode(),
            manifest=material.manifest.encode(),
            segments=segments,
            delays=delays,
            dataset=dataset,
            folds=tuple(_proofs(folder, self.folds)),
            closing=closing,
            signature=bytes(64),
        )


def _proofs(folder: Path, folds: int) -> Iterator[bytes]:
    for fold in range(1, folds + 1):
        yield read(fold_proof_path(folder, fold), "fold proof")


def _whole(folder: Path, prover: _escapement.SegmentProver) -> bool:
    """Whether the proofs on disk are those that the state was saved behind."""
    digest = bytes(32)
    try:
        for proof in _proofs(folder, prover.folds):
            digest = hashlib.sha256(digest + proof).digest()
    except StorageError as error:
        if error.code != "missing-file":
            raise
        return False
    return digest == prover.proofs_digest
