"""The executor against the definition in plain Python integers, and its refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zkml.analysis import analyse
from zkml.errors import ProgramOverflowError, TensorError
from zkml.executor import Recorder, differentiate, forward, step
from zkml.genesis import genesis_weights
from zkml.program import Program

Build = Callable[..., Program]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_step_is_the_definition(
    programs: Callable[[], st.SearchStrategy[Program]], plain_step: Callable[..., object], data: st.DataObject
) -> None:
    program = data.draw(programs())
    try:
        bounds = analyse(program).layers
    except ProgramOverflowError:
        assume(False)
    low, high = program.input_range
    # Extremes often: weights at their analysed bound and inputs at the ends of their range.
    weights = [
        [[data.draw(st.one_of(st.sampled_from([-b.wmax, 0, b.wmax]), st.integers(-b.wmax, b.wmax)))
          for _ in range(layer.d_out)] for _ in range(layer.rows)]
        for layer, b in zip(program.layers, bounds, strict=True)
    ]  # fmt: skip
    value = st.one_of(st.sampled_from([low, high]), st.integers(low, high))
    x = [[data.draw(value) for _ in range(program.features)] for _ in range(program.batch)]
    labels = [data.draw(st.integers(0, program.classes - 1)) for _ in range(program.batch)]
    got, report = step(program, [np.array(w, dtype=np.int64) for w in weights], np.array(x), np.array(labels))
    assert [w.tolist() for w in got] == plain_step(program, weights, x, labels)
    assert all(w.dtype == np.int64 for w in got)
    assert report.loss >= 0


def test_wide_programs_use_python_integers(build: Build, plain_step: Callable[..., object]) -> None:
    # zmax of the second layer is far above 2^63; weights still fit int64.
    program = build([2, 3, 2], y_bits=30, grad_bits=20, f_x=12, f_g=12, kappa=20, max_segments=4)
    bounds = analyse(program).layers
    assert bounds[1].zmax > 1 << 64
    weights = [
        np.full((layer.rows, layer.d_out), b.wmax * (-1) ** i, dtype=np.int64)
        for i, (layer, b) in enumerate(zip(program.layers, bounds, strict=True))
    ]
    x, labels = [[7, -8], [7, 7]], [0, 1]
    got, _ = step(program, weights, np.array(x), np.array(labels))
    assert [w.tolist() for w in got] == plain_step(program, [w.tolist() for w in weights], x, labels)


def test_clamping_is_counted_and_passes_gradients(build: Build) -> None:
    program = build([1, 2], batch=1, bias=False, relu=False, y_bits=5, f_x=3, f_g=3, kappa=0)
    weights = [np.array([[1000, -1000]])]
    updated, report = step(program, weights, np.array([[7]]), np.array([1]))
    assert report.clamped == {"layer1.Y": 2}
    # Y = (15, −16), T = (0, 8), G = (15, −24): W − c·x·G.
    assert updated[0].tolist() == [[1000 - 7 * 15, -1000 + 7 * 24]]
    assert report.loss == (15**2 + 24**2) / 64 / 2


def test_gradient_passes_a_relu_at_zero(build: Build) -> None:
    program = build([1, 1, 2], batch=1, bias=False)
    weights = [np.array([[0]]), np.array([[4000, 0]])]
    updated, report = step(program, weights, np.array([[1]]), np.array([0]))
    assert updated[0][0, 0] != 0
    assert list(report.clamped) == ["layer1.Y", "layer2.Y", "layer2.dX"]


def test_recorder_keeps_unclamped_tensors(build: Build) -> None:
    program = build([1, 2], batch=1, bias=False, relu=False, y_bits=2)
    recorder = Recorder(keep=True)
    differentiate(program, [np.array([[51200, 0]])], np.array([[7]]), np.array([0]), recorder)
    assert recorder.tensors["layer1.Y"].tolist() == [[700, 0]]
    assert recorder.clamped == {"layer1.Y": 0}


def test_forward_takes_any_number_of_rows(build: Build) -> None:
    program = build([3, 2, 2])
    weights = genesis_weights(program, bytes(32))
    assert forward(program, weights, np.zeros((0, 3), dtype=np.int64)).shape == (0, 2)
    assert forward(program, weights, np.ones((5, 3), dtype=np.int64)).shape == (5, 2)


@pytest.mark.parametrize(
    ("x", "labels"),
    [
        (np.zeros((1, 3), dtype=int), np.zeros(1, dtype=int)),  # batch of one instead of two
        (np.zeros((2, 2), dtype=int), np.zeros(2, dtype=int)),
        (np.zeros((2, 3)), np.zeros(2, dtype=int)),
        (np.full((2, 3), 8), np.zeros(2, dtype=int)),
        (np.full((2, 3), -9), np.zeros(2, dtype=int)),
        (np.zeros((2, 3), dtype=int), np.zeros(3, dtype=int)),
        (np.zeros((2, 3), dtype=int), np.zeros(2)),
        (np.zeros((2, 3), dtype=int), np.array([0, 2])),
        (np.zeros((2, 3), dtype=int), np.array([-1, 0])),
    ],
)
def test_bad_batches(build: Build, x: np.ndarray, labels: np.ndarray) -> None:
    program = build([3, 2, 2])
    with pytest.raises(TensorError) as caught:
        step(program, genesis_weights(program, bytes(32)), x, labels)
    assert (caught.value.code, caught.value.exit_code) == ("tensor", 2)


def test_bad_weights(build: Build) -> None:
    program = build([3, 2, 2])
    good = genesis_weights(program, bytes(32))
    beyond = [w.copy() for w in good]
    beyond[1][0, 0] = analyse(program).layers[1].wmax + 1
    for bad in (good[:1], [good[1], good[0]], [w.astype(float) for w in good], beyond):
        with pytest.raises(TensorError, match="weights"):
            step(program, bad, np.zeros((2, 3), dtype=int), np.zeros(2, dtype=int))


def test_a_program_that_may_wrap_is_refused(build: Build) -> None:
    program = replace(build([3, 2]), max_segments=1 << 32, m=1 << 20, k=4096)
    with pytest.raises(ProgramOverflowError):
        step(
            program, genesis_weights(program, bytes(32)), np.zeros((2, 3), dtype=int), np.zeros(2, dtype=int)
        )
