"""Small programs for the tests, and a step by the definition, in plain Python integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from zkml.program import Layer, Program

Matrix = list[list[int]]


def build(sizes: list[int], **fields: Any) -> Program:
    """A program with dense layers of these sizes; keyword arguments override fields of program and layers."""
    layer_fields = {
        name: fields.pop(name) for name in ("bias", "relu", "y_bits", "grad_bits") if name in fields
    }
    count = len(sizes) - 1
    layers = []
    for i in range(count):
        last = i == count - 1
        values = {
            "bias": True,
            "relu": not last,
            "y_bits": 8,
            "grad_bits": 8,
            "init_range": 50,
        } | layer_fields
        values["grad_bits"] = 0 if last else values["grad_bits"]
        layers.append(Layer(f"layer{i + 1}", sizes[i], sizes[i + 1], **values))
    defaults: dict[str, Any] = {
        "batch": 2, "k": 1, "m": 1, "max_segments": 8, "rows": 10, "f_x": 3, "f_g": 4, "kappa": 2, "c": 1,
        "features": sizes[0], "input_bits": 4, "input_signed": True, "classes": sizes[-1],
        "layers": tuple(layers),
    }  # fmt: skip
    return Program(**(defaults | fields))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Any valid program of up to three small layers."""
    count = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 4)) for _ in range(count)] + [draw(st.integers(2, 4))]
    layers = tuple(
        Layer(
            f"l{i}", sizes[i], sizes[i + 1], draw(st.booleans()), draw(st.booleans()),
            draw(st.integers(2, 16)), draw(st.integers(2, 16)) if i < count - 1 else 0,
            draw(st.integers(0, 1 << 40)),
        )
        for i in range(count)
    )  # fmt: skip
    f_x = draw(st.integers(1, 10))
    return build(
        sizes, layers=layers, f_x=f_x, f_g=draw(st.integers(f_x, 14)), kappa=draw(st.integers(0, 40)),
        c=draw(st.integers(1, 1 << 10)), batch=draw(st.integers(1, 3)), max_segments=draw(st.integers(1, 9)),
        input_bits=draw(st.integers(1, 24)), input_signed=draw(st.booleans()),
        rows=draw(st.integers(2, 1 << 30)),
    )  # fmt: skip


def plain_rescale(z: int, s: int, b: int) -> int:
    """protocol §3, literally."""
    return max(-(1 << (b - 1)), min((1 << (b - 1)) - 1, (z + (1 << (s - 1))) // (1 << s)))


def plain_step(program: Program, weights: list[Matrix], x: Matrix, labels: list[int]) -> list[Matrix]:
    """One step, sample by sample, with nothing but Python integers."""
    one, f_w, layers = 1 << program.f_x, program.f_w, program.layers
    updated = [[row[:] for row in w] for w in weights]
    for row, label in zip(x, labels, strict=True):
        inputs, outputs = [row], []
        for layer, w in zip(layers, weights, strict=True):
            extended = inputs[-1] + [one] * layer.bias
            z = [sum(a * w[i][j] for i, a in enumerate(extended)) for j in range(layer.d_out)]
            outputs.append([plain_rescale(v, f_w, layer.y_bits) for v in z])
            inputs.append([max(v, 0) if layer.relu else v for v in outputs[-1]])
        up = 1 << (program.f_g - program.f_x)
        dx = [(v - one * (j == label)) * up for j, v in enumerate(inputs[-1])]
        for i in reversed(range(len(layers))):
            g = [d if y >= 0 or not layers[i].relu else 0 for d, y in zip(dx, outputs[i], strict=True)]
            for a, target in zip(inputs[i] + [one] * layers[i].bias, updated[i], strict=True):
                for j, v in enumerate(g):
                    target[j] -= program.c * a * v
            if i:
                e = [sum(v * w for v, w in zip(g, weights[i][r], strict=True)) for r in range(layers[i].d_in)]
                dx = [plain_rescale(v, f_w, layers[i - 1].grad_bits) for v in e]
    return updated


# Test modules cannot import each other (import mode importlib), so the helpers are handed out as fixtures.


@pytest.fixture(scope="session", name="build")
def build_fixture() -> Callable[..., Program]:
    return build


@pytest.fixture(scope="session", name="programs")
def programs_fixture() -> Callable[[], st.SearchStrategy[Program]]:
    return programs


@pytest.fixture(scope="session", name="plain_rescale")
def plain_rescale_fixture() -> Callable[[int, int, int], int]:
    return plain_rescale


@pytest.fixture(scope="session", name="plain_step")
def plain_step_fixture() -> Callable[..., list[Matrix]]:
    return plain_step
