"""The terms of a chain of steps: what whoever relies on it has agreed on beforehand (docs/protocol.md §15).

A TOML file of version 1 with exactly these keys; byte strings are lower-case hexadecimal. Its digest is

    M = SHA-256(tag "escapement/v1/steps/terms" ‖ SHA-256(prover) ‖ SHA-256(program) ‖ rows ‖ nonce
                ‖ SHA-256(group) ‖ u64(T) ‖ u64(N) ‖ srs)

where every field has one length, so the encoding is injective.
"""

import dataclasses
import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vdf import GROUPS
from vdf.encoding import tag, u64
from zkml.analysis import analyse
from zkml.errors import TermsMalformed, TermsMismatch, ZkmlError
from zkml.program import Program
from zkml.provers.native import file_digest
from zkml.provers.registry import PROVERS


@dataclass(frozen=True)
class Terms:
    """Terms whose fields are all in range; the constructor raises TermsMalformed otherwise.

    prover: a name of `zkml.provers.registry`; program: its canonical bytes; rows: SHA-256 of what the prover
    makes public of the training rows; nonce: 32 bytes that give the genesis; group, squarings: of every
    delay; segments: exactly how many; srs: SHA-256 of the reference string's file, or 32 zero bytes.
    """

    prover: str
    program: bytes
    rows: bytes
    nonce: bytes
    group: str
    squarings: int
    segments: int
    srs: bytes

    def __post_init__(self) -> None:
        for name in ("rows", "nonce", "srs"):
            value = getattr(self, name)
            if not isinstance(value, bytes) or len(value) != 32:
                raise TermsMalformed(f"terms.{name}: 32 bytes expected")
        _require_one_of("prover", self.prover, tuple(PROVERS))
        _require_one_of("group", self.group, GROUPS)
        _require_range("squarings", self.squarings, MAX_SQUARINGS)
        _require_range("segments", self.segments, MAX_SEGMENTS)
        most = self.decoded.max_segments
        if self.segments > most:
            raise TermsMalformed(
                f"terms.segments: the program is sized for at most {most}, got {self.segments}"
            )

    @cached_property
    def decoded(self) -> Program:
        """The program, analysed."""
        try:
            program = Program.decode(self.program)
            analyse(program)
        except ZkmlError as error:
            raise TermsMalformed(f"terms.program: {error}") from error
        return program

    def statement(self) -> bytes:
        """M, 32 bytes."""
        fields = (
            _sha256(self.prover.encode()),
            _sha256(self.program),
            self.rows,
            self.nonce,
            _sha256(self.group.encode()),
            u64(self.squarings),
            u64(self.segments),
            self.srs,
        )
        return _sha256(tag("escapement/v1/steps/terms") + b"".join(fields))

    def require_rows(self, rows: bytes) -> None:
        """Require that these are the rows agreed on; raises TermsMismatch."""
        got = _sha256(rows)
        if got != self.rows:
            raise TermsMismatch(
                f"rows: {self.rows.hex()} agreed on, got {got.hex()}; the same data, program and "
                "folder of secrets give the same rows"
            )

    def require_srs(self, srs: Path | None) -> None:
        """Require the reference string agreed on, or none; raises TermsMismatch, SrsError."""
        got = file_digest(srs)
        if got != self.srs:
            wanted = self.srs.hex() if any(self.srs) else "none"
            raise TermsMismatch(
                f"reference string: the terms state {wanted}, got {'none' if srs is None else got.hex()}"
            )

    def to_toml(self) -> str:
        """The file's text; `parse_terms` gives the same terms back."""
        values = {
            name: value.hex() if isinstance(value, bytes) else value for name, value in self.fields().items()
        }
        lines = (
            f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"'
            for name, value in values.items()
        )
        return "\n".join(["version = 1", *lines]) + "\n"

    def fields(self) -> dict[str, Any]:
        """Names and values, as the constructor takes them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def load_terms(path: Path) -> Terms:
    """The terms in a file. Raises TermsMalformed, also if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TermsMalformed(f"terms {path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise TermsMalformed(f"terms {path}: at most {MAX_BYTES} bytes expected")
    try:
        return parse_terms(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise TermsMalformed(f"terms {path}: not UTF-8: {error}") from error


def parse_terms(text: str) -> Terms:
    """The terms that the TOML text states; unknown and missing keys are errors. Raises TermsMalformed."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of thousands of digits
        raise TermsMalformed(f"terms: not TOML: {error}") from error
    version = table.pop("version", None)
    if version != 1 or type(version) is not int:
        raise TermsMalformed(f"terms.version: 1 expected, got {_shown(version)}")
    for name in sorted(table.keys() - KEYS):
        raise TermsMalformed(f"terms.{name!r:.80}: no such key; known are {', '.join(sorted(KEYS))}")
    for name in sorted(KEYS - table.keys()):
        raise TermsMalformed(f"terms.{name}: missing; make terms with `escapement steps terms`")
    for name in ("program", "rows", "nonce", "srs"):
        table[name] = _octets(name, table[name])
    return Terms(**table)


def _octets(name: str, value: Any) -> bytes:
    if not isinstance(value, str) or not HEX.fullmatch(value):
        raise TermsMalformed(f"terms.{name}: lower-case hexadecimal digits expected, got {_shown(value)}")
    return bytes.fromhex(value)


def _require_one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise TermsMalformed(f"terms.{name}: one of {', '.join(known)} expected, got {_shown(value)}")


def _require_range(name: str, value: Any, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise TermsMalformed(f"terms.{name}: integer from 1 to {most} expected, got {_shown(value)}")


def _shown(value: Any) -> str:
    """Short, and never the decimals of a huge integer, which Python refuses to print."""
    if isinstance(value, int) and abs(value) >> 64:
        return hex(value)[:40]
    return repr(value)[:80] if isinstance(value, int | float | str) else type(value).__name__


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


MAX_SQUARINGS = 1 << 50  # what any group takes; one that takes less says so
MAX_SEGMENTS = 1 << 20  # knob
MAX_BYTES = 1 << 16  # of a file: twice a program's 8192 and some lines
KEYS = frozenset(Terms.__dataclass_fields__)
HEX = re.compile(r"(?:[0-9a-f]{2})*")
