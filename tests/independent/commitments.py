"""Pedersen commitments of the segment argument by py_ecc, after docs/segment.md and generators.rs's words."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any

from py_ecc import optimized_bn128 as bn

P, Q = bn.curve_order, bn.field_modulus


@cache
def generator(index: int) -> Any:
    """The first candidate that is a point; its y by py_ecc's field."""
    for number in count():
        seed = (
            b"escapement/v1/generator".ljust(32, b"\0") + index.to_bytes(8, "big") + number.to_bytes(8, "big")
        )
        digest = int.from_bytes(hashlib.sha256(seed).digest(), "little")
        x, odd = digest % 2**254, digest >> 255
        if x >= Q:
            continue
        y = (bn.FQ(x) ** 3 + bn.b) ** ((Q + 1) // 4)
        y = y if y.n % 2 == odd else -y
        if bn.is_on_curve((bn.FQ(x), y, bn.FQ.one()), bn.b):
            return bn.FQ(x), y, bn.FQ.one()


def commitment(values: Sequence[int], blind: int) -> Any:
    """Σ values_i·G_i + blind·H, one multiplication after another."""
    total = multiple(blind, generator(2**64 - 1))
    for index, value in enumerate(values):
        if value:
            total = bn.add(total, multiple(value, generator(index)))
    return total


def multiple(scalar: int, point: Any) -> Any:
    """Of either sign."""
    if 2 * abs(scalar) > P:
        scalar = (scalar + P // 2) % P - P // 2
    return bn.multiply(point if scalar >= 0 else bn.neg(point), abs(scalar))


def read(data: bytes) -> Any:
    """A point of 64 bytes x ‖ y, little-endian; refuses what is not canonical or not on the curve."""
    x, y = int.from_bytes(data[:32], "little"), int.from_bytes(data[32:], "little")
    assert len(data) == 64 and x < Q and y < Q
    point = bn.FQ(x), bn.FQ(y), bn.FQ.one()
    assert bn.is_on_curve(point, bn.b)
    return point


def write(point: Any) -> bytes:
    """The inverse; the identity has no encoding."""
    assert not bn.is_inf(point)
    return b"".join(c.n.to_bytes(32, "little") for c in bn.normalize(point))


def limbs(point: Any) -> list[int]:
    """x and y in two halves of 128 bits each, low first."""
    return [part for c in bn.normalize(point) for part in (c.n % 2**128, c.n // 2**128)]


def points(data: bytes, number: int) -> Iterator[bytes]:
    """The first `number` encodings of a proof."""
    return (data[64 * i : 64 * i + 64] for i in range(number))
