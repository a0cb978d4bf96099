"""Measuring processes that crash, hang, babble, eat memory or leave children: each is one clear status."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from escapement.study import process
from escapement.study.measuring import verdict
from escapement.study.process import Ended, Limits

Script = Callable[[str], tuple[str, ...]]
ROOM = Limits(memory_bytes=1 << 40, seconds=60.0)
MEASURED = '{"measured": {"seconds_per_step": [0.5]}}'


def judged(command: tuple[str, ...], limits: Limits = ROOM) -> tuple[str, str]:
    """The verdict on a command."""
    return verdict(process.run({}, limits, command=command), limits)


def test_a_sound_child_is_measured_and_its_phases_are_heard(script: Script) -> None:
    phases: list[str] = []
    code = f"""
import json, sys
asked = json.loads(sys.stdin.readline())
print(json.dumps({{"phase": "prove", "peak_bytes": 1 << 50}}))
print(json.dumps({{"phase": "verify", "peak_bytes": asked["peak"]}}))
print(json.dumps({{"phase": "more", "peak_bytes": 1 << 60}}))
print('{MEASURED}')
"""
    ended = process.run({"peak": 1 << 51}, ROOM, phases.append, script(code))
    assert verdict(ended, ROOM) == ("measured", "")
    assert phases == ["prove", "verify", "more"]
    assert ended.peak_bytes == 1 << 51  # what the verifier takes is not the prover's
    assert ended.processes == 1


def test_a_killed_child_says_so(script: Script) -> None:
    code = "import os, sys, signal\nprint('last words', file=sys.stderr, flush=True)\nos.kill(os.getpid(), 9)"
    assert judged(script(code)) == (
        "failed",
        "killed by SIGKILL, as the kernel does when memory runs out; it said: last words",
    )


def test_a_crash_is_named(script: Script) -> None:
    assert judged(script("import os\nos.abort()")) == ("failed", "killed by SIGABRT")


def test_garbage_is_no_result(script: Script) -> None:
    assert judged(script("print('all went well')")) == (
        "failed",
        "ended with status 0 and no result; it said: all went well",
    )


@pytest.mark.parametrize(
    "printed",
    [
        '{"measured": 3}',
        '{"measured": {"seconds_per_step": []}}',
        '{"measured": {"seconds_per_step": [0.0]}}',
        '{"measured": {"seconds_per_step": [NaN]}}',
        '{"measured": {"seconds_per_step": ["1"]}}',
        '[{"measured": {"seconds_per_step": [1.0]}}]',
        "{",
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_results_that_are_none(script: Script, printed: str) -> None:
    status, reason = judged(script(f"print({printed!r})"))
    assert status == "failed"
    assert reason.startswith("ended with status 0 and no result")


def test_a_result_before_a_crash_does_not_count(script: Script) -> None:
    code = f"import os\nprint('{MEASURED}', flush=True)\nos.abort()"
    assert judged(script(code)) == ("failed", "killed by SIGABRT")


def test_an_exit_status_with_a_traceback(script: Script) -> None:
    status, reason = judged(script("raise SystemExit('no such device')"))
    assert (status, reason) == ("failed", "ended with status 1 and no result; it said: no such device")


def test_a_command_that_is_not_read_from_is_no_error(script: Script) -> None:
    assert judged(script("import os\nos.close(0)\nraise SystemExit(3)"))[1] == (
        "ended with status 3 and no result"
    )


def test_a_child_above_its_memory_limit_is_stopped(script: Script) -> None:
    limit = Limits(memory_bytes=100 << 20, seconds=60.0)
    code = "import time\nheld = b'1' * (200 << 20)\ntime.sleep(60)"
    ended = process.run({}, limit, command=script(code))
    assert ended.stopped == "memory"
    assert ended.status == -signal.SIGKILL
    status, reason = verdict(ended, limit)
    assert status == "does-not-fit"
    assert reason.startswith("stopped at ")
    assert reason.endswith(" of memory, above the 100.0 MiB that it could have here")


def test_memory_is_that_of_the_whole_tree(script: Script) -> None:
    code = """
import subprocess, sys
held = "held = b'1' * (80 << 20); import time; time.sleep(2.5)"
both = [subprocess.Popen([sys.executable, "-c", held]) for _ in range(2)]
[one.wait() for one in both]
print('{"measured": {"seconds_per_step": [0.5]}}')
"""
    ended = process.run({}, ROOM, command=script(code))
    assert verdict(ended, ROOM) == ("measured", "")
    assert ended.processes == 3
    assert 160 << 20 < ended.peak_bytes < 400 << 20


@pytest.mark.parametrize(
    ("processes", "spent", "wait"),
    [(1, 0.0, 0.05), (1, 0.2, 2.0), (2, 0.0, 0.05), (2, 0.004, 0.4), (3, 0.2, 1.0)],
)
def test_how_long_until_the_next_sample(processes: int, spent: float, wait: float) -> None:
    assert process.wait_after(processes, spent) == pytest.approx(wait)


def test_a_child_that_hangs_is_stopped_with_all_that_it_started(script: Script, tmp_path: Path) -> None:
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(600)
"""
    limit = Limits(memory_bytes=1 << 40, seconds=1.5)
    status, reason = judged(script(code), limit)
    assert status == "failed"
    assert reason.startswith("stopped after 1.")
    assert reason.endswith(" s, far above its estimate")
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_flood_of_output_is_stopped(script: Script) -> None:
    status, reason = judged(script("import sys\nwhile True: sys.stdout.write('x' * 65536)"))
    assert status == "failed"
    assert reason.startswith("printed 4.0 MiB that are no result")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("prover-missing", "not-installed"),
        ("prover-memory", "does-not-fit"),
        ("out-of-memory", "does-not-fit"),
        ("prover-unsupported", "skipped"),
        ("proof-rejected", "failed"),
        ("internal", "failed"),
    ],
)
def test_what_a_child_reports_itself(code: str, status: str) -> None:
    ended = Ended(messages=[{"error": {"kind": "X", "code": code, "message": "the words"}}])
    assert verdict(ended, ROOM) == (status, f"{code}: the words")


def test_an_error_that_is_none() -> None:
    assert verdict(Ended(messages=[{"error": 3}]), ROOM) == ("failed", "an error that is none: 3")


def test_the_measuring_process_reports_its_own_errors() -> None:
    asked = {"program": "00", "seed": 0, "prover": "numpy"}
    ended = process.run(asked, ROOM)
    assert verdict(ended, ROOM) == (
        "failed",
        "program-malformed: program: expected an array, got int",
    )


def test_a_measuring_process_ends_with_whoever_asked() -> None:
    code = """
import subprocess, sys, time
from escapement.study.process import CHILD
child = subprocess.Popen([*CHILD[:-2], "-c", HANG], stdin=subprocess.PIPE, start_new_session=True)
child.stdin.write(b"{}\\n"); child.stdin.flush()
print(child.pid, flush=True)
time.sleep(600)
"""
    hang = """
import sys, threading, time
from escapement.study.child import _end_with_parent
sys.stdin.buffer.readline()
threading.Thread(target=_end_with_parent, daemon=True).start()
time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", code.replace("HANG", repr(hang))], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child)


def gone(pid: int) -> bool:
    """Whether the process ends within some seconds."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
