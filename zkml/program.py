"""The program: canonical description of one training step, its CBOR encoding and its digest.

program = ["escapement/program/1", arithmetisation, B, k, m, max_segments, n, f_x, f_g, kappa, c,
           [features, input_bits, input_signed], classes, [layer, ...]]
layer   = [name, d_in, d_out, bias, relu, y_bits, grad_bits, init_range]

Source: docs/protocol.md §2 (encodings) and §3 (fields, ranges, semantics). Two programs are the same
exactly if their bytes are; a decoder therefore re-encodes and compares.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import cbor2

from zkml.errors import ProgramFormatError, ProgramRangeError

R1CS_NOVA = "r1cs-nova"  # R1CS folded by Nova
SEGMENT = "segment"  # sumchecks over the trace of a fold
ARITHMETISATIONS = (R1CS_NOVA, SEGMENT)


@dataclass(frozen=True)
class Layer:
    """One dense layer: Z = X·W (+ 2^f_x·bias), Y = rescale(Z), X' = relu ? max(Y, 0) : Y.

    name: 1-64 characters of [A-Za-z0-9_./-]; d_in, d_out: 1..2^20; y_bits: declared width of Y, 2..48;
    grad_bits: declared width of the gradient of the layer's output, 2..48, or 0 in the last layer;
    init_range: genesis weights are uniform in [-init_range, init_range], at scale f_w.
    """

    name: str
    d_in: int
    d_out: int
    bias: bool
    relu: bool
    y_bits: int
    grad_bits: int
    init_range: int

    @property
    def rows(self) -> int:
        """Rows of the weight matrix: d_in, and one more for the bias."""
        return self.d_in + self.bias


@dataclass(frozen=True)
class Program:
    """One training step and the shape of the run (protocol §3). Checked on construction.

    arithmetisation: how folds are proven, "r1cs-nova" or "segment" (input_bits up to 16, no ReLU in the last
    layer); batch B, k steps per fold, m folds per segment, max_segments, rows n of the training set;
    fractional bits f_x (activations), f_g (gradients); learning rate over batch lr/B = c·2^−kappa.

    Raises ProgramRangeError on construction if a field is outside its range, ProgramFormatError if it has
    another type than declared.
    """

    batch: int
    k: int
    m: int
    max_segments: int
    rows: int
    f_x: int
    f_g: int
    kappa: int
    c: int
    features: int
    input_bits: int
    input_signed: bool
    classes: int
    layers: tuple[Layer, ...]
    arithmetisation: str = R1CS_NOVA

    def __post_init__(self) -> None:
        _check_types(self)
        _check_ranges(self)

    @property
    def f_w(self) -> int:
        """Fractional bits of the weights: f_x + f_g + kappa, so that an update needs no rounding."""
        return self.f_x + self.f_g + self.kappa

    @property
    def steps(self) -> int:
        """Largest number of steps of a run: max_segments·m·k. All widths are sized for it."""
        return self.max_segments * self.m * self.k

    @property
    def widths(self) -> tuple[int, ...]:
        """Features, then every layer's outputs."""
        return (self.features, *(layer.d_out for layer in self.layers))

    @property
    def input_range(self) -> tuple[int, int]:
        """Smallest and largest admissible input value."""
        if self.input_signed:
            return -(1 << (self.input_bits - 1)), (1 << (self.input_bits - 1)) - 1
        return 0, (1 << self.input_bits) - 1

    def encode(self) -> bytes:
        """Canonical CBOR (RFC 8949 §4.2.1)."""
        layers = [[getattr(layer, name) for name in _LAYER_FIELDS] for layer in self.layers]
        head = [getattr(self, name) for name in _HEAD_FIELDS]
        inputs = [self.features, self.input_bits, self.input_signed]
        first = [_VERSION, self.arithmetisation]
        return cbor2.dumps([*first, *head, inputs, self.classes, layers], canonical=True)

    def digest(self) -> bytes:
        """SHA-256 of the encoding: the program's identity, 32 bytes."""
        return hashlib.sha256(self.encode()).digest()

    @staticmethod
    def decode(data: bytes) -> Program:
        """The program with exactly this encoding.

        Raises ProgramFormatError for anything but the canonical bytes of a program, ProgramRangeError for a
        field out of range. The static analysis is separate: `zkml.analysis.analyse`.
        """
        if len(data) > _MAX_BYTES:
            raise ProgramFormatError(f"program: {len(data)} bytes, a valid one has at most {_MAX_BYTES}")
        top = _array(_parse(data), 14, "program")
        if top[0] != _VERSION or top[1] not in ARITHMETISATIONS:
            known = " or ".join(map(repr, ARITHMETISATIONS))
            raise ProgramFormatError(f"program: expected {_VERSION!r}, {known}, got {top[0]!r}, {top[1]!r}")
        inputs, classes, layers = (
            _array(top[11], 3, "program inputs"),
            top[12],
            _array(top[13], None, "layers"),
        )
        parsed = tuple(Layer(*_array(entry, 8, "layer")) for entry in layers)
        values = [*top[2:11], *inputs, classes, parsed, top[1]]
        program = Program(*values)
        if program.encode() != data:
            raise ProgramFormatError("program: not the canonical encoding of its content (or trailing bytes)")
        return program


