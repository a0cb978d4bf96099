"""State files: continued after stop, kill and full disks; damaged and foreign ones are never believed."""

import dataclasses
import hashlib
import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import vdf
from vdf.errors import Interrupted, StorageError
from vdf.evaluation import SLICE
from vdf.layout import choose_layout
from vdf.rsa import RSA2048, Group
from vdf.state import StateFile

X = vdf.hash_to_group(RSA2048, bytes(32))
T = 10 * SLICE + 123
QUICK = Group("test", (2**127 - 1) * (2**89 - 1))


@pytest.fixture(scope="module")
def honest() -> vdf.Evaluation:
    return vdf.evaluate(RSA2048, X, T)


def stop_after(looks: int) -> Callable[[], bool]:
    """A `stop` that says so at its look number `looks`, counted from 0."""
    left = iter([False] * looks)
    return lambda: next(left, True)


def interrupted(path: Path, looks: int) -> None:
    with pytest.raises(Interrupted) as caught:
        vdf.evaluate(RSA2048, X, T, state=path, stop=stop_after(looks))
    assert (caught.value.code, caught.value.exit_code) == ("delay-interrupted", 130)


@pytest.mark.parametrize("looks", [0, 1, 5, 10])
def test_a_stopped_delay_continues_where_it_was(tmp_path: Path, honest: vdf.Evaluation, looks: int) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, looks)
    seen: list[int] = []
    again = vdf.evaluate(RSA2048, X, T, state=path, progress=lambda done, _: seen.append(done))
    assert seen[0] == looks * SLICE
    assert again == honest
    assert os.listdir(tmp_path) == ["delay.state"]


