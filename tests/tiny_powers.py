"""A powers-of-tau file with tau = 2, for tests of scheme hyperkzg: insecure, and quick to make.

P_i = 2^i·G by doublings, Q_0 = H, Q_1 = 2·H          format: snarkjs's, coordinates in Montgomery form
"""

import struct
from pathlib import Path

from py_ecc import bn128

Q = bn128.field_modulus
R = (1 << 256) % Q  # of Montgomery form


def write_powers(path: Path, power: int) -> None:
    """2^(power+1) − 1 points of G1 and two of G2: the least that a file of this power holds."""
    header = struct.pack("<I", 32) + Q.to_bytes(32, "little") + struct.pack("<II", power, power)
    h, twice = bn128.G2, bn128.double(bn128.G2)
    g2 = b"".join(_element(int(c)) for point in (h, twice) for element in point for c in element.coeffs)
    g1 = b"".join(_element(c) for point in _doublings((2 << power) - 1) for c in point)
    sections = ((1, header), (2, g1), (3, g2))
    body = b"".join(struct.pack("<Iq", number, len(data)) + data for number, data in sections)
    path.write_bytes(b"ptau" + struct.pack("<II", 1, len(sections)) + body)


def _doublings(count: int) -> list[tuple[int, int]]:
    """G, 2·G, 4·G, … in Jacobian coordinates (y² = x³ + 3), with one inversion for all."""
    x, y, z = 1, 2, 1
    points = []
    for _ in range(count):
        points.append((x, y, z))
        a, b = x * x % Q, y * y % Q
        c = b * b % Q
        d, e = 4 * x * b % Q, 3 * a
        x, y, z = (e * e - 2 * d) % Q, 0, 2 * y * z % Q
        y = (e * (d - x) - 8 * c) % Q
    products, running = [], 1
    for _, _, z in points:
        products.append(running)
        running = running * z % Q
    inverse = pow(running, -1, Q)
    affine = []
    for (x, y, z), before in zip(reversed(points), reversed(products), strict=True):
        w = inverse * before % Q
        inverse = inverse * z % Q
        affine.append((x * w * w % Q, y * w * w % Q * w % Q))
    return affine[::-1]


def _element(value: int) -> bytes:
    return (value * R % Q).to_bytes(32, "little")
