"""The genesis against protocol §4 in Python integers, with a fixed vector for other implementations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from zkml.errors import TensorError
from zkml.genesis import genesis_weights, uniform
from zkml.program import Program

Build = Callable[..., Program]


def test_definition(build: Build) -> None:
    program = build([3, 2, 4], bias=True)
    nonce = bytes(range(32))
    for index, (layer, w) in enumerate(zip(program.layers, genesis_weights(program, nonce), strict=True)):
        stream = hashlib.shake_256(
            b"escapement/v1/genesis" + bytes(11) + nonce + index.to_bytes(8, "big")
        ).digest(8 * layer.d_in * layer.d_out)
        expected = []
        for k in range(layer.d_in * layer.d_out):
            u = int.from_bytes(stream[8 * k : 8 * k + 8], "little")
            expected.append(u * (2 * layer.init_range + 1) // 2**64 - layer.init_range)
        assert w.dtype == np.int64 and w.shape == (layer.d_in + 1, layer.d_out)
        assert w[: layer.d_in].ravel().tolist() == expected
        assert not w[layer.d_in].any()


def test_fixed_vector(build: Build) -> None:
    assert genesis_weights(build([2, 3]), bytes(32))[0].tolist() == FIXED


def test_ends_of_the_range() -> None:
    most = (1 << 64) - 1
    assert uniform(b"\0" * 8 + b"\xff" * 8, (1 << 41) + 1) == [0, 1 << 41]
    assert uniform(most.to_bytes(8, "little"), 1) == [0]
    assert uniform((1 << 63).to_bytes(8, "little"), 3) == [1]


def test_a_zero_range_is_zero(build: Build) -> None:
    layer = replace(build([2, 3]).layers[0], init_range=0, bias=False)
    assert genesis_weights(build([2, 3], layers=(layer,)), bytes(32))[0].tolist() == [[0] * 3] * 2


def test_nonces_differ_and_have_one_length(build: Build) -> None:
    program = build([3, 2])
    a, b = (genesis_weights(program, bytes([i]) * 32)[0] for i in (1, 2))
    assert (a != b).any()
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(TensorError, match="expected 32 bytes"):
            genesis_weights(program, bad)


FIXED = [[14, -32, -5], [-37, 31, -46], [0, 0, 0]]  # nonce of zeros, init_range 50
