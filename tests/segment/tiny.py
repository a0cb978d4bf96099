"""Tiny programs, data and complete runs for the tests and the vectors of the segment argument.

Everything is drawn from `random.Random(seed)`; nothing here is part of the protocol.
"""

import random
from dataclasses import dataclass, field
from functools import cache, partial

from tests.segment.plain import closing, dataset, fold, training
from tests.segment.plain.polynomials import pack_dataset, pack_weights, unpack_weights
from tests.segment.plain.shape import Layer, Program, Shape
from tests.segment.plain.training import Dataset, Matrix


def program(
    k: int,
    B: int,
    dims: list[int],
    bias: str,
    relu: str,
    *,
    y_bits: int = 8,
    grad_bits: int = 6,
    init: int = 200,
    **changes: int | bool,
) -> Program:
    """A program of layers dims[0]-dims[1]-…; bias, relu: one digit per layer, the last of relu is 0."""
    names = range(1, len(dims))
    layers = tuple(
        Layer(
            f"fc{i}",
            dims[i - 1],
            dims[i],
            bias[i - 1] == "1",
            relu[i - 1] == "1",
            y_bits,
            grad_bits * (i + 1 < len(dims)),
            init,
        )
        for i in names
    )
    fields = {**NUMBERS, **changes}
    return Program(B=B, k=k, features=dims[0], classes=dims[-1], layers=layers, **fields)


NUMBERS = {
    "m": 1,
    "max_segments": 2,
    "n": 5,
    "f_x": 3,
    "f_g": 4,
    "kappa": 2,
    "c": 3,
    "input_bits": 4,
    "input_signed": False,
}

CLAMPED = "three layers, padded steps and samples, no ReLU between, both clamps, signed"
PROGRAMS = {
    "two layers": partial(program, 2, 2, [3, 4, 2], "11", "10"),
    "one layer, one step of one sample": partial(program, 1, 1, [1, 2], "0", "0"),
    CLAMPED: partial(
        program, 3, 3, [3, 3, 2, 3], "101", "100", input_signed=True, y_bits=5, grad_bits=3, init=1500
    ),
    "one hidden unit, no clamp possible": partial(
        program, 2, 3, [2, 1, 2], "01", "10", kappa=20, y_bits=10, grad_bits=11, init=1 << 24
    ),
    "dataset of several blocks, label block among the padded features": partial(
        program, 2, 1, [9, 3], "1", "0", n=260, input_signed=True
    ),
}


@dataclass
class Run:
    """A shape with data, first weights and indices; `fold` and `close` use what came before."""

    shape: Shape
    data: Dataset
    weights: list[Matrix]
    indices: list[list[int]]
    seed: int
    vector: list[int] = field(init=False)

    def __post_init__(self) -> None:
        draw = self.draw = random.Random(self.seed + 1)
        self.vector = pack_dataset(self.shape, self.data)
        self.data_blinds = [draw.getrandbits(250) for _ in range(dataset.block_count(self.shape) + 1)]
        self.blocks, self.mult = dataset.commit_dataset(self.shape, self.vector, self.data_blinds)
        self.data_proof, self.data_claim = dataset.prove_dataset(
            self.shape, self.vector, self.blocks, self.mult
        )
        self.root = dataset.root(self.shape, self.data_proof.blocks, self.data_proof.C_m)
        self.W = fold.committed(pack_weights(self.shape, self.weights), 0)
        self.acc, self.open_ = fold.start(self.shape, self.W.table[0]), fold.start_openings(self.shape)

    def trace(self, number: int, hook: training.Hook = training.honest) -> training.Trace:
        """The trace of the next fold."""
        return training.execute(self.shape, self.data, self.indices[number], self.W.table, hook)

    def prove(
        self, number: int, trace: training.Trace
    ) -> tuple[fold.FoldProof, fold.Accumulator, tuple[int, int, int]]:
        """Proves the next fold and goes on from there; the proof, the accumulator after it, its blinds."""
        blinds = tuple(self.draw.getrandbits(250) for _ in range(3))
        proof, self.acc, self.open_, self.W = fold.prove_fold(
            self.shape,
            self.root,
            self.vector,
            self.indices[number],
            self.W,
            trace,
            blinds,
            self.acc,
            self.open_,
        )
        return proof, self.acc, blinds

    def close(self, seed: bytes) -> closing.ClosingProof:
        """The closing with the mask of `seed`."""
        K = fold.committed(*closing.mask_coefficients(self.shape, seed))
        return closing.prove_closing(
            self.shape,
            self.root,
            self.acc,
            self.open_,
            self.W,
            self.vector,
            self.blocks,
            self.mult,
            self.data_claim,
            K,
        )

    def plain_weights(self) -> list[Matrix]:
        """The weights where the run stands."""
        return unpack_weights(self.shape, self.W.table)


def run(p: Program, seed: int = 1, folds: int = 2) -> Run:
    """Random data, weights in the layers' initial ranges and indices."""
    draw = random.Random(seed)
    low = -(1 << (p.input_bits - 1)) if p.input_signed else 0
    features = [[low + draw.randrange(1 << p.input_bits) for _ in range(p.features)] for _ in range(p.n)]
    data = Dataset(features, [draw.randrange(p.classes) for _ in range(p.n)])
    weights = [
        [[draw.randint(-a.init_range, a.init_range) for _ in range(a.d_out)] for _ in range(a.d_in + a.bias)]
        for a in p.layers
    ]
    indices = [[draw.randrange(p.n) for _ in range(p.k * p.B)] for _ in range(folds)]
    return Run(Shape(p), data, weights, indices, seed)


@cache
def started(name: str) -> Run:
    """The run of PROGRAMS[name] before its first fold; not to be changed."""
    return run(PROGRAMS[name](), 1)
