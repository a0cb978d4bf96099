"""One fold: k steps from the weights in C_W0 to those in C_Wk on the samples of the public indices.

    A rows → B columns → C wiring and selection → D range checks (logup-GKR) → E opening → accumulation

Committed before the first challenge: W_0, W_k, F; at the end of C: S = (y ‖ s), the samples' weights s and
y = Dᵀs. Accumulation at E's point, with ρ the low 128 bits of the last challenge:

    C_A' = C_A + ρ·C_F + ρ²·C_W0 + ρ³·C_S     v' = a + ρ·f + ρ²·w0 + ρ³·sS     C_Sacc' = C_Sacc + ρ·C_S

What a verifier still owes: A(x_A) = v_A, W_k(ω) = u, and y = Dᵀs for S_acc: they are the next fold's and
the closing's. Proof: C_Wk ‖ C_F ‖ C_S ‖ elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import logup, opening
from .columns import prove_columns, verify_columns
from .curve import Affine, add, commit, limbs
from .field import P, Point, Table, bits, eq, eq_table, evaluate
from .opening import Claim, at_point, on_slots
from .polynomials import get, pack_selection, pack_trace
from .rows import Claims, Key, Points, prove_rows, verify_rows
from .shape import Shape
from .training import Trace
from .transcript import MESSAGE, Malformed, ProverTranscript, VerifierTranscript, need
from .wiring import final_value, prove_wiring, selected, tensor_names, verify_wiring, wire


@dataclass(frozen=True)
class Committed:
    """A polynomial with its blind and commitment."""

    table: Table
    blind: int
    commitment: Affine


def committed(table: Table, blind: int) -> Committed:
    """Commits."""
    return Committed(table, blind, commit(table, blind))


@dataclass(frozen=True)
class Accumulator:
    """What is owed: A(x) = v under C_A; the last weights at ω are u; the relation y = Dᵀs under C_S."""

    C_A: Affine
    x: Point
    v: int
    omega: Point
    u: int
    C_S: Affine


def start(shape: Shape, first_weight: int) -> Accumulator:
    """Before the first fold; first_weight: entry 0 of the genesis weights, which are public."""
    zeros = [0] * shape.n_max
    return Accumulator(None, zeros, 0, zeros, first_weight % P, None)


@dataclass(frozen=True)
class Openings:
    """The prover's side of an accumulator."""

    A: Committed
    S: Committed


def start_openings(shape: Shape) -> Openings:
    """Nothing yet."""
    return Openings(Committed([0] * (1 << shape.n_max), 0, None), Committed([0] * (1 << shape.n_S), 0, None))


@dataclass(frozen=True)
class FoldProof:
    """Points and elements, in the order of their bytes."""

    C_Wk: Affine
    C_F: Affine
    C_S: Affine
    elements: list[int]


def statement(
    shape: Shape, root: int, indices: Sequence[int], C_W0: Affine, C_Wk: Affine, C_F: Affine, acc: Accumulator
) -> list[int]:
    """What the transcript starts with."""
    packed = [sum(n << (30 * i) for i, n in enumerate(indices[j : j + 8])) for j in range(0, len(indices), 8)]
    head = [1, *shape.program.digest_halves(), len(indices), *packed, root]
    points = [*limbs(C_W0), *limbs(C_Wk), *limbs(C_F), *limbs(acc.C_A)]
    return [*head, *points, *acc.x, acc.v, *acc.omega, acc.u, *limbs(acc.C_S)]


