"""The state file of an evaluation: where it stands, so that the same call continues after any interruption.

    tag(32) ‖ binding(32) ‖ position(8) ‖ x^(2^position) ‖ stored elements ‖ SHA-256 of all before it
    binding = SHA-256(tag ‖ |N|/8 ‖ N ‖ x ‖ u64(T) ‖ u64(κ) ‖ u64(γ))

The digest finds damage, not malice: whoever can write this file can only spoil their own proof, which
`prove` checks before it is handed out. Size: at most 16 MiB.
"""

import hashlib
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from vdf.encoding import tag, u64
from vdf.errors import StorageError
from vdf.layout import Layout
from vdf.rsa import Group


@dataclass
class Progress:
    """An evaluation under way: `current` = x^(2^position) mod N; `stored`: C_0, C_1, … encoded."""

    position: int
    current: int
    stored: bytearray = field(default_factory=bytearray)


class StateFile:
    """One delay's state file. `path` None keeps nothing."""

    def __init__(self, path: Path | None, group: Group, x: bytes, squarings: int, layout: Layout) -> None:
        self._path = path
        self._group = group
        self._squarings = squarings
        self._layout = layout
        self._binding = _binding(group, x, squarings, layout)

    def load(self) -> Progress | None:
        """The saved progress; None if there is none, or if the file was damaged.

        A damaged file is renamed to *.damaged and named in a warning of the logger `vdf.state`. Raises
        StorageError `delay-state-foreign` for an intact file of another delay, which stays as it is, and
        `delay-state-unreadable`.
        """
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                data = file.read(self._most_bytes() + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError("delay-state-unreadable", f"{self._path}: cannot be read: {error}") from error
        body, digest = data[:-DIGEST], data[-DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            _set_aside(self._path, "its digest does not match")
            return None
        if body[: 2 * DIGEST] != STATE_TAG + self._binding:
            raise StorageError(
                "delay-state-foreign",
                f"{self._path}: intact, but of another delay (group, x, T or version): give each delay its "
                "own file, or move this one away if it is not needed",
            )
        progress = self._parse(body)
        if progress is None:
            _set_aside(self._path, "its parts do not fit each other")
        return progress

    def save(self, progress: Progress) -> None:
        """Replace the file, atomically and durably. Raises StorageError `delay-state-unwritable`."""
        if self._path is None:
            return
        current = progress.current.to_bytes(self._group.element_bytes, "big")
        body = STATE_TAG + self._binding + u64(progress.position) + current + bytes(progress.stored)
        try:
            _replace(self._path, body + hashlib.sha256(body).digest())
        except OSError as error:
            raise StorageError(
                "delay-state-unwritable",
                f"{self._path}: cannot be written: {error}; make room or permission, and repeat the call",
            ) from error

    def _parse(self, body: bytes) -> Progress | None:
        """The progress in an intact body; None if it is not one that `evaluate` can have written."""
        size, start = self._group.element_bytes, 2 * DIGEST + 8
        position = int.from_bytes(body[2 * DIGEST : start], "big")
        current = int.from_bytes(body[start : start + size], "big")
        stored = bytearray(body[start + size :])
        expected = stored_at(position, self._layout) * size
        if position > self._squarings or len(stored) != expected or not 0 < current < self._group.modulus:
            return None
        return Progress(position, current, stored)

    def _most_bytes(self) -> int:
        return 3 * DIGEST + 8 + (1 + self._layout.count) * self._group.element_bytes


def stored_at(position: int, layout: Layout) -> int:
    """How many elements are stored after `position` squarings: those at multiples of the interval below."""
    return min(layout.count, -(-position // layout.interval))


def _set_aside(path: Path, reason: str) -> None:
    """Rename a damaged file to a free name *.damaged, *.damaged-2, …"""
    kept, number = path.with_name(f"{path.name}.damaged"), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.damaged-{number}")
    try:
        os.replace(path, kept)
    except OSError as error:
        raise StorageError(
            "delay-state-unwritable", f"{path}: damaged, and cannot be renamed to {kept}: {error}"
        ) from error
    LOGGER.warning("%s: damaged: %s; kept as %s, the delay starts from zero", path, reason, kept)


def _binding(group: Group, x: bytes, squarings: int, layout: Layout) -> bytes:
    """Digest of everything that the saved elements depend on."""
    modulus = group.modulus.to_bytes(group.element_bytes, "big")
    numbers = u64(squarings) + u64(layout.kappa) + u64(layout.gamma)
    return hashlib.sha256(STATE_TAG + u64(len(modulus)) + modulus + x + numbers).digest()


def _replace(path: Path, data: bytes) -> None:
    """Old file or new file, whole. One fixed temporary name: what a killed process left is overwritten."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


DIGEST = 32
STATE_TAG = tag("escapement/v1/delay-state")
LOGGER = logging.getLogger(__name__)
