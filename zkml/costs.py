"""What one fold, the set-up and the end of a run cost, by arithmetisation: a model of measured constants.

r1cs-nova: linear in r, the rows of a fold, and P = max(r, variables) rounded up to a power of two; fitted
to `benchmarks/step.py`. segment: linear in the padded sizes of what is committed, 2^n_F values of the trace
and 2^n_W weights, and in the dataset's 2^n_D; fitted to
`benchmarks/segment.py`. All on 2 cores with AVX-512.
"""

from dataclasses import dataclass, field
from typing import Any

import _escapement

from vdf.cores import usable_cores
from zkml.program import SEGMENT


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes; `disk_per_fold` beside the two states; `last_bytes`: proofs made at the end."""

    fold_seconds: float
    setup_seconds: float
    last_seconds: float
    memory_bytes: float
    state_bytes: float
    cache_bytes: float
    fold_bytes: int
    last_bytes: int
    constraints: int = 0
    by_part: dict[str, int] = field(default_factory=dict)
    committed: int = 0


def costs(program: bytes, info: dict[str, Any]) -> Costs:
    """The costs of a program; about a second for the exact constraint counts of r1cs-nova."""
    speed = REFERENCE_CORES / min(usable_cores(), MOST_CORES)
    return _segment(program, speed) if info["arithmetisation"] == SEGMENT else _nova(program, speed)


def _nova(program: bytes, speed: float) -> Costs:
    counts = _escapement.constraints(program)
    rows = counts["primary"]
    padded = 1 << (max(rows, counts["variables"]) - 1).bit_length()
    return Costs(
        fold_seconds=speed * (FOLD + ROW * rows),
        setup_seconds=speed * (SETUP + SETUP_ROW * padded),
        last_seconds=speed * (COMPRESS + COMPRESS_ROW * padded),
        memory_bytes=MEMORY + MEMORY_ROW * rows + MEMORY_PADDED * padded,
        state_bytes=STATE_ROW * rows,
        cache_bytes=KEY_ROW * padded,
        fold_bytes=0,
        last_bytes=COMPRESSED,
        constraints=rows,
        by_part=dict(counts["by_part"]),
    )


def _segment(program: bytes, speed: float) -> Costs:
    sizes = _escapement.segment_proof_sizes(program)
    counts = _escapement.segment_size(program)
    trace, weights, rows = (1 << counts[name] for name in ("trace", "weights", "dataset"))
    generators = 1 << sizes["log_generators"]
    return Costs(
        fold_seconds=speed * (SEGMENT_FOLD + TRACE_VALUE * trace + WEIGHT * weights),
        setup_seconds=speed * (GENERATOR * generators + DATASET_COMMIT * rows),
        last_seconds=speed * (OPENED * generators + DATASET_VALUE * rows),
        memory_bytes=SEGMENT_MEMORY + TRACE_MEMORY * trace + DATASET_MEMORY * rows,
        state_bytes=32 * generators + 8 * weights,
        cache_bytes=64 * generators,
        fold_bytes=sizes["fold_bytes"],
        last_bytes=sizes["dataset_bytes"] + sizes["closing_bytes"],
        committed=trace + weights,
    )


# Knobs, all measured; renew them from benchmarks/results/ when the circuit or nova-snark changes.
REFERENCE_CORES = 2
MOST_CORES = 8  # beyond, folding gains little
FOLD = 0.16  # s: a fold of nothing
ROW = 3.8e-6  # s per row: a mix of small values and full-width ones; half as much again while a delay runs
SETUP = 2.4  # s
SETUP_ROW = 3.5e-5  # s per padded row: hashing generators and the digest
COMPRESS = 1.8  # s
COMPRESS_ROW = 5.6e-5  # s per padded row: inner-product argument; hyperkzg takes less
MEMORY = 5.5e8  # bytes
MEMORY_ROW = 1300  # bytes per row
MEMORY_PADDED = 4000  # bytes per padded row: the set-up; 17 GB were measured at 2^22, with 20 by this model
STATE_ROW = 100  # bytes per row of a saved running proof; two are kept
KEY_ROW = 800  # bytes per padded row of the cached set-up
COMPRESSED = 12_500  # bytes of a compressed proof, nearly whatever the program

SEGMENT_FOLD = 0.01  # s: rounds, whatever the size
TRACE_VALUE = 3e-7  # s per padded value of the trace polynomial
WEIGHT = 3e-7  # s per padded weight
GENERATOR = 5e-6  # s, the first time; later they are read
DATASET_COMMIT = 1.5e-7  # s per padded entry of the dataset
DATASET_VALUE = 3e-7  # s per padded entry: its range proof and the last reduction
OPENED = 1.1e-5  # s per generator: the last opening
SEGMENT_MEMORY = 1.5e8  # bytes
TRACE_MEMORY = 300  # bytes per padded value
DATASET_MEMORY = 120  # bytes per padded entry
