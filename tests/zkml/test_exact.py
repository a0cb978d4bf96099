"""Exact arithmetic against the definitions in Python integers, on both sides of the int64 border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml import exact

ANY = st.one_of(
    st.integers(-(1 << 70), 1 << 70),
    st.integers(-20, 20),
    st.sampled_from(
        [s * ((1 << b) + d) for s in (1, -1) for b in (31, 52, 53, 62, 63, 64) for d in (-1, 0, 1)]
    ),
)


def array(rows: list[list[int]]) -> exact.Int:
    small = all(-(1 << 63) <= v < 1 << 63 for row in rows for v in row)
    return np.array(rows, dtype=np.int64 if small else object)


def matrices(n: int, d: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(ANY, min_size=d, max_size=d), min_size=n, max_size=n)


@given(matrices(2, 3), matrices(3, 2))
def test_matmul(a: list[list[int]], b: list[list[int]]) -> None:
    expected = [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(2)] for i in range(2)]
    assert exact.matmul(array(a), array(b)).tolist() == expected


@given(matrices(2, 2), matrices(1, 2), ANY)
def test_add_and_scale(a: list[list[int]], b: list[list[int]], factor: int) -> None:
    assert exact.add(array(a), array(b)).tolist() == [[a[i][j] + b[0][j] for j in range(2)] for i in range(2)]
    assert exact.scale(array(a), factor).tolist() == [[v * factor for v in row] for row in a]


@given(matrices(1, 4), st.integers(1, 100), st.integers(2, 48))
def test_rescale(
    plain_rescale: Callable[[int, int, int], int], rows: list[list[int]], shift: int, bits: int
) -> None:
    data, clamped = exact.rescale(array(rows), shift, bits)
    expected = [plain_rescale(v, shift, bits) for v in rows[0]]
    assert data.dtype == np.int64
    assert data.tolist() == [expected]
    assert clamped == sum(
        e != (v + (1 << (shift - 1))) >> shift for v, e in zip(rows[0], expected, strict=True)
    )


@pytest.mark.parametrize(
    ("z", "shift", "bits", "y", "clamped"),
    [
        (0, 1, 2, 0, 0),
        (1, 1, 2, 1, 0),  # a half rounds up
        (-1, 1, 2, 0, 0),  # also below 0: floor((-1 + 1) / 2)
        (-2, 1, 2, -1, 0),
        (-3, 1, 2, -1, 0),
        (3, 1, 2, 1, 1),
        (-6, 1, 2, -2, 1),
        (7, 4, 8, 0, 0),
        (8, 4, 8, 1, 0),
        (-8, 4, 8, 0, 0),
        (-9, 4, 8, -1, 0),
        ((1 << 63) - 1, 1, 48, (1 << 47) - 1, 1),  # z + 2^(s−1) passes int64
        (-(1 << 63), 16, 48, -(1 << 47), 0),
    ],
)
def test_rescale_by_hand(z: int, shift: int, bits: int, y: int, clamped: int) -> None:
    data, count = exact.rescale(np.array([[z]], dtype=np.int64), shift, bits)
    assert (data.tolist(), count) == ([[y]], clamped)


def test_degenerate_shapes() -> None:
    nothing = np.zeros((0, 3), dtype=np.int64)
    assert exact.magnitude(nothing) == 0
    assert exact.matmul(nothing, np.ones((3, 2), dtype=np.int64)).shape == (0, 2)
    assert exact.rescale(nothing, 3, 5)[1] == 0
