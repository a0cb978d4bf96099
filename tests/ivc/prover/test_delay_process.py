"""A delay in its own process: right, resumable, killable at any moment, never outliving its parent."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import vdf
from ivc.delay import Task, compute, failure, load_delay, load_true_delay
from ivc.delay_process import DelayFailed, DelayProcess, wait_for_orphans
from ivc.errors import IvcError, Malformed, StorageError
from vdf.delayfile import kept_path
from vdf.errors import StorageError as VdfStorageError
from vdf.record import older, proof_state

LONG = 1 << 40  # squarings: for ever

PARENT = """
import sys, threading, pathlib
from ivc.delay import Task
from ivc.delay_process import DelayProcess
folder = pathlib.Path(sys.argv[1])
wake = threading.Event()
process = DelayProcess(Task("rsa-2048", 1 << 40, "00" * 32, str(folder / "0000.json")), folder / "lock",
                       folder / "log", wake)
while not process.done:
    wake.wait()
    wake.clear()
print("running", flush=True)
threading.Event().wait()
"""


def task(folder: Path, squarings: int = 50_000) -> Task:
    return Task("rsa-2048", squarings, "ab" * 32, str(folder / "0000.json"))


class Started:
    """A delay process of a test, always stopped in the end."""

    def __init__(self, folder: Path, what: Task) -> None:
        self.wake = threading.Event()
        self.process = DelayProcess(what, folder / "lock", folder / "log", self.wake)

    def until(self, condition) -> None:
        while not condition():
            self.process.check()
            self.wake.wait(1)
            self.wake.clear()

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def test_it_gives_the_delays_output_and_then_its_proof(tmp_path: Path) -> None:
    what = task(tmp_path)
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.proven is not None)
        group = vdf.group("rsa-2048")
        x = group.input(bytes.fromhex(what.context), what.squarings)
        expected = group.delay(x, what.squarings)
        assert started.process.y == expected.y
        found = load_true_delay(what)
        assert (found.x, found.y, found.pi, found.load_kept()) == (x, expected.y, expected.pi, expected.kept)
        assert started.process.peak_memory_bytes > 0
    assert {path.name for path in tmp_path.iterdir()} == {"0000.json", "0000.json.kept", "lock", "log"}
    assert (tmp_path / "log").read_bytes() == b""


def test_stopping_saves_and_the_next_process_continues(tmp_path: Path) -> None:
    what = task(tmp_path, 1_000_000)
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.done > 0)
    saved = started.process.done
    assert what.state.exists() and not Path(what.result).exists()
    with Started(tmp_path, what) as started:
        seen: list[int] = []
        started.until(lambda: seen.append(started.process.done) or started.process.y)
        assert min(done for done in seen if done) >= saved
        started.until(lambda: started.process.proven is not None)
    assert load_true_delay(what).y == started.process.y


def test_killed_it_is_reported_and_the_next_process_continues(tmp_path: Path) -> None:
    what = task(tmp_path, 500_000)
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.done > 0)
        os.kill(started.process._process.pid, signal.SIGKILL)
        with pytest.raises(DelayFailed) as caught:
            started.until(lambda: False)
        assert (caught.value.code, caught.value.exit_code) == ("delay-died", 4)
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.proven is not None)
    load_true_delay(what)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"running\n"
        parent.kill()
        parent.wait()
    wait_for_orphans(tmp_path / "lock")  # returns only when the lock that the delay held is free
    assert not (tmp_path / "0000.json").exists()
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


def test_a_living_delay_is_waited_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("ivc.delay_process.ORPHAN_SECONDS", 0.0)
    with Started(tmp_path, task(tmp_path, LONG)), pytest.raises(StorageError) as caught:
        wait_for_orphans(tmp_path / "lock")
    assert caught.value.code == "delay-in-use"
    wait_for_orphans(tmp_path / "lock")


def test_ctrl_c_is_the_parents_to_answer(tmp_path: Path) -> None:
    what = task(tmp_path, 300_000)
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.done > 0)
        os.kill(started.process._process.pid, signal.SIGINT)
        started.until(lambda: started.process.proven is not None)
    load_true_delay(what)


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        ({"group": "rsa-512"}, "delay-group", 2),
        ({"squarings": 0}, "delay-squarings", 2),
        ({"context": "ab"}, "delay-context", 2),
    ],
)
def test_its_errors_arrive_with_code_and_exit_code(tmp_path: Path, change, code: str, exit_code: int) -> None:
    with Started(tmp_path, dataclasses.replace(task(tmp_path), **change)) as started:
        with pytest.raises(DelayFailed) as caught:
            started.until(lambda: False)
        assert (caught.value.code, caught.value.exit_code) == (code, exit_code)


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    what = dataclasses.replace(task(tmp_path), result=str(tmp_path / "gone" / "0000.json"))
    with Started(tmp_path, what) as started:
        with pytest.raises(DelayFailed) as caught:
            started.until(lambda: False)
        assert (caught.value.code, caught.value.exit_code) == ("delay-state-unwritable", 5)


def test_a_full_disk_is_named_wherever_it_was_noticed() -> None:
    error = VdfStorageError("delay-state-unwritable", "state: cannot be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    told = failure(error)
    assert (told["code"], told["exit_code"]) == ("disk-full", 4)
    assert "state: cannot be written" in told["message"]
    assert failure(MemoryError())["exit_code"] == 4


def test_a_full_disk_at_the_end_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state stays until the result is safe; the next process neither squares nor proves again."""
    from vdf import delayfile
    from vdf.rsa import evaluation, power

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    what, said = task(tmp_path), []
    with monkeypatch.context() as patch:
        patch.setattr(power, "SAVE_SECONDS", 0.0)  # a proof of more than seconds
        patch.setattr(delayfile, "replace", full)
        with pytest.raises(VdfStorageError) as caught:
            compute(what, say=said.append, stop=lambda: False)
    assert failure(caught.value)["code"] == "disk-full"
    assert what.state.exists() and proof_state(what.state).exists() and not Path(what.result).exists()
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "_timed", None)
        patch.setattr(power, "_inner_products", lambda *given: iter(range(given[-1])))
        compute(what, say=said.append, stop=lambda: False)
    assert {path.name for path in tmp_path.iterdir()} == {"0000.json", "0000.json.kept"}
    assert load_true_delay(what).y.hex() == said[-2]["y"]


