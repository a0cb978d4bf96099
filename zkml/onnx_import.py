"""ONNX forward graph -> list of dense layers.

A supported graph is a chain: Gemm, MatMul, Add (a bias), Relu, Flatten, Reshape (that flattens), Identity;
everything that depends on constants only is folded. **Weight values in the file are ignored, only their
shapes count**: genesis draws the initial weights (docs/protocol.md §4), and external weight files are
not even opened. The ONNX bytes are never an identity; the program's digest is.

Anything else is an error that names node, op and the nearest supported rewrite.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
from onnx import NodeProto, TensorProto, helper

from zkml.errors import ModelFileError, ModelShapeError, UnsupportedModelError
from zkml.onnx_graph import Constant, attributes, constant_of, fold, label, unsupported


@dataclass(frozen=True)
class Dense:
    """One dense layer of the forward graph: name, d_in, d_out, bias, relu."""

    name: str
    d_in: int
    d_out: int
    bias: bool
    relu: bool


@dataclass(frozen=True)
class Model:
    """The forward graph: features of one sample (axes flattened) and its layers in order."""

    features: int
    layers: tuple[Dense, ...]

    @property
    def classes(self) -> int:
        """Outputs of the last layer."""
        return self.layers[-1].d_out


def load_model(path: Path) -> Model:
    """Read and translate an ONNX file.

    Raises ModelFileError (unreadable or invalid), UnsupportedModelError (node, op, remedy), ModelShapeError.
    """
    try:
        proto = onnx.load(str(path), load_external_data=False)
        if not proto.graph.node:
            raise ModelFileError(f"{path}: no ONNX graph with nodes in it")
        _check(proto)
    except (OSError, DecodeError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelFileError(f"{path}: cannot be read as ONNX: {error}") from error
    return translate(proto)


def translate(proto: onnx.ModelProto) -> Model:
    """The model of an ONNX graph. Raises as `load_model` does."""
    graph = proto.graph
    constants = {tensor.name: constant_of(tensor) for tensor in graph.initializer}
    name, batch, axes = _input(graph, constants)
    chain = _Chain(constants, name, batch, axes)
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise unsupported(node, f"ops of domain {node.domain!r}", "export with standard ONNX ops only")
        if not fold(node, constants):
            chain.take(node)
    return chain.finish([value.name for value in graph.output])


class _Chain:
    """Walks the graph: `current` names the activation so far, `batch` (0: any) and `axes` its shape."""

    def __init__(
        self, constants: dict[str, Constant], current: str, batch: int, axes: tuple[int, ...]
    ) -> None:
        self.constants = constants
        self.current = current
        self.batch = batch
        self.axes = axes
        self.features = math.prod(axes)
        self.layers: list[Dense] = []
        self.taken_by: dict[str, str] = {}

    def take(self, node: NodeProto) -> None:
        handler = _HANDLERS.get(node.op_type)
        if handler is None:
            remedy = _REMEDIES.get(node.op_type, "rewrite it with Gemm, MatMul, Add, Relu, Flatten")
            raise unsupported(node, "this op", remedy)
        moving = [name for name in node.input if name and name not in self.constants]
        if moving != [self.current]:
            for name in moving:
                if name in self.taken_by:
                    raise unsupported(
                        node,
                        f"a branch ({name!r} also feeds {self.taken_by[name]})",
                        "the graph must be one chain; remove residual and parallel paths",
                    )
            raise unsupported(
                node, f"inputs {moving} besides constants", "the graph must be one chain with constants"
            )
        handler(self, node)
        self.taken_by[self.current] = label(node)
        self.current = node.output[0]

    def finish(self, outputs: list[str]) -> Model:
        if outputs != [self.current]:
            raise UnsupportedModelError(
                f"graph outputs {outputs}: expected exactly {self.current!r}, the end of the chain; "
                "export a module that returns the outputs of its last layer only"
            )
        if not self.layers:
            raise UnsupportedModelError(
                "the graph has no dense layer; add a Gemm or MatMul with constant weights"
            )
        return Model(self.features, tuple(self.layers))

    # Ops. Each checks its node and updates layers and axes.

    def gemm(self, node: NodeProto) -> None:
        given = attributes(node)
        for name, value, remedy in _GEMM:
            if given.get(name, value) != value:
                raise unsupported(node, f"{name}={given[name]}", remedy)
        rows, columns = self._weight(node)
        if given.get("transB", 0):
            rows, columns = columns, rows
        self._dense(node, rows, columns)
        if len(node.input) > 2 and node.input[2]:
            self._bias(node, node.input[2])

    def matmul(self, node: NodeProto) -> None:
        self._dense(node, *self._weight(node))

    def add(self, node: NodeProto) -> None:
        bias = [name for name in node.input if name in self.constants]
        if len(bias) != 1:
            raise unsupported(node, "an Add without one constant", "use Add with one constant, as a bias")
        self._bias(node, bias[0])

    def relu(self, node: NodeProto) -> None:
        if not self.layers:
            raise unsupported(node, "a Relu of the inputs", "put a dense layer before it")
        self.layers[-1] = replace(self.layers[-1], relu=True)

    def identity(self, node: NodeProto) -> None:
        pass

    def flatten(self, node: NodeProto) -> None:
        axis = int(attributes(node).get("axis", 1))
        if axis not in (1, -len(self.axes)):
            raise unsupported(node, f"axis={axis}", "use axis=1, which keeps the batch")
        self.axes = (math.prod(self.axes),)

    def reshape(self, node: NodeProto) -> None:
        target = self.constants.get(node.input[1]) if len(node.input) == 2 else None
        if target is None or target.values is None:
            raise unsupported(
                node, "a shape computed at run time", "use Flatten (torch.nn.Flatten, x.flatten(1))"
            )
        shape, features = target.values, math.prod(self.axes)
        # Samples must stay apart: the rest may be -1 only if the first entry is the batch itself.
        kept = [0, self.batch] if self.batch else [0]
        flat = len(shape) == 2 and (shape[1] == features or (shape[1] == -1 and shape[0] in kept))
        if not flat or attributes(node).get("allowzero", 0):
            raise unsupported(node, f"Reshape to {list(shape)}", f"use Flatten, for [batch, {features}]")
        self.axes = (features,)

    def _weight(self, node: NodeProto) -> tuple[int, int]:
        if node.input[0] != self.current or len(node.input) < 2:
            raise unsupported(node, "weights as the first operand", "write X·W with samples as rows of X")
        shape = self.constants[node.input[1]].shape
        if len(shape) != 2 or not all(shape):
            raise unsupported(node, f"weights of shape {list(shape)}", "use a matrix of shape [d_in, d_out]")
        return shape[0], shape[1]

    def _dense(self, node: NodeProto, d_in: int, d_out: int) -> None:
        if len(self.axes) != 1:
            raise unsupported(node, f"an input of axes {list(self.axes)}", "put a Flatten before it")
        if self.axes[0] != d_in:
            raise ModelShapeError(f"{label(node)}: weights take {d_in} features, got {self.axes[0]}")
        name = _layer_name(node.input[1], {layer.name for layer in self.layers}, len(self.layers) + 1)
        self.layers.append(Dense(name, d_in, d_out, bias=False, relu=False))
        self.axes = (d_out,)

    def _bias(self, node: NodeProto, name: str) -> None:
        if not self.layers or self.layers[-1].relu:
            raise unsupported(node, "an Add that follows no Gemm or MatMul", "fold it into the next bias")
        if self.layers[-1].bias:
            raise unsupported(node, "a second bias on one layer", "add the two biases into one")
        shape, d_out = self.constants[name].shape, self.layers[-1].d_out
        if shape not in ((d_out,), (1, d_out)):
            raise unsupported(node, f"a bias of shape {list(shape)}", f"expand it to [{d_out}]")
        self.layers[-1] = replace(self.layers[-1], bias=True)


def _check(proto: onnx.ModelProto) -> None:
    """onnx's own structural check. Tensors stored in other files become inputs, so that nothing is opened."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    del bare.graph.initializer[:]
    for tensor in proto.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            bare.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        else:
            bare.graph.initializer.append(tensor)
    onnx.checker.check_model(bare)


