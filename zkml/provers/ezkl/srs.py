"""The structured reference string: a given file, or a local one that whoever made it can forge with.

    file = k (u32, little-endian) ‖ 2^k points of G1: powers ‖ 2^k points of G1: Lagrange ‖ G2 ‖ τ·G2

with points uncompressed, as halo2 writes them: 64 bytes in G1, 128 in G2. A larger file works too, but
ezkl derives a smaller Lagrange basis from it whenever it loads it, several seconds even for 2^11 rows: take
the file of exactly the step's size, as ceremonies publish one per size.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import zkml.srs
from zkml.errors import ProverFailed
from zkml.provers.ezkl import child

INSECURE = (
    "the reference string was made on this machine: whoever ran that knows a secret with which any proof "
    "can be forged; give the file of a public ceremony with --srs"
)


def require_srs(path: Path, logrows: int, remember: Path) -> str:
    """Require a consistent reference string for 2^logrows rows in a given file; its SHA-256, in hex.

    `remember`: a folder for results by digest. Raises SrsError, SrsTooSmall, ProverMissing.
    """
    return zkml.srs.require(path, logrows, remember=remember, expected=zkml.srs.HALO2).sha256.hex()


def file_size(logrows: int) -> int:
    """Bytes of a reference string for 2^logrows rows."""
    return 4 + 2 * 64 * (1 << logrows) + 2 * 128


def local_srs(folder: Path, logrows: int) -> Path:
    """An insecure reference string kept in `folder`; made again if it is missing or damaged."""
    path, mark = folder / f"{LOCAL_PREFIX}{logrows}.srs", folder / f"{LOCAL_PREFIX}{logrows}.srs.sha256"
    if path.is_file() and mark.is_file() and mark.read_text().strip() == file_digest(path):
        return path
    try:
        with child.scratch_folder(folder) as scratch:
            fresh = scratch / path.name
            child.run("srs", folder, path=str(fresh), logrows=logrows)
            if fresh.stat().st_size != file_size(logrows):
                raise ProverFailed(f"ezkl: srs: {fresh.stat().st_size} bytes, not {file_size(logrows)}")
            digest = file_digest(fresh)
            mark.unlink(missing_ok=True)
            os.replace(fresh, path)
            mark.write_text(digest)
    except OSError as error:
        raise ProverFailed(f"reference string {path}: {error.strerror or error}") from error
    return path


def is_local(path: Path) -> bool:
    """Whether a file has the name of those that `local_srs` makes."""
    return path.name.startswith(LOCAL_PREFIX)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


LOCAL_PREFIX = "insecure-"
