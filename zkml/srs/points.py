"""Reads the points of a table, a piece of the file at a time, and refuses everything that is no power.

Canonical coordinates (below q), the curve's equation, not the identity. G1 has prime order: its points need
no more. Of G2 the subgroup is checked in `zkml.srs.pairings`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from gmpy2 import mpz

from zkml.errors import SrsError
from zkml.srs.field import Q, on_curve_g1, on_curve_g2
from zkml.srs.layout import Table

Pair = tuple[mpz, mpz]


def g1_points(file: BinaryIO, table: Table, start: int, stop: int) -> Iterator[Pair]:
    """Points start..stop−1 of a G1 table; raises SrsError with power and byte."""
    for index, data in _records(file, table, start, stop):
        x, y = _coordinate(table, index, data, 0), _coordinate(table, index, data, 32)
        if not on_curve_g1(x, y):
            _refuse(table, index, data)
        yield x, y


def g2_points(file: BinaryIO, table: Table, start: int, stop: int) -> Iterator[tuple[Pair, Pair]]:
    """Points start..stop−1 of a G2 table, perhaps outside the subgroup; raises SrsError."""
    for index, data in _records(file, table, start, stop):
        a, b, c, d = (_coordinate(table, index, data, at) for at in (0, 32, 64, 96))
        if not on_curve_g2((a, b), (c, d)):
            _refuse(table, index, data)
        yield (a, b), (c, d)


def _records(file: BinaryIO, table: Table, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    for low in range(start, stop, POINTS_AT_ONCE):
        number = min(POINTS_AT_ONCE, stop - low)
        file.seek(table.offset + low * table.size)
        data = file.read(number * table.size)
        if len(data) < number * table.size:
            raise SrsError(
                f"{table.place(low + len(data) // table.size)}: the file ends here: did it shrink?"
            )
        for i in range(number):
            yield low + i, data[i * table.size : (i + 1) * table.size]


def _coordinate(table: Table, index: int, data: bytes, at: int) -> mpz:
    stored = mpz.from_bytes(data[at : at + 32], "little")
    if stored >= _Q:
        raise SrsError(f"{table.place(index, at)}: a coordinate is not below q")
    return stored * FROM_MONTGOMERY % _Q


def _refuse(table: Table, index: int, data: bytes) -> None:
    why = "it is not on the curve" if any(data) else "it is the identity"
    raise SrsError(f"{table.place(index)}: {why}")


POINTS_AT_ONCE = 1 << 12
_Q = mpz(Q)
FROM_MONTGOMERY = mpz(pow(1 << 256, -1, Q))
