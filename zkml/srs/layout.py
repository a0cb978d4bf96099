"""Where the points of a structured reference string lie in its file: two formats, sizes checked first.

All integers are little-endian. A G1 point is x ‖ y, 64 bytes; a G2 point x ‖ y with each coordinate c0 ‖ c1,
128 bytes; a coordinate a is stored as a·2^256 mod q (Montgomery form), 32 bytes.

ptau, what nova-snark 0.76 reads (snarkjs' powers of tau, or pruned by nova-snark's own example):

    "ptau"  u32 version = 1  u32 sections, 3 or 11       then per section: u32 id  i64 bytes  contents
    section 1: u32 32, q, u32 power, perhaps u32 power of the ceremony    section 2: τ^i·G    section 3: τ^i·H

The other sections (alphaTau, betaTau, contributions, Lagrange bases) are skipped by nova-snark and here.

halo2, what ezkl 23.0.5 reads (halo2's ParamsKZG, raw bytes; established on files of `ezkl.gen_srs`), n = 2^k:

    u32 k    n × τ^i·G    n × L_i(τ)·G    H    τ·H             4 + 128·n + 256 bytes
"""

from dataclasses import dataclass
from typing import BinaryIO

from zkml.errors import SrsError
from zkml.srs.field import Q

PTAU, HALO2 = "ptau", "halo2"
G1_BYTES, G2_BYTES = 64, 128


@dataclass(frozen=True)
class Table:
    """`count` points of `size` bytes each, from byte `offset` on; `name` of the i-th is name_i."""

    name: str
    offset: int
    count: int
    size: int

    def place(self, index: int, byte: int = 0) -> str:
        """Words for a point: its table, number, and where it is in the file."""
        return f"{self.name} {index}, byte {self.offset + index * self.size + byte}"


@dataclass(frozen=True)
class Layout:
    """A file's tables. `lagrange` is None in a ptau file; `skipped`: ids of sections that nobody reads."""

    format: str
    g1: Table
    g2: Table
    lagrange: Table | None
    skipped: tuple[int, ...]


def read_layout(file: BinaryIO, length: int) -> Layout:
    """The layout of a file of `length` bytes, every size compared with it; reads headers only.

    Raises SrsError.
    """
    head = file.read(4)
    if len(head) < 4:
        raise SrsError(f"the file has {length} bytes: too short for a header")
    return _ptau(file, length) if head == b"ptau" else _halo2(int.from_bytes(head, "little"), length)


def _halo2(k: int, length: int) -> Layout:
    if not 1 <= k <= MAX_LOG2:
        raise SrsError(
            f"byte 0: neither 'ptau' nor a number k of 1 to {MAX_LOG2} (it is {k}): not a powers-of-tau file "
            "of snarkjs and not a parameter file of ezkl"
        )
    n = 1 << k
    expected = 4 + 2 * n * G1_BYTES + 2 * G2_BYTES
    if length != expected:
        raise SrsError(
            f"byte 0: k = {k} makes a file of {expected} bytes, this one has {length}: "
            f"{'truncated' if length < expected else 'surplus bytes'}, or another format"
        )
    lagrange = 4 + n * G1_BYTES
    return Layout(
        HALO2,
        Table("G1 power", 4, n, G1_BYTES),
        Table("G2 power", lagrange + n * G1_BYTES, 2, G2_BYTES),
        Table("Lagrange point", lagrange, n, G1_BYTES),
        (),
    )


def _ptau(file: BinaryIO, length: int) -> Layout:
    version, number = _u32(file, "version"), _u32(file, "number of sections")
    if version != 1:
        raise SrsError(f"byte 4: version {version}; nova-snark reads version 1")
    if number not in SECTION_NUMBERS:
        raise SrsError(
            f"byte 8: {number} sections; nova-snark reads files with 3 (pruned) or 11 (prepared): run "
            "`snarkjs powersoftau prepare phase2` on it"
        )
    sections = _sections(file, length, number)
    power = _ptau_header(file, *_named(sections, 1))
    g1 = _table("G1 power", _named(sections, 2), G1_BYTES)
    g2 = _table("G2 power", _named(sections, 3), G2_BYTES)
    for table, most in ((g1, (2 << power) - 1), (g2, 1 << power)):
        if not 2 <= table.count <= most:
            raise SrsError(
                f"byte {table.offset}: {table.count} points {table.name[:2]}; 2 to {most} expected for the "
                f"header's power {power}"
            )
    return Layout(PTAU, g1, g2, None, tuple(sorted(id for id in sections if id not in READ)))


def _sections(file: BinaryIO, length: int, number: int) -> dict[int, tuple[int, int]]:
    """(offset, bytes) by id; they fill the file to its end."""
    found: dict[int, tuple[int, int]] = {}
    at = 12
    for _ in range(number):
        file.seek(at)
        section, size = _u32(file, "section id"), _u64(file, "section size")
        at += 12
        if size > length - at:
            raise SrsError(
                f"byte {at - 12}: section {section} of {size} bytes ends after the file, which has {length}"
            )
        if section in found:
            raise SrsError(f"byte {at - 12}: section {section} occurs twice")
        found[section] = (at, size)
        at += size
    if at != length:
        raise SrsError(f"byte {at}: {length - at} surplus bytes after the last section")
    return found


def _named(sections: dict[int, tuple[int, int]], section: int) -> tuple[int, int]:
    if section not in sections:
        raise SrsError(f"section {section} ({READ[section]}) is missing")
    return sections[section]


def _ptau_header(file: BinaryIO, offset: int, size: int) -> int:
    """The power p: 2^(p+1) − 1 powers in G1, 2^p in G2."""
    if size not in HEADER_BYTES:
        raise SrsError(f"byte {offset}: header of {size} bytes; 40 or 44 expected")
    file.seek(offset)
    field_bytes, prime = _u32(file, "bytes of the field"), int.from_bytes(file.read(32), "little")
    if field_bytes != 32 or prime != Q:
        raise SrsError(f"byte {offset}: the field is not BN254's base field")
    power = _u32(file, "power")
    if not 1 <= power <= MAX_LOG2:
        raise SrsError(f"byte {offset + 36}: power {power}; 1 to {MAX_LOG2} expected")
    return power


def _table(name: str, section: tuple[int, int], size: int) -> Table:
    offset, length = section
    if length % size:
        raise SrsError(f"byte {offset}: {length} bytes are not whole points of {size} bytes")
    return Table(name, offset, length // size, size)


def _u32(file: BinaryIO, what: str) -> int:
    return _integer(file, 4, what)


def _u64(file: BinaryIO, what: str) -> int:
    return _integer(file, 8, what)


def _integer(file: BinaryIO, size: int, what: str) -> int:
    data = file.read(size)
    if len(data) < size:
        raise SrsError(f"byte {file.tell()}: the file ends inside the {what}")
    return int.from_bytes(data, "little")


# 2^28 divides p − 1 and no higher power of two does: no longer string has a Lagrange basis.
MAX_LOG2 = 28
READ = {1: "header", 2: "powers in G1", 3: "powers in G2"}
SECTION_NUMBERS, HEADER_BYTES = (3, 11), (40, 44)
