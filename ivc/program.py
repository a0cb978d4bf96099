"""A program as the chain sees it: opaque canonical bytes, and the numbers that verifier and statement need.

The native module decodes it and checks every range and the static analysis of protocol §3.
"""

from dataclasses import dataclass

import _escapement

from ivc.errors import native_errors


@dataclass(frozen=True)
class Layer:
    """One dense layer: `d_in` × `d_out` weights, and `d_out` more if `bias`."""

    name: str
    d_in: int
    d_out: int
    bias: bool
    relu: bool


@dataclass(frozen=True)
class ProgramInfo:
    """Sizes of a checked program; `max_segments` is how many its widths are sized for.

    `arithmetisation`: "r1cs-nova" or "segment"; it alone decides how runs are proven and verified.
    """

    digest: bytes
    arithmetisation: str
    batch: int
    steps_per_fold: int
    folds_per_segment: int
    max_segments: int
    rows: int
    classes: int
    weights: int
    layers: tuple[Layer, ...]


def program_info(program: bytes) -> ProgramInfo:
    """Decode and analyse a program; raises Malformed `program-invalid`."""
    with native_errors("program"):
        info = _escapement.program_info(program)
    layers = tuple(
        Layer(layer["name"], layer["d_in"], layer["d_out"], layer["bias"], layer["relu"])
        for layer in info["layers"]
    )
    return ProgramInfo(
        digest=info["digest"],
        arithmetisation=info["arithmetisation"],
        batch=info["batch"],
        steps_per_fold=info["k"],
        folds_per_segment=info["m"],
        max_segments=info["max_segments"],
        rows=info["rows"],
        classes=info["classes"],
        weights=info["weights"],
        layers=layers,
    )


NOVA, SEGMENT = "r1cs-nova", "segment"
