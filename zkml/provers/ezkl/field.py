"""Elements of BN254's scalar field, 32 bytes little-endian, and fixed-point tensors as such.

An integer q of either sign stands for q·2^−s (`layout.SCALE`); −q is r − q.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from zkml.exact import Int, rescale, scale
from zkml.genesis import genesis_weights
from zkml.program import Program
from zkml.provers.ezkl.layout import SCALE

MODULUS = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001


def elements(values: Int) -> list[str]:
    """Integers, flattened row by row, in the hex that ezkl reads and writes."""
    return [(int(v) % MODULUS).to_bytes(32, "little").hex() for v in values.reshape(-1)]


def integers(hexes: Sequence[str]) -> list[int]:
    """The signed integers, in (−r/2, r/2), behind canonical elements."""
    found = [int.from_bytes(bytes.fromhex(h), "little") for h in hexes]
    return [v - MODULUS if v > MODULUS // 2 else v for v in found]


def is_canonical(element: bytes) -> bool:
    """Whether these are 32 bytes of an integer below r."""
    return len(element) == 32 and int.from_bytes(element, "little") < MODULUS


def genesis(program: Program, nonce: bytes) -> list[list[str]]:
    """Genesis weights, tensor by tensor in the layout's order: those of protocol §4 rounded to scale s."""
    tensors = []
    for layer, weights in zip(program.layers, genesis_weights(program, nonce), strict=True):
        at_scale = requantise(weights, program.f_w)
        tensors.append(elements(at_scale[: layer.d_in]))
        if layer.bias:
            tensors.append(elements(at_scale[layer.d_in :]))
    return tensors


def samples(program: Program, x: Int, labels: Int) -> list[list[str]]:
    """Per row its pixels and its class index. x: integers at scale f_x (rows, features); labels: (rows,)."""
    pixels = requantise(x, program.f_x)
    classes = scale(labels.reshape(-1, 1), 1 << SCALE)
    return [elements(row) for row in np.concatenate([pixels, classes], axis=1)]


def requantise(values: Int, bits: int) -> Int:
    """Integers with `bits` fractional bits at scale s: exact if bits <= s, else rounded, half up."""
    return rescale(values, bits - SCALE, None)[0] if bits > SCALE else scale(values, 1 << (SCALE - bits))


def weights_hash(hashes: Sequence[bytes]) -> bytes:
    """One 32-byte value for all weight tensors: SHA-256 over a domain tag and their Poseidon hashes."""
    return hashlib.sha256(_WEIGHTS_TAG + b"".join(hashes)).digest()


_WEIGHTS_TAG = b"escapement/v1/ezkl-weights".ljust(32, b"\0")