def prove_fold(
    shape: Shape,
    root: int,
    data: Table,
    indices: list[int],
    W0: Committed,
    trace: Trace,
    blinds: tuple[int, int, int],
    acc: Accumulator,
    open_: Openings,
) -> tuple[FoldProof, Accumulator, Openings, Committed]:
    """data: D. blinds: of W_k, F, S. The proof, the new accumulator and its openings, and W_k."""
    F_table, tags = pack_trace(shape, trace)
    Wk, F = committed(trace.weights, blinds[0]), committed(F_table, blinds[1])
    I = selected(shape, indices, data)
    tables: dict[Key, Table] = {**trace.tables, ("I", 0): I, ("T", shape.L): targets(shape, I)}
    transcript = ProverTranscript(
        statement(shape, root, indices, W0.commitment, Wk.commitment, F.commitment, acc)
    )
    # A, B, C
    points, claims, gamma = prove_rows(transcript, shape, tables, W0.table, Wk.table)
    gamma = prove_columns(transcript, shape, points, claims, gamma, tables, W0.table)
    wiring = wire(shape, points, claims, gamma)
    x = prove_wiring(transcript, shape, wiring, tables, points.r, points.rt)
    theta, chi = x[: shape.lR], x[shape.lR : shape.lR + shape.lC]
    v = {(t, l): evaluate(tables[t, l], x[: shape.lR + shape.layer(l).b]) for t, l in tensor_names(shape)}
    iota = evaluate(I, theta + chi)
    S = committed(pack_selection(shape, indices, theta, data), blinds[2])
    message = [*v.values(), iota]
    *zeta, alpha, beta = transcript.exchange(MESSAGE, message, shape.lN + 2, limbs(S.commitment))
    # D
    looked_up, mult = F_table[: 1 << shape.n1], get(F_table, shape.slots["mult"])
    entries = [logup.table_entry(e) for e in range(2 << shape.q)]
    trees = [
        ([1] * len(tags), [(alpha - f - beta * w) % P for f, w in zip(looked_up, tags, strict=True)]),
        (mult, [(alpha - value - beta * w) % P for w, value in entries]),
    ]
    (z1, z2), gamma = logup.prove(transcript, trees)
    leaves = (z1, evaluate(looked_up, z1)), (z2, evaluate(mult, z2))
    # E
    owed = opening_claims(
        shape, points, claims, x, v, leaves, zeta, selection_at(shape, indices, theta, zeta), iota, acc
    )
    vectors = [F_table, W0.table, S.table, open_.A.table]
    x_E, values = opening.prove_opening(transcript, shape.n_max, list(zip(vectors, owed, strict=True)), gamma)
    (rho,) = transcript.exchange(MESSAGE, values, 1)
    proof = FoldProof(Wk.commitment, F.commitment, S.commitment, transcript.proof)
    new = accumulate(acc, proof, W0.commitment, x_E, values, rho, points, claims)
    A = combine(low(rho), [open_.A, F, W0, S], new.C_A)
    return proof, new, Openings(A, combine(low(rho), [open_.S, S], new.C_S)), Wk


def verify_fold(
    shape: Shape, root: int, indices: list[int], C_W0: Affine, proof: FoldProof, acc: Accumulator
) -> Accumulator:
    """The new accumulator: true exactly if all of it is, the fold was k steps from C_W0 to proof.C_Wk."""
    if len(indices) != shape.k * shape.B or not all(0 <= n < shape.n for n in indices):
        raise Malformed("indices")
    transcript = VerifierTranscript(
        statement(shape, root, indices, C_W0, proof.C_Wk, proof.C_F, acc), proof.elements
    )
    # A, B, C
    points, claims, gamma = verify_rows(transcript, shape)
    gamma = verify_columns(transcript, shape, points, claims, gamma)
    wiring = wire(shape, points, claims, gamma)
    x, value = verify_wiring(transcript, shape, wiring)
    names = tensor_names(shape)
    (*tensors, iota), (*zeta, alpha, beta) = transcript.receive(
        MESSAGE, len(names) + 1, shape.lN + 2, limbs(proof.C_S)
    )
    v = dict(zip(names, tensors, strict=True))
    need(final_value(shape, wiring, points, x, v, iota) == value, "stage wiring: final value of the sumcheck")
    # D
    (one, two), gamma = logup.verify(transcript, [shape.n1, shape.q + 1])
    need(one.p == 1, "lookup: numerators")
    width, entry = logup.table_at(two.point)
    need((alpha - entry - beta * width - two.q) % P == 0, "lookup: table")
    leaves = (one.point, (alpha - one.q - beta * tag_at(shape, one.point)) % P), (two.point, two.p)
    # E
    s_zeta = selection_at(shape, indices, x[: shape.lR], zeta)
    owed = opening_claims(shape, points, claims, x, v, leaves, zeta, s_zeta, iota, acc)
    x_E, value = opening.verify_opening(transcript, shape.n_max, owed, gamma)
    values, (rho,) = transcript.receive(MESSAGE, 4, 1)
    need(
        opening.final_opening(owed, gamma, x_E, values) == value, "stage opening: final value of the sumcheck"
    )
    transcript.finish()
    return accumulate(acc, proof, C_W0, x_E, values, rho, points, claims)


