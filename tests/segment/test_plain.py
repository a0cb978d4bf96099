"""The plain reference of the segment argument: honest runs, closed forms against sums, and false traces.

Every false trace is consistent from the place of the lie onwards, so exactly the check that is meant for
it can see it.
"""

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.segment import tiny
from tests.segment.plain import closing, curve, dataset, encoding, fold, logup, rows, training
from tests.segment.plain.field import P, below, bits, eq, eq_below, eq_table, evaluate, evaluate_padded
from tests.segment.plain.polynomials import pack_trace
from tests.segment.plain.poseidon import hash_many, round_numbers
from tests.segment.plain.shape import Shape
from tests.segment.plain.transcript import Malformed, Rejected
from zkml import executor
from zkml.program import Layer, Program

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "segment.json").read_text(encoding="utf-8"))
DRAW = random.Random(7)
POINT = [DRAW.randrange(P) for _ in range(5)]
OTHER = [DRAW.randrange(P) for _ in range(5)]


# --- parts -------------------------------------------------------------------------------------------------


def test_round_numbers_are_the_published_ones() -> None:
    assert [round_numbers(t) for t in (5, 9, 25)] == [(8, 56), (8, 57), (8, 59)]


@pytest.mark.parametrize(
    "entry", VECTORS["poseidon"], ids=lambda e: f"{e['domain']}-{e['inputs']}-{len(e['outputs'])}"
)
def test_poseidon_is_the_native_one(entry: dict[str, Any]) -> None:
    """The file's outputs are checked against nova-snark's by the native tests."""
    inputs = [(i + 7) ** 2 + entry["domain"] for i in range(entry["inputs"])]
    outputs = hash_many(entry["domain"], inputs, len(entry["outputs"]))
    assert [encoding.element(out).hex() for out in outputs] == entry["outputs"]


@pytest.mark.parametrize("n", [0, 1, 5, 16, 19, 32, 40])
def test_masks_are_their_sums(n: int) -> None:
    pairs = list(zip(eq_table(POINT), eq_table(OTHER), strict=True))
    assert below(POINT, n) == sum(a for a, _ in pairs[:n]) % P
    assert eq_below(POINT, OTHER, n) == sum(a * b for a, b in pairs[:n]) % P
    assert eq(POINT, OTHER) == sum(a * b for a, b in pairs) % P


def test_table_of_pairs_is_its_sum() -> None:
    entries = [logup.table_entry(e) for e in range(32)]
    assert entries[:5] == [(0, 0), (0, 0), (1, 0), (1, 1), (2, 0)]
    columns = [list(column) for column in zip(*entries, strict=True)]
    assert logup.table_at(POINT) == tuple(evaluate(column, POINT) for column in columns)


@pytest.mark.parametrize("name", tiny.PROGRAMS)
def test_verifier_polynomials_are_their_sums(name: str) -> None:
    """Order of steps, widths of F and of D, prefixes of the update: closed forms against tables."""
    shape = Shape(tiny.PROGRAMS[name]())
    draw = random.Random(3)

    def point(n: int) -> list[int]:
        return [draw.randrange(P) for _ in range(n)]

    points = rows.Points(
        shape, point(shape.lR), point(shape.cmax), point(shape.n_max), point(shape.lR), point(shape.lk)
    )
    steps = eq_table(points.rt[: shape.lk])
    order = [e * (t >> shape.lB < s) for t in range(1 << shape.lR) for s, e in enumerate(steps)]
    assert rows.order_at(shape, points) == evaluate(order, points.v + points.sigma)
    trace = training.Trace({}, [], [])
    for l, layer in enumerate(shape.layers, 1):
        for tensor in ("M", "V", "Ef", "rho", "N", "U", "Ex", "sigma"):
            trace.tables[tensor, l] = [0] * (1 << shape.lR + layer.b)
    z = point(shape.n1)
    assert fold.tag_at(shape, z) == evaluate(pack_trace(shape, trace)[1], z)
    z = point(shape.n_D)
    assert dataset.width_at(shape, z) == evaluate(dataset.widths(shape), z)
    for l, layer in enumerate(shape.layers, 1):
        tail = points.omega[shape.n_max - layer.a - layer.b :]
        ones = [0] * (1 << shape.n_W)
        slot = shape.w_slots["W", l]
        ones[slot.offset] = 1  # input 0, output 0
        expected = rows.prefixes(shape, l, points.omega)[0] * eq([0] * len(tail), tail) % P
        assert evaluate_padded(ones, points.omega) == expected


