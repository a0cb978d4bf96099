"""Figures against arithmetic done here, and what is not there stays away."""

import copy
import math
import statistics
from typing import Any

import pytest

from escapement.errors import InputError
from escapement.study.raw import MOST_BYTES, check, clean, load
from escapement.study.report.figures import Figures, Point, derive, estimate_errors, fitted_slope
from escapement.study.report.sweeps import lines
from tests.study.report.sample import HOSTILE, JITTER, SIZES, cell, parameters, sample, seconds


def point(figures: Figures, identity: str) -> Point:
    """By id."""
    return next(point for point in figures.points if point.cell.id == identity)


def of(*cells: dict[str, Any]) -> dict[str, Any]:
    """A study of these cells alone."""
    return sample() | {"cells": list(cells)}


def test_medians_and_quartiles_are_those_of_statistics() -> None:
    found = point(derive(sample()), "segment 784-64-10 B=16 k=8 m=1 ipa").seconds
    step = seconds("segment", [784, 64, 10], 16, 8)
    low, median, high = statistics.quantiles([step * one for one in JITTER], n=4, method="inclusive")
    assert found is not None
    assert (found.q1, found.median, found.q3, found.count) == (low, median, high, 7)


def test_slowdown_is_over_the_faster_plain_training_of_the_same_step() -> None:
    figures = derive(sample())
    for widths, faster in (([64, 16, 10], "numpy"), ([784, 1024, 128, 10], "torch")):
        name = "-".join(map(str, widths))
        found = point(figures, f"segment {name} B=16 k=8 m=1 ipa")
        assert found.faster == faster and found.seconds is not None
        plain = {maker: seconds(maker, widths, 16, 1) for maker in ("numpy", "torch")}
        own = seconds("segment", widths, 16, 8)
        for maker, base in (plain | {"faster": min(plain.values())}).items():
            assert found.slowdown[maker].median == pytest.approx(own / base)


def test_another_batch_is_another_step() -> None:
    plain = cell("numpy", [64, 16, 10], ["parameters"], batch=8)
    proven = cell("segment", [64, 16, 10], ["parameters"], batch=16)
    found = derive(of(plain, proven)).points[1]
    assert (found.slowdown, found.slowdown_with_last, found.faster, found.estimated) == ({}, {}, None, None)


def test_a_missing_baseline_gives_no_ratio_and_the_other_its_own() -> None:
    plain, proven = cell("torch", [64, 16, 10], []), cell("r1cs-nova", [64, 16, 10], [])
    found = derive(of(plain, proven)).points[1]
    assert set(found.slowdown) == {"torch", "faster"} and found.faster == "torch"


def test_the_last_proof_is_spread_over_the_steps_it_covers() -> None:
    found = point(derive(sample()), "segment 784-64-10 B=16 k=8 m=4 ipa")
    assert found.seconds is not None and found.with_last is not None
    assert found.with_last.median == pytest.approx(found.seconds.median + 1.5 / 32)
    ratio = found.slowdown_with_last["faster"].median / found.slowdown["faster"].median
    assert ratio == pytest.approx(found.with_last.median / found.seconds.median)


def test_no_last_proof_no_amortised_figure() -> None:
    found = point(derive(sample()), "ezkl 784-64-10 B=16 k=1 m=1 kzg")
    assert found.with_last is None and found.slowdown_with_last == {}


def test_what_was_not_measured_has_its_estimate_and_no_figure() -> None:
    found = point(derive(sample()), "ezkl 784-256-10 B=16 k=1 m=1 kzg")
    plain = seconds("torch", [784, 256, 10], 16, 1)
    assert (found.seconds, found.slowdown, found.shares) == (None, {}, {})
    assert found.estimated == pytest.approx(1.2 * seconds("ezkl", [784, 256, 10], 16, 1) / plain)


def test_shares_are_of_the_mean_step_and_what_is_left_is_the_rest() -> None:
    shares = point(derive(sample()), "r1cs-nova 64-16-10 B=16 k=1 m=1 ipa").shares
    assert shares == pytest.approx({"hashing": 0.35, "range checks": 0.3, "products": 0.25, "recursion": 0.1})
    shares = point(derive(sample()), "segment 64-16-10 B=16 k=8 m=1 ipa").shares
    expected = {"commitments": 0.4, "range checks": 0.3, "products": 0.2, "check": 0.05, "rest": 0.05}
    assert shares == pytest.approx(expected)


def test_parts_that_exceed_the_step_leave_no_rest_and_two_of_one_name_are_added() -> None:
    one = cell("segment", [64, 16, 10], ["parameters"])
    one["measured"] |= {
        "seconds_per_step": [1.0, 3.0],
        "parts": {"lookups": 2.0, "range checks": 1.0, "opening": 1.0},
    }
    assert derive(of(one)).points[0].shares == {"range checks": 0.75, "opening": 0.25}
    one["measured"]["parts"] = {"rest": 0.5, "opening": 0.5}
    assert derive(of(one)).points[0].shares == {"rest": 0.75, "opening": 0.25}


