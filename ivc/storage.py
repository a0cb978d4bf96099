"""Files of a run: written whole or not at all, damaged ones kept, and every failure named.

Disk full is exit 4 and loses nothing: the file that was there is still there. Everything else that the
operating system refuses is exit 5.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ivc.errors import Resources, StorageError
from vdf.files import write_atomic


def save(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file atomically; raises Resources `disk-full`, StorageError `cannot-write`."""
    with writing(path):
        write_atomic(path, data, mode)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals inside the block into this room's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Resources(
                "disk-full",
                f"{path}: no space left; free some and run the same command again, nothing is lost",
            ) from error
        raise StorageError("cannot-write", f"{path}: {error.strerror or error}") from error


def append_line(path: Path, line: str) -> None:
    """Append one line and see it written; a torn last line, from a crash, is closed first."""
    with writing(path), path.open("ab+") as file:
        if file.tell() and not _ends_in_newline(path):
            file.write(b"\n")
        file.write(line.encode() + b"\n")


def read(path: Path, what: str) -> bytes:
    """The bytes of a file that a run must have; raises StorageError `missing-file`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError("missing-file", f"{what} {path}: {error.strerror or error}") from error


def set_aside(path: Path) -> Path:
    """Rename a damaged file to *.damaged (*.damaged-2, … if that is taken) and return the new name."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged" + (f"-{number}" if number > 1 else ""))).exists():
        number += 1
    with writing(path):
        os.replace(path, kept)
    return kept


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
