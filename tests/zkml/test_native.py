"""The Rust side gives the same answers bit for bit: program, analysis, genesis, steps and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _escapement
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zkml.analysis import analyse
from zkml.errors import ProgramFormatError, ProgramOverflowError, ProgramRangeError, ZkmlError
from zkml.executor import step
from zkml.genesis import genesis_weights
from zkml.program import Program

Programs = Callable[[], st.SearchStrategy[Program]]
SLOW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def wire(arrays: list[npt.NDArray[np.int64]]) -> bytes:
    """Per layer row-major little-endian int64, bias row last, layers one after the other."""
    return b"".join(a.astype("<i8").tobytes() for a in arrays)


def refusal(call: Callable[[], object]) -> str | None:
    """The code of the error that `call` raises, or None."""
    try:
        call()
    except (_escapement.NativeError, ZkmlError) as error:
        return error.args[0] if isinstance(error, _escapement.NativeError) else error.code
    return None


@SLOW
@given(st.data())
def test_program_and_analysis(programs: Programs, data: st.DataObject) -> None:
    program = data.draw(programs())
    if refusal(lambda: analyse(program)):
        assert refusal(lambda: _escapement.program_info(program.encode())) == "program"
        return
    info, analysis = _escapement.program_info(program.encode()), analyse(program)
    assert info["digest"] == program.digest()
    for name in (
        "batch",
        "k",
        "m",
        "max_segments",
        "rows",
        "features",
        "classes",
        "f_x",
        "f_g",
        "kappa",
        "c",
    ):
        assert info[name] == getattr(program, name)
    assert (info["input_bits"], info["input_signed"]) == (program.input_bits, program.input_signed)
    for layer, bound, got in zip(program.layers, analysis.layers, info["layers"], strict=True):
        for name in ("name", "d_in", "d_out", "bias", "relu", "y_bits", "grad_bits", "init_range"):
            assert got[name] == getattr(layer, name)
        for name in ("xmax", "wmax", "zmax", "gmax", "z_bits"):
            assert got[name] == getattr(bound, name)
        assert (got["emax"] or 0, got["e_bits"] or 0) == (bound.emax, bound.e_bits)
        assert got["slots"] == min(252 // bound.z_slot, layer.d_out)


@SLOW
@given(st.data())
def test_genesis_and_steps(programs: Programs, data: st.DataObject) -> None:
    program = data.draw(programs())
    assume(not refusal(lambda: analyse(program)))
    encoded, nonce = program.encode(), data.draw(st.binary(min_size=32, max_size=32))
    weights = genesis_weights(program, nonce)
    assert _escapement.genesis_weights(encoded, nonce) == wire(weights)
    for _ in range(min(3, program.steps)):
        weights = same_step(program, weights, data)


@SLOW
@given(st.data())
def test_a_step_from_extreme_weights(programs: Programs, data: st.DataObject) -> None:
    program = data.draw(programs())
    assume(not refusal(lambda: analyse(program)))
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    weights = [
        bound.wmax * rng.integers(-1, 2, (layer.rows, layer.d_out))
        for layer, bound in zip(program.layers, analyse(program).layers, strict=True)
    ]
    same_step(program, weights, data)


def same_step(
    program: Program, weights: list[npt.NDArray[np.int64]], data: st.DataObject
) -> list[npt.NDArray[np.int64]]:
    """One step on a drawn batch by both executors, compared; the new weights."""
    low, high = program.input_range
    value = st.one_of(st.sampled_from([low, high]), st.integers(low, high))
    x = np.array([[data.draw(value) for _ in range(program.features)] for _ in range(program.batch)])
    labels = np.array([data.draw(st.integers(0, program.classes - 1)) for _ in range(program.batch)])
    native, told = _escapement.train_step(
        program.encode(), wire(weights), x.astype("<i4").tobytes(), labels.astype("<i4").tobytes()
    )
    updated, report = step(program, weights, x, labels)
    assert native == wire(updated)
    assert told["clamped"] == report.clamped
    assert told["loss"] == pytest.approx([report.loss])
    return updated


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_same_bytes_are_refused(programs: Programs, data: st.DataObject) -> None:
    """Any change of any byte, or surplus bytes: both sides accept the same programs."""
    encoded = bytearray(data.draw(programs()).encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(encoded) + data.draw(st.sampled_from([b"", b"", b"\0"]))

    def ours() -> Any:
        return analyse(Program.decode(changed))

    assert (refusal(ours) is None) == (refusal(lambda: _escapement.program_info(changed)) is None)
    if refusal(ours):
        with pytest.raises((ProgramFormatError, ProgramRangeError, ProgramOverflowError)):
            ours()