def plain_at(*times: tuple[int, float]) -> dict[str, Any]:
    """Plain training alone, by hidden units of 64-N-10."""
    return of(
        *(
            (made := cell("numpy", [64, units, 10], ["parameters"]))
            | {"measured": made["measured"] | {"seconds_per_step": [seconds]}}
            for units, seconds in times
        )
    )


@pytest.mark.parametrize(
    "times, expected",
    [
        ([(1, 1.0), (2, 1.5), (4, 1.99), (8, 2.0), (16, 1.0)], (85, 310)),
        ([(1, 1.0), (2, 2.0), (4, 1.0)], None),
        ([(1, 1.0)], None),
        ([], None),
        ([(2, 1.0), (1, 1.5)], (85, 160)),
    ],
)
def test_call_overhead_reaches_as_far_as_plain_training_takes_under_twice_its_least(
    times: list[tuple[int, float]], expected: tuple[int, int] | None
) -> None:
    assert derive(plain_at(*times)).overhead() == expected


def test_overhead_is_that_of_the_faster_plain_training() -> None:
    faster = [min(seconds(plain, widths, 16, 1) for plain in ("numpy", "torch")) for widths in SIZES]
    assert [one < 2 * faster[0] for one in faster] == [True, True, False, False, False]
    assert derive(sample()).overhead() == (1210, 4810)


def test_slope_of_a_power_law_is_its_exponent() -> None:
    assert fitted_slope([(x, 3 * x**0.7) for x in (10, 100, 5000)]) == pytest.approx(0.7)
    assert fitted_slope([(10, 1.0), (10, 2.0)]) is None
    assert fitted_slope([]) is None


def test_estimates_are_held_against_what_was_measured() -> None:
    found = estimate_errors(derive(sample()))
    assert {prover: len(ratios) for prover, ratios in found.items()} == {
        "segment": 14,
        "r1cs-nova": 6,
        "ezkl": 5,
    }
    assert [ratio for ratios in found.values() for ratio in ratios] == pytest.approx([1.2] * 25)


def test_lines_hold_one_prover_in_order_of_size() -> None:
    found = {line.label: line for line in lines(derive(sample()), "parameters")}
    assert list(found) == ["numpy", "torch", "integer", "segment", "r1cs-nova", "ezkl"]
    assert [x for x, _ in found["segment"].points] == sorted(map(parameters, SIZES))
    assert len(found["ezkl"].points) == 5 and len(found["ezkl"].slowdowns()) == 3


def test_a_line_splits_where_a_size_occurs_twice_and_says_by_what() -> None:
    cells = [cell("segment", widths, ["parameters"], k=k) for widths in SIZES[:2] for k in (1, 8)]
    cells.append(cell("segment", SIZES[0], ["parameters"], k=1, scheme="hyperkzg"))
    labels = [line.label for line in lines(derive(of(*cells)), "parameters")]
    assert labels == ["segment ipa k=1", "segment ipa k=8", "segment hyperkzg k=1"]


def test_steps_per_fold_may_change_along_a_line_and_it_says_so() -> None:
    cells = [
        cell("segment", widths, ["parameters"], k=k) for widths, k in zip(SIZES[:3], (8, 4, 2), strict=True)
    ]
    (line,) = lines(derive(of(*cells)), "parameters")
    assert (line.label, line.ks()) == ("segment k=8 to k=2", "8 to 2")
    step = [seconds("segment", widths, 16, k) for widths, k in zip(SIZES[:3], (8, 4, 2), strict=True)]
    assert line.slope() is None
    expected = fitted_slope([(parameters(w), s) for w, s in zip(SIZES[:3], step, strict=True)])
    medians = [(x, point.seconds.median) for x, point in line.points if point.seconds is not None]
    assert fitted_slope(medians) == pytest.approx(expected)


@pytest.mark.parametrize("sizes, fits", [(SIZES[:2], False), (SIZES[2:4], False), (SIZES[:3], True)])
def test_a_slope_needs_three_sizes_and_a_decade(sizes: list[list[int]], fits: bool) -> None:
    made = of(*(cell(prover, widths, ["parameters"]) for prover in ("numpy", "ezkl") for widths in sizes))
    line = next(line for line in lines(derive(made), "parameters") if line.prover == "ezkl")
    assert ((line.slope() is not None), (line.tenfold() is not None)) == (fits, fits)


def test_three_sizes_within_a_decade_have_no_slope() -> None:
    widths = [[64, units, 10] for units in (16, 32, 128)]
    made = of(*(cell(prover, one, ["parameters"]) for prover in ("numpy", "segment") for one in widths))
    assert [line.slope() for line in lines(derive(made), "parameters")] == [None, None]


def test_lines_carry_what_must_be_known_of_their_prover() -> None:
    found = {line.prover: line for line in lines(derive(sample()), "parameters")}
    assert {prover: line.qualifiers() for prover, line in found.items() if line.qualifiers()} == {
        "segment": ["not zero-knowledge"],
        "ezkl": ["insecure string"],
    }
    assert {prover: line.ks() for prover, line in found.items()} == {
        "numpy": "",
        "torch": "",
        "integer": "",
        "segment": "8",
        "r1cs-nova": "1",
        "ezkl": "1",
    }


