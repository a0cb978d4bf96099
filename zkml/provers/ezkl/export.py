"""The whole training step from torch to ONNX, and its comparison with eager SGD before anyone uses it.

    (W₁, b₁, …, sample₀, …, sample_{B−1})  ↦  (W₁', b₁', …),    W' = W − (lr/B)·∂W Σ_samples ½·Σⱼ(Yⱼ − Tⱼ)²

The gradient is torch's own (torch.func.grad), traced into a graph of core ops; T is made one-hot from the
class index, and pixels are clamped to the program's input range, inside the graph. Needs torch and
onnxscript; meant to run in a child process, as exporters can crash and keep gigabytes. Versions of torch
differ in the bytes they export, and some in what these compute: hence the comparisons in numbers.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from zkml.errors import ExportError
from zkml.provers.ezkl.layout import SCALE, Layout

Step = Callable[..., tuple[Any, ...]]


def export_step(layout: Layout, path: Path, step: Step | None = None) -> None:
    """Write the ONNX file of the layout's step, compared with eager SGD. Raises ExportError.

    step: what to export instead of the true step, on torch tensors.
    """
    model = _export(layout, step or training_step(layout))
    _strip(model)
    _name(model, layout)
    onnx.checker.check_model(model, full_check=True)
    compare(layout, model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def training_step(layout: Layout) -> Step:
    """The step as a function of the layout's inputs, on float tensors of torch, returning its outputs."""
    torch = importlib.import_module("torch")
    program = layout.program
    low, high = (bound / (1 << program.f_x) for bound in program.input_range)
    rate = program.c / (1 << program.kappa)

    def step(*inputs: Any) -> tuple[Any, ...]:
        weights, rows = inputs[: len(layout.weights)], inputs[len(layout.weights) :]
        batch = torch.stack(rows)
        x = torch.clamp(batch[:, :-1], low, high)
        is_class = batch[:, -1:] == torch.arange(program.classes, dtype=batch.dtype)
        # Not a cast of is_class: ezkl loses its scale, so that targets become 2^−s.
        targets = torch.where(is_class, torch.ones(program.classes), torch.zeros(program.classes))

        def loss(parameters: tuple[Any, ...]) -> Any:
            return 0.5 * ((_forward(layout, parameters, x) - targets) ** 2).sum()

        gradients = torch.func.grad(loss)(weights)
        return tuple(w - rate * g for w, g in zip(weights, gradients, strict=True))

    return step


def compare(layout: Layout, model: Any, draws: int = 3) -> None:
    """Require that the model's updates are eager SGD's on random weights and batches. Raises ExportError.

    Compared are (W − W')/(lr/B) with the gradients of torch's autograd in float64. A float32 weight of size
    w can tell updates apart down to 2^−24·w, which bounds what is accepted.
    """
    rng = np.random.default_rng(0)
    rate = layout.program.c / (1 << layout.program.kappa)
    evaluator = ReferenceEvaluator(model)
    names = [t.name for t in (*layout.weights, *layout.samples)]
    for _ in range(draws):
        inputs = _random_inputs(layout, rng)
        after = evaluator.run(None, {n: v.astype(np.float32) for n, v in zip(names, inputs, strict=True)})
        gradients = _eager_gradients(layout, inputs)
        for tensor, old, new, wanted in zip(layout.weights, inputs, after, gradients, strict=False):
            got = (old - new.astype(np.float64)) / rate
            accepted = 1e-4 * (1 + np.max(np.abs(wanted))) + 2.0**-22 * np.max(np.abs(old)) / rate
            difference = float(np.max(np.abs(got - wanted), initial=0.0))
            if got.shape != wanted.shape or not difference <= accepted:
                raise ExportError(
                    f"tensor {tensor.name}: the exported step's gradient differs from torch's by up to "
                    f"{difference:.3g}, more than the {accepted:.3g} that float32 explains; "
                    "install the versions of torch and onnxscript that this extra pins"
                )


