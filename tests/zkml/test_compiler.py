"""Compilation: exact learning rates, calibrated widths, and errors that say what would fit."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml.compiler import Config, apply_widths, calibrate, compile_program, learning_rate_parts
from zkml.data import Samples
from zkml.errors import (
    ConfigError,
    LearningRateError,
    ModelShapeError,
    ProgramOverflowError,
    ProgramRangeError,
    ScaleError,
    ZkmlError,
)
from zkml.executor import Recorder, differentiate
from zkml.genesis import genesis_weights
from zkml.onnx_import import Dense, Model
from zkml.program import SEGMENT

MODEL = Model(4, (Dense("hidden", 4, 5, True, True), Dense("output", 5, 3, True, False)))
CONFIG = Config(batch=4, k=2, m=2, max_segments=10, learning_rate=0.25, f_x=5, f_g=6)


def samples(rows: int = 30, classes: int = 3) -> Samples:
    rng = np.random.default_rng(1)
    labels = (np.arange(rows) % classes).astype(np.int32)
    x = np.clip(rng.integers(-3, 4, (rows, 4)) + 3 * labels[:, None], -8, 7).astype(np.int32)
    return Samples(x, labels, classes, 4, True, 0.0)


def test_program() -> None:
    program = compile_program(MODEL, samples(), replace(CONFIG, init=(1.0, 0.5)))
    assert (program.batch, program.k, program.m, program.max_segments, program.rows) == (4, 2, 2, 10, 30)
    assert (program.f_x, program.f_g, program.kappa, program.c, program.f_w) == (5, 6, 4, 1, 15)
    assert (program.features, program.input_bits, program.input_signed, program.classes) == (4, 4, True, 3)
    hidden, output = program.layers
    assert (hidden.name, hidden.d_in, hidden.d_out, hidden.bias, hidden.relu) == ("hidden", 4, 5, True, True)
    assert (hidden.init_range, output.init_range) == (2**15 // 2, round(0.5 * 2**15 / 5**0.5))
    assert output.grad_bits == 0 and output.y_bits >= 5 + 2


def test_compilation_is_deterministic() -> None:
    assert (
        compile_program(MODEL, samples(), CONFIG).digest()
        == compile_program(MODEL, samples(), CONFIG).digest()
    )


def test_calibrated_widths_are_the_smallest() -> None:
    """With no clamping allowed, the calibration run does not clamp, and would with one bit less."""
    config = replace(CONFIG, clamp_share=0.0, calibration_runs=1)
    data, program = samples(), compile_program(MODEL, samples(), config)
    peaks: dict[str, list[int]] = {}
    calibration = calibrate(program, data, config)
    assert apply_widths(program, calibration.bits) == program
    assert set(calibration.clamped.values()) == {0.0}
    for name, low, high in observed(program, data, config):
        peaks.setdefault(name, [0, 0])
        peaks[name] = [min(peaks[name][0], low), max(peaks[name][1], high)]
    for name, bits in calibration.bits.items():
        low, high = peaks[name]
        needed = max(high.bit_length(), (-1 - low).bit_length() if low < 0 else 0) + 1
        assert bits == max(needed, program.f_x + 2 if name == "output.Y" else 2)


def observed(program: Any, data: Samples, config: Config) -> list[tuple[str, int, int]]:
    """Smallest and largest value per tensor and step of calibration's first run."""
    nonce = hashlib.sha256(b"escapement/calibration" + bytes(8)).digest()
    weights, seen = list(genesis_weights(program, nonce)), []
    stream = hashlib.shake_256(nonce).digest(8 * program.steps * program.batch)
    draws = [
        int.from_bytes(stream[i : i + 8], "little") * len(data.x) >> 64 for i in range(0, len(stream), 8)
    ]
    for start in range(0, len(draws), program.batch):
        recorder, rows = Recorder(keep=True), draws[start : start + program.batch]
        weights, _ = differentiate(program, weights, data.x[rows], data.labels[rows], recorder)
        seen += [(name, int(t.min()), int(t.max())) for name, t in recorder.tensors.items()]
    return seen


def test_margin_and_share_move_the_widths() -> None:
    tight = compile_program(MODEL, samples(), replace(CONFIG, clamp_share=0.2))
    normal = compile_program(MODEL, samples(), CONFIG)
    wide = compile_program(MODEL, samples(), replace(CONFIG, margin_bits=3))
    assert tight.layers[0].y_bits < normal.layers[0].y_bits == wide.layers[0].y_bits - 3
    assert normal.layers[0].grad_bits == wide.layers[0].grad_bits - 3


