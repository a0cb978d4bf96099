"""Programs of the segment argument: caps from both sides, and the same training as with r1cs-nova."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import _escapement
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zkml.analysis import analyse
from zkml.errors import ProgramOverflowError, ProgramRangeError, ZkmlError
from zkml.executor import step
from zkml.genesis import genesis_weights
from zkml.program import Program

Build = Callable[..., Program]
Programs = Callable[[], st.SearchStrategy[Program]]
SLOW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def as_segment(program: Program) -> Program | None:
    """The program for the segment argument, if its ranges allow that."""
    try:
        return replace(program, arithmetisation="segment")
    except ProgramRangeError:
        return None


def accepted(program: Program) -> bool:
    try:
        analyse(program)
    except ZkmlError:
        return False
    return True


def native_accepts(program: Program) -> bool:
    try:
        _escapement.program_info(program.encode())
    except _escapement.NativeError as error:
        assert error.args[0] == "program"
        return False
    return True


CAPS: list[dict[str, Any]] = [
    {"batch": 256, "k": 256},
    {"batch": 257, "k": 256},
    {"batch": 4096, "k": 16},
    {"batch": 4096, "k": 17},
    {"rows": 1 << 25},
    {"rows": (1 << 25) + 1},
    {"rows": 1 << 27},
    {"sizes": [1 << 12, 1 << 13, 2]},
    {"sizes": [1 << 12, (1 << 13) + 1, 2]},
    {"sizes": [1 << 13, 1 << 13, 2]},
    {"sizes": [3, 1 << 20, 2], "k": 1},
    {"sizes": [3, 1 << 17, 2], "k": 4, "batch": 16},
    {"kappa": 40, "f_g": 14, "f_x": 10, "y_bits": 8},
    {"kappa": 40, "f_g": 30, "f_x": 10, "y_bits": 8},
]


@pytest.mark.parametrize("changes", CAPS, ids=str)
def test_caps_agree_on_both_sides_of_the_limit(build: Build, changes: dict[str, Any]) -> None:
    changes = dict(changes)
    program = build(changes.pop("sizes", [3, 4, 2]), arithmetisation="segment", **changes)
    assert accepted(program) == native_accepts(program)


def test_a_cap_is_named(build: Build) -> None:
    for changes, named in (({"batch": 4096, "k": 17}, "k·B"), ({"rows": 1 << 29}, "dataset")):
        with pytest.raises(ProgramOverflowError, match=named):
            analyse(build([3, 4, 2], arithmetisation="segment", **changes))


def test_a_fold_may_be_larger_than_a_circuit(build: Build) -> None:
    """Sizes that r1cs-nova refuses and segment is made for."""
    large = {"batch": 16, "k": 8, "rows": 60_000, "input_bits": 8, "input_signed": False}
    with pytest.raises(ProgramOverflowError):
        analyse(build([784, 1024, 256, 10], **large))
    program = build([784, 1024, 256, 10], arithmetisation="segment", **large)
    analyse(program)
    sizes = _escapement.segment_size(program.encode())
    assert sizes["weights"] == 21 and sizes["dataset"] == 26
    assert _escapement.segment_proof_sizes(program.encode())["fold_bytes"] < 1 << 16


@SLOW
@given(st.data())
def test_training_is_the_same(programs: Programs, data: st.DataObject) -> None:
    """A segment of either arithmetisation is the steps of the reference executor."""
    drawn = replace(data.draw(programs()), rows=data.draw(st.integers(2, 20)), k=data.draw(st.integers(1, 3)))
    program = as_segment(replace(drawn, input_bits=min(drawn.input_bits, 16)))
    assume(program is not None and accepted(program))
    assert program is not None
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    low, high = program.input_range
    x = rng.integers(low, high, (program.rows, program.features), endpoint=True)
    labels = rng.integers(0, program.classes, program.rows)
    seed = data.draw(st.binary(min_size=32, max_size=32))
    weights = genesis_weights(program, seed)
    start = b"".join(matrix.astype("<i8").tobytes() for matrix in weights)
    rows = x.astype("<i4").tobytes(), labels.astype("<i4").tobytes()
    native, told = _escapement.train_segment(program.encode(), *rows, start, seed)
    losses = []
    for position in range(program.m):
        indices = _escapement.batch_indices(program.encode(), seed, position)
        for batch in np.array(indices).reshape(program.k, program.batch):
            weights, report = step(program, weights, x[batch], labels[batch])
            losses.append(report.loss)
    assert native == b"".join(matrix.astype("<i8").tobytes() for matrix in weights)
    assert told["loss"] == pytest.approx(losses)
