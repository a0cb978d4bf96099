"""tests/vectors/classgroup.json in plain integers and by the package: Chia's data, and our delays."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vdf.classgroup import plain
from vdf.classgroup import ClassGroup
from vdf.classgroup.chain import Step, lengths, split
from vdf.classgroup.client import Worker
from vdf.classgroup.discriminant import hash_prime, setting
from vdf.classgroup.forms import GENERATOR, NotCanonical, decode, encode

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "classgroup.json").read_text())
CHIA, CASES = VECTORS["chiavdf"], VECTORS["cases"]
OURS = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"T={case['squarings']}, S={case['sub_squarings']}"
)


@pytest.mark.parametrize("case", CHIA["discriminants"]["cases"], ids=lambda case: case["seed"])
def test_chias_discriminants(case: dict[str, str]) -> None:
    seed, expected = bytes.fromhex(case["seed"]), int(case["discriminant"], 16)
    ones = (1, 2, 511)
    assert hash_prime(seed, 512, ones) == plain.hash_prime(seed, 512, ones) == expected


@pytest.mark.parametrize("case", CHIA["proofs"]["cases"], ids=lambda case: f"T={case['squarings']}")
def test_chias_proofs(case: dict[str, Any]) -> None:
    discriminant = -hash_prime(bytes.fromhex(case["seed"]), 1024, (1, 2, 1023))
    x, y, pi = (bytes.fromhex(case[name]) for name in ("x", "y", "pi"))
    assert x == GENERATOR
    step = Step(x, y, pi, case["squarings"])
    assert plain.step_holds(discriminant, step)
    assert not plain.step_holds(discriminant, Step(x, y, pi, case["squarings"] + 1))
    pytest.importorskip("chiavdf")
    with Worker() as worker:
        assert worker.verify(discriminant, step)


def test_chias_form_that_has_aliases() -> None:
    discriminant = -int(CHIA["form"]["discriminant"], 16)
    form = bytes.fromhex(CHIA["form"]["form"])
    assert encode(*decode(discriminant, form)) == form
    for change in (4, 8):
        with pytest.raises(NotCanonical):
            decode(discriminant, form[:99] + bytes([form[99] ^ change]))


@OURS
def test_our_delays_in_plain_integers(case: dict[str, Any]) -> None:
    """y is the base form, squared T times; every π_j is x_j^⌊2^length/B_j⌋."""
    squarings, y, pi = case["squarings"], bytes.fromhex(case["y"]), bytes.fromhex(case["pi"])
    place = setting(bytes.fromhex(case["context"]), squarings)
    d = place.discriminant
    assert place.seed.hex() == case["seed"]
    assert -d == int(case["discriminant"], 16) == plain.hash_prime(place.seed, 1024, (1, 2, 1023))
    assert decode(d, place.base)[0] == int(case["base"], 16)
    assert decode(d, y) == plain.power(decode(d, place.base), 1 << squarings, d)
    for step in split(place.base, y, pi, lengths(squarings, case["sub_squarings"])):
        x, quotient = decode(d, step.x), (1 << step.squarings) // plain.challenge(step.x, step.y)
        assert decode(d, step.y) == plain.power(x, 1 << step.squarings, d)
        assert decode(d, step.pi) == plain.power(x, quotient, d)
        assert plain.step_holds(d, step)


@OURS
def test_the_package_gives_our_delays(case: dict[str, Any]) -> None:
    pytest.importorskip("chiavdf")
    group = ClassGroup("class-1024", case["sub_squarings"])
    context, squarings = bytes.fromhex(case["context"]), case["squarings"]
    done = group.delay(group.input(context, squarings), squarings)
    assert (done.x.hex(), done.y.hex(), done.pi.hex()) == (case["context"], case["y"], case["pi"])
    group.verify(done.x, done.y, done.pi, squarings)
