"""Training without proofs, timed in blocks: NumPy and torch in float32, and our integer executor.

All three take the program's step on the study's rows. The floats take rate c·2^-kappa on the sum over the
batch, without rounding or clamping; the integers are bit for bit what the provers prove.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import _escapement
import numpy as np
import numpy.typing as npt

from escapement.study.work import nonce, segment_seed
from vdf.cores import usable_cores
from zkml import float_baseline
from zkml.errors import ProverMissing
from zkml.genesis import genesis_weights
from zkml.program import Program
from zkml.provers.interface import Work

Float = npt.NDArray[np.float32]
Steps = Callable[[int], None]


def seconds_per_step(name: str, work: Work, seed: int, blocks: int, block_seconds: float) -> list[float]:
    """Seconds per step of `blocks` blocks of steps, each of about `block_seconds`, after a first.

    name: "numpy", "torch" or "integer". Raises ProverMissing where torch is not installed.
    """
    steps = STARTERS[name](work, seed)
    steps(1)  # the first call pays for pools and pages
    number = 1
    # The faster of two: one that was held up would make the blocks too short.
    while (
        spent := min(_timed(steps, number), _timed(steps, number))
    ) < block_seconds and number < MOST_STEPS:
        # Grows by at most ten, because the first measurements are the least exact.
        number = min(MOST_STEPS, max(number + 1, int(number * min(10.0, block_seconds / max(spent, 1e-9)))))
    return [_timed(steps, number) / number for _ in range(blocks)]


def numpy_steps(work: Work, seed: int) -> Steps:
    """Steps of `zkml.float_baseline` on batches drawn in advance."""
    data, targets = float_rows(work)
    weights = float_weights(work.program, seed)
    batches = _batches(work, seed)

    def steps(number: int) -> None:
        for i in range(number):
            rows = batches[i % len(batches)]
            float_baseline.train_step(work.program, weights, data[rows], targets[rows])

    return steps


def torch_steps(work: Work, seed: int) -> Steps:
    """Eager steps with autograd and plain SGD on the processor, all its cores."""
    step, _ = torch_model(work, seed)
    batches = _batches(work, seed)

    def steps(number: int) -> None:
        for i in range(number):
            step(batches[i % len(batches)])

    return steps


def torch_model(work: Work, seed: int) -> tuple[Callable[[npt.NDArray[np.int64]], None], list[Any]]:
    """(step, parameters): a step on the rows with these numbers; matrices and biases, which it changes."""
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise ProverMissing(
            f"torch is not installed ({error}): `make ezkl` installs it, or "
            "pip install 'escapement[export]'; or leave it out by --prover"
        ) from error
    torch.set_num_threads(usable_cores())
    program = work.program
    data, targets = (torch.from_numpy(array) for array in float_rows(work))
    leaves = [
        torch.from_numpy(array).requires_grad_() for layer in float_weights(program, seed) for array in layer
    ]
    optimiser = torch.optim.SGD(leaves, lr=program.c / (1 << program.kappa))

    def step(rows: npt.NDArray[np.int64]) -> None:
        chosen = torch.from_numpy(rows)
        value = data[chosen]
        for i, layer in enumerate(program.layers):
            value = torch.addmm(leaves[2 * i + 1], value, leaves[2 * i])
            value = torch.relu(value) if layer.relu else value
        optimiser.zero_grad()
        (0.5 * ((value - targets[chosen]) ** 2).sum()).backward()
        optimiser.step()

    return step, leaves


def integer_steps(work: Work, seed: int) -> Steps:
    """The Rust executor that makes the provers' witnesses; indices drawn inside, weights from the genesis."""
    program = work.program
    weights = np.concatenate([layer.ravel() for layer in genesis_weights(program, nonce(seed))])
    start = weights.astype("<i8").tobytes()
    samples, labels = work.x.astype("<i4").tobytes(), work.labels.astype("<i4").tobytes()

    def steps(number: int) -> None:
        while number > 0:
            # As many steps per call as the widths are sized for; what the call itself costs is spread thin.
            now = min(number, program.steps)
            fold = replace(program, k=now, m=1, max_segments=1)
            _escapement.train_segment(fold.encode(), samples, labels, start, segment_seed(seed, 0))
            number -= now

    return steps


def float_rows(work: Work) -> tuple[Float, Float]:
    """(data, one-hot targets) in real units."""
    data = work.x.astype(np.float32) / np.float32(1 << work.program.f_x)
    return data, np.eye(work.program.classes, dtype=np.float32)[work.labels]


def float_weights(program: Program, seed: int) -> list[tuple[Float, Float]]:
    """The genesis distribution in real units, by NumPy's generator."""
    return float_baseline.initial_weights(program, np.random.default_rng(seed))


def _batches(work: Work, seed: int) -> list[npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, len(work.x), (BATCHES, work.program.batch)))


def _timed(steps: Steps, number: int) -> float:
    start = time.perf_counter()
    steps(number)
    return time.perf_counter() - start


STARTERS: dict[str, Callable[[Work, int], Steps]] = {
    "numpy": numpy_steps,
    "torch": torch_steps,
    "integer": integer_steps,
}
BATCHES = 64
MOST_STEPS = 100_000
