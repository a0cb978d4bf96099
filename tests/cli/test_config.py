"""The configuration file: every key known, every value in range, every error naming its place."""

from pathlib import Path

import pytest

from escapement.config import load_config
from escapement.errors import InputError, UsageError

GOOD = """
version = 1
[model]
onnx = "model.onnx"
[training]
batch = 8
steps_per_fold = 4
folds_per_segment = 10
max_segments = 12
learning_rate = 0.25
activation_bits = 6
gradient_bits = 8
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD + '[data]\nsource = "rows.npz"\n'))
    assert config.model.onnx == tmp_path / "model.onnx"
    assert config.data.source == str(tmp_path / "rows.npz")


def test_built_in_data_is_not_a_path(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, GOOD)).data.source == "digits"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("batch = 8", "batch = 8\nbatches = 8"), "training.batches: is not a known key"),
        (("batch = 8", "batch = 0"), "training.batch"),
        (("batch = 8", ""), "training.batch: is missing"),
        (("batch = 8", 'batch = "eight"'), "training.batch"),
        (("gradient_bits = 8", "gradient_bits = 5"), "activation_bits must not exceed gradient_bits"),
        (("version = 1", "version = 2"), "version"),
        (("learning_rate = 0.25", "learning_rate = 0"), "training.learning_rate"),
        (('onnx = "model.onnx"', 'onnx = "model.onnx"\n[proof]\nscheme = "mock"'), "proof.scheme"),
        (
            ('onnx = "model.onnx"', 'onnx = "model.onnx"\n[proof]\narithmetisation = "stark"'),
            "arithmetisation",
        ),
    ],
)
def test_invalid_values_are_named(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, GOOD.replace(*change)))
    assert (caught.value.code, caught.value.exit_code) == ("config-invalid", 2)
    assert named in str(caught.value)


def test_the_option_replaces_the_files_arithmetisation(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert load_config(path).proof.arithmetisation == "r1cs-nova"
    assert load_config(path, "segment").proof.arithmetisation == "segment"
    path = write(tmp_path, GOOD + '[proof]\narithmetisation = "segment"\n')
    assert load_config(path).proof.arithmetisation == "segment"
    assert load_config(path, "r1cs-nova").proof.arithmetisation == "r1cs-nova"


def test_not_toml(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, "version = "))
    assert caught.value.code == "config-syntax"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_config(tmp_path / "none.toml")
    assert (caught.value.code, caught.value.exit_code) == ("config-unreadable", 5)