def _parse(data: bytes) -> object:
    try:
        value: object = cbor2.loads(data)
    except Exception as error:  # the decoder's set of exceptions is open: tags run their own converters
        raise ProgramFormatError(f"program: not CBOR: {error}") from error
    return value


def _array(value: object, length: int | None, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ProgramFormatError(f"{where}: expected an array, got {type(value).__name__}")
    if length is not None and len(value) != length:
        raise ProgramFormatError(f"{where}: expected {length} entries, got {len(value)}")
    return value


def _check_types(program: Program) -> None:
    owners: list[tuple[str, object]] = [("program", program)]
    if type(program.layers) is not tuple or not all(type(layer) is Layer for layer in program.layers):
        raise ProgramFormatError("program: layers must be a tuple of Layer")
    owners += [(f"layer {i + 1}", layer) for i, layer in enumerate(program.layers)]
    for where, owner in owners:
        for name, kind in type(owner).__annotations__.items():
            expected = _TYPES.get(kind)
            # `type is`, not isinstance: True is not an integer here.
            if expected and type(getattr(owner, name)) is not expected:
                got = type(getattr(owner, name)).__name__
                raise ProgramFormatError(f"{where}: {name} must be {expected.__name__}, got {got}")


def _check_ranges(program: Program) -> None:
    if program.arithmetisation not in ARITHMETISATIONS:
        known = " or ".join(map(repr, ARITHMETISATIONS))
        raise ProgramRangeError(f"program: arithmetisation must be {known}, got {program.arithmetisation!r}")
    for name, low, high in _PROGRAM_RANGES:
        _within("program", name, getattr(program, name), low, high)
    if program.f_x > program.f_g:
        raise ProgramRangeError(f"program: f_x must be at most f_g, got f_x={program.f_x}, f_g={program.f_g}")
    layers = program.layers
    _within("program", "number of layers", len(layers), 1, 64)
    for i, layer in enumerate(layers):
        where, last = f"layer {i + 1}", i == len(layers) - 1
        if not _NAME.fullmatch(layer.name):
            raise ProgramRangeError(f"{where}: name must be 1-64 of [A-Za-z0-9_./-], got {layer.name!r}")
        for name, low, high in _LAYER_RANGES:
            _within(where, name, getattr(layer, name), low, high)
        _within(where, "grad_bits", layer.grad_bits, *((0, 0) if last else (2, 48)))
        expected = layers[i - 1].d_out if i else program.features
        if layer.d_in != expected:
            raise ProgramRangeError(
                f"{where}: d_in must be {expected}, what comes before it, got {layer.d_in}"
            )
    if layers[-1].d_out != program.classes:
        raise ProgramRangeError(
            f"program: classes must be {layers[-1].d_out}, the last d_out, got {program.classes}"
        )
    if len({layer.name for layer in layers}) != len(layers):
        raise ProgramRangeError("program: two layers have the same name")
    if program.arithmetisation == SEGMENT:
        _within("program", "input_bits", program.input_bits, 1, 16)
        if layers[-1].relu:
            raise ProgramRangeError(
                f"layer {len(layers)}: relu must be False in the last layer of a segment program"
            )


def _within(where: str, name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ProgramRangeError(f"{where}: {name} must be in [{low}, {high}], got {value}")


_VERSION = "escapement/program/1"
_HEAD_FIELDS = ("batch", "k", "m", "max_segments", "rows", "f_x", "f_g", "kappa", "c")
_LAYER_FIELDS = ("name", "d_in", "d_out", "bias", "relu", "y_bits", "grad_bits", "init_range")
_TYPES = {"int": int, "bool": bool, "str": str}
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_MAX_BYTES = 8192  # 64 layers of at most 93 bytes and a head of at most 120
_PROGRAM_RANGES = (
    ("batch", 1, 4096),
    ("k", 1, 4096),
    ("m", 1, 1 << 20),
    ("max_segments", 1, 1 << 32),
    ("rows", 2, 1 << 30),
    ("f_x", 1, 30),
    ("f_g", 1, 30),
    ("kappa", 0, 40),
    ("c", 1, 1 << 20),
    ("features", 1, 1 << 20),
    ("input_bits", 1, 24),
    ("classes", 2, 4096),
)
_LAYER_RANGES = (
    ("d_in", 1, 1 << 20),
    ("d_out", 1, 1 << 20),
    ("y_bits", 2, 48),
    ("init_range", 0, 1 << 40),
)
