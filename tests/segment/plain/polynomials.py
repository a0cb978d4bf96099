"""The committed vectors: W from weights, D from the dataset, F from a trace, S from indices.

Weights enter as rows of integers per layer, d_in rows and then the bias row if there is one. Entries no
slot covers are 0. D, row n: features u = x (+ 2^(input_bits−1) if signed) from column 0, the label's one-
hot block from column loff. F: chunk j of a tensor holds bits [q·j, q·(j+1)) of each value; mult counts how
often each pair (width, value) of the table occurs over all of region 1, whose unused positions count as
the pair (0, 0), entry 1. S: s_n = Σ_{t real, idx_t = n} eq(θ, t) and y_c = Σ_n s_n·D(n, c).
"""

from collections.abc import Sequence

from .field import P, Point, Table, eq_table
from .shape import Shape, Slot
from .training import Dataset, Matrix, Trace


def put(vector: Table, slot: Slot, values: Sequence[int]) -> None:
    """Writes a slot."""
    assert len(values) == 1 << slot.variables
    vector[slot.offset : slot.offset + len(values)] = values


def get(vector: Table, slot: Slot) -> Table:
    """Reads a slot."""
    return vector[slot.offset : slot.offset + (1 << slot.variables)]


def pack_weights(shape: Shape, weights: Sequence[Matrix]) -> Table:
    """W, of signed integers."""
    vector = [0] * (1 << shape.n_W)
    for l, (layer, rows) in enumerate(zip(shape.layers, weights, strict=True), 1):
        assert len(rows) == layer.d_in + layer.bias and all(len(row) == layer.d_out for row in rows)
        lines = [row + [0] * ((1 << layer.b) - layer.d_out) for row in rows]
        if layer.bias:
            put(vector, shape.w_slots["bias", l], lines.pop())
        lines += [[0] * (1 << layer.b)] * ((1 << layer.a) - layer.d_in)
        put(vector, shape.w_slots["W", l], [w for line in lines for w in line])
    return vector


def unpack_weights(shape: Shape, vector: Table) -> list[Matrix]:
    """The inverse."""
    weights = []
    for l, layer in enumerate(shape.layers, 1):
        flat = get(vector, shape.w_slots["W", l])
        rows = [flat[i << layer.b : (i << layer.b) + layer.d_out] for i in range(layer.d_in)]
        if layer.bias:
            rows.append(get(vector, shape.w_slots["bias", l])[: layer.d_out])
        weights.append(rows)
    return weights


def pack_dataset(shape: Shape, data: Dataset) -> Table:
    """D, of nonnegative integers."""
    vector = [0] * (1 << shape.n_D)
    for n, (features, label) in enumerate(zip(data.features, data.labels, strict=True)):
        row = n << shape.lC
        vector[row : row + shape.d_0] = [x + shape.x_offset for x in features]
        vector[row + shape.loff + label] = 1
    return vector


def pack_trace(shape: Shape, trace: Trace) -> tuple[Table, Table]:
    """F and the widths (tags) of its first 2^n1 positions."""
    vector, tags = [0] * (1 << shape.n_F), [0] * (1 << shape.n1)
    mask = (1 << shape.q) - 1
    for l, layer in enumerate(shape.layers, 1):
        for tensor, width in layer.tensors:
            values = trace.tables[tensor, l]
            if tensor in "MN":
                put(vector, shape.slots[l, tensor, 0], values)
                continue
            chunks = -(-width // shape.q)
            for j in range(chunks):
                slot, last = shape.slots[l, tensor, j], j == chunks - 1
                # The last chunk takes what is left, in its range or not: false values stay what they are.
                put(
                    vector,
                    slot,
                    [v >> (shape.q * j) if last else (v >> (shape.q * j)) & mask for v in values],
                )
                put(tags, slot, [shape.tags[l, tensor, j]] * len(values))
    for index, value in trace.patches:
        vector[index] = value
    put(vector, shape.slots["mult"], multiplicities(shape.q, vector, tags))
    return vector, tags


def multiplicities(q: int, values: Table, tags: Table) -> Table:
    """How often each entry of the table of widths up to q occurs; pairs outside the table are not counted."""
    counts = [0] * (2 << q)
    for value, width in zip(values, tags, strict=False):
        if 0 <= value < 1 << width:
            counts[(1 << width) + value] += 1
    return counts


def pack_selection(shape: Shape, indices: Sequence[int], theta: Point, data: Table) -> Table:
    """S."""
    s, y = [0] * (1 << shape.lN), [0] * (1 << shape.lC)
    eq = eq_table(theta)
    for t, n in zip(shape.real_rows(), indices, strict=True):
        s[n] = (s[n] + eq[t]) % P
    for n, weight in enumerate(s):
        row = data[n << shape.lC : (n + 1) << shape.lC]
        y = [(a + weight * d) % P for a, d in zip(y, row, strict=True)]
    vector = [0] * (1 << shape.n_S)
    put(vector, shape.s_slots["y"], y)
    put(vector, shape.s_slots["s"], s)
    return vector
