"""The raw result of a study, checked: format `escapement/study/1`, one JSON file.

Only what was measured, estimated or refused is in it; everything derived is in `report.figures`.
"""

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from escapement.errors import InputError
from vdf.files import read_capped


def clean(text: str) -> str:
    """The text on one line: control characters and what reorders text on screen are replaced."""
    plain = "".join(" " if sign in "\n\r\t" else sign for sign in text)
    return "".join("\ufffd" if unicodedata.category(sign)[0] == "C" else sign for sign in plain).strip()


Text = Annotated[str, AfterValidator(clean)]
Seconds = Annotated[float, Field(ge=0, le=1e12)]
Time = Annotated[float, Field(ge=1e-12, le=1e12)]
Count = Annotated[int, Field(ge=1, lt=2**63)]
Bytes = Annotated[int, Field(ge=0, lt=2**63)]


class Part(BaseModel):
    """A piece of the file: types are JSON's own, keys that this version does not know are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Work(Part):
    """The step: layer widths, samples per batch, training rows, weights and biases, program digest."""

    widths: Annotated[list[Count], Field(min_length=2)]
    batch: Count
    rows: Count
    parameters: Count
    program: Text

    @property
    def layers(self) -> int:
        """Dense layers."""
        return len(self.widths) - 1

    @property
    def name(self) -> str:
        """The widths, as in "784-64-10"."""
        return "-".join(str(width) for width in self.widths)


class Estimate(Part):
    """What the cell was expected to take before it was tried, and where that comes from."""

    seconds_per_step: Seconds
    set_up_seconds: Seconds
    memory_bytes: Bytes
    disk_bytes: Bytes
    source: Text


class Measured(Part):
    """What the cell took; every list holds one entry per repetition. None: it means nothing there."""

    seconds_per_step: Annotated[list[Time], Field(min_length=1)]
    set_up_seconds: Seconds | None
    key_bytes: Bytes | None
    peak_bytes: Bytes
    proof_bytes: Bytes | None
    proof_steps: Count | None
    last_seconds: Seconds | None
    verifier_seconds: Seconds | None
    verify_seconds: list[Seconds]
    parts: dict[Text, Seconds]
    parts_by: Literal["time", "constraints"] | None
    load_before: Seconds
    seconds: Seconds
    peak_by: Literal["kernel", "sampled"] | None = None  # results before it was kept say nothing


Status = Literal["measured", "does-not-fit", "not-installed", "failed", "skipped"]


class Cell(Part):
    """One prover on one step with one k, m and scheme."""

    id: Text
    prover: Text
    work: Work
    k: Count
    m: Count
    scheme: Text | None
    axes: list[Text]
    status: Status
    reason: Text
    insecure: Text | None
    estimate: Estimate | None
    measured: Measured | None
    commit: Text = ""  # of the code that measured this cell

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.status == "measured") != (self.measured is not None):
            raise ValueError(f'status is "{self.status}", which does not go with what stands in measured')
        return self


class Machine(Part):
    """What the study ran on."""

    cpu: Text
    cores: Count
    memory_bytes: Bytes
    system: Text
    python: Text


class Study(Part):
    """The whole file."""

    format: Literal["escapement/study/1"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    seed: Annotated[int, Field(ge=0, lt=2**64)]
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    machine: Machine
    commit: Text
    versions: dict[Text, Text | None]
    cells: list[Cell]
    options: dict[Text, Any] = {}  # of the command that measured, by name

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[str] = set()
        for cell in self.cells:
            if cell.id in seen:
                raise ValueError(f'two cells have the id "{cell.id}"')
            seen.add(cell.id)
        return self


def check(result: Mapping[str, Any], where: str = "the study's raw result") -> Study:
    """The result with its types. Raises InputError "study-format" or "study-damaged", with the place."""
    found = result.get("format") if isinstance(result, Mapping) else None
    if found != FORMAT:
        said = clean(repr(found))[:80]
        raise InputError(
            "study-format",
            f"{where}: not a study's raw result: format is {said}, expected '{FORMAT}'. "
            "`escapement bench` writes such files.",
        )
    try:
        return Study.model_validate(result)
    except ValidationError as error:
        raise InputError("study-damaged", f"{where} is damaged:\n{_explain(error)}\n{REMEDY}") from error


def load(path: Path) -> dict[str, Any]:
    """The file's JSON, checked. Raises InputError "study-unreadable", "study-format" or "study-damaged"."""
    try:
        data = read_capped(path, MOST_BYTES)
    except OSError as error:
        said = error.strerror or str(error)
        raise InputError("study-unreadable", f"{path}: {said}. Name a raw result of a study.") from error
    if len(data) > MOST_BYTES:
        raise InputError("study-damaged", f"{path} is longer than {MOST_BYTES >> 20} MiB. {REMEDY}")
    try:
        result = json.loads(data)
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else clean(str(error))
        raise InputError("study-damaged", f"{path} is not JSON: {said}. {REMEDY}") from error
    check(result, str(path))
    assert isinstance(result, dict)
    return result


def _explain(error: ValidationError) -> str:
    """The first errors with their places in the file."""
    lines = []
    for item in error.errors()[:MOST_ERRORS]:
        where = ".".join(clean(str(part)) for part in item["loc"]) or "the file"
        got = "" if item["type"] in ("missing", "value_error") else f", got {clean(repr(item['input']))[:60]}"
        lines.append(f"  {where}: {item['msg']}{got}")
    if error.error_count() > MOST_ERRORS:
        lines.append(f"  and {error.error_count() - MOST_ERRORS} more")
    return "\n".join(lines)


FORMAT = "escapement/study/1"
MOST_BYTES = 64 << 20
MOST_ERRORS = 8
REMEDY = "Take the file as `escapement bench` wrote it, or measure again."
