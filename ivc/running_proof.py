"""What the engine of a run asks of a running proof, whatever the arithmetisation.

A proof moves fold by fold through the states z = (log, C, seed, position, root, K) of protocol §8, and each
state can be saved. It is made in two steps, because the first takes seconds and needs no run:

    kind.restore(material, kind.set_up(material, ptau), set_aside)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

from ivc.bundle import Segment
from ivc.material import Material
from ivc.verifying import AnyBundle

SetAside = Callable[[Path, str], None]  # a damaged file, and what is wrong with it


class RunningProof(Protocol):
    """One run's proof; it holds weights and blinds and never leaves the machine."""

    @classmethod
    def set_up(cls, material: Material, ptau: Path | None) -> Any:
        """What the program alone determines, with the policy's digest; from any thread.

        Raises Rejected `verifying-key-mismatch`, UsageError, Resources.
        """
        ...

    @classmethod
    def restore(cls, material: Material, parameters: Any, set_aside: SetAside) -> Self:
        """The proof of the newest whole files of the run, or one at fold 0."""
        ...

    @property
    def folds(self) -> int:
        """Folds proven."""
        ...

    def z(self) -> list[bytes]:
        """The state, six field elements."""
        ...

    def prove_fold(self, seed: bytes) -> tuple[float, float]:
        """Prove the next fold; seconds of its check and of its proof. Raises Rejected `fold-witness`."""
        ...

    def save(self) -> int:
        """Make the last fold survive a crash; the bytes written. Raises Resources, StorageError."""
        ...

    def bundle(self, segments: tuple[Segment, ...], delays: bytes) -> AnyBundle:
        """The bundle of all folds so far, which end a segment; its signature is 64 zero bytes."""
        ...
