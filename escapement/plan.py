"""What a run will cost, before anything is made: constraints, memory, disk, seconds.

The counts are exact; seconds and bytes are a model, linear in rows, fitted to `benchmarks/step.py` on a
2-core machine with AVX-512. With r rows per fold and P = max(r, variables) rounded up to a power
of two: fold = FOLD + ROW·r, compression = COMPRESS + COMPRESS_ROW·P, memory = MEMORY + MEMORY_ROW·r.
"""

from dataclasses import dataclass
from pathlib import Path

import _escapement

from escapement import machine
from escapement.console import human_bytes
from escapement.errors import ResourceError
from vdf.cores import usable_cores


@dataclass(frozen=True)
class Plan:
    """A run's cost. Times in seconds, sizes in bytes; `delay_seconds` is of one delay, 0 if unknown."""

    program_digest: bytes
    scheme: str
    segments: int
    steps: int
    steps_per_fold: int
    folds_per_segment: int
    weights: int
    constraints_per_fold: int
    constraints_by_part: dict[str, int]
    prove_seconds_per_step: float
    delay_seconds: float
    setup_seconds: float
    compress_seconds: float
    total_seconds: float
    peak_memory_bytes: int
    disk_bytes: int


def estimate(program: bytes, *, scheme: str, segments: int, delay_seconds: float = 0.0) -> Plan:
    """The Plan of `segments` segments of a program; about a second, for the exact constraint counts."""
    info, counts = _escapement.program_info(program), _escapement.constraints(program)
    rows = counts["primary"]
    padded = 1 << (max(rows, counts["variables"]) - 1).bit_length()
    speed = REFERENCE_CORES / min(usable_cores(), MOST_CORES)
    fold_seconds = speed * (FOLD + ROW * rows)
    setup = speed * (SETUP + SETUP_ROW * padded)
    compress = speed * (COMPRESS + COMPRESS_ROW * padded)
    segment_seconds = fold_seconds * info["m"]
    # Nothing can be proven during the first delay; then segment i is proven while delay i runs.
    total = (
        setup
        + delay_seconds
        + segment_seconds
        + (segments - 1) * max(delay_seconds, segment_seconds)
        + compress
    )
    return Plan(
        program_digest=info["digest"],
        scheme=scheme,
        segments=segments,
        steps=segments * info["m"] * info["k"],
        steps_per_fold=info["k"],
        folds_per_segment=info["m"],
        weights=info["weights"],
        constraints_per_fold=rows,
        constraints_by_part=dict(counts["by_part"]),
        prove_seconds_per_step=fold_seconds / info["k"],
        delay_seconds=delay_seconds,
        setup_seconds=setup,
        compress_seconds=compress,
        total_seconds=total,
        peak_memory_bytes=int(MEMORY + MEMORY_ROW * rows),
        disk_bytes=int(2 * STATE_ROW * rows + KEY_ROW * padded + segments * info["weights"] * 8),
    )


def require_fits(plan: Plan, folder: Path) -> None:
    """Raise ResourceError `memory` or `disk` (exit 4) when the plan cannot fit on this machine."""
    memory, disk = machine.available_memory(), machine.free_disk(folder)
    if plan.peak_memory_bytes > memory:
        raise ResourceError(
            "memory",
            f"Proving needs about {human_bytes(plan.peak_memory_bytes)} of memory, {human_bytes(memory)} are "
            "available: free some, or lower steps_per_fold, batch or the layers' sizes.",
        )
    if plan.disk_bytes > disk:
        raise ResourceError(
            "disk",
            f"The run needs about {human_bytes(plan.disk_bytes)} under {folder}, "
            f"{human_bytes(disk)} are free: free some, or choose another folder.",
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
MEMORY_ROW = 5050  # bytes per row
STATE_ROW = 100  # bytes per row of a saved running proof; two are kept
KEY_ROW = 800  # bytes per padded row of the cached set-up
