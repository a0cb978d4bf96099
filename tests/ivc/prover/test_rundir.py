"""A run directory: made whole, locked, versioned; one policy; disk trouble loses nothing."""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ivc import keys, storage
from ivc.errors import IvcError, Resources, StorageError
from ivc.policy import load_policy
from ivc.rundir import RunDirectory
from ivc.states import save_state, saved_states

HOLD = "import sys, pathlib; from ivc.rundir import RunDirectory; \
r = RunDirectory.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"


def code_of(call, *arguments, **named) -> tuple[str, int]:
    with pytest.raises(IvcError) as caught:
        call(*arguments, **named)
    return caught.value.code, caught.value.exit_code


def test_everything_is_there_and_secret(fresh: Path) -> None:
    names = {path.relative_to(fresh).as_posix(): path for path in fresh.rglob("*")}
    assert {"run.json", "request.cbor", "config.toml", "policy.toml", "manifest.cbor"} <= names.keys()
    secret = ["blinding.key", "device.key", "data/train_x.npy", "data/test_labels.npy"]
    assert all(stat.S_IMODE(names[name].stat().st_mode) == 0o600 for name in secret)
    folders = [path for path in names.values() if path.is_dir()]
    assert {path.name for path in folders} == {"data", "checkpoints", "delays", "proof"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in [fresh, *folders])


def test_what_was_put_in_comes_out(fresh: Path) -> None:
    with RunDirectory.open(fresh) as directory:
        x, labels = directory.training_rows()
        assert (x.shape, x.dtype, labels.tolist()) == ((8, 3), np.int32, [0, 1] * 4)
        assert directory.config == "# tiny\n"
        assert directory.manifest().nonce == directory.policy().nonce
        assert directory.request.split_seed == 7
        test = directory.test_rows()
        expected = hashlib.sha256(
            test.x.astype("<i4").tobytes() + test.labels.astype("<i4").tobytes()
        ).digest()
        assert (directory.request.test_digest, directory.request.test_rows) == (expected, 2)


def test_two_runs_of_the_same_data_share_nothing(tmp_path: Path, maker, programs) -> None:
    requests = []
    for name in ("a", "b"):
        with maker(tmp_path / name, programs(10)) as directory:
            requests.append(directory.request)
    assert requests[0].root != requests[1].root
    assert requests[0].key_commitment != requests[1].key_commitment
    assert requests[0].device_key != requests[1].device_key


def test_an_existing_folder_is_left_alone(fresh: Path, maker, programs) -> None:
    before = sorted(fresh.rglob("*"))
    assert code_of(maker, fresh, programs(10)) == ("run-exists", 2)
    assert sorted(fresh.rglob("*")) == before


def test_a_failed_creation_leaves_nothing(tmp_path: Path, maker, programs, monkeypatch) -> None:
    assert code_of(maker, tmp_path / "run", b"no program") == ("program-invalid", 5)
    monkeypatch.setattr(storage, "write_atomic", full)
    assert code_of(maker, tmp_path / "run", programs(10)) == ("disk-full", 4)
    assert list(tmp_path.iterdir()) == []


def test_rows_outside_the_program_are_refused(tmp_path: Path, programs) -> None:
    x, labels = np.zeros((8, 3), int), np.zeros(8, int)
    named = {
        "program": programs(10),
        "dataset_name": "d",
        "split_seed": 1,
        "test_x": x,
        "test_labels": labels,
    }
    create = RunDirectory.create
    assert code_of(create, tmp_path / "r", x=x + 32, labels=labels, **named) == ("dataset-witness", 1)
    assert code_of(create, tmp_path / "r", x=x, labels=labels + 2, **named) == ("dataset-witness", 1)
    assert code_of(create, tmp_path / "r", x=x[:7], labels=labels[:7], **named) == ("dataset-witness", 1)
    assert code_of(create, tmp_path / "r", x=x[:, :2], labels=labels, **named) == ("dataset-shape", 5)
    assert code_of(create, tmp_path / "r", x=x / 2, labels=labels, **named) == ("dataset-shape", 5)
    assert code_of(create, tmp_path / "r", x=x + 2**40, labels=labels, **named) == ("dataset-shape", 5)


def test_a_lock_names_its_process_and_ends_with_it(fresh: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(fresh)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match=f"process {holder.pid};") as caught:
            RunDirectory.open(fresh)
        assert (caught.value.code, caught.value.exit_code) == ("run-in-use", 5)
        RunDirectory.open(fresh, lock=False).close()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    RunDirectory.open(fresh).close()


def test_a_closed_directory_can_be_opened_again(fresh: Path) -> None:
    with RunDirectory.open(fresh):
        assert code_of(RunDirectory.open, fresh) == ("run-in-use", 5)
    RunDirectory.open(fresh).close()


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        (None, "not-a-run"),
        ("", "not-a-run"),
        ("[]", "not-a-run"),
        ('{"format": "other", "version": 1}', "not-a-run"),
        ('{"format": "escapement/run", "version": 2}', "run-version"),
    ],
)
def test_other_folders_and_versions_are_refused(fresh: Path, marker: str | None, code: str) -> None:
    (fresh / "run.json").unlink()
    if marker is not None:
        (fresh / "run.json").write_text(marker)
    assert code_of(RunDirectory.open, fresh) == (code, 5)


