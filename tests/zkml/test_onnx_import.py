"""Import: every supported form of a dense chain, and an error with node, op and remedy for the rest."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from zkml.errors import ModelFileError, ModelShapeError, UnsupportedModelError, ZkmlError
from zkml.onnx_import import Dense, load_model

node = helper.make_node


def weight(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, dtype=np.float32), name)


def ints(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)


def model(
    nodes: list[onnx.NodeProto],
    constants: list[TensorProto],
    shape: tuple[Any, ...] = ("batch", 4),
    output: str = "y",
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    outputs = [helper.make_tensor_value_info(output, kind, ("batch", "classes"))]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.fixture(name="load")
def load_fixture(tmp_path: Path) -> Any:
    def load(proto: onnx.ModelProto) -> Any:
        path = tmp_path / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        return load_model(path)

    return load


W, B, V = weight("a.weight", 4, 3), weight("a.bias", 3), weight("b.weight", 2, 3)
CHAIN = [
    node("Gemm", ["x", "a.weight", "a.bias"], ["h"], name="first"),
    node("Relu", ["h"], ["r"]),
    node("Gemm", ["r", "b.weight"], ["y"], transB=1),
]
EXPECTED = (Dense("a", 4, 3, True, True), Dense("b", 3, 2, False, False))


def test_gemm_chain(load: Any) -> None:
    got = load(model(CHAIN, [W, B, V]))
    assert (got.features, got.classes, got.layers) == (4, 2, EXPECTED)


def test_matmul_and_add_in_either_order(load: Any) -> None:
    nodes = [
        node("Identity", ["x"], ["x1"]),
        node("MatMul", ["x1", "a.weight"], ["m"]),
        node("Add", ["a.bias", "m"], ["h"]),
        node("Relu", ["h"], ["r"]),
        node("Transpose", ["b.weight"], ["bt"]),
        node("Identity", ["bt"], ["bt1"]),
        node("MatMul", ["r", "bt1"], ["y"]),
    ]
    assert load(model(nodes, [W, B, V])).layers == (EXPECTED[0], Dense("dense2", 3, 2, False, False))


def test_constants_may_be_nodes(load: Any) -> None:
    nodes = [
        node("Constant", [], ["w"], value=weight("", 4, 3)),
        node("Constant", [], ["b"], value_floats=[0.0] * 3),
    ]
    nodes += [node("Gemm", ["x", "w", "b"], ["y"])]
    assert load(model(nodes, [])).layers == (Dense("dense1", 4, 3, True, False),)


@pytest.mark.parametrize("flat", [
    [node("Flatten", ["x"], ["f"])],
    [node("Flatten", ["x"], ["f"], axis=-2)],
    [node("Reshape", ["x", "shape"], ["f"])],
])  # fmt: skip
@pytest.mark.parametrize("target", [(-1, 4), (0, -1), (8, 4), (8, -1), (0, 4)])
def test_flattening(load: Any, flat: list[onnx.NodeProto], target: tuple[int, ...]) -> None:
    nodes = [*flat, node("MatMul", ["f", "a.weight"], ["y"])]
    got = load(model(nodes, [W, ints("shape", *target)], shape=(8, 2, 2)))
    assert (got.features, got.layers) == (4, (Dense("a", 4, 3, False, False),))


def test_flattening_a_flat_value_changes_nothing(load: Any) -> None:
    nodes = [*CHAIN[:2], node("Flatten", ["r"], ["f"]), node("Gemm", ["f", "b.weight"], ["y"], transB=1)]
    assert load(model(nodes, [W, B, V])).layers == EXPECTED


def test_a_folded_bias(load: Any) -> None:
    nodes = [
        node("Reshape", ["flat", "shape"], ["bias"]),
        node("Cast", ["bias"], ["cast"], to=TensorProto.FLOAT),
        node("Gemm", ["x", "a.weight", "cast"], ["y"]),
    ]
    got = load(model(nodes, [W, weight("flat", 3, 1), ints("shape", 1, -1)]))
    assert got.layers == (Dense("a", 4, 3, True, False),)


def test_weights_are_ignored(load: Any, tmp_path: Path) -> None:
    """Also when they would be in a file that does not exist."""
    external = TensorProto(name="a.weight", data_type=TensorProto.FLOAT, dims=[4, 3])
    external.data_location = TensorProto.EXTERNAL
    external.external_data.add(key="location", value="missing.bin")
    nan = numpy_helper.from_array(np.full((4, 3), np.nan, dtype=np.float32), "a.weight")
    for tensor in (external, nan):
        assert load(model([node("MatMul", ["x", "a.weight"], ["y"])], [tensor])).layers[0].d_out == 3


def test_equal_names_are_told_apart(load: Any) -> None:
    square = weight("a.weight", 4, 4)
    nodes = [node("MatMul", ["x", "a.weight"], ["h"]), node("MatMul", ["h", "a.weight"], ["y"])]
    assert [layer.name for layer in load(model(nodes, [square])).layers] == ["a", "dense2"]
    odd = model([node("MatMul", ["x", "ä b.weight"], ["y"])], [weight("ä b.weight", 4, 3)])
    assert load(odd).layers[0].name == "dense1"


HIDDEN = [node("MatMul", ["x", "a.weight"], ["h"], name="hidden")]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([*HIDDEN, node("Softmax", ["h"], ["y"], name="s")], r"node 's' \(Softmax -> y\): .*; remove it"),
        ([*HIDDEN, node("Sigmoid", ["h"], ["y"])], r"node '\(unnamed\)' \(Sigmoid -> y\).*use Relu"),
        ([*HIDDEN, node("Sin", ["h"], ["y"])], "Sin.*rewrite it with Gemm"),
        ([*HIDDEN, node("Dropout", ["h"], ["y"])], "Dropout.*evaluation mode"),
        ([node("Transpose", ["x"], ["y"])], "Transpose.*transpose the weights"),
        ([node("Gemm", ["x", "a.weight"], ["y"], alpha=0.5)], "alpha=0.5.*use alpha=1"),
        ([node("Gemm", ["x", "a.weight", "a.bias"], ["y"], beta=2.0)], "beta=2.0.*use beta=1"),
        ([node("Gemm", ["x", "a.weight"], ["y"], transA=1)], "transA=1.*samples as rows"),
        ([node("MatMul", ["b.weight", "x"], ["y"])], "weights as the first operand"),
        ([node("MatMul", ["x", "a.bias"], ["y"])], r"weights of shape \[3\]"),
        ([node("Relu", ["x"], ["y"])], "Relu of the inputs"),
        ([node("Add", ["x", "a.bias"], ["y"])], "follows no Gemm"),
        ([*HIDDEN, node("Relu", ["h"], ["r"]), node("Add", ["r", "a.bias"], ["y"])], "follows no Gemm"),
        ([*HIDDEN, node("Add", ["h", "a.bias"], ["z"]), node("Add", ["z", "a.bias"], ["y"])], "second bias"),
        ([*HIDDEN, node("Add", ["h", "one"], ["y"])], r"bias of shape \[1\].*expand it to \[3\]"),
        ([*HIDDEN, node("Add", ["h", "h"], ["y"])], r"inputs \['h', 'h'\] besides constants.*one chain"),
        ([*HIDDEN, node("Relu", ["h"], ["r"]), node("Add", ["r", "h"], ["y"])], "'h' also feeds .*Relu"),
        ([*HIDDEN, node("Flatten", ["h"], ["y"], axis=0)], "axis=0.*use axis=1"),
        ([*HIDDEN, node("Reshape", ["h", "shape"], ["y"])], r"Reshape to \[3, -1\].*use Flatten"),
        ([*HIDDEN, node("Reshape", ["h", "zero"], ["y"], allowzero=1)], r"Reshape to \[0, -1\]"),
        ([*HIDDEN, node("Shape", ["h"], ["s"]), node("Reshape", ["h", "s"], ["y"])], "Shape.*use Flatten"),
        ([node("Exp", ["a.weight"], ["w"]), node("MatMul", ["x", "w"], ["y"])], "Exp.*on constants.*folding"),
        ([node("Special", ["x"], ["y"], domain="com.example")], "ops of domain 'com.example'"),
        ([node("Identity", ["x"], ["y"])], "no dense layer"),
    ],
)  # fmt: skip
def test_unsupported(load: Any, nodes: list[onnx.NodeProto], message: str) -> None:
    proto = model(nodes, [W, B, V, weight("one", 1), ints("shape", 3, -1), ints("zero", 0, -1)])
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(UnsupportedModelError, match=message) as caught:
        load(proto)
    assert (caught.value.code, caught.value.exit_code) == ("model-unsupported", 3)


def test_unsupported_interfaces(load: Any) -> None:
    two = model(HIDDEN, [W], output="h")
    two.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ("batch", 4)))
    early = model(CHAIN, [W, B, V], output="h")
    both = model(CHAIN, [W, B, V])
    both.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, ("batch", 3)))
    integer = model([node("MatMul", ["x", "i"], ["y"])], [ints("i", 1)], kind=TensorProto.INT64)
    for proto, message in (
        (two, "graph inputs"),
        (early, "graph outputs"),
        (both, "graph outputs"),
        (integer, "float"),
    ):
        with pytest.raises(UnsupportedModelError, match=message):
            load(proto)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("batch", "width"), "axis 1 is width; only the batch may be dynamic"),
        (("batch", None), "axis 1 is unknown"),
        ((8,), "rank 1"),
        ((8, 5), "take 4 features, got 5"),
    ],
)
def test_shapes(load: Any, shape: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelShapeError, match=message) as caught:
        load(model(CHAIN, [W, B, V], shape=shape))
    assert (caught.value.code, caught.value.exit_code) == ("model-shape", 3)


def test_layers_that_do_not_fit(load: Any) -> None:
    with pytest.raises(ModelShapeError, match="take 2 features, got 3"):
        load(model([*HIDDEN, node("MatMul", ["h", "b.weight"], ["y"])], [W, V]))
    with pytest.raises(UnsupportedModelError, match="put a Flatten before it"):
        load(model(HIDDEN, [W], shape=(8, 4, 4), output="h"))


def test_bad_files(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    broken = tmp_path / "broken.onnx"
    unordered = model(list(reversed(CHAIN)), [W, B, V])
    broken.write_bytes(unordered.SerializeToString())
    for path in (tmp_path / "missing.onnx", tmp_path, text, empty, broken):
        with pytest.raises(ModelFileError) as caught:
            load_model(path)
        assert (caught.value.code, caught.value.exit_code) == ("model-file", 5)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 10**6))
def test_damaged_bytes_give_errors_of_ours(tmp_path: Path, place: int, flip: int, keep: int) -> None:
    data = bytearray(model(CHAIN, [W, B, V]).SerializeToString())
    data[place % len(data)] ^= flip
    path = tmp_path / "damaged.onnx"
    path.write_bytes(data if keep % 3 else data[: keep % len(data)])
    with contextlib.suppress(ZkmlError):
        assert math.prod(layer.d_in for layer in load_model(path).layers) > 0
