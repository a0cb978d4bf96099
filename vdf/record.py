"""A file that holds a delay's progress: replaced whole, digest-checked, bound to what it is the progress of.

    tag(32) ‖ binding(32) ‖ body ‖ SHA-256 of all before it

The digest finds damage, not malice: whoever can write this file can only spoil their own proof, which is
checked before it is handed out.
"""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vdf.encoding import tag
from vdf.errors import StorageError

T = TypeVar("T")


class Unusable(Exception):
    """What a record's body cannot be: `parse` refuses an intact file; the text says why."""


class Record:
    """One record, in two files: the newest, and *.1, the one before it. `path` None keeps nothing."""

    def __init__(self, path: Path | None, name: str, binding: bytes, most_bytes: int) -> None:
        """`name`: the tag; `binding`: 32 bytes that say what the body belongs to; `most_bytes`: of a body."""
        self._path = path
        self._head = tag(name) + binding
        self._most = len(self._head) + most_bytes + DIGEST

    def load(self, parse: Callable[[bytes], T]) -> T | None:
        """What `parse` makes of the newest good body; None if there is none.

        A file that is damaged, or whose body `parse` refuses with Unusable, is renamed to *.damaged and named
        in a warning of the logger `vdf.record`; then the older one is tried. Raises StorageError
        `delay-state-foreign` for an intact newest file of something else, which stays as it is, and
        `delay-state-unreadable`.
        """
        if self._path is None:
            return None
        for path in (self._path, older(self._path)):
            try:
                body = self._body(path)
                if body is not None:
                    return parse(body)
            except Unusable as error:
                _set_aside(path, str(error))
        return None

    def save(self, body: Callable[[], bytes]) -> None:
        """Write the newest file, atomically and durably, if there is to be one; only then is `body` made.

        Raises StorageError `delay-state-unwritable`.
        """
        if self._path is None:
            return
        content = self._head + body()
        try:
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._path, older(self._path))
            replace(self._path, content + hashlib.sha256(content).digest())
        except OSError as error:
            raise StorageError(
                "delay-state-unwritable",
                f"{self._path}: cannot be written: {error}; make room or permission, and repeat the call",
            ) from error

    def _body(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                data = file.read(self._most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError("delay-state-unreadable", f"{path}: cannot be read: {error}") from error
        content, digest = data[:-DIGEST], data[-DIGEST:]
        if hashlib.sha256(content).digest() != digest:
            raise Unusable("its digest does not match")
        if content[: len(self._head)] == self._head:
            return content[len(self._head) :]
        if path != self._path:
            return None
        raise StorageError(
            "delay-state-foreign",
            f"{path}: intact, but of another delay (group, x, T or version): give each delay its "
            "own file, or move this one away if it is not needed",
        )


def older(path: Path) -> Path:
    """Where the record before the newest is."""
    return path.with_name(f"{path.name}.1")


def proof_state(state: Path) -> Path:
    """Where the progress of a proof is kept, beside that of its evaluation."""
    return state.with_name(f"{state.name}.proof")


def discard(state: Path) -> None:
    """Remove all files of a delay's progress; raises StorageError `delay-state-unwritable`."""
    for path in (state, proof_state(state)):
        for file in (path, older(path)):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise StorageError("delay-state-unwritable", f"{file}: {error}") from error


def set_aside(state: Path, reason: str) -> None:
    """Rename all files of a delay's progress to *.damaged, with a warning."""
    for path in (state, proof_state(state)):
        for file in (path, older(path)):
            _set_aside(file, reason)


def _set_aside(path: Path, reason: str) -> None:
    """Rename a damaged file, if it exists, to a free name *.damaged, *.damaged-2, …"""
    if not path.exists():
        return
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
    LOGGER.warning("%s: damaged: %s; kept as %s", path, reason, kept)


def replace(path: Path, data: bytes) -> None:
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
LOGGER = logging.getLogger(__name__)
