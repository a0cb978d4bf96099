"""State files of evaluation and proof: continued after stop, kill and full disks; no damaged or foreign one
is ever believed.
"""

import dataclasses
import hashlib
import logging
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import vdf
from tests.vdf import plain
from vdf import Delay
from vdf.errors import Interrupted, Rejected, StorageError
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


def layout_of(squarings: int) -> Layout:
    """One that does not move with the knobs: five columns for what is not too long."""
    interval = max(40, squarings >> 16)
    return Layout(interval, max(0, -(-(squarings - 255) // interval)), 8)


def hold_the_knobs(patch: pytest.MonkeyPatch) -> None:
    """Every slice is SLICE squarings, however fast the machine, and every layout `layout_of`."""
    patch.setattr("vdf.rsa.evaluation.SLICE_SECONDS", 0.0)
    patch.setattr("vdf.rsa.evaluation.choose_layout", layout_of)
    patch.setattr("vdf.rsa.group.choose_layout", layout_of)


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
    assert os.listdir(tmp_path) == ["delay.state"]


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
    "current": flip(72 + 255),
    "stored": flip(72 + 256 + 255),
    "digest": flip(-1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_kept_aside_and_named(
    tmp_path: Path, honest: Evaluation, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path, kept = tmp_path / "delay.state", tmp_path / "delay.state.damaged"
    interrupted(path, 3)
    damaged = DAMAGE[damage](path.read_bytes())
    path.write_bytes(damaged)
    seen: list[int] = []
    if damage == "digest of nothing":  # intact in form, and of no delay at all
        with pytest.raises(StorageError) as caught:
            evaluate(RSA2048, X, T, state=path)
        assert caught.value.code == "delay-state-foreign"
        return
    with caplog.at_level(logging.WARNING, logger="vdf.record"):
        again = evaluate(RSA2048, X, T, state=path, progress=lambda done, _: seen.append(done))
    assert same(again, honest)
    assert seen[0] == 0
    assert kept.read_bytes() == damaged
    assert str(path) in caplog.text and str(kept) in caplog.text


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
def test_impossible_states_are_kept_aside(tmp_path: Path, honest: Evaluation, change: str) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.write_bytes(IMPOSSIBLE[change](path.read_bytes()))
    assert same(evaluate(RSA2048, X, T, state=path), honest)
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
    assert os.listdir(tmp_path) == ["delay.state"]


# --- a state that is intact and does not hang together: a fault before the digest was made ---------------

SIZE = RSA2048.element_bytes
CURRENT, STORED = 72, 72 + SIZE


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
    interrupted(path, 3)
    changed = INCONSISTENT[change](path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    seen: list[int] = []
    assert same(evaluate(RSA2048, X, T, state=path, progress=lambda at, _: seen.append(at)), honest)
    assert seen[0] == 0
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
        with pytest.raises(StorageError) as caught:
            evaluate(RSA2048, X, T, state=path)
    assert caught.value.code == "delay-state-unwritable"
    assert same(evaluate(RSA2048, X, T, state=path), honest)


def test_what_a_killed_writer_left_is_no_state(tmp_path: Path, honest: Evaluation) -> None:
    path = tmp_path / "delay.state"
    interrupted(path, 3)
    path.with_name("delay.state.tmp").write_bytes(b"half a sta")
    assert same(evaluate(RSA2048, X, T, state=path), honest)
    assert os.listdir(tmp_path) == ["delay.state"]


def test_the_state_is_bound_to_its_layout() -> None:
    layout = layout_of(T)
    others = [
        dataclasses.replace(layout, interval=layout.interval + 1),
        dataclasses.replace(layout, count=layout.count - 1),
    ]
    heads = {state_file(None, RSA2048, X, T, chosen)._head for chosen in (layout, *others)}
    assert len(heads) == 3


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
    assert not path.with_name(f"{path.name}.proof").exists()
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
    if damage == "digest of nothing":
        with pytest.raises(StorageError) as caught:
            QUICK_GROUP.delay(QUICK_X, 60_000, state=path)
        assert caught.value.code == "delay-state-foreign"
        assert proof.read_bytes() == damaged
        return
    assert finished(path, proven, monkeypatch) == layout_of(60_000).columns
    assert (tmp_path / "delay.state.proof.damaged").read_bytes() == damaged


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
def test_false_proof_states_give_no_proof(tmp_path: Path, proven: Delay, change: str) -> None:
    """The files are set aside, so that the next call starts again and succeeds."""
    path = tmp_path / "delay.state"
    proof = proof_interrupted(path)
    proof.write_bytes(FALSE_PROOFS[change](proof.read_bytes()))
    with pytest.raises(Rejected) as caught:
        QUICK_GROUP.delay(QUICK_X, 60_000, state=path)
    assert caught.value.code == "delay-miscomputed"
    assert not proof.exists()
    assert QUICK_GROUP.delay(QUICK_X, 60_000, state=path) == proven


def test_the_proofs_state_is_bound_to_what_is_stored(tmp_path: Path) -> None:
    """Of another delay, or of the same with one element changed, it is foreign."""
    proof = proof_interrupted(tmp_path / "delay.state")
    before = proof.read_bytes()
    done = evaluate(QUICK, hash_to_element(QUICK, b"\1" * 32), 60_000)
    with pytest.raises(StorageError) as caught:
        prove(QUICK, done, state=proof)
    assert caught.value.code == "delay-state-foreign"
    assert proof.read_bytes() == before


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
        wait_for(lambda least=before: path.exists() and position(path) > least)
        child.kill()
        child.join(120)
        before = position(path)
    with pytest.raises(Interrupted):
        evaluate(QUICK, QUICK_X, LONG, state=path, stop=stop_after(3))
    at, size = position(path), QUICK.element_bytes
    assert at == before + 3 * SLICE
    current = int.from_bytes(path.read_bytes()[72 : 72 + size], "big")
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
    assert set(os.listdir(tmp_path)) <= {"delay.state", "delay.state.tmp", "delay.state.proof.tmp"}
    done = QUICK_GROUP.delay(QUICK_X, MIDDLE, state=path)
    assert int.from_bytes(done.y, "big") in signed(
        pow(int.from_bytes(QUICK_X, "big"), pow(2, MIDDLE, CARMICHAEL), QUICK.modulus)
    )
    assert plain.verify(QUICK_X, done.y, done.pi, MIDDLE, QUICK.modulus)


def signed(value: int) -> tuple[int, int]:
    return value, QUICK.modulus - value


def position(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[64:72], "big")


CARMICHAEL = (2**127 - 2) * (2**89 - 2)  # a multiple of the order of every element of QUICK
