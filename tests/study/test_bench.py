"""`escapement bench` from outside: help, lists, options that cannot be meant, Ctrl-C and going on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Call

COMMAND = [sys.executable, "-P", "-m", "escapement", "bench", "--plan", "quick", "--sweep", "parameters"]


def test_help_has_examples(call: Call) -> None:
    answer = call("bench", "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert "escapement bench --plan quick" in answer.out
    assert "--json" in answer.out


def test_a_list_measures_nothing(call: Call, tmp_path: Path) -> None:
    arguments = ["bench", "--plan", "quick", "--prover", "segment", "--prover", "numpy", "--list", "--json"]
    answer = call(*arguments, "--out", str(tmp_path))
    assert answer.code == 0
    assert [cell["id"] for cell in answer.json["cells"]] == [
        "numpy 8-4-3 B=2 n=16",
        "numpy 16-8-3 B=2 n=16",
        "segment 8-4-3 B=2 n=16 k=2 m=1 ipa",
        "segment 8-4-3 B=2 n=16 k=1 m=1 ipa",
        "segment 16-8-3 B=2 n=16 k=2 m=1 ipa",
    ]
    estimate = answer.json["cells"][2]["estimate"]
    assert estimate["memory_bytes"] > 10**8
    assert answer.json["seconds"] == sum(cell["seconds"] for cell in answer.json["cells"])
    assert list(tmp_path.iterdir()) == []


def test_a_list_for_people(call: Call) -> None:
    answer = call("bench", "--plan", "quick", "--prover", "r1cs-nova", "--cell-minutes", "0", "--list")
    assert answer.code == 0
    assert "skipped: would take about" in answer.out
    assert "0 of 2 cells, about 0.00 s by the estimates" in answer.out


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--parameters", "1000,8-5-3"], ["64-16-10 B=2 n=16 k=2", "8-5-3 B=2 n=16 k=2"]),
        (["--batch", "4", "--sweep", "batch"], ["8-4-3 B=4 n=16 k=2"]),
        (["--batch", "4,1", "--sweep", "batch"], ["8-4-3 B=4 n=16 k=2", "8-4-3 B=1 n=16 k=2"]),
        (["--layers", "1,3", "--sweep", "layers"], ["8-3 B=2 n=16 k=2", "8-4-4-3 B=2 n=16 k=2"]),
        (["--layers", "3", "--sweep", "fold"], ["8-4-4-3 B=2 n=16 k=1", "8-4-4-3 B=2 n=16 k=2"]),
        (
            ["--parameters", "9-5-3", "--layers", "1", "--sweep", "fold"],
            ["9-3 B=2 n=16 k=1", "9-3 B=2 n=16 k=2"],
        ),
        (["--steps-per-fold", "8"], ["8-4-3 B=2 n=16 k=8", "16-8-3 B=2 n=16 k=8"]),
        (["--parameters", "9-5-3", "--sweep", "fold"], ["9-5-3 B=2 n=16 k=1", "9-5-3 B=2 n=16 k=2"]),
    ],
)
def test_options_change_the_plan(call: Call, options: list[str], ids: list[str]) -> None:
    sweeps = [] if "--sweep" in options else ["--sweep", "parameters"]
    base = ["bench", "--plan", "quick", "--prover", "segment", "--list", "--json"]
    answer = call(*base, *sweeps, *options)
    assert answer.code == 0, answer.err
    assert sorted(cell["id"] for cell in answer.json["cells"]) == sorted(
        f"segment {one} m=1 ipa" for one in ids
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--plan", "all"], "study-plan", "--plan: expected quick or reference, got 'all'."),
        (
            ["--prover", "nova"],
            "study-name",
            "--prover: expected one of numpy, torch, integer, r1cs-nova, segment, ezkl, got 'nova'.",
        ),
        (
            ["--sweep", "width"],
            "study-name",
            "--sweep: expected one of parameters, batch, layers, fold, segment, scheme, got 'width'.",
        ),
        (
            ["--batch", "8,x"],
            "study-number",
            "--batch: whole numbers from 1 to 1000000000 expected, separated by commas, got 'x'.",
        ),
        (
            ["--steps-per-fold", "0"],
            "study-number",
            "--steps-per-fold: whole numbers from 1 to 1000000000 expected, separated by commas, got '0'.",
        ),
        (
            ["--parameters", "64--10"],
            "study-number",
            "--parameters: whole numbers from 1 to 1000000000 expected, separated by commas, got ''.",
        ),
    ],
)
def test_options_that_cannot_be_meant(
    call: Call,
    options: list[str],
    code: str,
    message: str,
) -> None:
    answer = call("bench", "--list", "--json", *options)
    assert answer.code == 2
    assert answer.json["error"] == {"code": code, "message": message, "exit_code": 2}


@pytest.mark.parametrize("option", ["--srs", "--ptau"])
def test_a_reference_string_that_is_not_there(call: Call, option: str, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    answer = call("bench", "--plan", "quick", "--list", "--json", option, str(missing))
    assert answer.code == 5
    assert answer.json["error"]["message"] == f"{missing}: no such file; give the path of a reference string."


def interrupted(study: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it says after Ctrl-C; pressed again if need be: Python drops one that comes inside a finaliser."""
    for patience in (4, 60):
        study.send_signal(signal.SIGINT)
        try:
            return study.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("it goes on after Ctrl-C")


