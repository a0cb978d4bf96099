"""Reverse-mode differentiation over the integer ops of one training step, in the manner of micrograd.

Every op is a function: it computes its output and leaves behind a closure that turns the output's
gradient into its inputs'. `backward` runs the closures in reverse topological order. Activations have
scale f_x, weights f_w, gradients of activations f_g (protocol §3). All arithmetic is exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zkml import exact
from zkml.exact import Int


class Node:
    """A matrix and, after `backward`, its gradient. Leaves that want no gradient say wants_grad=False."""

    def __init__(self, data: Int, parents: tuple[Node, ...] = (), *, wants_grad: bool = True) -> None:
        self.data = data
        self.parents = parents
        self.wants_grad = wants_grad
        self.grad: Int | None = None
        self.push: Callable[[Int], None] = lambda grad: None

    def accumulate(self, grad: Int) -> None:
        """Add `grad` to what other users of this value contributed."""
        self.grad = grad if self.grad is None else exact.add(self.grad, grad)


def matmul(x: Node, w: Node, narrow_grad: Callable[[Int], Int]) -> Node:
    """Z = X·W. Backward: dW = Xᵀ·G, dX = narrow_grad(G·Wᵀ), narrow_grad the rescale back to scale f_g."""
    out = Node(exact.matmul(x.data, w.data), (x, w))  # (B, d_in)·(d_in, d_out) -> (B, d_out)

    def push(grad: Int) -> None:
        w.accumulate(exact.matmul(x.data.T, grad))  # (d_in, B)·(B, d_out) -> (d_in, d_out)
        if x.wants_grad:
            x.accumulate(narrow_grad(exact.matmul(grad, w.data.T)))  # (B, d_out)·(d_out, d_in) -> (B, d_in)

    out.push = push
    return out


def add_bias(z: Node, bias: Node, one: int) -> Node:
    """Z + one·bias: the bias is the weight of a constant input one = 2^f_x. Backward: dbias = one·Σ G."""
    out = Node(exact.add(z.data, exact.scale(bias.data, one)), (z, bias))  # (B, d_out) + (1, d_out)

    def push(grad: Int) -> None:
        z.accumulate(grad)
        ones = np.full((1, grad.shape[0]), one, dtype=np.int64)
        bias.accumulate(exact.matmul(ones, grad))  # (1, B)·(B, d_out) -> (1, d_out)

    out.push = push
    return out


def rescale(z: Node, narrow: Callable[[Int], Int]) -> Node:
    """Y = narrow(Z), narrow the rescale to scale f_x. Backward: the identity, also where it clamped."""
    out = Node(narrow(z.data), (z,))  # (B, d_out)
    out.push = z.accumulate
    return out


def relu(y: Node) -> Node:
    """X = M·Y with M = [Y ≥ 0]. Backward: M·dX, so a gradient passes at 0."""
    mask = y.data >= 0
    out = Node(y.data * mask, (y,))  # (B, d)
    out.push = lambda grad: y.accumulate(grad * mask)
    return out


def squared_error(x: Node, targets: Int, up: int) -> Node:
    """Σ(X − T)² as a 1×1 matrix, at scale 2·f_x. Backward: (X − T)·up, that of ½·Σ, with up = 2^(f_g−f_x)."""
    error = exact.add(x.data, -targets)  # (B, classes)
    flat = error.reshape(1, -1)
    out = Node(exact.matmul(flat, flat.T), (x,))
    out.push = lambda grad: x.accumulate(exact.scale(error, up))
    return out


def backward(loss: Node) -> None:
    """Fill in .grad of everything that `loss` depends on."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(loss)
    loss.grad = np.ones_like(loss.data)
    for node in reversed(order):
        if node.grad is not None:
            node.push(node.grad)
