"""Training as a whole: integers learn, float32 does the same steps, accuracy is what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from zkml import evaluate, float_baseline
from zkml.executor import forward, step
from zkml.genesis import genesis_weights
from zkml.program import Program

Build = Callable[..., Program]


def precise(build: Build) -> Program:
    """Scales so fine that rounding hardly matters, and nothing clamps."""
    program = build(
        [3, 4, 2], f_x=14, f_g=16, kappa=6, y_bits=24, grad_bits=24, input_bits=16, batch=5, max_segments=4
    )
    return replace(program, layers=tuple(replace(layer, init_range=1 << 36) for layer in program.layers))


def test_float_baseline_takes_the_same_steps(build: Build) -> None:
    program, rng = precise(build), np.random.default_rng(5)
    exact = genesis_weights(program, bytes(32))
    scale = float(1 << program.f_w)
    floats = [
        ((w[: layer.d_in] / scale).astype(np.float32), (w[layer.d_in] / scale).astype(np.float32))
        for layer, w in zip(program.layers, exact, strict=True)
    ]
    for _ in range(4):
        x = rng.integers(-(1 << 14), 1 << 14, (5, 3))
        labels = rng.integers(0, 2, 5)
        exact, report = step(program, exact, x, labels)
        error = float_baseline.train_step(
            program, floats, (x / (1 << program.f_x)).astype(np.float32), np.eye(2, dtype=np.float32)[labels]
        )
        assert sum(report.clamped.values()) == 0
        loss = 0.5 * np.sum(error * error) / len(x)
        np.testing.assert_allclose(loss, report.loss, rtol=1e-2, atol=1e-3)
    for layer, w, (matrix, bias) in zip(program.layers, exact, floats, strict=True):
        np.testing.assert_allclose(w[: layer.d_in] / scale, matrix, atol=2e-3)
        np.testing.assert_allclose(w[layer.d_in] / scale, bias, atol=2e-3)


def test_seconds_per_step_is_positive(build: Build) -> None:
    program = build([3, 2])
    x, labels = np.ones((4, 3), dtype=np.int32), np.array([0, 1, 0, 1])
    assert float_baseline.seconds_per_step(program, x, labels, min_steps=2, min_seconds=0) > 0


def test_accuracy_and_ties(build: Build) -> None:
    program = build([1, 3], bias=False, relu=False)
    weights = [np.array([[600, 600, -600]])]
    x = np.array([[7], [-7], [0]])
    assert forward(program, weights, x).tolist() == [[8, 8, -8], [-8, -8, 8], [0, 0, 0]]
    assert evaluate.predict(program, weights, x).tolist() == [0, 2, 0]  # ties go to the smaller class
    assert evaluate.accuracy(program, weights, x, np.array([0, 2, 1])) == 2 / 3


def test_a_tiny_problem_is_learnt(build: Build) -> None:
    program = build([2, 2], f_x=4, f_g=5, kappa=5, input_bits=5, batch=4, max_segments=200)
    x, labels = np.array([[8, 0], [0, 8], [6, 1], [1, 6]]), np.array([0, 1, 0, 1])
    weights, first = step(program, genesis_weights(program, bytes(32)), x, labels)
    for _ in range(150):
        weights, last = step(program, weights, x, labels)
    assert last.loss < first.loss / 4
    assert evaluate.accuracy(program, weights, x, labels) == 1
