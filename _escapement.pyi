"""The private native module. Field elements and digests are 32 bytes; see docs/protocol.md."""

from os import PathLike
from typing import Any, final

__all__ = [
    "NativeError",
    "Parameters",
    "Prover",
    "VerifyingKey",
    "batch_indices",
    "checkpoint_commitment",
    "constraints",
    "dataset_root",
    "genesis_commitment",
    "genesis_weights",
    "key_commitment",
    "log_absorb",
    "log_start",
    "program_info",
    "random_field_element",
    "seed_field",
    "train_segment",
    "train_step",
]

class NativeError(Exception):
    """`args` is (code, message); codes: program, malformed, rejected, witness, state, resources."""

def program_info(program: bytes) -> dict[str, Any]:
    """Sizes, widths and static bounds of a program."""

def constraints(program: bytes) -> dict[str, Any]:
    """Constraint counts: step_circuit, primary, secondary, variables, by_part."""

def genesis_weights(program: bytes, nonce: bytes) -> bytes:
    """Genesis weights as little-endian int64."""

def genesis_commitment(program: bytes, nonce: bytes) -> bytes:
    """C_0."""

def checkpoint_commitment(program: bytes, key: bytes, log: bytes, weights_: bytes) -> bytes:
    """C_i at the end of the segment whose log is `log`."""

def key_commitment(key: bytes) -> bytes:
    """K."""

def random_field_element() -> bytes:
    """Uniform, from the operating system."""

def dataset_root(program: bytes, key: bytes, samples: bytes, labels_: bytes) -> bytes:
    """Merkle root over rows given as little-endian int32."""

def log_start(manifest_digest: bytes) -> bytes:
    """log_0."""

def log_absorb(log: bytes, checkpoint: bytes, seed: bytes) -> bytes:
    """log_{i+1} from log_i, C_i and the 32-byte seed s_i."""

def seed_field(seed: bytes) -> bytes:
    """fr(s)."""

def batch_indices(program: bytes, seed: bytes, position: int) -> list[int]:
    """Row indices of one fold, step by step."""

def train_step(
    program: bytes, weights_: bytes, samples: bytes, labels_: bytes
) -> tuple[bytes, dict[str, Any]]:
    """One step on a batch: new weights and {"loss", "clamped", "clamped_per_step"}."""

def train_segment(
    program: bytes, samples: bytes, labels_: bytes, weights_: bytes, seed: bytes
) -> tuple[bytes, dict[str, Any]]:
    """The m·k steps that a seed selects: new weights and {"loss", "clamped", "clamped_per_step"}."""

@final
class Parameters:
    """Prover's set-up of one program."""

    @staticmethod
    def setup(program: bytes, scheme: str, ptau: str | PathLike[str] | None = None) -> Parameters:
        """Derives the set-up; `ptau` is a powers-of-tau file for scheme "hyperkzg"."""

    def constraints(self) -> tuple[int, int]:
        """Constraints of the primary and secondary circuit."""

    def verifying_key_bytes(self) -> bytes:
        """Encoded verifying key; its SHA-256 is the policy's digest."""

@final
class VerifyingKey:
    """Verifies compressed proofs of one program."""

    @staticmethod
    def derive(program: bytes, scheme: str, ptau: str | PathLike[str] | None = None) -> VerifyingKey:
        """Derives the key from the program."""

    @staticmethod
    def from_bytes(scheme: str, data: bytes) -> VerifyingKey:
        """Decodes a key whose SHA-256 the caller has checked."""

    def to_bytes(self) -> bytes:
        """Canonical encoding."""

    def verify(self, folds: int, z0: list[bytes], zn: list[bytes], proof: bytes) -> None:
        """Raises NativeError "malformed" or "rejected" unless `folds` folds lead from z0 to zn."""

@final
class Prover:
    """The running proof; holds secrets and never leaves the machine."""

    @staticmethod
    def start(
        parameters: Parameters,
        program: bytes,
        key: bytes,
        samples: bytes,
        labels: bytes,
        nonce: bytes,
        manifest_digest: bytes,
    ) -> Prover:
        """A run at z_0."""

    @staticmethod
    def restore(
        parameters: Parameters, program: bytes, key: bytes, samples: bytes, labels: bytes, state: bytes
    ) -> Prover:
        """Continues from `state_bytes()`; NativeError "state" if it is damaged or foreign."""

    def prove_fold(self, seed: bytes) -> dict[str, float]:
        """Checks and folds the next fold: {"check_seconds", "fold_seconds"}."""

    def state_bytes(self) -> bytes:
        """Bytes from which the run continues; they contain the weights."""

    @property
    def folds(self) -> int:
        """Folds proven."""

    @property
    def position(self) -> int:
        """Fold within the segment."""

    @property
    def manifest_digest(self) -> bytes:
        """Digest that the run was started with."""

    def z(self) -> list[bytes]:
        """Current state, six elements."""

    def weights(self) -> bytes:
        """Current weights as little-endian int64."""

    def compress(self) -> bytes:
        """The compressed, zero-knowledge proof."""
