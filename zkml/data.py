"""Datasets: scikit-learn's digits or any .npz with x and y; a fixed split; quantisation to integers.

    q(x) = clamp(⌊x·scale + offset + 1/2⌋, low, high)        in IEEE double precision

The split is a function of the seed and the row numbers alone (SHA-256 order), so that it stays the same
in every version of NumPy and can be named in a request.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zkml.errors import (
    ConfigError,
    DataFileError,
    DataLabelError,
    DataNotFiniteError,
    DataShapeError,
    DataSizeError,
)


@dataclass(frozen=True)
class Dataset:
    """Rows as real numbers. x: float64 (n, features), finite; y: int64 (n,), 0 ≤ y < classes."""

    name: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.int64]
    classes: int


@dataclass(frozen=True)
class Quantiser:
    """How real inputs become integers of `bits` bits: unsigned, or two's complement if `signed`.

    scale: integer units per unit of x, > 0; offset: added after scaling, in integer units.
    """

    bits: int
    signed: bool
    scale: float
    offset: float

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value."""
        half = 1 << (self.bits - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    @staticmethod
    def fit(x: npt.NDArray[np.float64], bits: int, signed: bool) -> Quantiser:
        """The quantiser whose range x just fills: unsigned from min to max; signed with the mean at 0.

        Centred inputs learn in fewer steps. Signed, the farthest input above the mean is one unit too far
        and is clamped.
        """
        low, high = Quantiser(bits, signed, 1.0, 0.0).range
        centre, start = (float(x.mean()), 0) if signed else (float(x.min()), low)
        spread = float(np.abs(x - centre).max())
        scale = (-low if signed else high) / spread if spread > 0 else 1.0
        return Quantiser(bits, signed, scale, start - centre * scale)


@dataclass(frozen=True)
class Samples:
    """Quantised rows. x: int32 (n, features); labels: int32 (n,); clipped: share of x that was clamped."""

    x: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    classes: int
    bits: int
    signed: bool
    clipped: float


def load_digits() -> Dataset:
    """scikit-learn's copy of the UCI digits: 1797 rows of 8×8 pixels 0..16, ten classes."""
    from sklearn import datasets  # type: ignore[import-untyped,unused-ignore]  # imported late: it takes a second

    x, y = datasets.load_digits(return_X_y=True)
    return make_dataset("digits", x, y)


def load_npz(path: Path) -> Dataset:
    """The dataset of an .npz file with arrays x (n, ...) and y (n,); further axes of x are flattened.

    Raises DataFileError (unreadable, not .npz, arrays missing, pickled) and what `make_dataset` raises.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataFileError(f"{path}: expected an .npz archive, got one array; use numpy.savez")
        with archive:
            missing = [name for name in ("x", "y") if name not in archive]
            if missing:
                raise DataFileError(
                    f"{path}: no array {' and '.join(missing)}, found {sorted(archive.files)}; "
                    "save with numpy.savez(path, x=..., y=...)"
                )
            x, y = archive["x"], archive["y"]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataFileError(f"{path}: cannot be read as .npz: {error}") from error
    return make_dataset(Path(path).stem, x, y)


def make_dataset(name: str, x: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Dataset:
    """Check and convert. Classes are numbered 0..max(y).

    Raises DataShapeError, DataNotFiniteError, DataLabelError, DataSizeError (under 3 rows or two classes).
    """
    if x.dtype.kind not in "biuf" or x.ndim < 2:
        raise DataShapeError(f"{name}: x must be numbers of shape (rows, features), got {x.dtype} {x.shape}")
    if y.ndim != 1 or len(y) != len(x):
        raise DataShapeError(f"{name}: y must have shape ({len(x)},) like the rows of x, got {y.shape}")
    if len(x) < 3 or x[0].size == 0:
        raise DataSizeError(f"{name}: x has shape {x.shape}; at least 3 rows and 1 feature are needed")
    flat = x.reshape(len(x), -1).astype(np.float64)
    if not np.isfinite(flat).all():
        row, column = np.argwhere(~np.isfinite(flat))[0]
        raise DataNotFiniteError(
            f"{name}: x[{row}, {column}] is {flat[row, column]}; remove or replace such rows"
        )
    labels = _labels(name, y)
    classes = int(labels.max()) + 1
    if classes < 2:
        raise DataSizeError(f"{name}: all labels are 0; at least two classes are needed")
    return Dataset(name, flat, labels, classes)


def split(dataset: Dataset, seed: int, test_fraction: float) -> tuple[Dataset, Dataset]:
    """(train, test): the round(n·test_fraction) rows with the smallest hash are the test set.

    The hash is SHA-256(tag "escapement/v1/split" ‖ u64(seed) ‖ u64(row)); rows keep their order.
    Raises ConfigError for a seed outside [0, 2^64) or a fraction outside (0, 1), DataSizeError if fewer than
    two training rows or no test row remain.
    """
    if not 0 <= seed < 1 << 64:
        raise ConfigError(f"split_seed: expected an integer in [0, 2^64), got {seed}")
    if not 0 < test_fraction < 1:
        raise ConfigError(f"test_fraction: expected a number between 0 and 1, got {test_fraction}")
    n = len(dataset.x)
    tests = math.floor(n * test_fraction + 0.5)
    if tests < 1 or n - tests < 2:
        raise DataSizeError(
            f"{dataset.name}: {n} rows split into {n - tests} for training and {tests} for testing; "
            "at least 2 and 1 are needed"
        )
    prefix = _SPLIT_TAG + seed.to_bytes(8, "big")
    order = sorted(range(n), key=lambda row: hashlib.sha256(prefix + row.to_bytes(8, "big")).digest())
    return _rows(dataset, sorted(order[tests:])), _rows(dataset, sorted(order[:tests]))


def quantise(dataset: Dataset, quantiser: Quantiser) -> Samples:
    """The dataset as int32. Raises ConfigError for bits outside 1..24 or a bad scale or offset."""
    if not 1 <= quantiser.bits <= 24:
        raise ConfigError(f"input bits: expected 1..24, got {quantiser.bits}")
    if not (0 < quantiser.scale < math.inf and math.isfinite(quantiser.offset)):
        raise ConfigError(f"input scale and offset: expected finite and scale > 0, got {quantiser}")
    low, high = quantiser.range
    units = np.floor(dataset.x * quantiser.scale + quantiser.offset + 0.5)
    clipped = float(np.mean((units < low) | (units > high)))
    x = np.clip(units, low, high).astype(np.int32)
    labels = dataset.y.astype(np.int32)
    return Samples(x, labels, dataset.classes, quantiser.bits, quantiser.signed, clipped)


def _labels(name: str, y: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    if y.dtype.kind not in "biuf":
        raise DataShapeError(f"{name}: y must be integers, got {y.dtype}")
    values = y.astype(np.float64)
    # NaN fails every comparison, so the test is for what is right.
    good = (values >= 0) & (values < _MAX_CLASSES) & (values == np.floor(values))
    if not good.all():
        row = int(np.argmin(good))
        raise DataLabelError(
            f"{name}: y[{row}] is {y[row]}; labels must be integers in [0, {_MAX_CLASSES - 1}]"
        )
    return values.astype(np.int64)


def _rows(dataset: Dataset, rows: list[int]) -> Dataset:
    # The number of classes stays that of the whole set, whichever side has the largest label.
    return Dataset(dataset.name, dataset.x[rows], dataset.y[rows], dataset.classes)


_SPLIT_TAG = b"escapement/v1/split".ljust(32, b"\0")
_MAX_CLASSES = 4096
