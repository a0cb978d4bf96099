"""Bytes: field elements, points, the program's canonical CBOR, proofs.

Element: 32 bytes, little-endian, below p. Point: x ‖ y, 32 bytes each, little-endian, below q, on the
curve and not the identity. A proof is its points, in the protocol's order, then its elements in the order
of sending; every count is a function of the program, so there is no framing.
"""

from collections.abc import Sequence

from .curve import Affine, on_curve
from .field import P
from .transcript import Malformed

CborItem = int | bool | str | Sequence["CborItem"]


def element(value: int) -> bytes:
    """One field element."""
    return (value % P).to_bytes(32, "little")


def point(value: Affine) -> bytes:
    """One point; the identity has no encoding."""
    if value is None:
        raise Malformed("the identity has no encoding")
    return b"".join(c.to_bytes(32, "little") for c in value)


def proof(points: Sequence[Affine], elements: Sequence[int]) -> bytes:
    """Points, then elements."""
    return b"".join([*map(point, points), *map(element, elements)])


def read_proof(data: bytes, points: int) -> tuple[list[Affine], list[int]]:
    """The inverse. Ranges of elements are checked where they are read from the transcript."""
    if len(data) < 64 * points:
        raise Malformed("proof too short")
    if len(data) % 32:
        raise Malformed("proof is not a whole number of elements")
    words = [int.from_bytes(data[i : i + 32], "little") for i in range(0, len(data), 32)]
    read: list[Affine] = [(words[2 * i], words[2 * i + 1]) for i in range(points)]
    if not all(map(on_curve, read)):
        raise Malformed("not a point of the curve")
    return read, words[2 * points :]


def cbor(item: CborItem) -> bytes:
    """Deterministic CBOR of arrays, text, booleans and unsigned integers (RFC 8949 §4.2.1)."""
    if item is True or item is False:
        return b"\xf5" if item else b"\xf4"
    if isinstance(item, int):
        return head(0, item)
    if isinstance(item, str):
        return head(3, len(item)) + item.encode("ascii")
    return head(4, len(item)) + b"".join(map(cbor, item))


def head(major: int, value: int) -> bytes:
    """Major type and argument in the shortest form."""
    if value < 24:
        return bytes([major << 5 | value])
    size = next(i for i in range(4) if value < 1 << (8 << i))
    return bytes([major << 5 | 24 + size]) + value.to_bytes(1 << size, "big")
