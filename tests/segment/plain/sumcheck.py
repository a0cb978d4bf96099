"""Sumcheck (LFKN), batched over instances of different size.

Relation of an instance of v variables: claim = Σ_{x ∈ {0,1}^v} f(t_1(x), …, t_m(x)) for multilinear tables
t_i and a polynomial f of degree at most D in each variable. Coefficients that batch instances are inside f
and the claim.

Variables are bound last to first. With n the largest v, rounds count left = n..1; an instance joins at
left = v, so all instances see the same challenges on their leading variables; those with v = 0 join after
the last round. Round: g(0), g(2), …, g(D); g(1) = claim − g(0); the challenge is coordinate left−1 of the
point.

What the verifier is left with: an unproven claim about f's value at the point. Error: D·n/p.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .field import P, Point, Table, bind_last, inverse
from .transcript import ROUND, ProverTranscript, VerifierTranscript


@dataclass
class Instance:
    """f over tables of 2^variables values each; `tables` are bound as rounds pass."""

    variables: int
    tables: list[Table]
    f: Callable[..., int]


def prove(transcript: ProverTranscript, degree: int, instances: Sequence[Instance]) -> Point:
    """The point. Afterwards every table holds its value there."""
    points = [0, *range(2, degree + 1)]
    point: Point = []
    for left in range(max(i.variables for i in instances), 0, -1):
        live = [i for i in instances if i.variables >= left]
        message = [sum(round_value(i, x) for i in live) % P for x in points]
        c = transcript.exchange(ROUND, message, 1)[0]
        point.insert(0, c)
        for instance in live:
            instance.tables = [bind_last(table, c) for table in instance.tables]
    return point


def round_value(instance: Instance, x: int) -> int:
    """Σ over all variables but the last, which is x."""
    ends = [bind_last(table, x) for table in instance.tables]
    return sum(instance.f(*values) for values in zip(*ends, strict=True))


def verify(
    transcript: VerifierTranscript, degree: int, claims: Sequence[tuple[int, int]]
) -> tuple[Point, int]:
    """claims: (claim, variables) per instance. The point, and what the sum of all f must be there."""
    point: Point = []
    value = 0
    for left in range(max(variables for _, variables in claims), 0, -1):
        value += joining(claims, left)
        message, (c,) = transcript.receive(ROUND, degree, 1)
        value = interpolate([message[0], (value - message[0]) % P, *message[1:]], c)
        point.insert(0, c)
    return point, (value + joining(claims, 0)) % P


def joining(claims: Sequence[tuple[int, int]], left: int) -> int:
    """The claims of the instances that enter now."""
    return sum(claim for claim, variables in claims if variables == left)


def interpolate(values: Sequence[int], x: int) -> int:
    """At x, the polynomial with these values at 0, 1, …"""
    out = 0
    for i, value in enumerate(values):
        above, under = 1, 1
        for j in range(len(values)):
            if j != i:
                above, under = above * (x - j) % P, under * (i - j)
        out += value * above * inverse(under % P)
    return out % P