def opening_claims(
    shape: Shape,
    points: Points,
    claims: Claims,
    x: Point,
    v: Claims,
    leaves: Sequence[tuple[Point, int]],
    zeta: Point,
    s_zeta: int,
    iota: int,
    acc: Accumulator,
) -> list[list[Claim]]:
    """Everything owed on F, W_0, S and A."""
    n, r = shape.n_max, points.r
    F, W0 = [], []
    for l, layer in enumerate(shape.layers, 1):
        here = x[: shape.lR + layer.b]
        F += [on_slots(n, shape.chunks(l, t, width), here, v[t, l]) for t, width in layer.tensors]
    (z1, look), (z2, mult) = leaves
    F += [at_point(n, z1, look), on_slots(n, [(1, shape.slots["mult"])], z2, mult)]

    def weight(kind: str, l: int, point: Point, value: int) -> Claim:
        return on_slots(n, [(1, shape.w_slots[kind, l])], point, value)

    for l, layer in enumerate(shape.layers, 1):
        if layer.bias:
            W0.append(weight("bias", l, r[: layer.b], claims["beta", l]))
        W0.append(weight("W", l, points.w[: layer.a] + r[: layer.b], claims["W", l, "w", "r"]))
    for l, layer in enumerate(shape.layers[1:], 2):
        W0.append(weight("W", l, r[: layer.a] + points.w[: layer.b], claims["W", l, "r", "w"]))
    W0 += [at_point(n, points.omega, claims["u0",]), at_point(n, acc.omega, acc.u)]
    chi = x[shape.lR : shape.lR + shape.lC]
    S = [
        on_slots(n, [(1, shape.s_slots["s"])], zeta, s_zeta),
        on_slots(n, [(1, shape.s_slots["y"])], chi, iota),
    ]
    return [F, W0, S, [at_point(n, acc.x, acc.v)]]


def accumulate(
    acc: Accumulator,
    proof: FoldProof,
    C_W0: Affine,
    x_E: Point,
    values: Sequence[int],
    rho: int,
    points: Points,
    claims: Claims,
) -> Accumulator:
    """The accumulator after the fold."""
    f, w0, sS, a = values
    rho = low(rho)
    C_A = add((1, acc.C_A), (rho, proof.C_F), (rho**2, C_W0), (rho**3, proof.C_S))
    C_S = add((1, acc.C_S), (rho, proof.C_S))
    v = (a + rho * f + rho**2 * w0 + rho**3 * sS) % P
    return Accumulator(C_A, x_E, v, points.omega, claims["uk",], C_S)


def combine(rho: int, parts: Sequence[Committed], commitment: Affine) -> Committed:
    """Σ ρ^i·part_i, as long as the first."""
    table, blind = [0] * len(parts[0].table), 0
    for i, part in enumerate(parts):
        for j, value in enumerate(part.table):
            table[j] = (table[j] + rho**i * value) % P
        blind += rho**i * part.blind
    return Committed(table, blind % P, commitment)


def targets(shape: Shape, I: Table) -> Table:
    """T over (t, class), from the label block of I."""
    return [I[(t << shape.lC) + shape.loff + j] for t in range(1 << shape.lR) for j in range(1 << shape.lcl)]


def selection_at(shape: Shape, indices: Sequence[int], theta: Point, zeta: Point) -> int:
    """s at ζ: Σ eq(θ, t)·eq(idx_t, ζ) over real rows."""
    rows = eq_table(theta)
    pairs = zip(shape.real_rows(), indices, strict=True)
    return sum(rows[t] * eq(bits(n, shape.lN), zeta) for t, n in pairs) % P


def tag_at(shape: Shape, z: Point) -> int:
    """Widths of region 1 at z."""
    total = 0
    for key, width in shape.tags.items():
        prefix = shape.slots[key].prefix(shape.n1)
        total += width * eq(prefix, z[: len(prefix)])
    return total % P


def low(challenge: int) -> int:
    """Its low 128 bits: short multiples of points, and the error is 2^−128."""
    return challenge & ((1 << 128) - 1)
