"""The running proof of an r1cs-nova run: one object that every fold is folded into, compressed at the end."""

import hashlib
from pathlib import Path
from typing import Self

import _escapement

from ivc import cache
from ivc.bundle import Bundle, Segment
from ivc.errors import Rejected, native_errors
from ivc.material import Material
from ivc.running_proof import SetAside
from ivc.states import folds_of, save_state, saved_states
from ivc.storage import read


class NovaProof:
    """`ivc.running_proof.RunningProof` for Nova."""

    def __init__(self, material: Material, prover: _escapement.Prover) -> None:
        """Use `restore`."""
        self._material, self._prover = material, prover

    @classmethod
    def set_up(cls, material: Material, ptau: Path | None) -> _escapement.Parameters:
        """The commitment keys and the circuit's shape: 6 to 15 s, some 300 MB."""
        parameters = cache.parameters(material.program, material.request.scheme, ptau)
        with native_errors("verifying-key"):
            digest = hashlib.sha256(parameters.verifying_key_bytes()).digest()
        require_key(digest, material)
        return parameters

    @classmethod
    def restore(cls, material: Material, parameters: _escapement.Parameters, set_aside: SetAside) -> Self:
        """From the newest state that is whole and this run's."""
        inputs = (parameters, material.program, material.key, material.samples, material.labels)
        for path in saved_states(material.directory.proofs):
            try:
                prover = _escapement.Prover.restore(*inputs, read(path, "running proof"))
            except _escapement.NativeError as error:
                set_aside(path, str(error.args[1]))
                continue
            if prover.folds == folds_of(path) and prover.manifest_digest == material.digest:
                return cls(material, prover)
            set_aside(path, f"fold {prover.folds} of manifest {prover.manifest_digest.hex()}")
        with native_errors("prover"):
            return cls(material, _escapement.Prover.start(*inputs, material.policy.nonce, material.digest))

    @property
    def folds(self) -> int:
        """Folds proven."""
        return self._prover.folds

    def z(self) -> list[bytes]:
        """The state, six field elements."""
        return self._prover.z()

    def prove_fold(self, seed: bytes) -> tuple[float, float]:
        """Check the next fold against its constraints, then fold it in."""
        with native_errors("fold"):
            times = self._prover.prove_fold(seed)
        return times["check_seconds"], times["fold_seconds"]

    def save(self) -> int:
        """Write the state; the one before the last is dropped."""
        with native_errors("state"):
            data = self._prover.state_bytes()
        save_state(self._material.directory.proofs, self.folds, data)
        return len(data)

    def bundle(self, segments: tuple[Segment, ...], delays: bytes) -> Bundle:
        """With the compressed proof, which is zero-knowledge."""
        with native_errors("compression"):
            proof = self._prover.compress()
        request, manifest = self._material.request.encode(), self._material.manifest.encode()
        return Bundle(request, manifest, segments, delays, proof, signature=bytes(64))


def require_key(digest: bytes, material: Material) -> None:
    """Require that the policy states this digest as its verifying key."""
    wanted = material.policy.verifying_key
    if digest != wanted:
        raise Rejected(
            "verifying-key-mismatch",
            f"verifying key: the policy states {wanted.hex()}, the program's is {digest.hex()}; ask the "
            "verifier for a policy made for this request with this version",
        )
