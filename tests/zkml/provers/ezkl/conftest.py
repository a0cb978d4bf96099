"""A tiny program (3-2-2, two samples per step), set up and proven once per session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zkml.exact import Int
from zkml.program import Layer, Program
from zkml.provers.ezkl.backend import EzklBackend
from zkml.provers.ezkl.prover import EzklProver, EzklSteps
from zkml.provers.ezkl.verifier import EzklVerifier
from zkml.provers.interface import Link, Progress, Work

NONCE = bytes([7]) * 32
STATEMENT = bytes([9]) * 32
SEEDS = (bytes([1]) * 32, bytes([2]) * 32)


@dataclass(frozen=True)
class Run:
    """Two segments of k·m = 2 steps, and everything that made them."""

    work: Work
    folder: Path
    steps: EzklSteps
    prover: EzklProver
    segments: tuple[tuple[Link, ...], ...]
    progress: tuple[Progress, ...]
    verifier: EzklVerifier
    nonce: bytes = NONCE
    statement: bytes = STATEMENT
    seeds: tuple[bytes, ...] = SEEDS


def tiny(**fields: object) -> Program:
    """Dense 3-2-2 with biases and one ReLU; keyword arguments override fields of the program."""
    layers = (Layer("hidden", 3, 2, True, True, 8, 8, 800), Layer("output", 2, 2, True, False, 8, 0, 800))
    values: dict[str, object] = {
        "batch": 2, "k": 2, "m": 1, "max_segments": 2, "rows": 5, "f_x": 3, "f_g": 3, "kappa": 2, "c": 1,
        "features": 3, "input_bits": 3, "input_signed": True, "classes": 2, "layers": layers,
    }  # fmt: skip
    return Program(**(values | fields))  # type: ignore[arg-type]


def tiny_work() -> Work:
    """Five rows in the input range, both classes present."""
    rng = np.random.default_rng(0)
    x: Int = rng.integers(-4, 4, (5, 3))
    return Work(tiny(), x, np.array([0, 1, 1, 0, 1]))


@pytest.fixture(scope="session", name="tiny")
def tiny_fixture() -> Callable[..., Program]:
    return tiny


@pytest.fixture(scope="session")
def work() -> Work:
    return tiny_work()


@pytest.fixture(scope="session")
def run(work: Work, tmp_path_factory: pytest.TempPathFactory) -> Run:
    for module in ("ezkl", "torch", "onnxscript"):
        pytest.importorskip(module)
    folder, own = tmp_path_factory.mktemp("prover"), tmp_path_factory.mktemp("verifier")
    backend, progress = EzklBackend(), list[Progress]()
    steps = backend.set_up(work, folder, None)
    prover = steps.prover(NONCE, STATEMENT)
    segments = tuple(prover.prove(seed, progress.append) for seed in SEEDS)
    verifier = backend.verifier(work.program, own, steps.kept.srs)
    return Run(work, folder, steps, prover, segments, tuple(progress), verifier)
