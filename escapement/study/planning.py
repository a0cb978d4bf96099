"""What a cell needs, before it is started: its program, the prover's estimate, and whether it fits here.

Nothing of a cell that does not fit is ever started; it is kept with its estimate. Estimates of large
r1cs-nova programs that are not measured are extrapolated from narrower layers, and say so.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from escapement import machine
from escapement.console import human_bytes, human_seconds
from escapement.study import work
from escapement.study.cells import PLAIN, Cell, Plan
from escapement.study.proving import backend_of
from zkml.errors import ProverMemory, ProverMissing, ProverUnsupported, ZkmlError
from zkml.program import R1CS_NOVA, Program
from zkml.provers.interface import Estimate


@dataclass(frozen=True)
class Planned:
    """A cell with its program and estimate. status: "" if it may be started, else why not, with `reason`.

    segments: how many the prover is asked for; seconds: about how long the cell takes, all told.
    """

    cell: Cell
    program: Program | None = None
    estimate: Estimate | None = None
    status: str = ""
    reason: str = ""
    segments: int = 0
    seconds: float = 0.0

    def described(self) -> dict[str, Any]:
        """The cell in the raw result's form, as yet without measurements."""
        cell, program = self.cell, self.program
        step = {
            "widths": list(cell.widths),
            "batch": cell.batch,
            "rows": cell.rows,
            "parameters": cell.parameters,
            "program": "" if program is None else program.digest().hex(),
        }
        return {
            "id": cell.id,
            "prover": cell.prover,
            "work": step,
            "k": cell.k,
            "m": cell.m,
            "scheme": cell.scheme,
            "axes": list(cell.axes),
            "status": self.status,
            "reason": self.reason,
            "insecure": None,
            "estimate": None if self.estimate is None else asdict(self.estimate),
            "measured": None,
        }


def planned(cell: Cell, plan: Plan, seed: int, scratch: Path) -> Planned:
    """Program, estimate and first verdict; up to some seconds for large r1cs-nova circuits."""
    if cell.prover in PLAIN:
        made = work.unchecked_program(cell, seed)
        return Planned(cell, made, seconds=PLAIN_SECONDS + (plan.blocks + 3) * plan.block_seconds)
    found = Planned(cell, segments=_segments(cell, plan))
    try:
        backend = backend_of(cell.prover, cell.scheme)
        backend.require()
        found = replace(found, program=work.unchecked_program(cell, seed))
        program = work.program(cell, seed)
        if cell.prover == R1CS_NOVA and cell.parameters > COUNTED:
            # Counting its constraints takes a minute and gigabytes: only where it may be measured.
            rough = _timed(replace(found, estimate=_from_narrower(program, backend.estimate)), plan, scratch)
            if rough.status:
                return rough
        found = replace(found, estimate=backend.estimate(program))
    except ProverMissing as error:
        return replace(found, status="not-installed", reason=str(error))
    except ProverMemory as error:
        return replace(found, status="does-not-fit", reason=str(error))
    except ProverUnsupported as error:
        return replace(found, status="skipped", reason=str(error))
    except ZkmlError as error:
        return _refused(found, error)
    except Exception as error:  # of another maker's code: it costs this cell, not the study
        return replace(found, status="failed", reason=f"{type(error).__name__}: {error}")
    return _timed(found, plan, scratch)


def unfit(estimate: Estimate | None, scratch: Path) -> str:
    """Why the estimate does not fit into what this machine has now; empty if it does, or if there is none."""
    if estimate is None:
        return ""
    memory, disk = machine.available_memory(), machine.free_disk(scratch)
    if estimate.memory_bytes > memory:
        return (
            f"needs about {human_bytes(estimate.memory_bytes)} of memory, {human_bytes(memory)} are "
            "available: fewer parameters, a smaller batch or fewer steps per fold need less"
        )
    if estimate.disk_bytes > disk:
        return (
            f"needs about {human_bytes(estimate.disk_bytes)} of disk under {scratch}, {human_bytes(disk)} "
            "are free: free some, or name another folder with --scratch"
        )
    return ""


def _segments(cell: Cell, plan: Plan) -> int:
    """So many that the folds are one more than those timed."""
    return max(1, -(-(plan.timed[cell.prover] + 1) // cell.m))


def _timed(found: Planned, plan: Plan, scratch: Path) -> Planned:
    """The verdict on a cell with an estimate: space first, then time."""
    estimate, cell = found.estimate, found.cell
    if estimate is None:
        return found
    steps = found.segments * cell.m * cell.k
    seconds = SET_UPS[cell.prover] * estimate.set_up_seconds + steps * estimate.seconds_per_step
    found = replace(found, seconds=START_SECONDS + seconds)
    if reason := unfit(estimate, scratch):
        return replace(found, status="does-not-fit", reason=reason)
    if found.seconds > plan.cell_seconds:
        reason = (
            f"would take about {human_seconds(found.seconds)}, above the {human_seconds(plan.cell_seconds)} "
            "of a cell in this plan: raise --cell-minutes"
        )
        return replace(found, status="skipped", reason=reason)
    return found


def _refused(found: Planned, error: ZkmlError) -> Planned:
    """A program that its arithmetisation refuses: too large, or anything else."""
    if error.code != "program-overflow":
        return replace(found, status="failed", reason=f"{error.code}: {error}")
    estimate = None
    if found.program is not None and found.program.arithmetisation == R1CS_NOVA:
        estimate = _from_narrower(found.program, backend_of(found.cell.prover, found.cell.scheme).estimate)
    return replace(found, status="does-not-fit", reason=f"refused: {error}", estimate=estimate)


def _from_narrower(program: Program, estimate: Callable[[Program], Estimate]) -> Estimate | None:
    """Linear in the hidden width, which constraints nearly are, through two narrow ones; two layers only.

    Set-up and keys grow in steps, by powers of two, which the line does not show.
    """
    if len(program.layers) != 2:
        return None
    narrow = [_narrowed(program, width) for width in NARROW]
    low, high = (estimate(one) for one in narrow)
    scale = (program.layers[0].d_out - NARROW[0]) / (NARROW[1] - NARROW[0])

    def at(name: str) -> float:
        below, above = getattr(low, name), getattr(high, name)
        return float(below + scale * (above - below))

    return Estimate(
        seconds_per_step=at("seconds_per_step"),
        set_up_seconds=at("set_up_seconds"),
        memory_bytes=int(at("memory_bytes")),
        disk_bytes=int(at("disk_bytes")),
        source=f"extrapolated along a line through hidden widths {NARROW[0]} and {NARROW[1]}",
    )


def _narrowed(program: Program, width: int) -> Program:
    first, last = program.layers
    return replace(program, layers=(replace(first, d_out=width), replace(last, d_in=width)))


PLAIN_SECONDS = 3.0  # importing, and finding how many steps make a block
START_SECONDS = 2.0  # starting a process and drawing rows and weights
# Set-ups that the whole cell is worth: the prover's, the verifier's, and the last proof in the same measure.
SET_UPS = {"r1cs-nova": 3.7, "segment": 4.2, "ezkl": 2.2}
NARROW = (16, 32)
COUNTED = 50_000  # parameters
