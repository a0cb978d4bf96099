"""Output helpers and the mapping from exceptions to exit codes."""

from pathlib import Path

import pytest
import typer

from escapement import console
from escapement.errors import EscapementError, ResourceError, classify
from ivc.errors import Malformed, Rejected


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (Rejected("request-mismatch", "no"), "request-mismatch", 1),
        (Malformed("trailing-bytes", "no"), "trailing-bytes", 5),
        (ResourceError("memory", "no"), "memory", 4),
        (EscapementError("x", "no", 3), "x", 3),
        (FileNotFoundError(2, "No such file", "a"), "io", 5),
        (MemoryError(), "out-of-memory", 4),
        (KeyboardInterrupt(), "interrupted", 130),
        (typer.BadParameter("no"), "usage", 2),
        (ZeroDivisionError("no"), "internal", 70),
    ],
)
def test_every_exception_has_one_exit_code(error: BaseException, code: str, exit_code: int) -> None:
    failure = classify(error)
    assert (failure.code, failure.exit_code) == (code, exit_code)


def test_only_faults_of_the_program_are_unexpected() -> None:
    assert classify(Rejected("a", "b")).expected
    assert not classify(AssertionError()).expected


def test_values_become_json_types() -> None:
    assert console.plain({"a": b"\x01\xff", "b": (Path("c"), 1.5, None)}) == {
        "a": "01ff",
        "b": ["c", 1.5, None],
    }


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")]
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert console.human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.314, "0.31 s"),
        (12.34, "12.3 s"),
        (59.97, "60.0 s"),
        (245, "4 min 05 s"),
        (7260, "2 h 01 min"),
        (183600, "2 d 3 h"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert console.human_seconds(seconds) == text
