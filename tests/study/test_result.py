"""The raw result's file: whole after every cell, resumed, refused if damaged or foreign."""

import errno
import json
import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from escapement.errors import InputError, ResourceError, UsageError
from escapement.study import result as result_module
from escapement.study.cells import Cell
from escapement.study.measuring import BLANK
from escapement.study.raw import FORMAT, load
from escapement.study.result import Result

PLANNED = Cell("numpy", (4, 2), 2, 8, 1, 1, None, ("parameters", "batch"))


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
    assert body["options"] == {}
    assert [one["commit"] for one in body["cells"]] == [body["commit"]] * 2
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


def test_resuming_keeps_day_and_commit_and_takes_the_options(kept: Result) -> None:
    old = kept.body | {"date": "2020-01-01", "commit": "old"}
    kept.path.write_text(json.dumps(old))
    resumed = Result.resume(kept.path.parent, "quick", 3, {"prover": ["numpy"]})
    assert resumed.body == old | {"options": {"prover": ["numpy"]}}
    resumed.put(cell("c"))
    body = load(kept.path)
    assert (body["date"], body["commit"], body["options"]) == ("2020-01-01", "old", {"prover": ["numpy"]})
    assert body["cells"][:2] == kept.body["cells"]
    assert body["cells"][2]["commit"] == kept.body["commit"] != "old"


@pytest.mark.parametrize("commit", [[], ["commit"]], ids=["without", "with"])
def test_a_cell_of_an_earlier_commit_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: list[str]
) -> None:
    monkeypatch.setattr(result_module, "_commit", lambda: "first")
    begun = Result.begin(tmp_path, "quick", 3)
    begun.put(cell("a"))
    stored = [
        {name: one[name] for name in one if name in commit or name != "commit"} for one in begun.body["cells"]
    ]
    begun.path.write_text(json.dumps(begun.body | {"cells": stored}))
    monkeypatch.setattr(result_module, "_commit", lambda: "second")
    resumed = Result.resume(tmp_path, "quick", 3)
    resumed.put(cell("b"))
    body = load(begun.path)
    assert body["commit"] == "first"
    assert [one.get("commit", "") for one in body["cells"]] == ["first" if commit else "", "second"]


def measured_cell(**changes: Any) -> dict[str, Any]:
    """The cell of PLANNED, measured."""
    return cell(PLANNED.id) | changes


def test_only_measured_cells_are_kept_from_measuring(kept: Result) -> None:
    assert not kept.keeps(PLANNED, "aa")
    kept.put(cell(PLANNED.id, "failed"))
    assert not kept.keeps(PLANNED, "aa")
    kept.put(measured_cell())
    assert kept.keeps(PLANNED, "aa")
    assert not kept.keeps(replace(PLANNED, batch=4), "aa")


def test_a_kept_cell_is_part_of_old_and_new_sweeps(kept: Result) -> None:
    kept.put(measured_cell(axes=["layers", "parameters"]))
    assert kept.keeps(PLANNED, "aa")
    kept.save()
    assert load(kept.path)["cells"][2]["axes"] == ["layers", "parameters", "batch"]
    assert [one["id"] for one in load(kept.path)["cells"]] == ["a", "b", PLANNED.id]


@pytest.mark.parametrize(
    ("insecure", "secure", "keeps"),
    [(None, False, True), (None, True, True), ("made here", False, True), ("made here", True, False)],
)
def test_an_insecure_cell_counts_only_without_a_reference_string(
    kept: Result, insecure: str | None, secure: bool, keeps: bool
) -> None:
    kept.put(measured_cell(insecure=insecure))
    assert kept.keeps(PLANNED, "aa", secure) is keeps


def test_a_result_of_another_seed_is_refused(kept: Result) -> None:
    with pytest.raises(UsageError) as caught:
        Result.resume(kept.path.parent, "quick", 4)
    assert (caught.value.code, caught.value.exit_code) == ("study-other", 2)
    assert str(caught.value) == other(kept, "seed 3, not 4")


def other(kept: Result, difference: str) -> str:
    """The message for a study that cannot be resumed."""
    return (
        f"{kept.path}: a study with {difference}: its figures and new ones do not belong together. Resume it "
        "as it was begun, or leave out --resume to start another."
    )


@pytest.mark.parametrize(
    ("field", "change", "difference"),
    [
        (None, {"name": "reference"}, "name 'reference', not 'quick'"),
        ("machine", {"cpu": "another"}, "machine cpu 'another', not CPU"),
        ("machine", {"memory_bytes": 1}, "machine memory_bytes 1, not MEMORY"),
        ("versions", {"numpy": "0.1"}, "numpy '0.1', not NUMPY"),
        ("versions", {"gone": "0.1"}, "gone '0.1', not None"),
    ],
    ids=["plan", "cpu", "memory", "version", "removed"],
)
def test_a_result_of_another_plan_machine_or_version_is_refused(
    kept: Result, field: str | None, change: dict[str, Any], difference: str
) -> None:
    body = kept.body | (change if field is None else {field: kept.body[field] | change})
    kept.path.write_text(json.dumps(body))
    for word, value in (
        ("CPU", kept.body["machine"]["cpu"]),
        ("MEMORY", kept.body["machine"]["memory_bytes"]),
        ("NUMPY", kept.body["versions"]["numpy"]),
    ):
        difference = difference.replace(word, repr(value))
    with pytest.raises(UsageError) as caught:
        Result.resume(kept.path.parent, "quick", 3)
    assert (caught.value.code, str(caught.value)) == ("study-other", other(kept, difference))


def test_a_package_may_be_installed_before_resuming(kept: Result) -> None:
    without = kept.body | {"versions": kept.body["versions"] | {"numpy": None}}
    kept.path.write_text(json.dumps(without))
    assert Result.resume(kept.path.parent, "quick", 3).body == kept.body


def test_a_cell_of_another_program_is_refused(kept: Result) -> None:
    kept.put(measured_cell())
    with pytest.raises(UsageError) as caught:
        kept.keeps(PLANNED, "bb")
    assert caught.value.code == "study-other"
    assert str(caught.value) == (
        f"{kept.path}: cell 'numpy 4-2 B=2 n=8' was measured on another program: leave out --resume to start "
        "another study."
    )


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


def test_a_folder_that_cannot_be_is_found_before_measuring(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    begun = Result.begin(tmp_path / "file", "quick", 3)
    with pytest.raises(ResourceError) as caught:
        begun.save()
    assert (caught.value.code, caught.value.exit_code) == ("study-unwritable", 4)
    assert str(caught.value) == (
        f"{begun.path} cannot be written: File exists. Nothing was measured: make room, or choose a folder "
        "that can be written."
    )


def test_an_empty_result_can_be_resumed(tmp_path: Path) -> None:
    begun = Result.begin(tmp_path / "new", "quick", 3)
    begun.save()
    assert load(begun.path)["cells"] == []
    assert Result.resume(tmp_path / "new", "quick", 3).path == begun.path


def test_a_file_that_cannot_grow_stays_as_it_was(kept: Result, capsys: pytest.CaptureFixture[str]) -> None:
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
        f"{kept.path}: cell 'c' cannot be kept: File too large; the file has the 2 cells before it, and this "
        "one stands above. Make room; the same command with --resume continues."
    )
    assert json.loads(capsys.readouterr().err) == cell("c") | {"commit": kept.body["commit"]}
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
