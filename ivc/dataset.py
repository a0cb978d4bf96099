"""Quantised rows of a run: .npy files, their bytes at the native border, the digest of the test rows.

x are integers as the program has them, signed or not (protocol §5); labels are class indices. Native bytes
are int32 little-endian, row-major. test_digest = SHA-256(u ‖ labels) with u = x + 2^(input_bits−1) if signed.
"""

import hashlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import _escapement
import numpy as np
import numpy.typing as npt

from ivc.errors import Malformed, native_errors
from ivc.storage import read, save


class Rows(NamedTuple):
    """`x` (rows, features) and `labels` (rows,), int32."""

    x: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]

    def to_native(self) -> tuple[bytes, bytes]:
        """Both as the native module takes them."""
        return _bytes(self.x), _bytes(self.labels)


def make_rows(x: npt.NDArray[Any], labels: npt.NDArray[Any], features: int, what: str) -> Rows:
    """Rows from integer arrays; raises Malformed `dataset-shape`."""
    x, labels = np.asarray(x), np.asarray(labels)
    integers = np.issubdtype(x.dtype, np.integer) and np.issubdtype(labels.dtype, np.integer)
    if not integers or x.ndim != 2 or x.shape[1] != features or labels.shape != x.shape[:1]:
        raise Malformed(
            "dataset-shape",
            f"{what}: integers (rows, {features}) and labels (rows,) expected, got {x.dtype} {x.shape} and "
            f"{labels.dtype} {labels.shape}",
        )
    for array in (x, labels):
        if array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
            raise Malformed("dataset-shape", f"{what}: a value does not fit 32 bits")
    return Rows(x.astype(np.int32), labels.astype(np.int32))


def test_digest(program: bytes, rows: Rows) -> bytes:
    """SHA-256 of the test rows, as the request states it."""
    with native_errors("program"):
        info = _escapement.program_info(program)
    shift = 1 << (info["input_bits"] - 1) if info["input_signed"] else 0
    return hashlib.sha256(_bytes(rows.x + shift) + _bytes(rows.labels)).digest()


def save_rows(folder: Path, name: str, rows: Rows) -> None:
    """Write both arrays, readable by their owner only; raises Resources `disk-full`, StorageError."""
    for part, array in rows._asdict().items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        save(folder / f"{name}_{part}.npy", buffer.getvalue(), mode=0o600)


def load_rows(folder: Path, name: str) -> Rows:
    """Both arrays; raises StorageError `missing-file`, Malformed `dataset-damaged`."""
    parts = []
    for part in Rows._fields:
        path = folder / f"{name}_{part}.npy"
        try:
            parts.append(np.load(io.BytesIO(read(path, "dataset")), allow_pickle=False))
        except (ValueError, EOFError) as error:
            raise Malformed(
                "dataset-damaged", f"{path}: {error}; copy the file from a backup of the run"
            ) from error
        if parts[-1].dtype != np.int32:
            raise Malformed("dataset-damaged", f"{path}: int32 expected, got {parts[-1].dtype}")
    return Rows(*parts)


def _bytes(array: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array, dtype="<i4").tobytes()