def test_results_without_the_later_fields_are_read() -> None:
    result = sample()
    del result["options"]
    for one in result["cells"]:
        del one["commit"]
        if one["measured"]:
            del one["measured"]["peak_by"]
    study = check(result)
    assert study.options == {} and {one.commit for one in study.cells} == {""}
    assert {one.measured.peak_by for one in study.cells if one.measured} == {None}


@pytest.mark.parametrize(
    "axis, places", [("fold", [1, 2, 8, 32]), ("segment", [8, 16, 32]), ("batch", [1, 16, 64])]
)
def test_a_sweep_varies_its_own_dimension(axis: str, places: list[int]) -> None:
    (line,) = [line for line in lines(derive(sample()), axis) if line.prover == "segment"]
    assert [x for x, _ in line.points] == places


# --- damaged and foreign results ---------------------------------------------------------------------------


def damaged(change: Any) -> dict[str, Any]:
    """The sample after a change."""
    result = copy.deepcopy(sample())
    change(result)
    return result


@pytest.mark.parametrize(
    "change, place",
    [
        (lambda r: r["cells"][3].pop("prover"), "cells.3.prover: Field required"),
        (
            lambda r: r["cells"][3]["measured"].update(seconds_per_step=[]),
            "cells.3.measured.seconds_per_step",
        ),
        (
            lambda r: r["cells"][3]["measured"].update(seconds_per_step=[0.0]),
            "cells.3.measured.seconds_per_step.0",
        ),
        (lambda r: r["cells"][3]["measured"].update(seconds_per_step=[math.nan]), "seconds_per_step.0"),
        (lambda r: r["cells"][3]["measured"].update(peak_bytes="3"), "cells.3.measured.peak_bytes"),
        (lambda r: r["cells"][3]["measured"].update(peak_bytes=-1), "cells.3.measured.peak_bytes"),
        (lambda r: r["cells"][3]["measured"].update(peak_by="guess"), "cells.3.measured.peak_by"),
        (lambda r: r["cells"][3].update(commit=None), "cells.3.commit"),
        (lambda r: r.update(options=[]), "options: "),
        (lambda r: r["cells"][3]["work"].update(widths=[4]), "cells.3.work.widths"),
        (lambda r: r["cells"][3].update(k=True), "cells.3.k"),
        (lambda r: r["cells"][3].update(status="fine"), "cells.3.status"),
        (lambda r: r["cells"][3].update(status="failed"), 'cells.3: Value error, status is "failed"'),
        (lambda r: r["cells"][3].update(measured=None), 'cells.3: Value error, status is "measured"'),
        (lambda r: r["cells"].append(r["cells"][0]), "two cells have the id"),
        (lambda r: r.update(name="../x"), "name: "),
        (lambda r: r.update(date="today"), "date: "),
        (lambda r: r.pop("machine"), "machine: Field required"),
        (lambda r: r.update(cells={}), "cells: "),
    ],
)
def test_a_damaged_result_is_refused_with_its_place(change: Any, place: str) -> None:
    with pytest.raises(InputError) as caught:
        derive(damaged(change))
    assert (caught.value.code, caught.value.exit_code) == ("study-damaged", 5)
    assert place in str(caught.value) and "measure again" in str(caught.value)


@pytest.mark.parametrize("foreign", [{}, {"format": "escapement/study/2"}, {"format": ["x"]}, []])
def test_a_foreign_result_is_refused_by_its_format(foreign: Any) -> None:
    with pytest.raises(InputError, match="expected 'escapement/study/1'") as caught:
        check(foreign)
    assert caught.value.code == "study-format"


def test_only_the_first_errors_are_told() -> None:
    with pytest.raises(InputError) as caught:
        derive(damaged(lambda r: [one.pop("work") for one in r["cells"]]))
    assert f"and {len(sample()['cells']) - 8} more" in str(caught.value)


@pytest.mark.parametrize(
    "data, code, text",
    [
        (b"", "study-damaged", "is not JSON"),
        (b"\xff\xfe", "study-damaged", "is not JSON"),
        (b'{"format": ', "study-damaged", "is not JSON"),
        (b"[" * 200_000, "study-damaged", "is not JSON: nested too deep"),
        (b"[]", "study-format", "not a study's raw result"),
    ],
)
def test_files_that_are_no_result(tmp_path: Any, data: bytes, code: str, text: str) -> None:
    path = tmp_path / "raw.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=text) as caught:
        load(path)
    assert caught.value.code == code and str(path) in str(caught.value)


def test_files_that_are_missing_or_too_long(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="No such file") as caught:
        load(tmp_path / "none.json")
    assert caught.value.code == "study-unreadable"
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(InputError, match="longer than 64 MiB"):
        load(tmp_path / "long.json")


def test_control_and_direction_characters_are_shown_as_replaced() -> None:
    assert clean("a\x1b[31m\x00b\u202ec\nd\ud800") == "a\ufffd[31m\ufffdb\ufffdc d\ufffd"
    assert clean(HOSTILE[0]) == HOSTILE[0]
