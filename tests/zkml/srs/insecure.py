"""Small reference strings of a known tau, INSECURE by construction, made with py_ecc and written by hand.

`TAU` is in this file and in every name; ptau files say so in section 7 as well. Nothing here uses zkml.srs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from py_ecc import optimized_bn128 as bn

TAU = 987_654_321
P, Q = bn.curve_order, bn.field_modulus
WARNING = b"INSECURE: tau is known, 987654321"

Coordinates = tuple[int, ...]  # x, y of G1; x0, x1, y0, y1 of G2


def g1(scalar: int) -> Coordinates:
    """scalar·G."""
    x, y = bn.normalize(bn.multiply(bn.G1, scalar % P))
    return x.n, y.n


def g2(scalar: int) -> Coordinates:
    """scalar·H."""
    x, y = bn.normalize(bn.multiply(bn.G2, scalar % P))
    return *x.coeffs, *y.coeffs


def off_subgroup() -> Coordinates:
    """A point of G2's curve outside the subgroup: the first x = (i, 0) that has a y and another order."""
    for i in range(1, 100):
        x = bn.FQ2([i, 0])
        y = root(x * x * x + bn.b2)
        if y is not None and not bn.is_inf(bn.multiply((x, y, bn.FQ2.one()), P)):
            return *x.coeffs, *y.coeffs
    raise AssertionError("none found")


def root(a: bn.FQ2) -> bn.FQ2 | None:
    """A square root in F_q² (q ≡ 3 mod 4), by the complex method."""
    a0, a1 = a.coeffs
    norm = pow(a0 * a0 + a1 * a1, (Q + 1) // 4, Q)
    for sign in (norm, -norm):
        half = (a0 + sign) * pow(2, -1, Q) % Q
        c0 = pow(half, (Q + 1) // 4, Q)
        if c0 and c0 * c0 % Q == half:
            found = bn.FQ2([c0, a1 * pow(2 * c0, -1, Q)])
            return found if found * found == a else None
    return None


def encoded(coordinates: Sequence[int]) -> bytes:
    """Montgomery form, 32 bytes little-endian each."""
    return b"".join((c * 2**256 % Q).to_bytes(32, "little") for c in coordinates)


def lagrange(n: int, tau: int = TAU) -> list[int]:
    """L_i(τ) = ω^i·(τ^n − 1)/(n·(τ − ω^i)), i < n."""
    omega = pow(7, (P - 1) // n, P)
    top = (pow(tau, n, P) - 1) * pow(n, -1, P)
    return [pow(omega, i, P) * top * pow(tau - pow(omega, i, P), -1, P) % P for i in range(n)]


@dataclass
class Halo2:
    """A parameter file of ezkl, to spoil and write."""

    k: int
    g1: list[Coordinates]
    lagrange: list[Coordinates]
    g2: list[Coordinates]

    def encode(self) -> bytes:
        """The file."""
        points = [*self.g1, *self.lagrange, *self.g2]
        return self.k.to_bytes(4, "little") + b"".join(map(encoded, points))


def halo2(k: int, tau: int = TAU) -> Halo2:
    """2^k powers."""
    n = 1 << k
    powers = [g1(pow(tau, i, P)) for i in range(n)]
    return Halo2(k, powers, [g1(s) for s in lagrange(n, tau)], [g2(1), g2(tau)])


@dataclass
class Ptau:
    """A powers-of-tau file, to spoil and write; 11 sections, or 3 without `others`."""

    power: int
    g1: list[Coordinates]
    g2: list[Coordinates]
    others: dict[int, bytes] = field(
        default_factory=lambda: {4: b"", 5: b"", 6: b"", 7: WARNING, 12: b"", 13: b"", 14: b"", 15: b""}
    )

    def sections(self) -> dict[int, bytes]:
        """Contents by id."""
        header = (32).to_bytes(4, "little") + Q.to_bytes(32, "little") + self.power.to_bytes(4, "little") * 2
        points = {2: b"".join(map(encoded, self.g1)), 3: b"".join(map(encoded, self.g2))}
        return {1: header, **points, **self.others}

    def encode(self) -> bytes:
        """The file."""
        return ptau_file(list(self.sections().items()))


def ptau_file(sections: Sequence[tuple[int, bytes]], version: int = 1) -> bytes:
    """Magic, version, sections."""
    head = b"ptau" + version.to_bytes(4, "little") + len(sections).to_bytes(4, "little")
    return head + b"".join(
        id.to_bytes(4, "little") + len(data).to_bytes(8, "little") + data for id, data in sections
    )


def ptau(power: int, tau: int = TAU) -> Ptau:
    """2^(power+1) − 1 powers in G1, 2^power in G2."""
    powers = [pow(tau, i, P) for i in range((2 << power) - 1)]
    return Ptau(power, [g1(s) for s in powers], [g2(s) for s in powers[: 1 << power]])


def write(folder: Path, data: bytes) -> Path:
    """The file, named for what it is."""
    path = folder / "INSECURE-known-tau.srs"
    path.write_bytes(data)
    return path
