"""kill -9 and Ctrl-C at chosen and at random moments: the same command continues to the same checkpoints."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ivc.material import load_material
from ivc.rundir import RunDirectory
from ivc.states import folds_of, saved_states
from ivc.stored import stored_chain

SEGMENTS = 3

# argv: run directory, segments, event at which to kill oneself (or -). Prints the name of every event.
RUN = """
import os, pathlib, signal, sys
from ivc.run import run
from ivc.rundir import RunDirectory
path, segments, moment = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
# A shell without job control starts background jobs, and so this suite, with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
def see(event):
    print(event.name(), flush=True)
    if event.name() == moment:
        os.kill(os.getpid(), signal.SIGKILL)
with RunDirectory.open(path) as directory:
    run(directory, segments=segments, on_event=see)
"""


def start(path: Path, moment: str = "-") -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", RUN, str(path), str(SEGMENTS), moment]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(path: Path) -> list[bytes]:
    """Run to the end; all the parts of the chain and the folds proven."""
    process = start(path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return ends(path)


def ends(path: Path) -> list[bytes]:
    with RunDirectory.open(path, lock=False) as directory:
        heads, segments, delays = stored_chain(load_material(directory), SEGMENTS)
    assert folds_of(saved_states(path / "proof")[0]) == 2 * SEGMENTS
    chain = [part for head in heads for part in (head.checkpoint, head.seed, head.log)]
    parts = [part for delay in delays for part in (delay.y, delay.pi, delay.load_kept())]
    return [*chain, *(segment.y for segment in segments), *parts]


@pytest.fixture(scope="module")
def slow(template: Path, tmp_path_factory: pytest.TempPathFactory, policies) -> Path:
    """The template with delays long enough to be killed in: the same run with another policy."""
    path = Path(shutil.copytree(template, tmp_path_factory.mktemp("slow") / "run"))
    for name in ("policy.toml", "manifest.cbor"):
        (path / name).unlink()
    with RunDirectory.open(path) as directory:
        policy = policies(path.parent / "p.toml", directory.request.encode(), directory.program, 400_000)
        directory.adopt_policy(policy)
    return path


@pytest.fixture(scope="module")
def reference(slow: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The end of the slow run when nothing happens to it."""
    return finish(Path(shutil.copytree(slow, tmp_path_factory.mktemp("reference") / "run")))


def test_killed_at_every_kind_of_event(slow: Path, reference: list[bytes], tmp_path: Path) -> None:
    path = Path(shutil.copytree(slow, tmp_path / "run"))
    moments = [
        "run-started",
        "set-up-started",
        "delay-started",
        "delay-progress",
        "delay-done",
        "segment-trained",
    ]
    moments += ["delay-proven", "set-up-done", "fold-proven", "state-saved", "fold-proven", "run-done"]
    for moment in moments:
        process = start(path, moment)
        out, errors = process.communicate()
        # An event that this sitting has no more of lets the run end instead.
        assert process.returncode in (-signal.SIGKILL, 0), errors.decode()
        assert process.returncode == 0 or out.split()[-1] == moment.encode()
    assert finish(path) == reference


def test_killed_at_random_moments(slow: Path, reference: list[bytes], tmp_path: Path) -> None:
    path = Path(shutil.copytree(slow, tmp_path / "run"))
    choose = random.Random(0)
    for _ in range(6):
        process = start(path)
        timer = threading.Timer(choose.uniform(0.3, 7.0), process.kill)
        timer.start()
        process.communicate()
        timer.cancel()
        assert process.returncode in (-signal.SIGKILL, 0)
    assert finish(path) == reference


def test_interrupted_it_saves_and_continues(slow: Path, reference: list[bytes], tmp_path: Path) -> None:
    path = Path(shutil.copytree(slow, tmp_path / "run"))
    process = start(path)
    assert process.stdout is not None
    while process.stdout.readline() != b"delay-progress\n":
        pass
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode != 0 and b"KeyboardInterrupt" in errors
    assert "interrupted" in (path / "run.log").read_text()
    assert list((path / "delays").glob("*.state")) or list((path / "delays").glob("*.json"))
    assert finish(path) == reference
