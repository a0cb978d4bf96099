"""Reference strings: whole ones are accepted, every kind of damage is refused with its place."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.zkml.srs.insecure import (
    TAU,
    Coordinates,
    Halo2,
    Ptau,
    Q,
    g1,
    g2,
    halo2,
    off_subgroup,
    ptau,
    write,
)
from tests.zkml.srs.small import (
    G1_AT,
    G2_AT,
    HALO2_G2_AT,
    LAGRANGE_AT,
    parameters,
    refusal,
    spoiled,
    spoiled_parameters,
    whole,
)
from zkml import srs

# --- whole ones --------------------------------------------------------------------------------------------


def test_a_prepared_file_of_11_sections(tmp_path: Path) -> None:
    made = srs.require(write(tmp_path, whole().encode()))
    assert (made.format, made.powers, made.checked, made.g2_powers, made.g2_checked) == ("ptau", 15, 15, 8, 8)
    assert (made.skipped, made.log2_size, made.remembered) == ((4, 5, 6, 7, 12, 13, 14, 15), 3, False)


def test_a_pruned_file_of_3_sections(tmp_path: Path) -> None:
    made = srs.require(write(tmp_path, Ptau(3, whole().g1[:8], whole().g2[:2], {}).encode()), 3)
    assert (made.powers, made.checked, made.g2_powers, made.g2_checked) == (8, 8, 2, 2)


def test_parameters_of_ezkl(tmp_path: Path) -> None:
    made = srs.require(write(tmp_path, parameters().encode()), 3, expected=srs.HALO2)
    assert (made.format, made.powers, made.checked, made.log2_size) == ("halo2", 8, 8, 3)


def test_the_least_of_both(tmp_path: Path) -> None:
    assert srs.require(write(tmp_path, halo2(1).encode()), 1).checked == 2
    assert srs.require(write(tmp_path, Ptau(1, whole().g1[:2], whole().g2[:2], {}).encode()), 1).checked == 2


def test_only_what_is_needed_of_a_ptau_file_is_checked(tmp_path: Path) -> None:
    """As nova-snark reads it: 2^n powers in G1, two in G2."""
    made = spoiled()
    made.g1[8], made.g2[2] = g1(5), g2(5)
    path = write(tmp_path, made.encode())
    found = srs.require(path, 3)
    assert (found.checked, found.g2_checked, found.log2_size) == (8, 2, 3)
    assert refusal(path) == f"G1 power 8, byte {G1_AT + 8 * 64}: it is not tau times power 7"


def test_progress_names_every_stage_and_ends(tmp_path: Path) -> None:
    heard: list[srs.Progress] = []
    srs.require(write(tmp_path, whole().encode()), on_progress=heard.append)
    ends = {p.stage: (p.done, p.total) for p in heard}
    length = len(whole().encode())
    assert ends == {"bytes hashed": (length, length), "G1 powers": (15, 15), "G2 powers": (8, 8)}
    assert all(p.done <= p.total for p in heard)


# --- powers that are not --------------------------------------------------------------------------------


def point(table: str, index: int, value: Coordinates) -> Callable[[Ptau | Halo2], None]:
    """Replace one."""

    def change(made: Ptau | Halo2) -> None:
        getattr(made, table)[index] = value

    return change


def swap(table: str, index: int) -> Callable[[Ptau | Halo2], None]:
    """Exchange one with the next."""

    def change(made: Ptau | Halo2) -> None:
        points = getattr(made, table)
        points[index], points[index + 1] = points[index + 1], points[index]

    return change


def other_tau(made: Ptau | Halo2) -> None:
    made.g2 = [g2(pow(TAU + 1, i)) for i in range(len(made.g2))]


def tau_is_one(made: Ptau | Halo2) -> None:
    made.g1 = [g1(1)] * len(made.g1)


def g1_place(index: int) -> str:
    return f"G1 power {index}, byte {G1_AT + 64 * index}: "


def g2_place(index: int) -> str:
    return f"G2 power {index}, byte {G2_AT + 128 * index}: "


FALSE_POWERS: dict[str, tuple[Callable[[Ptau | Halo2], None], str]] = {
    "another point": (point("g1", 5, g1(7)), g1_place(5) + "it is not tau times power 4"),
    "another second": (point("g1", 1, g1(7)), g1_place(1) + "it is not tau times power 0"),
    "another last": (point("g1", 14, g1(7)), g1_place(14) + "it is not tau times power 13"),
    "the negative": (point("g1", 6, g1(-(TAU**6))), g1_place(6) + "it is not tau times power 5"),
    "swapped": (swap("g1", 5), g1_place(5) + "it is not tau times power 4"),
    "no generator": (point("g1", 0, g1(2)), g1_place(0) + "it is not the generator"),
    "tau 1": (tau_is_one, g1_place(1) + "it is the generator, so tau is 1"),
    "identity": (point("g1", 9, (0, 0)), g1_place(9) + "it is the identity"),
    "off curve": (point("g1", 9, (1, 1)), g1_place(9) + "it is not on the curve"),
    "G2 of another tau": (other_tau, g2_place(1) + "its tau is not that of the powers in G1"),
    "G2 another point": (point("g2", 5, g2(7)), g2_place(5) + "it is not tau times power 4"),
    "G2 another last": (point("g2", 7, g2(7)), g2_place(7) + "it is not tau times power 6"),
    "G2 swapped": (swap("g2", 3), g2_place(3) + "it is not tau times power 2"),
    "G2 no generator": (point("g2", 0, g2(2)), g2_place(0) + "it is not the generator"),
    "G2 identity": (point("g2", 6, (0, 0, 0, 0)), g2_place(6) + "it is the identity"),
    "G2 off curve": (point("g2", 6, (1, 1, 1, 1)), g2_place(6) + "it is not on the curve"),
    "G2 off subgroup": (
        point("g2", 1, off_subgroup()),
        g2_place(1) + "it is outside the subgroup of prime order",
    ),
    "G2 off subgroup, later": (
        point("g2", 5, off_subgroup()),
        g2_place(5) + "it is outside the subgroup of prime order",
    ),
    "G2 off subgroup, last": (
        point("g2", 7, off_subgroup()),
        g2_place(7) + "it is outside the subgroup of prime order",
    ),
}


@pytest.mark.parametrize("name", FALSE_POWERS)
def test_a_false_power_is_named(tmp_path: Path, name: str) -> None:
    change, said = FALSE_POWERS[name]
    made = spoiled()
    change(made)
    assert refusal(write(tmp_path, made.encode())) == said


FALSE_PARAMETERS: dict[str, tuple[Callable[[Ptau | Halo2], None], str]] = {
    "another point": (point("g1", 5, g1(7)), "G1 power 5, byte 324: it is not tau times power 4"),
    "another tau": (
        other_tau,
        f"G2 power 1, byte {HALO2_G2_AT + 128}: its tau is not that of the powers in G1",
    ),
    "off subgroup": (
        point("g2", 1, off_subgroup()),
        f"G2 power 1, byte {HALO2_G2_AT + 128}: it is outside the subgroup of prime order",
    ),
    "Lagrange identity": (
        point("lagrange", 2, (0, 0)),
        f"Lagrange point 2, byte {LAGRANGE_AT + 128}: it is the identity",
    ),
    "Lagrange off curve": (
        point("lagrange", 7, (2, 2)),
        f"Lagrange point 7, byte {LAGRANGE_AT + 448}: it is not on the curve",
    ),
}


@pytest.mark.parametrize("name", FALSE_PARAMETERS)
def test_a_false_point_of_parameters_is_named(tmp_path: Path, name: str) -> None:
    change, said = FALSE_PARAMETERS[name]
    made = spoiled_parameters()
    change(made)
    assert refusal(write(tmp_path, made.encode())) == said


@pytest.mark.parametrize(
    "change",
    [
        point("lagrange", 0, g1(7)),
        point("lagrange", 7, g1(7)),
        swap("lagrange", 3),
        lambda made: setattr(made, "lagrange", list(made.g1)),
        lambda made: setattr(made, "lagrange", [*made.lagrange[:1], *reversed(made.lagrange[1:])]),
    ],
    ids=["first", "last", "swapped", "powers", "inverse root"],
)
def test_false_lagrange_points(tmp_path: Path, change: Callable[[Halo2], None]) -> None:
    made = spoiled_parameters()
    change(made)
    said = f"bytes {LAGRANGE_AT} to {HALO2_G2_AT - 1}: the Lagrange points are not those of the powers"
    assert refusal(write(tmp_path, made.encode())) == said


@pytest.mark.parametrize("at", [G1_AT + 3 * 64, G1_AT + 3 * 64 + 32, G2_AT + 128 + 96])
def test_a_coordinate_that_is_not_below_q(tmp_path: Path, at: int) -> None:
    """The same point by another encoding."""
    data = bytearray(whole().encode())
    stored = int.from_bytes(data[at : at + 32], "little")
    data[at : at + 32] = (stored + Q).to_bytes(32, "little")
    place = f"G1 power 3, byte {at}" if at < G2_AT else f"G2 power 1, byte {at}"
    assert refusal(write(tmp_path, bytes(data))) == f"{place}: a coordinate is not below q"


# --- many powers in G2: the subgroup check by windows -------------------------------------------------------


@cache
def many() -> Ptau:
    return ptau(5)


@pytest.mark.parametrize("index", [None, 2, 17, 31])
def test_many_powers_in_g2(tmp_path: Path, index: int | None) -> None:
    made = Ptau(5, list(many().g1), list(many().g2), {})
    if index is None:
        assert srs.require(write(tmp_path, made.encode())).g2_checked == 32
        return
    made.g2[index] = off_subgroup()
    place = f"G2 power {index}, byte {G1_AT + 63 * 64 + 12 + 128 * index}"
    said = refusal(write(tmp_path, made.encode()))
    assert said == f"{place}: it is outside the subgroup of prime order"
