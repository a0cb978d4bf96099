"""State files of evaluation and proof: continued after stop, kill and full disks; no damaged or foreign one
is ever believed.
"""

import contextlib
import hashlib
import logging
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import _escapement
import pytest

import vdf
from tests.vdf import plain
from vdf import Delay
from vdf.errors import Interrupted, Rejected, StorageError
from vdf.record import discard, older, proof_state
from vdf.rsa import RsaGroup
from vdf.rsa.elements import RSA2048, Elements, hash_to_element
from vdf.rsa.evaluation import FIRST_SLICE as SLICE
from vdf.rsa.evaluation import Evaluation, evaluate, state_file
from vdf.rsa.layout import Layout
from vdf.rsa.wesolowski import prove

GROUP = vdf.group("rsa-2048")
X = hash_to_element(RSA2048, bytes(32))
T = 10 * SLICE + 123
QUICK = Elements((2**127 - 1) * (2**89 - 1))


def layout_of(squarings: int, interval: int | None = None) -> Layout:
    """One that does not move with the knobs: five columns for what is not too long."""
    interval = interval or max(40, squarings >> 15)
    return Layout(interval, max(0, -(-(squarings - 255) // interval)), 8)


def hold_the_knobs(patch: pytest.MonkeyPatch) -> None:
    """Every slice is SLICE squarings, however fast the machine, and every layout `layout_of`."""
    patch.setattr("vdf.rsa.evaluation.SLICE_SECONDS", 0.0)
    patch.setattr("vdf.rsa.evaluation.choose_layout", layout_of)
    patch.setattr("vdf.rsa.evaluation.layout_of", layout_of)


@pytest.fixture(autouse=True, scope="module")
def knobs() -> Iterator[None]:
    """For all of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        hold_the_knobs(patch)
        yield


@pytest.fixture(scope="module")
def honest(knobs: None) -> Evaluation:
    return evaluate(RSA2048, X, T)


def same(left: Evaluation, right: Evaluation) -> bool:
    """Equal in everything, also in what is stored."""
    return left == right and left.stored.encode() == right.stored.encode()


def stop_after(looks: int) -> Callable[[], bool]:
    """A `stop` that says so at its look number `looks`, counted from 0."""
    left = iter([False] * looks)
    return lambda: next(left, True)


def interrupted(path: Path, looks: int) -> None:
    with pytest.raises(Interrupted) as caught:
        evaluate(RSA2048, X, T, state=path, stop=stop_after(looks))
    assert (caught.value.code, caught.value.exit_code) == ("delay-interrupted", 130)


@pytest.mark.parametrize("looks", [0, 1, 5, 10])
def test_a_stopped_delay_continues_where_it_was(tmp_path: Path, honest: Evaluation, looks: int) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, looks)
    seen: list[int] = []
    again = evaluate(RSA2048, X, T, state=path, progress=lambda done, _: seen.append(done))
    assert seen[0] == looks * SLICE
    assert same(again, honest)
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_stopped_at_every_slice(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    for _ in range(T // SLICE):
        interrupted(path, 1)
    assert same(evaluate(RSA2048, X, T, state=path), honest)


def test_a_finished_delay_is_not_computed_again(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    evaluate(RSA2048, X, T, state=path)
    before = path.stat().st_mtime_ns
    assert same(evaluate(RSA2048, X, T, state=path, stop=lambda: True), honest)
    assert path.stat().st_mtime_ns == before


def test_a_callback_that_raises_leaves_a_usable_state(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"

    def explode() -> bool:
        raise KeyboardInterrupt

    interrupted(path, 3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(RSA2048, X, T, state=path, stop=explode)
    assert same(evaluate(RSA2048, X, T, state=path), honest)


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
    "interval": flip(79),
    "count": flip(87),
    "current": flip(88 + 255),
    "stored": flip(88 + 256 + 255),
    "digest": flip(-1),
}


def saved_twice(path: Path) -> None:
    """The newest file after five slices, the one before it after three."""
    interrupted(path, 3)
    interrupted(path, 2)
    assert (position(path), position(older(path))) == (5 * SLICE, 3 * SLICE)


def continued_at(path: Path, honest: Evaluation) -> int:
    """Where an evaluation to the true end began."""
    seen: list[int] = []
    assert same(evaluate(RSA2048, X, T, state=path, progress=lambda done, _: seen.append(done)), honest)
    return seen[0]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_kept_aside_and_named(
    tmp_path: Path, honest: Evaluation, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path, kept = tmp_path / "delay.state", tmp_path / "delay.state.damaged"
    saved_twice(path)
    damaged = DAMAGE[damage](path.read_bytes())
    path.write_bytes(damaged)
    if damage == "digest of nothing":  # intact in form, and of no delay at all
        with pytest.raises(StorageError) as caught:
            evaluate(RSA2048, X, T, state=path)
        assert caught.value.code == "delay-state-foreign"
        assert path.read_bytes() == damaged
        return
    with caplog.at_level(logging.WARNING, logger="vdf.record"):
        assert continued_at(path, honest) == 3 * SLICE  # the older one's
    assert kept.read_bytes() == damaged
    assert str(path) in caplog.text and str(kept) in caplog.text
    assert not older(path).with_name("delay.state.1.damaged").exists()


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "digest of nothing"])
def test_both_files_damaged(
    tmp_path: Path, honest: Evaluation, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path, kept = tmp_path / "delay.state", tmp_path / "delay.state.1.damaged"
    saved_twice(path)
    damaged = [DAMAGE[damage](file.read_bytes()) for file in (path, older(path))]
    for file, content in zip((path, older(path)), damaged, strict=True):
        file.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="vdf.record"):
        assert continued_at(path, honest) == 0
    assert [path.with_name("delay.state.damaged").read_bytes(), kept.read_bytes()] == damaged
    assert str(kept) in caplog.text


def test_a_damaged_older_file_is_of_no_matter(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    saved_twice(path)
    older(path).write_bytes(b"garbage")
    assert continued_at(path, honest) == 5 * SLICE
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_a_crash_between_the_two_renames(tmp_path: Path, honest: Evaluation) -> None:
    """The older file is all there is; the next save makes both again."""
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    os.replace(path, older(path))
    path.with_name("delay.state.tmp").write_bytes(b"half a sta")
    interrupted(path, 1)
    assert position(path) == 4 * SLICE
    os.replace(path, older(path))
    assert continued_at(path, honest) == 4 * SLICE
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_a_save_that_dies_after_the_first_rename(
    tmp_path: Path, honest: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    before = path.read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vdf.record.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(RSA2048, X, T, state=path)
    assert not path.exists() and older(path).read_bytes() == before
    assert continued_at(path, honest) == 3 * SLICE


def test_an_older_file_of_another_delay_is_not_believed(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    os.replace(path, older(path))
    other = evaluate(RSA2048, hash_to_element(RSA2048, b"\1" * 32), T, state=path.with_name("other.state"))
    assert other.y != honest.y
    os.replace(path.with_name("other.state"), older(path))
    assert continued_at(path, honest) == 0


def test_earlier_damaged_files_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "delay.state"
    for content in (b"first", b"second", b"third"):
        path.write_bytes(content)
        evaluate(RSA2048, X, 100, state=path)
    kept = [path.with_name(f"delay.state.damaged{end}").read_bytes() for end in ("", "-2", "-3")]
    assert kept == [b"first", b"second", b"third"]


def resealed(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A file whose digest is right, as only a program other than this one would write it."""

    def made(data: bytes) -> bytes:
        body = change(data[:-32])
        return body + hashlib.sha256(body).digest()

    return made


ALL = 1 + layout_of(T).count  # elements in the state of a finished delay


def with_numbers(**numbers: int) -> Callable[[bytes], bytes]:
    """The file with other numbers before its elements, its digest right."""
    places = {"position": 64, "interval": 72, "count": 80}

    def change(body: bytes) -> bytes:
        for name, value in numbers.items():
            at = places[name]
            body = body[:at] + value.to_bytes(8, "big") + body[at + 8 :]
        return body

    return resealed(change)


IMPOSSIBLE = {
    "beyond T": resealed(
        lambda body: body[:64] + (T + 1).to_bytes(8, "big") + body[72:88] + body[88:344] * ALL
    ),
    "position without its elements": with_numbers(position=T),
    "position of the largest": with_numbers(position=(1 << 64) - 1),
    "element too many": resealed(lambda body: body + bytes(255) + b"\2"),
    "half an element": resealed(lambda body: body[:-128]),
    "nothing": resealed(lambda body: body[:64]),
    "half a number": resealed(lambda body: body[:84]),
    "no current": resealed(lambda body: body[:88]),
    "current 0": resealed(lambda body: body[:88] + bytes(256) + body[344:]),
    "current N": resealed(lambda body: body[:88] + RSA2048.modulus.to_bytes(256, "big") + body[344:]),
    "interval 0": with_numbers(interval=0),
    "interval 1": with_numbers(interval=1),
    "interval of another layout": with_numbers(interval=41),
    "interval beyond T": with_numbers(interval=1 << 63, count=1),
    "count 0": with_numbers(count=0),
    "count too low": with_numbers(count=layout_of(T).count - 1),
    "count too high": with_numbers(count=layout_of(T).count + 1),
    "count huge": with_numbers(count=1 << 63),
    "interval and count of another layout": with_numbers(interval=41, count=layout_of(T, 41).count),
}


@pytest.mark.parametrize("change", IMPOSSIBLE)
def test_impossible_states_are_kept_aside(tmp_path: Path, honest: Evaluation, change: str) -> None:
    path = tmp_path / "delay.state"
    saved_twice(path)
    path.write_bytes(IMPOSSIBLE[change](path.read_bytes()))
    assert continued_at(path, honest) == 3 * SLICE
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
    group = Elements(RSA2048.modulus - 2) if what == "group" else RSA2048
    x = hash_to_element(group, b"\1" * 32) if what == "x" else X
    with pytest.raises(StorageError) as caught:
        evaluate(group, x, T + 1 if what == "T" else T, state=path)
    assert (caught.value.code, caught.value.exit_code) == ("delay-state-foreign", 5)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


# --- a state that is intact and does not hang together: a fault before the digest was made ---------------

SIZE = RSA2048.element_bytes
CURRENT, STORED = 88, 88 + SIZE


def with_element(at: int, value: bytes) -> Callable[[bytes], bytes]:
    """The file with the element at this place replaced, its digest right."""
    return resealed(lambda body: body[:at] + value + body[at + SIZE :])


INCONSISTENT = {
    "current": with_element(CURRENT, bytes(255) + b"\2"),
    "current, a bit": resealed(flip(CURRENT + 255)),
    "current 1": with_element(CURRENT, bytes(255) + b"\1"),
    "current 0": with_element(CURRENT, bytes(256)),
    "current, one squaring behind": resealed(
        lambda body: body[:64] + (int.from_bytes(body[64:72], "big") - 1).to_bytes(8, "big") + body[72:]
    ),
    "last stored": resealed(flip(-1)),
    "all stored but the last": resealed(
        lambda body: body[:STORED] + (bytes(255) + b"\3") * (len(body[STORED:-SIZE]) // SIZE) + body[-SIZE:]
    ),
    "first stored": resealed(flip(STORED + 255)),
    "moved by an interval": resealed(
        lambda body: body[:STORED] + bytes(255) + b"\3" + body[STORED : -2 * SIZE] + body[-SIZE:]
    ),
    "every second element": resealed(
        lambda body: (
            body[:STORED]
            + b"".join(
                bytes(255) + b"\3" if i % 2 else body[STORED + i * SIZE : STORED + (i + 1) * SIZE]
                for i in range((len(body) - STORED) // SIZE)
            )
        )
    ),
}


@pytest.mark.parametrize("change", INCONSISTENT)
def test_inconsistent_states_are_kept_aside(tmp_path: Path, honest: Evaluation, change: str) -> None:
    """A random interval and what follows the last stored element are computed again before a run goes on."""
    path = tmp_path / "delay.state"
    saved_twice(path)
    changed = INCONSISTENT[change](path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    assert continued_at(path, honest) == 3 * SLICE
    assert path.with_name("delay.state.damaged").read_bytes() == changed


@pytest.mark.parametrize(("chosen", "found"), [(0, True), (1, True), (2, False), (100, False)])
def test_one_false_element(
    tmp_path: Path, honest: Evaluation, monkeypatch: pytest.MonkeyPatch, chosen: int, found: bool
) -> None:
    """C_1 is in two of the intervals that are looked at by chance; unseen, it makes no proof."""
    path = tmp_path / "delay.state"
    interrupted(path, 6)
    path.write_bytes(resealed(flip(STORED + SIZE + 255))(path.read_bytes()))
    monkeypatch.setattr("vdf.rsa.evaluation.random.randrange", lambda _: chosen)
    done = evaluate(RSA2048, X, T, state=path)
    assert done.y == honest.y  # where it stands was right
    assert same(done, honest) == found == path.with_name("delay.state.damaged").exists()
    if not found:
        with pytest.raises(Rejected) as caught:
            prove(RSA2048, done)
        assert caught.value.code == "delay-miscomputed"


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_a_chain_of_another_x_is_not_believed(tmp_path: Path, honest: Evaluation, looks: int) -> None:
    """Consistent in itself, and under the binding of this x."""
    path, other = tmp_path / "delay.state", tmp_path / "other.state"
    interrupted(path, looks)
    with pytest.raises(Interrupted):
        evaluate(RSA2048, hash_to_element(RSA2048, b"\1" * 32), T, state=other, stop=stop_after(looks))
    head = path.read_bytes()[:64]
    path.write_bytes(resealed(lambda body: head + body[64:])(other.read_bytes()))
    assert same(evaluate(RSA2048, X, T, state=path), honest)
    assert path.with_name("delay.state.damaged").exists()


def test_a_short_delay_without_stored_elements_is_checked_too(tmp_path: Path) -> None:
    """Of at most 255 squarings, nothing is stored but where it stands."""
    path = tmp_path / "delay.state"
    y = evaluate(RSA2048, X, 200, state=path).y
    path.write_bytes(resealed(flip(CURRENT + 255))(path.read_bytes()))
    assert evaluate(RSA2048, X, 200, state=path).y == y == plain.evaluate(X, 200)
    assert path.with_name("delay.state.damaged").exists()


def test_unwritable_and_unreadable_places(tmp_path: Path) -> None:
    cases = [(tmp_path / "missing" / "state", "delay-state-unwritable"), (tmp_path, "delay-state-unreadable")]
    for path, code in cases:
        with pytest.raises(StorageError) as caught:
            evaluate(RSA2048, X, 100, state=path)
        assert (caught.value.code, caught.value.exit_code) == (code, 5)
        assert str(path) in str(caught.value)


def test_a_full_disk_leaves_the_last_state(
    tmp_path: Path, honest: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vdf.record.os.fsync", full)
        for _ in range(3):  # again and again, before there is room
            with pytest.raises(StorageError) as caught:
                evaluate(RSA2048, X, T, state=path)
            assert caught.value.code == "delay-state-unwritable"
    assert continued_at(path, honest) == 3 * SLICE


def test_what_a_killed_writer_left_is_no_state(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.with_name("delay.state.tmp").write_bytes(b"half a sta")
    assert same(evaluate(RSA2048, X, T, state=path), honest)
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_the_state_is_bound_to_group_input_and_length() -> None:
    group, other = Elements(RSA2048.modulus - 2), bytes(255) + b"\3"
    calls = [(RSA2048, X, T), (group, X, T), (RSA2048, other, T), (RSA2048, X, T + 1)]
    assert len({state_file(None, *call)._head for call in calls}) == 4


@pytest.mark.parametrize("interval", [1, 7, 64, 100, T // 2, T, 2 * T])
@pytest.mark.parametrize("looks", [0, 3, 10, 11])
def test_a_state_made_with_other_knobs_continues(
    tmp_path: Path, honest: Evaluation, monkeypatch: pytest.MonkeyPatch, interval: int, looks: int
) -> None:
    """With its own layout to the end: the same y, and the same π."""
    path = tmp_path / "delay.state"
    with monkeypatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda squarings: layout_of(squarings, interval))
        if looks < 11:
            interrupted(path, looks)
        else:
            evaluate(RSA2048, X, T, state=path)
    seen: list[int] = []
    done = evaluate(RSA2048, X, T, state=path, progress=lambda at, _: seen.append(at))
    assert seen[0] == min(T, looks * SLICE)
    assert (done.y, done.layout) == (honest.y, layout_of(T, interval))
    assert prove(RSA2048, done) == prove(RSA2048, honest)


def test_an_older_file_with_other_knobs_continues(
    tmp_path: Path, honest: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file says its own layout."""
    path = tmp_path / "delay.state"
    with monkeypatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda squarings: layout_of(squarings, 100))
        interrupted(path, 3)
    os.replace(path, path.with_name("moved"))
    discard(path)
    interrupted(path, 4)
    os.replace(path.with_name("moved"), older(path))
    assert continued_at(path, honest) == 4 * SLICE
    discard(path)
    with monkeypatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda squarings: layout_of(squarings, 100))
        interrupted(path, 3)
        interrupted(path, 2)
    path.write_bytes(b"garbage")
    done = evaluate(RSA2048, X, T, state=path)
    assert (done.y, done.layout) == (honest.y, layout_of(T, 100))


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "delay.state"
    for file in (path, older(path), proof_state(path), older(proof_state(path)), tmp_path / "other.state"):
        file.write_bytes(b"1")
    discard(path)
    assert os.listdir(tmp_path) == ["other.state"]
    discard(path)
    older(path).mkdir()
    with pytest.raises(StorageError) as caught:
        discard(path)
    assert caught.value.code == "delay-state-unwritable"


# --- the proof's own state --------------------------------------------------------------------------------

QUICK_GROUP = RsaGroup("quick", QUICK)
QUICK_X = hash_to_element(QUICK, bytes(32))


@pytest.fixture(scope="module")
def proven(knobs: None) -> Delay:
    """The delay whose proof is interrupted below; its layout has many columns."""
    return QUICK_GROUP.delay(QUICK_X, 60_000)


def proof_interrupted(path: Path, columns: int = 3) -> Path:
    """The delay's proof stopped after some columns; the proof's state file."""
    said: list[bytes] = []
    stop = stop_after(columns - 1)
    with pytest.raises(Interrupted) as caught:
        QUICK_GROUP.delay(QUICK_X, 60_000, state=path, on_output=said.append, stop=lambda: said and stop())
    assert caught.value.code == "delay-interrupted"
    return path.with_name(f"{path.name}.proof")


def columns_left(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[64:72], "big")


def finished(path: Path, done: Delay, monkeypatch: pytest.MonkeyPatch) -> int:
    """Finish; how many columns that took."""
    from vdf.rsa import power

    taken, inner_products = [], power._inner_products

    def counted(*arguments) -> Iterator[bytes]:
        for product in inner_products(*arguments):
            taken.append(product)
            yield product

    with monkeypatch.context() as patch:
        patch.setattr(power, "_inner_products", counted)
        assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == done
    assert path.exists()  # removed by the caller, when the delay is safe
    return len(taken)


def test_a_stopped_proof_continues_where_it_was(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, columns = tmp_path / "delay.state", layout_of(60_000).columns
    proof = proof_interrupted(path, 3)
    assert columns_left(proof) == columns - 3 > 0
    assert finished(path, proven, monkeypatch) == columns - 3


def test_a_proof_stopped_at_every_column(tmp_path: Path, proven: Delay) -> None:
    path = tmp_path / "delay.state"
    for done in range(1, layout_of(60_000).columns):
        assert columns_left(proof_interrupted(path, 1)) == layout_of(60_000).columns - done
    assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == proven


PROOF_DAMAGE = {name: change for name, change in DAMAGE.items() if name not in ("current", "stored")}


@pytest.mark.parametrize("damage", PROOF_DAMAGE)
def test_damaged_proof_states_are_kept_aside(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "delay.state"
    proof = proof_interrupted(path)
    damaged = PROOF_DAMAGE[damage](proof.read_bytes())
    proof.write_bytes(damaged)
    assert finished(path, proven, monkeypatch) == layout_of(60_000).columns
    aside = tmp_path / "delay.state.proof.damaged"
    if damage == "digest of nothing":  # intact, and of no proof at all: as if there were none
        assert not aside.exists()
    else:
        assert aside.read_bytes() == damaged


def test_a_damaged_proof_state_goes_on_from_the_one_before(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, columns = tmp_path / "delay.state", layout_of(60_000).columns
    proof_interrupted(path, 2)
    proof = proof_interrupted(path, 1)
    assert [columns_left(file) for file in (proof, older(proof))] == [columns - 3, columns - 2]
    proof.write_bytes(b"garbage")
    assert finished(path, proven, monkeypatch) == columns - 2


def proof_body(left: int | None = None, result: bytes | None = None) -> Callable[[bytes], bytes]:
    """An intact proof state with other numbers in it."""

    def change(body: bytes) -> bytes:
        number = body[64:72] if left is None else left.to_bytes(8, "big")
        return body[:64] + number + (body[72:] if result is None else result)

    return resealed(change)


IMPOSSIBLE_PROOFS = {
    "more columns than there are": proof_body(left=1 << 40),
    "no result": proof_body(result=b""),
    "short result": proof_body(result=bytes(QUICK.element_bytes - 1)),
    "long result": proof_body(result=bytes(QUICK.element_bytes + 1)),
    "0": proof_body(result=bytes(QUICK.element_bytes)),
    "N": proof_body(result=QUICK.modulus.to_bytes(QUICK.element_bytes, "big")),
    "all ones": proof_body(result=b"\xff" * QUICK.element_bytes),
}


@pytest.mark.parametrize("change", IMPOSSIBLE_PROOFS)
def test_impossible_proof_states_are_kept_aside(tmp_path: Path, proven: Delay, change: str) -> None:
    path = tmp_path / "delay.state"
    proof = proof_interrupted(path)
    proof.write_bytes(IMPOSSIBLE_PROOFS[change](proof.read_bytes()))
    assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == proven
    assert (tmp_path / "delay.state.proof.damaged").exists()


FALSE_PROOFS = {
    "another result": proof_body(result=bytes(QUICK.element_bytes - 1) + b"\2"),
    "finished": proof_body(left=0),
    "a column skipped": resealed(flip(71)),
}


@pytest.mark.parametrize("change", FALSE_PROOFS)
def test_false_proof_states_cost_a_proof(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The proof is made once more, from the start; of the evaluation nothing is lost."""
    path = tmp_path / "delay.state"
    proof = proof_interrupted(path)
    proof.write_bytes(FALSE_PROOFS[change](proof.read_bytes()))
    columns = columns_left(proof) + layout_of(60_000).columns
    assert finished(path, proven, monkeypatch) == columns
    assert not list(tmp_path.glob("*.damaged"))


def test_one_fault_in_a_proof_leaves_the_evaluation(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vdf.rsa import wesolowski

    path, honest_power, calls = tmp_path / "delay.state", wesolowski.quotient_power, []

    def faulty(*arguments: object, **named: object) -> bytes:
        calls.append(named)
        return QUICK_X if len(calls) == 1 else honest_power(*arguments, **named)

    monkeypatch.setattr(wesolowski, "quotient_power", faulty)
    assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == proven
    assert [call["state"] for call in calls] == [proof_state(path)] * 2
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]


def test_two_false_proofs_set_everything_aside(
    tmp_path: Path, proven: Delay, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delay.state"
    proof_interrupted(path, 2)
    proof_interrupted(path, 1)
    with monkeypatch.context() as patch:
        patch.setattr("vdf.rsa.wesolowski.quotient_power", lambda *_, **__: QUICK_X)
        with pytest.raises(Rejected) as caught:
            QUICK_GROUP.delay(QUICK_X, 60_000, state=path)
    assert caught.value.code == "delay-miscomputed"
    names = ["delay.state", "delay.state.1"]  # the false proof's own state went before the second attempt
    assert set(os.listdir(tmp_path)) == {f"{name}.damaged" for name in names}
    assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == proven


def test_a_proof_state_of_another_proof_counts_as_none(tmp_path: Path) -> None:
    """Of another delay, or of the same with one element changed: only time is lost."""
    proof = proof_interrupted(tmp_path / "delay.state")
    done = evaluate(QUICK, hash_to_element(QUICK, b"\1" * 32), 60_000)
    assert prove(QUICK, done, state=proof) == prove(QUICK, done)
    os.replace(proof, older(proof))
    assert prove(QUICK, done, state=proof) == prove(QUICK, done)
    with pytest.raises(Interrupted):  # and it may be written over
        prove(QUICK, done, state=proof, stop=lambda: True)
    assert columns_left(proof) == done.layout.columns - 1
    assert prove(QUICK, done, state=proof) == prove(QUICK, done)


def test_the_same_proof_of_other_stored_elements_is_another(tmp_path: Path, proven: Delay) -> None:
    """One element changed: what is saved of the true proof is not believed for the false one."""
    path = tmp_path / "delay.state"
    proof = proof_interrupted(path, 4)
    done = evaluate(QUICK, QUICK_X, 60_000)
    spoilt = bytearray(done.stored.encode())
    spoilt[-1] ^= 1
    false = Evaluation(
        done.x, done.y, 60_000, done.layout, _escapement.Stored.decode(QUICK.native, bytes(spoilt))
    )
    with pytest.raises(Rejected):
        prove(QUICK, false, state=proof)
    assert prove(QUICK, done, state=proof) == proven.pi


def test_when_the_result_cannot_be_saved_nothing_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluation and proof are finished, the disk is full: their files stay, and the next call has both."""
    from vdf.rsa import evaluation, power

    path = tmp_path / "delay.state"
    monkeypatch.setattr(power, "SAVE_SECONDS", 0.0)
    done = QUICK_GROUP.delay(QUICK_X, 60_000, state=path)
    assert (position(path), columns_left(proof_state(path))) == (60_000, 0)
    slices: list[int] = []
    monkeypatch.setattr(evaluation, "_timed", lambda *arguments: slices.append(1) or 1)
    assert finished(path, done, monkeypatch) == 0
    assert not slices


# --- processes --------------------------------------------------------------------------------------------

SPAWN = multiprocessing.get_context("spawn")
LONG = 1 << 45
MIDDLE = 3_000_000  # squarings of QUICK: a second or so, and a proof of many columns


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll for up to two minutes; a limit for broken code, not a measurement."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("nothing happened")


def evaluate_in_child(modulus: int, x: bytes, squarings: int, path: Path, event=None) -> None:
    """What a child process does; it saves five times a second."""
    from vdf.rsa import evaluation

    hold_the_knobs(pytest.MonkeyPatch())
    evaluation.SLICE_SECONDS, evaluation.SAVE_SECONDS = 0.01, 0.2
    evaluate(Elements(modulus), x, squarings, state=path, stop=event.is_set if event else None)


def delay_in_child(path: Path, save_seconds: float) -> None:
    """A whole delay."""
    from vdf.rsa import evaluation, power

    hold_the_knobs(pytest.MonkeyPatch())
    evaluation.SLICE_SECONDS = 0.01
    evaluation.SAVE_SECONDS, evaluation.SAVE_SHARE, power.SAVE_SECONDS = save_seconds, 0, save_seconds
    QUICK_GROUP.delay(QUICK_X, MIDDLE, state=path)


def test_a_spawned_process_stops_when_told(tmp_path: Path) -> None:
    path, event = tmp_path / "delay.state", SPAWN.Event()
    child = SPAWN.Process(target=evaluate_in_child, args=(RSA2048.modulus, X, LONG, path, event))
    child.start()
    wait_for(path.exists)
    time.sleep(0.1)
    event.set()
    child.join(120)
    assert child.exitcode == 1  # Interrupted, uncaught
    at = position(path)
    assert at > 0
    seen: list[int] = []
    with pytest.raises(Interrupted):
        evaluate(RSA2048, X, LONG, state=path, progress=lambda done, _: seen.append(done), stop=stop_after(2))
    assert seen[0] == at


def test_a_killed_process_loses_seconds_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at no particular moment, twice; the state stays a true power of x."""
    path, before = tmp_path / "delay.state", -1
    for _ in range(2):
        child = SPAWN.Process(target=evaluate_in_child, args=(QUICK.modulus, QUICK_X, LONG, path))
        child.start()
        wait_for(lambda least=before: newest_position(path) > least)
        child.kill()
        child.join(120)
        before = newest_position(path)
    with pytest.raises(Interrupted):
        evaluate(QUICK, QUICK_X, LONG, state=path, stop=stop_after(3))
    at, size = position(path), QUICK.element_bytes
    assert at == before + 3 * SLICE
    current = int.from_bytes(path.read_bytes()[CURRENT : CURRENT + size], "big")
    assert current == pow(int.from_bytes(QUICK_X, "big"), pow(2, at, CARMICHAEL), QUICK.modulus)


def test_killed_at_random_moments_of_evaluation_and_proof(tmp_path: Path) -> None:
    """Again and again, until it is through, with the result of a delay that nothing happened to."""
    path, proof = tmp_path / "delay.state", tmp_path / "delay.state.proof"
    choose, moments = random.Random(0), [path, proof, path, proof, path, proof, proof]
    seen_in_proof = 0
    for moment in moments:
        child = SPAWN.Process(target=delay_in_child, args=(path, 0.0))
        child.start()
        wait_for(lambda process=child, file=moment: file.exists() or not process.is_alive())
        seen_in_proof += proof.exists()
        time.sleep(choose.uniform(0, 0.03))
        child.kill()
        child.join(120)
    assert seen_in_proof > 1
    delay_in_child(path, 0.0)
    names = {path.name, proof.name}
    assert {name.removesuffix(".tmp").removesuffix(".1") for name in os.listdir(tmp_path)} == names
    done = QUICK_GROUP.delay(QUICK_X, MIDDLE, state=path)
    assert int.from_bytes(done.y, "big") in signed(
        pow(int.from_bytes(QUICK_X, "big"), pow(2, MIDDLE, CARMICHAEL), QUICK.modulus)
    )
    assert plain.verify(QUICK_X, done.y, done.pi, MIDDLE, QUICK.modulus)


def signed(value: int) -> tuple[int, int]:
    return value, QUICK.modulus - value


def position(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[64:72], "big")


def newest_position(path: Path) -> int:
    """Also while or after the file is being replaced; −1 if there is none yet."""
    for file in (path, older(path)):
        with contextlib.suppress(FileNotFoundError):
            return position(file)
    return -1


CARMICHAEL = (2**127 - 2) * (2**89 - 2)  # a multiple of the order of every element of QUICK
