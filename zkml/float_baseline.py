"""The same training steps in plain NumPy float32: what the proof's slowdown is measured against.

One step: forward, ReLU, squared error on one-hot targets, backward, W ← W − (lr/B)·Xᵀ·G; no rounding,
no clamping, indices drawn beforehand. Single process; threads as NumPy's BLAS chooses.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from zkml.exact import Int
from zkml.program import Program

Float = npt.NDArray[np.float32]


def seconds_per_step(
    program: Program, x: Int, labels: Int, *, min_steps: int = 200, min_seconds: float = 0.5
) -> float:
    """Mean wall-clock seconds per float32 step, over at least that many steps and seconds.

    x: integers (n, features); labels: (n,).
    """
    rng = np.random.default_rng(0)
    data = x.astype(np.float32) / np.float32(1 << program.f_x)
    targets = np.eye(program.classes, dtype=np.float32)[labels]
    weights = initial_weights(program, rng)
    train_step(
        program, weights, data[: program.batch], targets[: program.batch]
    )  # first call pays for set-up
    batches = rng.integers(0, len(data), (BATCHES, program.batch))
    steps, start, spent = 0, time.perf_counter(), 0.0
    while steps < min_steps or spent < min_seconds:
        rows = batches[steps % BATCHES]
        train_step(program, weights, data[rows], targets[rows])
        steps, spent = steps + 1, time.perf_counter() - start
    return spent / steps


def initial_weights(program: Program, rng: np.random.Generator) -> list[tuple[Float, Float]]:
    """Per layer (W (d_in, d_out), bias (d_out,)) with the genesis distribution of the program."""
    weights = []
    for layer in program.layers:
        width = layer.init_range / (1 << program.f_w)
        matrix = rng.uniform(-width, width, (layer.d_in, layer.d_out)).astype(np.float32)
        weights.append((matrix, np.zeros(layer.d_out, dtype=np.float32)))
    return weights


def train_step(program: Program, weights: list[tuple[Float, Float]], x: Float, targets: Float) -> Float:
    """One float32 step in place; returns Y − T before it, whose half square sum over B is the loss.

    x: (B, features); targets and result: (B, classes).
    """
    rate = np.float32(program.c / (1 << program.kappa))
    inputs, outputs = [x], []
    for layer, (matrix, bias) in zip(program.layers, weights, strict=True):
        y = inputs[-1] @ matrix + bias if layer.bias else inputs[-1] @ matrix  # (B, d_out)
        outputs.append(y)
        inputs.append(np.maximum(y, 0) if layer.relu else y)
    error = grad = inputs[-1] - targets  # (B, classes)
    for i in reversed(range(len(weights))):
        matrix, bias = weights[i]
        if program.layers[i].relu:
            grad = grad * (outputs[i] >= 0)
        below = grad @ matrix.T if i else grad  # (B, d_in), with the weights before the update
        matrix -= rate * (inputs[i].T @ grad)
        if program.layers[i].bias:
            bias -= rate * grad.sum(axis=0)
        grad = below
    return error


BATCHES = 64  # drawn beforehand, and taken again and again
