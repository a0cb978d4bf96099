"""The private native module. Field elements and digests are 32 bytes; see docs/protocol.md."""

from os import PathLike
from typing import Any, final

__all__ = [
    "Modulus",
    "NativeError",
    "Parameters",
    "Prover",
    "SegmentParameters",
    "SegmentProver",
    "SegmentRows",
    "Squarings",
    "Stored",
    "VerifyingKey",
    "batch_indices",
    "checkpoint_commitment",
    "constraints",
    "dataset_root",
    "genesis_commitment",
    "genesis_weights",
    "hash_to_prime",
    "hash_to_primes",
    "is_prime",
    "kernels",
    "key_commitment",
    "log_absorb",
    "log_start",
    "program_info",
    "random_field_element",
    "seed_field",
    "segment_proof_sizes",
    "segment_size",
    "train_segment",
    "train_step",
]

class NativeError(Exception):
    """`args` is (code, message); codes: program, malformed, rejected, witness, state, resources.

    Of a segment bundle `malformed` and `rejected` come behind the part: dataset, fold, checkpoint or closing.
    """

def program_info(program: bytes) -> dict[str, Any]:
    """Sizes, widths and static bounds of a program."""

def segment_size(program: bytes) -> dict[str, int]:
    """Sizes of a fold of a segment program: samples, and numbers of bits and variables."""

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

def segment_proof_sizes(program: bytes) -> dict[str, int]:
    """Of a segment program: fold_bytes, dataset_bytes, closing_bytes, and log_generators."""

@final
class SegmentParameters:
    """Sizes and generators of a segment program, for prover and verifier."""

    def __new__(cls, program: bytes, cache: str | PathLike[str] | None = None) -> SegmentParameters:
        """Loads the generators from the file `cache`, or derives them and writes it."""

    @property
    def remark(self) -> str | None:
        """What was wrong with the cache, which cost time and nothing else."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of program and generators: what a policy states as its verifying key."""

    def genesis_commitment(self, nonce: bytes) -> bytes:
        """C_0."""

    def checkpoint_commitment(self, key: bytes, log: bytes, weights: bytes) -> bytes:
        """C_i at the end of the segment whose log is `log`."""

    def verify(
        self,
        root: bytes,
        nonce: bytes,
        seeds: list[bytes],
        checkpoints: list[bytes],
        dataset: bytes,
        folds: list[bytes],
        closing: bytes,
    ) -> None:
        """Raises NativeError unless the proofs lead from C_0 over all checkpoints, on the seeds' batches."""

@final
class SegmentRows:
    """The training rows with their commitments."""

    def __new__(
        cls, parameters: SegmentParameters, key: bytes, samples: bytes, labels_: bytes
    ) -> SegmentRows:
        """Commits to rows given as little-endian int32, under blinds derived from the key."""

    @property
    def root(self) -> bytes:
        """Root over the rows, as the request states it."""

@final
class SegmentProver:
    """The running proof of a segment run; holds secrets and never leaves the machine."""

    @staticmethod
    def start(rows: SegmentRows, key: bytes, nonce: bytes, manifest_digest: bytes) -> SegmentProver:
        """A run at z_0."""

    @staticmethod
    def restore(rows: SegmentRows, key: bytes, state: bytes) -> SegmentProver:
        """Continues from `state_bytes()`; NativeError "state" if it is damaged or foreign."""

    def prove_fold(self, seed: bytes) -> tuple[bytes, dict[str, float]]:
        """Proves and verifies the next fold: its proof; check_seconds, fold_seconds and the parts of that."""

    def state_bytes(self) -> bytes:
        """Bytes from which the run continues; they contain weights and blinds."""

    @property
    def folds(self) -> int:
        """Folds proven."""

    @property
    def manifest_digest(self) -> bytes:
        """Digest that the run was started with."""

    @property
    def proofs_digest(self) -> bytes:
        """d_f = SHA-256(d_{f-1}, proof of fold f), d_0 = 0: the proofs that led to this state."""

    def z(self) -> list[bytes]:
        """Current state, six elements."""

    def weights(self) -> bytes:
        """Current weights as little-endian int64."""

    def close(self) -> tuple[bytes, bytes]:
        """The proof of the rows, and the closing of all folds so far."""