@pytest.mark.parametrize(
    ("kind", "code", "exit_code"),
    [
        ("ResourceError", "delay-class-missing", 4),
        ("ResourceError", "delay-class-timeout", 4),
        ("Rejected", "delay-class-crashed", 1),
    ],
)
def test_a_fault_of_the_machine_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: str, exit_code: int
) -> None:
    what = task(tmp_path, 1000)
    compute(what, say=lambda _: None, stop=lambda: False)

    def fail(*_: object) -> None:
        raise getattr(vdf.errors, kind)(code, "a fault")

    monkeypatch.setattr(vdf.rsa.RsaGroup, "verify", fail)
    with pytest.raises(IvcError) as caught:
        load_true_delay(what)
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert what.result in str(caught.value)


def test_a_damaged_state_file_is_continued_from_the_one_before(tmp_path: Path) -> None:
    what = task(tmp_path, LONG)
    for _ in range(2):
        with Started(tmp_path, what) as started:
            started.until(lambda process=started.process: process.done > 0)
    saved = int.from_bytes(older(what.state).read_bytes()[64:72], "big")
    assert saved > 0
    what.state.write_bytes(b"garbage")
    with Started(tmp_path, what) as started:
        seen: list[int] = []
        started.until(lambda: seen.append(started.process.done) or started.process.done > 0)
    assert min(done for done in seen if done) >= saved
    assert (tmp_path / "0000.state.damaged").read_bytes() == b"garbage"


def test_a_damaged_state_file_is_kept_and_the_delay_starts_again(tmp_path: Path) -> None:
    what = task(tmp_path)
    what.state.write_bytes(b"garbage")
    with Started(tmp_path, what) as started:
        started.until(lambda: started.process.proven is not None)
    load_true_delay(what)
    assert (tmp_path / "0000.state.damaged").read_bytes() == b"garbage"
    assert b"damaged" in (tmp_path / "log").read_bytes()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], bytes]:
    folder = tmp_path_factory.mktemp("delay")
    with Started(folder, task(folder)) as started:
        started.until(lambda: started.process.proven is not None)
    return dict(json.loads((folder / "0000.json").read_bytes())), (folder / "0000.json.kept").read_bytes()


def damaged(load, what: Task, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        load(what)
    assert caught.value.code == "delay-damaged", why


def test_every_altered_part_of_a_result_is_refused(
    tmp_path: Path, result: tuple[dict[str, object], bytes]
) -> None:
    """All but output and proof by reading alone."""
    fields, kept = result
    what = task(tmp_path)
    kept_path(Path(what.result)).write_bytes(kept)
    for name in fields.keys() - {"seconds"}:
        value = fields[name]
        changed = (
            value + 1 if isinstance(value, int) else str(value)[:-1] + ("0" if str(value)[-1] != "0" else "1")
        )
        Path(what.result).write_text(json.dumps({**fields, name: changed}))
        damaged(load_true_delay, what, name)
        if name in ("y", "pi"):
            load_delay(what)
        else:
            damaged(load_delay, what, name)
    for name in fields:
        without = {key: value for key, value in fields.items() if key != name}
        for broken in (without, {**fields, name: []}, {**fields, name: None}, {**fields, name: True}):
            Path(what.result).write_text(json.dumps(broken))
            damaged(load_delay, what, name)
    Path(what.result).write_text(json.dumps(fields))
    load_true_delay(what)


@pytest.mark.parametrize("seconds", ["1e400", "-1e400", "NaN", "9" * 400, "-1", '"1"'])
def test_seconds_that_are_none(tmp_path: Path, result: tuple[dict[str, object], bytes], seconds: str) -> None:
    """They are told, never believed: an error of ours, or a number."""
    fields, kept = result
    what = task(tmp_path)
    kept_path(Path(what.result)).write_bytes(kept)
    text = json.dumps({**fields, "seconds": "SECONDS"}).replace('"SECONDS"', seconds)
    Path(what.result).write_text(text)
    try:
        load_delay(what)
    except IvcError as error:
        assert error.code == "delay-damaged"


def test_what_is_kept_belongs_to_the_result(tmp_path: Path, result: tuple[dict[str, object], bytes]) -> None:
    fields, kept = result
    what = task(tmp_path)
    path = kept_path(Path(what.result))
    Path(what.result).write_text(json.dumps(fields))
    damaged(load_delay, what, "missing")
    for broken in (b"", kept[:-1], kept + b"\0", kept[:-1] + bytes([kept[-1] ^ 1]), bytes(len(kept))):
        path.write_bytes(broken)
        damaged(load_delay, what, f"{len(broken)} bytes")
    path.write_bytes(kept)
    assert load_delay(what).load_kept() == kept
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError) as caught:  # of this machine, not of the delay
        load_delay(what)
    assert caught.value.code == "delay-file-unreadable"


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"format": ', b"\xff\xfe"])
def test_what_is_no_result_is_refused(tmp_path: Path, data: bytes) -> None:
    Path(task(tmp_path).result).write_bytes(data)
    with pytest.raises(IvcError) as caught:
        load_delay(task(tmp_path))
    assert caught.value.code == "delay-damaged"
