"""Sizes of a fold under the segment argument and their caps, by counting alone.

A rescale of t bits by s to b bits commits, per row and output column: the value (forward b − 1 bits,
backward b), what saturation cut off (t − 1 − s bits, absent if t = s + b) and the remainder (s bits). Each is
looked up in chunks of at most q bits; one bit per rescale is not. log: log2 rounded up; rows = log k + log B:

    looked up(q) = Σ 2^(rows + log d_out)·⌈width/q⌉        q in 8..16 minimises looked up(q) + 2^(q+1)
    n_1 = max(log looked up, q + 1)                         n_F = log(2^n_1 + Σ bits + 2^(q+1))
    n_W = log Σ (2^(log d_in + log d_out) + 2^(log d_out) if bias)
    columns = log(offset + 2^(log classes)), offset = features rounded up to a multiple of 2^(log classes)
    n_D = max(log n + columns, input_bits + 1)              n_S = log(2^columns + 2^(log n))

Required: k·B ≤ 2^16; n_F, n_W, n_S ≤ 26; n_D ≤ 30; no width above 63. Ties in q: the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.errors import ProgramOverflowError
from zkml.program import Program


@dataclass(frozen=True)
class SegmentSize:
    """samples: k·B; chunk_bits: q; looked_up, trace, weights, dataset, selection: n_1, n_F, n_W, n_D, n_S."""

    samples: int
    chunk_bits: int
    looked_up: int
    trace: int
    weights: int
    dataset: int
    selection: int


def segment_size(program: Program, rescales: Sequence[tuple[int, int]]) -> SegmentSize:
    """Counts. rescales: per layer t of the forward rescale and of the gradient it passes down (0 in layer 1).

    Raises ProgramOverflowError if a tensor is wider than 63 bits.
    """
    rows = log2_up(program.k) + log2_up(program.batch)
    tensors: list[tuple[int, int]] = []  # (entries, width)
    bits = 0
    for i, layer in enumerate(program.layers):
        entries = 1 << (rows + log2_up(layer.d_out))
        widths = [(layer.y_bits - 1, layer.y_bits, rescales[i][0])]
        if i + 1 < len(program.layers):
            widths.append((layer.grad_bits, layer.grad_bits, rescales[i + 1][1]))
        for value, width, total in widths:
            excess = total - 1 - program.f_w if total > program.f_w + width else 0
            _check_widths(layer.name, excess, program.f_w)
            bits += entries
            tensors += [(entries, w) for w in (value, excess, program.f_w)]
    chunks = {q: sum(entries * -(-width // q) for entries, width in tensors) for q in range(8, 17)}
    q = min(chunks, key=lambda q: chunks[q] + (2 << q))
    looked_up = max(log2_up(chunks[q]), q + 1)
    weights = sum(
        (1 << (log2_up(layer.d_in) + log2_up(layer.d_out))) + layer.bias * (1 << log2_up(layer.d_out))
        for layer in program.layers
    )
    label = 1 << log2_up(program.classes)
    columns = log2_up(-(-program.features // label) * label + label)
    n = log2_up(program.rows)
    return SegmentSize(
        samples=program.k * program.batch,
        chunk_bits=q,
        looked_up=looked_up,
        trace=log2_up((1 << looked_up) + bits + (2 << q)),
        weights=log2_up(weights),
        dataset=max(n + columns, program.input_bits + 1),
        selection=log2_up((1 << columns) + (1 << n)),
    )


def check_size(size: SegmentSize) -> None:
    """Raises ProgramOverflowError if a cap is exceeded."""
    if size.samples > MAX_ROWS:
        raise ProgramOverflowError(
            f"k·B = {size.samples}, at most {MAX_ROWS} is supported; lower k or the batch"
        )
    for name, variables, limit in (
        ("trace", size.trace, MAX_VARIABLES),
        ("weights", size.weights, MAX_VARIABLES),
        ("dataset", size.dataset, MAX_DATASET_VARIABLES),
        ("selection", size.selection, MAX_VARIABLES),
    ):
        if variables > limit:
            raise ProgramOverflowError(
                f"size of the {name}: 2^{variables}, at most 2^{limit} is supported; "
                "lower k, the batch, the layers' sizes or the rows"
            )


def log2_up(v: int) -> int:
    """The least n with v ≤ 2^n, for v ≥ 1."""
    return (v - 1).bit_length()


def _check_widths(name: str, excess: int, remainder: int) -> None:
    for what, width in (("excess", excess), ("remainder", remainder)):
        if width > MAX_TENSOR_BITS:
            raise ProgramOverflowError(
                f"layer {name!r}, rescale's {what}: needs {width} bits, {MAX_TENSOR_BITS} are available; "
                "lower f_x, f_g, kappa or max_segments·m·k"
            )


MAX_VARIABLES = 26  # knob: generators that a verifier can hold
MAX_DATASET_VARIABLES = 30  # knob: committed in blocks of the size above
MAX_ROWS = 1 << 16  # knob
MAX_TENSOR_BITS = 63  # values are 64-bit integers
