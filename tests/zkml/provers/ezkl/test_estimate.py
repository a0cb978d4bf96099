"""The layout's rows against ezkl's own count, and the estimate's model against measured steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from zkml.errors import ProverUnsupported
from zkml.program import Program
from zkml.provers.ezkl.estimate import estimate
from zkml.provers.ezkl.layout import layout

Build = Callable[..., Program]
# Sizes, batch, and what ezkl 23.0.5 said or made of them: log2 of rows, hash rows, cells.
MEASURED = [
    ([3, 2, 2], 2, 11, 1496, 4022),
    ([16, 8, 3], 2, 14, 14780, 31138),
    ([8, 4, 2], 16, 14, 9724, 38414),
    ([32, 16, 8], 4, 16, 59884, 120588),
    ([64, 16, 10], 8, 17, 120572, 260770),
    ([64, 32, 10], 8, 18, 218972, 461426),
    ([64, 16, 10], 32, 18, 184580, 564802),
    ([64, 64, 64, 10], 2, 20, 740898, 1288172),
]


def test_ezkl_counts_the_same_hash_rows(run: Any) -> None:
    settings = json.loads((run.steps.kept.folder / "settings.json").read_text())
    shape = run.steps.kept.layout
    assert settings["module_sizes"]["poseidon"] == [shape.hash_rows, [2 * 4 + 2]]
    assert settings["model_input_scales"] == [16] * 6
    assert settings["model_output_scales"] == [16] * 4
    assert settings["required_lookups"] == []
    assert sorted(settings["required_range_checks"]) == [[-1, 1], [0, 1], [0, shape.base - 1]]


@pytest.mark.parametrize("case", MEASURED, ids=str)
def test_rows_and_cells_are_those_measured(build: Build, case: tuple[list[int], int, int, int, int]) -> None:
    sizes, batch, logrows, hash_rows, cells = case
    shape = layout(build(sizes, batch=batch, rows=2 * batch))
    assert (shape.logrows, shape.hash_rows) == (logrows, hash_rows)
    assert shape.cells == pytest.approx(cells, rel=0.125)


def test_the_estimate_is_near_what_was_measured(build: Build) -> None:
    """The digits step: 1.44 GB of proving key, 3.22 GB at most while proving."""
    found = estimate(build([64, 16, 10], batch=8, rows=1347))
    assert found.disk_bytes == pytest.approx(1_460_383_693, rel=0.02)
    assert found.memory_bytes == pytest.approx(3_220_145_152, rel=0.05)
    assert "2^17" in found.source
    tiny = estimate(build([3, 2, 2], batch=2, rows=5))
    assert tiny.memory_bytes == 900_000_000
    assert tiny.disk_bytes == pytest.approx(22_835_952, rel=0.02)
    assert tiny.seconds_per_step < found.seconds_per_step < found.set_up_seconds


def test_a_program_of_any_size_can_be_estimated(build: Build) -> None:
    million = estimate(build([1000, 1000, 10], batch=16, rows=1000))
    assert million.memory_bytes > 1 << 41
    assert million.disk_bytes > 1 << 40


def test_a_program_beyond_the_field_is_refused(build: Build) -> None:
    with pytest.raises(ProverUnsupported, match=r"takes 2\^29 rows, BN254's field has room for 2\^28"):
        estimate(build([2000, 2000, 10], batch=16, rows=1000))


@pytest.mark.parametrize("k,m", [(1, 1), (3, 4)])
def test_links_are_steps(build: Build, k: int, m: int) -> None:
    from zkml.provers.ezkl.backend import EzklBackend

    assert EzklBackend().links_per_segment(build([3, 2, 2], k=k, m=m)) == k * m
