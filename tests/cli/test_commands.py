"""The command line from outside: help, exit codes, JSON, and where words go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call

COMMANDS = [
    ["init"],
    ["policy", "new"],
    ["plan"],
    ["run"],
    ["finish"],
    ["verify"],
    ["inspect"],
    ["demo"],
    ["doctor"],
    ["key", "backup"],
    ["key", "restore"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples_and_json(call: Call, command: list[str]) -> None:
    answer = call(*command, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert f"escapement {' '.join(command)}" in answer.out
    assert "--json" in answer.out


def test_version(call: Call) -> None:
    assert call("--version").out == "escapement 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["nonsense"], 2),
        (["verify"], 2),
        (["verify", "--nonsense", "a"], 2),
        (["demo", "--segments", "0"], 2),
        (["verify", "--policy", "none.toml", "none.esc"], 5),
        (["inspect", "none.esc"], 5),
        (["plan", "none.toml"], 5),
        (["init", "none.toml"], 5),
        (["run", "none"], 5),
        (["finish", "none"], 5),
        (["key", "backup", "none", "--out", "a.key", "--passphrase-file", "none.txt"], 5),
        (["policy", "new", "none.cbor", "--squarings", "9"], 5),
        (["policy", "new", "none.cbor"], 2),
        (["policy", "new", "none.cbor", "--squarings", "9", "--seconds-per-delay", "1"], 2),
        (["policy", "new", "none.cbor", "--squarings", "9", "--fastest", "9"], 2),
    ],
)
def test_exit_codes(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], exit_code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(*arguments)
    assert answer.code == exit_code
    assert answer.out == ""
    assert answer.err.startswith("error ")


def test_errors_are_json_when_asked_for(call: Call, tmp_path: Path) -> None:
    answer = call("plan", tmp_path / "none.toml", "--json")
    assert answer.json["error"]["code"] == "config-unreadable"
    assert answer.json["error"]["exit_code"] == answer.code == 5


def test_a_fault_names_its_log(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr("escapement.config.load_config", fail)
    answer = call("plan", tiny, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (70, "internal")
    log = Path(answer.json["error"]["message"].rsplit(" ", 1)[1])
    assert "ZeroDivisionError: broken" in log.read_text(encoding="utf-8")
    log.unlink()


def test_an_interrupt_is_exit_130(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("escapement.config.load_config", interrupt)
    answer = call("plan", tiny, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (130, "interrupted")


def test_plan_counts_before_anything_is_made(call: Call, tiny: Path) -> None:
    before = sorted(tiny.parent.iterdir())
    answer = call("plan", tiny, "--json", "--segments", 1)
    assert answer.code == 0
    assert answer.json["steps"] == 2
    parts = answer.json["constraints_by_part"]
    assert 0 < sum(parts.values()) <= answer.json["constraints_per_fold"]
    assert answer.json["peak_memory_bytes"] > 0
    assert sorted(tiny.parent.iterdir()) == before


def test_plan_of_the_segment_argument(call: Call, tiny: Path) -> None:
    answer = call("plan", tiny, "--json", "--segments", 2, "--arithmetisation", "segment")
    assert answer.code == 0
    assert (answer.json["arithmetisation"], answer.json["constraints_per_fold"]) == ("segment", 0)
    assert answer.json["committed_per_fold"] > 0
    assert answer.json["proof_bytes"] > 0
    assert call("plan", tiny, "--json").json["arithmetisation"] == "r1cs-nova"


@pytest.mark.parametrize("command", ["plan", "init", "demo"])
def test_an_unknown_arithmetisation_is_exit_2(call: Call, tiny: Path, command: str) -> None:
    folder = tiny.parent / "made"
    arguments = {"plan": [tiny], "init": [tiny, "--run", folder], "demo": ["--out", folder]}[command]
    answer = call(command, *arguments, "--arithmetisation", "nova", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "config-invalid")
    assert not (folder / "run").exists() and not (folder / "request.cbor").exists()


def test_segment_has_no_powers_of_tau(call: Call, tiny: Path) -> None:
    tiny.write_text(tiny.read_text() + '\n[proof]\nscheme = "hyperkzg"\n', encoding="utf-8")
    answer = call("plan", tiny, "--arithmetisation", "segment", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "config-invalid")
    assert "scheme" in answer.json["error"]["message"]


@pytest.mark.parametrize("command", ["verify", "run", "finish", "inspect", "policy new"])
def test_what_follows_the_program_has_no_option_for_it(call: Call, command: str) -> None:
    """No flag may make a bundle verify as what its program is not."""
    assert "arithmetisation" not in call(*command.split(), "--help").out


def test_plan_refuses_what_cannot_fit(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escapement.machine.available_memory", lambda: 1 << 20)
    answer = call("plan", tiny)
    assert answer.code == 4
    assert "peak memory" in answer.out
    assert "error memory" in answer.err
    assert call("plan", tiny, "--json").json["error"]["code"] == "memory"


def test_plan_refuses_a_full_disk(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escapement.machine.free_disk", lambda path: 1 << 10)
    answer = call("plan", tiny)
    assert answer.code == 4
    assert "error disk" in answer.err


def test_an_unsupported_model_is_exit_3(call: Call, tiny: Path) -> None:
    import onnx

    path = tiny.parent / "tiny.onnx"
    model = onnx.load(str(path))
    model.graph.node[1].op_type = "Softmax"
    onnx.save(model, str(path))
    answer = call("plan", tiny, "--json")
    assert answer.code == 3
    assert "Softmax" in answer.json["error"]["message"]


def test_a_bad_learning_rate_is_exit_2(call: Call, tiny: Path) -> None:
    tiny.write_text(tiny.read_text().replace("learning_rate = 0.5", "learning_rate = 0.3"), encoding="utf-8")
    assert call("plan", tiny).code == 2


def test_the_demo_leaves_other_folders_alone(call: Call, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    answer = call("demo", "--out", tmp_path, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "not-a-demo")
    assert (tmp_path / "thesis.txt").exists()


def test_no_colour_when_asked(tiny: Path) -> None:
    for environment in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        done = subprocess.run(
            [sys.executable, "-m", "escapement", "plan", str(tiny)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "\x1b[" not in done.stdout + done.stderr


def test_help_does_not_load_the_rooms() -> None:
    program = (
        "import sys; from escapement.cli import main; main(['--help']); "
        "sys.exit(any(name in sys.modules for name in ('zkml', 'sklearn', 'onnx', 'torch', '_escapement')))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_doctor_says_what_is_here(call: Call) -> None:
    answer = call("doctor", "--seconds", 0.1, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["ready"] is True
    assert answer.json["squarings_per_second"] > 0
