"""tests/vectors/delay.json against protocol §9 in plain integers (plain.py), and against the package."""

import json
from pathlib import Path
from typing import Any

import pytest

import vdf
from tests.vdf import make_vectors, plain
from tests.vdf.plain import Statement
from vdf import Delay

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "delay.json").read_text())
CASES = pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"T={case['squarings']}")
RUNS = pytest.mark.parametrize(
    "run", VECTORS["runs"], ids=lambda run: f"{len(run['ys'])} of T={run['squarings']}"
)


def statements(run: dict[str, Any]) -> list[Statement]:
    """(x, y) of every delay."""
    pairs = zip(run["contexts"], run["ys"], strict=True)
    return [(plain.hash_to_element(bytes.fromhex(context)), bytes.fromhex(y)) for context, y in pairs]


def with_proofs(run: dict[str, Any]) -> list[tuple[bytes, bytes, bytes]]:
    """(x, y, π) of every delay."""
    return [(x, y, bytes.fromhex(pi)) for (x, y), pi in zip(statements(run), run["pis"], strict=True)]


def as_hex(coefficients: list[int]) -> list[str]:
    return [f"{coefficient:032x}" for coefficient in coefficients]


@CASES
def test_vectors_follow_the_protocol(case: dict[str, Any]) -> None:
    squarings = case["squarings"]
    x = plain.hash_to_element(bytes.fromhex(case["context"]))
    y = plain.evaluate(x, squarings)
    pi = plain.prove(x, y, squarings)
    assert (x.hex(), y.hex(), pi.hex()) == (case["x"], case["y"], case["pi"])
    assert case["challenge"] == f"{plain.challenge(x, y, squarings):064x}"
    assert plain.verify(x, y, pi, squarings)


@CASES
def test_the_package_gives_the_vectors(case: dict[str, Any]) -> None:
    group, squarings = vdf.group(VECTORS["group"]), case["squarings"]
    done = group.delay(group.input(bytes.fromhex(case["context"]), squarings), squarings)
    assert (done.x.hex(), done.y.hex(), done.pi.hex()) == (case["x"], case["y"], case["pi"])
    group.verify(done.x, done.y, done.pi, squarings)


@RUNS
def test_runs_follow_the_protocol(run: dict[str, Any]) -> None:
    squarings, delays = run["squarings"], with_proofs(run)
    for x, y, pi in delays:
        assert plain.evaluate(x, squarings) == y
        assert plain.verify(x, y, pi, squarings)
    betas = plain.coefficients(plain.batch_seed(delays, squarings), len(delays))
    assert as_hex(betas) == run["betas"]
    assert plain.batch_holds(delays, betas, squarings)
    alphas, ell = plain.run_challenges(statements(run), squarings)
    assert (as_hex(alphas), f"{ell:064x}") == (run["alphas"], run["run_challenge"])
    proof = plain.prove_run(statements(run), squarings)
    assert proof.hex() == run["proof"]
    assert plain.run_holds(statements(run), proof, alphas, ell, squarings)


@RUNS
def test_the_package_gives_the_runs(run: dict[str, Any]) -> None:
    group, squarings = vdf.group(VECTORS["group"]), run["squarings"]
    assert make_vectors.run([bytes.fromhex(context) for context in run["contexts"]], squarings) == run
    group.verify_each([Delay(x, y, pi, squarings) for x, y, pi in with_proofs(run)])
    xs, ys = [x for x, _ in statements(run)], [y for _, y in statements(run)]
    group.verify_run(xs, ys, bytes.fromhex(run["proof"]), squarings)


def test_the_vectors_meet_the_edges_of_the_challenge() -> None:
    """2^T below, around and far above ℓ."""
    assert {1, 255, 256, 257} < {case["squarings"] for case in VECTORS["cases"]}
    assert any(int(case["pi"], 16) == 1 for case in VECTORS["cases"])
