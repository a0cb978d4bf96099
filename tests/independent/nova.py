"""An independent reader of nova-snark 0.76's compressed proof: every word a point or a scalar of its curve.

bincode with 8-byte little-endian lengths; a point is 32 bytes: x, little-endian, with the parity of y in bit
255 and the identity as bit 254; a scalar is 32 bytes, little-endian. The order of fields is that of
nova-snark's `CompressedSNARK`; which word is of which curve follows from the types there. Lengths are the
proof's own.
"""

from dataclasses import dataclass, field

from py_ecc import optimized_bn128 as bn

from tests.independent import grumpkin

P, Q = bn.curve_order, bn.field_modulus


@dataclass
class Proof:
    """What a proof holds: points of BN254 and of Grumpkin, None the identity; scalars; lengths of lists."""

    data: bytes
    at: int = 0
    primary: list[grumpkin.Point] = field(default_factory=list)
    secondary: list[grumpkin.Point] = field(default_factory=list)
    scalars: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def word(self) -> int:
        """32 bytes."""
        data = self.data[self.at : self.at + 32]
        assert len(data) == 32
        self.at += 32
        return int.from_bytes(data, "little")

    def length(self) -> int:
        """A list's."""
        self.lengths.append(int.from_bytes(self.data[self.at : self.at + 8], "little"))
        self.at += 8
        return self.lengths[-1]

    def scalar(self, prime: int) -> int:
        """A canonical scalar."""
        value = self.word()
        assert value < prime
        self.scalars.append(value)
        return value

    def list_of(self, prime: int) -> list[int]:
        """Scalars."""
        return [self.scalar(prime) for _ in range(self.length())]

    def point(self, primary: bool) -> None:
        """A commitment on BN254 (primary) or Grumpkin, in its one encoding."""
        word = self.word()
        point = decompress(word, primary)
        assert compress(point) == word.to_bytes(32, "little")
        (self.primary if primary else self.secondary).append(point)


def decompress(word: int, primary: bool) -> grumpkin.Point:
    """The point of 256 bits; refuses every second encoding."""
    odd, identity, x = word >> 255, word >> 254 & 1, word % 2**254
    if identity:
        assert odd == x == 0
        return None
    prime = Q if primary else P
    assert x < prime
    square = (x**3 + (3 if primary else grumpkin.B)) % prime
    y = pow(square, (Q + 1) // 4, Q) if primary else grumpkin.root(square)
    assert y is not None and y * y % prime == square
    return x, y if y % 2 == odd else prime - y


def compress(point: grumpkin.Point) -> bytes:
    """The inverse."""
    word = 1 << 254 if point is None else point[0] + (point[1] % 2 << 255)
    return word.to_bytes(32, "little")


def read(data: bytes) -> Proof:
    """Every word of a proof under scheme ipa, to its last byte."""
    proof = Proof(data)
    relaxed_instance(proof, False)  # r_U_secondary
    proof.scalar(Q)  # ri_secondary
    proof.point(False)  # l_u_secondary
    proof.list_of(Q)
    proof.point(False)  # nifs_Uf_secondary
    relaxed_instance(proof, False)  # l_ur_secondary
    proof.point(False)  # nifs_Un_secondary
    relaxed_instance(proof, True)  # r_U_primary
    proof.scalar(P)  # ri_primary
    relaxed_instance(proof, True)  # l_ur_primary
    proof.point(True)  # nifs_Un_primary
    for prime in (P, P, Q, Q):  # blinds of witness and error
        proof.scalar(prime)
    snark(proof, True)
    snark(proof, False)
    proof.list_of(P)  # zn
    assert proof.at == len(data)
    return proof


def relaxed_instance(proof: Proof, primary: bool) -> None:
    """comm_W, comm_E, X, u."""
    proof.point(primary)
    proof.point(primary)
    proof.list_of(P if primary else Q)
    proof.scalar(P if primary else Q)


def snark(proof: Proof, primary: bool) -> None:
    """Spartan, then the inner-product argument."""
    prime = P if primary else Q
    for scalars in (4, 1, 0):  # after the outer, inner and batching sumchecks
        for _ in range(proof.length()):
            proof.list_of(prime)
        for _ in range(scalars):
            proof.scalar(prime)
    proof.list_of(prime)
    for _ in "LR":
        for _ in range(proof.length()):
            proof.point(primary)
    proof.scalar(prime)
