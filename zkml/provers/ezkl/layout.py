"""What ezkl's circuit of one step looks like, as a function of the program alone.

Inputs, in order: every weight tensor; then each sample of the batch as its own tensor [pixels ‖ class index].
Outputs: every weight tensor after the step. Each tensor is hashed by itself (Poseidon of width 2 and rate 1
over BN254's scalar field, 41 rows per element), and the hashes, inputs before outputs, are the instances.
All values have the same scale 2^s, so that the elements behind an output's hash are the next step's input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from zkml.errors import ProgramRangeError, ProverUnsupported
from zkml.program import Layer, Program


@dataclass(frozen=True)
class Tensor:
    """A named tensor of the circuit's interface."""

    name: str
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        """Number of elements."""
        product = 1
        for size in self.shape:
            product *= size
        return product


@dataclass(frozen=True)
class Layout:
    """The circuit of one step of `program`, which has k = 1 and as many steps per segment as the original.

    weights: in the order of the layers, bias behind matrix; base and legs: every value that ezkl ranges is
    sign·Σ digitᵢ·baseⁱ with `legs` digits; logrows: log2 of the rows.
    """

    program: Program
    weights: tuple[Tensor, ...]
    hash_rows: int
    base: int
    legs: int
    logrows: int

    @property
    def samples(self) -> tuple[Tensor, ...]:
        """The batch: B tensors of features and one class index."""
        shape = (self.program.features + 1,)
        return tuple(Tensor(f"sample{i}", shape) for i in range(self.program.batch))

    @property
    def cells(self) -> float:
        """About how many cells the step's values take, by a model: within an eighth of what ezkl counts for
        eight compiled programs of 14 to 8970 weights."""
        weights = sum(tensor.length for tensor in self.weights)
        pixels = sum(tensor.length for tensor in self.samples)
        ranged = (_CELLS_PER_WEIGHT * weights + _CELLS_PER_PIXEL * pixels) * (self.legs + 1) / 4
        return ranged + _CELLS_PER_PRODUCT * self.program.batch * weights

    @property
    def blocks(self) -> int:
        """About how many blocks of columns they fill."""
        return max(1, ceil(self.cells / (2 << self.logrows)))

    @property
    def most_proof(self) -> int:
        """More bytes than any halo2 proof of the step has: 4384 were seen for one block, 7136 for two."""
        return 8192 * (self.blocks + 1)

    @property
    def steps(self) -> int:
        """Steps, hence links, of a segment."""
        return self.program.m


def layout(program: Program) -> Layout:
    """The circuit of one step of `program`. Raises ProverUnsupported if it has none."""
    one = _one_step(program)
    if program.f_x > SCALE:
        raise ProverUnsupported(f"ezkl: f_x is {program.f_x}, its fixed point has {SCALE} bits: take fewer")
    if program.kappa > SCALE or program.c << _SMALLEST_RATE < 1 << program.kappa:
        raise ProverUnsupported(
            f"ezkl: learning rate over batch {program.c}·2^−{program.kappa} is below 2^−{_SMALLEST_RATE}, or "
            f"not a multiple of 2^−{SCALE}: its {SCALE}-bit fixed point would round updates away"
        )
    weights = tuple(tensor for layer in one.layers for tensor in _tensors(layer))
    lengths = 2 * [w.length for w in weights] + one.batch * [one.features + 1]
    rows = sum(_HASH_ROWS_PER_ELEMENT * length + _HASH_ROWS for length in lengths)
    # The table of digits has to fit into the rows, and more digits cost more columns.
    base, legs = (1 << 10, 4) if rows + _RESERVED_ROWS <= 1 << 14 else (1 << 14, 3)
    logrows = max((rows + _RESERVED_ROWS - 1).bit_length(), base.bit_length())
    if logrows > _MOST_LOGROWS:
        raise ProverUnsupported(
            f"ezkl: hashing weights and samples takes 2^{logrows} rows, BN254's field has room for "
            f"2^{_MOST_LOGROWS}: take fewer parameters"
        )
    return Layout(one, weights, rows, base, legs, logrows)


def _one_step(program: Program) -> Program:
    try:
        return replace(program, k=1, m=program.m * program.k)
    except ProgramRangeError as error:
        raise ProverUnsupported(
            f"ezkl: one proof per step, and too many steps per segment: {error}"
        ) from error


def _tensors(layer: Layer) -> list[Tensor]:
    matrix = Tensor(f"{layer.name}.weight", (layer.d_in, layer.d_out))
    return [matrix, Tensor(f"{layer.name}.bias", (layer.d_out,))] if layer.bias else [matrix]


SCALE = 16  # bits behind the binary point of everything: weights, samples, gradients
_CELLS_PER_WEIGHT = 132  # cells with 3 digits to a value; ezkl calls them assignments
_CELLS_PER_PIXEL = 156
_CELLS_PER_PRODUCT = 2.1  # of a weight and a sample: forward, backward, update
_SMALLEST_RATE = 12
_MOST_LOGROWS = 28  # log2 of the order of its largest subgroup of size a power of two
_HASH_ROWS_PER_ELEMENT = 41  # as ezkl counts them (its circuit/modules/poseidon.rs, num_rows)
_HASH_ROWS = 2
_RESERVED_ROWS = 128  # blinding, and what ezkl keeps for itself
