"""A tiny run: 3-4-2, 8 rows, batches of 2, k = 1, m = 2, up to 4 segments; made once, then copied."""

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import numpy as np
import pytest

from ivc import cache
from ivc.events import Event
from ivc.policy import Policy, new_policy
from ivc.run import run
from ivc.rundir import RunDirectory
from ivc.verifying import verifying

FOLDS, SEGMENTS = 2, 3


def make_program(y_bits: int = 10, arithmetisation: str = "r1cs-nova") -> bytes:
    """The tiny program; a small `y_bits` makes its first layer clamp."""
    layers = [["fc1", 3, 4, True, True, y_bits, 8, 4096], ["fc2", 4, 2, True, False, 8, 0, 4096]]
    head = ["escapement/program/1", arithmetisation, 2, 1, FOLDS, 4, 8, 4, 6, 3, 1]
    return cbor2.dumps([*head, [3, 5, False], 2, layers], canonical=True)


def create(path: Path, program: bytes) -> RunDirectory:
    """A run directory of the program with fixed rows."""
    x = np.array([(7 * i * i + 3) % 32 for i in range(24)]).reshape(8, 3)
    labels = np.arange(8) % 2
    return RunDirectory.create(
        path,
        program=program,
        x=x,
        labels=labels,
        test_x=x[:2] // 2,
        test_labels=labels[:2],
        dataset_name="tiny",
        split_seed=7,
        config="# tiny\n",
    )


def make_policy(request: bytes, program: bytes, squarings: int = 20_000) -> Policy:
    """A policy of four segments with a fresh nonce."""
    return new_policy(
        request,
        max_segments=4,
        squarings=squarings,
        group="rsa-2048",
        fastest=1000,
        source="a test, 2026",
        verifying_key_digest=verifying(request).key_digest(None),
    )


def write_policy(path: Path, policy: Policy) -> Path:
    """The policy as a file."""
    path.write_text(policy.to_toml(), encoding="utf-8")
    return path


@pytest.fixture(scope="session", autouse=True)
def parameters_once(own_cache: Path) -> Iterator[None]:
    """The set-up is a function of the program: tests in this process share one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "parameters", functools.cache(cache.parameters))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, parameters_once: None) -> Path:
    """A run directory with its policy adopted and nothing run; for copying."""
    path, program = tmp_path_factory.mktemp("template") / "run", make_program()
    with create(path, program) as directory:
        policy = make_policy(directory.request.encode(), program)
        directory.adopt_policy(write_policy(path.parent / "policy.toml", policy))
    return path


@pytest.fixture(scope="session")
def trained(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """The same run after SEGMENTS segments, never interrupted, and its events; to copy and compare."""
    path, events = tmp_path_factory.mktemp("trained") / "run", []
    shutil.copytree(template, path)
    with RunDirectory.open(path) as directory:
        run(directory, segments=SEGMENTS, on_event=events.append)
    return path, events


@pytest.fixture
def fresh(template: Path, tmp_path: Path) -> Path:
    """A copy of the run that nothing was run in."""
    return Path(shutil.copytree(template, tmp_path / "run"))


@pytest.fixture
def done(trained: tuple[Path, list[Event]], tmp_path: Path) -> Path:
    """A copy of the trained run."""
    return Path(shutil.copytree(trained[0], tmp_path / "run"))


@pytest.fixture(scope="session")
def maker() -> Callable[[Path, bytes], RunDirectory]:
    """`create`, for tests that need a run of their own."""
    return create


@pytest.fixture(scope="session")
def programs() -> Callable[..., bytes]:
    """`make_program`."""
    return make_program


@pytest.fixture(scope="session")
def policies() -> Callable[[Path, bytes, bytes, int], Path]:
    """Writes a new policy for a request to a file."""

    def make(path: Path, request: bytes, program: bytes, squarings: int = 20_000) -> Path:
        return write_policy(path, make_policy(request, program, squarings))

    return make
