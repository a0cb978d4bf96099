"""A compiled circuit of ezkl 23.0.5, rewired: the update of the tiny program's first weights is left out.

    circuit.ezkl = count (u64) ‖ node, node, … ‖ rest
    node = key (u64) ‖ kind (u32) ‖ op ‖ scale (i32) ‖ [(node, output)] ‖ [dimension] ‖ key ‖ uses

in bincode's fixed widths, lengths as u64. Nodes have no length of their own, so they are told apart by what
must stand at their end. Established on circuits of the tiny program alone.
"""

from __future__ import annotations

import itertools
import struct

Node = bytes


def without_update(circuit: bytes) -> bytes:
    """The circuit in which the weights stand where the rescaled product of samples and gradients stood.

    The product is still computed, and nothing reads it: the old node Rescale{Einsum} becomes an Einsum, and
    a node Rescale{Reshape(weights)} behind it takes its place.
    """
    nodes, rest = split(circuit)
    at = next(i for i, node in enumerate(nodes) if EQUATION in node and shape(node) == (3, 2))
    product, key = nodes[at], number(nodes[at], 0)
    assert number(nodes[at + 1], 0) == key + 2, "a free key is needed behind the product"
    start = product.index(EQUATION) + len(EQUATION)
    rescale, behind = product[start : start + 24], product[start + 24 :]
    assert behind[:4] == i32(16)
    einsum = u64(key) + i32(0, 0, 8) + u64(len(EQUATION)) + EQUATION + i32(32) + behind[4:]
    weights = u64(key + 1) + i32(0, 7, 0, 0x11) + u64(2, 3, 2) + rescale + i32(16)
    weights += u64(1, WEIGHTS, 0) + u64(2, 3, 2) + u64(key + 1, 1)
    read = u64(1, key, 0)
    readers = [node for node in nodes if read in node and number(node, 0) != key]
    assert len(readers) == 1 and readers[0].count(read) == 1
    made = [
        *nodes[:at],
        einsum,
        weights,
        *(node.replace(read, u64(1, key + 1, 0)) if node is readers[0] else node for node in nodes[at + 1 :]),
    ]
    return u64(len(made)) + b"".join(made) + rest


def split(circuit: bytes) -> tuple[list[Node], bytes]:
    """The nodes, in order, and what follows them."""
    starts = [8]
    for _ in range(number(circuit, 0) - 1):
        starts.append(_next(circuit, starts[-1]))
    last = number(circuit, starts[-1])
    end = starts[-1]
    while True:
        end = circuit.index(u64(last), end + 1)
        if end - starts[-1] > 20 and number(circuit, end + 8) < 50:
            break
    bounds = [*starts, end + 16]
    nodes = [circuit[a:b] for a, b in itertools.pairwise(bounds)]
    return nodes, circuit[bounds[-1] :]


def shape(node: Node) -> tuple[int, ...] | None:
    """The dimensions of a node's output; None if these bytes do not end as a node does."""
    for rank in range(1, 4):
        at = len(node) - 24 - 8 * rank
        if at < 16 or number(node, at) != rank:
            continue
        found = tuple(number(node, at + 8 + 8 * i) for i in range(rank))
        if all(0 < size < 1000 for size in found) and any(_inputs(node, at, n) for n in range(7)):
            return found
    return None


def _next(circuit: bytes, start: int) -> int:
    key, at = number(circuit, start), start + 12
    while True:
        at += 1
        if (
            key < number(circuit, at) < key + 30
            and circuit[at + 8 : at + 12] == i32(0)
            and number(circuit, at - 16) == key
            and number(circuit, at - 8) < 50
            and shape(circuit[start:at]) is not None
        ):
            return at


def _inputs(node: Node, before: int, count: int) -> bool:
    """Whether a scale and `count` inputs end at `before`."""
    at = before - 16 * count - 8
    if at < 16 or number(node, at) != count:
        return False
    pairs = [(number(node, at + 8 + 16 * i), number(node, at + 16 + 16 * i)) for i in range(count)]
    (scale,) = struct.unpack_from("<i", node, at - 4)
    return 0 <= scale <= 64 and all(source < 200 and output == 0 for source, output in pairs)


def number(data: bytes, at: int) -> int:
    """A u64."""
    return int(struct.unpack_from("<Q", data, at)[0])


def u64(*values: int) -> bytes:
    """Integers of eight bytes."""
    return struct.pack(f"<{len(values)}Q", *values)


def i32(*values: int) -> bytes:
    """Integers of four bytes."""
    return struct.pack(f"<{len(values)}i", *values)


EQUATION = b"km,kn->mn"  # samples and gradients, summed over the batch
WEIGHTS = 9  # the node that holds the first weights once they are hashed
