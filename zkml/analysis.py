"""Static analysis of a program: bounds on every value for the run's largest number of steps (protocol §3).

    xmax_0 = 2^input_bits − 1, or 2^(input_bits−1) if signed           xmax_l = 2^(y_bits−1)
    gmax_L = (2^(y_bits−1) + 2^f_x)·2^(f_g−f_x)                        gmax_l = 2^(grad_bits−1), l < L
    wmax_l = init_range + steps·c·B·max(xmax_{l−1}, 2^f_x if bias)·gmax_l
    zmax_l = (d_in·xmax_{l−1} + (2^f_x if bias))·wmax_l                emax_l = d_out·gmax_l·wmax_l, l ≥ 2

t(v, s, b) is the width in which a rescale of |z| ≤ v by s bits to b bits is decomposed; a slot has
S = t + 1 bits. Required: wmax < 2^62, zmax and emax < 2^126, t ≤ 127: so that the executors' integers
hold weights and sums, and packed sums stay below 2^252 < p/2.
Cost: O(layers) on Python integers.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkml.errors import ProgramOverflowError
from zkml.program import SEGMENT, Layer, Program
from zkml.segment_size import check_size, segment_size


@dataclass(frozen=True)
class LayerBounds:
    """Bounds on absolute values in one layer, and the widths that follow; emax, e_bits are 0 in layer 1.

    xmax: the layer's input; wmax: weights and biases; zmax: sums of the forward product; gmax: gradient of
    Z; emax: sums of the backward product. z_bits, e_bits: t of the two rescales; z_slot, e_slot: S = t + 1.
    """

    name: str
    xmax: int
    wmax: int
    zmax: int
    gmax: int
    emax: int
    z_bits: int
    e_bits: int

    @property
    def z_slot(self) -> int:
        """Slot width S of the forward packing, bits."""
        return self.z_bits + 1

    @property
    def e_slot(self) -> int:
        """Slot width S of the backward packing, bits; 0 in layer 1, which has none."""
        return self.e_bits + 1 if self.e_bits else 0


@dataclass(frozen=True)
class Analysis:
    """Bounds per layer, valid for at most `steps` steps."""

    steps: int
    layers: tuple[LayerBounds, ...]


def analyse(program: Program) -> Analysis:
    """Bounds of `program`. Raises ProgramOverflowError, naming the tensor and the bits it needs."""
    analysis = Analysis(program.steps, tuple(_layer_bounds(program, i) for i in range(len(program.layers))))
    for bounds in analysis.layers:
        _require(bounds.name, "weights", bounds.wmax.bit_length(), 62)
        _require(bounds.name, "sums Z", bounds.zmax.bit_length(), 126)
        _require(bounds.name, "sums E", bounds.emax.bit_length(), 126)
        _require(bounds.name, "rescale of Z", bounds.z_bits, 127)
        _require(bounds.name, "rescale of E", bounds.e_bits, 127)
    if program.arithmetisation == SEGMENT:
        check_size(segment_size(program, [(b.z_bits, b.e_bits) for b in analysis.layers]))
        return analysis
    size = _size(program, analysis)
    if size > MAX_SIZE:
        raise ProgramOverflowError(
            f"fold of size {size}, at most {MAX_SIZE} is supported; lower k, the batch or the layers' sizes"
        )
    return analysis


def rescale_width(v: int, shift: int, bits: int) -> int:
    """t(v, s, b): the larger of s + b and the smallest t with v + 2^(s−1) ≤ 2^(t−1) − 1 (s ≥ 1)."""
    return max(shift + bits, (v + (1 << (shift - 1))).bit_length() + 1)


def _layer_bounds(program: Program, i: int) -> LayerBounds:
    layer, last = program.layers[i], i == len(program.layers) - 1
    below: Layer | None = program.layers[i - 1] if i else None
    xmax = 1 << (below.y_bits - 1) if below else max(abs(v) for v in program.input_range)
    constant = (1 << program.f_x) * layer.bias
    gmax = 1 << (layer.grad_bits - 1) if not last else _loss_bound(program, layer)
    wmax = layer.init_range + program.steps * program.c * program.batch * max(xmax, constant) * gmax
    zmax = (layer.d_in * xmax + constant) * wmax
    emax = layer.d_out * gmax * wmax if below else 0
    z_bits = rescale_width(zmax, program.f_w, layer.y_bits)
    e_bits = rescale_width(emax, program.f_w, below.grad_bits) if below else 0
    return LayerBounds(layer.name, xmax, wmax, zmax, gmax, emax, z_bits, e_bits)


def _size(program: Program, analysis: Analysis) -> int:
    """Weights + k·B·(features·input_bits + Σ (d_out·t_forward + d_in·t_backward)): bounds rows and memory."""
    bits = program.features * program.input_bits
    bits += sum(
        layer.d_out * bounds.z_bits + layer.d_in * bounds.e_bits
        for layer, bounds in zip(program.layers, analysis.layers, strict=True)
    )
    return sum(layer.rows * layer.d_out for layer in program.layers) + program.k * program.batch * bits


def _loss_bound(program: Program, layer: Layer) -> int:
    """gmax_L: |X − T| ≤ 2^(y_bits−1) + 2^f_x, moved from scale f_x to f_g."""
    return ((1 << (layer.y_bits - 1)) + (1 << program.f_x)) << (program.f_g - program.f_x)


def _require(name: str, tensor: str, needed: int, limit: int) -> None:
    if needed > limit:
        raise ProgramOverflowError(
            f"layer {name!r}, {tensor}: needs {needed} bits for the largest run, {limit} are available; "
            "lower max_segments·m·k, the learning rate, f_x, f_g or the layer's y_bits and grad_bits"
        )


MAX_SIZE = 1 << 21  # knob: about half the rows that 24 GB can set up