def test_a_policy_is_adopted_once(fresh: Path, tmp_path: Path, policies) -> None:
    with RunDirectory.open(fresh) as directory:
        adopted = directory.policy()
        same = shutil.copy(directory.policy_path, tmp_path / "same.toml")
        assert directory.adopt_policy(Path(same)) == adopted
        other = policies(tmp_path / "other.toml", directory.request.encode(), directory.program)
        assert code_of(directory.adopt_policy, other) == ("policy-already-adopted", 1)
        assert directory.policy() == adopted


def test_a_policy_must_be_for_this_request_and_program(tmp_path: Path, maker, programs, policies) -> None:
    with maker(tmp_path / "a", programs(10)) as directory:
        assert code_of(directory.policy) == ("policy-missing", 1)
        good = policies(tmp_path / "good.toml", directory.request.encode(), directory.program)
        policy = load_policy(good)
        foreign, long = tmp_path / "foreign.toml", tmp_path / "long.toml"
        foreign.write_text(dataclasses.replace(policy, request=bytes(32)).to_toml())
        long.write_text(dataclasses.replace(policy, max_segments=5).to_toml())
        assert code_of(directory.adopt_policy, foreign) == ("request-mismatch", 1)
        assert code_of(directory.adopt_policy, long) == ("policy-exceeds-program", 1)
        assert code_of(directory.adopt_policy, tmp_path / "none.toml") == ("policy-unreadable", 5)
        assert not directory.policy_path.exists()
        assert directory.adopt_policy(good) == policy


def test_a_changed_manifest_is_noticed(fresh: Path) -> None:
    (fresh / "manifest.cbor").write_bytes(b"other")
    with RunDirectory.open(fresh) as directory:
        assert code_of(directory.manifest) == ("manifest-mismatch", 1)


def test_another_runs_keys_are_refused(fresh: Path) -> None:
    with RunDirectory.open(fresh) as directory:
        own = directory.blinding_key()
        other = keys.new_blinding_key()
        assert code_of(directory.replace_blinding_key, other) == ("key-mismatch", 1)
        keys.save_blinding_key(directory.blinding_key_path, other)
        assert code_of(directory.blinding_key) == ("key-mismatch", 1)
        directory.blinding_key_path.unlink()
        assert code_of(directory.blinding_key) == ("key-missing", 5)
        directory.replace_blinding_key(keys.recover(keys.back_up(own, "a passphrase"), "a passphrase"))
        assert directory.blinding_key() == own


def test_missing_and_damaged_rows_are_named(fresh: Path) -> None:
    with RunDirectory.open(fresh) as directory:
        path = fresh / "data" / "train_x.npy"
        path.write_bytes(path.read_bytes()[:-40])
        assert code_of(directory.training_rows) == ("dataset-damaged", 5)
        np.save(path, np.array([{"pickled": 1}], dtype=object), allow_pickle=True)
        assert code_of(directory.training_rows) == ("dataset-damaged", 5)
        path.unlink()
        assert code_of(directory.training_rows) == ("missing-file", 5)


def test_a_torn_metrics_line_costs_only_itself(fresh: Path) -> None:
    with RunDirectory.open(fresh) as directory:
        directory.append_metrics({"event": "a"})
        with directory.metrics_path.open("a") as file:
            file.write('{"event": "to')
        directory.append_metrics({"event": "b"})
        assert [line["event"] for line in directory.metrics()] == ["a", "b"]
        assert len(directory.metrics_path.read_text().splitlines()) == 3


def full(path: Path, data: bytes, mode: int = 0) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "file"
    storage.save(path, b"old", 0o600)
    monkeypatch.setattr(os, "fsync", lambda _: full(path, b""))
    with pytest.raises(Resources, match="nothing is lost") as caught:
        storage.save(path, b"new")
    assert (caught.value.code, caught.value.exit_code) == ("disk-full", 4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    assert code_of(storage.save, tmp_path / "gone" / "file", b"") == ("cannot-write", 5)


def test_damaged_files_are_kept_under_free_names(tmp_path: Path) -> None:
    for content in (b"1", b"2", b"3"):
        (tmp_path / "a.json").write_bytes(content)
        storage.set_aside(tmp_path / "a.json")
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {"a.json.damaged": b"1", "a.json.damaged-2": b"2", "a.json.damaged-3": b"3"}


def test_the_last_two_states_are_kept_in_order(tmp_path: Path) -> None:
    for folds in (9, 10, 99_999_999, 100_000_000):
        save_state(tmp_path, folds, str(folds).encode())
    assert [path.read_bytes() for path in saved_states(tmp_path)] == [b"100000000", b"99999999"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in saved_states(tmp_path))


def test_the_marker_is_what_it_says(fresh: Path) -> None:
    assert json.loads((fresh / "run.json").read_text()) == {"format": "escapement/run", "version": 1}
