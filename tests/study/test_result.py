"""The raw result's file: whole after every cell, resumed, refused if damaged or foreign."""

import errno
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from escapement.errors import InputError, ResourceError, UsageError
from escapement.study.measuring import BLANK
from escapement.study.raw import FORMAT, load
from escapement.study.result import Result


def cell(identity: str, status: str = "measured", program: str = "aa") -> dict[str, Any]:
    """A whole cell of plain training."""
    work = {"widths": [4, 2], "batch": 2, "rows": 8, "parameters": 10, "program": program}
    measured = BLANK | {"seconds_per_step": [1.0], "peak_bytes": 1, "load_before": 0.0, "seconds": 1.0}
    del measured["insecure"]
    return {
        "id": identity,
        "prover": "numpy",
        "work": work,
        "k": 1,
        "m": 1,
        "scheme": None,
        "axes": ["parameters"],
        "status": status,
        "reason": "" if status == "measured" else "killed",
        "insecure": None,
        "estimate": None,
        "measured": measured if status == "measured" else None,
    }


@pytest.fixture
def kept(tmp_path: Path) -> Result:
    """A result with two cells."""
    result = Result.begin(tmp_path, "quick", 3)
    result.put(cell("a"))
    result.put(cell("b", "failed"))
    return result


def test_the_file_has_what_was_put(kept: Result) -> None:
    body = json.loads(kept.path.read_text())
    assert body == kept.body == load(kept.path)
    assert (body["format"], body["name"], body["seed"]) == (FORMAT, "quick", 3)
    assert [one["id"] for one in body["cells"]] == ["a", "b"]
    assert set(body["machine"]) == {"cpu", "cores", "memory_bytes", "system", "python"}
    assert body["versions"]["numpy"]
    assert kept.path.name.startswith(f"cost-{body['date']}-")
    assert kept.path.name.endswith("-quick.json")


def test_a_cell_put_again_replaces_itself(kept: Result) -> None:
    kept.put(cell("b"))
    assert [(one["id"], one["status"]) for one in load(kept.path)["cells"]] == [
        ("a", "measured"),
        ("b", "measured"),
    ]


def test_a_new_study_never_replaces_a_file(kept: Result) -> None:
    again = Result.begin(kept.path.parent, "quick", 3)
    again.put(cell("c"))
    assert again.path.name == kept.path.name.replace(".json", "-2.json")
    assert [one["id"] for one in load(kept.path)["cells"]] == ["a", "b"]
    assert Result.resume(kept.path.parent, "quick", 3).path == again.path
    assert Result.begin(kept.path.parent, "quick", 3).path.name.endswith("-3.json")


def test_resuming_takes_the_latest_of_machine_and_plan(kept: Result) -> None:
    older = kept.path.with_name(kept.path.name.replace(kept.body["date"], "2020-01-01"))
    older.write_text("{")
    other = kept.path.with_name(kept.path.name.replace("-quick", "-custom"))
    other.write_text("{")
    assert Result.resume(kept.path.parent, "quick", 3).body == kept.body


def test_resuming_nothing_begins(tmp_path: Path) -> None:
    assert Result.resume(tmp_path / "none", "quick", 3).body["cells"] == []


def test_only_measured_cells_are_kept_from_measuring(kept: Result) -> None:
    resumed = Result.resume(kept.path.parent, "quick", 3)
    assert resumed.measured("a", "aa")
    assert not resumed.measured("b", "aa")
    assert not resumed.measured("c", "aa")


def test_a_result_of_another_seed_is_refused(kept: Result) -> None:
    with pytest.raises(UsageError) as caught:
        Result.resume(kept.path.parent, "quick", 4)
    assert (caught.value.code, caught.value.exit_code) == ("study-other", 2)
    assert str(caught.value) == (
        f"{kept.path}: a study with seed 3, not 4: give the same options, or leave out --resume to start "
        "another."
    )


def test_a_result_of_another_plan_is_refused(kept: Result) -> None:
    kept.path.write_text(json.dumps(kept.body | {"name": "reference"}))
    with pytest.raises(UsageError, match="a study with name 'reference', not 'quick'"):
        Result.resume(kept.path.parent, "quick", 3)


def test_a_cell_of_another_program_is_refused(kept: Result) -> None:
    with pytest.raises(UsageError, match="cell 'a' was measured on another program") as caught:
        kept.measured("a", "bb")
    assert caught.value.code == "study-other"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda text: text[:-5], "study-damaged"),
        (lambda text: text.replace(FORMAT, "escapement/study/2"), "study-format"),
        (lambda text: text.replace('"prover"', '"proved"', 1), "study-damaged"),
        (lambda text: text.replace('"id": "b"', '"id": "a"'), "study-damaged"),
    ],
    ids=["cut", "format", "key", "twice"],
)
def test_damaged_files_are_refused_and_left(kept: Result, damage: Callable[[str], str], code: str) -> None:
    content = damage(kept.path.read_text())
    kept.path.write_text(content)
    with pytest.raises(InputError) as caught:
        Result.resume(kept.path.parent, "quick", 3)
    assert (caught.value.code, caught.value.exit_code) == (code, 5)
    assert str(kept.path) in str(caught.value)
    assert kept.path.read_text() == content


def test_a_file_that_cannot_grow_stays_as_it_was(kept: Result) -> None:
    before = kept.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # bytes
    try:
        with pytest.raises(ResourceError) as caught:
            kept.put(cell("c"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.code, caught.value.exit_code) == ("study-unwritable", 4)
    assert str(caught.value) == (
        f"{kept.path}: cell 'c' cannot be kept: File too large; the file has the 2 cells before it. Make "
        "room; the same command with --resume continues."
    )
    assert kept.path.read_bytes() == before
    assert [path.name for path in kept.path.parent.iterdir()] == [kept.path.name]
    assert [one["id"] for one in kept.body["cells"]] == ["a", "b"]


def test_a_full_disk_keeps_the_old_file(kept: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ResourceError, match="cannot be kept: No space left on device") as caught:
            kept.put(cell("c"))
    assert caught.value.exit_code == 4
    assert kept.path.read_bytes() == before
    kept.put(cell("c"))
    assert [one["id"] for one in load(kept.path)["cells"]] == ["a", "b", "c"]
