"""Model, data and configuration -> program: learning rate, initial ranges, and widths by calibration.

    lr/B = c·2^−κ with the smallest κ        f_w = f_x + f_g + κ        init_range = round(init·2^f_w/√d_in)

Calibration runs the training without clamping from a few public geneses and picks for every tensor the
smallest width that clamps at most `clamp_share` of its values, plus `margin_bits`. The widths then are
part of the program; saturation makes a later, larger value a rounding error instead of a failure.
Cost: calibration_runs·calibration_steps steps of the reference executor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from zkml.analysis import analyse
from zkml.data import Samples
from zkml.errors import ConfigError, LearningRateError, ModelShapeError, ProgramRangeError, ScaleError
from zkml.exact import Int
from zkml.executor import Recorder, differentiate
from zkml.genesis import genesis_weights, uniform
from zkml.onnx_import import Dense, Model
from zkml.program import R1CS_NOVA, Layer, Program


@dataclass(frozen=True)
class Config:
    """How to train. Ranges of f_x … max_segments as in protocol §3; kinds: all are knobs.

    learning_rate: per mean gradient of the batch, > 0; init: genesis range of each layer's weights as a
    multiple of 1/√d_in (one number for all layers, or one per layer); clamp_share: largest share of a
    tensor's values that its width may clamp during calibration; margin_bits: added to every calibrated
    width; calibration_steps: at most the run's; calibration_runs: geneses tried; arithmetisation: "r1cs-nova"
    or "segment", how folds are proven.
    """

    batch: int
    k: int
    m: int
    max_segments: int
    learning_rate: float | Fraction
    f_x: int
    f_g: int
    init: tuple[float, ...] = (1.0,)
    clamp_share: float = 0.001
    margin_bits: int = 0
    calibration_steps: int = 512
    calibration_runs: int = 4
    arithmetisation: str = R1CS_NOVA


@dataclass(frozen=True)
class Calibration:
    """What calibration saw: per tensor the chosen width in bits, and the share of values beyond it."""

    bits: dict[str, int]
    clamped: dict[str, float]


def compile_program(model: Model, data: Samples, config: Config) -> Program:
    """The program that trains `model` on the rows of `data` (the training rows).

    Raises ModelShapeError (model and data do not fit), ConfigError, LearningRateError, ProgramRangeError,
    ScaleError (a tensor does not fit its scale) and ProgramOverflowError (static analysis).
    """
    draft = _draft(model, data, config)
    program = apply_widths(draft, calibrate(draft, data, config).bits)
    analyse(program)
    return program


def calibrate(draft: Program, data: Samples, config: Config) -> Calibration:
    """Widths for the tensors of `draft`, whose own y_bits and grad_bits are not used.

    Raises ScaleError if a tensor needs more than 48 bits.
    """
    if not 0 <= config.clamp_share < 1 or config.margin_bits < 0:
        raise ConfigError(f"expected 0 <= clamp_share < 1 and margin_bits >= 0, got {config}")
    if config.calibration_runs < 1 or config.calibration_steps < 1:
        raise ConfigError("calibration_runs and calibration_steps must be at least 1")
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for run in range(config.calibration_runs):
        for name, values in _unclamped(draft, data, run, min(config.calibration_steps, draft.steps)):
            seen = np.bincount(_widths(name, values), minlength=_HISTOGRAM)
            counts[name] = counts.get(name, 0) + seen
    bits, clamped = {}, {}
    for name, count in counts.items():
        shares = 1 - np.cumsum(count) / count.sum()  # share of values that need more than b bits, by b
        needed = int(np.argmax(shares <= config.clamp_share)) + config.margin_bits
        # A one-hot target is 2^f_x, so the output must be able to reach it.
        least = draft.f_x + 2 if name == f"{draft.layers[-1].name}.Y" else 2
        if needed > 48:
            raise ScaleError(
                f"tensor {name!r} needs {needed} bits, a width has at most 48; "
                "lower f_x, f_g, the learning rate (training may diverge) or the range of the data"
            )
        bits[name] = max(least, needed)
        clamped[name] = float(shares[bits[name]])
    return Calibration(bits, clamped)


def apply_widths(draft: Program, bits: dict[str, int]) -> Program:
    """`draft` with y_bits and grad_bits taken from a calibration."""
    above = [*(f"{layer.name}.dX" for layer in draft.layers[1:]), "none"]
    layers = [
        replace(layer, y_bits=bits[f"{layer.name}.Y"], grad_bits=bits.get(gradient, 0))
        for layer, gradient in zip(draft.layers, above, strict=True)
    ]
    return replace(draft, layers=tuple(layers))


def learning_rate_parts(learning_rate: float | Fraction, batch: int) -> tuple[int, int]:
    """(c, κ) with learning_rate/batch = c·2^−κ exactly and κ as small as possible.

    Raises LearningRateError, naming the nearest representable rates.
    """
    if not 0 < learning_rate < 1 << 32:  # also refuses NaN
        raise LearningRateError(f"learning_rate: expected a number in (0, 2^32), got {learning_rate}")
    rate = Fraction(learning_rate) / batch
    kappa = rate.denominator.bit_length() - 1
    if rate.denominator == 1 << kappa and kappa <= 40 and rate.numerator <= 1 << 20:
        return rate.numerator, kappa
    options = []
    for top in (1, 15, 255):
        near = min((_nearest(rate, kappa, top) for kappa in range(41)), key=lambda r: abs(r - rate))
        c, kappa = near.numerator, near.denominator.bit_length() - 1
        options.append(f"{float(near * batch):.10g} (c={c}, kappa={kappa})")
    raise LearningRateError(
        f"learning_rate {learning_rate} over batch {batch} is not c·2^-kappa with c <= 2^20 and kappa <= 40; "
        f"nearest: {', '.join(dict.fromkeys(options))}; a larger kappa costs bits in every weight"
    )


def _draft(model: Model, data: Samples, config: Config) -> Program:
    """The program with provisional widths; everything else is final."""
    if model.features != data.x.shape[1]:
        raise ModelShapeError(f"the model takes {model.features} features, the data has {data.x.shape[1]}")
    if model.classes != data.classes:
        raise ModelShapeError(f"the model has {model.classes} outputs, the data {data.classes} classes")
    if len(config.init) not in (1, len(model.layers)):
        raise ConfigError(f"init: expected 1 or {len(model.layers)} numbers, got {len(config.init)}")
    if config.batch < 1:
        raise ConfigError(f"batch: expected at least 1, got {config.batch}")
    c, kappa = learning_rate_parts(config.learning_rate, config.batch)
    f_w = config.f_x + config.f_g + kappa
    inits = config.init * len(model.layers) if len(config.init) == 1 else config.init
    layers = [
        Layer(
            dense.name,
            dense.d_in,
            dense.d_out,
            dense.bias,
            dense.relu,
            y_bits=48,
            grad_bits=0 if i == len(inits) - 1 else 48,
            init_range=_init_range(dense, inits[i], f_w),
        )
        for i, dense in enumerate(model.layers)
    ]
    return Program(
        config.batch,
        config.k,
        config.m,
        config.max_segments,
        len(data.x),
        config.f_x,
        config.f_g,
        kappa,
        c,
        model.features,
        data.bits,
        data.signed,
        model.classes,
        tuple(layers),
        config.arithmetisation,
    )


def _init_range(dense: Dense, init: float, f_w: int) -> int:
    if not 0 <= init < 1 << 20:
        raise ConfigError(f"init of layer {dense.name!r}: expected a number in [0, 2^20), got {init}")
    value: int = round(init * 2.0**f_w / dense.d_in**0.5)
    if init > 0 and value == 0:
        needed = f_w + 1
        while round(init * 2.0**needed / dense.d_in**0.5) == 0:
            needed += 1
        raise ScaleError(
            f"initial weights of layer {dense.name!r} vanish at f_w={f_w} bits; {needed} are needed: "
            "raise f_x or f_g, or the layer's init"
        )
    if value > 1 << 40:
        raise ProgramRangeError(
            f"init_range of layer {dense.name!r} is {value}, above 2^40; lower init, f_x or f_g"
        )
    return value


def _nearest(rate: Fraction, kappa: int, top: int) -> Fraction:
    return Fraction(min(max(round(rate * (1 << kappa)), 1), top), 1 << kappa)


def _unclamped(draft: Program, data: Samples, run: int, steps: int) -> Iterator[tuple[str, Int]]:
    """Every rescaled tensor of `steps` steps without clamping, from the run's own genesis and batches."""
    nonce = hashlib.sha256(b"escapement/calibration" + run.to_bytes(8, "big")).digest()
    weights: list[Int] = list(genesis_weights(draft, nonce))
    stream = hashlib.shake_256(nonce).digest(8 * steps * draft.batch)
    rows = np.array(uniform(stream, len(data.x))).reshape(steps, draft.batch)
    for batch in rows:
        recorder = Recorder(keep=True)
        weights, _ = differentiate(draft, weights, data.x[batch], data.labels[batch], recorder)
        yield from recorder.tensors.items()


def _widths(name: str, values: Int) -> npt.NDArray[np.int64]:
    """Bits of the two's complement of each value, flat. Raises ScaleError if one passes the histogram."""
    positive = np.where(values < 0, -1 - values, values).ravel()
    widths = np.array([int(v).bit_length() + 1 for v in positive], dtype=np.int64)
    if widths.max() >= _HISTOGRAM:
        raise ScaleError(
            f"tensor {name!r} needs {widths.max()} bits during calibration, a width has at most 48: "
            "training diverges; lower the learning rate, init or the range of the data"
        )
    return widths


_HISTOGRAM = 128  # widths 0..127 are counted
