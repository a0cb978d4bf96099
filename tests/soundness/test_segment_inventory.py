"""Every field of the segment bundle × every mutation, each with its exact code, and both kinds as each other.

A field without an entry fails `test_no_field_is_forgotten`. The bundle that is attacked verifies. Request,
manifest and policy have the same bytes and checks as with r1cs-nova (test_inventory, test_policy_fields).
"""

import dataclasses
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivc import encoding
from ivc.segment_bundle import SegmentBundle
from tests.soundness.attacks import MUTATIONS, Path, altered, expected, flipped, followed, refused
from tests.soundness.codes import Row, always, fixed, output, row
from tests.tiny_run import Run, resigned
from tests.tiny_segment import with_fold

POINT = 64

BUNDLE: dict[str, tuple[Path, Row]] = {
    # Another format, even a known one, has another number of items.
    "format": ((0,), {**always("unknown-format"), "replaced": "wrong-length"}),
    "request": ((1,), always("request-mismatch")),
    "manifest": ((2,), always("manifest-mismatch")),
    "segments": ((3,), row("delay-false", "wrong-length", "wrong-length", "delay-false")),
    "delays": ((4,), row("delay-false", "delay-pi-length", "delay-pi-length", "delay-false")),
    "dataset": ((5,), fixed("proof-dataset-rejected")),
    "folds": ((6,), row("proof-fold-rejected", "wrong-length", "wrong-length", "proof-fold-rejected")),
    "closing": ((7,), fixed("proof-closing-rejected")),
    "signature": ((8,), fixed("signature-invalid")),
}
FOLD = fixed("proof-fold-rejected")
# A checkpoint is in the context of the delay after it; the last one is only in the proofs.
SEGMENT: dict[str, tuple[int, tuple[Row, Row]]] = {
    "y": (0, (output("delay-false"), output("delay-false"))),
    "checkpoint": (1, (fixed("delay-false"), fixed("proof-checkpoint-rejected"))),
}


@pytest.fixture(scope="session")
def others(segment_second: Run, stranger: Run) -> dict[str, Any]:
    """Another valid value of every field, from other runs."""
    names = [field.name for field in dataclasses.fields(SegmentBundle)]
    decoded = dict(zip(names, cbor2.loads(segment_second.bundle.encode())[1:], strict=True))
    return {
        **decoded,
        "format": "escapement/bundle/2",
        "request": stranger.bundle.request,
        "dataset": stranger.bundle.dataset,
    }


def test_no_field_is_forgotten() -> None:
    names = [field.name for field in dataclasses.fields(SegmentBundle)]
    assert {name: path for name, (path, _) in BUNDLE.items()} == {
        name: (index,) for index, name in enumerate(["format", *names])
    }
    rows = [codes for _, codes in BUNDLE.values()] + [codes for _, two in SEGMENT.values() for codes in two]
    assert all(set(codes) == set(MUTATIONS) for codes in (*rows, FOLD))


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", BUNDLE)
def test_bundle(segment: Run, others: dict[str, Any], field: str, how: str) -> None:
    path, codes = BUNDLE[field]
    data = segment.bundle.encode()
    if how == "flipped" and field in ("dataset", "closing"):
        proof = getattr(segment.bundle, field)
        attack = altered(data, path, "replaced", flipped(proof, last_element(proof)))
    else:
        attack = altered(data, path, how, others[field])
    assert refused(segment.policy, attack) == expected(codes[how])


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("how", MUTATIONS)
def test_fold(segment: Run, segment_second: Run, how: str, index: int) -> None:
    data, fold = segment.bundle.encode(), segment.bundle.folds[index]
    if how == "flipped":
        attack = altered(data, (6, index), "replaced", flipped(fold, last_element(fold)))
    else:
        attack = altered(data, (6, index), how, segment_second.bundle.folds[index])
    assert refused(segment.policy, attack) == expected(FOLD[how])


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", SEGMENT)
def test_segment(segment: Run, segment_second: Run, field: str, how: str, index: int) -> None:
    at, codes = SEGMENT[field]
    other = cbor2.loads(segment_second.bundle.encode())[3][1][at]
    attack = altered(segment.bundle.encode(), (3, index, at), how, other)
    assert refused(segment.policy, attack) == expected(codes[index][how])


def last_element(proof: bytes) -> int:
    """Where the last element begins: its lowest bit can be flipped and it stays canonical."""
    return len(proof) - 32


# --- inside a proof ---------------------------------------------------------------------------------------

