"""The exported step against eager SGD, and that steps which differ from it are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from zkml.errors import ExportError, ProverUnsupported
from zkml.program import Layer, Program
from zkml.provers.ezkl import child
from zkml.provers.ezkl.export import compare, export_step, training_step
from zkml.provers.ezkl.layout import layout

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
Tiny = Callable[..., Program]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"batch": 1},
        {"input_signed": False, "batch": 3},
        {"layers": (Layer("only", 3, 2, False, False, 8, 0, 50),)},
        {
            "layers": (
                Layer("a", 3, 4, False, True, 8, 8, 50),
                Layer("b/1", 4, 3, True, True, 8, 8, 50),
                Layer("c.x", 3, 2, True, False, 8, 0, 50),
            )
        },
    ],
    ids=["tiny", "batch of one", "unsigned", "one layer, no bias", "three layers"],
)
def test_the_export_is_the_step(tiny: Tiny, tmp_path: Path, fields: dict[str, Any]) -> None:
    shape = layout(tiny(**fields))
    export_step(shape, tmp_path / "step.onnx")
    model = onnx.load(tmp_path / "step.onnx")
    names = [t.name for t in (*shape.weights, *shape.samples)]
    assert [value.name for value in model.graph.input] == names
    assert [value.name for value in model.graph.output] == [f"{t.name}.after" for t in shape.weights]
    assert len(shape.samples) == shape.program.batch


def test_the_file_names_no_machine(tiny: Tiny, tmp_path: Path) -> None:
    export_step(layout(tiny()), tmp_path / "step.onnx")
    data = (tmp_path / "step.onnx").read_bytes()
    for trace in (b".py", b"torch", b"File ", b"/home", b"stack_trace"):
        assert trace not in data
    assert onnx.load(tmp_path / "step.onnx").producer_name == ""


def test_a_gradient_times_the_batch_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    """What exporting integer-label cross-entropy does without a word: B times the gradient."""
    shape = layout(tiny())
    honest = training_step(shape)

    def step(*inputs: Any) -> tuple[Any, ...]:
        return tuple(w - shape.program.batch * (w - v) for w, v in zip(inputs, honest(*inputs), strict=False))

    with pytest.raises(ExportError, match=r"tensor hidden\.weight: the exported step's gradient differs"):
        export_step(shape, tmp_path / "step.onnx", step)
    assert not (tmp_path / "step.onnx").exists()


def test_a_dropped_bias_update_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    shape = layout(tiny())
    honest = training_step(shape)

    def step(*inputs: Any) -> tuple[Any, ...]:
        after = list(honest(*inputs))
        after[3] = inputs[3] + 0.0
        return tuple(after)

    with pytest.raises(ExportError, match=r"tensor output\.bias: the exported step's gradient differs"):
        export_step(shape, tmp_path / "step.onnx", step)


def test_an_altered_constant_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    """Every number stored in the graph matters: each, doubled, is noticed or refused by the evaluator."""
    shape = layout(tiny(batch=3, kappa=3))
    export_step(shape, tmp_path / "step.onnx")
    model = onnx.load(tmp_path / "step.onnx")
    floats = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    rate = [t for t in floats if np.allclose(onnx.numpy_helper.to_array(t), 0.125)]
    assert rate
    for tensor in rate:
        doubled = onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(tensor), tensor.name)
        tensor.CopyFrom(doubled)
    with pytest.raises(ExportError, match=r"tensor hidden\.weight: .* differs from torch's by up to"):
        compare(shape, model)


def test_a_missing_output_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    shape = layout(tiny())
    honest = training_step(shape)
    with pytest.raises(ExportError, match="the exported step has 3 outputs, not 4"):
        export_step(shape, tmp_path / "step.onnx", lambda *inputs: honest(*inputs)[:3])


def test_ezkl_losing_a_scale_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    """A cast of a comparison is 1.0 in ONNX and 2^−s in ezkl 23.0.5: its own witness shows it."""
    pytest.importorskip("ezkl")
    shape = layout(tiny())

    def step(*inputs: Any) -> tuple[Any, ...]:
        one = (inputs[1][0] == inputs[1][0]).to(torch.float32)
        return tuple(w * one for w in training_step(shape)(*inputs))

    export_step(shape, tmp_path / "step.onnx", step)
    program = shape.program.encode().hex()
    child.run("compile", tmp_path, program=program, folder=str(tmp_path))
    with pytest.raises(ExportError, match=r"tensor hidden\.weight: ezkl's fixed-point step differs"):
        child.run("check", tmp_path, program=program, folder=str(tmp_path))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"f_x": 17, "f_g": 17}, "f_x is 17"),
        ({"kappa": 17, "c": 1 << 10}, r"not a multiple of 2\^−16"),
        ({"kappa": 13}, r"1·2\^−13 is below 2\^−12"),
        ({"m": 1 << 20, "k": 2}, "too many steps per segment"),
    ],
)
def test_what_fixed_point_cannot_hold_is_refused(tiny: Tiny, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProverUnsupported, match=message):
        layout(tiny(**fields))
