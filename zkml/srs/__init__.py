"""Structured reference strings: read strictly, and checked with pairings that share no code with the provers.

    srs = require(path, 17)         raises SrsError or SrsTooSmall; srs.sha256 says which file it was

A reference string holds the powers G, τ·G, τ²·G, … of a secret τ that nobody may know. `require` shows that
a file is one, whole and of a single τ (`zkml.srs.consistency`: equations, soundness, time). It cannot show
that τ is unknown: NOT_CHECKED. Formats: `zkml.srs.layout`. Needs py_ecc (extra `srs`).
"""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from zkml.errors import SrsError, SrsTooSmall, SrsUnreadable
from zkml.srs import pairings, remembered
from zkml.srs.consistency import require_powers
from zkml.srs.layout import HALO2, MAX_LOG2, PTAU, Layout, read_layout
from zkml.srs.result import Srs

__all__ = ["HALO2", "NOT_CHECKED", "PTAU", "SOUNDNESS", "Progress", "Srs", "require"]


@dataclass(frozen=True)
class Progress:
    """`done` of `total` bytes or points; `stage` says of what."""

    stage: str
    done: int
    total: int


def require(
    path: Path,
    log2_size: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    remember: Path | None = None,
    expected: str | None = None,
) -> Srs:
    """Require a consistent reference string with at least 2^log2_size powers.

    Of a ptau file with `log2_size` given, the 2^log2_size powers in G1 and two in G2 that nova-snark reads
    are checked; of a halo2 file, and where it is None, all points. `remember`: a folder for results by the
    file's SHA-256, so that the same file is only hashed the second time; whoever can write there decides what
    counts as checked. `expected`: PTAU or HALO2, the one format that will do.

    Raises SrsUnreadable, SrsError (damaged, of another format, inconsistent; names power and byte),
    SrsTooSmall, ProverMissing.
    """
    pairings.curve()

    def report(stage: str, done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(Progress(stage, done, total))

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SrsUnreadable(f"{path}: not a regular file")
        with path.open("rb") as file:
            return _require(path, file, log2_size, report, remember, expected)
    except OSError as error:
        raise SrsUnreadable(f"{path}: cannot be read: {error.strerror or error}") from error
    except SrsUnreadable:
        raise
    except (SrsError, SrsTooSmall) as error:
        raise type(error)(f"{path}: {error}") from error


def _require(
    path: Path,
    file: BinaryIO,
    log2_size: int | None,
    report: Callable[[str, int, int], None],
    remember: Path | None,
    expected: str | None,
) -> Srs:
    before = os.fstat(file.fileno())
    layout = read_layout(file, before.st_size)
    if expected not in (None, layout.format):
        raise SrsError(f"it is a {layout.format} file, {expected} is needed ({WHO[expected or PTAU]})")
    powers, g2_powers = _needed(layout, log2_size)
    digest = _sha256(file, before.st_size, report)
    found = None if remember is None else remembered.load(remember, digest)
    if found is not None and found.covers(layout, powers, g2_powers):
        return replace(found, path=path)
    require_powers(file, layout, powers, g2_powers, report)
    after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SrsError("the file changed while it was read")
    srs = Srs(
        path, layout.format, digest, layout.g1.count, powers, layout.g2.count, g2_powers, layout.skipped
    )
    if remember is not None:
        remembered.store(remember, srs)
    return srs


def _needed(layout: Layout, log2_size: int | None) -> tuple[int, int]:
    """How many powers in G1 and G2 are to be checked."""
    if log2_size is None:
        return layout.g1.count, layout.g2.count
    log2_size = max(1, log2_size)
    if log2_size > MAX_LOG2 or layout.g1.count < 1 << log2_size:
        raise SrsTooSmall(f"{layout.g1.count} powers in G1, 2^{log2_size} are needed: take a larger file")
    return (1 << log2_size, 2) if layout.format == PTAU else (layout.g1.count, 2)


def _sha256(file: BinaryIO, length: int, report: Callable[[str, int, int], None]) -> bytes:
    hasher = hashlib.sha256()
    file.seek(0)
    for done in range(0, length, HASH_BYTES):
        report("bytes hashed", done, length)
        hasher.update(file.read(HASH_BYTES))
    report("bytes hashed", length, length)
    return hasher.digest()


NOT_CHECKED = "who made it is not checked: a consistent string may have a known tau"
SOUNDNESS = "an inconsistent string passes with probability 2^-126 at most"
WHO = {PTAU: "powers of tau, for nova-snark", HALO2: "parameters, for ezkl"}
HASH_BYTES = 1 << 20