def _input(graph: onnx.GraphProto, constants: dict[str, Constant]) -> tuple[str, int, tuple[int, ...]]:
    """Name, batch (0 if symbolic) and further axes of the one input; these must be fixed."""
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = [value.name for value in inputs]
        raise UnsupportedModelError(
            f"graph inputs {names}: expected one, the samples; export a module with one argument"
        )
    name, kind = inputs[0].name, inputs[0].type.tensor_type
    if kind.elem_type not in _FLOATS:
        raise UnsupportedModelError(
            f"graph input {name!r}: expected a float tensor; export with float32 samples"
        )
    dims = kind.shape.dim
    if len(dims) < 2:
        raise ModelShapeError(f"graph input {name!r}: expected [batch, features...], got rank {len(dims)}")
    for axis, dim in enumerate(dims):
        if axis and dim.dim_value < 1:
            got = dim.dim_param or "unknown"
            raise ModelShapeError(
                f"graph input {name!r}: axis {axis} is {got}; only the batch may be dynamic"
            )
    return name, max(dims[0].dim_value, 0), tuple(dim.dim_value for dim in dims[1:])


def _layer_name(weight: str, taken: set[str], number: int) -> str:
    """A stable name: the weight's without its last part ("net.0.weight" -> "net.0"), else "dense<number>"."""
    name = weight.rsplit(".", 1)[0] if weight.endswith(".weight") else ""
    return name if _NAME.fullmatch(name) and name not in taken else f"dense{number}"


_NAME = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
_GEMM = (
    ("alpha", 1.0, "scale the weights and use alpha=1"),
    ("beta", 1.0, "scale the bias and use beta=1"),
    ("transA", 0, "use transA=0, with samples as rows"),
)
_HANDLERS: dict[str, Callable[[_Chain, NodeProto], None]] = {
    "Gemm": _Chain.gemm,
    "MatMul": _Chain.matmul,
    "Add": _Chain.add,
    "Relu": _Chain.relu,
    "Identity": _Chain.identity,
    "Flatten": _Chain.flatten,
    "Reshape": _Chain.reshape,
}
_REMEDIES = {
    "Softmax": "remove it: the loss is the squared error of the raw outputs, and arg max is the same",
    "LogSoftmax": "remove it: the loss is the squared error of the raw outputs, and arg max is the same",
    "Conv": "use dense layers on flattened inputs (Flatten, Gemm)",
    "MaxPool": "pool in the data, or use dense layers only",
    "AveragePool": "pool in the data, or use dense layers only",
    "BatchNormalization": "fold it into the layer before it (torch.nn.utils.fusion.fuse_linear_bn_eval)",
    "Dropout": "export in evaluation mode (model.eval())",
    "Sub": "use Add with the negated constant",
    "Mul": "scale the weights of the neighbouring layer",
    "Div": "scale the weights of the neighbouring layer, or the data",
    "Cast": "export the module in float32 throughout",
    "Transpose": "transpose the weights before export (Gemm with transB=1)",
    "Shape": "fix all axes but the batch and use Flatten (torch.nn.Flatten or x.flatten(1))",
    **dict.fromkeys(("Sigmoid", "Tanh", "Gelu", "Elu", "LeakyRelu", "PRelu", "Clip", "Swish"), "use Relu"),
}