def kernels() -> list[str]:
    """Names of the kernels that run on this machine, fastest first: "ifma", "portable"."""

def hash_to_prime(transcript: bytes) -> bytes:
    """The prime of a 32-byte transcript (protocol §9), 32 bytes big-endian, at least 2^255; 0.2 ms."""

def hash_to_primes(transcripts: list[bytes]) -> list[bytes]:
    """The primes of many transcripts, in order, on all cores."""

def is_prime(number: bytes) -> bool:
    """Whether 32 bytes, big-endian, pass the test of protocol §9; exact for numbers below 2^22."""

@final
class Modulus:
    """Arithmetic modulo an odd N, 3 ≤ N < 2^2048. Elements: residues, big-endian, as long as N, below N.

    Here and below every length or number out of range raises NativeError "malformed", and integers that no
    native number holds raise OverflowError. All but `multiply` release the interpreter's lock.
    """

    def __new__(cls, modulus: bytes, kernel: str | None = None) -> Modulus:
        """N in its shortest big-endian encoding; `kernel` from `kernels()`, None: the fastest."""

    @property
    def kernel(self) -> str:
        """Name of the kernel in use."""

    @property
    def element_bytes(self) -> int:
        """Length of an encoded element, that of N: 1..256."""

    def power(self, bases: list[bytes], exponents: list[bytes], threads: int = 1) -> bytes:
        """Π bases_i^exponents_i mod N, 1 for none, on up to `threads` threads (0 counts as 1).

        At most 2^17 bases, and as many exponents: big-endian, 0..64 bytes each.
        """

    def square_times(self, element: bytes, count: int) -> bytes:
        """element^(2^count) mod N, 0 ≤ count < 2^64."""

    def multiply(self, a: bytes, b: bytes) -> bytes:
        """a·b mod N."""

@final
class Squarings:
    """The chain x^(2^i) mod N, i = 0, 1, 2, …, at `position`; several threads may call it, one at a time.

    C_j = x^(2^(interval·j)) is stored once passed, in 320 bytes: those with interval·j < position and
    j < count. 1 ≤ interval < 2^64, 0 ≤ count ≤ 2^20.
    """

    def __new__(cls, modulus: Modulus, element: bytes, interval: int, count: int) -> Squarings:
        """The chain of an encoded x, at position 0."""

    @staticmethod
    def restore(
        modulus: Modulus, position: int, current: bytes, stored: bytes, interval: int, count: int
    ) -> Squarings:
        """The chain that had this `position`, `current()` and `stored_bytes()`, under any kernel.

        Lengths and ranges are checked; whether the elements follow from each other is not.
        """

    def advance(self, until: int) -> None:
        """Square until position = until, which must not be below it."""

    @property
    def position(self) -> int:
        """Squarings done."""

    def current(self) -> bytes:
        """x^(2^position), encoded."""

    def stored_bytes(self, start: int = 0) -> bytes:
        """C_start, C_(start+1), …, encoded, one after the other; 0 ≤ start ≤ how many are stored."""

    def stored(self) -> Stored:
        """What is stored now; shared, not copied, unless the chain stores more later."""

@final
class Stored:
    """Elements C_0, C_1, … modulo N in the kernel's form, 320 bytes each; never changed."""

    @staticmethod
    def decode(modulus: Modulus, data: bytes) -> Stored:
        """From encoded elements, one after the other, at most 2^20."""

    def __len__(self) -> int:
        """How many."""

    def encode(self) -> bytes:
        """The elements encoded, one after the other."""

    def digit_product(self, ell: bytes, remainder: bytes, step: bytes, kappa: int, number: int) -> bytes:
        """Π_{j < number} C_j^⌊2^kappa·r_j/ℓ⌋ mod N, r_0 = remainder, r_{j+1} = r_j·step mod ℓ.

        ℓ, remainder, step: 32 bytes, big-endian; ℓ odd, at least 3, the others below it. 0 ≤ kappa ≤ 16,
        number ≤ len. Memory: up to 2^kappa elements. Any number of threads may call this at once.
        """
