"""`benchmarks/cost.py` measuring: Ctrl-C and going on under a newer commit, and failed cells."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from escapement.study import cells, measuring, process, result
from escapement.study.raw import load
from tests.study.conftest import tiny_plan

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "cost.py"
DONE = process.Ended(messages=[{"measured": {"seconds_per_step": [1.0]}}])


@pytest.fixture
def cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with two cells of plain training for a plan, and folders of its own."""
    spec = importlib.util.spec_from_file_location("cost_script", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    plan = tiny_plan("numpy", "integer")
    monkeypatch.setitem(cells.PLANS, "reference", replace(plan, name="reference"))
    monkeypatch.setattr(script, "RESULTS", tmp_path)
    monkeypatch.setattr(script, "DOCS", tmp_path / "cost.md")
    return script


@pytest.fixture
def main(cost: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run it with these arguments, at this commit; its measuring processes answer in turn as given."""

    def call(*arguments: str, commit: str, answers: list[process.Ended | BaseException]) -> int:
        def answer(*_: Any) -> process.Ended:
            given = answers.pop(0)
            if isinstance(given, BaseException):
                raise given
            return given

        monkeypatch.setitem(measuring.measure.__kwdefaults__ or {}, "run", answer)
        monkeypatch.setattr(result, "_commit", lambda: commit)
        monkeypatch.setattr(sys, "argv", ["benchmarks/cost.py", *arguments])
        code: int = cost.main()
        assert answers == []
        return code

    return call


def test_ctrl_c_and_going_on_under_a_newer_commit(
    main: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(commit="first", answers=[DONE, KeyboardInterrupt()]) == 130
    (path,) = tmp_path.glob("cost-*.json")
    said = (
        f"Interrupted; 1 cells are kept in {path}. It continues with:\n  python benchmarks/cost.py --resume\n"
    )
    assert said in capsys.readouterr().err
    assert main("--resume", commit="second", answers=[DONE]) == 0
    assert list(tmp_path.glob("cost-*.json")) == [path]
    body = load(path)
    assert body["commit"] == "first"
    assert [(cell["prover"], cell["commit"]) for cell in body["cells"]] == [
        ("numpy", "first"),
        ("integer", "second"),
    ]
    kept = f"1 cells are kept from {path}, a study of {body['date']}"
    assert kept in capsys.readouterr().err


def test_a_failed_cell_is_exit_1_and_no_docs(
    main: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "cost.md"
    docs.write_text("as it was", encoding="utf-8")
    failed = process.Ended(status=1)
    assert main("--docs", commit="", answers=[DONE, failed]) == 1
    said = capsys.readouterr().err
    assert "warning: 1 cells failed: integer 8-4-3 B=2 n=16" in said
    assert f"error: --docs: {docs} is left as it was; --resume measures them again" in said
    assert docs.read_text(encoding="utf-8") == "as it was"


def test_quick_studies_are_not_resumed(
    cost: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks/cost.py", "--quick", "--resume"])
    with pytest.raises(SystemExit) as caught:
        cost.main()
    assert caught.value.code == 2
    assert "--resume: not with --quick, which has a new folder each time" in capsys.readouterr().err
