"""Results kept by the SHA-256 of the whole file: <folder>/<sha256>.json. A damaged one is made again."""

import json
import logging
from pathlib import Path

from vdf.files import write_atomic
from zkml.srs.result import Srs


def load(folder: Path, digest: bytes) -> Srs | None:
    """The result for this file, if there is one in exactly the form that `store` writes."""
    path = _path(folder, digest)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("%s is not readable: %s", path, error)
        return None
    try:
        fields = json.loads(data)
        numbers = {name: fields[name] for name in NUMBERS}
        if not all(type(number) is int for number in [*numbers.values(), *fields["skipped"]]):
            raise ValueError("a number is not one")
        srs = Srs(
            Path(), fields["format"], digest, skipped=tuple(fields["skipped"]), remembered=True, **numbers
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _log.warning("%s is damaged (%s); the file is checked again", path, error)
        return None
    return srs if data == _encode(srs) else None


def store(folder: Path, srs: Srs) -> None:
    """Keep a result; a folder that cannot be written costs time, nothing else."""
    path = _path(folder, srs.sha256)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, _encode(srs))
    except OSError as error:
        _log.warning("the result is not remembered: %s", error)


def _encode(srs: Srs) -> bytes:
    fields: dict[str, object] = {"version": 1, "sha256": srs.sha256.hex(), "format": srs.format}
    fields |= {name: getattr(srs, name) for name in NUMBERS}
    return json.dumps(fields | {"skipped": list(srs.skipped)}, indent=1).encode()


def _path(folder: Path, digest: bytes) -> Path:
    return folder / f"{digest.hex()}.json"


NUMBERS = ("powers", "checked", "g2_powers", "g2_checked")
MAX_BYTES = 1 << 12
_log = logging.getLogger(__name__)
