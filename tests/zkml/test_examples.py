"""The committed example: free of local traces, equal to a fresh export, and good enough from a few nonces."""

from __future__ import annotations

import runpy
from pathlib import Path

import onnx
import pytest

from zkml.onnx_import import Dense, load_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COMMITTED = EXAMPLES / "digits_mlp.onnx"


def test_committed_model() -> None:
    model = load_model(COMMITTED)
    assert model.features == 64
    assert model.layers == (Dense("hidden", 64, 16, True, True), Dense("output", 16, 10, True, False))


def test_committed_file_has_no_metadata() -> None:
    proto = onnx.load(str(COMMITTED))
    assert not (proto.doc_string or proto.metadata_props or proto.producer_version or proto.functions)
    graph = proto.graph
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        assert not item.doc_string and not item.metadata_props
    data = COMMITTED.read_bytes()
    assert not any(trace in data for trace in (b".py", b"/home", b"/root", b"/usr", b"/tmp", b"File "))
    assert len(data) < 8192


def test_a_fresh_export_has_the_same_structure(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    example = runpy.run_path(str(EXAMPLES / "digits_mlp.py"))
    fresh = tmp_path / "digits_mlp.onnx"
    example["export"](fresh)
    assert load_model(fresh) == load_model(COMMITTED)
    ours, theirs = (structure(onnx.load(str(path))) for path in (COMMITTED, fresh))
    assert ours == theirs


def test_three_nonces_reach_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    trial = runpy.run_path(str(EXAMPLES / "trial_nonces.py"))
    assert trial["main"](3) == 0
    assert "over 3 nonces of 384 steps" in capsys.readouterr().out


def structure(proto: onnx.ModelProto) -> object:
    """What does not depend on the version of the exporter: ops, wiring by position, shapes of constants."""
    graph = proto.graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    produced = {value.name: "input" for value in graph.input}
    nodes = []
    for index, node in enumerate(graph.node):
        nodes.append((node.op_type, [shapes.get(name) or produced[name] for name in node.input if name]))
        produced |= dict.fromkeys(node.output, f"node {index}")
    return nodes, [produced[value.name] for value in graph.output]
