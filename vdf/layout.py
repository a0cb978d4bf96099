"""How an evaluation is cut up so that its proof costs a fraction of it (Wesolowski, ePrint 2018/623, §4.1).

    ⌊2^T/ℓ⌋ = Σ_i b_i·2^(κi), 0 ≤ b_i < 2^κ;   i = γj + s;   stored C_j = x^(2^(κγj))
    π = Π_s (Π_j C_j^(b_{γj+s}))^(2^(κs)),   the inner product by buckets: Π_b (Π_{j: b_{γj+s} = b} C_j)^b

Cost of the proof: T/κ + γ·2^(κ+1) multiplications. Memory: ⌈⌊T/κ⌋/γ⌉ ≤ 2^16 stored elements (16 MiB) and 2^κ
buckets. All of it a function of T; a knob, never a matter of soundness.
"""

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True)
class Layout:
    """`kappa`: bits per digit; `gamma`: digits between two stored elements; `count`: how many are stored."""

    kappa: int
    gamma: int
    count: int

    @property
    def interval(self) -> int:
        """Squarings from one stored element to the next."""
        return self.kappa * self.gamma


def choose_layout(squarings: int) -> Layout:
    """The layout of least estimated cost for T = squarings ≥ 1."""
    return min(_layouts(squarings), key=lambda layout: _cost(layout, squarings))


def _layouts(squarings: int) -> list[Layout]:
    """For each digit width the best spacing that keeps within MOST_STORED."""
    found = []
    for kappa in range(1, min(MOST_KAPPA, squarings) + 1):
        digits = squarings // kappa
        balanced = isqrt(CHUNK_COST * digits // (MULTIPLY_COST << (kappa + 1)))
        gamma = max(1, balanced, -(-digits // MOST_STORED))
        found.append(Layout(kappa, gamma, -(-digits // gamma)))
    return found


def _cost(layout: Layout, squarings: int) -> int:
    """Estimated time beyond the plain squarings, in tenths of a squaring."""
    digits = squarings // layout.kappa
    buckets = layout.gamma << (layout.kappa + 1)
    return DIGIT_COST * digits + MULTIPLY_COST * buckets + CHUNK_COST * layout.count


# Knobs, in tenths of a squaring (1.04 µs with gmpy2 2.3.2); docs/delay.md has what they lead to.
DIGIT_COST = 19  # one digit: long division and one multiplication into a bucket
MULTIPLY_COST = 14  # one multiplication when buckets are combined
CHUNK_COST = 80  # one more call of powmod (its window table) and one element encoded
MOST_STORED = 1 << 16  # 16 MiB of elements
MOST_KAPPA = 14  # 2^14 buckets, 5 MiB
