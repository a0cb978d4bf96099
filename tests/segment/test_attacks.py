"""False traces, statements, proofs and datasets against the plain reference of the segment argument.

Every false trace is consistent from the place of the lie onwards, so only the check meant for it sees it.
"""

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.segment import tiny
from tests.segment.plain import dataset, fold, training
from tests.segment.plain.field import P
from tests.segment.plain.shape import Shape
from tests.segment.plain.training import Trace
from tests.segment.plain.transcript import Malformed, Rejected

COLUMNS, WIRING, LOOKUP = (
    "stage columns: final value",
    "stage wiring: final value",
    "lookup: fractions differ",
)
Change = Callable[[Any], Any]


def at(what: str, position: Any, change: Change) -> training.Hook:
    """A hook that changes one value."""
    return lambda w, p, value: change(value) if (w, p) == (what, position) else value


def first(run: tiny.Run, what: str, change: Change) -> Trace:
    """The trace in which the first real value that `change` applies to is changed."""
    done: list[Any] = []

    def hook(w: str, p: Any, value: Any) -> Any:
        real = w == what and p[0] < run.shape.k and p[1] < run.shape.B and p[3] < run.shape.layer(p[2]).d_out
        if real and not done and (new := change(*value)):
            done.append(new)
            return new
        return value

    trace = run.trace(0, hook)
    assert done
    return trace


def prove(run: tiny.Run, trace: Trace) -> tuple[fold.FoldProof, fold.Accumulator]:
    """A first fold, with some blinds."""
    return fold.prove_fold(
        run.shape, run.root, run.vector, run.indices[0], run.W, trace, (1, 2, 3), run.acc, run.open_
    )[:2]


def verify(run: tiny.Run, proof: fold.FoldProof, **other: Any) -> fold.Accumulator:
    """Its verifier; `other` replaces parts of the statement."""
    statement = {
        "root": run.root,
        "indices": run.indices[0],
        "C_W0": run.W.commitment,
        "acc": run.acc,
        **other,
    }
    return fold.verify_fold(run.shape, proof=proof, **statement)


def accept(run: tiny.Run, trace: Trace) -> None:
    """The fold of this trace is accepted, and leaves what the prover says."""
    proof, after = prove(run, trace)
    assert verify(run, proof) == after


def refuse(run: tiny.Run, trace: Trace, why: str) -> None:
    """The fold of this trace is refused for this reason."""
    proof, _ = prove(run, trace)
    with pytest.raises(Rejected, match=why):
        verify(run, proof)


