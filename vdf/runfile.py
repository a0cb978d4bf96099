"""Many finished delays of one group and one T as a file, with one proof for all of them.

    {"format": "escapement/delays/1", "group", "squarings": T,
     "delays": [{"context": 32 bytes, "y"}, …], "proof"}                       (bytes lower-case hexadecimal)

Nothing says how the delays hang together: what each context commits to is the verifier's to know. Reading
checks the form alone, and that no context comes twice; whether the proof is true `Group.verify_run` says.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdf.errors import Malformed, StorageError, UsageError, VdfError
from vdf.group import CONTEXT_BYTES, require_squarings
from vdf.groups import group
from vdf.record import replace


@dataclass(frozen=True)
class RunFile:
    """What a file says. `group`: its name; `contexts` (32 bytes each) and `ys` belong together, in order."""

    group: str
    squarings: int
    contexts: tuple[bytes, ...]
    ys: tuple[bytes, ...]
    proof: bytes

    def xs(self) -> list[bytes]:
        """Every delay's input, computed from its context and T."""
        return [group(self.group).input(context, self.squarings) for context in self.contexts]


def save(path: Path, content: RunFile) -> None:
    """Write the file, atomically; raises StorageError `delays-file-unwritable`."""
    pairs = zip(content.contexts, content.ys, strict=True)
    fields = {
        "format": FORMAT,
        "group": content.group,
        "squarings": content.squarings,
        "delays": [{"context": context.hex(), "y": y.hex()} for context, y in pairs],
        "proof": content.proof.hex(),
    }
    data = json.dumps(fields, indent=1).encode() + b"\n"
    if len(data) > MOST_BYTES or len(content.ys) > MOST_DELAYS:
        raise UsageError("delay-batch", f"{path}: too many delays for one file; prove fewer at once")
    try:
        replace(path, data)
    except OSError as error:
        raise StorageError("delays-file-unwritable", f"{path}: cannot be written: {error}") from error


def load(path: Path) -> RunFile:
    """The file's content; raises StorageError `delays-file-unreadable`, Malformed `delays-file`."""
    data = _read(path, MOST_BYTES + 1)
    try:
        _require_shape(data)
        return _content(json.loads(data))
    except (ValueError, TypeError, RecursionError, VdfError) as error:
        raise Malformed("delays-file", f"{path}: {error}") from error


def is_run_file(path: Path) -> bool:
    """Whether the file begins as `save` begins one; raises StorageError `delays-file-unreadable`."""
    return f'"format": "{FORMAT}"'.encode() in _read(path, SNIFFED)


def _require_shape(data: bytes) -> None:
    """Refuse what cannot be such a file before building objects, which take many times the bytes."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"at most {MOST_BYTES} bytes expected")
    if data.count(b"[") > 1 or data.count(b"{") > 1 + MOST_DELAYS or data.count(b",") > 4 * MOST_DELAYS:
        raise ValueError(f"one list of at most {MOST_DELAYS} delays expected")


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise StorageError("delays-file-unreadable", f"{path}: {error.strerror or error}") from error


def _content(fields: Any) -> RunFile:
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f"not a file of many delays: format {FORMAT!r} expected")
    _exactly(fields, _TYPES, "")
    require_squarings(fields["squarings"])
    group(fields["group"])
    for index, delay in enumerate(fields["delays"]):
        _exactly(delay, _DELAY_TYPES, f"delay {index}: ")
    contexts = [_bytes(delay, "context", f"delay {index}: ") for index, delay in enumerate(fields["delays"])]
    for index, context in enumerate(contexts):
        if len(context) != CONTEXT_BYTES:
            raise ValueError(f"delay {index}: context: {CONTEXT_BYTES} bytes expected, got {len(context)}")
    if not contexts or len(set(contexts)) != len(contexts):
        raise ValueError("delays: at least one expected, and no context twice: a delay counts once")
    ys = [_bytes(delay, "y", f"delay {index}: ") for index, delay in enumerate(fields["delays"])]
    proof = _bytes(fields, "proof", "")
    return RunFile(fields["group"], fields["squarings"], tuple(contexts), tuple(ys), proof)


def _exactly(fields: Any, types: dict[str, type], where: str) -> None:
    """Require an object of these fields and no others."""
    if not isinstance(fields, dict) or set(fields) != set(types):
        raise ValueError(f"{where}exactly these fields expected: {', '.join(types)}")
    for name, kind in types.items():
        if type(fields[name]) is not kind:
            raise ValueError(f"{where}{name}: of the wrong type")


def _bytes(fields: dict[str, Any], name: str, where: str) -> bytes:
    """The bytes of a hexadecimal field in its one spelling."""
    text = fields[name]
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise ValueError(f"{where}{name}: lower-case hexadecimal without spaces expected")
    return data


FORMAT = "escapement/delays/1"
MOST_DELAYS = 1 << 16  # as many as a policy allows segments
MOST_BYTES = (1 << 26) + 1024 * MOST_DELAYS  # a proof of 2^25 bytes in hexadecimal, and the delays
SNIFFED = 256
_TYPES: dict[str, type] = {"format": str, "group": str, "squarings": int, "delays": list, "proof": str}
_DELAY_TYPES: dict[str, type] = {"context": str, "y": str}
