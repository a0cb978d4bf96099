"""The points of a Nova bundle, BN254 by py_ecc and Grumpkin by the textbook: canonical, on their curves.

What the points commit to is secret or is checked inside the proof, so sums cannot be compared here; the proof
is read whole, by a reader that shares no code with nova-snark.
"""

import pytest
from py_ecc import optimized_bn128 as bn

from tests.independent import grumpkin, nova
from tests.tiny_run import Run


def test_grumpkin_is_the_other_half_of_the_cycle() -> None:
    assert grumpkin.on_curve(grumpkin.GENERATOR) and grumpkin.GENERATOR is not None
    assert grumpkin.multiply(grumpkin.ORDER, grumpkin.GENERATOR) is None
    assert grumpkin.multiply(grumpkin.ORDER - 1, grumpkin.GENERATOR) == (
        1,
        grumpkin.P - grumpkin.GENERATOR[1],
    )
    assert (bn.curve_order, bn.field_modulus) == (grumpkin.P, grumpkin.ORDER)


def test_grumpkins_law() -> None:
    """Sums of multiples are multiples of sums."""
    g = grumpkin.GENERATOR
    for a, b in ((0, 3), (3, 3), (3, grumpkin.ORDER - 3), (2**200 + 7, 2**199 + 1)):
        total = grumpkin.add(grumpkin.multiply(a, g), grumpkin.multiply(b, g))
        assert total == grumpkin.multiply((a + b) % grumpkin.ORDER, g)
        assert grumpkin.on_curve(total)


def test_every_word_of_a_proof(honest: Run) -> None:
    data = honest.bundle.proof
    proof = nova.read(data)
    for point in proof.primary:
        assert point is None or bn.is_on_curve((bn.FQ(point[0]), bn.FQ(point[1]), bn.FQ.one()), bn.b)
    assert all(map(grumpkin.on_curve, proof.secondary))
    points = len(proof.primary) + len(proof.secondary)
    assert len(data) == 32 * (points + len(proof.scalars)) + 8 * len(proof.lengths)
    assert (len(proof.primary), len(proof.secondary)) == (5 + 2 * 15, 7 + 2 * 14)
    assert proof.scalars[-6:] == [int.from_bytes(z, "little") for z in honest.states[-1]]


def test_a_point_has_one_encoding() -> None:
    """The reader refuses others, so what it has read is canonical."""
    for primary, x, prime in ((True, 1, nova.Q), (False, 1, nova.P)):
        point = nova.decompress(x, primary)
        assert point is not None and int.from_bytes(nova.compress(point), "little") == x
        negative = (point[0], prime - point[1])
        assert nova.decompress(x + 2**255, primary) == negative
        for other in (x + prime, 2**254 + 1, 2**254 + 2**255):
            with pytest.raises(AssertionError):
                nova.decompress(other, primary)
    assert nova.compress(None) == bytes(31) + b"\x40"
