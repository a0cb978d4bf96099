"""States of class-group delays: continued after stop and kill; damaged and foreign ones never believed."""

import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vdf.classgroup import CLASS_1024, ClassGroup
from vdf.classgroup.client import Worker
from vdf.errors import Interrupted, StorageError
from vdf.group import Delay

pytest.importorskip("chiavdf")

GROUP, T = ClassGroup("class-1024", sub_squarings=300), 1000  # four sub-delays, the last one of 100
X = GROUP.input(bytes(32), T)


@pytest.fixture(scope="module")
def honest() -> Delay:
    return GROUP.delay(X, T)


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the sub-delays that are computed."""
    seen: list[int] = []
    prove = Worker.prove

    def counted(
        self: Worker, seed: bytes, x: bytes, squarings: int, idle: Callable[[], None]
    ) -> tuple[bytes, bytes, float]:
        done = prove(self, seed, x, squarings, idle)
        seen.append(squarings)
        return done

    monkeypatch.setattr(Worker, "prove", counted)
    return seen


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_stopped_delay_continues_where_it_was(
    tmp_path: Path, honest: Delay, proven: list[int], done: int
) -> None:
    path = tmp_path / "delay.state"
    size = 96 + 200 * done if done else 0

    def saved() -> int:
        return path.stat().st_size if path.exists() else 0

    with pytest.raises(Interrupted) as caught:
        GROUP.delay(X, T, state=path, stop=lambda: saved() >= size)
    assert (caught.value.code, caught.value.exit_code) == ("delay-interrupted", 130)
    assert saved() == size
    proven.clear()
    seen: list[int] = []
    assert GROUP.delay(X, T, state=path, progress=lambda at, _: seen.append(at)) == honest
    assert proven == [300, 300, 300, 100][done:]
    assert seen == sorted(seen) and seen[-1] == T and 300 * done in {at // 300 * 300 for at in seen}
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_stopping_takes_no_sub_delay(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Interrupted):
        CLASS_1024.delay(X, 1 << 40, stop=lambda: time.monotonic() > started + 0.5)


def test_a_finished_delay_is_not_computed_again(tmp_path: Path, honest: Delay, proven: list[int]) -> None:
    path = tmp_path / "delay.state"
    GROUP.delay(X, T, state=path)
    before = path.stat().st_mtime_ns
    proven.clear()
    assert GROUP.delay(X, T, state=path, stop=lambda: False) == honest
    assert path.stat().st_mtime_ns == before and proven == []


def test_checking_what_is_saved_can_be_stopped_and_watched(tmp_path: Path, proven: list[int]) -> None:
    """4096 saved sub-delays take a quarter of a minute."""
    path, group, squarings = tmp_path / "delay.state", ClassGroup("class-1024", 1), 150
    done = group.delay(X, squarings, state=path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    proven.clear()
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 60

    with pytest.raises(Interrupted) as caught:
        group.delay(X, squarings, state=path, stop=stop)
    assert caught.value.code == "delay-interrupted"
    assert asked == 61
    with pytest.raises(Interrupted, match="after 0 of 150"):
        group.delay(X, squarings, state=path, stop=lambda: True)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    seen: list[tuple[int, int]] = []
    assert group.delay(X, squarings, state=path, progress=lambda *at: seen.append(at)) == done
    assert proven == []
    assert seen == sorted(seen) and seen[-1] == (150, 150)
    assert any(0 < at < 150 for at, _ in seen)


def test_a_stop_does_not_lose_the_sub_delay_that_has_just_ended(tmp_path: Path, proven: list[int]) -> None:
    """It is checked and saved before `stop` is asked again."""
    path = tmp_path / "delay.state"
    with pytest.raises(Interrupted, match="after 300 of 1000"):
        GROUP.delay(X, T, state=path, stop=lambda: bool(proven))
    assert path.stat().st_size == 96 + 200 and proven == [300]


KILLED = """
import json, sys
from pathlib import Path
from vdf.classgroup import ClassGroup
from vdf.classgroup import client
class Loud(client.Worker):
    def __init__(self):
        super().__init__()
        print(self._process.pid, flush=True)
