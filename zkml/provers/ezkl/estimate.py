"""What ezkl will take, from the rows and columns of its circuit; nothing is compiled or exported for it.

With R = 2^logrows rows and b blocks of columns (`layout`):

    step       ≈ 0.45 s + 11.9 µs·b'·R·logrows         b' = 1 + 0.5·(b − 1)
    keys       ≈ 0.3 s + 11 µs·b'·R·logrows            reference string ≈ 140 µs·R, torch ≈ 4.6 s
    memory     ≈ 98 MB + 23.9 kB·b'·R while proving    at least torch's 900 MB
    files      ≈ 11.02 kB·b'·R and the reference string

fitted to proofs of four sizes, R = 2^11, 2^13, 2^14 and 2^17, on two idle cores of an AMD EPYC machine. What
more blocks cost is from R = 2^14, b = 2 alone.
"""

from __future__ import annotations

from math import ceil

from zkml.program import Program
from zkml.provers.ezkl.layout import layout
from zkml.provers.ezkl.srs import file_size
from zkml.provers.interface import Estimate


def estimate(program: Program) -> Estimate:
    """Seconds and bytes of set-up and step. Raises ProverUnsupported if the program has no circuit."""
    shape = layout(program)
    rows, blocks = 1 << shape.logrows, shape.blocks
    wide = rows * (1 + _MORE_PER_BLOCK * (blocks - 1))
    work = wide * shape.logrows
    hashed = program.rows * (program.features + 1)
    set_up = _TORCH_SECONDS + _SRS_SECONDS * rows + 0.3 + _KEYS_SECONDS * work + _HASH_SECONDS * hashed
    return Estimate(
        seconds_per_step=0.45 + _STEP_SECONDS * work,
        set_up_seconds=set_up,
        memory_bytes=max(_TORCH_BYTES, ceil(98e6 + _STEP_BYTES * wide)),
        disk_bytes=ceil(_KEY_BYTES * wide) + file_size(shape.logrows),
        source=f"a model of ezkl 23.0.5 fitted to steps of 2^11 to 2^17 rows on two cores; this one has "
        f"2^{shape.logrows}",
    )


_MORE_PER_BLOCK = 0.5
_TORCH_SECONDS = 4.6
_TORCH_BYTES = 900_000_000
_SRS_SECONDS = 1.4e-4
_KEYS_SECONDS = 1.1e-5
_STEP_SECONDS = 1.19e-5
_STEP_BYTES = 23_900
_KEY_BYTES = 11_020
_HASH_SECONDS = 9.5e-5  # Poseidon of one element of a row, one core
