"""Plans of seconds, and measuring processes that do as they are told."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from escapement.study.cells import PLANS, Plan
from escapement.study.planning import Planned
from escapement.study.result import Result
from escapement.study.run import Options
from tests.cli.conftest import call as call  # the fixture


class Silent:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.started_ids: list[str] = []
        self.phases: list[str] = []
        self.ended_cells: list[dict[str, Any]] = []
        self.kept_and_left: list[tuple[int, int]] = []

    def planning(self, done: int, total: int) -> None:
        """Nothing to keep."""

    def started(self, one: Planned, left: float) -> None:
        """Keep the id."""
        self.started_ids.append(one.cell.id)

    def kept(self, number: int, left: int, result: Result) -> None:
        """Keep the numbers."""
        self.kept_and_left.append((number, left))

    def phase(self, name: str) -> None:
        """Keep the name."""
        self.phases.append(name)

    def ended(self, cell: dict[str, Any]) -> None:
        """Keep the cell."""
        self.ended_cells.append(cell)


def tiny_plan(*provers: str) -> Plan:
    """One cell per prover."""
    quick = PLANS["quick"]
    return replace(quick, sizes=quick.sizes[:1], provers=provers, axes=("parameters",), name="tiny")


@pytest.fixture
def options(tmp_path: Path) -> Callable[..., Options]:
    """Options of a tiny plan, by provers."""

    def make(*provers: str, seed: int = 0) -> Options:
        return Options(tiny_plan(*provers), seed, tmp_path)

    return make


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """A command that runs this Python code in place of the measuring process."""

    def make(code: str) -> tuple[str, ...]:
        path = tmp_path / "child.py"
        path.write_text(code, encoding="utf-8")
        return (sys.executable, str(path))

    return make
