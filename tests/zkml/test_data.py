"""Datasets: every kind of bad input has its own error; the split and the quantiser are fixed functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zkml import data
from zkml.errors import (
    ConfigError,
    DataFileError,
    DataLabelError,
    DataNotFiniteError,
    DataShapeError,
    DataSizeError,
    ZkmlError,
)

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 2, 1])


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "rows.npz"
    np.savez(path, **arrays)
    return path


def test_npz(tmp_path: Path) -> None:
    dataset = data.load_npz(saved(tmp_path, x=X.astype(np.float32).reshape(4, 3, 1), y=Y.astype(np.uint8)))
    assert (dataset.name, dataset.classes) == ("rows", 3)
    assert dataset.x.tolist() == X.tolist() and dataset.y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("x", "y", "error", "code"),
    [
        (np.where(X == 5, np.nan, X), Y, DataNotFiniteError, "data-not-finite"),
        (np.where(X == 5, np.inf, X), Y, DataNotFiniteError, "data-not-finite"),
        (X, np.array([0, 1, -1, 1]), DataLabelError, "data-label"),
        (X, np.array([0, 1, 4096, 1]), DataLabelError, "data-label"),
        (X, np.array([0, 1, 0.5, 1]), DataLabelError, "data-label"),
        (X, np.array([0, 1, np.nan, 1]), DataLabelError, "data-label"),
        (X[0], Y, DataShapeError, "data-shape"),
        (X, Y[:3], DataShapeError, "data-shape"),
        (X, Y.reshape(4, 1), DataShapeError, "data-shape"),
        (X.astype(str), Y, DataShapeError, "data-shape"),
        (X, Y.astype(str), DataShapeError, "data-shape"),
        (X.astype(complex), Y, DataShapeError, "data-shape"),
        (X[:0], Y[:0], DataSizeError, "data-too-small"),
        (X[:2], Y[:2], DataSizeError, "data-too-small"),
        (X[:, :0], Y, DataSizeError, "data-too-small"),
        (X, np.zeros(4), DataSizeError, "data-too-small"),
    ],
)
def test_bad_arrays(tmp_path: Path, x: Any, y: Any, error: type[ZkmlError], code: str) -> None:
    with pytest.raises(error) as caught:
        data.load_npz(saved(tmp_path, x=x, y=y))
    assert (caught.value.code, caught.value.exit_code) == (code, 5)
    assert "rows" in str(caught.value)


def test_first_bad_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFiniteError, match=r"x\[1, 2\] is nan"):
        data.load_npz(saved(tmp_path, x=np.where(X == 5, np.nan, X), y=Y))
    with pytest.raises(DataLabelError, match=r"y\[2\] is -1"):
        data.load_npz(saved(tmp_path, x=X, y=np.array([0, 1, -1, 1])))


def test_bad_files(tmp_path: Path) -> None:
    single = tmp_path / "single.npy"
    np.save(single, X)
    broken = saved(tmp_path, x=X, y=Y).rename(tmp_path / "broken.npz")
    broken.write_bytes(broken.read_bytes()[:60])
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    pickled = saved(tmp_path, x=np.array([{}] * 4, dtype=object), y=Y)
    for path in (tmp_path / "missing.npz", tmp_path, single, broken, text, empty, pickled):
        with pytest.raises(DataFileError) as caught:
            data.load_npz(path)
        assert (caught.value.code, caught.value.exit_code) == ("data-file", 5)
    with pytest.raises(DataFileError, match=r"no array y, found \['x', 'z'\]"):
        data.load_npz(saved(tmp_path, x=X, z=Y))


def test_digits() -> None:
    digits = data.load_digits()
    assert (digits.x.shape, digits.classes, digits.x.min(), digits.x.max()) == ((1797, 64), 10, 0, 16)


def test_split_is_fixed_and_partitions() -> None:
    n = 20
    dataset = data.Dataset("d", np.arange(n, dtype=float).reshape(n, 1), np.arange(n) % 3, 3)
    train, test = data.split(dataset, 7, 0.25)
    assert test.x.ravel().tolist() == TEST_ROWS_OF_SEED_7
    assert sorted(train.x.ravel().tolist() + test.x.ravel().tolist()) == list(range(n))
    assert (train.classes, test.classes) == (3, 3)
    assert (train.y == train.x.ravel() % 3).all() and (test.y == test.x.ravel() % 3).all()
    assert data.split(dataset, 8, 0.25)[1].x.tolist() != test.x.tolist()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_bad_fraction(fraction: float) -> None:
    with pytest.raises(ConfigError) as caught:
        data.split(data.make_dataset("d", X, Y), 0, fraction)
    assert (caught.value.code, caught.value.exit_code) == ("config", 2)


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_bad_seed(seed: int) -> None:
    with pytest.raises(ConfigError, match="split_seed"):
        data.split(data.make_dataset("d", X, Y), seed, 0.5)


@pytest.mark.parametrize("fraction", [0.01, 0.9])
def test_a_side_of_the_split_too_small(fraction: float) -> None:
    with pytest.raises(DataSizeError):
        data.split(data.make_dataset("d", X, Y), 0, fraction)


def test_quantise_rounds_half_up_and_clamps() -> None:
    x = np.array([[-1.0, 0.0, 0.24, 0.25], [0.75, 1.75, 2.0, 9.0], [0, 0, 0, 0]])
    dataset = data.Dataset("d", x, np.array([0, 1, 0]), 2)
    samples = data.quantise(dataset, data.Quantiser(2, False, 2.0, 0.0))
    assert samples.x.tolist() == [[0, 0, 0, 1], [2, 3, 3, 3], [0, 0, 0, 0]]
    assert samples.x.dtype == samples.labels.dtype == np.int32
    assert samples.clipped == 4 / 12
    signed = data.quantise(dataset, data.Quantiser(2, True, 1.0, -1.0))
    assert signed.x.tolist() == [[-2, -1, -1, -1], [0, 1, 1, 1], [-1, -1, -1, -1]]


@pytest.mark.parametrize("bits", [1, 3, 8, 24])
def test_fit(bits: int) -> None:
    x = np.array([[2.0, 3.0], [4.0, 10.0], [2.0, 3.0]])
    dataset = data.Dataset("d", x, np.array([0, 1, 0]), 2)
    whole = data.quantise(dataset, data.Quantiser.fit(x, bits, signed=False))
    assert (whole.x.min(), whole.x.max(), whole.clipped) == (0, (1 << bits) - 1, 0)
    centred = data.quantise(dataset, data.Quantiser.fit(x, bits, signed=True))
    assert centred.x.max() == (1 << (bits - 1)) - 1  # 10 is farthest from the mean 4
    assert centred.x[1, 0] == 0
    constant = data.Quantiser.fit(np.ones((3, 2)), bits, signed=True)
    assert constant.scale == 1.0


@pytest.mark.parametrize(
    "quantiser",
    [
        data.Quantiser(0, False, 1.0, 0.0),
        data.Quantiser(25, False, 1.0, 0.0),
        data.Quantiser(8, False, 0.0, 0.0),
        data.Quantiser(8, False, -1.0, 0.0),
        data.Quantiser(8, False, float("inf"), 0.0),
        data.Quantiser(8, False, 1.0, float("nan")),
    ],
)
def test_bad_quantiser(quantiser: data.Quantiser) -> None:
    with pytest.raises(ConfigError):
        data.quantise(data.make_dataset("d", X, Y), quantiser)


TEST_ROWS_OF_SEED_7: list[int] = [0, 2, 9, 13, 17]