def test_stopped_at_every_slice(tmp_path: Path, honest: vdf.Evaluation) -> None:
    path = tmp_path / "delay.state"
    for _ in range(T // SLICE):
        interrupted(path, 1)
    assert vdf.evaluate(RSA2048, X, T, state=path) == honest


def test_a_finished_delay_is_not_computed_again(tmp_path: Path, honest: vdf.Evaluation) -> None:
    path = tmp_path / "delay.state"
    vdf.evaluate(RSA2048, X, T, state=path)
    before = path.stat().st_mtime_ns
    assert vdf.evaluate(RSA2048, X, T, state=path, stop=lambda: True) == honest
    assert path.stat().st_mtime_ns == before


def test_a_callback_that_raises_leaves_a_usable_state(tmp_path: Path, honest: vdf.Evaluation) -> None:
    path = tmp_path / "delay.state"

    def explode() -> bool:
        raise KeyboardInterrupt

    interrupted(path, 3)
    with pytest.raises(KeyboardInterrupt):
        vdf.evaluate(RSA2048, X, T, state=path, stop=explode)
    assert vdf.evaluate(RSA2048, X, T, state=path) == honest


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: (
        data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if at >= 0 else flip(len(data) + at)(data)
    )


DAMAGE = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "only a digest": lambda data: data[-32:],
    "digest of nothing": lambda data: hashlib.sha256(b"").digest(),
    "truncated": lambda data: data[:-1],
    "appended": lambda data: data + b"\0",
    "huge": lambda data: data + bytes(1 << 24),
    "zeros": lambda data: bytes(len(data)),
    "tag": flip(0),
    "binding": flip(40),
    "position": flip(71),
    "current": flip(72 + 255),
    "stored": flip(72 + 256 + 255),
    "digest": flip(-1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_kept_aside_and_named(
    tmp_path: Path, honest: vdf.Evaluation, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path, kept = tmp_path / "delay.state", tmp_path / "delay.state.damaged"
    interrupted(path, 3)
    damaged = DAMAGE[damage](path.read_bytes())
    path.write_bytes(damaged)
    seen: list[int] = []
    if damage == "digest of nothing":  # intact in form, and of no delay at all
        with pytest.raises(StorageError) as caught:
            vdf.evaluate(RSA2048, X, T, state=path)
        assert caught.value.code == "delay-state-foreign"
        return
    with caplog.at_level(logging.WARNING, logger="vdf.state"):
        again = vdf.evaluate(RSA2048, X, T, state=path, progress=lambda done, _: seen.append(done))
    assert again == honest
    assert seen[0] == 0
    assert kept.read_bytes() == damaged
    assert str(path) in caplog.text and str(kept) in caplog.text


def test_earlier_damaged_files_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "delay.state"
    for content in (b"first", b"second", b"third"):
        path.write_bytes(content)
        vdf.evaluate(RSA2048, X, 100, state=path)
    kept = [path.with_name(f"delay.state.damaged{end}").read_bytes() for end in ("", "-2", "-3")]
    assert kept == [b"first", b"second", b"third"]


def resealed(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A file whose digest is right, as only a program other than this one would write it."""

    def made(data: bytes) -> bytes:
        body = change(data[:-32])
        return body + hashlib.sha256(body).digest()

    return made


ALL = 1 + choose_layout(T).count  # elements in the state of a finished delay
IMPOSSIBLE = {
    "beyond T": resealed(lambda body: body[:64] + (T + 1).to_bytes(8, "big") + body[72:328] * ALL),
    "position without its elements": resealed(lambda body: body[:64] + T.to_bytes(8, "big") + body[72:]),
    "element too many": resealed(lambda body: body + bytes(255) + b"\2"),
    "half an element": resealed(lambda body: body[:-128]),
    "no current": resealed(lambda body: body[:72]),
    "current 0": resealed(lambda body: body[:72] + bytes(256) + body[328:]),
    "current N": resealed(lambda body: body[:72] + RSA2048.modulus.to_bytes(256, "big") + body[328:]),
}


@pytest.mark.parametrize("change", IMPOSSIBLE)
def test_impossible_states_are_kept_aside(tmp_path: Path, honest: vdf.Evaluation, change: str) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.write_bytes(IMPOSSIBLE[change](path.read_bytes()))
    assert vdf.evaluate(RSA2048, X, T, state=path) == honest
    assert path.with_name("delay.state.damaged").exists()


@pytest.mark.parametrize("what", ["x", "T", "group", "version"])
def test_intact_files_of_another_delay_stay_untouched(tmp_path: Path, what: str) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    if what == "version":
        path.write_bytes(
            resealed(lambda body: b"escapement/v2/delay-state".ljust(32, b"\0") + body[32:])(
                path.read_bytes()
            )
        )
    before = path.read_bytes()
    group = Group("other", RSA2048.modulus - 2) if what == "group" else RSA2048
    x = vdf.hash_to_group(group, b"\1" * 32) if what == "x" else X
    with pytest.raises(StorageError) as caught:
        vdf.evaluate(group, x, T + 1 if what == "T" else T, state=path)
    assert (caught.value.code, caught.value.exit_code) == ("delay-state-foreign", 5)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["delay.state"]


def test_a_state_with_a_false_element_cannot_become_a_proof(tmp_path: Path, honest: vdf.Evaluation) -> None:
    """Someone who rewrites a state and its digest spoils their own delay, and `prove` says so."""
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.write_bytes(resealed(flip(72 + 255))(path.read_bytes()))
    done = vdf.evaluate(RSA2048, X, T, state=path)
    assert done.y != honest.y
    with pytest.raises(vdf.errors.Rejected) as caught:
        vdf.prove(RSA2048, done)
    assert caught.value.code == "delay-miscomputed"


def test_unwritable_and_unreadable_places(tmp_path: Path) -> None:
    cases = [(tmp_path / "missing" / "state", "delay-state-unwritable"), (tmp_path, "delay-state-unreadable")]
    for path, code in cases:
        with pytest.raises(StorageError) as caught:
            vdf.evaluate(RSA2048, X, 100, state=path)
        assert (caught.value.code, caught.value.exit_code) == (code, 5)
        assert str(path) in str(caught.value)


def test_a_full_disk_leaves_the_last_state(
    tmp_path: Path, honest: vdf.Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vdf.state.os.fsync", full)
        with pytest.raises(StorageError) as caught:
            vdf.evaluate(RSA2048, X, T, state=path)
    assert caught.value.code == "delay-state-unwritable"
    assert vdf.evaluate(RSA2048, X, T, state=path) == honest


def test_what_a_killed_writer_left_is_no_state(tmp_path: Path, honest: vdf.Evaluation) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.with_name("delay.state.tmp").write_bytes(b"half a sta")
    assert vdf.evaluate(RSA2048, X, T, state=path) == honest
    assert os.listdir(tmp_path) == ["delay.state"]


def test_the_state_is_bound_to_its_layout() -> None:
    layout = choose_layout(T)
    other = dataclasses.replace(layout, gamma=layout.gamma + 1)
    first, second = (StateFile(None, RSA2048, X, T, chosen)._binding for chosen in (layout, other))
    assert first != second


SPAWN = multiprocessing.get_context("spawn")
LONG = 1 << 45


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll for up to two minutes; a limit for broken code, not a measurement."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("nothing happened")


def test_a_spawned_process_evaluates(honest: vdf.Evaluation) -> None:
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        assert pool.submit(vdf.evaluate, RSA2048, X, T).result() == honest
        assert pool.submit(vdf.prove, RSA2048, honest).result() == vdf.prove(RSA2048, honest)
        error = pool.submit(vdf.evaluate, RSA2048, X, 0).exception()
    assert getattr(error, "code", None) == "delay-squarings"


def test_a_spawned_process_stops_when_told(tmp_path: Path) -> None:
    path, event = tmp_path / "delay.state", SPAWN.Event()
    arguments = {"state": path, "stop": event.is_set}
    child = SPAWN.Process(target=vdf.evaluate, args=(RSA2048, X, LONG), kwargs=arguments)
    child.start()
    wait_for(path.exists)
    event.set()
    child.join(120)
    assert child.exitcode == 1  # Interrupted, uncaught
    at = position(path)
    assert at > 0
    seen: list[int] = []
    with pytest.raises(Interrupted):
        vdf.evaluate(
            RSA2048, X, LONG, state=path, progress=lambda done, _: seen.append(done), stop=stop_after(2)
        )
    assert seen[0] == at


def test_a_killed_process_loses_seconds_only(tmp_path: Path) -> None:
    """SIGKILL at no particular moment, twice; the state stays a true power of x."""
    path = tmp_path / "delay.state"
    x, squarings = vdf.hash_to_group(QUICK, bytes(32)), LONG
    before = -1
    for _ in range(2):
        child = SPAWN.Process(target=vdf.evaluate, args=(QUICK, x, squarings), kwargs={"state": path})
        child.start()
        wait_for(lambda least=before: path.exists() and position(path) > least)
        child.kill()
        child.join(120)
        before = position(path)
    with pytest.raises(Interrupted):
        vdf.evaluate(QUICK, x, squarings, state=path, stop=stop_after(3))
    at, size = position(path), QUICK.element_bytes
    assert at == before + 3 * SLICE
    current = int.from_bytes(path.read_bytes()[72 : 72 + size], "big")
    assert current == pow(int.from_bytes(x, "big"), pow(2, at, CARMICHAEL), QUICK.modulus)


def position(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[64:72], "big")


CARMICHAEL = (2**127 - 2) * (2**89 - 2)  # a multiple of the order of every element of QUICK
