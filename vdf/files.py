"""Files that are either the old one or the new one, whole: temporary file beside it, fsync, replace."""

import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` to `path` with permission bits `mode`; on OSError the old file is untouched."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_capped(path: Path, most: int) -> bytes:
    """The file's bytes, or its first `most` + 1; memory grows with the file, not with `most`."""
    parts, wanted = [], most + 1
    with path.open("rb") as file:
        while wanted > 0 and (part := file.read(min(wanted, 1 << 20))):
            parts.append(part)
            wanted -= len(part)
    return b"".join(parts)
