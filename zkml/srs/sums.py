"""Random and given linear combinations of many points, by buckets (Pippenger), a point at a time.

A scalar of `bits` bits is cut into windows of c bits. Each window adds the point to the bucket of its digit;
at the end Σ_d d·bucket_d is made by partial sums, and the windows are put together by doubling. Per point
⌈bits/c⌉ sums, and 2^(c+1) per window at the end; memory 2^c points per window.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Point = TypeVar("Point")
Add = Callable[[Point | None, Point | None], Point | None]


class Combination(Generic[Point]):
    """Σ s_i·A_i over the pairs given so far; None is the group's identity and `add` its law.

    `expected`: about how many pairs will come; `window_cost`: in sums, what the caller does with each window.
    Both decide c and nothing else.
    """

    def __init__(self, add: Add[Point], bits: int, expected: int, window_cost: int = 0) -> None:
        self._add = add
        self._c = window_bits(bits, expected + window_cost)
        self._mask = (1 << self._c) - 1
        self._buckets: list[list[Point | None]] = [
            [None] * (1 << self._c) for _ in range(-(-bits // self._c))
        ]

    def take(self, scalar: int, point: Point) -> None:
        """Add scalar·point, 0 ≤ scalar < 2^bits."""
        add, mask, c = self._add, self._mask, self._c
        for bucket in self._buckets:
            digit = scalar & mask
            if digit:
                bucket[digit] = add(bucket[digit], point)
            scalar >>= c

    def windows(self) -> list[Point | None]:
        """Per window Σ_i digit_i·A_i, the lowest first."""
        return [self._window(bucket) for bucket in self._buckets]

    def join(self, windows: list[Point | None]) -> Point | None:
        """Σ s_i·A_i, from `windows()`."""
        total: Point | None = None
        for window in reversed(windows):
            for _ in range(self._c):
                total = self._add(total, total)
            total = self._add(total, window)
        return total

    def _window(self, bucket: list[Point | None]) -> Point | None:
        running: Point | None = None
        total: Point | None = None
        for point in reversed(bucket[1:]):
            running = self._add(running, point)
            total = self._add(total, running)
        return total


def window_bits(bits: int, expected: int) -> int:
    """The c with the fewest sums for so many points, 1 to MAX_WINDOW."""
    return min(range(1, MAX_WINDOW + 1), key=lambda c: -(-bits // c) * (expected + (2 << c)))


# Security: 2^13 is below the least prime factor of G2's cofactor, which the subgroup check of
# zkml.srs.pairings needs. A larger one would hardly be faster.
MAX_WINDOW = 13
