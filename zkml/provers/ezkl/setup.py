"""Keys of one program's step: derived from the program and a reference string, kept in a folder.

A kept set-up lies in a folder named by the digest of all that it depends on, and lists the digests of its
files; whatever does not match is derived again. It is made beside its place and moved there whole.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from dataclasses import dataclass
from pathlib import Path

from zkml.errors import ProverFailed, SrsError
from zkml.program import Program
from zkml.provers.ezkl import child
from zkml.provers.ezkl.layout import Layout, layout
from zkml.provers.ezkl.srs import INSECURE, file_digest, is_local, local_srs, require_srs
from zkml.provers.ezkl.worker import run_args

PROVING = ("settings.json", "circuit.ezkl", "vk", "pk")
VERIFYING = ("settings.json", "vk")


@dataclass(frozen=True)
class SetUp:
    """A step's layout and where its files are. `insecure`: why proofs show nothing, or None."""

    layout: Layout
    folder: Path
    srs: Path
    insecure: str | None
    files: tuple[str, ...]

    @property
    def key_bytes(self) -> int:
        """Bytes of the keys and the reference string."""
        return sum(path.stat().st_size for path in (self.srs, *(self.folder / name for name in self.files)))


def set_up(program: Program, folder: Path, srs: Path | None, files: tuple[str, ...]) -> SetUp:
    """The set-up of `program` with `files` of PROVING or VERIFYING, as kept in `folder` or derived.

    Raises ProverUnsupported, SrsError, SrsTooSmall, ExportError, ProverMissing, ProverMemory, ProverFailed.
    """
    shape = layout(program)
    if srs is not None:
        powers, digest = srs, require_srs(srs, shape.logrows, folder)
    else:
        powers = local_srs(folder, shape.logrows)
        digest = file_digest(powers)
    insecure = INSECURE if is_local(powers) else None
    identity = _identity(shape, digest, files)
    place = folder / f"ezkl-{identity[:32]}"
    if not is_whole(place, identity, files):
        _derive(shape, place, identity, powers, files)
    return SetUp(shape, place, powers, insecure, files)


def _derive(shape: Layout, place: Path, identity: str, srs: Path, files: tuple[str, ...]) -> None:
    work = place.parent
    try:
        with child.scratch_folder(work) as scratch:
            fresh = scratch / place.name
            fresh.mkdir()
            child.run("prepare", work, program=shape.program.encode().hex(), folder=str(fresh))
            _make_keys(work, fresh, srs)
            for path in fresh.iterdir():
                if path.name not in files:
                    path.unlink()
            _write_list(fresh, identity, files)
            if place.exists():
                os.replace(place, scratch / "damaged")
            os.replace(fresh, place)
    except OSError as error:
        raise ProverFailed(
            f"ezkl: keeping keys in {work}: {error.strerror or error}; nothing is lost"
        ) from error


def _make_keys(work: Path, fresh: Path, srs: Path) -> None:
    try:
        child.run("keys", work, folder=str(fresh), srs=str(srs.resolve()))
    except ProverFailed as error:
        if _BAD_SRS not in str(error):
            raise
        raise SrsError(f"reference string {srs}: {error}; take an undamaged copy") from error


def is_whole(place: Path, identity: str, files: tuple[str, ...]) -> bool:
    """Whether `place` holds these files undamaged, made for this identity."""
    try:
        kept = json.loads((place / _LIST).read_text())
        listed = {name: file_digest(place / name) for name in files}
    except (OSError, ValueError):
        return False
    return bool(kept == {"identity": identity, "files": listed})


def _write_list(place: Path, identity: str, files: tuple[str, ...]) -> None:
    listed = {name: file_digest(place / name) for name in files}
    (place / _LIST).write_text(json.dumps({"identity": identity, "files": listed}))


def _identity(shape: Layout, srs_digest: str, files: tuple[str, ...]) -> str:
    """Digest of everything that the keys depend on. The exporter's version is part: it shapes the graph."""
    versions = {name: importlib.metadata.version(name) for name in ("ezkl", "torch", "onnxscript")}
    depends = [_FORMAT, versions, shape.program.encode().hex(), run_args(shape), srs_digest, files]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


_BAD_SRS = "failed to read srs"  # ezkl's words
_LIST = "kept.json"
_FORMAT = 2  # raised whenever exported steps change
