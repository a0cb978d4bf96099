"""What does not fit is shown with its estimate and never started."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from escapement import machine
from escapement.study import planning
from escapement.study.cells import PLANS, Cell
from escapement.study.measuring import measure
from escapement.study.planning import Planned, planned, unfit
from escapement.study.process import Ended
from tests.study.conftest import tiny_plan
from zkml.errors import ProverFailed, ProverMemory, ProverMissing, ProverUnsupported
from zkml.program import Program
from zkml.provers.interface import Estimate

SEGMENT = Cell("segment", (8, 4, 3), 2, 16, 2, 1, "ipa", ("parameters",))
PLAN = tiny_plan("segment")
ESTIMATE = Estimate(0.5, 2.0, 1 << 30, 1 << 20, "a test")


class Backend:
    """A prover with a given estimate, or error."""

    def __init__(self, missing: Exception | None = None, answer: Estimate | Exception = ESTIMATE) -> None:
        self._missing, self._answer = missing, answer

    def require(self) -> None:
        """Raise what is missing."""
        if self._missing is not None:
            raise self._missing

    def estimate(self, program: Program) -> Estimate:
        """The answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def never(*_: Any) -> Ended:
    """A process that must not be started."""
    raise AssertionError("started")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Backend], None]:
    """Put this prover in place of all."""

    def put(backend: Backend) -> None:
        monkeypatch.setattr(planning, "backend_of", lambda prover, scheme: backend)

    return put


def told(one: Planned, tmp_path: Path) -> tuple[str, str]:
    """Status and reason of a cell that must not be started."""
    cell = measure(one, PLAN, seed=0, srs=None, scratch=tmp_path, run=never)
    assert cell["measured"] is None
    return cell["status"], cell["reason"]


def test_a_cell_that_fits_has_program_estimate_and_time(tmp_path: Path, use: Callable[..., None]) -> None:
    use(Backend())
    one = planned(SEGMENT, PLAN, 0, tmp_path)
    assert (one.status, one.reason, one.estimate, one.segments) == ("", "", ESTIMATE, 3)
    assert one.seconds == 2.0 + 4.2 * 2.0 + 6 * 0.5
    assert one.described()["estimate"] == {
        "seconds_per_step": 0.5,
        "set_up_seconds": 2.0,
        "memory_bytes": 1 << 30,
        "disk_bytes": 1 << 20,
        "source": "a test",
    }


def test_too_much_memory(tmp_path: Path, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    use(Backend())
    monkeypatch.setattr(machine, "available_memory", lambda: (1 << 30) - 1)
    one = planned(SEGMENT, PLAN, 0, tmp_path)
    assert told(one, tmp_path) == (
        "does-not-fit",
        "needs about 1.0 GiB of memory, 1024.0 MiB are available: fewer parameters, a smaller batch or fewer "
        "steps per fold need less",
    )
    assert one.described()["estimate"]["memory_bytes"] == 1 << 30


def test_memory_that_went_after_planning(
    tmp_path: Path, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Backend())
    one = planned(SEGMENT, PLAN, 0, tmp_path)
    assert one.status == ""
    monkeypatch.setattr(machine, "available_memory", lambda: 5 << 20)
    status, reason = told(one, tmp_path)
    assert status == "does-not-fit"
    assert reason.startswith("needs about 1.0 GiB of memory, 5.0 MiB are available")


def test_too_much_disk(tmp_path: Path, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    use(Backend())
    monkeypatch.setattr(machine, "free_disk", lambda path: 1000)
    assert told(planned(SEGMENT, PLAN, 0, tmp_path), tmp_path) == (
        "does-not-fit",
        f"needs about 1.0 MiB of disk under {tmp_path}, 1000 B are free: free some, or name another folder "
        "with --scratch",
    )


def test_too_much_time(tmp_path: Path, use: Callable[..., None]) -> None:
    use(Backend())
    one = planned(SEGMENT, replace(PLAN, cell_seconds=5.0), 0, tmp_path)
    assert told(one, tmp_path) == (
        "skipped",
        "would take about 13.4 s, above the 5.00 s of a cell in this plan: raise --cell-minutes",
    )


@pytest.mark.parametrize(
    ("backend", "status", "reason"),
    [
        (Backend(missing=ProverMissing("pip install it")), "not-installed", "pip install it"),
        (Backend(answer=ProverMemory("no room")), "does-not-fit", "no room"),
        (Backend(answer=ProverUnsupported("batch")), "skipped", "batch"),
        (Backend(answer=ProverFailed("panic")), "failed", "prover-failed: panic"),
        (Backend(answer=ZeroDivisionError("a bug")), "failed", "ZeroDivisionError: a bug"),
    ],
    ids=["missing", "memory", "unsupported", "failed", "bug"],
)
def test_provers_that_cannot(
    tmp_path: Path, use: Callable[..., None], backend: Backend, status: str, reason: str
) -> None:
    use(backend)
    assert told(planned(SEGMENT, PLAN, 0, tmp_path), tmp_path) == (status, reason)


def test_a_refused_size_is_estimated_from_narrower_layers(tmp_path: Path) -> None:
    cell = Cell("r1cs-nova", (64, 8192, 10), 8, 64, 1, 1, "ipa")
    one = planned(cell, PLANS["reference"], 0, tmp_path)
    assert one.status == "does-not-fit"
    assert one.reason.startswith("refused: fold of size ")
    assert one.estimate is not None
    assert one.estimate.source == "extrapolated along a line through hidden widths 16 and 32"
    assert one.estimate.memory_bytes > 10**10
    assert one.program is not None
    assert one.program.layers[0].d_out == 8192


def test_the_line_through_narrower_layers_is_close_to_the_count(tmp_path: Path) -> None:
    cell = Cell("r1cs-nova", (64, 64, 10), 2, 64, 1, 1, "ipa")
    counted = planned(cell, PLANS["reference"], 0, tmp_path)
    assert counted.estimate is not None
    assert counted.program is not None
    backend = planning.backend_of("r1cs-nova", "ipa")
    drawn = planning._from_narrower(counted.program, backend.estimate)
    assert drawn is not None
    assert drawn.memory_bytes == pytest.approx(counted.estimate.memory_bytes, rel=0.02)


def test_plain_training_has_no_estimate_and_always_fits(tmp_path: Path) -> None:
    one = planned(Cell("numpy", (8, 4, 3), 2, 16, 1, 1, None), PLAN, 0, tmp_path)
    assert (one.status, one.estimate, unfit(one.estimate, tmp_path)) == ("", None, "")


def test_as_many_folds_as_are_timed_and_one(tmp_path: Path, use: Callable[..., None]) -> None:
    use(Backend())
    plan = replace(PLAN, timed={"segment": 3, "ezkl": 1})
    segments = {m: planned(replace(SEGMENT, m=m), plan, 0, tmp_path).segments for m in (1, 3, 4, 16)}
    assert segments == {1: 4, 3: 2, 4: 1, 16: 1}
    ezkl = Cell("ezkl", (8, 4, 3), 2, 16, 1, 1, "kzg")
    assert planned(ezkl, plan, 0, tmp_path).segments == 2
