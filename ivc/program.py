"""A program as the chain sees it: opaque canonical bytes, and the numbers that verifier and statement need.

The native module decodes it, checks every range and the static analysis of protocol §3, and computes C_0.
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
    """Sizes of a checked program; `max_segments` is how many its widths are sized for."""

    digest: bytes
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
        batch=info["batch"],
        steps_per_fold=info["k"],
        folds_per_segment=info["m"],
        max_segments=info["max_segments"],
        rows=info["rows"],
        classes=info["classes"],
        weights=info["weights"],
        layers=layers,
    )


def genesis_commitment(program: bytes, nonce: bytes) -> bytes:
    """C_0: the commitment to the weights that `nonce` gives (protocol §4), blind 0."""
    with native_errors("genesis"):
        return _escapement.genesis_commitment(program, nonce)
