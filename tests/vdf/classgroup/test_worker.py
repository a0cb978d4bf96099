"""The native process when it fails: crashes, hangs and nonsense, while verifying and while proving."""

import json
import os
import sys
from pathlib import Path

import pytest

from vdf.classgroup import ClassGroup
from vdf.classgroup.discriminant import setting
from vdf.classgroup.forms import IDENTITY
from vdf.errors import Rejected, VdfError
from vdf.group import Delay

pytest.importorskip("chiavdf")

GROUP, T = ClassGroup("class-1024", sub_squarings=300), 1000  # four sub-delays, the last one of 100
X = GROUP.input(bytes(32), T)


@pytest.fixture(scope="module")
def honest() -> Delay:
    return GROUP.delay(X, T)


def stub(answers: str) -> list[str]:
    """A worker that greets and then, for the first question, runs `answers`."""
    return [
        sys.executable,
        "-c",
        f"import os, sys, time; print('{READY}', flush=True); sys.stdin.readline(); {answers}",
    ]


READY = '{"ready": true}'


def say(text: str) -> str:
    return f"print('{text}', flush=True); time.sleep(60)"


VERIFYING = {
    "aborts": ("os.abort()", "delay-class-crashed", 1),
    "segmentation fault": ("os.kill(os.getpid(), 11)", "delay-class-crashed", 1),
    "killed": ("os.kill(os.getpid(), 9)", "delay-class-crashed", 1),
    "ends": ("sys.exit(0)", "delay-class-crashed", 1),
    "hangs": ("time.sleep(60)", "delay-class-timeout", 4),
    "half a line": ("print('{', end='', flush=True); time.sleep(60)", "delay-class-timeout", 4),
    "no JSON": (say("yes"), "delay-class-crashed", 1),
    "deep JSON": ("print('[' * 4000, flush=True)", "delay-class-crashed", 1),
    "too much": ("print('[' * 5000, end='', flush=True); time.sleep(60)", "delay-class-crashed", 1),
    "a number": (say('{"holds": 1}'), "delay-class-crashed", 1),
    "a text": (say('{"holds": "true"}'), "delay-class-crashed", 1),
    "a list": (say("[true]"), "delay-class-crashed", 1),
    "refuses": (say('{"error": "RuntimeError"}'), "delay-false", 1),
    "false": (say('{"holds": false}'), "delay-false", 1),
}


@pytest.mark.parametrize("how", VERIFYING)
def test_verifying_processes_that_fail(honest: Delay, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    answers, code, exit_code = VERIFYING[how]
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", stub(answers))
    monkeypatch.setattr("vdf.classgroup.client.VERIFY_SECONDS", 0.5)
    with pytest.raises(VdfError, match="delay 0: sub-delay 0 of 4") as caught:
        GROUP.verify_each([honest, honest])
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)


def test_a_crash_names_its_delay(honest: Delay, monkeypatch: pytest.MonkeyPatch) -> None:
    six = "print('{\"holds\": true}\\n' * 6, end='', flush=True)"
    answers = f"{six}; [sys.stdin.readline() for _ in range(6)]; os.abort()"
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", stub(answers))
    with pytest.raises(Rejected, match=r"delay 1: sub-delay 2 of 4.*SIGABRT"):
        GROUP.verify_each([honest, honest, honest])


STARTING = {
    "not installed": (["-c", 'print(\'{"missing": "No module"}\', flush=True)'], "delay-class-missing"),
    "ends at once": (["-c", ""], "delay-class-missing"),
    "illegal instruction": (["-c", "import os; os.kill(os.getpid(), 4)"], "delay-class-missing"),
    "nonsense": (["-c", "print('[]', flush=True)"], "delay-class-missing"),
    "hangs": (["-c", "import time; time.sleep(60)"], "delay-class-timeout"),
}


@pytest.mark.parametrize("how", STARTING)
def test_processes_that_do_not_start(honest: Delay, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    arguments, code = STARTING[how]
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", [sys.executable, *arguments])
    monkeypatch.setattr("vdf.classgroup.client.START_SECONDS", 0.5 if how == "hangs" else 30)
    for call in (lambda: GROUP.verify(X, honest.y, honest.pi, T), lambda: GROUP.delay(X, T)):
        with pytest.raises(VdfError) as caught:
            call()
        assert (caught.value.code, caught.value.exit_code) == (code, 4)
        assert code != "delay-class-missing" or "pip install" in str(caught.value)


def test_without_chiavdf(monkeypatch: pytest.MonkeyPatch, honest: Delay, tmp_path: Path) -> None:
    """The real worker, and a chiavdf that cannot be imported."""
    (tmp_path / "chiavdf.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(VdfError, match="escapement\\[classgroup\\]") as caught:
        GROUP.verify(X, honest.y, honest.pi, T)
    assert (caught.value.code, caught.value.exit_code) == ("delay-class-missing", 4)


def false_delay() -> str:
    """An answer with the canonical forms of a delay that is false."""
    return json.dumps({"y": setting(X, T).base.hex(), "pi": IDENTITY.hex(), "seconds": 0.1})


PROVING = {
    "dies": ("os.abort()", "delay-class-died", 4),
    "no JSON": (say("{"), "delay-class-died", 4),
    "an error": (say('{"error": "MemoryError"}'), "delay-class-died", 4),
    "no hexadecimal": (
        say(json.dumps({"y": "x" * 200, "pi": "x" * 200, "seconds": 0.1})),
        "delay-class-died",
        4,
    ),
    "short": (say('{"y": "00", "pi": "00", "seconds": 0.1}'), "delay-class-died", 4),
    "not canonical": (
        say(json.dumps({"y": "ff" * 100, "pi": "00" * 100, "seconds": 0.1})),
        "delay-miscomputed",
        1,
    ),
    "false": (
        f"print('{false_delay()}', flush=True); sys.stdin.readline(); " + say('{"holds": false}'),
        "delay-miscomputed",
        1,
    ),
}


@pytest.mark.parametrize("how", PROVING)
def test_proving_processes_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    answers, code, exit_code = PROVING[how]
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", stub(answers))
    with pytest.raises(VdfError) as caught:
        GROUP.delay(X, T, state=tmp_path / "state")
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert os.listdir(tmp_path) == []