def test_ctrl_c_keeps_what_is_measured_and_the_command_goes_on(tmp_path: Path) -> None:
    given = ["--prover", "numpy", "--prover", "r1cs-nova", "--no-report", "--out", str(tmp_path)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    study = subprocess.Popen(
        [*COMMAND, *given], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert study.stderr is not None
    said = []
    for line in study.stderr:
        said.append(line)
        if line.startswith("numpy 16-8-3"):
            break
    out, rest = interrupted(study)
    assert study.returncode == 130, "".join(said) + rest
    assert out == ""
    (path,) = tmp_path.glob("cost-*.json")
    assert f"Interrupted; 2 cells are kept in {path}. It continues with:" in rest
    command = rest[rest.index("  escapement bench") :].splitlines()[0].split()
    assert command[:2] == ["escapement", "bench"]
    assert command[-1] == "--resume"
    raw = json.loads(path.read_text())
    kept = raw["cells"]
    assert [cell["status"] for cell in kept] == ["measured", "measured"]
    wanted = {"plan": "quick", "prover": ["numpy", "r1cs-nova"], "sweep": ["parameters"]}
    assert (raw["name"], raw["options"]) == ("custom", wanted)
    # Only the rest of it: cells that are refused for time are kept, too, and quick.
    again = [sys.executable, "-P", "-m", *command, "--cell-minutes", "0", "--json"]
    done = subprocess.run(again, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"2 cells are kept from {path}, a study of {raw['date']}" in done.stderr
    assert json.loads(done.stdout)["options"] == wanted | {"cell-minutes": 0.0}
    cells = json.loads(done.stdout)["cells"]
    assert cells[:2] == kept
    assert [cell["status"] for cell in cells] == ["measured", "measured", "skipped", "skipped"]
    assert json.loads(path.read_text())["cells"] == cells


def test_a_failed_cell_is_said_in_the_exit_code(call: Call, tmp_path: Path) -> None:
    tiny = ["--plan", "quick", "--prover", "numpy", "--parameters", "8-4-3", "--sweep", "parameters"]
    arguments = ["bench", *tiny, "--no-report", "--out", str(tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("escapement.study.process.CHILD", (sys.executable, "-c", "raise SystemExit(3)"))
        answer: Answer = call(*arguments)
    assert answer.code == 1
    assert "warning: 1 cells failed: numpy 8-4-3 B=2 n=16" in answer.err
    assert call(*arguments, "--resume").code == 0
    idle = call(*arguments, "--resume")
    assert idle.code == 0
    assert "Nothing is left that can be measured; without --resume, all is measured anew" in idle.err


@pytest.mark.parametrize(
    ("option", "value", "name", "options"),
    [
        ("--seed", 1, "quick", {}),
        ("--cell-minutes", 1, "quick", {}),  # as in the plan
        ("--cell-minutes", 2, "custom", {"plan": "quick", "cell-minutes": 2.0}),
        ("--srs", "a.srs", "custom", {"plan": "quick", "srs": "a.srs"}),
        ("--ptau", "a.ptau", "custom", {"plan": "quick", "ptau": "a.ptau"}),
    ],
)
def test_options_that_change_what_is_measured_rename_the_plan(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    value: int | str,
    name: str,
    options: dict[str, object],
) -> None:
    if isinstance(value, str):
        (tmp_path / value).write_bytes(b"")
    monkeypatch.setattr("escapement.study.run.cells", lambda plan: [])
    word = str(tmp_path / value) if isinstance(value, str) else str(value)
    out = str(tmp_path / "out")
    answer = call("bench", "--plan", "quick", "--no-report", "--json", "--out", out, option, word)
    assert answer.code == 0
    assert (answer.json["name"], answer.json["options"]) == (name, options)
