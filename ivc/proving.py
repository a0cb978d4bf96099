"""The running proof of a run: restored from the last good file, one fold at a time, saved after each.

Before and after every fold the state z must be the one that the trained chain demands, in every coordinate,
so that the proof never leaves the training it is to prove. A damaged newest file is set aside and the one
before it continues; if none is left, proving starts again at fold 1: checkpoints and delays are all there.
"""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import _escapement

from ivc import cache, chain
from ivc.chain import Head
from ivc.errors import Rejected, native_errors
from ivc.events import Damaged, Event, FoldProven, SetUpDone, SetUpStarted, StateSaved
from ivc.material import Material
from ivc.states import folds_of, save_state, saved_states
from ivc.storage import read, set_aside

SetUp = Future[_escapement.Parameters]


class Proving:
    """The running proof; `folds` proven so far."""

    def __init__(
        self,
        material: Material,
        emit: Callable[[Event], None],
        ptau: Path | None,
        meanwhile: Callable[[SetUp], None] = lambda _: None,
    ) -> None:
        """Set up (about 15 s, in a thread beside `meanwhile`, which gets its future) and restore.

        Raises Rejected `verifying-key-mismatch`, UsageError `ptau-missing`, Resources.
        """
        self._material, self._emit, started = material, emit, time.perf_counter()
        emit(SetUpStarted())
        with ThreadPoolExecutor(max_workers=1) as pool:
            future = pool.submit(cache.parameters, material.program, material.request.scheme, ptau)
            meanwhile(future)
        self._parameters = future.result()
        self._require_key()
        self._prover = self._restore()
        emit(SetUpDone(time.perf_counter() - started, self.folds))

    @property
    def folds(self) -> int:
        """Folds proven."""
        return self._prover.folds

    def prove_next(self, heads: list[Head]) -> bool:
        """Prove and save the next fold of the chain `heads`; false if it is not trained yet.

        Raises Rejected `proof-diverged`, `fold-witness`, Resources `disk-full`, StorageError.
        """
        per_segment = self._material.info.folds_per_segment
        if self.folds >= (len(heads) - 1) * per_segment:
            return False
        self.require_state(heads)
        segment = self.folds // per_segment + 1
        with native_errors("fold"):
            times = self._prover.prove_fold(heads[segment].seed)
        self.require_state(heads)
        self._emit(FoldProven(self.folds, segment, times["check_seconds"], times["fold_seconds"]))
        self._save()
        return True

    def require_state(self, heads: list[Head]) -> None:
        """Require that z is the chain's; raises Rejected `proof-diverged`, which names the fold."""
        info, request = self._material.info, self._material.request
        segment, position = divmod(self.folds, info.folds_per_segment)
        if position:
            # Inside a segment only h_W is not known without training to there.
            expected = chain.final_state(heads[segment + 1], request)
            expected[3] = position.to_bytes(32, "little")
        elif segment:
            expected = chain.final_state(heads[segment], request)
        else:
            expected = chain.initial_state(self._material.manifest, request)
        for name, wanted, got in zip(COORDINATES, expected, self._prover.z(), strict=True):
            if wanted != got and not (position and name == "weights"):
                number = -(-self.folds // info.folds_per_segment)
                raise Rejected(
                    "proof-diverged",
                    f"fold {self.folds} (segment {number}): {name} of the proof is {got.hex()}, of the "
                    f"trained chain {wanted.hex()}; was a file of the run changed? Remove checkpoint "
                    f"{number} to train that segment again, or the files in proof/ to prove again",
                )

    def compress(self) -> bytes:
        """The zero-knowledge proof of all folds so far."""
        with native_errors("compression"):
            return self._prover.compress()

    def _save(self) -> None:
        started = time.perf_counter()
        with native_errors("state"):
            data = self._prover.state_bytes()
        save_state(self._material.directory.proofs, self.folds, data)
        self._emit(StateSaved(self.folds, len(data), time.perf_counter() - started))

    def _require_key(self) -> None:
        with native_errors("verifying-key"):
            digest = hashlib.sha256(self._parameters.verifying_key_bytes()).digest()
        wanted = self._material.policy.verifying_key
        if digest != wanted:
            raise Rejected(
                "verifying-key-mismatch",
                f"verifying key: the policy states {wanted.hex()}, the program's is {digest.hex()}; ask the "
                "verifier for a policy made for this request with this version",
            )

    def _restore(self) -> _escapement.Prover:
        material = self._material
        inputs = (self._parameters, material.program, material.key, material.samples, material.labels)
        for path in saved_states(material.directory.proofs):
            try:
                prover = _escapement.Prover.restore(*inputs, read(path, "running proof"))
            except _escapement.NativeError as error:
                self._set_aside(path, str(error.args[1]))
                continue
            if prover.folds == folds_of(path) and prover.manifest_digest == material.digest:
                return prover
            self._set_aside(path, f"fold {prover.folds} of manifest {prover.manifest_digest.hex()}")
        with native_errors("prover"):
            return _escapement.Prover.start(*inputs, material.policy.nonce, material.digest)

    def _set_aside(self, path: Path, reason: str) -> None:
        self._emit(Damaged(str(path), str(set_aside(path)), reason))


COORDINATES = ("log", "weights", "seed", "position", "root", "key commitment")
