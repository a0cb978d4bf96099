"""Bytes with one form only: deterministic CBOR, tags, SHA-256 over fixed-length fields (protocol §2).

Decoding: (1) the caller caps the length, (2) `_scan` walks the item heads without building anything and
refuses types, depths, counts and claimed sizes that cannot be, (3) cbor2 decodes, (4) the result is encoded
again and must give the same bytes. Whatever fails is Malformed; `where` names the place in the message.
"""

import hashlib
import io
from typing import Any

import cbor2

from ivc.errors import Malformed


def encode(value: Any) -> bytes:
    """The deterministic encoding of lists, unsigned ints, bytes, ASCII text and booleans."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, where: str, *, max_bytes: int, max_items: int = 4096) -> list[Any]:
    """The array that `data` is the deterministic encoding of, at most `max_items` items of any kind in it.

    Raises Malformed: `too-long`, `truncated` (also a claimed size beyond the end), `forbidden-type`,
    `not-ascii`, `too-deep`, `too-many-items`, `trailing-bytes`, `not-canonical`.
    """
    if len(data) > max_bytes:
        raise Malformed("too-long", f"{where}: at most {max_bytes} bytes expected, got {len(data)}")
    _scan(data, where, max_items)
    value = cbor2.load(io.BytesIO(data))
    if encode(value) != data:
        raise Malformed("not-canonical", f"{where}: not the deterministic encoding of what it says")
    return array(value, where)


def leading(data: bytes, where: str, count: int) -> tuple[int, list[Any]]:
    """Items that the array at the start of `data` says it has, and its first `count`, all strings.

    Nothing behind them is looked at. Raises Malformed `truncated`, `forbidden-type`, `not-ascii`,
    `wrong-type`, `wrong-length`, `not-canonical`.
    """
    major, length, position = _head(data, 0, where)
    if major != _ARRAY or not count <= length < _SHORT:
        raise Malformed("wrong-type", f"{where}: array of {count} to {_SHORT - 1} items expected")
    items: list[Any] = []
    for _ in range(count):
        major, size, start = _head(data, position, where)
        position = start + size
        if major not in (_BYTES, _TEXT):
            raise Malformed("wrong-type", f"{where}: string expected at byte {start}")
        if position > len(data):
            raise Malformed("truncated", f"{where}: {size} claimed at byte {start}, it ends before")
        content = data[start:position]
        if major == _TEXT and not content.isascii():
            raise Malformed("not-ascii", f"{where}: text at byte {start} is not ASCII")
        items.append(content.decode("ascii") if major == _TEXT else content)
    if data[:position] != encode([0] * length)[:1] + b"".join(map(encode, items)):
        raise Malformed("not-canonical", f"{where}: not the deterministic encoding of what it says")
    return length, items


def array(value: Any, where: str, length: int | None = None) -> list[Any]:
    """`value` if it is an array (of `length` items)."""
    if not isinstance(value, list):
        raise Malformed("wrong-type", f"{where}: array expected, got {_kind(value)}")
    if length is not None and len(value) != length:
        raise Malformed("wrong-length", f"{where}: {length} items expected, got {len(value)}")
    return value


def octets(value: Any, where: str, length: int) -> bytes:
    """`value` if it is a byte string of exactly `length` bytes."""
    if len(bounded_octets(value, where, 1 << 62)) != length:
        raise Malformed("wrong-length", f"{where}: {length} bytes expected, got {len(value)}")
    return bytes(value)


def bounded_octets(value: Any, where: str, most: int, least: int = 0) -> bytes:
    """`value` if it is a byte string of `least` to `most` bytes."""
    if not isinstance(value, bytes):
        raise Malformed("wrong-type", f"{where}: byte string expected, got {_kind(value)}")
    if not least <= len(value) <= most:
        raise Malformed("wrong-length", f"{where}: {least} to {most} bytes expected, got {len(value)}")
    return value


def field_element(value: Any, where: str) -> bytes:
    """`value` if it is 32 bytes, little-endian, below the order of BN254's scalar field."""
    if int.from_bytes(octets(value, where, 32), "little") >= FIELD_ORDER:
        raise Malformed("not-a-field-element", f"{where}: not below the field's order")
    return bytes(value)


