"""Whole studies of seconds: every own prover end to end, failures in between, interruption and resumption."""

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import _escapement
import pytest

from escapement.errors import InputError, ResourceError
from escapement.study import measuring, process
from escapement.study.cells import Cell
from escapement.study.proving import PARTS, constraint_shares
from escapement.study.raw import load
from escapement.study.result import Result
from escapement.study.run import Options, run
from escapement.study.work import program
from tests.study.conftest import Silent, tiny_plan
from zkml.program import Program
from zkml.provers.interface import Estimate

Make = Callable[..., Options]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Silent]:
    """Cells by prover, of a study of one tiny cell per prover that is part of this package."""
    folder, watcher = tmp_path_factory.mktemp("study"), Silent()
    chosen = tiny_plan("numpy", "integer", "r1cs-nova", "segment")
    result = run(Options(chosen, 0, folder), Result.begin(folder, chosen.name, 0), watcher)
    assert result.body == load(result.path)
    assert [path.name for path in folder.iterdir()] == [result.path.name]  # nothing else is left
    return {cell["prover"]: cell for cell in result.body["cells"]}, watcher


@pytest.mark.parametrize("prover", ["r1cs-nova", "segment"])
def test_a_prover_end_to_end(measured: tuple[dict[str, Any], Silent], prover: str) -> None:
    cell = measured[0][prover]
    assert (cell["status"], cell["reason"], cell["insecure"]) == ("measured", "", None)
    found = cell["measured"]
    assert len(found["seconds_per_step"]) == len(found["verify_seconds"]) == 2
    assert found["proof_steps"] == 3 * cell["k"]
    for name in ("set_up_seconds", "last_seconds", "key_bytes", "seconds"):
        assert found[name] > 0
    assert found["verifier_seconds"] >= 0
    assert found["proof_bytes"] > 5_000
    assert 20 << 20 < found["peak_bytes"] < 4 << 30
    assert found["peak_by"] == "kernel"
    sizes = program(Cell(prover, (8, 4, 3), 2, 16, cell["k"], 1, "ipa"), 0)
    assert cell["work"]["program"] == sizes.digest().hex()


def test_parts_of_the_segment_argument_are_its_own_times(measured: tuple[dict[str, Any], Silent]) -> None:
    found = measured[0]["segment"]["measured"]
    assert found["parts_by"] == "time"
    assert set(found["parts"]) == {"check", "commitments", "products", "wiring", "lookups", "opening"}
    mean = sum(found["seconds_per_step"]) / 2
    assert 0 < sum(found["parts"].values()) <= mean * 1.0001


def test_parts_of_r1cs_are_apportioned_by_constraints(measured: tuple[dict[str, Any], Silent]) -> None:
    found = measured[0]["r1cs-nova"]["measured"]
    assert found["parts_by"] == "constraints"
    assert set(found["parts"]) == {"hashing", "range checks", "products", "recursion", "other"}
    mean = sum(found["seconds_per_step"]) / 2
    assert math.isclose(sum(found["parts"].values()), mean, rel_tol=1e-9)


def test_every_constraint_has_its_part() -> None:
    made = program(Cell("r1cs-nova", (8, 4, 3), 2, 16, 1, 1, "ipa"), 0)
    names = set(_escapement.constraints(made.encode())["by_part"])
    grouped = {name for group in PARTS.values() for name in group}
    assert grouped < names
    assert names - grouped == {"state, key, log, blind", "indices"}
    shares = constraint_shares(made)
    assert math.isclose(sum(shares.values()), 1.0)
    assert all(share > 0 for share in shares.values())


@pytest.mark.parametrize("prover", ["numpy", "integer"])
def test_plain_training_has_times_and_no_proof(measured: tuple[dict[str, Any], Silent], prover: str) -> None:
    cell = measured[0][prover]
    assert (cell["status"], cell["estimate"], cell["scheme"]) == ("measured", None, None)
    found = cell["measured"]
    assert len(found["seconds_per_step"]) == 2
    for name in (
        "set_up_seconds",
        "key_bytes",
        "proof_bytes",
        "proof_steps",
        "last_seconds",
        "verifier_seconds",
    ):
        assert found[name] is None
    assert found["verify_seconds"] == []


