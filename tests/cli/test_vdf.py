"""`escapement vdf`, end to end: small delays, their files, what is said, and every exit code."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from escapement.cli import main
from tests.cli.conftest import Answer, Call

T = 1 << 12
SEEDS = ("a", "b", "c")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three finished delays and the file of all three."""
    folder = tmp_path_factory.mktemp("delays")
    for seed in SEEDS:
        assert (
            main(["vdf", "eval", "--squarings", str(T), "--seed", seed, "--out", f"{folder}/{seed}.json"])
            == 0
        )
    files = [f"{folder}/{seed}.json" for seed in SEEDS]
    assert main(["vdf", "prove", *files, "--out", f"{folder}/run.json"]) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    return Path(shutil.copytree(made, tmp_path / "delays"))


def refused(answer: Answer, exit_code: int, code: str) -> str:
    """Require this error; returns what was said."""
    said = [line.removeprefix("error ") for line in answer.err.splitlines() if line.startswith("error ")]
    assert (answer.code, said) == (exit_code, [code]), answer.err
    return answer.err


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a file's fields."""
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def context(seed: str) -> str:
    """What --seed stands for."""
    return hashlib.sha256(seed.encode()).hexdigest()


@pytest.mark.parametrize("command", ["calibrate", "eval", "prove", "verify", "bench"])
def test_help_has_examples_and_json(call: Call, command: str) -> None:
    answer = call("vdf", command, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert f"escapement vdf {command}" in answer.out
    assert "--json" in answer.out


# --- calibrate --------------------------------------------------------------------------------------------

QUICK = ["--runs", 3, "--seconds", 0.01]


def rated(monkeypatch: pytest.MonkeyPatch, *rates: float) -> None:
    """Measurements that come out as these rates, on an idle machine."""
    left = list(rates)
    monkeypatch.setattr("vdf.rsa.RsaGroup.calibrate", lambda group, seconds: left.pop(0))
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))


