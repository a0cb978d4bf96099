"""Attacks on chains of steps: other terms, cheating provers, and splices of true chains.

The attacked chains verify (tests/zkml/provers/test_chain.py); their files' items are in test_steps_inventory.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import _escapement
import cbor2
import pytest

from tests.soundness.attacks import encoded
from tests.soundness.steps_attacks import Expected, false, malformed, other, refuse
from tests.tiny_steps import (
    NAMES,
    Hashes,
    Made,
    cheated,
    checked,
    made,
    redelayed,
    set_up,
    tiny_work,
)
from zkml.errors import ProofMalformed, ProofRejected, ProverUnsupported, TermsMismatch
from zkml.provers.interface import Link, Steps, Work
from zkml.provers.registry import PROVERS
from zkml.provers.stepsfile import StepsFile
from zkml.provers.terms import Terms


@pytest.fixture(scope="module", autouse=True)
def hashes() -> Iterator[None]:
    """The test double has a name while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROVERS, "hashes", Hashes)
        yield


# --- the terms, field by field ----------------------------------------------------------------------------

OTHER_PROVER = (ProverUnsupported, "program.arithmetisation: ")
OTHER_TERMS: dict[str, tuple[Callable[[Made], Any], Expected]] = {
    "prover": (lambda honest: "r1cs-nova" if honest.terms.prover == "segment" else "segment", OTHER_PROVER),
    "program": (lambda honest: other_rate(honest), false("delays: one of 2 delays is false")),
    "rows": (lambda honest: bytes(32), false("rows: the terms state SHA-256 " + "00" * 32)),
    "nonce": (lambda honest: b"o" * 32, false("delays: one of 2 delays is false")),
    "group": (lambda honest: "class-1024", (ProofMalformed, " expected, got ")),
    "squarings": (lambda honest: 301, false("delays: one of 2 delays is false")),
    "segments": (lambda honest: 3, malformed("segments: 3 items expected, got 2")),
    "srs": (lambda honest: b"s" * 32, (TermsMismatch, "reference string: the terms state 7373")),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changed", OTHER_TERMS)
def test_other_terms_refuse_the_file(name: str, changed: str) -> None:
    honest = made(name)
    value, expected = OTHER_TERMS[changed]
    refuse(honest, expected, terms=dataclasses.replace(honest.terms, **{changed: value(honest)}))


def test_every_field_of_the_terms_is_attacked() -> None:
    assert set(OTHER_TERMS) == {one.name for one in dataclasses.fields(Terms)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changed", ["program", "nonce", "squarings"])
def test_nor_with_true_delays(name: str, changed: str) -> None:
    """The attacker computes the delays that the other terms ask for, and keeps the proofs."""
    honest = made(name)
    terms = dataclasses.replace(honest.terms, **{changed: OTHER_TERMS[changed][0](honest)})
    verifier = honest.backend.verifier(terms.decoded, honest.folder, None)
    file = redelayed(honest.file, terms, verifier.genesis(terms.nonce))
    refuse(honest, first_step(name), file, terms)


# --- cheating provers -------------------------------------------------------------------------------------


def first_step(name: str, segment: int = 1) -> Expected:
    """What a proof of something else is refused with, if it is wrong from this segment on."""
    return false(
        {
            "hashes": f"segment {segment}, link 1: not the step from the one before",
            "segment": "segments: ",
            "r1cs-nova": "last proof: ",
        }[name]
    )


CHEATS: dict[str, tuple[dict[str, Any], int]] = {
    "all batches by a seed of one's own": ({"seed": lambda index, previous, own: b"c" * 32}, 1),
    "the second segment on the first one's seed": (
        {"seed": lambda index, previous, own: previous if index else own},
        2,
    ),
    "the first segment before its delay": (
        {"seed": lambda index, previous, own: own if index else previous},
        1,
    ),
    "other first weights": ({"nonce": b"o" * 32}, 0),
    "shorter delays": ({"squarings": 299}, 0),
}


@pytest.mark.parametrize(
    ("name", "cheat"),
    # Delays are checked before any proof: there the prover that costs seconds adds nothing.
    [(name, cheat) for name in NAMES for cheat in CHEATS if CHEATS[cheat][1] or name != "r1cs-nova"],
)
def test_a_cheating_prover(name: str, cheat: str) -> None:
    """Everything else about these chains is true: hashes, delays, proofs of what was trained."""
    changes, segment = CHEATS[cheat]
    expected = first_step(name, segment) if segment else false("delays: one of 2 delays is false")
    refuse(made(name), expected, cheated(made(name), **changes))


@pytest.mark.parametrize("name", NAMES)
def test_weights_trained_beforehand(name: str) -> None:
    """Other first weights, with the delays that the true ones ask for."""
    honest = made(name)
    genesis = checked(honest).checkpoints[0]
    file = redelayed(cheated(honest, nonce=b"o" * 32), honest.terms, genesis)
    refuse(honest, first_step(name), file)


@pytest.mark.parametrize("name", ["hashes", "r1cs-nova"])
def test_a_proof_under_another_statement(name: str) -> None:
    """With the segment argument the statement enters by the seeds only, which these are right in."""
    honest = made(name)
    refuse(honest, false("last proof: "), cheated(honest, statement=bytes(32)))


@pytest.mark.parametrize("name", NAMES)
def test_other_rows_under_the_same_terms(name: str) -> None:
    honest = made(name)
    steps = other_rows(name)
    file = cheated(honest, steps=steps)
    refuse(honest, false("rows: the terms state SHA-256 "), file)
    file = dataclasses.replace(file, rows=honest.steps.rows)
    place = {"hashes": "last proof: not of", "segment": "segments: ", "r1cs-nova": "last proof: "}[name]
    refuse(honest, false(place), file)


def test_what_the_key_commitment_is_worth() -> None:
    """Rows agreed on under another K: r1cs-nova proves K, the segment argument has no place for it (§15)."""
    for name in ("r1cs-nova", "segment"):
        honest = made(name)
        rows = honest.steps.rows[:32] + _escapement.key_commitment(_escapement.random_field_element())
        terms = dataclasses.replace(honest.terms, rows=hashlib.sha256(rows).digest())
        file = dataclasses.replace(cheated(honest, terms=terms), rows=rows)
        if name == "r1cs-nova":
            refuse(honest, false("last proof: "), file, terms)
        else:
            assert any("that K commits to the key" in said for said in checked(honest, file, terms).not_bound)


# --- splices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_splices_with_true_delays(name: str) -> None:
    """Segments swapped, repeated, or from another chain, and hashes made up: the delays are made to fit."""
    honest, foreign = made(name), other(name).file.segments
    first, second = honest.file.segments
    genesis = checked(honest).checkpoints[0]
    made_up = _escapement.random_field_element()
    for segments, segment in (
        ((second, first), 1),
        ((first, first), 2),
        ((second, second), 1),
        ((foreign[0], second), 1),
        ((first, foreign[1]), 2),
        (foreign, 1),
        ((with_after(first, made_up), second), 1),
        ((first, with_after(second, made_up)), 2),
    ):
        spliced = redelayed(dataclasses.replace(honest.file, segments=tuple(segments)), honest.terms, genesis)
        refused_from(honest, name, segment, spliced)


def with_after(segment: Any, after: bytes) -> Any:
    """The segment with another hash at its end."""
    links = (*segment.links[:-1], Link(after, segment.links[-1].proofs))
    return dataclasses.replace(segment, links=links)


def refused_from(honest: Made, name: str, segment: int, file: StepsFile) -> None:
    """Rejected, and not before this segment."""
    with pytest.raises(ProofRejected) as caught:
        checked(honest, file)
    said = str(caught.value)
    assert said.startswith({"hashes": "segment ", "segment": "segments: ", "r1cs-nova": "last proof: "}[name])
    if name == "hashes":
        assert int(said.split()[1].rstrip(",")) >= segment


def test_elements_that_are_none() -> None:
    """Hashes of weights that are no field elements: refused where they are read first."""
    for name in ("segment", "r1cs-nova"):
        honest = made(name)
        first, second = honest.file.segments
        file = dataclasses.replace(honest.file, segments=(first, with_after(second, b"\xff" * 32)))
        with pytest.raises(ProofMalformed, match=r"^(segments|last proof): "):
            checked(honest, file)
        file = dataclasses.replace(honest.file, segments=(with_after(first, b"\xff" * 32), second))
        file = redelayed(file, honest.terms, checked(honest).checkpoints[0])
        with pytest.raises(ProofMalformed, match=r"^(segments|segment 2): "):
            checked(honest, file)


def test_one_provers_file_under_the_others_terms() -> None:
    """The rows are of one form, so it is the proofs that differ."""
    nova, segment = made("r1cs-nova"), made("segment")
    refuse(nova, malformed("segment 1, link 1, proofs: 0 items expected, got 2"), segment.data)
    refuse(segment, malformed("last proof: 0 to "), nova.data)


def other_rate(honest: Made) -> bytes:
    """The chain's program with twice the learning rate."""
    program = cbor2.loads(honest.terms.program)
    program[10] *= 2
    return encoded(program)


def other_rows(name: str) -> Steps:
    """The same program set up with labels exchanged."""
    work = tiny_work(name)
    backend, _, folder = set_up(name)
    return backend.set_up(Work(work.program, work.x, 1 - work.labels), folder, None)
