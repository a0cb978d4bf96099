"""A checkpoint's weights on disk: one safetensors file that other tools can open.

Tensors: `<layer>.weight` (d_in × d_out) and, with a bias, `<layer>.bias` (d_out), int64; a real weight is the
integer times 2^−fractional_bits. The native border's bytes are per layer row-major little-endian, the bias
row last.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _escapement
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors

from ivc.errors import Malformed
from ivc.program import program_info
from ivc.storage import save

Weights = list[npt.NDArray[np.int64]]  # per layer (d_in + 1 if bias, d_out), the bias row last


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint number `index` of a run: its commitment, and its weights as the native border's bytes."""

    index: int
    commitment: bytes
    weights: bytes


def save_checkpoint(path: Path, program: bytes, manifest_digest: bytes, checkpoint: Checkpoint) -> None:
    """Write it, readable by its owner only; raises Resources `disk-full`, StorageError."""
    tensors: dict[str, npt.NDArray[np.int64]] = {}
    for layer, matrix in zip(program_info(program).layers, arrays(program, checkpoint.weights), strict=True):
        tensors[f"{layer.name}.weight"] = matrix[: layer.d_in]
        if layer.bias:
            tensors[f"{layer.name}.bias"] = matrix[layer.d_in]
    raw = _escapement.program_info(program)
    metadata = {
        "format": FORMAT,
        "manifest": manifest_digest.hex(),
        "index": str(checkpoint.index),
        "checkpoint": checkpoint.commitment.hex(),
        "fractional_bits": str(raw["f_x"] + raw["f_g"] + raw["kappa"]),
    }
    save(path, to_safetensors({k: np.ascontiguousarray(v) for k, v in tensors.items()}, metadata), mode=0o600)


def load_checkpoint(path: Path, program: bytes, manifest_digest: bytes, index: int) -> Checkpoint:
    """The checkpoint in a file; raises Malformed `checkpoint-damaged` unless it is this run's and whole.

    Whether the weights open the commitment is for the caller, who has key and log.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            expected = {"format": FORMAT, "manifest": manifest_digest.hex(), "index": str(index)}
            for name, value in expected.items():
                if metadata.get(name) != value:
                    raise Malformed(
                        "checkpoint-damaged", f"{path}: {name} {value} expected, got {metadata.get(name)}"
                    )
            parts = []
            for layer in program_info(program).layers:
                parts.append(_tensor(file, path, f"{layer.name}.weight", (layer.d_in, layer.d_out)))
                if layer.bias:
                    parts.append(_tensor(file, path, f"{layer.name}.bias", (layer.d_out,)))
            commitment = bytes.fromhex(metadata.get("checkpoint", ""))
    except (OSError, SafetensorError, ValueError) as error:
        raise Malformed("checkpoint-damaged", f"{path}: {error}") from error
    return Checkpoint(index, commitment, b"".join(parts))


def arrays(program: bytes, weights: bytes) -> Weights:
    """The native border's bytes as one matrix per layer."""
    flat, made, start = np.frombuffer(weights, dtype="<i8"), [], 0
    for layer in program_info(program).layers:
        rows = layer.d_in + layer.bias
        made.append(flat[start : start + rows * layer.d_out].reshape(rows, layer.d_out).astype(np.int64))
        start += rows * layer.d_out
    return made


def _tensor(file: Any, path: Path, name: str, shape: tuple[int, ...]) -> bytes:
    tensor = file.get_tensor(name)
    if tensor.dtype != np.int64 or tensor.shape != shape:
        raise Malformed(
            "checkpoint-damaged", f"{path}: {name} int64 {shape} expected, got {tensor.dtype} {tensor.shape}"
        )
    return bytes(tensor.astype("<i8").tobytes())


FORMAT = "escapement/checkpoint/1"
