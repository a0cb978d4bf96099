"""Bytes that are hashed (protocol §2, §9): tags, integers, and the one expandable hash.

expand(tag, data, bits) = the first ⌈bits/8⌉ bytes of SHAKE-256(tag ‖ data)
"""

import hashlib


def tag(name: str) -> bytes:
    """An ASCII name padded with zero bytes to exactly 32 bytes."""
    return name.encode("ascii").ljust(32, b"\0")


def u64(value: int) -> bytes:
    """8 bytes, big-endian; 0 ≤ value < 2^64, anything else raises OverflowError."""
    return value.to_bytes(8, "big")


def expand(name: str, data: bytes, bits: int) -> bytes:
    """⌈bits/8⌉ bytes of SHAKE-256 under the tag `name`."""
    return hashlib.shake_256(tag(name) + data).digest(-(-bits // 8))