def compare_fixed_point(layout: Layout, run: Callable[[list[Any]], list[Any]], draws: int = 2) -> None:
    """Require that `run`, ezkl's own arithmetic, makes eager SGD's step up to rounding. Raises ExportError.

    run: from the layout's inputs to its outputs, integers at scale s. ezkl can lose a tensor's scale without
    a word; no comparison of ONNX with torch shows that.
    """
    rng = np.random.default_rng(1)
    one, rate = float(1 << SCALE), layout.program.c / (1 << layout.program.kappa)
    for _ in range(draws):
        inputs = [np.round(v * one) / one for v in _random_inputs(layout, rng)]
        after = run([np.round(v * one).astype(np.int64) for v in inputs])
        gradients = _eager_gradients(layout, inputs)
        for tensor, old, new, gradient in zip(layout.weights, inputs, after, gradients, strict=False):
            wanted = old - rate * gradient
            accepted = 2e-3 * rate * (1 + np.max(np.abs(gradient))) + 2 / one
            got = np.asarray(new, dtype=np.float64).reshape(tensor.shape) / one
            difference = float(np.max(np.abs(got - wanted), initial=0.0))
            if not difference <= accepted:
                raise ExportError(
                    f"tensor {tensor.name}: ezkl's fixed-point step differs from torch's by up to "
                    f"{difference:.3g}, more than the {accepted:.3g} that its rounding explains"
                )


def _export(layout: Layout, step: Step) -> Any:
    torch = importlib.import_module("torch")
    trace = importlib.import_module("torch.fx.experimental.proxy_tensor").make_fx
    table = importlib.import_module("torch._decomp").core_aten_decompositions()
    shapes = [t.shape for t in (*layout.weights, *layout.samples)]
    args = tuple(torch.full(shape, 0.5) for shape in shapes)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        graph = trace(step, tracing_mode="fake", decomposition_table=table)(*args)
        buffer = io.BytesIO()
        exported = torch.onnx.export(
            graph, args, dynamo=True, opset_version=18, external_data=False, optimize=True, verbose=False
        )
        exported.save(buffer)
    return onnx.load_from_string(buffer.getvalue())


def _forward(layout: Layout, parameters: tuple[Any, ...], x: Any) -> Any:
    tensors = iter(parameters)
    for layer in layout.program.layers:
        x = x @ next(tensors)
        if layer.bias:
            x = x + next(tensors)
        if layer.relu:
            x = x.relu()
    return x


def _strip(model: Any) -> None:
    """Remove what names files, versions and stack traces of the machine that exported."""
    model.producer_name = model.producer_version = model.doc_string = model.domain = ""
    model.graph.name, model.graph.doc_string = "step", ""
    del model.metadata_props[:]
    del model.graph.value_info[:]
    for part in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]


def _name(model: Any, layout: Layout) -> None:
    """Give inputs and outputs the layout's names; raises ExportError if they have other shapes."""
    inputs, outputs = [*layout.weights, *layout.samples], [*layout.weights]
    for kind, values, tensors in (
        ("input", model.graph.input, inputs),
        ("output", model.graph.output, outputs),
    ):
        if len(values) != len(tensors):
            raise ExportError(f"the exported step has {len(values)} {kind}s, not {len(tensors)}")
        for value, tensor in zip(values, tensors, strict=True):
            shape = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
            if shape != tensor.shape:
                raise ExportError(f"{kind} {tensor.name}: exported with shape {shape}, not {tensor.shape}")
            new = tensor.name if kind == "input" else f"{tensor.name}.after"
            _rename(model, value.name, new)


def _rename(model: Any, old: str, new: str) -> None:
    for values in (model.graph.input, model.graph.output):
        for value in values:
            value.name = new if value.name == old else value.name
    for node in model.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = new if name == old else name


def _random_inputs(layout: Layout, rng: np.random.Generator) -> list[Any]:
    """Float64 weights that keep activations near 1, and samples of the input range with every class."""
    program = layout.program
    low, high = program.input_range
    weights = [rng.uniform(-1, 1, t.shape) / np.sqrt(t.shape[0]) for t in layout.weights]
    rows = []
    for i in range(program.batch):
        pixels = rng.integers(low, high + 1, program.features) / (1 << program.f_x)
        rows.append(np.append(pixels, (i + int(rng.integers(program.classes))) % program.classes))
    return [w.astype(np.float32).astype(np.float64) for w in weights] + rows


def _eager_gradients(layout: Layout, inputs: list[Any]) -> list[Any]:
    """Gradients of the summed loss by torch's eager autograd in float64, sample by sample."""
    torch = importlib.import_module("torch")
    count = len(layout.weights)
    weights = [torch.tensor(w, requires_grad=True) for w in inputs[:count]]
    for row in inputs[count:]:
        target = torch.zeros(layout.program.classes, dtype=torch.float64)
        target[int(row[-1])] = 1.0
        output = _forward(layout, tuple(weights), torch.tensor(row[:-1]))
        (0.5 * torch.nn.functional.mse_loss(output, target, reduction="sum")).backward()
    return [w.grad.numpy() for w in weights]
