"""From a configuration to what init, plan and demo work on: the program and the quantised rows."""

from dataclasses import dataclass
from pathlib import Path

from escapement.config import BUILT_IN_DATA, Config
from zkml import data
from zkml.compiler import Config as TrainingConfig
from zkml.compiler import compile_program
from zkml.onnx_import import load_model
from zkml.program import Program


@dataclass(frozen=True)
class Workload:
    """A program with its rows. `train`, `test`: quantised with one quantiser, fitted to the training rows."""

    program: Program
    name: str
    train: data.Samples
    test: data.Samples


def prepare(config: Config) -> Workload:
    """Load model and data, split, quantise and compile; raises the errors of zkml."""
    model = load_model(config.model.onnx)
    source = config.data.source
    rows = data.load_digits() if source in BUILT_IN_DATA else data.load_npz(Path(source))
    train, test = data.split(rows, config.data.split_seed, config.data.test_fraction)
    quantiser = data.Quantiser.fit(train.x, config.data.input_bits, config.data.input_signed)
    samples = data.quantise(train, quantiser)
    program = compile_program(model, samples, _training(config))
    return Workload(program, rows.name, samples, data.quantise(test, quantiser))


def _training(config: Config) -> TrainingConfig:
    training = config.training
    return TrainingConfig(
        batch=training.batch,
        k=training.steps_per_fold,
        m=training.folds_per_segment,
        max_segments=training.max_segments,
        learning_rate=training.learning_rate,
        f_x=training.activation_bits,
        f_g=training.gradient_bits,
        init=tuple(training.init),
        clamp_share=training.clamp_share,
        margin_bits=training.margin_bits,
        calibration_steps=training.calibration_steps,
        calibration_runs=training.calibration_runs,
        arithmetisation=config.proof.arithmetisation,
    )
