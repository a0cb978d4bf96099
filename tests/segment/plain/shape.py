"""All sizes and layouts: functions of the program alone.

Letters: k steps, B samples per step, lR = lk + lB row variables (step bits, then sample bits); layer l =
1..L has d_{l−1} inputs and d_l outputs, a_l = log2up(d_{l−1}), b_l = log2up(d_l); s = f_w bits of every
rescale, one = 2^f_x, up = 2^(f_g−f_x). Polynomials: F trace and multiplicities, W weights, D dataset, S
selection (y ‖ s). Slots of 2^v values lie at multiples of 2^v, so a slot is the subcube with leading bits
offset/2^v. One size n_max for all commitments but D's blocks, which have it too at most.

Widths of a layer's tensors: V y_bits−1; Ef t_f−1−s and Ex t_b−1−s, absent if the program's analysis rules
the clamp out; rho and sigma s; U grad_bits; M and N are bits and not looked up.
"""

import hashlib
from dataclasses import dataclass, field

from .encoding import cbor
from .field import Point, bits, log2up


@dataclass(frozen=True)
class Layer:
    """A dense layer; grad_bits is 0 and relu False in the last one."""

    name: str
    d_in: int
    d_out: int
    bias: bool
    relu: bool
    y_bits: int
    grad_bits: int
    init_range: int


