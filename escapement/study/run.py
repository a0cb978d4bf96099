"""A whole study: cells planned, then measured one after another, each kept at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from escapement.errors import InputError
from escapement.study.cells import Cell, Plan, cells
from escapement.study.measuring import measure
from escapement.study.planning import Planned, planned
from escapement.study.process import require_psutil
from escapement.study.result import Result
from escapement.study.work import unchecked_program


@dataclass(frozen=True)
class Options:
    """What is the same for all cells. srs: reference string for ezkl; ptau: powers of tau for hyperkzg."""

    plan: Plan
    seed: int
    scratch: Path
    srs: Path | None = None
    ptau: Path | None = None

    def srs_of(self, cell: Cell) -> Path | None:
        """The reference string that a cell's prover is given."""
        if cell.scheme == "hyperkzg":
            return self.ptau
        return self.srs if cell.prover == "ezkl" else None


class Watcher(Protocol):
    """Who hears how far a study is."""

    def planning(self, done: int, total: int) -> None:
        """`done` of `total` cells are planned."""
        ...

    def started(self, one: Planned, left: float) -> None:
        """A cell is being measured; about `left` seconds remain, it included."""
        ...

    def kept(self, number: int, left: int, result: Result) -> None:
        """`number` cells of the plan are measured in `result` from before; `left` more will be started."""
        ...

    def phase(self, name: str) -> None:
        """What the cell's process is doing."""
        ...

    def ended(self, cell: dict[str, Any]) -> None:
        """A cell is measured, or will not be; it is kept."""
        ...


def plan_cells(options: Options, watcher: Watcher, chosen: list[Cell] | None = None) -> list[Planned]:
    """The chosen cells, or every cell of the plan, with estimates.

    Raises InputError `study-file` for a missing reference string.
    """
    require_files(options)
    found = cells(options.plan) if chosen is None else chosen
    done = list[Planned]()
    for cell in found:
        watcher.planning(len(done), len(found))
        done.append(planned(cell, options.plan, options.seed, options.scratch))
    watcher.planning(len(done), len(found))
    return done


def require_files(options: Options) -> None:
    """Raise InputError `study-file` for a reference string that is not there."""
    for path in (options.srs, options.ptau):
        if path is not None and not path.is_file():
            raise InputError("study-file", f"{path}: no such file; give the path of a reference string.")


def run(options: Options, result: Result, watcher: Watcher) -> Result:
    """Measure every cell of the plan that `result` has not, keeping each as it comes.

    KeyboardInterrupt ends the cell in work and leaves the file with all cells before. Raises ResourceError
    (`bench-missing`, `study-unwritable`), InputError `study-file`, UsageError `study-other`.
    """
    require_psutil()
    require_files(options)
    found = cells(options.plan)
    todo = [cell for cell in found if not _kept(cell, options, result)]
    result.save()
    planned_cells = plan_cells(options, watcher, todo)
    if len(todo) < len(found):
        watcher.kept(len(found) - len(todo), sum(not one.status for one in planned_cells), result)
    for one, left in _with_time_left(planned_cells):
        watcher.started(one, left)
        cell = measure(
            one,
            options.plan,
            seed=options.seed,
            srs=options.srs_of(one.cell),
            scratch=options.scratch,
            on_phase=watcher.phase,
        )
        result.put(cell)
        watcher.ended(cell)
    return result


def _with_time_left(todo: list[Planned]) -> Iterator[tuple[Planned, float]]:
    """Each cell with the estimated seconds of it and those after it; what is not started takes none."""
    left = sum(one.seconds for one in todo if not one.status)
    for one in todo:
        yield one, left
        left -= 0 if one.status else one.seconds


def _kept(cell: Cell, options: Options, result: Result) -> bool:
    program = unchecked_program(cell, options.seed).digest().hex()
    return result.keeps(cell, program, secure=options.srs_of(cell) is not None)