def unsigned(value: Any, where: str, least: int = 0, most: int = (1 << 64) - 1) -> int:
    """`value` if it is an integer (not a boolean) from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed("wrong-type", f"{where}: unsigned integer expected, got {_kind(value)}")
    if not least <= value <= most:
        raise Malformed("out-of-range", f"{where}: {least} to {most} expected, got {value}")
    return value


def text(value: Any, where: str) -> str:
    """`value` if it is text."""
    if not isinstance(value, str):
        raise Malformed("wrong-type", f"{where}: text expected, got {_kind(value)}")
    return value


def literal(value: Any, where: str, expected: str) -> None:
    """Require `value` to be exactly the text `expected`: the format and version of a structure."""
    if text(value, where) != expected:
        raise Malformed("unknown-format", f"{where}: {expected!r} expected, got {value[:64]!r}")


def tag(name: str) -> bytes:
    """The ASCII name padded with zero bytes to 32."""
    padded = name.encode("ascii").ljust(32, b"\0")
    if len(padded) != 32:
        raise ValueError(f"tag {name!r} is longer than 32 bytes")
    return padded


def u64(number: int) -> bytes:
    """Eight bytes, big-endian."""
    return number.to_bytes(8, "big")


def hash_fields(name: str, *fields: bytes) -> bytes:
    """SHA-256 of the tag and the fields; injective because every tag's fields have fixed lengths."""
    return hashlib.sha256(tag(name) + b"".join(fields)).digest()


def _scan(data: bytes, where: str, max_items: int) -> None:
    """Check every head in `data` against what follows it; iterative, so depth costs no stack."""
    position, items, open_arrays = 0, 0, [1]
    while open_arrays:
        if open_arrays[-1] == 0:
            open_arrays.pop()
            continue
        open_arrays[-1] -= 1
        items += 1
        if items > max_items:
            raise Malformed("too-many-items", f"{where}: more than {max_items} items")
        major, argument, position = _head(data, position, where)
        left = len(data) - position
        if major in (_BYTES, _TEXT, _ARRAY) and argument > left:
            raise Malformed(
                "truncated", f"{where}: {argument} claimed at byte {position}, {left} bytes are left"
            )
        if major == _ARRAY:
            if len(open_arrays) > MAX_DEPTH:
                raise Malformed("too-deep", f"{where}: arrays nested deeper than {MAX_DEPTH}")
            open_arrays.append(argument)
        elif major in (_BYTES, _TEXT):
            if major == _TEXT and not data[position : position + argument].isascii():
                raise Malformed("not-ascii", f"{where}: text at byte {position} is not ASCII")
            position += argument
    if position != len(data):
        raise Malformed("trailing-bytes", f"{where}: {len(data) - position} bytes after its end")


def _head(data: bytes, position: int, where: str) -> tuple[int, int, int]:
    """Major type and argument of the item at `position`, and the position after its head."""
    if position >= len(data):
        raise Malformed("truncated", f"{where}: ends at byte {position}, inside an array")
    major, low = data[position] >> 5, data[position] & 31
    known = low in (_FALSE, _TRUE) if major == _SIMPLE else major in (_UNSIGNED, _BYTES, _TEXT, _ARRAY)
    if not known or low > _LONGEST:
        raise Malformed("forbidden-type", f"{where}: item of type {data[position]:#04x} at byte {position}")
    size = 0 if major == _SIMPLE or low < _SHORT else 1 << (low - _SHORT)
    end = position + 1 + size
    if end > len(data):
        raise Malformed("truncated", f"{where}: ends at byte {len(data)}, inside the item at byte {position}")
    return major, int.from_bytes(data[position + 1 : end], "big") if size else low, end


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


# Order of BN254's scalar field Fr.
FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
# Arrays inside arrays. The deepest are bundle > segments > segment and program > layers > layer.
MAX_DEPTH = 4

# CBOR heads (RFC 8949 §3): major types, and low bits 24..27 for arguments of 1, 2, 4, 8 bytes.
_UNSIGNED, _BYTES, _TEXT, _ARRAY, _SIMPLE = 0, 2, 3, 4, 7
_SHORT, _LONGEST = 24, 27
_FALSE, _TRUE = 20, 21
_KINDS = {bool: "boolean", int: "unsigned integer", bytes: "byte string", str: "text", list: "array"}
