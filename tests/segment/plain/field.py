"""Multilinear extensions over Fr of BN254.

A table of 2^n values is a multilinear polynomial of n variables given by its values at the corners; the
index's bits, most significant first, are the corner. Points are lists of coordinates in the same order.

    eq(p, q)         Π (p_i·q_i + (1−p_i)(1−q_i))             equality
    below(p, n)      Σ_{x<n} eq(p, x)                         [x < n] at p
    eq_below(p,q,n)  Σ_{x<n} eq(p, x)·eq(x, q)                equality masked to x < n

Cost: tables O(2^n), closed forms O(n) multiplications.
"""

from collections.abc import Sequence

P = 21888242871839275222246405745257275088548364400416034343698204186575808495617  # order of BN254's G1
Table = list[int]
Point = list[int]


def log2up(n: int) -> int:
    """Smallest v with 2^v ≥ n; 0 for n = 1."""
    return max(n - 1, 0).bit_length()


def bits(x: int, n: int) -> Point:
    """The n low bits of x, most significant first."""
    return [(x >> (n - 1 - i)) & 1 for i in range(n)]


def inverse(x: int) -> int:
    """1/x; x ≠ 0."""
    return pow(x, -1, P)


def powers(g: int, n: int) -> list[int]:
    """1, g, …, g^(n−1)."""
    out = [1]
    for _ in range(n - 1):
        out.append(out[-1] * g % P)
    return out[:n]


# --- tables ------------------------------------------------------------------------------------------------


def eq_table(p: Sequence[int]) -> Table:
    """eq(p, x) for every corner x."""
    table = [1]
    for c in p:
        table = [w for v in table for w in (v * (1 - c) % P, v * c % P)]
    return table


def bind_last(table: Table, c: int) -> Table:
    """The table with its last variable set to c."""
    return [(table[i] + c * (table[i + 1] - table[i])) % P for i in range(0, len(table), 2)]


def bind_first(table: Table, c: int) -> Table:
    """The table with its first variable set to c."""
    half = len(table) // 2
    return [(lo + c * (hi - lo)) % P for lo, hi in zip(table[:half], table[half:], strict=True)]


def fix_columns(table: Table, p: Sequence[int]) -> Table:
    """The table with its last len(p) variables set to p."""
    for c in reversed(p):
        table = bind_last(table, c)
    return table


def fix_rows(table: Table, p: Sequence[int]) -> Table:
    """The table with its first len(p) variables set to p."""
    for c in p:
        table = bind_first(table, c)
    return table


def evaluate(table: Table, p: Sequence[int]) -> int:
    """The polynomial at p."""
    assert len(table) == 1 << len(p)
    return fix_columns(table, p)[0] % P


def evaluate_padded(table: Table, p: Sequence[int]) -> int:
    """The same polynomial among len(p) variables: zero unless all leading bits are zero."""
    lead = len(p) - (len(table).bit_length() - 1)
    return eq([0] * lead, p[:lead]) * evaluate(table, p[lead:]) % P


# --- closed forms ------------------------------------------------------------------------------------------


def eq(p: Sequence[int], q: Sequence[int]) -> int:
    """Equality of two points of the same length."""
    out = 1
    for a, b in zip(p, q, strict=True):
        out = out * (a * b + (1 - a) * (1 - b)) % P
    return out


def below(p: Sequence[int], n: int) -> int:
    """[x < n] at p."""
    if n >= 1 << len(p):
        return 1
    if n == 0:
        return 0
    half, rest = 1 << (len(p) - 1), p[1:]
    if n <= half:
        return (1 - p[0]) * below(rest, n) % P
    return (1 - p[0] + p[0] * below(rest, n - half)) % P


def eq_below(p: Sequence[int], q: Sequence[int], n: int) -> int:
    """Equality masked to x < n."""
    if n >= 1 << len(p):
        return eq(p, q)
    if n == 0:
        return 0
    half, low, high = 1 << (len(p) - 1), (1 - p[0]) * (1 - q[0]), p[0] * q[0]
    if n <= half:
        return low * eq_below(p[1:], q[1:], n) % P
    return (low * eq(p[1:], q[1:]) + high * eq_below(p[1:], q[1:], n - half)) % P