from vdf.classgroup import evaluation
evaluation.Worker = Loud
group = ClassGroup("class-1024", sub_squarings=int(sys.argv[2]))
group.delay(bytes(32), int(sys.argv[3]), state=Path(sys.argv[1]), progress=lambda *at: print(*at, flush=True))
"""


@pytest.mark.parametrize("after", [0.15, 0.4, 0.7])
def test_killed_at_any_point(tmp_path: Path, after: float) -> None:
    """The state stays usable, and the native process does not outlive its parent."""
    path, group, squarings = tmp_path / "delay.state", ClassGroup("class-1024", 4000), 12_000
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), "4000", str(squarings)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = group.delay(bytes(32), squarings, state=path)
    group.verify(done.x, done.y, done.pi, squarings)
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, ProcessLookupError):
        return False


def sealed(content: bytes) -> bytes:
    """A record whose digest is right, as only another program than this one would write it."""
    return content + hashlib.sha256(content).digest()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[:-1],
    "appended": lambda data: data + b"\0",
    "huge": lambda data: data + bytes(1 << 20),
    "form flipped": lambda data: data[:150] + bytes([data[150] ^ 1]) + data[151:],
    "too many": lambda data: sealed(data[:64] + data[64:264] * 5),
    "not canonical": lambda data: sealed(data[:64] + b"\xff" + data[65:-32]),
    "false": lambda data: sealed(data[:64] + data[264:464] + data[64:264] + data[464:-32]),
    "less than a sub-delay": lambda data: sealed(data[:263]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_states_are_kept_aside_and_named(
    tmp_path: Path, honest: Delay, caplog: pytest.LogCaptureFixture, proven: list[int], damage: str
) -> None:
    """The one before it, of three sub-delays, is continued."""
    path, kept = tmp_path / "delay.state", tmp_path / "delay.state.damaged"
    GROUP.delay(X, T, state=path)
    damaged = DAMAGE[damage](path.read_bytes())
    path.write_bytes(damaged)
    proven.clear()
    with caplog.at_level(logging.WARNING, logger="vdf.record"):
        assert GROUP.delay(X, T, state=path) == honest
    assert kept.read_bytes() == damaged and str(kept) in caplog.text
    assert proven == [100]
    assert GROUP.delay(X, T, state=path) == honest and proven == [100]


def test_without_the_newest_file(tmp_path: Path, honest: Delay, proven: list[int]) -> None:
    """As a power cut between the two renames of a save leaves it."""
    path = tmp_path / "delay.state"
    GROUP.delay(X, T, state=path)
    path.unlink()
    proven.clear()
    assert GROUP.delay(X, T, state=path) == honest
    assert proven == [100]


def test_two_damaged_states(tmp_path: Path, honest: Delay, proven: list[int]) -> None:
    path = tmp_path / "delay.state"
    GROUP.delay(X, T, state=path)
    for file in (path, tmp_path / "delay.state.1"):
        file.write_bytes(file.read_bytes()[:-1])
    proven.clear()
    assert GROUP.delay(X, T, state=path) == honest
    assert proven == [300, 300, 300, 100]
    assert {"delay.state.damaged", "delay.state.1.damaged"} < set(os.listdir(tmp_path))


TAILS: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "empty": (lambda data: sealed(data[:64]), 0),
    "not whole": (lambda data: sealed(data[:-33]), 3),
    "not whole for long": (lambda data: sealed(data[:464]), 2),
    "false from the second": (
        lambda data: sealed(data[:264] + data[464:664] + data[264:464] + data[664:-32]),
        1,
    ),
    "not canonical": (lambda data: sealed(data[:564] + b"\xff" + data[565:-32]), 2),
    "another's proof": (lambda data: sealed(data[:764] + data[364:464] + data[864:-32]), 3),
}


@pytest.mark.parametrize("tail", TAILS)
def test_a_false_tail_leaves_what_is_true_before_it(
    tmp_path: Path, honest: Delay, proven: list[int], tail: str
) -> None:
    """Intact, but no program of ours writes it: the true sub-delays at its beginning are continued."""
    path = tmp_path / "delay.state"
    GROUP.delay(X, T, state=path)
    change, left = TAILS[tail]
    path.write_bytes(change(path.read_bytes()))
    proven.clear()
    assert GROUP.delay(X, T, state=path) == honest
    assert proven == [300, 300, 300, 100][left:]
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


FOREIGN: dict[str, Callable[[Path], Delay]] = {
    "x": lambda path: GROUP.delay(b"\1" * 32, T, state=path),
    "T": lambda path: GROUP.delay(X, T - 1, state=path),
    "S": lambda path: ClassGroup("class-1024", 299).delay(X, T, state=path),
}


@pytest.mark.parametrize("other", FOREIGN)
def test_states_of_other_delays(tmp_path: Path, other: str) -> None:
    path = tmp_path / "delay.state"
    GROUP.delay(X, T, state=path)
    before = path.read_bytes()
    with pytest.raises(StorageError) as caught:
        FOREIGN[other](path)
    assert caught.value.code == "delay-state-foreign"
    assert path.read_bytes() == before
