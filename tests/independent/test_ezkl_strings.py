"""Reference strings between ezkl, zkml.srs and py_ecc: what one makes the other accepts, and reads alike.

ezkl's commitment to a column m of n rows, of which the last u are not usable and hold 1, is Σ m_i·L_i(τ)·G +
Σ_{i ≥ n−u} L_i(τ)·G. With a known τ that is one multiplication, so a string of ours that ezkl reads otherwise
than we wrote it gives another point.
"""

from pathlib import Path

import ezkl
import onnx
import pytest
from onnx import TensorProto, helper

from tests.zkml.srs.insecure import P, Q, encoded, g1, g2, halo2, lagrange, write
from zkml import srs
from zkml.errors import SrsError

LOG2, UNUSABLE = 6, 6
COLUMN = [3, 1, 4, 1, 5, P - 9]


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled circuit of y = x + x and its settings."""
    folder = tmp_path_factory.mktemp("circuit")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility, arguments.output_visibility, arguments.param_visibility = (
        "public",
        "public",
        "fixed",
    )
    arguments.logrows, arguments.input_scale, arguments.param_scale = LOG2, 8, 8
    model_file, settings = str(folder / "model.onnx"), str(folder / "settings.json")
    assert ezkl.gen_settings(model_file, settings, py_run_args=arguments)
    assert ezkl.compile_circuit(model_file, str(folder / "circuit"), settings)
    return folder


@pytest.mark.parametrize("log2", [1, 2, 5, 10])
def test_what_ezkl_makes_is_accepted(tmp_path: Path, log2: int) -> None:
    path = tmp_path / "INSECURE-made-here.srs"
    ezkl.gen_srs(str(path), log2)
    made = srs.require(path, log2, expected=srs.HALO2)
    assert (made.checked, made.g2_checked) == (1 << log2, 2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference string of ours."""
    return write(tmp_path_factory.mktemp("whole"), halo2(LOG2).encode())


def committed(circuit: Path, path: Path) -> list[bytes]:
    """ezkl's commitment to COLUMN; x and y."""
    message = [value.to_bytes(32, "little").hex() for value in COLUMN]
    (point,) = ezkl.kzg_commit(message, str(circuit / "vk"), str(circuit / "settings.json"), str(path))
    return [bytes.fromhex(point.x), bytes.fromhex(point.y)]


def test_ezkl_reads_what_we_accept_as_we_do(circuit: Path, whole: Path, tmp_path: Path) -> None:
    """It takes a string of two different taus as well, and says nothing: what the check is for."""
    assert srs.require(whole, LOG2).checked == 1 << LOG2
    assert ezkl.setup(str(circuit / "circuit"), str(circuit / "vk"), str(circuit / "pk"), str(whole))
    weights = lagrange(1 << LOG2)
    exponent = sum(m * w for m, w in zip(COLUMN, weights, strict=False)) + sum(weights[-UNUSABLE:])
    expected = [c.to_bytes(32, "little") for c in g1(exponent)]
    assert committed(circuit, whole) == expected
    made = bytearray(whole.read_bytes())
    made[-128:] = encoded(g2(5))
    path = write(tmp_path, bytes(made))
    with pytest.raises(SrsError, match="its tau is not that of the powers in G1"):
        srs.require(path, LOG2)
    assert committed(circuit, path) == expected


def test_montgomery_form() -> None:
    """The first power of every file: 1 and 2, times 2^256 modulo q."""
    one = (1 << 256) % Q
    head = halo2(1).encode()[4:68]
    assert head == one.to_bytes(32, "little") + (2 * one % Q).to_bytes(32, "little")
