"""The trainer's configuration: one TOML file, every key known, every value in range.

Paths in it are relative to the file itself. learning_rate / batch must be c·2^−κ (docs/protocol.md §1).
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from escapement.errors import InputError, UsageError


class Section(BaseModel):
    """A table of the file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(Section):
    """`[model]`: the forward graph."""

    onnx: Path


class DataSection(Section):
    """`[data]`: "digits" or the path of an .npz file with x and y; the split is fixed in the request."""

    source: str = "digits"
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    split_seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    input_bits: Annotated[int, Field(ge=1, le=24)] = 8
    input_signed: bool = False


class TrainingSection(Section):
    """`[training]`: batch, pace, number formats and calibration, as in `zkml.compiler.Config`."""

    batch: Annotated[int, Field(ge=1, le=4096)]
    steps_per_fold: Annotated[int, Field(ge=1, le=4096)]
    folds_per_segment: Annotated[int, Field(ge=1, le=2**20)]
    max_segments: Annotated[int, Field(ge=1, le=2**32)]
    learning_rate: Annotated[float, Field(gt=0)]
    activation_bits: Annotated[int, Field(ge=1, le=30)]
    gradient_bits: Annotated[int, Field(ge=1, le=30)]
    init: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1)] = [1.0]
    clamp_share: Annotated[float, Field(ge=0, lt=1)] = 0.001
    margin_bits: Annotated[int, Field(ge=0, le=16)] = 0
    calibration_steps: Annotated[int, Field(ge=1)] = 512
    calibration_runs: Annotated[int, Field(ge=1)] = 4

    @model_validator(mode="after")
    def _ordered(self) -> "TrainingSection":
        if self.activation_bits > self.gradient_bits:
            raise ValueError("activation_bits must not exceed gradient_bits")
        return self


class ProofSection(Section):
    """`[proof]`: "ipa" is transparent; "hyperkzg" needs a powers-of-tau file, named by --ptau when used.

    `arithmetisation` becomes part of the program: "r1cs-nova" folds all steps into one proof of some
    kilobytes; "segment" proves each fold by itself, much faster, and hides less (its statement says what).
    """

    scheme: Literal["ipa", "hyperkzg"] = "ipa"
    arithmetisation: Literal["r1cs-nova", "segment"] = "r1cs-nova"

    @model_validator(mode="after")
    def _fitting(self) -> "ProofSection":
        if self.arithmetisation == "segment" and self.scheme != "ipa":
            raise ValueError('scheme must be "ipa" with arithmetisation "segment"')
        return self


class ClampingSection(Section):
    """`[clamping]`: the share of clamped values per tensor and step above which to warn, or stop."""

    warn_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    stop: bool = False


class Config(Section):
    """A whole configuration file."""

    version: Literal[1]
    model: ModelSection
    data: DataSection = DataSection()
    training: TrainingSection
    proof: ProofSection = ProofSection()
    clamping: ClampingSection = ClampingSection()


def load_config(path: Path, arithmetisation: str | None = None) -> Config:
    """Read and check a configuration; paths come back absolute. `arithmetisation` replaces the file's own.

    Raises InputError `config-unreadable` (5) when the file cannot be read, UsageError `config-syntax` (2)
    when it is not TOML, `config-invalid` (2) naming every key that is unknown, missing or out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("config-unreadable", f"{path}: cannot be read: {error}") from error
    return _absolute(parse_config(text, str(path), arithmetisation), path.resolve().parent)


def parse_config(text: str, where: str, arithmetisation: str | None = None) -> Config:
    """The configuration that the text states, paths as written; otherwise as `load_config`."""
    try:
        table = tomllib.loads(text)
        if arithmetisation is not None and isinstance(table.setdefault("proof", {}), dict):
            table["proof"]["arithmetisation"] = arithmetisation
        return Config.model_validate(table)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("config-syntax", f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        raise UsageError("config-invalid", f"{where}:\n{_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "the file"
        got = "" if item["type"] in ("missing", "extra_forbidden") else f", got {item['input']!r}"
        reason = {"missing": "is missing", "extra_forbidden": "is not a known key"}.get(
            item["type"], item["msg"]
        )
        lines.append(f"  {where}: {reason}{got}")
    return "\n".join(lines)


def _absolute(config: Config, folder: Path) -> Config:
    source = config.data.source
    named = source if source in BUILT_IN_DATA else str(folder / source)
    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"onnx": folder / config.model.onnx}),
            "data": config.data.model_copy(update={"source": named}),
        }
    )


BUILT_IN_DATA = ("digits",)
