"""Delay files: they come back as they were, and what is no file of a delay is refused by its code."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from vdf import delayfile
from vdf.delayfile import DelayFile, kept_path
from vdf.errors import Malformed, StorageError, VdfError

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
    assert sorted(os.listdir(path.parent)) == ["one.json", "one.kept"]
    assert len(DONE.kept) > 256
    found = delayfile.load(path, kept=True)
    assert dataclasses.replace(found.delay, kept=bytes(found.delay.kept)) == DONE
    assert dataclasses.replace(found, delay=DONE) == CONTENT
    GROUP.verify_run([DONE.x], [DONE.y], GROUP.prove_run([found.delay]), 3000)


def test_who_verifies_needs_the_one_file(path: Path) -> None:
    kept_path(path).unlink()
    found = delayfile.load(path)
    assert dataclasses.replace(DONE, kept=b"") == found.delay
    GROUP.verify_each([found.delay])
    refused(path, "delay-file-unreadable", StorageError, kept=True)


def test_a_short_delay_keeps_nothing(tmp_path: Path) -> None:
    done = GROUP.delay(GROUP.input(CONTEXT, 200), 200)
    delayfile.save(tmp_path / "one.json", DelayFile("rsa-2048", CONTEXT, done, 0))
    assert os.listdir(tmp_path) == ["one.json"]
    assert delayfile.load(tmp_path / "one.json", kept=True).delay == done


def test_what_is_saved_again_is_replaced(path: Path) -> None:
    other = bytes(32)
    done = GROUP.delay(GROUP.input(other, 1000), 1000)
    delayfile.save(path, DelayFile("rsa-2048", other, done, 2.0))
    found = delayfile.load(path, kept=True)
    assert (found.context, found.delay.y, bytes(found.delay.kept)) == (other, done.y, done.kept)
    assert sorted(os.listdir(path.parent)) == ["one.json", "one.kept"]


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
    "too long": b"[" + b"0," * (1 << 20) + b"0]",
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
        "another delay's": bytes(GROUP.delay(GROUP.input(bytes(32), 3000), 3000).kept),
    }[change]
    kept_path(path).write_bytes(broken)
    empty = change == "empty"
    code, kind = ("delay-file-unreadable", StorageError) if empty else ("delay-file", Malformed)
    refused(path, code, kind, kept=True)
    delayfile.load(path)


def test_places_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    refused(tmp_path / "none.json", "delay-file-unreadable", StorageError)
    refused(tmp_path, "delay-file-unreadable", StorageError)
    with pytest.raises(StorageError) as caught:
        delayfile.save(tmp_path / "none" / "one.json", CONTENT)
    assert caught.value.code == "delay-file-unwritable"