@dataclass(frozen=True)
class Program:
    """docs/protocol.md §3 with arithmetisation "segment"."""

    B: int
    k: int
    m: int
    max_segments: int
    n: int
    f_x: int
    f_g: int
    kappa: int
    c: int
    features: int
    input_bits: int
    input_signed: bool
    classes: int
    layers: tuple[Layer, ...]

    def encode(self) -> bytes:
        """Canonical bytes."""
        head = [self.B, self.k, self.m, self.max_segments, self.n, self.f_x, self.f_g, self.kappa, self.c]
        inputs = [self.features, self.input_bits, self.input_signed]
        layers = [list(vars(layer).values()) for layer in self.layers]
        return cbor(["escapement/program/1", "segment", *head, inputs, self.classes, layers])

    def digest_halves(self) -> list[int]:
        """SHA-256 of the bytes, high and low 128 bits."""
        digest = hashlib.sha256(self.encode()).digest()
        return [int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")]


@dataclass(frozen=True)
class Slot:
    """2^variables consecutive values at `offset`."""

    offset: int
    variables: int

    def prefix(self, n: int) -> Point:
        """Its leading bits inside a polynomial of n variables."""
        return bits(self.offset >> self.variables, n - self.variables)


@dataclass
class LayerShape:
    """One layer; tensors: (name, width) in order, bits M and N included."""

    a: int
    b: int
    d_in: int
    d_out: int
    bias: bool
    relu: bool
    v_max: int
    offset: int  # 2^(grad_bits−1), of the gradient at this layer's output
    u_max: int
    tensors: list[tuple[str, int]] = field(default_factory=list)


class Shape:
    """Everything above for one program."""

    def __init__(self, program: Program) -> None:
        p = self.program = program
        assert not p.layers[-1].relu and p.input_bits <= 16 and all(layer.y_bits >= 2 for layer in p.layers)
        self.L, self.k, self.B, self.n, self.c, self.s = (
            len(p.layers),
            p.k,
            p.B,
            p.n,
            p.c,
            p.f_x + p.f_g + p.kappa,
        )
        self.one, self.up = 1 << p.f_x, 1 << (p.f_g - p.f_x)
        self.x_offset = 1 << (p.input_bits - 1) if p.input_signed else 0
        self.d_0, self.classes = p.features, p.classes
        self.lk, self.lB, self.lN, self.lcl = log2up(p.k), log2up(p.B), log2up(p.n), log2up(p.classes)
        self.lR = self.lk + self.lB
        t_f, t_b = widths(p)
        self.layers = [self._layer(i, t_f[i], t_b[i + 1] if i + 1 < self.L else None) for i in range(self.L)]
        self.cmax = max(v for layer in self.layers for v in (layer.a, layer.b))
        self.q = min(
            range(8, 17), key=lambda q: (sum(1 << key[3] for key in self._looked_up(q)) + (2 << q), q)
        )
        self._trace_layout()
        self._other_layouts()
        self.n_max = max(self.n_F, self.n_W, self.n_S, p.input_bits + 1)
        assert max(self.n_F, self.n_W) <= 26 and self.n_D <= 30 and p.k * p.B <= 1 << 16

    def layer(self, l: int) -> LayerShape:
        """Layer l, from 1."""
        return self.layers[l - 1]

    def columns(self, l: int) -> int:
        """Column variables of X_l."""
        return self.layers[l - 1].b if l else self.layers[0].a

    def width(self, l: int) -> int:
        """Real columns d_l of X_l."""
        return self.layers[l - 1].d_out if l else self.d_0

    def real_rows(self) -> list[int]:
        """Rows t of samples that exist, in the order of the indices."""
        return [(step << self.lB) + b for step in range(self.k) for b in range(self.B)]

    def chunks(self, l: int, tensor: str, width: int) -> list[tuple[int, Slot]]:
        """A tensor as a linear form over slots of F: (coefficient, slot)."""
        if tensor in "MN":
            return [(1, self.slots[l, tensor, 0])]
        return [(1 << (self.q * j), self.slots[l, tensor, j]) for j in range(-(-width // self.q))]

    def _layer(self, i: int, t_f: int, t_b: int | None) -> LayerShape:
        spec, s = self.program.layers[i], self.s
        half = 1 << (spec.grad_bits - 1) if t_b is not None else 0
        a, b = log2up(spec.d_in), log2up(spec.d_out)
        v_max = (1 << (spec.y_bits - 1)) - 1
        layer = LayerShape(a, b, spec.d_in, spec.d_out, spec.bias, spec.relu, v_max, half, 2 * half - 1)
        clamps = t_f > s + spec.y_bits
        layer.tensors = [("M", 1), ("V", spec.y_bits - 1), *[("Ef", t_f - 1 - s)] * clamps, ("rho", s)]
        if t_b is not None:
            clamps = t_b > s + spec.grad_bits
            layer.tensors += [("N", 1), ("U", spec.grad_bits), *[("Ex", t_b - 1 - s)] * clamps, ("sigma", s)]
        return layer

    def _looked_up(self, q: int) -> list[tuple[int, str, int, int, int]]:
        """(layer, tensor, chunk, variables, width) of every looked-up slot, by layer, tensor, chunk."""
        return [
            (l, tensor, j, self.lR + layer.b, min(q, width - j * q))
            for l, layer in enumerate(self.layers, 1)
            for tensor, width in layer.tensors
            if tensor not in "MN"
            for j in range(-(-width // q))
        ]

    def _trace_layout(self) -> None:
        looked_up = self._looked_up(self.q)
        self.slots, end = pack([((l, t, j), v) for l, t, j, v, _ in looked_up], 0)
        self.tags = {(l, t, j): width for l, t, j, _, width in looked_up}
        self.n1 = max(log2up(end), self.q + 1)
        bit_slots = [
            ((l, t, 0), self.lR + layer.b)
            for l, layer in enumerate(self.layers, 1)
            for t, _ in layer.tensors
            if t in "MN"
        ]
        second, end = pack([*bit_slots, ("mult", self.q + 1)], 1 << self.n1)
        self.slots |= second
        self.n_F = log2up(end)

    def _other_layouts(self) -> None:
        parts: list[tuple[object, int]] = []
        for l, layer in enumerate(self.layers, 1):
            parts += [(("W", l), layer.a + layer.b), *[(("bias", l), layer.b)] * layer.bias]
        self.w_slots, end = pack(parts, 0)
        self.n_W = log2up(end)
        self.loff = -(-self.d_0 >> self.lcl) << self.lcl  # d_0 rounded up to a multiple of 2^lcl
        self.lC = log2up(self.loff + (1 << self.lcl))
        self.n_D = max(self.lN + self.lC, self.program.input_bits + 1)
        self.n_m = self.program.input_bits + 1
        self.s_slots, end = pack([("y", self.lC), ("s", self.lN)], 0)
        self.n_S = log2up(end)


def pack(parts: list[tuple[object, int]], offset: int) -> tuple[dict[object, Slot], int]:
    """Slots for (key, variables), larger first and otherwise in this order, from `offset`; and the end."""
    slots = {}
    for key, variables in sorted(parts, key=lambda part: -part[1]):
        slots[key] = Slot(offset, variables)
        offset += 1 << variables
    return slots, offset


def widths(p: Program) -> tuple[list[int], list[int]]:
    """t of each layer's forward and backward rescale (docs/protocol.md §3); the first has no backward one."""
    s, steps = p.f_x + p.f_g + p.kappa, p.max_segments * p.m * p.k
    forward, backward = [], []
    xmax = 1 << (p.input_bits - 1) if p.input_signed else (1 << p.input_bits) - 1
    below = 0  # grad_bits of the layer below
    for i, layer in enumerate(p.layers):
        constant = layer.bias << p.f_x
        loss = ((1 << (layer.y_bits - 1)) + (1 << p.f_x)) << (p.f_g - p.f_x)
        gmax = 1 << (layer.grad_bits - 1) if i + 1 < len(p.layers) else loss
        wmax = layer.init_range + steps * p.c * p.B * max(xmax, constant) * gmax
        zmax, emax = (layer.d_in * xmax + constant) * wmax, layer.d_out * gmax * wmax
        assert wmax < 1 << 62 and zmax < 1 << 126 and (emax < 1 << 126 or not i)
        forward.append(rescale_width(zmax, s, layer.y_bits))
        backward.append(rescale_width(emax, s, below) if i else 0)
        xmax, below = 1 << (layer.y_bits - 1), layer.grad_bits
    return forward, backward


def rescale_width(v: int, s: int, b: int) -> int:
    """The larger of s + b and the smallest t with v + 2^(s−1) ≤ 2^(t−1) − 1."""
    return max(s + b, (v + (1 << (s - 1))).bit_length() + 1)
