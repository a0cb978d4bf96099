"""The native process when it fails: crashes, hangs and nonsense, while verifying and while proving."""

import json
import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from vdf.classgroup import ClassGroup
from vdf.classgroup.chain import Step
from vdf.classgroup.checking import Checker, Claim
from vdf.classgroup.client import Worker
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
    "killed": ("os.kill(os.getpid(), 9)", "delay-class-died", 4),
    "terminated": ("os.kill(os.getpid(), 15)", "delay-class-died", 4),
    "hung up": ("os.kill(os.getpid(), 1)", "delay-class-died", 4),
    "an unnamed signal": ("os.kill(os.getpid(), 40)", "delay-class-crashed", 1),
    "no memory": (say('{"memory": "MemoryError"}'), "delay-class-died", 4),
    "fails": (say('{"failed": "TypeError"}'), "delay-class-crashed", 1),
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


def script(body: str, **names: object) -> list[str]:
    """A worker that greets, and for every question runs `body` with `line` and these names."""
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    loop = f"print({READY!r}, flush=True)\nfor line in sys.stdin:\n{textwrap.indent(body, '    ')}"
    return [sys.executable, "-c", f"import json, os, pathlib, sys, time\n{given}{loop}"]


HOLDS = """print('{"holds": true}', flush=True)"""


def test_a_crash_names_its_delay(honest: Delay, monkeypatch: pytest.MonkeyPatch) -> None:
    other = GROUP.delay(b"\1" * 32, T)
    crashing = script(f"if form in line: os.abort()\n{HOLDS}", form=other.pi[400:500].hex())
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", crashing)
    with pytest.raises(Rejected, match=r"delay 1: sub-delay 2 of 4.*SIGABRT"):
        GROUP.verify_each([honest, other, honest])


# First process, second process, what comes of it, and how many processes there were.
TWICE: dict[str, tuple[str, str, str | None, int]] = {
    "a crash that does not come back": ("os.abort()", HOLDS, None, 2),
    "a segmentation fault that does not come back": ("os.kill(os.getpid(), 11)", HOLDS, None, 2),
    "an end that does not come back": ("sys.exit(0)", HOLDS, None, 2),
    "nonsense that does not come back": (say("yes"), HOLDS, None, 2),
    "a crash, then the verdict": ("os.abort()", say('{"holds": false}'), "delay-false", 2),
    "a crash that comes back": ("os.abort()", "os.abort()", "delay-class-crashed", 2),
    "a crash, then no memory": ("os.abort()", say('{"memory": ""}'), "delay-class-died", 2),
    "a crash, then the OOM killer": ("os.abort()", "os.kill(os.getpid(), 9)", "delay-class-died", 2),
    "the OOM killer": ("os.kill(os.getpid(), 9)", HOLDS, "delay-class-died", 1),
    "an operator": ("os.kill(os.getpid(), 15)", HOLDS, "delay-class-died", 1),
}