def test_multiplication_of_points() -> None:
    """Buckets, signs and doublings against repeated addition."""
    G = [curve.generator(i) for i in range(20)]
    scalars = [0, 1, 2, P - 1, P - 5, *range(3, 18)]
    total: curve.Jacobian = curve.ZERO
    for k, A in zip(scalars, G, strict=True):
        small = k if k < P // 2 else k - P
        for _ in range(abs(small)):
            total = curve.add_affine(total, A if small > 0 else (A[0], curve.Q - A[1]))
    assert curve.affine(total) == curve.multi(scalars, G) == curve.add(*zip(scalars, G, strict=True))
    assert curve.multi([P], G[:1]) is None and curve.add((5, G[0]), (P - 5, G[0])) is None
    assert curve.add((P - 1, G[0])) == (G[0][0], curve.Q - G[0][1])
    assert all(map(curve.on_curve, G)) and not curve.on_curve((1, 1))


# --- training ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tiny.PROGRAMS)
def test_training_is_the_executors(name: str) -> None:
    """The trace's weights are those of zkml's step, and its tables satisfy the relations they are about."""
    run = tiny.started(name)
    trace = run.trace(0)
    p = run.shape.program
    layers = tuple(Layer(*vars(layer).values()) for layer in p.layers)
    program = Program(**fields(p, layers))
    weights = [np.array(w, dtype=np.int64) for w in run.weights]
    for step in range(p.k):
        batch = run.indices[0][step * p.B : (step + 1) * p.B]
        x = np.array([run.data.features[n] for n in batch], dtype=np.int64)
        weights, _ = executor.step(program, weights, x, np.array([run.data.labels[n] for n in batch]))
    after = tiny.unpack_weights(run.shape, trace.weights)
    assert [w.tolist() for w in weights] == after
    for l, layer in enumerate(run.shape.layers, 1):
        for tensor, width in layer.tensors:
            assert all(0 <= value < 1 << width for value in trace.tables[tensor, l]), (tensor, l)


