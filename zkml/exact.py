"""Exact integer arithmetic on NumPy arrays: int64 only where the operands at hand prove that it cannot
wrap, Python integers (dtype object) otherwise.

    rescale(Z, s, b) = clamp(⌊(Z + 2^(s−1)) / 2^s⌋, −2^(b−1), 2^(b−1) − 1),   s ≥ 1, floor towards −∞

Source: docs/protocol.md §3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[Any]  # int64, or object holding Python integers


def matmul(a: Int, b: Int) -> Int:
    """a·b exactly. a: (n, d), b: (d, q). int64 if d·max|a|·max|b| < 2^63, which bounds all partial sums."""
    if _product_fits(magnitude(a), magnitude(b), a.shape[1]):
        return narrow(a) @ narrow(b)
    product: Int = a.astype(object) @ b.astype(object)
    return product


def add(a: Int, b: Int) -> Int:
    """a + b exactly, with broadcasting."""
    if magnitude(a) + magnitude(b) < 1 << 63:
        return narrow(a) + narrow(b)
    total: Int = a.astype(object) + b.astype(object)
    return total


def scale(a: Int, factor: int) -> Int:
    """factor·a exactly."""
    if _product_fits(magnitude(a), abs(factor), 1):
        return narrow(a) * np.int64(factor)
    product: Int = a.astype(object) * factor
    return product


def rescale(z: Int, shift: int, bits: int | None) -> tuple[Int, int]:
    """The saturating rescale of z by 2^shift to `bits` bits, and how many values it clamped.

    bits None: no clamping (used for calibration only).
    """
    if magnitude(z) + (1 << (shift - 1)) < 1 << 63:
        y: Int = (narrow(z) + np.int64(1 << (shift - 1))) >> np.int64(shift)
    else:
        y = (z.astype(object) + (1 << (shift - 1))) >> shift
    if bits is None:
        return y, 0
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    clamped = int(np.count_nonzero((y < low) | (y > high)))
    return narrow(np.clip(y, low, high)), clamped


def magnitude(a: Int) -> int:
    """max |a| as a Python integer; 0 for an empty array."""
    return max(int(a.max()), -int(a.min())) if a.size else 0


def narrow(a: Int) -> npt.NDArray[np.int64]:
    """a as int64. Only for arrays known to fit; NumPy raises OverflowError on objects that do not."""
    return a.astype(np.int64)


def _product_fits(a: int, b: int, terms: int) -> bool:
    """Whether operands up to a and b, and sums of that many products, are below 2^63."""
    return max(a, b, terms * a * b) < 1 << 63