@pytest.mark.parametrize("how", TWICE)
def test_only_what_fails_twice_is_called_false(
    honest: Delay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    first, second, code, started = TWICE[how]
    body = (
        "folder = pathlib.Path(name)\n(folder / str(os.getpid())).touch()\n"
        f"if len(list(folder.iterdir())) == 1:\n    {first}\nelse:\n    {second}"
    )
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", script(body, name=str(tmp_path)))
    if code is None:
        GROUP.verify_each([honest, honest])
    else:
        with pytest.raises(VdfError, match="delay 0: sub-delay 0 of 4") as caught:
            GROUP.verify_each([honest, honest])
        assert caught.value.code == code
    assert len(list(tmp_path.iterdir())) == started


RAISING = {
    "raise RuntimeError('no form')": "delay-false",
    "raise ValueError('no form')": "delay-false",
    "raise MemoryError": "delay-class-died",
    "raise TypeError('no text')": "delay-class-crashed",
    "raise IndexError": "delay-class-crashed",
    "return 1": "delay-class-crashed",
    "import os; os._exit(0)": "delay-class-crashed",
}


@pytest.mark.parametrize("how", RAISING)
def test_what_chiavdf_raises(
    honest: Delay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    """The real worker, and a chiavdf that raises it."""
    (tmp_path / "chiavdf.py").write_text(f"def verify_wesolowski(*arguments):\n    {how}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(VdfError, match="sub-delay 0 of 4") as caught:
        GROUP.verify(X, honest.y, honest.pi, T)
    assert caught.value.code == RAISING[how]
    assert caught.value.exit_code == (4 if caught.value.code == "delay-class-died" else 1)


# --- many processes at once ---------------------------------------------------------------------------------

ACTS = {1: HOLDS, 2: """print('{"holds": false}', flush=True)""", 3: "time.sleep(60)"}
ACTS[4], ACTS[5] = f"time.sleep(0.4); {ACTS[1]}", f"time.sleep(0.4); {ACTS[2]}"
ACTING = "act = json.loads(line)['verify'][4]\n" + "\n".join(
    f"if act == {number}: {act}" for number, act in ACTS.items()
)
IN_ORDER: dict[str, tuple[list[int], str]] = {
    "the first fails, all others hang": ([2, 3, 3, 3, 3, 3], "claim 0"),
    "the first fails later than the second": ([5, 2, 3, 3], "claim 0"),
    "a slow one before it holds": ([4, 1, 2, 3, 3, 3], "claim 2"),
    "the last one": ([1] * 20 + [4, 4, 4, 2], "claim 23"),
    "slow and false before fast and false": ([1, 1, 5, 4, 2, 2, 2, 2, 3, 3], "claim 2"),
}


@pytest.fixture
def four_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdf.classgroup.checking.usable_cores", lambda: 4)
    monkeypatch.setattr("vdf.classgroup.checking.LEAST_SHARE", 1)
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", script(ACTING))
    monkeypatch.setattr("vdf.classgroup.client.VERIFY_SECONDS", 30.0)


def claims(acts: list[int]) -> list[Claim]:
    return [Claim(f"claim {number}", -7, Step(b"", b"", b"", act)) for number, act in enumerate(acts)]


@pytest.mark.parametrize("how", IN_ORDER)
@pytest.mark.usefixtures("four_processes")
def test_the_earliest_failure_ends_all_and_is_the_one_raised(how: str) -> None:
    acts, where = IN_ORDER[how]
    with pytest.raises(Rejected, match=f"^{where}:") as caught, Checker(len(acts)) as checker:
        checker.check(claims([1] * 8))
        checker.check(claims(acts))
    assert caught.value.code == "delay-false"
    assert all(ended(worker) for worker in checker._workers)


def ended(worker: Worker | None) -> bool:
    return worker is None or worker._process.poll() is not None


@pytest.mark.parametrize("acts", [[3] * 8, [1] * 100_000], ids=["hanging", "busy"])
@pytest.mark.usefixtures("four_processes")
def test_ctrl_c_ends_all(acts: list[int]) -> None:
    todo = claims(acts)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), Checker(len(acts)) as checker:
        timer.start()
        checker.check(todo)
    timer.join()
    assert all(ended(worker) for worker in checker._workers)


@pytest.mark.usefixtures("four_processes")
def test_ctrl_c_while_processes_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vdf.classgroup.client.COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"]
    )
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), Checker(4) as checker:
        timer.start()
        checker.check(claims([1] * 4))
    timer.join()


STARTING = {
    "not installed": (["-c", 'print(\'{"missing": "No module"}\', flush=True)'], "delay-class-missing"),
    "ends at once": (["-c", ""], "delay-class-missing"),
    "illegal instruction": (["-c", "import os; os.kill(os.getpid(), 4)"], "delay-class-missing"),
    "nonsense": (["-c", "print('[]', flush=True)"], "delay-class-missing"),
    "killed": (["-c", "import os; os.kill(os.getpid(), 9)"], "delay-class-died"),
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


def test_no_process_at_all(honest: Delay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdf.classgroup.client.COMMAND", ["/nonexistent"])
    with pytest.raises(VdfError) as caught:
        GROUP.verify(X, honest.y, honest.pi, T)
    assert (caught.value.code, caught.value.exit_code) == ("delay-class-died", 4)


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
    "no memory": (say('{"memory": "MemoryError"}'), "delay-class-died", 4),
    "an error": (say('{"failed": "RuntimeError"}'), "delay-class-died", 4),
    "no memory to check it": (
        f"print('{false_delay()}', flush=True); sys.stdin.readline(); " + say('{"memory": ""}'),
        "delay-class-died",
        4,
    ),
    "killed while checking": (
        f"print('{false_delay()}', flush=True); sys.stdin.readline(); os.kill(os.getpid(), 9)",
        "delay-class-died",
        4,
    ),
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