PARTS = {"dataset": "proof-dataset", "folds": "proof-fold", "closing": "proof-closing"}
SPOILT: dict[str, tuple[Any, str]] = {
    "an element that is not canonical": (lambda proof: proof[:-32] + b"\xff" * 32, "malformed"),
    "the field's order as an element": (
        lambda proof: proof[:-32] + encoding.FIELD_ORDER.to_bytes(32, "little"),
        "malformed",
    ),
    "a coordinate flipped": (lambda proof: flipped(proof, 0), "malformed"),
    "the identity": (lambda proof: bytes(POINT) + proof[POINT:], "malformed"),
    "a coordinate that is not canonical": (lambda proof: b"\xff" * 32 + proof[32:], "malformed"),
    "the other root of a point": (lambda proof: negated(proof), "rejected"),
    "all elements zero": (lambda proof: proof[: -32 * 8] + bytes(32 * 8), "rejected"),
}


def negated(proof: bytes) -> bytes:
    """The first point with its y replaced by q − y."""
    order = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    y = order - int.from_bytes(proof[32:POINT], "little")
    return proof[:32] + y.to_bytes(32, "little") + proof[POINT:]


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.parametrize("part", PARTS)
def test_spoilt_proofs(segment: Run, part: str, name: str) -> None:
    spoil, code = SPOILT[name]
    bundle = segment.bundle
    if part == "folds":
        attack = with_fold(bundle, 1, spoil(bundle.folds[1]))
    else:
        attack = dataclasses.replace(bundle, **{part: spoil(getattr(bundle, part))})
    assert refused(segment.policy, resigned(segment, attack)) == expected(f"{PARTS[part]}-{code}")


FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(st.integers(0, 1 << 20), st.integers(1, 255), st.sampled_from(sorted(PARTS)), st.integers(0, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
def test_no_byte_of_a_proof_is_free(segment: Run, at: int, mask: int, part: str, index: int) -> None:
    bundle = segment.bundle

    def edited(proof: bytes) -> bytes:
        place = at % len(proof)
        return proof[:place] + bytes([proof[place] ^ mask]) + proof[place + 1 :]

    if part == "folds":
        attack = with_fold(bundle, index, edited(bundle.folds[index]))
    else:
        attack = dataclasses.replace(bundle, **{part: edited(getattr(bundle, part))})
    code, exit_code = refused(segment.policy, resigned(segment, attack))
    assert (code, exit_code) in ((f"{PARTS[part]}-malformed", 5), (f"{PARTS[part]}-rejected", 1))


# --- one kind as the other --------------------------------------------------------------------------------


def test_a_policy_takes_its_own_kind_only(segment: Run, honest: Run) -> None:
    assert refused(honest.policy, segment.bundle) == ("request-mismatch", 1)
    assert refused(segment.policy, honest.bundle) == ("request-mismatch", 1)


def test_the_program_says_how_a_bundle_is_read(segment: Run, honest: Run) -> None:
    """Each policy's own request, in a bundle of the other kind."""
    folded = dataclasses.replace(segment.bundle, request=honest.bundle.request)
    assert refused(honest.policy, folded) == ("wrong-length", 5)
    own = dataclasses.replace(honest.bundle, request=segment.bundle.request)
    assert refused(segment.policy, own) == ("wrong-length", 5)


def test_a_key_of_the_other_kind(segment: Run, honest: Run) -> None:
    for run, other in ((segment, honest), (honest, segment)):
        policy = dataclasses.replace(run.policy, verifying_key=other.policy.verifying_key)
        assert refused(policy, run.bundle) == ("verifying-key-mismatch", 1)


def test_the_same_training_under_the_other_name(segment: Run, honest: Run) -> None:
    """Another arithmetisation is another program: the request, and with it M and all delays, changes."""
    for run, name in ((segment, "r1cs-nova"), (honest, "segment")):
        request = cbor2.loads(run.bundle.request)
        program = cbor2.loads(request[1])
        program[1] = name
        request[1] = encoding.encode(program)
        assert refused(run.policy, dataclasses.replace(run.bundle, request=encoding.encode(request))) == (
            "request-mismatch",
            1,
        )
        assert refused(*followed(run, encoding.encode(request))) == ("wrong-length", 5)


def test_an_unknown_arithmetisation_is_no_program(segment: Run) -> None:
    for name in ("", "nova", "Segment", "segment ", "r1cs-nova,segment"):
        request = cbor2.loads(segment.bundle.request)
        program = cbor2.loads(request[1])
        program[1] = name
        request[1] = encoding.encode(program)
        assert refused(*followed(segment, encoding.encode(request))) == ("program-invalid", 5)


def test_the_segment_argument_has_one_scheme(segment: Run) -> None:
    request = cbor2.loads(segment.bundle.request)
    request[5] = "hyperkzg"
    assert refused(*followed(segment, encoding.encode(request))) == ("unknown-scheme", 5)
