"""The bounds are upper bounds on adversarial runs, the widths are the smallest, and overflow is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zkml import exact
from zkml.analysis import analyse, rescale_width
from zkml.errors import ProgramOverflowError
from zkml.exact import Int
from zkml.executor import Recorder, differentiate
from zkml.program import Program

Build = Callable[..., Program]


class Peak(Recorder):
    """Records the largest input of every rescale."""

    def __init__(self) -> None:
        super().__init__()
        self.peaks: dict[str, int] = {}

    def rescaler(self, name: str, shift: int, bits: int) -> Callable[[Int], Int]:
        narrow = super().rescaler(name, shift, bits)

        def watched(z: Int) -> Int:
            self.peaks[name] = exact.magnitude(z)
            return narrow(z)

        return watched


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_bounds_hold_for_extreme_runs(
    programs: Callable[[], st.SearchStrategy[Program]], data: st.DataObject
) -> None:
    """From extreme geneses, on extreme samples, for as many steps as the program allows."""
    program = data.draw(programs())
    try:
        bounds = analyse(program).layers
    except ProgramOverflowError:
        assume(False)
    weights = [
        layer.init_range * np.array(data.draw(signs(layer.d_in, layer.d_out)), dtype=np.int64)
        for layer in program.layers
    ]
    weights = [
        np.vstack([w, np.zeros((int(layer.bias), layer.d_out), dtype=np.int64)])
        for w, layer in zip(weights, program.layers, strict=True)
    ]
    low, high = program.input_range
    ends = np.array([low, high])[(np.array(data.draw(signs(program.batch, program.features))) + 1) // 2]
    labels = np.array(
        data.draw(
            st.lists(st.integers(0, program.classes - 1), min_size=program.batch, max_size=program.batch)
        )
    )
    for _ in range(program.steps):
        peak = Peak()
        weights, _ = differentiate(program, weights, ends, labels, peak)
        for i, (layer, bound) in enumerate(zip(program.layers, bounds, strict=True)):
            assert exact.magnitude(weights[i]) <= bound.wmax
            assert peak.peaks[f"{layer.name}.Y"] <= bound.zmax
            if i:
                assert peak.peaks[f"{layer.name}.dX"] <= bound.emax


def test_bounds_are_reached(build: Build) -> None:
    """A run that attains wmax and zmax: targets out of reach of a saturated output."""
    program = build(
        [1, 2], batch=1, bias=False, relu=False, y_bits=2, f_x=3, f_g=3, kappa=0, c=1, max_segments=1
    )
    bound = analyse(program).layers[0]
    # Y = −2 at the wrong side of T = 8 gives |G| = 10 = gmax; x = −8 = −xmax.
    assert (bound.xmax, bound.gmax, bound.wmax, bound.zmax) == (8, 10, 50 + 80, 8 * 130)
    start = np.array([[50, 50]])
    updated, _ = differentiate(program, [start], np.array([[-8]]), np.array([0]), Recorder())
    assert updated[0][0, 0] == 50 - 80 and abs(-50 - 8 * 10) == bound.wmax


@given(st.integers(0, 1 << 130), st.integers(1, 100), st.integers(2, 48))
def test_rescale_width_is_the_smallest(v: int, shift: int, bits: int) -> None:
    t = rescale_width(v, shift, bits)
    fits = v + (1 << (shift - 1)) <= (1 << (t - 1)) - 1
    smaller_fits = v + (1 << (shift - 1)) <= (1 << (t - 2)) - 1
    assert t >= shift + bits and fits
    assert t == shift + bits or not smaller_fits


@given(st.integers(0, 1 << 40), st.integers(2, 40), st.integers(2, 20))
def test_rescale_width_holds_the_decomposition(v: int, shift: int, bits: int) -> None:
    """z + 2^(s−1) is a signed integer of t bits for every |z| ≤ v, and so is every unclamped output."""
    t = rescale_width(v, shift, bits)
    for z in (-v, v):
        assert -(1 << (t - 1)) <= z + (1 << (shift - 1)) < 1 << (t - 1)
    assert (1 << (bits - 1)) << shift <= 1 << (t - 1)


def test_by_hand(build: Build) -> None:
    program = build([2, 3, 2], batch=2, c=3, f_x=3, f_g=4, kappa=2, y_bits=8, grad_bits=7, max_segments=5)
    first, second = analyse(program).layers
    assert analyse(program).steps == 5
    assert (first.xmax, first.gmax, first.wmax) == (8, 64, 50 + 5 * 3 * 2 * 8 * 64)
    assert (first.zmax, first.emax, first.e_bits, first.e_slot) == ((2 * 8 + 8) * first.wmax, 0, 0, 0)
    assert (second.xmax, second.gmax) == (128, (128 + 8) * 2)
    assert second.wmax == 50 + 5 * 3 * 2 * 128 * 272
    assert (second.zmax, second.emax) == ((3 * 128 + 8) * second.wmax, 2 * 272 * second.wmax)
    assert first.z_bits == (first.zmax + 256).bit_length() + 1
    assert (second.z_slot, second.e_slot) == (second.z_bits + 1, second.e_bits + 1)


def test_unsigned_inputs_and_no_bias(build: Build) -> None:
    bound = analyse(build([2, 2], input_signed=False, bias=False, f_x=10, f_g=10)).layers[0]
    assert bound.xmax == 15
    assert bound.zmax == 2 * 15 * bound.wmax
    assert analyse(build([2, 2], input_signed=False, f_x=10, f_g=10)).layers[0].wmax > 64 * bound.wmax


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"max_segments": 1 << 32, "m": 1 << 20}, "layer 'layer1', weights"),
        ({"y_bits": 30, "max_segments": 1 << 20, "f_x": 12, "f_g": 12}, "layer 'layer2', weights"),
        (
            {"y_bits": 48, "grad_bits": 12, "max_segments": 1, "batch": 1, "f_x": 3, "f_g": 3},
            "layer 'layer2', weights",
        ),
    ],
)
def test_overflow_is_refused(build: Build, fields: dict[str, int], where: str) -> None:
    with pytest.raises(ProgramOverflowError, match=where) as caught:
        analyse(build([4, 3, 2], **fields))
    assert (caught.value.code, caught.value.exit_code) == ("program-overflow", 3)
    assert "bits" in str(caught.value) and "lower" in str(caught.value)


def test_the_border_of_62_bits(build: Build) -> None:
    """wmax < 2^62 exactly: one more in init_range decides."""
    # xmax·gmax = 2^23·4 = 2^25 per step, times 2^37 − 2^12 steps, leaves 2^37 for the start.
    fields = {"bias": False, "batch": 1, "y_bits": 2, "f_x": 1, "f_g": 1, "kappa": 0, "input_bits": 24}
    program = build([1, 2], k=4096, max_segments=(1 << 25) - 1, **fields)

    def starting(init_range: int) -> Program:
        return replace(program, layers=(replace(program.layers[0], init_range=init_range),))

    assert analyse(starting((1 << 37) - 1)).layers[0].wmax == (1 << 62) - 1
    with pytest.raises(ProgramOverflowError, match="needs 63 bits"):
        analyse(starting(1 << 37))


def signs(rows: int, columns: int) -> st.SearchStrategy[list[list[int]]]:
    sign = st.sampled_from([-1, 1])
    return st.lists(st.lists(sign, min_size=columns, max_size=columns), min_size=rows, max_size=rows)
