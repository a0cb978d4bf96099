"""A whole run through the command line, both sides, on a model of four inputs."""

import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Call


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase.txt"
    path.write_text("correct horse battery staple\n", encoding="utf-8")
    return path


def test_from_configuration_to_verified_bundle(call: Call, tiny: Path, tmp_path: Path) -> None:
    run, policy, bundle = tmp_path / "run", tmp_path / "policy.toml", tmp_path / "bundle.esc"
    made = call("init", tiny, "--run", run, "--json")
    assert made.code == 0, made.err
    assert "blinding key" in made.err
    assert made.json["steps"] == 4

    answer = call("policy", "new", made.json["request_file"], "--squarings", 1000, "--out", policy, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["request"] == made.json["request"]
    again = call("policy", "new", made.json["request_file"], "--squarings", 1000, "--out", policy)
    assert (again.code, again.err.split()[1]) == (2, "exists")

    answer = call("run", run, "--policy", policy, "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["segments"], answer.json["steps"]) == (2, 4)

    answer = call("finish", run, "--out", bundle, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["bundle_bytes"] == bundle.stat().st_size

    answer = call("verify", "--policy", policy, bundle, "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["steps"], answer.json["squarings"]) == (4, 2000)
    assert "4 steps" in call("verify", "--policy", policy, bundle).out

    answer = call("inspect", bundle, "--json")
    assert answer.json["verified"] is False
    assert answer.json["Run"]["segments"] == 2
    assert "nothing is verified" in call("inspect", bundle).out

    bundle.write_bytes(bundle.read_bytes() + b"\0")
    assert call("verify", "--policy", policy, bundle).code == 5
    assert call("inspect", bundle).code == 5


def test_a_segment_run_from_configuration_to_verified_bundle(call: Call, tiny: Path, tmp_path: Path) -> None:
    run, policy, bundle = tmp_path / "run", tmp_path / "policy.toml", tmp_path / "bundle.esc"
    made = call("init", tiny, "--run", run, "--arithmetisation", "segment", "--json")
    assert (made.code, made.json["arithmetisation"]) == (0, "segment"), made.err
    request = made.json["request_file"]
    assert call("policy", "new", request, "--squarings", 1000, "--out", policy).code == 0
    answer = call("run", run, "--policy", policy, "--json")
    assert (answer.code, answer.json["segments"], answer.json["steps"]) == (0, 2, 4), answer.err
    answer = call("finish", run, "--out", bundle, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["bundle_bytes"] == bundle.stat().st_size

    answer = call("verify", "--policy", policy, bundle, "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["arithmetisation"], answer.json["steps"]) == ("segment", 4)
    words = call("verify", "--policy", policy, bundle).out
    assert "arithmetisation segment" in words and "blinds" in words and "not masked" in words

    answer = call("inspect", bundle, "--json")
    assert answer.json["Program"]["arithmetisation"] == "segment"
    assert answer.json["File"]["proofs"] == 6  # one of the rows, four of folds, the closing
    assert any("not masked" in item for item in answer.json["learned"])

    bundle.write_bytes(bundle.read_bytes() + b"\0")
    assert call("verify", "--policy", policy, bundle).code == 5
    assert call("inspect", bundle).code == 5


def test_a_policy_for_another_request(call: Call, tiny: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    for name in ("a", "b"):
        assert call("init", tiny, "--run", tmp_path / name).code == 0
    request = tmp_path / "a" / "request.cbor"
    assert call("policy", "new", request, "--seconds-per-delay", 0.01, "--out", policy).code == 0
    answer = call("run", tmp_path / "b", "--policy", policy, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "request-mismatch")


def test_the_key_is_backed_up_and_restored(call: Call, tiny: Path, tmp_path: Path, passphrase: Path) -> None:
    run, backup = tmp_path / "run", tmp_path / "run.key"
    options = ["--passphrase-file", passphrase]
    assert call("init", tiny, "--run", run, "--backup", backup, *options).code == 0
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    key = run / "blinding.key"
    before = key.read_bytes()
    key.unlink()
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("wrong passphrase\n", encoding="utf-8")
    answer = call("key", "restore", backup, run, "--passphrase-file", wrong, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "wrong-passphrase")
    assert call("key", "restore", backup, run, *options).code == 0
    assert key.read_bytes() == before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    answer = call("key", "backup", run, "--out", backup, *options, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "exists")


def test_a_key_of_another_run_is_refused(call: Call, tiny: Path, tmp_path: Path, passphrase: Path) -> None:
    backup, options = tmp_path / "a.key", ["--passphrase-file", passphrase]
    assert call("init", tiny, "--run", tmp_path / "a", "--backup", backup, *options).code == 0
    assert call("init", tiny, "--run", tmp_path / "b").code == 0
    answer = call("key", "restore", backup, tmp_path / "b", *options, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "key-mismatch")