def test_the_watcher_hears_of_everything(measured: tuple[dict[str, Any], Silent]) -> None:
    cells, watcher = measured
    assert watcher.started_ids == [cell["id"] for cell in cells.values()]
    assert [cell["id"] for cell in watcher.ended_cells] == watcher.started_ids
    own = ["set up", "prove", "last proof", "verify"]
    assert watcher.phases == ["train", "verify", "train", "verify", *own, *own]


def test_a_cell_that_dies_costs_itself_alone(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = options("numpy", "torch", "integer")
    true_run = process.run

    def deadly(request: dict[str, Any], *rest: Any) -> process.Ended:
        if request["prover"] == "torch":
            return true_run(request, *rest, command=("/bin/sh", "-c", "kill -9 $$"))
        return true_run(request, *rest)

    monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", deadly)
    result = run(chosen, Result.begin(tmp_path, "tiny", 0), Silent())
    assert [(cell["prover"], cell["status"]) for cell in result.body["cells"]] == [
        ("numpy", "measured"),
        ("torch", "failed"),
        ("integer", "measured"),
    ]
    assert result.body["cells"][1]["reason"] == "killed by SIGKILL, as the kernel does when memory runs out"
    assert result.body["cells"][1]["measured"] is None


def test_resuming_measures_what_is_missing_and_what_failed(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: dict[str, Any], *rest: Any) -> process.Ended:
        asked.append(request["prover"])
        if request["prover"] == "torch" and len(asked) < 3:
            return process.Ended(status=1)
        if request["prover"] == "integer" and len(asked) < 4:
            raise KeyboardInterrupt
        return process.Ended(messages=[{"measured": {"seconds_per_step": [float(len(asked))]}}])

    monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", answer)
    chosen = options("numpy", "torch", "integer")
    with pytest.raises(KeyboardInterrupt):
        run(chosen, Result.begin(tmp_path, "tiny", 0), Silent())
    assert asked == ["numpy", "torch", "integer"]
    watcher = Silent()
    result = run(chosen, Result.resume(tmp_path, "tiny", 0), watcher)
    assert asked == ["numpy", "torch", "integer", "torch", "integer"]
    assert watcher.kept_and_left == [(1, 2)]
    assert [
        (cell["status"], cell["measured"]["seconds_per_step"]) for cell in load(result.path)["cells"]
    ] == [("measured", [1.0]), ("measured", [4.0]), ("measured", [5.0])]
    assert len(list(tmp_path.glob("cost-*.json"))) == 1
    watcher = Silent()
    run(chosen, Result.resume(tmp_path, "tiny", 0), watcher)
    assert len(asked) == 5
    assert watcher.kept_and_left == [(3, 0)]


def test_resuming_joins_sweeps_and_replaces_what_was_insecure(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: dict[str, Any], *rest: Any) -> process.Ended:
        asked.append(request["srs"])
        insecure = None if request["srs"] else "made here"
        measured = {"seconds_per_step": [1.0], "insecure": insecure}
        return process.Ended(messages=[{"measured": measured}])

    monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", answer)
    monkeypatch.setattr("escapement.study.planning.backend_of", lambda prover, scheme: Ready())
    chosen = options("ezkl")
    run(chosen, Result.begin(tmp_path, "tiny", 0), Silent())
    again = replace(chosen, plan=replace(chosen.plan, batches=(2,), axes=("parameters", "batch")))
    run(again, Result.resume(tmp_path, "tiny", 0), Silent())
    assert asked == [None]
    srs = tmp_path / "kzg.srs"
    srs.write_bytes(b"")
    result = run(replace(again, srs=srs), Result.resume(tmp_path, "tiny", 0), Silent())
    run(replace(again, srs=srs), Result.resume(tmp_path, "tiny", 0), Silent())
    assert asked == [None, str(srs)]
    (cell,) = load(result.path)["cells"]
    assert (cell["axes"], cell["insecure"]) == (["parameters", "batch"], None)


class Ready:
    """A prover that is there, and takes no time."""

    def require(self) -> None:
        """Nothing is missing."""

    def estimate(self, program: Program) -> Estimate:
        """Little."""
        return Estimate(0.1, 0.1, 1, 1, "a test")


def test_a_folder_that_cannot_be_written_is_found_before_measuring(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> process.Ended:
        raise AssertionError("started")

    monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", never)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError) as caught:
        run(options("numpy"), Result.begin(tmp_path / "file", "tiny", 0), Silent())
    assert caught.value.code == "study-unwritable"


def test_a_full_disk_ends_the_study_and_keeps_what_was(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: dict[str, Any], *rest: Any) -> process.Ended:
        return process.Ended(messages=[{"measured": {"seconds_per_step": [1.0]}}])

    monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", answer)
    chosen = options("numpy", "integer")
    result = Result.begin(tmp_path, "tiny", 0)
    written: list[bytes] = []

    def write(path: Path, data: bytes) -> None:
        if len(written) == 2:  # the empty result, and one cell
            raise OSError(28, "No space left on device")
        written.append(data)
        path.write_bytes(data)

    monkeypatch.setattr("escapement.study.result.write_atomic", write)
    with pytest.raises(ResourceError) as caught:
        run(chosen, result, Silent())
    assert caught.value.code == "study-unwritable"
    assert [cell["prover"] for cell in load(result.path)["cells"]] == ["numpy"]


@pytest.mark.parametrize("broken", ["seed", "last"])
def test_a_proof_that_does_not_verify_is_a_failed_cell(
    options: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    code = SPOILT[broken] + "import sys\nfrom escapement.study import child\nsys.exit(child.main())\n"
    monkeypatch.setattr(process, "CHILD", (sys.executable, "-P", "-c", code))
    result = run(options("segment"), Result.begin(tmp_path, "tiny", 0), Silent())
    (cell,) = result.body["cells"]
    assert (cell["status"], cell["measured"]) == ("failed", None)
    assert cell["reason"].startswith(REASONS[broken])


def test_reference_strings_must_exist(options: Make, tmp_path: Path) -> None:
    missing = tmp_path / "none.srs"
    with pytest.raises(InputError) as caught:
        run(replace(options("numpy"), srs=missing), Result.begin(tmp_path, "tiny", 0), Silent())
    assert str(caught.value) == f"{missing}: no such file; give the path of a reference string."
    assert caught.value.code == "study-file"


def test_reference_strings_go_to_those_who_need_them(tmp_path: Path) -> None:
    srs, ptau = tmp_path / "srs", tmp_path / "ptau"
    chosen = Options(tiny_plan("ezkl"), 0, tmp_path, srs, ptau)
    cell = Cell("ezkl", (8, 4, 3), 2, 16, 1, 1, "kzg")
    assert chosen.srs_of(cell) == srs
    assert chosen.srs_of(replace(cell, prover="r1cs-nova", scheme="hyperkzg")) == ptau
    assert chosen.srs_of(replace(cell, prover="r1cs-nova", scheme="ipa")) is None
    assert chosen.srs_of(replace(cell, prover="segment", scheme="ipa")) is None


def test_psutil_is_asked_for(monkeypatch: pytest.MonkeyPatch, options: Make, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ResourceError) as caught:
        run(options("numpy"), Result.begin(tmp_path, "tiny", 0), Silent())
    assert (
        str(caught.value)
        == "psutil is not installed: `make cost` installs it, or pip install 'escapement[bench]'"
    )
    assert not list(tmp_path.glob("*.json"))


# A seed that the verifier is not told, and a bit of the last proof.
SPOILT = {
    "seed": """
from zkml.provers import segment
prove = segment.SegmentStepProver.prove
segment.SegmentStepProver.prove = lambda self, seed, emit: prove(self, bytes(31) + bytes([1]), emit)
""",
    "last": """
from zkml.provers import segment
finish = segment.SegmentStepProver.finish
segment.SegmentStepProver.finish = lambda self: bytes([0]) + finish(self)[1:-1] + bytes([7])
""",
}
REASONS = {"seed": "proof-rejected: ", "last": "proof-"}
