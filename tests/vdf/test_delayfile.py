"""Delay files: they come back as they were, and what is no file of a delay is refused by its code."""

import dataclasses
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from vdf import delayfile, runfile
from vdf.delayfile import DelayFile, kept_path
from vdf.errors import Malformed, Rejected, StorageError, UsageError, VdfError
from vdf.runfile import RunFile

GROUP = vdf.group("rsa-2048")
CONTEXT = bytes(range(32))
DONE = GROUP.delay(GROUP.input(CONTEXT, 3000), 3000)
CONTENT = DelayFile("rsa-2048", CONTEXT, DONE, 1.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved delay."""
    delayfile.save(tmp_path / "one.json", CONTENT)
    return tmp_path / "one.json"


def rewritten(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def refused(path: Path, code: str, kind: type[VdfError], *, kept: bool = False) -> None:
    with pytest.raises(VdfError) as caught:
        delayfile.load(path, kept=kept)
    assert (caught.value.code, type(caught.value)) == (code, kind)
    assert str(path.parent) in str(caught.value)


def test_a_delay_comes_back(path: Path) -> None:
    assert sorted(os.listdir(path.parent)) == ["one.json", "one.json.kept"]
    assert len(DONE.load_kept()) > 256
    found = delayfile.load(path, kept=True)
    assert found.delay.kept == kept_path(path)  # the elements of many delays are not held in memory
    assert dataclasses.replace(found.delay, kept=found.delay.load_kept()) == DONE
    assert dataclasses.replace(found, delay=DONE) == CONTENT
    GROUP.verify_run([DONE.x], [DONE.y], GROUP.prove_run([found.delay]), 3000)


def test_who_verifies_needs_the_one_file(path: Path) -> None:
    kept_path(path).unlink()
    found = delayfile.load(path)
    assert dataclasses.replace(DONE, kept=b"") == found.delay
    GROUP.verify_each([found.delay])
    refused(path, "delay-file", Malformed, kept=True)
    kept_path(path).mkdir()
    delayfile.load(path)
    refused(path, "delay-file-unreadable", StorageError, kept=True)


def test_a_short_delay_keeps_no_element(tmp_path: Path) -> None:
    done = GROUP.delay(GROUP.input(CONTEXT, 200), 200)
    path = tmp_path / "one.json"
    delayfile.save(path, DelayFile("rsa-2048", CONTEXT, done, 0))
    assert len(kept_path(path).read_bytes()) == 8
    found = delayfile.load(path, kept=True).delay
    GROUP.verify_run([done.x], [done.y], GROUP.prove_run([found]), 200)


def test_a_group_that_keeps_nothing_has_one_file(tmp_path: Path) -> None:
    done = dataclasses.replace(DONE, kept=b"")
    delayfile.save(tmp_path / "one.json", DelayFile("rsa-2048", CONTEXT, done, 0))
    assert os.listdir(tmp_path) == ["one.json"]
    assert delayfile.load(tmp_path / "one.json", kept=True).delay == done


@pytest.mark.parametrize("names", [("delay.1", "delay.2"), ("delay", "delay.json"), ("a.b.c", "a.b.d")])
def test_names_that_differ_at_the_end_only(tmp_path: Path, names: tuple[str, str]) -> None:
    """Each delay has its own kept elements."""
    saved = []
    for name, context in zip(names, (CONTEXT, bytes(32)), strict=True):
        done = GROUP.delay(GROUP.input(context, 3000), 3000)
        delayfile.save(tmp_path / name, DelayFile("rsa-2048", context, done, 0))
        saved.append(done)
    found = [delayfile.load(tmp_path / name, kept=True).delay for name in names]
    assert [delay.load_kept() for delay in found] == [delay.load_kept() for delay in saved]
    assert len(os.listdir(tmp_path)) == 4
    assert GROUP.prove_run(found) == GROUP.prove_run(saved)


def test_a_saved_delay_can_be_saved_elsewhere(path: Path) -> None:
    """As it was loaded, with its kept elements still in a file."""
    copy = path.with_name("copy")
    delayfile.save(copy, delayfile.load(path, kept=True))
    assert [p.read_bytes() for p in (copy, kept_path(copy))] == [
        p.read_bytes() for p in (path, kept_path(path))
    ]


def test_what_is_saved_again_is_replaced(path: Path) -> None:
    other = bytes(32)
    done = GROUP.delay(GROUP.input(other, 1000), 1000)
    delayfile.save(path, DelayFile("rsa-2048", other, done, 2.0))
    found = delayfile.load(path, kept=True)
    assert (found.context, found.delay.y, found.delay.load_kept()) == (other, done.y, done.kept)
    assert sorted(os.listdir(path.parent)) == ["one.json", "one.json.kept"]


def test_the_input_is_computed_and_not_believed(path: Path) -> None:
    """There is no x in the file; a surplus one changes nothing, another context or T gives another x."""
    rewritten(path, x="00" * 256)
    assert delayfile.load(path).delay.x == DONE.x
    for changes in ({"context": "ff" * 32}, {"squarings": 3001}):
        rewritten(path, **{"context": CONTEXT.hex(), "squarings": 3000, **changes})
        found = delayfile.load(path)
        with pytest.raises(VdfError) as caught:
            GROUP.verify(found.delay.x, found.delay.y, found.delay.pi, found.delay.squarings)
        assert caught.value.code == "delay-false"


FAULTS: dict[str, dict[str, Any]] = {
    "another format": {"format": "escapement/delay/1"},
    "no group": {"group": "rsa-1024"},
    "group of another type": {"group": 1},
    "short context": {"context": "00" * 31},
    "long context": {"context": "00" * 33},
    "context not hexadecimal": {"context": "xy" * 32},
    "half a byte": {"y": "0"},
    "y of another type": {"y": 5},
    "π of another type": {"pi": [DONE.pi.hex()]},
    "T 0": {"squarings": 0},
    "T huge": {"squarings": 1 << 64},
    "T true": {"squarings": True},
    "T text": {"squarings": "3000"},
    "T not whole": {"squarings": 3000.0},
    "seconds text": {"seconds": "1"},
    "seconds true": {"seconds": True},
    "seconds beyond a float": {"seconds": 10**400},
    "kept of another type": {"kept": None},
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_delay(path: Path, name: str) -> None:
    rewritten(path, **FAULTS[name])
    refused(path, "delay-file", Malformed)


@pytest.mark.parametrize("field", list(delayfile._TYPES))
def test_no_field_may_be_missing(path: Path, field: str) -> None:
    fields = json.loads(path.read_bytes())
    del fields[field]
    path.write_text(json.dumps(fields))
    refused(path, "delay-file", Malformed)


DATA = {
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "half": b'{"format": ',
    "no text": b"\xff\xfe",
    "too long": b"[" + b"0," * (1 << 21) + b"0]",
    "too long, of spaces": b"{}" + b" " * (1 << 22),
    "many empty lists": b"[" + b"[]," * (1 << 20) + b"[]]",
    "too deep": b"[" * 100_000,
    "a number of thousands of digits": b"9" * 5000,
}


@pytest.mark.parametrize("name", DATA)
def test_bytes_that_are_no_file(path: Path, name: str) -> None:
    path.write_bytes(DATA[name])
    refused(path, "delay-file", Malformed)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_edited_files(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """An error of ours, or a delay that may be false."""
    path = tmp_path_factory.getbasetemp() / "edited.json"
    delayfile.save(path, CONTENT)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(bytes(content))
    try:
        found = delayfile.load(path, kept=True)
    except (Malformed, StorageError):
        return
    assert found.delay.x == vdf.group(found.group).input(found.context, found.delay.squarings)


@pytest.mark.parametrize("change", ["flipped", "truncated", "appended", "empty", "another delay's"])
def test_kept_elements_are_those_of_the_file(path: Path, change: str) -> None:
    kept = kept_path(path).read_bytes()
    broken = {
        "flipped": kept[:-1] + bytes([kept[-1] ^ 1]),
        "truncated": kept[:-1],
        "appended": kept + b"\0",
        "empty": b"",
        "another delay's": GROUP.delay(GROUP.input(bytes(32), 3000), 3000).load_kept(),
    }[change]
    kept_path(path).write_bytes(broken)
    refused(path, "delay-file", Malformed, kept=True)
    delayfile.load(path)


def test_kept_elements_with_a_digest_of_their_own(path: Path) -> None:
    """A fault before the digest was made: loading cannot see it, the proof of the run names the delay."""
    kept = bytearray(kept_path(path).read_bytes())
    kept[-1] ^= 1
    kept_path(path).write_bytes(kept)
    rewritten(path, kept=hashlib.sha256(kept).hexdigest())
    good = GROUP.delay(GROUP.input(bytes(32), 3000), 3000)
    for place in range(2):
        delays = [good]
        delays.insert(place, delayfile.load(path, kept=True).delay)
        with pytest.raises(Rejected) as caught:
            GROUP.prove_run(delays)
        assert caught.value.code == "delay-miscomputed"
        assert str(caught.value).startswith(f"delay {place}: ")


def test_kept_elements_that_vanish_after_loading(path: Path) -> None:
    found = delayfile.load(path, kept=True).delay
    kept_path(path).unlink()
    with pytest.raises(StorageError) as caught:
        GROUP.prove_run([found])
    assert caught.value.code == "delay-file-unreadable"
    assert str(kept_path(path)) in str(caught.value)


def test_a_full_disk_leaves_no_half_delay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two files has no room; the same call makes both when there is."""
    path, fsync = tmp_path / "one.json", os.fsync

    for room in (0, 2):  # a file and its folder
        calls = iter([fsync] * room)

        def full(handle: int, calls: Iterator[Callable[[int], None]] = calls) -> None:
            call = next(calls, None)
            if call is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            call(handle)

        with monkeypatch.context() as patch:
            patch.setattr("vdf.record.os.fsync", full)
            with pytest.raises(StorageError) as caught:
                delayfile.save(path, CONTENT)
        assert caught.value.code == "delay-file-unwritable"
        assert not path.exists()
    delayfile.save(path, CONTENT)
    assert sorted(os.listdir(tmp_path)) == ["one.json", "one.json.kept"]
    delayfile.load(path, kept=True)


HUNDRED = """
import resource, sys
from pathlib import Path
import vdf
from vdf import delayfile
group, folder = vdf.group("rsa-2048"), Path(sys.argv[1])
for index in range(100):
    context = bytes([index]) * 32
    done = group.delay(group.input(context, 600), 600)
    delayfile.save(folder / f"{index}.json", delayfile.DelayFile("rsa-2048", context, done, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
delays = [delayfile.load(folder / f"{index}.json", kept=True).delay for index in range(100)]
group.verify_each(delays)
proof = group.prove_run(delays)
group.verify_run([done.x for done in delays], [done.y for done in delays], proof, 600)
print(proof.hex())
"""


def test_more_delays_than_files_may_be_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HUNDRED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(bytes.fromhex(done.stdout)) == 256


# --- files of many delays: no more work than their bytes ---------------------------------------------------

RUN = RunFile("rsa-2048", 3000, (CONTEXT,), (DONE.y,), GROUP.prove_run([DONE]))
MUCH = 1 << 25  # bytes; the limit is four times as many
BOMBS: dict[str, Callable[[], bytes]] = {
    "empty lists": lambda: b"[" + b"[]," * (MUCH // 3) + b"[]]",
    "empty objects": lambda: b'{"delays": [' + b"{}," * (MUCH // 3) + b"{}]}",
    "numbers": lambda: b'{"delays": [' + b"0," * (MUCH // 2) + b"0]}",
    "fields": lambda: b"{" + b'"a":0,' * (MUCH // 6) + b'"a":0}',
    "brackets": lambda: b"[" * MUCH,
    "deep objects": lambda: b'{"a":' * 60_000 + b"0" + b"}" * 60_000,
    "one number": lambda: b"9" * MUCH,
    "one fraction": lambda: b"0." + b"1" * MUCH,
    "one text": lambda: b'"' + b"a" * MUCH + b'"',
    "escapes": lambda: b'"' + b"\\u0041" * (MUCH // 6) + b'"',
    "no text": lambda: b"\xff" * MUCH,
}


@pytest.mark.parametrize("name", BOMBS)
def test_files_of_many_delays_that_cannot_be(tmp_path: Path, name: str) -> None:
    """Refused before objects are built of them."""
    path = tmp_path / "run.json"
    path.write_bytes(BOMBS[name]())
    assert not runfile.is_run_file(path)
    with pytest.raises(Malformed) as caught:
        runfile.load(path)
    assert caught.value.code == "delays-file"
    assert len(str(caught.value)) < 1000
    path.unlink()


def test_a_file_of_more_bytes_than_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Malformed, match=f"at most {runfile.MOST_BYTES} bytes") as caught:
        runfile.load(path)
    assert caught.value.code == "delays-file"
    refused(path, "delay-file", Malformed)


@pytest.mark.parametrize("size", [0, 1, 40, 255, 256, 257])
def test_kinds_of_files_are_told_by_their_beginning(tmp_path: Path, size: int) -> None:
    path = tmp_path / "run.json"
    runfile.save(path, RUN)
    assert runfile.load(path) == RUN
    assert runfile.is_run_file(path)
    data = path.read_bytes()
    path.write_bytes(data[:size])
    assert runfile.is_run_file(path) == (size >= 40)
    path.write_bytes(b" " * size + data)
    assert runfile.load(path) == RUN
    delayfile.save(path, CONTENT)
    assert not runfile.is_run_file(path)


def test_a_run_file_holds_so_many_delays_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    many = dataclasses.replace(RUN, contexts=tuple(bytes([i]) * 32 for i in range(6)), ys=(DONE.y,) * 6)
    runfile.save(path, many)
    assert runfile.load(path) == many
    monkeypatch.setattr(runfile, "MOST_DELAYS", 5)
    with pytest.raises(Malformed):
        runfile.load(path)
    with pytest.raises(UsageError) as caught:
        runfile.save(path, many)
    assert caught.value.code == "delay-batch"
    monkeypatch.setattr(runfile, "MOST_DELAYS", 6)
    assert runfile.load(path) == many


def test_the_largest_run_file_comes_back(tmp_path: Path) -> None:
    """As many delays as there may be, in the shape that `save` writes."""
    number = runfile.MOST_DELAYS
    contexts = tuple(index.to_bytes(32, "big") for index in range(number))
    many = dataclasses.replace(RUN, contexts=contexts, ys=(DONE.y,) * number)
    runfile.save(tmp_path / "run.json", many)
    assert runfile.load(tmp_path / "run.json") == many


def test_places_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    refused(tmp_path / "none.json", "delay-file-unreadable", StorageError)
    refused(tmp_path, "delay-file-unreadable", StorageError)
    with pytest.raises(StorageError) as caught:
        delayfile.save(tmp_path / "none" / "one.json", CONTENT)
    assert caught.value.code == "delay-file-unwritable"