def test_a_pace_becomes_squarings(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(monkeypatch, 990_000, 1_000_000, 1_010_000)
    answer = call("vdf", "calibrate", *QUICK, "--pace", 1000, "--json")
    assert answer.code == 0
    assert (answer.json["squarings"], answer.json["squarings_per_second"]) == (10**9, 10**6)
    assert answer.json["spread"] == pytest.approx(0.02)
    assert answer.json["least_seconds"] == 2
    assert answer.json["kernel"]
    rated(monkeypatch, 990_000, 1_000_000, 1_010_000)
    words = call("vdf", "calibrate", *QUICK, "--pace", 1000).out
    assert "at least 2.00 s for anybody, at the stated fastest rate of 500,000,000 squarings/s" in words
    assert "500 times longer" in words


def test_another_bound(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(monkeypatch, 10**6, 10**6, 10**6)
    bound = ["--fastest", 10**7, "--fastest-source", "my own"]
    answer = call("vdf", "calibrate", *QUICK, "--pace", 1000, *bound, "--json")
    assert (answer.json["least_seconds"], answer.json["fastest_source"]) == (100, "my own")


def test_a_real_measurement(call: Call) -> None:
    answer = call("vdf", "calibrate", *QUICK, "--json")
    assert answer.code == 0
    assert len(answer.json["rates"]) == 3
    assert min(answer.json["rates"]) <= answer.json["squarings_per_second"] <= max(answer.json["rates"])
    assert answer.json["squarings"] is None


def test_warnings(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(monkeypatch, 10**6, 1.2 * 10**6, 10**6)
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
    answer = call("vdf", "calibrate", *QUICK)
    assert answer.code == 0
    assert "warning: the rates differ by 20.0%" in answer.err
    assert "warning: the load average was 99.0" in answer.err


def test_a_quiet_machine_has_no_warning_of_load(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(monkeypatch, 10**6, 10**6, 10**6)
    assert "load" not in call("vdf", "calibrate", *QUICK).err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--group", "rsa-1024"], "delay-group"),
        (["--fastest", 5], "fastest-source"),
        (["--runs", 0], "usage"),
        (["--pace", 0], "usage"),
    ],
)
def test_calibrate_refuses(call: Call, options: list[object], code: str) -> None:
    refused(call("vdf", "calibrate", *options), 2, code)


# --- eval -------------------------------------------------------------------------------------------------


def test_eval_writes_a_delay(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "d.json"
    answer = call("vdf", "eval", "--squarings", T, "--context", "11" * 32, "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["context"] == "11" * 32
    assert len(answer.json["y"]) == 512
    assert answer.json["continued_after"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.json", "d.json.kept"]
    again = call("vdf", "eval", "--squarings", T, "--context", "11" * 32, "--out", out, "--json")
    assert (again.code, again.json["already_done"], again.json["y"]) == (0, True, answer.json["y"])


def test_eval_in_words(call: Call, tmp_path: Path) -> None:
    answer = call("vdf", "eval", "--squarings", T, "--seed", "a", "--out", tmp_path / "d.json")
    assert answer.code == 0
    assert "4,096 squarings" in answer.out
    assert "…" in answer.out
    assert "y is known after" in answer.err


def test_the_seed_is_hashed(folder: Path) -> None:
    assert json.loads((folder / "a.json").read_text())["context"] == context("a")


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (["--seed", "a", "--context", "11" * 32, "--out", "d.json"], 2, "delay-context"),
        (["--out", "d.json"], 2, "delay-context"),
        (["--context", "1" * 63, "--out", "d.json"], 2, "delay-context"),
        (["--context", "zz" * 32, "--out", "d.json"], 2, "delay-context"),
        (["--context", "11" * 33, "--out", "d.json"], 2, "delay-context"),
        (["--seed", "a", "--group", "rsa-1024", "--out", "d.json"], 2, "delay-group"),
        (["--seed", "a", "--out", "d.json", "--state", "d.json"], 2, "same-file"),
        (["--seed", "a", "--out", "d.json", "--state", "./x/../d.json"], 2, "same-file"),
        (["--seed", "a", "--out", "d.json", "--state", "d.json.kept"], 2, "same-file"),
        (["--seed", "a", "--out", "d.1", "--state", "d"], 2, "same-file"),
        (["--seed", "a", "--out", "d.proof", "--state", "d"], 2, "same-file"),
        (["--seed", "a", "--out", "d.proof.1", "--state", "d"], 2, "same-file"),
        (["--seed", "a", "--out", "d", "--state", "d.kept"], 2, "same-file"),
        (["--seed", "a", "--out", "none/d.json"], 5, "no-folder"),
    ],
)
def test_eval_refuses(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], exit_code: int, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(call("vdf", "eval", "--squarings", T, *options), exit_code, code)
    assert not list(tmp_path.iterdir())


def test_eval_refuses_squarings_that_no_policy_has(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "d.json"
    refused(
        call("vdf", "eval", "--squarings", (1 << 50) + 1, "--seed", "a", "--out", out), 2, "delay-squarings"
    )


@pytest.mark.parametrize("options", [["--seed", "b"], ["--seed", "a", "--squarings", T + 1]])
def test_eval_leaves_another_delay_alone(call: Call, folder: Path, options: list[object]) -> None:
    out, before = folder / "a.json", (folder / "a.json").read_bytes()
    refused(call("vdf", "eval", "--squarings", T, "--out", out, *options), 2, "exists")
    assert out.read_bytes() == before


def test_eval_leaves_another_file_alone(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "thesis.txt"
    out.write_text("precious")
    refused(call("vdf", "eval", "--squarings", T, "--seed", "a", "--out", out), 2, "exists")
    assert out.read_text() == "precious"


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_eval_does_not_call_finished_what_no_run_can_be_proven_from(
    call: Call, folder: Path, how: str
) -> None:
    out, kept = folder / "a.json", folder / "a.json.kept"
    before = kept.read_bytes()
    kept.unlink() if how == "missing" else kept.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    command = ["vdf", "eval", "--squarings", T, "--seed", "a", "--out", out]
    said = refused(call(*command), 2, "exists")
    assert "kept elements" in said and f"remove {out} and repeat this command" in " ".join(said.split())
    assert "choose another name" not in said
    assert call("vdf", "verify", out).code == 0  # who verifies does not need them
    out.unlink()
    assert call(*command).code == 0
    assert kept.read_bytes() == before


def test_kept_elements_that_cannot_be_read_are_no_fault_of_theirs(call: Call, folder: Path) -> None:
    (folder / "a.json.kept").unlink()
    (folder / "a.json.kept").mkdir()
    command = ["vdf", "eval", "--squarings", T, "--seed", "a", "--out", folder / "a.json"]
    refused(call(*command), 5, "delay-file-unreadable")


def test_names_that_differ_at_the_end_only(call: Call, tmp_path: Path) -> None:
    """delay.1 and delay.2 have their own states and kept elements."""
    outs = [tmp_path / name for name in ("delay.1", "delay.2", "delay")]
    for seed, out in zip(SEEDS, outs, strict=True):
        assert call("vdf", "eval", "--squarings", T, "--seed", seed, "--out", out).code == 0
    assert len(list(tmp_path.iterdir())) == 6
    answer = call("vdf", "prove", *outs, "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    assert call("vdf", "verify", tmp_path / "run").code == 0


def test_a_full_disk_at_the_end_loses_nothing(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state stays until the delay is safe; the next call neither squares nor proves again."""
    from vdf import delayfile
    from vdf.rsa import evaluation, power

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "d.json"
    command = ["vdf", "eval", "--squarings", 1 << 14, "--seed", "a", "--out", out]
    with monkeypatch.context() as patch:
        patch.setattr(power, "SAVE_SECONDS", 0.0)  # a proof of more than seconds
        patch.setattr(delayfile, "replace", full)
        said = refused(call(*command), 5, "delay-file-unwritable")
    assert os.strerror(errno.ENOSPC) in said
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"d.json.state", "d.json.state.proof"} and not out.exists()
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "_timed", None)
        patch.setattr(power, "_inner_products", lambda *given: iter(range(given[-1])))
        answer = call(*command, "--json")
    assert (answer.code, answer.json["continued_after"]) == (0, 1 << 14), answer.err
    assert answer.json["squarings_per_second"] is None
    assert {path.name for path in tmp_path.iterdir()} == {"d.json", "d.json.kept"}
    assert call("vdf", "verify", out).code == 0


def test_a_crash_between_the_two_renames_is_continued(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And told as such: the squarings of before are not this process's."""
    from escapement.delays import Watch

    out, state = tmp_path / "d.json", tmp_path / "d.json.state"
    command = ["vdf", "eval", "--squarings", 1 << 16, "--seed", "a", "--out", out]
    with monkeypatch.context() as patch:
        patch.setattr(Watch, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert call(*command).code == 130
    os.replace(state, tmp_path / "d.json.state.1")
    answer = call(*command, "--json")
    assert answer.code == 0
    assert 0 < answer.json["continued_after"] < 1 << 16
    assert "Continuing after" in answer.err


def test_eval_does_not_trust_what_it_finds(call: Call, folder: Path) -> None:
    edit(folder / "a.json", lambda fields: fields.update(y=json.loads((folder / "b.json").read_text())["y"]))
    answer = call("vdf", "eval", "--squarings", T, "--seed", "a", "--out", folder / "a.json")
    assert "a.json" in refused(answer, 1, "delay-false")


def test_an_interrupt_saves_and_the_same_command_continues(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from escapement.delays import Watch

    out, state = tmp_path / "d.json", tmp_path / "d.json.state"
    command = ["vdf", "eval", "--squarings", 1 << 16, "--seed", "a", "--out", out]
    with monkeypatch.context() as patch:
        patch.setattr(Watch, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        answer = call(*command)
    assert "the same command continues" in refused(answer, 130, "delay-interrupted")
    assert state.exists()
    assert not out.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    answer = call(*command, "--json")
    assert answer.code == 0
    assert 0 < answer.json["continued_after"] < 1 << 16
    assert "Continuing after" in answer.err
    assert {path.name for path in tmp_path.iterdir()} == {"d.json", "d.json.kept"}
    assert call("vdf", "verify", out).code == 0


def test_ctrl_c_from_outside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "escapement", "vdf", "eval", "--squarings", str(1 << 40)]
    command += ["--seed", "a", "--out", str(tmp_path / "d.json")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    state = tmp_path / "d.json.state"
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "delay-interrupted" in said
    assert "\x1b[" not in said
    assert {path.name for path in tmp_path.iterdir()} <= {"d.json.state", "d.json.state.1"}
    assert state.exists()


def test_a_state_of_another_delay_is_left_alone(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from escapement.delays import Watch

    state = tmp_path / "shared.state"
    command = ["vdf", "eval", "--squarings", T, "--out", tmp_path / "d.json", "--state", state]
    with monkeypatch.context() as patch:
        patch.setattr(Watch, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert call(*command, "--seed", "a").code == 130
    before = state.read_bytes()
    refused(call(*command, "--seed", "b"), 5, "delay-state-foreign")
    assert state.read_bytes() == before


# --- prove ------------------------------------------------------------------------------------------------


def test_prove_is_verified_as_one(call: Call, folder: Path) -> None:
    files = [folder / f"{seed}.json" for seed in SEEDS]
    answer = call("vdf", "prove", *files, "--out", folder / "again.json", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["delays"], answer.json["proof_bytes"]) == (3, 256)
    assert (folder / "again.json").read_bytes() == (folder / "run.json").read_bytes()
    assert call("vdf", "verify", folder / "again.json").code == 0


def test_prove_names_a_false_delay(call: Call, folder: Path) -> None:
    edit(
        folder / "b.json", lambda fields: fields.update(pi=json.loads((folder / "a.json").read_text())["pi"])
    )
    files = [folder / f"{seed}.json" for seed in SEEDS]
    answer = call("vdf", "prove", *files, "--out", folder / "again.json")
    assert "b.json: " in refused(answer, 1, "delay-false")
    assert not (folder / "again.json").exists()


def test_prove_refuses(call: Call, folder: Path) -> None:
    a, b, out = folder / "a.json", folder / "b.json", folder / "again.json"
    refused(call("vdf", "prove", a, b, "--out", folder / "run.json"), 2, "exists")
    refused(call("vdf", "prove", a, a, "--out", out), 2, "delay-repeated")
    refused(call("vdf", "prove", a, folder / "none.json", "--out", out), 5, "delay-file-unreadable")
    assert call("vdf", "eval", "--squarings", T + 1, "--seed", "a", "--out", folder / "longer.json").code == 0
    refused(call("vdf", "prove", a, folder / "longer.json", "--out", out), 2, "delay-mixed")
    (folder / "b.json.kept").write_bytes((folder / "a.json.kept").read_bytes())
    assert "b.json.kept: " in refused(call("vdf", "prove", a, b, "--out", out), 5, "delay-file")
    (folder / "b.json.kept").unlink()
    said = refused(call("vdf", "prove", a, b, "--out", out), 5, "delay-file")
    assert "b.json.kept: missing" in said
    assert not out.exists()


def test_prove_names_the_file_whose_kept_elements_are_false(call: Call, folder: Path) -> None:
    """With the digest made after the fault."""
    kept = bytearray((folder / "b.json.kept").read_bytes())
    kept[-1] ^= 1
    (folder / "b.json.kept").write_bytes(kept)
    edit(folder / "b.json", lambda fields: fields.update(kept=hashlib.sha256(kept).hexdigest()))
    files = [folder / f"{seed}.json" for seed in SEEDS]
    answer = call("vdf", "prove", *files, "--out", folder / "again.json")
    assert "b.json: " in refused(answer, 1, "delay-miscomputed")
    assert not (folder / "again.json").exists()


# --- verify -----------------------------------------------------------------------------------------------


def test_verify_says_what_it_left_to_the_files(call: Call, folder: Path) -> None:
    one = call("vdf", "verify", folder / "a.json")
    assert one.code == 0
    assert "for what the files themselves claim: group, T, context." in one.out
    answer = call("vdf", "verify", *(folder / f"{seed}.json" for seed in SEEDS), "--json")
    assert answer.code == 0
    assert answer.json["left_to_the_files"] == ["group", "T", "context"]
    assert [delay["context"] for delay in answer.json["delays"]] == [context(seed) for seed in SEEDS]
    assert "add up only if" in call("vdf", "verify", folder / "run.json").out


def test_verify_with_everything_stated(call: Call, folder: Path) -> None:
    stated = ["--squarings", T, "--group", "rsa-2048"]
    answer = call("vdf", "verify", folder / "a.json", *stated, "--context", context("a"))
    assert answer.code == 0
    assert "what you asked for" in answer.out
    seeds = [option for seed in SEEDS for option in ("--seed", seed)]
    answer = call("vdf", "verify", folder / "run.json", *stated, *seeds, "--json")
    assert (answer.code, answer.json["left_to_the_files"]) == (0, [])


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (["--squarings", T - 1], 1, "delay-unexpected"),
        (["--group", "class-1024"], 1, "delay-unexpected"),
        (["--context", context("b")], 1, "delay-unexpected"),
        (["--seed", "b"], 1, "delay-unexpected"),
        (["--seed", "a", "--seed", "b"], 2, "delay-contexts"),
        (["--seed", "a", "--context", context("a")], 2, "delay-context"),
        (["--context", "12"], 2, "delay-context"),
        (["--group", "rsa-1024"], 2, "delay-group"),
    ],
)
def test_verify_expectations(
    call: Call, folder: Path, options: list[object], exit_code: int, code: str
) -> None:
    refused(call("vdf", "verify", folder / "a.json", *options), exit_code, code)


@pytest.mark.parametrize(
    ("field", "value", "exit_code", "code"),
    [
        ("y", "other", 1, "delay-false"),
        ("pi", "other", 1, "delay-false"),
        ("context", context("c"), 1, "delay-false"),
        ("squarings", T + 1, 1, "delay-false"),
        ("y", "11" * 255, 5, "delay-y-length"),
        ("y", "ff" * 256, 5, "delay-y-range"),
        ("squarings", 0, 5, "delay-file"),
        ("squarings", "many", 5, "delay-file"),
        ("group", "rsa-1024", 5, "delay-file"),
        ("context", "11", 5, "delay-file"),
        ("format", "escapement/delay/9", 5, "delay-file"),
    ],
)
def test_a_tampered_file(
    call: Call, folder: Path, field: str, value: object, exit_code: int, code: str
) -> None:
    chosen = json.loads((folder / "b.json").read_text())[field] if value == "other" else value
    edit(folder / "a.json", lambda fields: fields.update({field: chosen}))
    said = refused(call("vdf", "verify", folder / "a.json"), exit_code, code)
    assert "a.json: " in said


def test_a_batch_names_the_false_file(call: Call, folder: Path) -> None:
    edit(
        folder / "b.json", lambda fields: fields.update(pi=json.loads((folder / "a.json").read_text())["pi"])
    )
    answer = call("vdf", "verify", *(folder / f"{seed}.json" for seed in SEEDS), "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "delay-false")
    assert answer.json["error"]["message"].startswith(f"{folder / 'b.json'}: ")


def test_files_of_several_lengths_at_once(call: Call, folder: Path) -> None:
    assert call("vdf", "eval", "--squarings", 100, "--seed", "d", "--out", folder / "d.json").code == 0
    (folder / "run").mkdir()
    files = [folder / "a.json", folder / "d.json"]
    answer = call("vdf", "verify", *files, "--json")
    assert [delay["squarings"] for delay in answer.json["delays"]] == [T, 100]
    refused(call("vdf", "verify", folder / "a.json", folder / "run.json"), 2, "delay-repeated")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 10000, b"\xff", b'{"format": "escapement/delays/1"}'])
def test_no_delay_at_all(call: Call, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert call("vdf", "verify", tmp_path / "x").code == 5
    assert call("vdf", "verify", tmp_path).code == 5


def swap(fields: dict[str, Any]) -> None:
    first, second = fields["delays"][:2]
    first["y"], second["y"] = second["y"], first["y"]


@pytest.mark.parametrize(
    ("change", "exit_code", "code"),
    [
        (swap, 1, "delay-false"),
        (lambda fields: fields["delays"].reverse(), 1, "delay-false"),
        (lambda fields: fields["delays"].pop(), 1, "delay-false"),
        (lambda fields: fields.update(squarings=T - 1), 1, "delay-false"),
        (lambda fields: fields["delays"][0].update(context="11" * 32), 1, "delay-false"),
        (lambda fields: fields.update(proof=fields["delays"][0]["y"]), 1, "delay-false"),
        (lambda fields: fields.update(proof=fields["proof"][2:]), 5, "delay-pi-length"),
        (lambda fields: fields["delays"][1].update(y="ff" * 256), 5, "delay-y-range"),
        (lambda fields: fields.update(proof=fields["proof"].upper()), 5, "delays-file"),
        (lambda fields: fields.update(proof=fields["proof"] + " "), 5, "delays-file"),
        (lambda fields: fields.update(extra=1), 5, "delays-file"),
        (lambda fields: fields.update(delays=[]), 5, "delays-file"),
        (lambda fields: fields.update(delays=[1]), 5, "delays-file"),
        (lambda fields: fields.update(squarings=True), 5, "delays-file"),
        (lambda fields: fields.update(squarings=0), 5, "delays-file"),
        (lambda fields: fields.update(squarings=1.5), 5, "delays-file"),
        (lambda fields: fields.update(group="rsa-1024"), 5, "delays-file"),
        (lambda fields: fields["delays"].append(fields["delays"][0]), 5, "delays-file"),
        (lambda fields: fields["delays"][0].update(context="11" * 31), 5, "delays-file"),
        (lambda fields: fields["delays"][0].update(pi="11"), 5, "delays-file"),
        (lambda fields: fields["delays"][0].update(y=1), 5, "delays-file"),
    ],
)
def test_a_tampered_file_of_many(
    call: Call, folder: Path, change: Callable[[dict[str, Any]], object], exit_code: int, code: str
) -> None:
    edit(folder / "run.json", change)
    said = refused(call("vdf", "verify", folder / "run.json"), exit_code, code)
    assert "run.json: " in said


# --- bench, and the neighbours ----------------------------------------------------------------------------


@pytest.fixture
def short_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that mean nothing, soon."""
    monkeypatch.setattr("escapement.commands.vdf.BENCH", {"rsa-2048": (1 << 12, 3)})


@pytest.mark.usefixtures("short_bench")
def test_bench(call: Call) -> None:
    answer = call("vdf", "bench", "--seconds", 0.01, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["kernel"] in answer.json["checked"]
    assert set(answer.json["nanoseconds"]) == {*answer.json["checked"], "gmpy2"}
    assert set(answer.json["verification"]) >= {"one_microseconds", "batch_microseconds", "run_microseconds"}
    words = call("vdf", "bench", "--seconds", 0.01).out
    assert "(in use)" in words
    assert "verify 3 by one proof" in words


def test_bench_notices_a_wrong_kernel(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escapement.kernels.powmod", lambda base, exponent, modulus: base)
    refused(call("vdf", "bench", "--seconds", 0.01), 1, "kernel-differs")


def test_a_policy_for_class_groups_needs_a_bound(call: Call, tmp_path: Path) -> None:
    options = ["--group", "class-1024", "--squarings", 1000, "--out", tmp_path / "policy.toml"]
    said = refused(call("policy", "new", tmp_path / "none.cbor", *options), 2, "fastest-missing")
    assert "not a bound" in said
    stated = ["--fastest", 5_000_000, "--fastest-source", "a guess"]
    assert call("policy", "new", tmp_path / "none.cbor", *options, *stated).code == 5  # no such request


def test_policy_refuses_a_group_that_is_none(call: Call, tmp_path: Path) -> None:
    options = ["--group", "rsa-1024", "--squarings", 1000, "--out", tmp_path / "policy.toml"]
    refused(call("policy", "new", tmp_path / "none.cbor", *options), 2, "delay-group")
    assert "class-1024" in call("policy", "new", "--help").out


def test_doctor_names_the_kernel(call: Call) -> None:
    answer = call("doctor", "--seconds", 0.1, "--json")
    assert answer.json["squaring_kernel"]
    assert "chiavdf" in answer.json["class_groups"] or "not installed" in answer.json["class_groups"]


# --- class groups -----------------------------------------------------------------------------------------


def test_a_class_group_has_no_default_bound(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from vdf.classgroup import CLASS_1024

    monkeypatch.setattr(type(CLASS_1024), "calibrate", lambda group, seconds: 1000.0)
    answer = call("vdf", "calibrate", "--group", "class-1024", *QUICK, "--pace", 10)
    assert answer.code == 0, answer.err
    assert "no bound is stated for class-1024" in answer.out


def test_a_class_group_end_to_end(call: Call, tmp_path: Path) -> None:
    pytest.importorskip("chiavdf", reason="class groups need the extra `classgroup`")
    out, run = tmp_path / "d.json", tmp_path / "run.json"
    options = ["--group", "class-1024", "--squarings", 2000, "--seed", "a"]
    assert call("vdf", "eval", *options, "--out", out).code == 0
    assert call("vdf", "verify", out, *options).code == 0
    answer = call("vdf", "prove", out, "--out", run)
    assert answer.code == 0, answer.err
    assert call("vdf", "verify", run, *options).code == 0
    edit(out, lambda fields: fields.update(context=context("b")))
    assert call("vdf", "verify", out).code in (1, 5)


def test_class_groups_without_their_package(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chiavdf.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # chiavdf runs in a process of its own
    options = ["--group", "class-1024", "--squarings", 2000, "--seed", "a", "--out", tmp_path / "d.json"]
    refused(call("vdf", "eval", *options), 4, "delay-class-missing")
