"""Genesis weights: drawn from a public generator keyed by the nonce (protocol §4).

Layer l = 1..L reads SHAKE-256(tag "escapement/v1/genesis" ‖ nonce ‖ u64(l−1)), eight bytes per weight,
row-major, little-endian u: w = ⌊u·(2a+1)/2^64⌋ − a with a = init_range. Bias rows are 0.
So C_0 can be recomputed by anyone, and weights inside an ONNX file play no part.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from zkml.errors import TensorError
from zkml.program import Layer, Program


def genesis_weights(program: Program, nonce: bytes) -> list[npt.NDArray[np.int64]]:
    """Per layer an int64 array (d_in, d_out), with a last row of zeros if the layer has a bias.

    nonce: 32 bytes. Raises TensorError for another length.
    """
    if len(nonce) != 32:
        raise TensorError(f"nonce: expected 32 bytes, got {len(nonce)}")
    return [_layer_weights(layer, i, nonce) for i, layer in enumerate(program.layers)]


def uniform(stream: bytes, count: int) -> list[int]:
    """For each 8 bytes of `stream`, little-endian u, the integer ⌊u·count/2^64⌋ of [0, count)."""
    return [int(u) * count >> 64 for u in np.frombuffer(stream, dtype="<u8")]


def _layer_weights(layer: Layer, index: int, nonce: bytes) -> npt.NDArray[np.int64]:
    number = layer.d_in * layer.d_out
    stream = hashlib.shake_256(_TAG + nonce + index.to_bytes(8, "big")).digest(8 * number)
    drawn = np.array(uniform(stream, 2 * layer.init_range + 1), dtype=np.int64) - layer.init_range
    weights = np.zeros((layer.rows, layer.d_out), dtype=np.int64)
    weights[: layer.d_in] = drawn.reshape(layer.d_in, layer.d_out)
    return weights


_TAG = b"escapement/v1/genesis".ljust(32, b"\0")
