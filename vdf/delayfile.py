"""A finished delay as a file, for its prover to keep or to hand on.

    {"format": "escapement/delay/2", "group", "context": 32 bytes, "squarings": T, "y", "pi", "seconds",
     "kept": SHA-256 of the file beside it, or ""}                                     (bytes hexadecimal)

What the proof of a whole run is made from lies beside it as *.kept; who only verifies does not need it.
Reading checks the form alone: x is computed from context and T, and whether y and π are true `verify` says.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdf.errors import Malformed, StorageError, VdfError
from vdf.group import Delay
from vdf.groups import group
from vdf.record import replace


@dataclass(frozen=True)
class DelayFile:
    """What a file says. `group`: its name; `context`: 32 bytes; `seconds`: how long the evaluation took."""

    group: str
    context: bytes
    delay: Delay
    seconds: float


def save(path: Path, content: DelayFile) -> None:
    """Write both, each atomically, the kept elements first; raises StorageError `delay-file-unwritable`."""
    delay, kept = content.delay, content.delay.load_kept()
    fields = {
        "format": FORMAT,
        "group": content.group,
        "context": content.context.hex(),
        "squarings": delay.squarings,
        "y": delay.y.hex(),
        "pi": delay.pi.hex(),
        "seconds": content.seconds,
        "kept": hashlib.sha256(kept).hexdigest() if kept else "",
    }
    try:
        if kept:
            replace(kept_path(path), kept)
        replace(path, json.dumps(fields, indent=1).encode() + b"\n")
    except OSError as error:
        raise StorageError("delay-file-unwritable", f"{path}: cannot be written: {error}") from error


def load(path: Path, *, kept: bool = False) -> DelayFile:
    """The file's content; `kept`: naming the file beside it, which must be there and have the digest.

    Raises StorageError `delay-file-unreadable`, Malformed `delay-file`; nothing is verified.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise StorageError("delay-file-unreadable", f"{path}: {error.strerror or error}") from error
    try:
        fields = _fields(data)
        context, y, pi = (bytes.fromhex(fields[name]) for name in ("context", "y", "pi"))
        seconds = float(fields["seconds"])
        x = group(fields["group"]).input(context, fields["squarings"])
    except (ValueError, TypeError, OverflowError, RecursionError, VdfError) as error:
        raise Malformed("delay-file", f"{path}: {error}") from error
    held: bytes | Path = b""
    if kept and fields["kept"]:
        held = kept_path(path)
        _require_digest(held, fields["kept"])
    delay = Delay(x, y, pi, fields["squarings"], held)
    return DelayFile(fields["group"], context, delay, seconds)


def kept_path(path: Path) -> Path:
    """Where the kept elements of a delay file are."""
    return path.with_name(f"{path.name}.kept")


def _fields(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise ValueError(f"at most {MOST_BYTES} bytes expected")
    fields = json.loads(data)
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f"not a delay file: format {FORMAT!r} expected")
    for name, kind in _TYPES.items():
        if not isinstance(fields.get(name), kind) or isinstance(fields[name], bool):
            raise ValueError(f"{name}: missing or of the wrong type")
    return fields


def _require_digest(path: Path, digest: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise Malformed("delay-file", f"{path}: missing; the delay has to be evaluated again") from error
    except OSError as error:
        raise StorageError("delay-file-unreadable", f"{path}: {error.strerror or error}") from error
    if found != digest:
        raise Malformed("delay-file", f"{path}: not the elements that the delay's file names")


FORMAT = "escapement/delay/2"
MOST_BYTES = 1 << 22  # the longest proof, 4096 sub-delays of a class group, takes 1.6 MB in hexadecimal
_TYPES: dict[str, type | tuple[type, ...]] = {
    "group": str,
    "context": str,
    "squarings": int,
    "y": str,
    "pi": str,
    "seconds": (int, float),
    "kept": str,
}
