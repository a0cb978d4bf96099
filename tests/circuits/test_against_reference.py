"""The Rust circuits crate against the NumPy reference: executor, static analysis and genesis, bit for bit."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import _escapement
from zkml.analysis import Analysis, analyse
from zkml.errors import ProgramOverflowError
from zkml.executor import step
from zkml.genesis import genesis_weights
from zkml.program import Layer, Program


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Any program of one to three small layers, also ones whose bounds do not fit."""
    count = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 5)) for _ in range(count)] + [draw(st.integers(2, 5))]
    layers = tuple(
        Layer(
            name=f"fc{i}",
            d_in=sizes[i],
            d_out=sizes[i + 1],
            bias=draw(st.booleans()),
            relu=draw(st.booleans()),
            y_bits=draw(st.integers(2, 20)),
            grad_bits=draw(st.integers(2, 20)) if i + 1 < count else 0,
            init_range=draw(st.integers(0, 1 << draw(st.integers(0, 40)))),
        )
        for i in range(count)
    )
    f_x = draw(st.integers(1, 12))
    return Program(
        batch=draw(st.integers(1, 3)),
        k=draw(st.integers(1, 3)),
        m=draw(st.integers(1, 3)),
        max_segments=draw(st.integers(1, 1 << draw(st.integers(0, 24)))),
        rows=draw(st.integers(2, 80)),
        f_x=f_x,
        f_g=draw(st.integers(f_x, 16)),
        kappa=draw(st.integers(0, 30)),
        c=draw(st.integers(1, 1 << draw(st.integers(0, 12)))),
        features=sizes[0],
        input_bits=draw(st.integers(1, 16)),
        input_signed=draw(st.booleans()),
        classes=sizes[-1],
        layers=layers,
    )


def fitting(program: Program) -> Analysis | None:
    try:
        return analyse(program)
    except ProgramOverflowError:
        return None


@settings(max_examples=300, deadline=None)
@given(programs())
def test_analysis_accepts_the_same_programs_with_the_same_bounds(program: Program) -> None:
    reference = fitting(program)
    if reference is None:
        with pytest.raises(_escapement.NativeError) as refused:
            _escapement.program_info(program.encode())
        assert refused.value.args[0] == "program"
        return
    info = _escapement.program_info(program.encode())
    assert info["digest"] == program.digest()
    for ours, theirs in zip(reference.layers, info["layers"], strict=True):
        for name in ("name", "xmax", "wmax", "zmax", "gmax"):
            assert getattr(ours, name) == theirs[name], name
        assert (ours.emax, ours.e_bits, ours.z_bits) == (
            theirs["emax"] or 0,
            theirs["e_bits"] or 0,
            theirs["z_bits"],
        )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(programs().filter(lambda p: fitting(p) is not None), st.integers(0, 1 << 32))
def test_steps_agree_on_random_and_extreme_weights(program: Program, seed: int) -> None:
    rng = random.Random(seed)
    analysis = analyse(program)
    low, high = program.input_range
    x = np.array(
        [[rng.choice([low, high, rng.randint(low, high)]) for _ in range(program.features)] for _ in range(program.batch)]
    )
    labels = np.array([rng.randrange(program.classes) for _ in range(program.batch)])
    weights = []
    for layer, bounds in zip(program.layers, analysis.layers, strict=True):
        # Leave room for this step's own update inside the bound.
        room = layer.init_range + (bounds.wmax - layer.init_range) * (program.steps - 1) // program.steps
        shape = (layer.rows, layer.d_out)
        flat = [rng.choice([-room, room, rng.randint(-room, room)]) for _ in range(shape[0] * shape[1])]
        weights.append(np.array(flat, dtype=np.int64).reshape(shape))
    expected, report = step(program, weights, x, labels)
    got, native = _escapement.train_step(
        program.encode(),
        b"".join(w.astype("<i8").tobytes() for w in weights),
        x.astype("<i4").tobytes(),
        labels.astype("<i4").tobytes(),
    )
    assert got == b"".join(w.astype("<i8").tobytes() for w in expected)
    assert native["loss"] == [pytest.approx(report.loss, rel=1e-12)]
    assert sum(native["clamped"].values()) == sum(report.clamped.values())


@settings(max_examples=50, deadline=None)
@given(programs().filter(lambda p: fitting(p) is not None), st.binary(min_size=32, max_size=32))
def test_genesis_agrees(program: Program, nonce: bytes) -> None:
    expected = b"".join(w.astype("<i8").tobytes() for w in genesis_weights(program, nonce))
    assert _escapement.genesis_weights(program.encode(), nonce) == expected


@settings(max_examples=200, deadline=None)
@given(programs(), st.data())
def test_both_decoders_refuse_the_same_bytes(program: Program, data: st.DataObject) -> None:
    encoded = bytearray(program.encode())
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        reference = fitting(Program.decode(bytes(encoded)))
    except Exception as error:  # every refusal of the reference counts; its classes are tested elsewhere
        assert hasattr(error, "code")
        reference = None
    try:
        _escapement.program_info(bytes(encoded))
        native = True
    except _escapement.NativeError:
        native = False
    assert native == (reference is not None)
