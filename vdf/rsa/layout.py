"""Which elements an evaluation stores, so that its proof costs a fraction of it (ePrint 2018/623, §4.1).

    stored C_j = x^(2^(L·j)), L the interval, for L·j ≤ T − 256: ⌊2^T/ℓ⌋ < 2^(T−255) for ℓ > 2^255
    ⌊2^T/ℓ⌋ = Σ_j Σ_s b_{j,s}·2^(Lj + κs),   s = 0..⌈L/κ⌉−1,   0 ≤ b_{j,s} < 2^κ, the last one narrower
    π = Π_s (Π_j C_j^(b_{j,s}))^(2^(κs)),   the inner product by buckets: Π_b (Π_{j: b_{j,s} = b} C_j)^b

Cost of the proof: T/κ + (L/κ)·2^(κ+1) multiplications. Memory: at most 2^16 stored elements (16 MiB encoded)
and 2^κ buckets per thread. All of it a function of T; a knob, never a matter of soundness.
"""

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True)
class Layout:
    """`interval`: squarings between stored elements; `count`: how many there are; `kappa`: bits per digit."""

    interval: int
    count: int
    kappa: int

    @property
    def columns(self) -> int:
        """Digits per interval."""
        return -(-self.interval // self.kappa)

    def column(self, index: int) -> tuple[int, int]:
        """Position and width, in bits, of digit `index` of every interval, lowest first."""
        position = index * self.kappa
        return position, min(self.kappa, self.interval - position)


def choose_layout(squarings: int) -> Layout:
    """The layout of least estimated cost for T = squarings ≥ 1 that stores at most MOST_STORED elements."""
    candidates = (_best(squarings, kappa) for kappa in range(1, MOST_KAPPA + 1))
    return min(candidates, key=lambda layout: _cost(layout, squarings))


def layout_of(squarings: int, interval: int) -> Layout:
    """The layout of least estimated cost with this interval ≥ 1, whatever it stores; 0 counts as 1."""
    interval = max(1, interval)
    count = _count(squarings, interval)
    candidates = (Layout(interval, count, kappa) for kappa in range(1, MOST_KAPPA + 1))
    return min(candidates, key=lambda layout: _cost(layout, squarings))


def stride(layout: Layout) -> int:
    """Every how many-th stored element is kept for the proof of a run: MOST_KEPT of them at most."""
    return max(1, -(-layout.count // MOST_KEPT))


def _best(squarings: int, kappa: int) -> Layout:
    """For one digit width the best interval that keeps within MOST_STORED, a multiple of the width."""
    digits = -(-squarings // kappa)
    balanced = isqrt(CHUNK_COST * digits // (MULTIPLY_COST << (kappa + 1)))
    interval = kappa * max(1, balanced, -(-digits // MOST_STORED))
    return Layout(interval, _count(squarings, interval), kappa)


def _count(squarings: int, interval: int) -> int:
    return max(0, -(-(squarings - LEAST_BITS) // interval))


def _cost(layout: Layout, squarings: int) -> int:
    """Estimated time beyond the plain squarings, in tenths of a squaring."""
    digits, buckets = -(-squarings // layout.kappa), layout.columns << (layout.kappa + 1)
    return DIGIT_COST * digits + MULTIPLY_COST * buckets + CHUNK_COST * layout.count


# Knobs, in tenths of a squaring; docs/delay.md has what they lead to.
DIGIT_COST = 16  # one digit: one multiplication into a bucket and 256-bit arithmetic
MULTIPLY_COST = 12  # one multiplication when buckets are combined
CHUNK_COST = 10  # one element more to store, and to save
MOST_STORED = 1 << 16  # 16 MiB of elements
MOST_KEPT = 1 << 11  # 512 KiB of elements, kept of every delay for the proof of the run
MOST_KAPPA = 16  # 2^16 buckets, 25 MiB
LEAST_BITS = 255  # 2^255 < ℓ
