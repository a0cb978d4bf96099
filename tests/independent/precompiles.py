"""EIP-196 and EIP-197 by py_ecc: sums and multiples in BN254's G1, and the pairing check, on bytes."""

from typing import Any

from py_ecc import optimized_bn128 as bn

P, Q = bn.curve_order, bn.field_modulus


class InvalidInputError(Exception):
    """What the precompiles refuse."""


def add(data: bytes) -> bytes:
    """The sum of two points."""
    data = data.ljust(128, b"\0")
    return encode(bn.add(point(data[:64]), point(data[64:128])))


def multiply(data: bytes) -> bytes:
    """A point times a number below 2^256."""
    data = data.ljust(96, b"\0")
    return encode(bn.multiply(point(data[:64]), word(data[64:96]) % P))


def pairing(data: bytes) -> bytes:
    """Whether the product of pairings is one, as a word."""
    if len(data) % 192:
        raise InvalidInputError("not whole pairs")
    product = bn.FQ12.one()
    for at in range(0, len(data), 192):
        a, b = point(data[at : at + 64]), point_g2(data[at + 64 : at + 192])
        product *= bn.pairing(b, a, final_exponentiate=False)
    return int(bn.final_exponentiate(product) == bn.FQ12.one()).to_bytes(32, "big")


def point(data: bytes) -> Any:
    """A point of G1."""
    x, y = coordinate(data[:32]), coordinate(data[32:])
    if x == y == 0:
        return bn.Z1
    made = bn.FQ(x), bn.FQ(y), bn.FQ.one()
    if not bn.is_on_curve(made, bn.b):
        raise InvalidInputError("not on the curve")
    return made


def point_g2(data: bytes) -> Any:
    """A point of G2's subgroup; imaginary parts first."""
    x1, x0, y1, y0 = (coordinate(data[i : i + 32]) for i in range(0, 128, 32))
    if x0 == x1 == y0 == y1 == 0:
        return bn.Z2
    made = bn.FQ2([x0, x1]), bn.FQ2([y0, y1]), bn.FQ2.one()
    if not bn.is_on_curve(made, bn.b2):
        raise InvalidInputError("not on the curve")
    if not bn.is_inf(bn.multiply(made, P)):
        raise InvalidInputError("outside the subgroup")
    return made


def encode(a: Any) -> bytes:
    """x ‖ y, zeros for the identity."""
    if bn.is_inf(a):
        return bytes(64)
    x, y = bn.normalize(a)
    return x.n.to_bytes(32, "big") + y.n.to_bytes(32, "big")


def coordinate(data: bytes) -> int:
    """A number below q."""
    if word(data) >= Q:
        raise InvalidInputError("a coordinate is not below q")
    return word(data)


def word(data: bytes) -> int:
    """32 bytes, big-endian."""
    return int.from_bytes(data, "big")
