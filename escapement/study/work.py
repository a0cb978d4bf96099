"""The training step of a cell, and its rows: functions of widths, batch, number of rows and seed alone.

Rows are integers of 3 bits: one prototype per class, uniform in [-2, 2], plus noise uniform in [-2, 1],
clamped to [-4, 3]; all drawn from SHAKE-256 keyed by the seed. Formats are those of examples/digits.toml:
f_x = f_g = 3. Learning rate over batch: 2^-kappa, where 2^kappa = B·max(1, w/32), w the widest input of a
layer, both rounded up to powers of two: 1/2 at 64 inputs, as in that example, and stable above. Widths of
values come from a short calibration, the same for every prover of a cell, so that all prove the same step.
"""

import hashlib
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from escapement.study.cells import Cell
from zkml.analysis import analyse
from zkml.compiler import Config, compile_program
from zkml.data import Samples
from zkml.onnx_import import Dense, Model
from zkml.program import R1CS_NOVA, SEGMENT, Program
from zkml.provers.interface import Work


def program(cell: Cell, seed: int) -> Program:
    """The cell's program. Raises ProgramOverflowError where its arithmetisation cannot take the size."""
    made = unchecked_program(cell, seed)
    analyse(made)
    return made


def unchecked_program(cell: Cell, seed: int) -> Program:
    """`program` without its static analysis: for what an arithmetisation refuses for its size alone."""
    step = _step(cell.widths, cell.batch, cell.rows, seed)
    return replace(
        step,
        k=cell.k,
        m=cell.m,
        max_segments=-(-RUN_STEPS // (cell.k * cell.m)),
        arithmetisation=R1CS_NOVA if cell.prover == R1CS_NOVA else SEGMENT,
    )


def work(made: Program, seed: int) -> Work:
    """A program made by `program`, with its rows."""
    samples = _rows(made.features, made.classes, made.rows, seed)
    return Work(made, samples.x, samples.labels)


def segment_seed(seed: int, index: int) -> bytes:
    """The 32 bytes that select the batches of a segment, in place of a delay's output."""
    return _digest(b"segment", seed, index)


def nonce(seed: int) -> bytes:
    """The 32 bytes that the initial weights are drawn from."""
    return _digest(b"nonce", seed)


@lru_cache(maxsize=64)
def _step(widths: tuple[int, ...], batch: int, rows: int, seed: int) -> Program:
    """One calibrated step, k = m = 1, for runs of RUN_STEPS steps; a second at a million parameters."""
    samples = _rows(widths[0], widths[-1], rows, seed)
    last = len(widths) - 2
    layers = tuple(
        Dense(f"layer{i + 1}", d_in, d_out, True, i < last)
        for i, (d_in, d_out) in enumerate(pairwise(widths))
    )
    kappa = _log2_up(batch) + max(0, _log2_up(max(widths[:-1])) - LARGEST_AT_ONE)
    config = Config(
        batch=batch,
        k=1,
        m=1,
        max_segments=RUN_STEPS,
        learning_rate=batch * 2.0**-kappa,
        f_x=FRACTION_BITS,
        f_g=FRACTION_BITS,
        init=(*[1.5] * last, 0.5),
        margin_bits=1,
        calibration_steps=CALIBRATION_STEPS,
        calibration_runs=1,
        arithmetisation=SEGMENT,
    )
    return compile_program(Model(widths[0], layers), samples, config)


@lru_cache(maxsize=4)
def _rows(features: int, classes: int, rows: int, seed: int) -> Samples:
    stream = hashlib.shake_256(_digest(b"rows", seed, features, classes, rows))
    drawn = np.frombuffer(stream.digest(classes * features + rows * (features + 1)), dtype=np.uint8)
    prototypes, rest = np.split(drawn.astype(np.int32), [classes * features])
    labels, noise = np.split(rest, [rows])
    labels = labels % classes  # 256 values: not quite uniform, which nothing here depends on
    x = (prototypes % 5 - 2).reshape(classes, features)[labels] + (noise % 4 - 2).reshape(rows, features)
    half = 1 << (INPUT_BITS - 1)
    return Samples(np.clip(x, -half, half - 1).astype(np.int32), labels, classes, INPUT_BITS, True, 0.0)


def _digest(what: bytes, *numbers: int) -> bytes:
    words = b"".join(number.to_bytes(8, "big") for number in numbers)
    return hashlib.sha256(_TAG + what.ljust(8, b"\0") + words).digest()


def _log2_up(value: int) -> int:
    return (value - 1).bit_length()


RUN_STEPS = 384  # knob: steps that values' widths are sized for, those of examples/digits.toml
FRACTION_BITS = 3
INPUT_BITS = 3
LARGEST_AT_ONE = 5  # log2 of the inputs per layer up to which the learning rate is 1
CALIBRATION_STEPS = 16
_TAG = b"escapement/study/1".ljust(24, b"\0")
