"""Every op against PyTorch's autograd, and the whole step against torch.optim.SGD at fine scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zkml import exact, ops
from zkml.executor import step
from zkml.genesis import genesis_weights
from zkml.program import Program

torch = pytest.importorskip("torch")
Build = Callable[..., Program]
RNG = np.random.default_rng(3)


def matrix(*shape: int) -> exact.Int:
    values = RNG.integers(-50, 50, shape)
    values[values == 0] = 1  # ReLU's gradient at 0 is 1 here and 0 in PyTorch
    return values


def leaf(a: exact.Int) -> Any:
    return torch.tensor(a, dtype=torch.float64, requires_grad=True)


def run(build: Callable[..., ops.Node], nodes: list[ops.Node], targets: exact.Int, up: int = 1) -> None:
    ops.backward(ops.squared_error(build(*nodes), targets, up))


def same(node: ops.Node, tensor: Any, factor: int = 1) -> None:
    assert node.grad is not None
    assert node.grad.tolist() == (tensor.grad * factor).tolist()


def test_matmul_and_bias() -> None:
    x, w, b, t = matrix(5, 4), matrix(4, 3), matrix(1, 3), matrix(5, 3)
    nodes = [ops.Node(x), ops.Node(w), ops.Node(b)]
    run(lambda x, w, b: ops.add_bias(ops.matmul(x, w, lambda e: e), b, 8), nodes, t)
    tx, tw, tb = leaf(x), leaf(w), leaf(b)
    (0.5 * (tx @ tw + 8 * tb - torch.tensor(t)) ** 2).sum().backward()
    for node, tensor in zip(nodes, (tx, tw, tb), strict=True):
        same(node, tensor)


def test_relu() -> None:
    y, t = matrix(6, 3), matrix(6, 3)
    node = ops.Node(y)
    run(ops.relu, [node], t)
    ty = leaf(y)
    (0.5 * (torch.relu(ty) - torch.tensor(t)) ** 2).sum().backward()
    same(node, ty)


def test_squared_error() -> None:
    x, t = matrix(4, 3), matrix(4, 3)
    node, tx = ops.Node(x), leaf(x)
    loss = ops.squared_error(node, t, 16)
    ops.backward(loss)
    expected = 0.5 * ((tx - torch.tensor(t)) ** 2).sum()
    expected.backward()
    same(node, tx, 16)
    assert int(loss.data[0, 0]) == 2 * expected.item()


def test_rescale_is_a_straight_through_floor() -> None:
    z, t = matrix(5, 3) * 40, matrix(5, 3)
    node, tz = ops.Node(z), leaf(z)
    run(lambda z: ops.rescale(z, lambda v: exact.rescale(v, 4, 6)[0]), [node], t)
    value = torch.clamp(torch.floor((tz + 8) / 16), -32, 31)
    straight = tz + (value - tz).detach()  # forward: value; backward: the identity, also where it clamps
    (0.5 * (straight - torch.tensor(t)) ** 2).sum().backward()
    same(node, tz)


def test_a_value_used_twice_accumulates() -> None:
    x, t = matrix(3, 3), matrix(3, 3)
    node, tx = ops.Node(x), leaf(x)
    run(lambda x: ops.matmul(x, x, lambda e: e), [node], t)
    (0.5 * (tx @ tx - torch.tensor(t)) ** 2).sum().backward()
    same(node, tx)


def test_inputs_get_no_gradient() -> None:
    x, w = ops.Node(matrix(2, 2), wants_grad=False), ops.Node(matrix(2, 2))
    run(lambda x, w: ops.matmul(x, w, lambda e: e), [x, w], matrix(2, 2))
    assert x.grad is None and w.grad is not None


def test_steps_follow_sgd(build: Build) -> None:
    """Ten steps of a three-layer model stay within rounding of PyTorch in double precision."""
    program = build(
        [6, 5, 4, 3],
        f_x=16,
        f_g=18,
        kappa=7,
        y_bits=26,
        grad_bits=26,
        input_bits=20,
        batch=4,
        max_segments=10,
    )
    program = replace(program, layers=tuple(replace(layer, init_range=1 << 40) for layer in program.layers))
    weights, scale, one = genesis_weights(program, bytes(32)), 2.0**program.f_w, 2.0**program.f_x
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3)
    ).double()  # fmt: skip
    linears = [module for module in net if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        for linear, w in zip(linears, weights, strict=True):
            linear.weight.copy_(torch.tensor(w[:-1].T / scale))
            linear.bias.copy_(torch.tensor(w[-1] / scale))
    sgd = torch.optim.SGD(net.parameters(), lr=program.batch * 2.0**-program.kappa)
    for _ in range(10):
        x, labels = RNG.integers(-(1 << 17), 1 << 17, (4, 6)), RNG.integers(0, 3, 4)
        weights, report = step(program, weights, x, labels)
        targets = torch.nn.functional.one_hot(torch.tensor(labels), 3).double()
        loss = 0.5 * ((net(torch.tensor(x / one)) - targets) ** 2).sum() / program.batch
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        assert abs(loss.item() - report.loss) < 1e-3 * (1 + report.loss)
        assert sum(report.clamped.values()) == 0
    for linear, w in zip(linears, weights, strict=True):
        np.testing.assert_allclose(w[:-1].T / scale, linear.weight.detach().numpy(), atol=2e-3)
        np.testing.assert_allclose(w[-1] / scale, linear.bias.detach().numpy(), atol=2e-3)
