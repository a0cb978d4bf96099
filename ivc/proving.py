"""The running proof of a run: restored from the last good files, one fold at a time, saved after each.

Before and after every fold the state z must be the one that the trained chain demands, in every coordinate,
so that the proof never leaves the training it is to prove. A damaged newest file is set aside and the one
before it continues; if none is left, proving starts again at fold 1: checkpoints and delays are all there.
What a fold's proof is, the program's arithmetisation decides (`ivc.running_proof`).
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ivc import chain
from ivc.bundle import Segment
from ivc.chain import Head
from ivc.errors import Rejected
from ivc.events import Damaged, Event, FoldProven, SetUpDone, SetUpStarted, StateSaved
from ivc.material import Material
from ivc.nova_proving import NovaProof
from ivc.program import NOVA, SEGMENT
from ivc.running_proof import RunningProof
from ivc.segment_proving import SegmentProof
from ivc.storage import set_aside
from ivc.verifying import AnyBundle

SetUp = Future[Any]


class Proving:
    """The running proof; `folds` proven so far."""

    def __init__(
        self,
        material: Material,
        emit: Callable[[Event], None],
        ptau: Path | None,
        meanwhile: Callable[[SetUp], None] = lambda _: None,
    ) -> None:
        """Set up (up to 15 s, in a thread beside `meanwhile`, which gets its future) and restore.

        Raises Rejected `verifying-key-mismatch`, UsageError `ptau-missing`, Resources.
        """
        self._material, self._emit, started = material, emit, time.perf_counter()
        kind = KINDS[material.info.arithmetisation]
        emit(SetUpStarted())
        with ThreadPoolExecutor(max_workers=1) as pool:
            future: SetUp = pool.submit(kind.set_up, material, ptau)
            meanwhile(future)
        self._proof: RunningProof = kind.restore(material, future.result(), self._set_aside)
        emit(SetUpDone(time.perf_counter() - started, self.folds))

    @property
    def folds(self) -> int:
        """Folds proven."""
        return self._proof.folds

    def prove_next(self, heads: list[Head]) -> bool:
        """Prove and save the next fold of the chain `heads`; false if it is not trained yet.

        Raises Rejected `proof-diverged`, `fold-witness`, Resources `disk-full`, StorageError.
        """
        per_segment = self._material.info.folds_per_segment
        if self.folds >= (len(heads) - 1) * per_segment:
            return False
        self.require_state(heads)
        segment = self.folds // per_segment + 1
        check_seconds, fold_seconds = self._proof.prove_fold(heads[segment].seed)
        self.require_state(heads)
        self._emit(FoldProven(self.folds, segment, check_seconds, fold_seconds))
        started = time.perf_counter()
        saved = self._proof.save()
        self._emit(StateSaved(self.folds, saved, time.perf_counter() - started))
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
        for name, wanted, got in zip(COORDINATES, expected, self._proof.z(), strict=True):
            if wanted != got and not (position and name == "weights"):
                number = -(-self.folds // info.folds_per_segment)
                raise Rejected(
                    "proof-diverged",
                    f"fold {self.folds} (segment {number}): {name} of the proof is {got.hex()}, of the "
                    f"trained chain {wanted.hex()}; was a file of the run changed? Remove checkpoint "
                    f"{number} to train that segment again, or the files in proof/ to prove again",
                )

    def bundle(self, segments: tuple[Segment, ...], delays: bytes) -> AnyBundle:
        """The bundle of all folds so far, with 64 zero bytes for a signature."""
        return self._proof.bundle(segments, delays)

    def _set_aside(self, path: Path, reason: str) -> None:
        self._emit(Damaged(str(path), str(set_aside(path)), reason))


COORDINATES = ("log", "weights", "seed", "position", "root", "key commitment")
KINDS: dict[str, type[NovaProof] | type[SegmentProof]] = {NOVA: NovaProof, SEGMENT: SegmentProof}
