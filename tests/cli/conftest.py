"""A tiny model, dataset and configuration, and a way to call the command line inside this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from escapement.cli import main

CONFIG = """
version = 1
[model]
onnx = "tiny.onnx"
[data]
source = "tiny.npz"
test_fraction = 0.25
input_bits = 3
input_signed = true
[training]
batch = 2
steps_per_fold = 1
folds_per_segment = 2
max_segments = 2
learning_rate = 0.5
activation_bits = 3
gradient_bits = 3
calibration_steps = 8
calibration_runs = 1
"""


@dataclass(frozen=True)
class Answer:
    """What a command said and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """stdout as one JSON object."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


Call = Callable[..., Answer]


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for these tests, apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESCAPEMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call `escapement` with the given arguments."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The configuration of a 4-3-2 model on 40 rows; everything lies in its folder."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40)
    x = rng.normal(size=(40, 4)) + y[:, None]
    np.savez(tmp_path / "tiny.npz", x=x, y=y)
    onnx.save(_model([4, 3, 2]), str(tmp_path / "tiny.onnx"))
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def _model(sizes: list[int]) -> onnx.ModelProto:
    nodes, weights, current = [], [], "x"
    for i, (d_in, d_out) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        zeros = np.zeros((d_in, d_out), dtype=np.float32)
        weights.append(helper.make_tensor(f"w{i}", TensorProto.FLOAT, zeros.shape, zeros.ravel()))
        made = "y" if last else f"z{i}"
        nodes.append(helper.make_node("MatMul", [current, f"w{i}"], [made], name=f"dense{i}"))
        if not last:
            nodes.append(helper.make_node("Relu", [made], [f"a{i}"], name=f"relu{i}"))
            current = f"a{i}"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, sizes[-1]])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