def fields(p: Any, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """zkml's names of a program's fields."""
    out = {**vars(p), "batch": p.B, "rows": p.n, "layers": layers}
    return {key: value for key, value in out.items() if key not in ("B", "n")}


def test_a_case_clamps_both_ways() -> None:
    tables = tiny.started(tiny.CLAMPED).trace(0).tables
    clamps = [(name, sign, l) for name, sign in (("Ef", "M"), ("Ex", "N")) for l in (1, 2)]
    met = {
        (name, m)
        for name, sign, l in clamps
        for value, m in zip(tables[name, l], tables[sign, l], strict=True)
        if value
    }
    assert met == {("Ef", 0), ("Ef", 1), ("Ex", 0), ("Ex", 1)}


# --- honest runs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tiny.PROGRAMS)
def test_two_folds_and_the_dataset(name: str) -> None:
    """The verifier's accumulator is the prover's, and what it says is true."""
    run = tiny.run(tiny.PROGRAMS[name](), 3)
    claim = dataset.verify_dataset(run.shape, run.root, run.data_proof)
    assert claim == run.data_claim
    assert evaluate(run.vector, claim.x) == claim.d and evaluate_padded(run.mult.table, claim.x) == claim.m
    for number in range(2):
        before, C_W0 = run.acc, run.W.commitment
        proof, after, _ = run.prove(number, run.trace(number))
        assert fold.verify_fold(run.shape, run.root, run.indices[number], C_W0, proof, before) == after
    assert (
        evaluate(run.open_.A.table, after.x) == after.v
        and evaluate_padded(run.W.table, after.omega) == after.u
    )
    assert curve.commit(run.open_.A.table, run.open_.A.blind) == after.C_A
    assert curve.commit(run.open_.S.table, run.open_.S.blind) == after.C_S


def test_closing() -> None:
    """Accepted, and refused with any part of the statement or the proof changed."""
    run = tiny.run(tiny.PROGRAMS["two layers"](), 4)
    run.prove(0, run.trace(0))
    run.prove(1, run.trace(1))
    proof = run.close(b"seed")
    check_closing(run, proof)
    for where, why in (
        (0, "closing"),
        (7, "closing"),
        (20, "closing"),
        (-2, "inner-product"),
        (-1, "inner-product"),
    ):
        elements = [(a + (i == where % len(proof.elements))) % P for i, a in enumerate(proof.elements)]
        with pytest.raises(Rejected, match=why):
            check_closing(run, dataclasses.replace(proof, elements=elements))
    with pytest.raises(Rejected, match="closing"):
        check_closing(run, proof, acc=dataclasses.replace(run.acc, v=run.acc.v + 1))
    with pytest.raises(Rejected, match="root"):
        check_closing(run, proof, root=run.root + 1)
    with pytest.raises(Malformed, match="rounds"):
        check_closing(run, dataclasses.replace(proof, rounds=proof.rounds[1:]))
    with pytest.raises(Malformed, match="too long"):
        check_closing(run, dataclasses.replace(proof, elements=[*proof.elements, 0]))


def check_closing(run: tiny.Run, proof: closing.ClosingProof, **other: Any) -> None:
    """The verifier of `run`'s closing; `other` replaces the root or the accumulator."""
    closing.verify_closing(
        run.shape,
        other.get("root", run.root),
        other.get("acc", run.acc),
        run.W.commitment,
        run.data_proof.blocks,
        run.data_proof.C_m,
        run.data_claim,
        proof,
    )


def test_a_fold_on_other_data_fails_at_the_closing() -> None:
    """A fold reads S, not D: only y = Dᵀs, checked at the end, ties it to the committed rows."""
    run = tiny.run(tiny.PROGRAMS["two layers"](), 4, folds=1)
    honest = list(run.vector)
    used = run.indices[0][0]
    run.data.features[used][0] ^= 1
    run.vector[used << run.shape.lC] ^= 1
    before, C_W0 = run.acc, run.W.commitment
    proof, after, _ = run.prove(0, run.trace(0))
    assert fold.verify_fold(run.shape, run.root, run.indices[0], C_W0, proof, before) == after
    run.vector = honest
    # The inner-product argument is never reached.
    with pytest.MonkeyPatch.context() as patch:
        rounds = [(None, None)] * run.shape.n_max
        patch.setattr(closing, "prove_inner_product", lambda *arguments: rounds)
        proof_of_all = run.close(b"seed")
    with pytest.raises(Rejected, match="stage closing: final value of the sumcheck"):
        check_closing(run, proof_of_all)


def test_bytes_of_a_proof() -> None:
    """Read back as they were written; the identity and points off the curve are malformed."""
    points, elements = [curve.generator(0), curve.generator(1)], [1, P - 1]
    data = encoding.proof(points, elements)
    assert encoding.read_proof(data, 2) == (points, elements)
    for false in (bytes(64) + data[64:], b"\1" + data[1:], data[:100], data[:-1]):
        with pytest.raises(Malformed):
            encoding.read_proof(false, 2)
    assert bits(6, 4) == [0, 1, 1, 0]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors_verify(case: dict[str, Any]) -> None:
    """The file alone is accepted: dataset, both folds, closing."""
    shape = Shape(tiny.PROGRAMS[case["name"]]())
    assert shape.program.encode().hex() == case["program"]["bytes"]
    root = number(case["dataset"]["root"])
    blocks = dataset.block_count(shape)
    points, elements = encoding.read_proof(bytes.fromhex(case["dataset"]["proof"]), blocks + 1)
    claim = dataset.verify_dataset(shape, root, dataset.DatasetProof(points[:-1], points[-1], elements))
    assert claim.x == [number(c) for c in case["dataset"]["x"]]
    acc = fold.start(shape, case["weights"][first_slot(shape)][0][0])
    (C_W,), _ = encoding.read_proof(bytes.fromhex(case["C_W0"]), 1)
    for entry in case["folds"]:
        (C_Wk, C_F, C_S), elements = encoding.read_proof(bytes.fromhex(entry["proof"]), 3)
        acc = fold.verify_fold(
            shape, root, entry["indices"], C_W, fold.FoldProof(C_Wk, C_F, C_S, elements), acc
        )
        assert acc.v == number(entry["accumulator"]["v"]) and acc.u == number(entry["accumulator"]["u"])
        C_W = C_Wk
    (C_K, *sides), elements = encoding.read_proof(bytes.fromhex(case["closing"]), 1 + 2 * shape.n_max)
    rounds = list(zip(sides[0::2], sides[1::2], strict=True))
    closing.verify_closing(
        shape, root, acc, C_W, points[:-1], points[-1], claim, closing.ClosingProof(C_K, rounds, elements)
    )


def number(text: str) -> int:
    """A field element of the file."""
    return int.from_bytes(bytes.fromhex(text), "little")


def first_slot(shape: Shape) -> int:
    """The layer whose matrix stands at the beginning of W."""
    return next(l - 1 for (kind, l), slot in shape.w_slots.items() if slot.offset == 0)
