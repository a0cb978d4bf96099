"""What both native backends share: errors of the native module, rows as its bytes, the blinding key.

The key of a work is drawn once per folder and kept there, mode 0600, in the format of `ivc.keys`:

    blinding-<id>.key         id = SHA-256(tag ‖ SHA-256(program) ‖ SHA-256(x) ‖ SHA-256(labels)), 16 bytes

Another program or other rows have another key, so no two commitments ever share a blind.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import _escapement
import numpy as np

from vdf.encoding import tag
from vdf.files import write_atomic
from zkml.costs import costs
from zkml.errors import (
    ProofMalformed,
    ProofRejected,
    ProverError,
    ProverFailed,
    ProverMemory,
    ProverSecret,
    ProverUnsupported,
    SrsError,
    TensorError,
    ZkmlError,
)
from zkml.exact import Int
from zkml.program import Program
from zkml.provers.interface import Estimate, Work


@contextmanager
def proving_errors(subject: str) -> Iterator[None]:
    """The native module's errors inside the block as ProverError; a panic is ProverFailed."""
    try:
        yield
    except _escapement.NativeError as error:
        code, message = error.args
        kinds: dict[str, type[ProverError]] = {"program": ProverUnsupported, "resources": ProverMemory}
        raise kinds.get(code.rpartition("-")[2], ProverFailed)(f"{subject}: {message}") from error
    except MemoryError as error:
        raise ProverMemory(f"{subject}: out of memory; use a machine with more") from error
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise ProverFailed(f"{subject}: the native module panicked: {error}") from error


@contextmanager
def proof_errors(where: str) -> Iterator[None]:
    """Only a normal end of the block is acceptance: whatever else happens is an error of the proof.

    A native code may name a part first: `fold-rejected` is a rejection. ProverMemory says nothing about it.
    """
    try:
        yield
    except _escapement.NativeError as error:
        code, message = error.args
        kinds: dict[str, type[ProverError]] = {"malformed": ProofMalformed, "resources": ProverMemory}
        raise kinds.get(code.rpartition("-")[2], ProofRejected)(f"{where}: {message}") from error
    except MemoryError as error:
        raise ProverMemory(f"{where}: out of memory; use a machine with more") from error
    except (ZkmlError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ProofRejected(f"{where}: the verifier failed on it: {error}") from error


def estimated(program: Program, arithmetisation: str) -> Estimate:
    """By `zkml.costs`, of a program of this arithmetisation. The last proof is not in it."""
    require_arithmetisation(program, arithmetisation)
    with proving_errors("program"):
        cost = costs(program.encode(), _escapement.program_info(program.encode()))
    size = f"{cost.constraints} constraints" if cost.constraints else f"{cost.committed} committed values"
    return Estimate(
        seconds_per_step=cost.fold_seconds / program.k,
        set_up_seconds=cost.setup_seconds,
        memory_bytes=int(cost.memory_bytes),
        disk_bytes=int(cost.cache_bytes),
        source=f"zkml.costs: linear in {size} per fold",
    )


def require_arithmetisation(program: Program, expected: str) -> None:
    """Raises ProverUnsupported for a program of another arithmetisation."""
    if program.arithmetisation != expected:
        raise ProverUnsupported(
            f"program.arithmetisation: {expected!r} expected, got {program.arithmetisation!r}"
        )


def file_digest(path: Path | None) -> bytes:
    """SHA-256 of a reference string's file, or 32 zero bytes for none. Raises SrsError."""
    if path is None:
        return bytes(32)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise SrsError(f"reference string {path}: {error.strerror or error}") from error


def row_bytes(work: Work) -> tuple[bytes, bytes]:
    """x and labels as int32 little-endian. Raises TensorError for other shapes, types or ranges."""
    program, (low, high) = work.program, work.program.input_range
    _require("x", work.x, (program.rows, program.features), low, high)
    _require("labels", work.labels, (program.rows,), 0, program.classes - 1)
    return work.x.astype("<i4").tobytes(), work.labels.astype("<i4").tobytes()


def blinding_key(folder: Path, program: Program, rows: tuple[bytes, bytes]) -> bytes:
    """The key of this work in this folder, drawn now if there is none; 32 bytes.

    Raises ProverSecret if the file is damaged, open to others, or cannot be read or written.
    """
    parts = (program.digest(), *(hashlib.sha256(part).digest() for part in rows))
    name = hashlib.sha256(tag("escapement/v1/steps/work") + b"".join(parts)).hexdigest()[:32]
    path = folder / f"blinding-{name}.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _load(path) if path.exists() else _draw(path)
    except OSError as error:
        raise ProverSecret(f"{path}: {error.strerror or error}") from error


def _load(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ProverSecret(f"{path}: others can read it: chmod 600 {path}")
    name, _, digits = path.read_bytes()[:MAX_KEY_FILE].decode("latin-1").partition("\n")
    try:
        key = bytes.fromhex(digits)
        _escapement.key_commitment(key)
    except (ValueError, _escapement.NativeError) as error:
        raise ProverSecret(f"{path}: {error}; restore it, or remove it and make new terms") from error
    if name != KEY_FORMAT:
        raise ProverSecret(f"{path}: first line {KEY_FORMAT!r} expected")
    return key


def _draw(path: Path) -> bytes:
    key = _escapement.random_field_element()
    write_atomic(path, f"{KEY_FORMAT}\n{key.hex()}\n".encode("ascii"), mode=0o600)
    return key


def _require(name: str, array: Int, shape: tuple[int, ...], low: int, high: int) -> None:
    if array.shape != shape or not np.issubdtype(array.dtype, np.integer):
        raise TensorError(
            f"{name}: integers of shape {shape} expected, got {array.dtype} of shape {array.shape}"
        )
    if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
        raise TensorError(f"{name}: values in [{low}, {high}] expected, got {array.min()} to {array.max()}")


PANIC = "PanicException"  # of the native module; derives from BaseException alone
KEY_FORMAT = "escapement/blinding-key/1"
MAX_KEY_FILE = 256
