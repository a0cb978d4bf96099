"""Which cells a plan has, and that their names never change."""

from dataclasses import replace

import pytest

from escapement.errors import UsageError
from escapement.study.cells import (
    AXES,
    PLANS,
    PROVERS,
    cells,
    parameters,
    plan_by_name,
    widths_for,
    with_layers,
)

QUICK_IDS = [
    "numpy 8-4-3 B=2 n=16",
    "numpy 16-8-3 B=2 n=16",
    "torch 8-4-3 B=2 n=16",
    "torch 16-8-3 B=2 n=16",
    "integer 8-4-3 B=2 n=16",
    "integer 16-8-3 B=2 n=16",
    "r1cs-nova 8-4-3 B=2 n=16 k=1 m=1 ipa",
    "r1cs-nova 16-8-3 B=2 n=16 k=1 m=1 ipa",
    "segment 8-4-3 B=2 n=16 k=2 m=1 ipa",
    "segment 8-4-3 B=2 n=16 k=1 m=1 ipa",
    "segment 16-8-3 B=2 n=16 k=2 m=1 ipa",
    "ezkl 8-4-3 B=2 n=16 k=1 m=1 kzg",
    "ezkl 16-8-3 B=2 n=16 k=1 m=1 kzg",
]


def test_ids_are_those_that_results_were_kept_under() -> None:
    assert [cell.id for cell in cells(PLANS["quick"])] == QUICK_IDS


@pytest.mark.parametrize("name", PLANS)
def test_ids_are_unique_and_every_cell_is_of_a_sweep(name: str) -> None:
    found = cells(replace(PLANS[name], hyperkzg=True))
    assert len({cell.id for cell in found}) == len(found)
    assert all(cell.axes and set(cell.axes) <= set(AXES) for cell in found)
    assert {cell.prover for cell in found} == set(PROVERS)


def test_the_base_point_is_in_every_sweep_of_the_reference_plan() -> None:
    plan = PLANS["reference"]
    base = [cell for cell in cells(plan) if cell.prover == "segment" and len(cell.axes) > 1]
    assert [cell.id for cell in base] == ["segment 64-16-10 B=8 n=1024 k=16 m=1 ipa"]
    assert base[0].axes == ("parameters", "batch", "layers", "fold", "segment")


def test_every_prover_of_a_sweep_over_parameters_has_the_same_networks() -> None:
    found = [cell for cell in cells(PLANS["reference"]) if "parameters" in cell.axes]
    by_prover = {prover: [cell.widths for cell in found if cell.prover == prover] for prover in PROVERS}
    assert len({tuple(widths) for widths in by_prover.values()}) == 1
    assert [parameters(widths) for widths in by_prover["ezkl"]] == [
        1210,
        2410,
        9610,
        25450,
        101770,
        407050,
        1059850,
    ]


def test_powers_of_tau_add_a_sweep_over_schemes() -> None:
    found = cells(replace(PLANS["quick"], hyperkzg=True))
    schemes = [cell.id for cell in found if "scheme" in cell.axes]
    assert schemes == ["r1cs-nova 8-4-3 B=2 n=16 k=1 m=1 ipa", "r1cs-nova 8-4-3 B=2 n=16 k=1 m=1 hyperkzg"]


def test_sweeps_can_be_chosen() -> None:
    found = cells(replace(PLANS["quick"], axes=("fold",)))
    assert [cell.id for cell in found] == [
        "segment 8-4-3 B=2 n=16 k=1 m=1 ipa",
        "segment 8-4-3 B=2 n=16 k=2 m=1 ipa",
    ]


@pytest.mark.parametrize(
    ("target", "widths"),
    [
        (1, (64, 4, 10)),
        (1_000, (64, 16, 10)),
        (9_999, (64, 128, 10)),
        (10_000, (784, 16, 10)),
        (100_000, (784, 128, 10)),
        (1_000_000, (1024, 1024, 10)),
        (10_000_000, (1024, 8192, 10)),
    ],
)
def test_widths_by_the_rule(target: int, widths: tuple[int, ...]) -> None:
    assert widths_for(target) == widths


def test_layers_repeat_the_first_hidden_width() -> None:
    assert with_layers((64, 16, 10), 1) == (64, 10)
    assert with_layers((64, 16, 10), 2) == (64, 16, 10)
    assert with_layers((64, 16, 10), 4) == (64, 16, 16, 16, 10)


def test_an_unknown_plan_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^--plan: expected quick or reference, got 'all'\.$") as caught:
        plan_by_name("all")
    assert caught.value.code == "study-plan"
