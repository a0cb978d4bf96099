"""What a run will cost, before anything is made: constraints, memory, disk, seconds.

The counts are exact; seconds and bytes are the model of `zkml.costs`.
"""

from dataclasses import dataclass
from pathlib import Path

import _escapement

from escapement import machine
from escapement.console import human_bytes
from escapement.errors import ResourceError
from zkml.costs import costs


@dataclass(frozen=True)
class Plan:
    """A run's cost. Times in seconds, sizes in bytes; `delay_seconds` is of one delay, 0 if unknown.

    Constraints are r1cs-nova's, `committed_per_fold` (padded values of trace and weights) is segment's.
    """

    program_digest: bytes
    arithmetisation: str
    scheme: str
    segments: int
    steps: int
    steps_per_fold: int
    folds_per_segment: int
    weights: int
    constraints_per_fold: int
    constraints_by_part: dict[str, int]
    committed_per_fold: int
    prove_seconds_per_step: float
    delay_seconds: float
    setup_seconds: float
    compress_seconds: float
    total_seconds: float
    peak_memory_bytes: int
    disk_bytes: int
    proof_bytes: int


def estimate(program: bytes, *, scheme: str, segments: int, delay_seconds: float = 0.0) -> Plan:
    """The Plan of `segments` segments of a program; about a second, for the exact constraint counts."""
    info = _escapement.program_info(program)
    cost = costs(program, info)
    folds = segments * info["m"]
    segment_seconds = cost.fold_seconds * info["m"]
    # Nothing can be proven during the first delay; then segment i is proven while delay i runs.
    total = (
        cost.setup_seconds
        + delay_seconds
        + segment_seconds
        + (segments - 1) * max(delay_seconds, segment_seconds)
        + cost.last_seconds
    )
    proof_bytes = folds * cost.fold_bytes + cost.last_bytes
    return Plan(
        program_digest=info["digest"],
        arithmetisation=info["arithmetisation"],
        scheme=scheme,
        segments=segments,
        steps=folds * info["k"],
        steps_per_fold=info["k"],
        folds_per_segment=info["m"],
        weights=info["weights"],
        constraints_per_fold=cost.constraints,
        constraints_by_part=cost.by_part,
        committed_per_fold=cost.committed,
        prove_seconds_per_step=cost.fold_seconds / info["k"],
        delay_seconds=delay_seconds,
        setup_seconds=cost.setup_seconds,
        compress_seconds=cost.last_seconds,
        total_seconds=total,
        peak_memory_bytes=int(cost.memory_bytes),
        disk_bytes=int(
            2 * cost.state_bytes + cost.cache_bytes + proof_bytes + segments * info["weights"] * 8
        ),
        proof_bytes=proof_bytes,
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
