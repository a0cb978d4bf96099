"""Stage E, opening: many evaluation claims on several polynomials become one claim each, at one common point.

A claim says Σ_i c_i·P(prefix_i ‖ point) = value: a linear form over slots. All polynomials are padded to n
variables (zero unless the leading bits are zero), so prefixes have leading zeros. With the powers g of γ
consumed claim by claim,

    Σ_P Σ_claims g·value = Σ_x Σ_P E_P(x)·P(x)        E_P = Σ_claims g·Σ_i c_i·eq(prefix_i ‖ point, ·)

by one sumcheck of degree 2 over n variables, instances with coefficient 1. Output: unproven claims P(x) =
f_P.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .field import P, Point, Table, eq, eq_table, powers
from .shape import Slot
from .sumcheck import Instance, prove, verify
from .transcript import ProverTranscript, VerifierTranscript


@dataclass(frozen=True)
class Claim:
    """Σ c·P(prefix ‖ point) = value over (c, prefix) of form."""

    form: list[tuple[int, Point]]
    point: Point
    value: int


def on_slots(n: int, form: Sequence[tuple[int, Slot]], point: Point, value: int) -> Claim:
    """A claim on slots of a polynomial padded to n variables."""
    return Claim([(c, slot.prefix(n)) for c, slot in form], point, value)


def at_point(n: int, point: Point, value: int) -> Claim:
    """A claim on the first 2^len(point) values."""
    return Claim([(1, [0] * (n - len(point)))], point, value)


def prove_opening(
    transcript: ProverTranscript,
    n: int,
    polynomials: Sequence[tuple[Table, list[Claim]]],
    gamma: int,
) -> tuple[Point, list[int]]:
    """The point and each polynomial's value there, padded."""
    g = iter(powers(gamma, sum(len(claims) for _, claims in polynomials)))
    instances = []
    for table, claims in polynomials:
        weights = [0] * (1 << n)
        for claim in claims:
            coefficient, eqs = next(g), eq_table(claim.point)
            for c, prefix in claim.form:
                offset = int("0" + "".join(map(str, prefix)), 2) * len(eqs)
                for i, e in enumerate(eqs):
                    weights[offset + i] = (weights[offset + i] + coefficient * c * e) % P
        padded = table + [0] * ((1 << n) - len(table))
        instances.append(Instance(n, [weights, padded], lambda e, p: e * p % P))
    point = prove(transcript, 2, instances)
    return point, [instance.tables[1][0] % P for instance in instances]


def verify_opening(
    transcript: VerifierTranscript, n: int, polynomials: Sequence[list[Claim]], gamma: int
) -> tuple[Point, int]:
    """The point and what Σ E_P·P must be there."""
    claims = [claim.value for claims in polynomials for claim in claims]
    total = sum(g * value for g, value in zip(powers(gamma, len(claims)), claims, strict=True)) % P
    return verify(transcript, 2, [(total, n)])


def final_opening(polynomials: Sequence[list[Claim]], gamma: int, x: Point, values: Sequence[int]) -> int:
    """Σ E_P(x)·f_P."""
    g = iter(powers(gamma, sum(map(len, polynomials))))
    total = 0
    for claims, value in zip(polynomials, values, strict=True):
        for claim in claims:
            total += next(g) * value * sum(c * eq(prefix + claim.point, x) for c, prefix in claim.form)
    return total % P