# In tiny.CLAMPED 2^s = 512, V_max = 15, U_max = 7. A change is false where it does not apply.
STEP = pow(512, -1, P)
FORWARD: dict[str, tuple[Change, str]] = {
    "rho changed alone": (lambda m, v, e, r: v > 2 and (m, v, e, r ^ 1), WIRING),
    "V + 1, rho - 2^s": (lambda m, v, e, r: m and 2 < v < 15 and (m, v + 1, e, r - 512), LOOKUP),
    "V - 1, rho + 2^s": (lambda m, v, e, r: m and v > 2 and not e and (m, v - 1, e, r + 512), LOOKUP),
    "V beyond its width instead of a clamp": (lambda m, v, e, r: e and (m, v + e, 0, r), LOOKUP),
    "a clamp that is none": (lambda m, v, e, r: v > 2 and not e and (m, v - 1, 1, r), WIRING),
    "M = 0 for a positive value": (lambda m, v, e, r: m and v == 15 and (0, v, e, r), WIRING),
    "M = 2": (lambda m, v, e, r: m and v % 3 == 1 and not e and (2, (v - 1) // 3, e, r), WIRING),
    "M = 1 with V = Y < 0": (lambda m, v, e, r: not m and not e and (1, -1 - v, e, r), LOOKUP),
}
BACKWARD: dict[str, tuple[Change, str]] = {
    "U + 1": (lambda n, u, e, r: 0 < u < 7 and (n, u + 1, e, r), WIRING),
    "U - 1, sigma + 2^s": (lambda n, u, e, r: u > 0 and not e and (n, u - 1, e, r + 512), LOOKUP),
    "a clamp that is none": (lambda n, u, e, r: n and 1 < u < 7 and (n, u - 1, 1, r), WIRING),
    "N = 2": (lambda n, u, e, r: n and not e and (2, u, e, r), WIRING),
    "U - 2^-s mod p, sigma + 1": (
        lambda n, u, e, r: r < 511 and not e and (n, (u - STEP) % P, e, r + 1),
        LOOKUP,
    ),
}


@pytest.mark.parametrize("name", FORWARD)
def test_false_value(name: str) -> None:
    change, why = FORWARD[name]
    run = tiny.started(tiny.CLAMPED)
    refuse(run, first(run, "forward", change), why)


@pytest.mark.parametrize("name", BACKWARD)
def test_false_gradient(name: str) -> None:
    change, why = BACKWARD[name]
    run = tiny.started(tiny.CLAMPED)
    refuse(run, first(run, "backward", change), why)


def test_sign_of_a_gradient_that_is_not_clamped_is_free() -> None:
    """N only says which end was met: without a clamp either value is accepted, and changes nothing."""
    run = tiny.started(tiny.CLAMPED)
    trace = first(run, "backward", lambda n, u, e, r: not e and (1 - n, u, e, r))
    assert trace.weights == run.trace(0).weights
    accept(run, trace)


def stale() -> training.Hook:
    """Step 2 computes with the weights of step 1."""
    kept: dict[int, Any] = {}

    def hook(what: str, position: Any, value: Any) -> Any:
        if what != "forward weights":
            return value
        step, _, l = position
        if step == 1:
            kept[l] = value
        return kept[l] if step == 2 else value

    return hook


HOOKS: dict[str, tuple[training.Hook, str]] = {
    "a sample of another row": (at("sample", (1, 2), lambda n: (n + 1) % 5), WIRING),
    "another label": (at("label", (2, 0), lambda label: (label + 1) % 3), WIRING),
    "stale weights": (stale(), COLUMNS),
    "a step's update left out": (at("update", 1, lambda update: False), "stage rows: final value"),
    "the last step's update left out": (at("update", 2, lambda update: False), "stage rows: final value"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOOKS)
def test_false_run(name: str) -> None:
    hook, why = HOOKS[name]
    run = tiny.started(tiny.CLAMPED)
    refuse(run, run.trace(0, hook), why)


ROWS = {
    "a fourth sample in a padding row": at("real", (1, 3), lambda real: True),
    "a padding step that trains": at("real", (3, 0), lambda real: True),
    "a sample left out": at("real", (0, 0), lambda real: False),
}


@pytest.mark.parametrize("name", ROWS)
def test_false_rows(name: str) -> None:
    """The mask of the selection sees it, and that of the biases sees it first."""
    refuse(tiny.started(tiny.CLAMPED), tiny.started(tiny.CLAMPED).trace(0, ROWS[name]), COLUMNS)
    run = tiny.run(tiny.program(3, 3, [3, 2, 3], "00", "10"), 1)
    refuse(run, run.trace(0, ROWS[name]), WIRING)


def test_hidden_unit_in_a_padding_column() -> None:
    """With padding that is not zero to begin with, the column masks still keep it out."""
    run = tiny.run(tiny.program(2, 2, [3, 3, 2], "11", "10"), 1)
    table, slot = list(run.W.table), run.shape.w_slots["W", 1]
    for i in range(4):
        table[slot.offset + 4 * i + 3] = 150
    run.W = fold.committed(table, 0)
    run.acc = fold.start(run.shape, table[0])
    refuse(
        run,
        run.trace(0, lambda w, p, value: [True] * len(value) if w == "columns" and p[2] == 1 else value),
        WIRING,
    )
    accept(run, run.trace(0))


@pytest.mark.parametrize(
    "where", ["a weight", "padding of a matrix", "a bias", "outside every slot", "beyond the polynomial"]
)
def test_false_final_weights(where: str) -> None:
    """Every coefficient of the commitment is checked: none is free to vary a checkpoint with."""
    run = tiny.started(tiny.CLAMPED)
    trace = run.trace(0)
    slot, bias = run.shape.w_slots["W", 1].offset, run.shape.w_slots["bias", 1].offset
    end = max(s.offset + (1 << s.variables) for s in run.shape.w_slots.values())
    if where == "beyond the polynomial":
        trace.weights += [0] * len(trace.weights)
    index = {"a weight": slot, "padding of a matrix": slot + 3, "a bias": bias, "outside every slot": end}
    trace.weights[index.get(where, len(trace.weights) - 1)] += 1
    refuse(run, trace, "stage rows: final value")


def test_value_outside_every_slot_of_the_trace() -> None:
    run = tiny.started("two layers")
    trace = run.trace(0)
    used = max(
        slot.offset + (1 << slot.variables) for key, slot in run.shape.slots.items() if key in run.shape.tags
    )
    assert used < 1 << run.shape.n1
    trace.patches.append((used, 1))
    refuse(run, trace, LOOKUP)


@pytest.mark.parametrize("field", ["v", "u"])
def test_false_claim_of_the_fold_before(field: str) -> None:
    run = tiny.started("two layers")
    false = dataclasses.replace(run.acc, **{field: getattr(run.acc, field) + 1})
    refuse(with_accumulator(run, false), run.trace(0), "stage opening: final value")


def with_accumulator(run: tiny.Run, acc: fold.Accumulator) -> tiny.Run:
    """The same run, owing something else."""
    other = tiny.Run.__new__(tiny.Run)
    other.__dict__.update({**run.__dict__, "acc": acc})
    return other


def test_statement_of_a_fold() -> None:
    run = tiny.started("two layers")
    proof, _ = prove(run, run.trace(0))
    verify(run, proof)
    for other in (
        {"root": run.root + 1},
        {"indices": run.indices[0][::-1]},
        {"acc": dataclasses.replace(run.acc, u=run.acc.u + 1)},
        {"C_W0": proof.C_Wk},
    ):
        with pytest.raises(Rejected):
            verify(run, proof, **other)
    for name in ("C_Wk", "C_F", "C_S"):
        with pytest.raises(Rejected):
            verify(run, dataclasses.replace(proof, **{name: run.W.commitment}))
    with pytest.raises(Malformed, match="indices"):
        verify(run, proof, indices=[run.shape.n, *run.indices[0][1:]])


def test_elements_of_a_fold() -> None:
    """Every ninth changed; too few, too many, not canonical."""
    run = tiny.started("two layers")
    proof, _ = prove(run, run.trace(0))
    elements, draw = proof.elements, random.Random(5)
    for i in range(0, len(elements), 9):
        false = [*elements[:i], (elements[i] + draw.randrange(1, P)) % P, *elements[i + 1 :]]
        with pytest.raises(Rejected):
            verify(run, dataclasses.replace(proof, elements=false))
    for false, why in (
        ([elements[0] + P, *elements[1:]], "not canonical"),
        ([*elements, 0], "too long"),
        (elements[:-1], "too short"),
    ):
        with pytest.raises(Malformed, match=why):
            verify(run, dataclasses.replace(proof, elements=false))


DATASETS: dict[str, tuple[Callable[[Shape], tuple[int, int]], str]] = {
    "a feature above its range": (lambda shape: (0, 1 << shape.program.input_bits), LOOKUP),
    "a feature below its range": (lambda shape: (1, P - 1), LOOKUP),
    "a label of 2": (lambda shape: (shape.loff, 2), LOOKUP),
    "two labels in a row": (lambda shape: (shape.loff, 3), "stage dataset: final value"),
    "a value between features and labels": (lambda shape: (shape.d_0, 1), LOOKUP),
    "a row too many": (lambda shape: (shape.n << shape.lC, 1), LOOKUP),
}


@pytest.mark.parametrize("name", DATASETS)
def test_false_dataset(name: str) -> None:
    place, why = DATASETS[name]
    run = tiny.started("two layers")
    index, value = place(run.shape)
    data = list(run.vector)
    data[index] = value
    if name == "two labels in a row":
        data[run.shape.loff : run.shape.loff + 2] = [1, 1]
    blocks, mult = dataset.commit_dataset(run.shape, data, run.data_blinds)
    proof, _ = dataset.prove_dataset(run.shape, data, blocks, mult)
    with pytest.raises(Rejected, match=why):
        dataset.verify_dataset(run.shape, dataset.root(run.shape, proof.blocks, proof.C_m), proof)
