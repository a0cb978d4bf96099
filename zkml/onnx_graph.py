"""Pieces of an ONNX graph: constants (shapes of weights, values of small integer tensors), their folding,
and how a node is named in an error.

Only what the importer needs is kept of a constant. Folded when all inputs are constant: Constant,
Identity, Cast, Transpose, Reshape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onnx import NodeProto, TensorProto, helper, numpy_helper

from zkml.errors import ModelShapeError, UnsupportedModelError


@dataclass(frozen=True)
class Constant:
    """Shape of a constant; its entries, flat, if it is an integer tensor of at most 64 entries."""

    shape: tuple[int, ...]
    values: tuple[int, ...] | None = None


def constant_of(tensor: TensorProto) -> Constant:
    """The constant of an initialiser. Values of weights, and data outside the file, are not read."""
    shape = tuple(tensor.dims)
    small = tensor.data_type in (TensorProto.INT64, TensorProto.INT32) and 0 <= math.prod(shape) <= 64
    if small and tensor.data_location != TensorProto.EXTERNAL:
        return Constant(shape, tuple(int(v) for v in numpy_helper.to_array(tensor).flat))
    return Constant(shape)


def fold(node: NodeProto, constants: dict[str, Constant]) -> bool:
    """If all inputs of `node` are constants, add its output to them and return True.

    Raises UnsupportedModelError for a constant expression that is not in the list above.
    """
    sources = [constants.get(name) for name in node.input if name]
    known = [source for source in sources if source is not None]
    if len(known) < len(sources):
        return False
    if node.op_type == "Constant":
        result = _constant_node(node)
    elif node.op_type in ("Identity", "Cast") and known:
        result = known[0]
    elif node.op_type == "Transpose" and known:
        rank = len(known[0].shape)
        order = attributes(node).get("perm", list(reversed(range(rank))))
        result = Constant(tuple(known[0].shape[axis] for axis in order))
    elif node.op_type == "Reshape" and len(known) == 2 and known[1].values is not None:
        result = Constant(_reshaped(node, known[0].shape, known[1].values))
    else:
        remedy = "export with constant folding (torch.onnx.export(..., optimize=True))"
        raise unsupported(node, "this op on constants", remedy)
    constants[node.output[0]] = result
    return True


def attributes(node: NodeProto) -> dict[str, Any]:
    """The node's attributes as Python values."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def label(node: NodeProto) -> str:
    """The node as errors name it: name, op, outputs."""
    return f"node {node.name or '(unnamed)'!r} ({node.op_type} -> {', '.join(node.output)})"


def unsupported(node: NodeProto, what: str, remedy: str) -> UnsupportedModelError:
    """The error for something in `node` that has no translation."""
    return UnsupportedModelError(f"{label(node)}: {what} is not supported; {remedy}")


def _constant_node(node: NodeProto) -> Constant:
    value = attributes(node)
    if "value" in value:
        return constant_of(value["value"])
    if "value_int" in value:
        return Constant((), (int(value["value_int"]),))
    if "value_ints" in value:
        return Constant((len(value["value_ints"]),), tuple(int(v) for v in value["value_ints"]))
    if "value_floats" in value:
        return Constant((len(value["value_floats"]),))
    if "value_float" in value:
        return Constant(())
    raise unsupported(node, f"a constant given as {sorted(value)}", "store it as a dense tensor")


def _reshaped(node: NodeProto, shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    size, fixed = math.prod(shape), math.prod(v for v in target if v > 0)
    result = tuple(size // fixed if v == -1 else v for v in target)
    if min(target, default=1) < -1 or 0 in target or math.prod(result) != size:
        raise ModelShapeError(f"{label(node)}: constant of shape {list(shape)} cannot become {list(target)}")
    return result
