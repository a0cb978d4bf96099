"""The closing, once per bundle: everything the folds and the dataset's proof left, by one opening.

1. y = Dᵀs for the accumulated S: y(χ') = Σ_n s(n)·D(n, χ') at a random χ', by a sumcheck of degree 2.
2. Claims on A, W_N, S_acc, mult and D, padded to n_c = max(n_o, n_D) variables, become one point x (stage E).
3. With hi = n_c − n_o, φ = Π_{i<hi}(1−x_i), D_x = Σ_j eq(x[:hi], j)·D_j and a random mask K, committed before
   the first challenge,

       P = φ·(A + ρ·W + ρ²·S + ρ³·mult) + ρ⁴·D_x + ρ⁵·K     P(x[hi:]) = a + ρ·w + ρ²·s + ρ³·m + ρ⁴·d + ρ⁵·k

   is opened by the inner-product argument of Bulletproofs (ePrint 2017/1066) without blinds: P is uniformly
   random because K is, and its blind b_P is sent. With U' = ξ·U for the value, halves by the first variable,

       L = ⟨a_lo, G_hi⟩ + ⟨a_lo, b_hi⟩U'  R = ⟨a_hi, G_lo⟩ + ⟨a_hi, b_lo⟩U'  C += r²L + r⁻²R
       a ← r·a_lo + r⁻¹·a_hi              b ← r⁻¹·b_lo + r·b_hi             G ← r⁻¹·G_lo + r·G_hi

Proof: C_K ‖ L_1 ‖ R_1 ‖ … ‖ elements.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from . import opening
from .curve import H_GENERATOR, U_GENERATOR, Affine, add, generators, limbs, multi
from .dataset import DatasetClaim
from .dataset import root as dataset_root
from .field import P, Point, Table, eq, eq_table, evaluate, fix_columns, inverse
from .fold import Accumulator, Committed, Openings, low
from .opening import Claim, at_point, on_slots
from .polynomials import get
from .shape import Shape
from .sumcheck import Instance, prove, verify
from .transcript import MESSAGE, ROUND, Malformed, ProverTranscript, VerifierTranscript, need


@dataclass(frozen=True)
class ClosingProof:
    """Points and elements, in the order of their bytes."""

    C_K: Affine
    rounds: list[tuple[Affine, Affine]]
    elements: list[int]


def mask_coefficients(shape: Shape, seed: bytes) -> tuple[Table, int]:
    """K and its blind for tests: SHAKE-256(seed), 64 bytes each, little-endian mod p; the blind last."""
    count = (1 << shape.n_max) + 1
    stream = hashlib.shake_256(seed).digest(64 * count)
    values = [int.from_bytes(stream[64 * i : 64 * i + 64], "little") % P for i in range(count)]
    return values[:-1], values[-1]


def statement(
    shape: Shape, root: int, acc: Accumulator, C_W: Affine, claim: DatasetClaim, C_K: Affine
) -> list[int]:
    """What the transcript starts with."""
    head = [3, *shape.program.digest_halves(), root]
    fold = [*limbs(acc.C_A), *acc.x, acc.v, *limbs(C_W), *acc.omega, acc.u, *limbs(acc.C_S)]
    return [*head, *fold, *claim.x, claim.d, claim.m, *limbs(C_K)]


def prove_closing(
    shape: Shape,
    root: int,
    acc: Accumulator,
    open_: Openings,
    W: Committed,
    data: Table,
    blocks: Sequence[Committed],
    mult: Committed,
    claim: DatasetClaim,
    K: Committed,
) -> ClosingProof:
    """Proves everything that acc, W at acc.omega and claim leave."""
    n_c, hi = sizes(shape)
    transcript = ProverTranscript(statement(shape, root, acc, W.commitment, claim, K.commitment))
    # 1. y = Dᵀs
    chi = transcript.exchange(MESSAGE, [], shape.lC)
    s, y = get(open_.S.table, shape.s_slots["s"]), get(open_.S.table, shape.s_slots["y"])
    columns = fix_columns(data[: 1 << shape.lN + shape.lC], chi)
    y_chi = evaluate(y, chi)
    transcript.exchange(MESSAGE, [y_chi], 1)
    nu = prove(transcript, 2, [Instance(shape.lN, [s, columns], lambda a, b: a * b % P)])
    s_nu, d_nu = evaluate(s, nu), evaluate(columns, nu)
    (gamma,) = transcript.exchange(MESSAGE, [s_nu, d_nu], 1)
    # 2. one point
    owed = claims(shape, acc, claim, chi, y_chi, nu, s_nu, d_nu)
    tables = [open_.A.table, W.table, open_.S.table, mult.table, data]
    x, values = opening.prove_opening(transcript, n_c, list(zip(tables, owed, strict=True)), gamma)
    k = evaluate(K.table, x[hi:])
    (rho,) = transcript.exchange(MESSAGE, [*values, k], 1)
    # 3. one polynomial
    factors = coefficients(shape, x, low(rho))
    parts = [open_.A, W, open_.S, mult, *blocks, K]
    table, blind = [0] * (1 << shape.n_max), 0
    for factor, part in zip(factors, parts, strict=True):
        for i, value in enumerate(part.table):
            table[i] = (table[i] + factor * value) % P
        blind = (blind + factor * part.blind) % P
    (xi,) = transcript.exchange(MESSAGE, [blind], 1)
    rounds = prove_inner_product(transcript, table, eq_table(x[hi:]), multi([xi], [U_GENERATOR]))
    return ClosingProof(K.commitment, rounds, transcript.proof)


def verify_closing(
    shape: Shape,
    root: int,
    acc: Accumulator,
    C_W: Affine,
    blocks: Sequence[Affine],
    C_m: Affine,
    claim: DatasetClaim,
    proof: ClosingProof,
) -> None:
    """Nothing is owed afterwards."""
    n_c, hi = sizes(shape)
    need(dataset_root(shape, blocks, C_m) == root, "closing: root")
    if len(proof.rounds) != shape.n_max:
        raise Malformed("number of rounds")
    transcript = VerifierTranscript(statement(shape, root, acc, C_W, claim, proof.C_K), proof.elements)
    # 1. y = Dᵀs
    _, chi = transcript.receive(MESSAGE, 0, shape.lC)
    (y_chi,), _ = transcript.receive(MESSAGE, 1, 1)
    nu, value = verify(transcript, 2, [(y_chi, shape.lN)])
    (s_nu, d_nu), (gamma,) = transcript.receive(MESSAGE, 2, 1)
    need(s_nu * d_nu % P == value, "stage closing: final value of the sumcheck")
    # 2. one point
    owed = claims(shape, acc, claim, chi, y_chi, nu, s_nu, d_nu)
    x, value = opening.verify_opening(transcript, n_c, owed, gamma)
    (*values, k), (rho,) = transcript.receive(MESSAGE, 6, 1)
    need(
        opening.final_opening(owed, gamma, x, values) == value,
        "stage closing opening: final value of the sumcheck",
    )
    # 3. one polynomial
    factors = coefficients(shape, x, low(rho))
    C = multi(factors, [acc.C_A, C_W, acc.C_S, C_m, *blocks, proof.C_K])
    value = sum(pow(low(rho), i, P) * v for i, v in enumerate([*values, k])) % P
    (blind,), (xi,) = transcript.receive(MESSAGE, 1, 1)
    U = multi([xi], [U_GENERATOR])
    C = add((1, C), (-blind, H_GENERATOR), (value, U))
    verify_inner_product(transcript, C, x[hi:], U, proof.rounds)
    transcript.finish()


def sizes(shape: Shape) -> tuple[int, int]:
    """n_c and hi."""
    n_c = max(shape.n_max, shape.n_D)
    return n_c, n_c - shape.n_max


def claims(
    shape: Shape,
    acc: Accumulator,
    claim: DatasetClaim,
    chi: Point,
    y_chi: int,
    nu: Point,
    s_nu: int,
    d_nu: int,
) -> list[list[Claim]]:
    """Owed on A, W_N, S_acc, mult and D."""
    n, _ = sizes(shape)
    selection = [
        on_slots(n, [(1, shape.s_slots["s"])], nu, s_nu),
        on_slots(n, [(1, shape.s_slots["y"])], chi, y_chi),
    ]
    return [
        [at_point(n, acc.x, acc.v)],
        [at_point(n, acc.omega, acc.u)],
        selection,
        [at_point(n, claim.x, claim.m)],
        [at_point(n, nu + chi, d_nu), at_point(n, claim.x, claim.d)],
    ]


def coefficients(shape: Shape, x: Point, rho: int) -> list[int]:
    """Of A, W, S_acc, mult, each block of D, and K in P."""
    _, hi = sizes(shape)
    phi = eq([0] * hi, x[:hi])
    blocks = [pow(rho, 4, P) * e % P for e in eq_table(x[:hi])]
    return [*[phi * pow(rho, i, P) % P for i in range(4)], *blocks, pow(rho, 5, P)]


# --- inner-product argument ---------------------------------------------------------------------------------


def prove_inner_product(
    transcript: ProverTranscript, a: Table, b: Table, U: Affine
) -> list[tuple[Affine, Affine]]:
    """⟨a, b⟩ under ⟨a, G⟩ + ⟨a, b⟩·U; sends the last a."""
    G, rounds = generators(len(a)), []
    while len(a) > 1:
        h = len(a) // 2
        L = multi([*a[:h], inner(a[:h], b[h:])], [*G[h:], U])
        R = multi([*a[h:], inner(a[h:], b[:h])], [*G[:h], U])
        rounds.append((L, R))
        (r,) = transcript.exchange(ROUND, [], 1, [*limbs(L), *limbs(R)])
        s = inverse(r)
        a = [(r * lo + s * hi) % P for lo, hi in zip(a[:h], a[h:], strict=True)]
        b = [(s * lo + r * hi) % P for lo, hi in zip(b[:h], b[h:], strict=True)]
        G = [add((s, lo), (r, hi)) for lo, hi in zip(G[:h], G[h:], strict=True)]
    transcript.exchange(MESSAGE, a, 1)
    return rounds


def inner(u: Table, v: Table) -> int:
    """⟨u, v⟩."""
    return sum(x * y for x, y in zip(u, v, strict=True)) % P


def verify_inner_product(
    transcript: VerifierTranscript, C: Affine, x: Point, U: Affine, rounds: Sequence[tuple[Affine, Affine]]
) -> None:
    """The last b is a product, b being eq(x, ·); the last G is Σ s_i·G_i, s_i = Π r_j^±1 by the bits of i."""
    terms, weights, b = [(1, C)], [1], 1
    for (L, R), c in zip(rounds, x, strict=True):
        _, (r,) = transcript.receive(ROUND, 0, 1, [*limbs(L), *limbs(R)])
        need(r != 0, "closing: zero challenge")
        s = inverse(r)
        terms += [(r * r, L), (s * s, R)]
        weights = [w * f % P for w in weights for f in (s, r)]
        b = b * (s * (1 - c) + r * c) % P
    (a,), _ = transcript.receive(MESSAGE, 1, 1)
    G = multi(weights, generators(len(weights)))
    need(add(*terms) == add((a, G), (a * b, U)), "closing: inner-product argument")
