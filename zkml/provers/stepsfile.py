"""The file of a chain of steps: what a prover hands over (docs/protocol.md §15).

    file = [ "escapement/steps/1", rows, [[y_0, [link, …]], …, [y_{N−1}, [link, …]]], delays, last ]
    link = [ after, [proof, …] ]

Deterministic CBOR. All counts and lengths are fixed or bounded by a `Shape`, which comes from the terms and
the backend alone. Decoding: (1) cap the length, (2) read item by item, each against its bound, without
recursion, (3) require the end, (4) encode again and require the same bytes.
"""

from dataclasses import dataclass

import cbor2

from zkml.errors import ProofMalformed, TermsMalformed
from zkml.provers.interface import Limits, Link


@dataclass(frozen=True)
class Shape:
    """segments: N; links: per segment; y, delays: lengths by group, T and N; limits: the backend's."""

    segments: int
    links: int
    y: int
    delays: int
    limits: Limits

    @property
    def max_bytes(self) -> int:
        """The longest file; raises TermsMalformed beyond MAX_BYTES."""
        proofs = self.limits.proofs * (self.limits.proof + HEAD)
        segment = self.y + self.links * (AFTER + proofs + 3 * HEAD) + 3 * HEAD
        most = FORMAT_BYTES + self.limits.rows + self.delays + self.limits.last + self.segments * segment
        if most > MAX_BYTES:
            raise TermsMalformed(
                f"terms.segments: a file of {self.segments} segments may take {most} bytes, at most "
                f"{MAX_BYTES} are read; agree on fewer"
            )
        return most


@dataclass(frozen=True)
class Segment:
    """The output of the delay before a segment, and its links."""

    y: bytes
    links: tuple[Link, ...]


@dataclass(frozen=True)
class StepsFile:
    """rows: what is public of the training rows; delays: the one proof of all outputs; last: see `Link`."""

    rows: bytes
    segments: tuple[Segment, ...]
    delays: bytes
    last: bytes

    def encode(self) -> bytes:
        """The canonical bytes."""
        segments = [
            [segment.y, [[link.after, list(link.proofs)] for link in segment.links]]
            for segment in self.segments
        ]
        return cbor2.dumps([FORMAT, self.rows, segments, self.delays, self.last], canonical=True)


def decode(data: bytes, shape: Shape) -> StepsFile:
    """The file with exactly these canonical bytes and this shape; raises ProofMalformed."""
    if len(data) > shape.max_bytes:
        raise ProofMalformed(f"file: at most {shape.max_bytes} bytes expected, got {len(data)}")
    reader = _Reader(data)
    reader.array("file", 5, 5)
    reader.format()
    rows = reader.octets("rows", 0, shape.limits.rows)
    reader.array("segments", shape.segments, shape.segments)
    segments = tuple(_segment(reader, f"segment {i + 1}", shape) for i in range(shape.segments))
    delays = reader.octets("delays", shape.delays, shape.delays)
    last = reader.octets("last proof", 0, shape.limits.last)
    reader.end()
    file = StepsFile(rows, segments, delays, last)
    if file.encode() != data:
        raise ProofMalformed("file: not the deterministic encoding of what it says")
    return file


def _segment(reader: "_Reader", where: str, shape: Shape) -> Segment:
    reader.array(where, 2, 2)
    y = reader.octets(f"{where}, y", shape.y, shape.y)
    reader.array(f"{where}, links", shape.links, shape.links)
    return Segment(
        y, tuple(_link(reader, f"{where}, link {j + 1}", shape.limits) for j in range(shape.links))
    )


def _link(reader: "_Reader", where: str, limits: Limits) -> Link:
    reader.array(where, 2, 2)
    after = reader.octets(f"{where}, after", AFTER, AFTER)
    count = reader.array(f"{where}, proofs", 0, limits.proofs)
    return Link(after, tuple(reader.octets(f"{where}, proof {i + 1}", 0, limits.proof) for i in range(count)))


class _Reader:
    """Reads CBOR heads (RFC 8949 §3) and strings one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def array(self, where: str, least: int, most: int) -> int:
        """Number of items of the array that begins here."""
        return self._head(ARRAY, where, least, most, "items")

    def octets(self, where: str, least: int, most: int) -> bytes:
        """The byte string that begins here."""
        return self._take(self._head(BYTES, where, least, most, "bytes"), where)

    def format(self) -> None:
        """The text that names format and version."""
        got = self._take(self._head(TEXT, "format", 0, MAX_FORMAT, "bytes"), "format")
        if got != FORMAT.encode():
            raise ProofMalformed(f"format: {FORMAT!r} expected, got {got!r}")

    def end(self) -> None:
        """Require that nothing is left."""
        if self._at != len(self._data):
            raise ProofMalformed(f"file: {len(self._data) - self._at} bytes after its end")

    def _head(self, major: int, where: str, least: int, most: int, unit: str) -> int:
        first = self._take(1, where)[0]
        low = first & 31
        if first >> 5 != major or low > LONGEST:
            raise ProofMalformed(f"{where}: {KINDS[major]} expected, got an item of type {first:#04x}")
        argument = low if low < SHORT else int.from_bytes(self._take(1 << (low - SHORT), where), "big")
        if not least <= argument <= most:
            expected = f"{least}" if least == most else f"{least} to {most}"
            raise ProofMalformed(f"{where}: {expected} {unit} expected, got {argument}")
        return argument

    def _take(self, length: int, where: str) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise ProofMalformed(f"{where}: the file ends inside it, at byte {len(self._data)}")
        self._at += length
        return taken


FORMAT = "escapement/steps/1"
AFTER = 32  # bytes of a hash of weights
HEAD = 5  # bytes of the head of a string or array below 2^32
FORMAT_BYTES = 64  # format and outermost heads, rounded up
MAX_BYTES = 1 << 30  # knob: a verifier holds it all, in about three times as much memory
MAX_FORMAT = 64  # bytes that are shown of a wrong format
BYTES, TEXT, ARRAY = 2, 3, 4  # major types
SHORT, LONGEST = 24, 27  # low bits of a head: arguments of 1, 2, 4, 8 bytes
KINDS = {BYTES: "byte string", TEXT: "text", ARRAY: "array"}
