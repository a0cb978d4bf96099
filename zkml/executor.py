"""The readable reference of one integer training step (protocol §3), by differentiating `zkml.ops`.

    Z = X·W + 2^f_x·bias, Y = rescale(Z, f_w, y_bits), X' = relu ? max(Y, 0) : Y
    G = (X^(L) − T)·2^(f_g−f_x) backwards through the layers;   W ← W − c·∂loss/∂W

The Rust executor that makes the witness must agree bit for bit. Weights are never rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkml import exact, ops
from zkml.analysis import Analysis, analyse
from zkml.errors import TensorError
from zkml.exact import Int
from zkml.program import Layer, Program

Weights = Sequence[npt.NDArray[np.int64]]


@dataclass(frozen=True)
class StepReport:
    """What one step says about itself.

    loss: ½·Σ_j (Y_j − T_j)² averaged over the batch, in real units.
    clamped: per tensor the number of values that the rescale saturated; "<layer>.Y" for a layer's output
    and, from the second layer on, "<layer>.dX" for the gradient of its input.
    """

    loss: float
    clamped: dict[str, int]


class Recorder:
    """Performs the rescales of a step and counts what they clamp.

    keep=True is for calibration: nothing is clamped and every tensor is kept in `tensors`.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.clamped: dict[str, int] = {}
        self.tensors: dict[str, Int] = {}
        self.keep = keep

    def rescaler(self, name: str, shift: int, bits: int) -> Callable[[Int], Int]:
        """The rescale by 2^shift to `bits` bits, which records under `name`."""

        def narrow(z: Int) -> Int:
            data, self.clamped[name] = exact.rescale(z, shift, None if self.keep else bits)
            if self.keep:
                self.tensors[name] = data
            return data

        return narrow


def step(
    program: Program, weights: Weights, x: Int, labels: Int
) -> tuple[list[npt.NDArray[np.int64]], StepReport]:
    """One SGD step. weights: per layer (d_in (+1 if bias), d_out); x: (B, features); labels: (B,).

    Raises TensorError if a shape, an input, a label or the size of a weight is outside the program's
    range (bounds of `analyse`), ProgramOverflowError if the program's own analysis fails.
    """
    check_weights(program, analyse(program), weights)
    _check_batch(program, x, labels)
    updated, report = differentiate(program, weights, x, labels, Recorder())
    return [exact.narrow(w) for w in updated], report


def forward(program: Program, weights: Weights, x: Int) -> Int:
    """The outputs X^(L) of the last layer, (rows, classes) at scale f_x. x: (rows, features).

    Raises TensorError and ProgramOverflowError as `step` does.
    """
    check_weights(program, analyse(program), weights)
    _check_inputs(program, x)
    leaves = [_leaf(layer, w) for layer, w in zip(program.layers, weights, strict=True)]
    return _forward(program, leaves, x, Recorder()).data


def differentiate(
    program: Program, weights: Sequence[Int], x: Int, labels: Int, recorder: Recorder
) -> tuple[list[Int], StepReport]:
    """`step` without its checks, on weights of any size, with the caller's recorder."""
    leaves = [_leaf(layer, w) for layer, w in zip(program.layers, weights, strict=True)]
    out = _forward(program, leaves, x, recorder)
    targets = np.zeros(out.data.shape, dtype=np.int64)  # (B, classes)
    targets[np.arange(len(labels)), labels] = 1 << program.f_x
    loss = ops.squared_error(out, targets, 1 << (program.f_g - program.f_x))
    ops.backward(loss)
    updated = [
        exact.add(w, exact.scale(leaf.gradient(), -program.c))
        for w, leaf in zip(weights, leaves, strict=True)
    ]
    value = int(loss.data[0, 0]) / (1 << (2 * program.f_x)) / 2 / len(labels)
    return updated, StepReport(value, recorder.clamped)


def check_weights(program: Program, analysis: Analysis, weights: Sequence[Int]) -> None:
    """Raises TensorError unless shapes, type and magnitudes are what the analysis assumes."""
    if len(weights) != len(program.layers):
        raise TensorError(f"weights: expected {len(program.layers)} layers, got {len(weights)}")
    for layer, bounds, w in zip(program.layers, analysis.layers, weights, strict=True):
        if w.shape != (layer.rows, layer.d_out) or w.dtype != np.int64:
            raise TensorError(
                f"weights of layer {layer.name!r}: expected int64 {(layer.rows, layer.d_out)}, "
                f"got {w.dtype} {w.shape}"
            )
        if exact.magnitude(w) > bounds.wmax:
            raise TensorError(
                f"weights of layer {layer.name!r}: {exact.magnitude(w)} exceeds the bound {bounds.wmax}; "
                f"the program covers {program.steps} steps from its own genesis"
            )


@dataclass
class _Leaf:
    """A layer's weights as graph leaves: matrix and bias row apart."""

    matrix: ops.Node
    bias: ops.Node | None

    def gradient(self) -> Int:
        parts = [node.grad for node in (self.matrix, self.bias) if node is not None and node.grad is not None]
        return np.concatenate(parts)  # (d_in (+1), d_out)


def _leaf(layer: Layer, w: Int) -> _Leaf:
    return _Leaf(ops.Node(w[: layer.d_in]), ops.Node(w[layer.d_in :]) if layer.bias else None)


def _forward(program: Program, leaves: Sequence[_Leaf], x: Int, recorder: Recorder) -> ops.Node:
    value = ops.Node(x.astype(np.int64), wants_grad=False)  # (B, features)
    grad_bits = 0  # of the layer below; the inputs' own gradient is never asked for
    for layer, leaf in zip(program.layers, leaves, strict=True):
        z = ops.matmul(value, leaf.matrix, recorder.rescaler(f"{layer.name}.dX", program.f_w, grad_bits))
        if leaf.bias is not None:
            z = ops.add_bias(z, leaf.bias, 1 << program.f_x)
        y = ops.rescale(z, recorder.rescaler(f"{layer.name}.Y", program.f_w, layer.y_bits))
        value = ops.relu(y) if layer.relu else y
        grad_bits = layer.grad_bits
    return value


def _check_batch(program: Program, x: Int, labels: Int) -> None:
    if len(x) != program.batch:
        raise TensorError(f"batch: expected {program.batch} samples, got {len(x)}")
    _check_inputs(program, x)
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise TensorError(f"labels: expected integers ({len(x)},), got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= program.classes:
        raise TensorError(f"labels: expected 0..{program.classes - 1}, got {labels.min()}..{labels.max()}")


def _check_inputs(program: Program, x: Int) -> None:
    if x.ndim != 2 or x.shape[1] != program.features or x.dtype.kind not in "iu":
        raise TensorError(f"samples: expected integers (rows, {program.features}), got {x.dtype} {x.shape}")
    low, high = program.input_range
    if x.size and (x.min() < low or x.max() > high):
        raise TensorError(f"samples: expected values in [{low}, {high}], got {x.min()}..{x.max()}")
