"""Accuracy of a checkpoint: the integer forward pass and arg max, ties to the smaller class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zkml.exact import Int
from zkml.executor import Weights, forward
from zkml.program import Program


def predict(program: Program, weights: Weights, x: Int) -> npt.NDArray[np.int64]:
    """Class per row. x: integers (rows, features). Raises TensorError as `forward` does."""
    classes: npt.NDArray[np.int64] = np.argmax(forward(program, weights, x), axis=1)
    return classes


def accuracy(program: Program, weights: Weights, x: Int, labels: Int) -> float:
    """Share of rows whose class is predicted, in [0, 1]. labels: (rows,), at least one."""
    return float(np.mean(predict(program, weights, x) == labels))