@given(st.integers(1, 1 << 20), st.integers(0, 40), st.integers(1, 64))
def test_learning_rate_round_trip(c: int, kappa: int, batch: int) -> None:
    got_c, got_kappa = learning_rate_parts(Fraction(c * batch, 1 << kappa), batch)
    assert Fraction(got_c, 1 << got_kappa) == Fraction(c, 1 << kappa)
    assert got_kappa == 0 or got_c % 2 == 1


@pytest.mark.parametrize(
    ("rate", "batch", "c", "kappa"), [(0.25, 8, 1, 5), (0.375, 8, 3, 6), (8, 8, 1, 0), (24, 8, 3, 0)]
)
def test_learning_rates(rate: float, batch: int, c: int, kappa: int) -> None:
    assert learning_rate_parts(rate, batch) == (c, kappa)


@pytest.mark.parametrize("rate", [0.1, 2.0**-60, 2.0**24 + 0.5, 0.0, -1.0, float("nan"), float("inf")])
def test_unrepresentable_rates(rate: float) -> None:
    with pytest.raises(LearningRateError) as caught:
        learning_rate_parts(rate, 8)
    assert (caught.value.code, caught.value.exit_code) == ("learning-rate", 2)


def test_nearest_rates_are_named_and_work() -> None:
    with pytest.raises(
        LearningRateError, match=r"nearest: 0.125 \(c=1, kappa=6\), 0.1015625 \(c=13, kappa=10\)"
    ):
        learning_rate_parts(0.1, 8)
    assert learning_rate_parts(0.1015625, 8) == (13, 10)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"batch": 0}, ConfigError, "config"),
        ({"init": (1.0, 1.0, 1.0)}, ConfigError, "config"),
        ({"init": (-1.0,)}, ConfigError, "config"),
        ({"init": (float("nan"),)}, ConfigError, "config"),
        ({"clamp_share": 1.0}, ConfigError, "config"),
        ({"margin_bits": -1}, ConfigError, "config"),
        ({"calibration_runs": 0}, ConfigError, "config"),
        ({"calibration_steps": 0}, ConfigError, "config"),
        ({"batch": 4097, "learning_rate": 4097}, ProgramRangeError, "program-range"),
        ({"k": 0}, ProgramRangeError, "program-range"),
        ({"f_x": 7}, ProgramRangeError, "program-range"),
        ({"f_g": 31}, ProgramRangeError, "program-range"),
        ({"f_x": 30, "f_g": 30, "learning_rate": 2.0**-30}, ProgramRangeError, "program-range"),
        ({"init": (0.00001,)}, ScaleError, "scale"),
        ({"learning_rate": 4096.0}, ScaleError, "scale"),
        (
            {"max_segments": 1 << 32, "m": 1 << 20, "calibration_steps": 20},
            ProgramOverflowError,
            "program-overflow",
        ),
    ],
)
def test_bad_configurations(change: dict[str, Any], error: type[ZkmlError], code: str) -> None:
    with pytest.raises(error) as caught:
        compile_program(MODEL, samples(), replace(CONFIG, **change))
    assert caught.value.code == code


def test_scale_errors_name_tensor_and_bits() -> None:
    with pytest.raises(ScaleError, match=r"layer 'hidden' vanish at f_w=15 bits; \d+ are needed"):
        compile_program(MODEL, samples(), replace(CONFIG, init=(0.00001, 1.0)))
    with pytest.raises(ScaleError, match=r"tensor '.*' needs \d+ bits"):
        compile_program(MODEL, samples(), replace(CONFIG, learning_rate=4096.0))


def test_model_and_data_must_fit() -> None:
    with pytest.raises(ModelShapeError, match="4 features, the data has 3"):
        compile_program(MODEL, replace(samples(), x=samples().x[:, :3]), CONFIG)
    with pytest.raises(ModelShapeError, match="3 outputs, the data 2 classes"):
        compile_program(MODEL, samples(classes=2), CONFIG)


def test_the_arithmetisation_changes_nothing_else() -> None:
    program = compile_program(MODEL, samples(), replace(CONFIG, arithmetisation=SEGMENT))
    assert program == replace(compile_program(MODEL, samples(), CONFIG), arithmetisation=SEGMENT)
    with pytest.raises(ProgramRangeError, match="arithmetisation"):
        compile_program(MODEL, samples(), replace(CONFIG, arithmetisation="nova"))
