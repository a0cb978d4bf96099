"""The folder of a run as such: made whole or not at all, marked with its version, locked while in use.

The lock is the operating system's (flock): it ends with the process that holds it, however that ended.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ivc.errors import StorageError
from ivc.storage import save, writing
from vdf.files import sync_folder


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its name when the block ends well, and is removed otherwise."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name in FOLDERS:
            (folder / name).mkdir(mode=0o700)
        yield folder
        save(folder / MARKER, json.dumps({"format": FORMAT, "version": VERSION}).encode())
        with writing(path):
            os.rename(folder, path)
            sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def require_marker(path: Path) -> None:
    """Require a run directory of this version; raises StorageError `not-a-run`, `run-version`."""
    marker = path / MARKER
    try:
        found = json.loads(marker.read_bytes())
        version = found["version"] if found["format"] == FORMAT else None
    except (OSError, ValueError, TypeError, KeyError):
        version = None
    if version is None:
        raise StorageError(
            "not-a-run", f"{path}: not a run directory ({marker} does not say so); make one with init"
        )
    if version != VERSION:
        raise StorageError(
            "run-version",
            f"{path}: version {version} of run directories, this program reads version {VERSION}; use the "
            "release that made it",
        )


def acquire_lock(path: Path) -> int:
    """The lock, held until this handle is closed or the process ends; raises StorageError `run-in-use`."""
    with writing(path / "lock"):
        handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(handle, 64, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise StorageError(
            "run-in-use", f"{path}: in use by process {owner}; wait for it or stop it (kill -INT {owner})"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of writes that a crash cut short; only while nobody else is at work here."""
    for folder in (path, *(path / name for name in FOLDERS)):
        for leftover in folder.glob(".*.*"):
            with writing(leftover):
                leftover.unlink()


MARKER = "run.json"
FORMAT = "escapement/run"
VERSION = 1
FOLDERS = ("data", "checkpoints", "delays", "proof")
