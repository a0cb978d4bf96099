"""Tools of the attackers: refuse exactly, and change one item of a CBOR encoding in every way there is.

An encoding is taken apart into lists, one item is changed, and it is put together again; a `Verbatim` item
is written as it is, so that what no encoder would write can be written too.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest

from ivc import chain, encoding
from ivc.bundle import Bundle, Segment
from ivc.errors import IvcError, Malformed, Rejected
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.request import Request
from ivc.verify import verify
from tests.tiny_run import SQUARINGS, Run, delayed, delays

Path = tuple[int, ...]


class Verbatim(bytes):
    """An item of an encoding that is written as these bytes."""


def refused(policy: Policy, bundle: Bundle | bytes) -> tuple[str, int]:
    """Code and exit code with which `verify` refuses; the class must be the one of the exit code."""
    with pytest.raises(IvcError) as caught:
        verify(policy, bundle if isinstance(bundle, bytes) else bundle.encode())
    error = caught.value
    assert type(error) is {1: Rejected, 5: Malformed}[error.exit_code]
    return error.code, error.exit_code


def expected(code: str) -> tuple[str, int]:
    """The code with its exit code: 1 for what is well-formed and false, 5 for everything else."""
    return code, 1 if code in FALSE else 5


def in_segment(bundle: Bundle, index: int, **changes: bytes) -> Bundle:
    """The bundle with fields of one segment replaced."""
    segments = list(bundle.segments)
    segments[index] = dataclasses.replace(segments[index], **changes)
    return dataclasses.replace(bundle, segments=tuple(segments))


def with_segments(bundle: Bundle, *segments: Segment) -> Bundle:
    """The bundle with these segments instead of its own; the proof of the delays stays."""
    return dataclasses.replace(bundle, segments=segments)


def redelayed(
    bundle: Bundle, manifest: Manifest, checkpoints: list[bytes], squarings: int = SQUARINGS
) -> Bundle:
    """The bundle with these checkpoints, delays computed for them, and a true proof of those."""
    return delayed(bundle, checkpoints, delays(manifest, checkpoints, squarings))


def checkpoints(run: Run) -> list[bytes]:
    """C_1 to C_N of a run."""
    return [segment.checkpoint for segment in run.bundle.segments]


def followed(run: Run, request: bytes) -> tuple[Policy, Bundle]:
    """A policy that names these request bytes, and the run's bundle with them and, if there is one, the
    manifest that they give: what an attacker gets whose request was accepted.
    """
    policy = dataclasses.replace(run.policy, request=hashlib.sha256(request).digest())
    bundle = dataclasses.replace(run.bundle, request=request)
    try:
        manifest = chain.build_manifest(request, policy)
    except Malformed:
        return policy, bundle
    return policy, dataclasses.replace(bundle, manifest=manifest.encode())


def following(run: Run, **changes: Any) -> tuple[Policy, Bundle]:
    """`followed` for the run's request with fields replaced by valid values."""
    request: Request = dataclasses.replace(run.request, **changes)
    return followed(run, request.encode())


def flipped(item: Any, at: int | None = None) -> Any:
    """One bit changed, in the middle or at `at`: all of it in range again. A list is reversed."""
    if isinstance(item, int):
        return item ^ 1
    if isinstance(item, list):
        return item[::-1]
    if isinstance(item, str):
        return flipped(item.encode("ascii"), at).decode("ascii")
    at = len(item) // 2 if at is None else at % len(item)
    return item[:at] + bytes([item[at] ^ 1]) + item[at + 1 :]


def truncated(item: Any) -> Any:
    """The last byte, character or item less; an integer loses its last bit."""
    return item >> 1 if isinstance(item, int) else item[:-1]


def extended(item: Any) -> Any:
    """A zero byte, a character, the last item once more, or 33 bits."""
    if isinstance(item, int):
        return item + (1 << 33)
    return item + (item[-1:] if isinstance(item, list) else "x" if isinstance(item, str) else b"\0")


def retyped(item: Any) -> Any:
    """The nearest item of another type."""
    if isinstance(item, str):
        return item.encode("ascii")
    return item.hex() if isinstance(item, bytes) else encoded(item)


def respelled(item: Any) -> Verbatim:
    """The same item with the next longer head (RFC 8949 allows only the shortest)."""
    data = encoded(item)
    low = data[0] & 31
    size = 1 << low - 24 if low >= 24 else 0
    argument = int.from_bytes(data[1 : 1 + size], "big") if size else low
    return Verbatim(head(data[0] >> 5, argument, max(1, 2 * size)) + data[1 + size :])


def claiming(item: Any, count: int) -> Verbatim:
    """A string or list whose head says that it is `count` bytes or items long."""
    data = encoded(item)
    skipped = 1 + (1 << (data[0] & 31) - 24 if data[0] & 31 >= 24 else 0)
    return Verbatim(head(data[0] >> 5, count, 8) + data[skipped:])


def altered(data: bytes, path: Path, how: str, other: Any = None) -> bytes:
    """The encoding with the item at `path` changed in one of the MUTATIONS; `other` is for "replaced"."""
    items = cbor2.loads(data)
    parent, at = parent_of(items, path), path[-1]
    if how == "removed":
        del parent[at]
    elif how == "duplicated":
        parent.insert(at, parent[at])
    else:
        parent[at] = other if how == "replaced" else CHANGES[how](parent[at])
    return encoded(items)


def parent_of(items: list[Any], path: Path) -> list[Any]:
    """The list that holds the item at `path`."""
    for step in path[:-1]:
        items = items[step]
    return items


def paths(item: Any, path: Path = ()) -> Iterator[Path]:
    """Where the items of a decoded encoding are, lists before what is in them."""
    yield path
    if isinstance(item, list):
        for index, inner in enumerate(item):
            yield from paths(inner, (*path, index))


def encoded(item: Any) -> bytes:
    """The deterministic encoding, but for what is Verbatim in it."""
    if isinstance(item, Verbatim):
        return item
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encoded, item))
    return encoding.encode(item)


def head(major: int, argument: int, size: int | None = None) -> bytes:
    """A CBOR head; `size` bytes for the argument, or as few as possible."""
    if size is None:
        size = next(n for n in (0, 1, 2, 4, 8) if argument < (24 if n == 0 else 1 << 8 * n))
    low = argument if size == 0 else 23 + size.bit_length()
    return bytes([major << 5 | low]) + (argument.to_bytes(size, "big") if size else b"")


CHANGES: dict[str, Callable[[Any], Any]] = {
    "flipped": flipped,
    "truncated": truncated,
    "extended": extended,
    "retyped": retyped,
    "respelled": respelled,
}
MUTATIONS = (*CHANGES, "removed", "duplicated", "replaced")

# Codes of what is well-formed and false, or not the policy's.
FALSE = frozenset(
    {
        "request-mismatch",
        "manifest-mismatch",
        "policy-exceeds-program",
        "segment-count",
        "delay-false",
        "verifying-key-mismatch",
        "proof-rejected",
        "proof-dataset-rejected",
        "proof-fold-rejected",
        "proof-checkpoint-rejected",
        "proof-closing-rejected",
        "signature-invalid",
    }
)
