"""The dataset's proof, once per run: every entry is in range, every label is one-hot, everything else is 0.

D is committed in blocks of 2^min(n_D, n_o) values, with the multiplicities of its pairs (width, value);
root digests both. Widths: input_bits in feature columns, 1 in label columns, of the n rows; 0 elsewhere.
With the table of widths up to input_bits, logup-GKR leaves D(z1) and mult(z2). One-hot: the label block of
a row sums to 1 exactly if the row is below n,

    D(ζ ‖ block ‖ ½ … ½) = below(ζ, n)/2^lcl

and one opening sumcheck over n_D variables reduces this to D(x_D) = d, mult(x_D) = m, which the closing
proves. Proof: block commitments ‖ C_m ‖ elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import logup, opening
from .curve import Affine, limbs
from .field import P, Point, Table, below, bits, eq, evaluate, inverse
from .fold import Committed, committed
from .opening import Claim, at_point
from .polynomials import multiplicities
from .poseidon import hash_one
from .shape import Shape
from .transcript import DATASET, MESSAGE, Malformed, ProverTranscript, VerifierTranscript, need


@dataclass(frozen=True)
class DatasetClaim:
    """D(x) = d and mult(x) = m, unproven."""

    x: Point
    d: int
    m: int


@dataclass(frozen=True)
class DatasetProof:
    """Points and elements, in the order of their bytes."""

    blocks: list[Affine]
    C_m: Affine
    elements: list[int]


def block_count(shape: Shape) -> int:
    """Commitments of D."""
    return 1 << max(0, shape.n_D - shape.n_max)


def commit_dataset(shape: Shape, data: Table, blinds: Sequence[int]) -> tuple[list[Committed], Committed]:
    """D's blocks and mult; blinds: one per block, then mult's."""
    count = block_count(shape)
    size = len(data) // count
    blocks = [committed(data[j * size : (j + 1) * size], blinds[j]) for j in range(count)]
    mult = multiplicities(shape.program.input_bits, data, widths(shape))
    return blocks, committed(mult, blinds[count])


def root(shape: Shape, blocks: Sequence[Affine], C_m: Affine) -> int:
    """The digest that a request and every statement carry."""
    return hash_one(DATASET, [shape.n, *[limb for C in (*blocks, C_m) for limb in limbs(C)]])


def prove_dataset(
    shape: Shape, data: Table, blocks: Sequence[Committed], mult: Committed
) -> tuple[DatasetProof, DatasetClaim]:
    """The proof and what it leaves."""
    commitments = [block.commitment for block in blocks]
    transcript = ProverTranscript(
        [2, *shape.program.digest_halves(), root(shape, commitments, mult.commitment)]
    )
    alpha, beta, *zeta = transcript.exchange(MESSAGE, [], 2 + shape.lN)
    entries = [logup.table_entry(e) for e in range(1 << shape.n_m)]
    trees = [
        ([1] * len(data), [(alpha - d - beta * w) % P for d, w in zip(data, widths(shape), strict=True)]),
        (mult.table, [(alpha - value - beta * w) % P for w, value in entries]),
    ]
    (z1, z2), gamma = logup.prove(transcript, trees)
    owed = claims(shape, (z1, evaluate(data, z1)), (z2, evaluate(mult.table, z2)), zeta)
    tables = zip((data, mult.table), owed, strict=True)
    x, (d, m) = opening.prove_opening(transcript, shape.n_D, list(tables), gamma)
    transcript.exchange(MESSAGE, [d, m], 1)
    return DatasetProof(commitments, mult.commitment, transcript.proof), DatasetClaim(x, d, m)


def verify_dataset(shape: Shape, expected_root: int, proof: DatasetProof) -> DatasetClaim:
    """What is left to prove about the dataset under `expected_root`."""
    if len(proof.blocks) != block_count(shape):
        raise Malformed("number of blocks")
    need(root(shape, proof.blocks, proof.C_m) == expected_root, "dataset: root")
    transcript = VerifierTranscript([2, *shape.program.digest_halves(), expected_root], proof.elements)
    _, (alpha, beta, *zeta) = transcript.receive(MESSAGE, 0, 2 + shape.lN)
    (one, two), gamma = logup.verify(transcript, [shape.n_D, shape.n_m])
    need(one.p == 1, "lookup: numerators")
    width, entry = logup.table_at(two.point)
    need((alpha - entry - beta * width - two.q) % P == 0, "lookup: table")
    look = one.point, (alpha - one.q - beta * width_at(shape, one.point)) % P
    owed = claims(shape, look, (two.point, two.p), zeta)
    x, value = opening.verify_opening(transcript, shape.n_D, owed, gamma)
    (d, m), _ = transcript.receive(MESSAGE, 2, 1)
    need(opening.final_opening(owed, gamma, x, [d, m]) == value, "stage dataset: final value of the sumcheck")
    transcript.finish()
    return DatasetClaim(x, d, m)


def claims(shape: Shape, look: tuple[Point, int], mult: tuple[Point, int], zeta: Point) -> list[list[Claim]]:
    """Owed on D: the lookups' and the one-hot claim; on mult: one."""
    block = bits(shape.loff >> shape.lcl, shape.lC - shape.lcl)
    one_hot = [*zeta, *block, *[inverse(2)] * shape.lcl]
    value = below(zeta, shape.n) * inverse(1 << shape.lcl) % P
    n = shape.n_D
    return [[at_point(n, *look), at_point(n, one_hot, value)], [at_point(n, *mult)]]


def widths(shape: Shape) -> Table:
    """The width of every position of D."""
    out = [0] * (1 << shape.n_D)
    for n in range(shape.n):
        row = n << shape.lC
        out[row : row + shape.d_0] = [shape.program.input_bits] * shape.d_0
        out[row + shape.loff : row + shape.loff + shape.classes] = [1] * shape.classes
    return out


def width_at(shape: Shape, z: Point) -> int:
    """The same at a point."""
    lead = shape.n_D - shape.lN - shape.lC
    row, column = z[lead : lead + shape.lN], z[lead + shape.lN :]
    label = shape.lC - shape.lcl
    block = eq(bits(shape.loff >> shape.lcl, label), column[:label]) * below(column[label:], shape.classes)
    inside = eq([0] * lead, z[:lead]) * below(row, shape.n)
    return inside * (shape.program.input_bits * below(column, shape.d_0) + block) % P
