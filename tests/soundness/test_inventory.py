"""Every field of bundle, segment, request and manifest × every mutation, each with its exact code.

A field without an entry fails `test_no_field_is_forgotten`. The bundle that is attacked verifies.
"""

import dataclasses
from typing import Any

import cbor2
import pytest

from ivc.bundle import Bundle, Segment
from ivc.manifest import Manifest
from ivc.request import Request
from tests.soundness.attacks import MUTATIONS, Path, altered, expected, followed, refused
from tests.soundness.codes import Row, always, fixed, output, row
from tests.tiny_run import Run, resigned

BUNDLE: dict[str, tuple[Path, Row]] = {
    "format": ((0,), always("unknown-format")),
    "request": ((1,), always("request-mismatch")),
    "manifest": ((2,), always("manifest-mismatch")),
    "segments": ((3,), always("delay-false")),
    "delays": ((4,), row("delay-false", "delay-pi-length", "delay-pi-length", "delay-false")),
    "proof": ((5,), row("proof-rejected", "proof-malformed", "proof-malformed", "proof-rejected")),
    "signature": ((6,), fixed("signature-invalid")),
}
# A checkpoint is in the context of the delay after it; the last one is only in the proof.
SEGMENT: dict[str, tuple[int, tuple[Row, Row]]] = {
    "y": (0, (output("delay-false"), output("delay-false"))),
    "checkpoint": (1, (fixed("delay-false"), fixed("proof-rejected"))),
}
# With a policy that names the altered request: what is well-formed makes another manifest, other delays.
REQUEST: dict[str, tuple[Path, Row]] = {
    "format": ((0,), always("unknown-format")),
    # Its middle bit is in a number: another program, and valid.
    "program": ((1,), row("delay-false", "program-invalid", "program-invalid", "delay-false")),
    "root": ((2,), fixed("delay-false")),
    "key_commitment": ((3,), fixed("delay-false")),
    "device_key": ((4,), fixed("delay-false")),
    "scheme": ((5,), row("unknown-scheme", "unknown-scheme", "unknown-scheme", "delay-false")),
    "dataset": ((6,), row("wrong-type", "wrong-length", "wrong-length", "wrong-length")),
    "dataset_name": ((6, 0), always("delay-false")),
    "split_seed": ((6, 1), always("delay-false")),
    "test_rows": ((6, 2), always("delay-false")),
    "test_digest": ((6, 3), fixed("delay-false")),
}
MANIFEST: dict[str, Path] = {
    "format": (0,),
    "request": (1,),
    "nonce": (2,),
    "max_segments": (3,),
    "squarings": (4,),
    "group": (5,),
    "authority_key": (6,),
    "genesis": (7,),
}
# An authority key of no bytes has no bit to flip and no byte to lose.
IMPOSSIBLE = {("authority_key", "flipped"), ("authority_key", "truncated")}


@pytest.fixture(scope="session")
def others(second: Run, claimed: Run, other_program: bytes) -> dict[str, dict[str, Any]]:
    """Another valid value of every field, from other runs where one has it."""
    request = cbor2.loads(claimed.bundle.request)
    manifest = cbor2.loads(second.bundle.manifest)
    return {
        "bundle": {
            "format": "escapement/bundle/1",
            "request": claimed.bundle.request,
            **dict(
                zip(("manifest", "segments", "delays", "proof", "signature"), items(second)[2:], strict=True)
            ),
        },
        "segment": dict(zip(("y", "checkpoint"), items(second)[3][1], strict=True)),
        "request": {
            "format": "escapement/request/2",
            "program": other_program,
            **dict(zip(("root", "key_commitment", "device_key"), request[2:5], strict=True)),
            "scheme": "hyperkzg",
            "dataset": ["tiny", 1, 2],
            "dataset_name": "digits",
            "split_seed": 7,
            "test_rows": 450,
            "test_digest": bytes(32),
        },
        "manifest": {
            "format": "escapement/manifest/2",
            "request": claimed.bundle.request,
            "nonce": manifest[2],
            "max_segments": 2,
            "squarings": 1,
            "group": "class-1024",
            "authority_key": bytes(32),
            "genesis": manifest[7],
        },
    }


def items(run: Run) -> list[Any]:
    decoded: list[Any] = cbor2.loads(run.bundle.encode())
    return decoded


def test_no_field_is_forgotten() -> None:
    def names(record: type) -> set[str]:
        return {field.name for field in dataclasses.fields(record)}

    assert set(BUNDLE) == names(Bundle) | {"format"}
    assert set(SEGMENT) == names(Segment)
    assert set(REQUEST) == names(Request) | {"format", "dataset"}
    assert set(MANIFEST) == names(Manifest) | {"format"}
    rows = [r for _, r in (*BUNDLE.values(), *REQUEST.values())] + [
        r for _, two in SEGMENT.values() for r in two
    ]
    assert all(set(r) == set(MUTATIONS) for r in rows)


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", BUNDLE)
def test_bundle(honest: Run, others: dict[str, dict[str, Any]], field: str, how: str) -> None:
    path, codes = BUNDLE[field]
    data = honest.bundle.encode()
    if (field, how) == ("proof", "flipped"):
        # The lowest bit of the last of the six coordinates, so that the proof stays decodable.
        proof = honest.bundle.proof
        attack = altered(data, path, "replaced", proof[:-32] + bytes([proof[-32] ^ 1]) + proof[-31:])
    else:
        attack = altered(data, path, how, others["bundle"][field])
    assert refused(honest.policy, attack) == expected(codes[how])


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", SEGMENT)
def test_segment(honest: Run, others: dict[str, dict[str, Any]], field: str, how: str, index: int) -> None:
    at, codes = SEGMENT[field]
    attack = altered(honest.bundle.encode(), (3, index, at), how, others["segment"][field])
    assert refused(honest.policy, attack) == expected(codes[index][how])


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", REQUEST)
def test_request_of_another_policy(
    honest: Run, others: dict[str, dict[str, Any]], field: str, how: str
) -> None:
    """The policy is for the honest request: no other one is even read."""
    request = altered(honest.bundle.request, REQUEST[field][0], how, others["request"][field])
    attack = dataclasses.replace(honest.bundle, request=request)
    assert refused(honest.policy, attack) == ("request-mismatch", 1)


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", REQUEST)
def test_request_that_was_accepted(
    honest: Run, others: dict[str, dict[str, Any]], field: str, how: str
) -> None:
    """The policy is for the altered request, and the manifest follows."""
    path, codes = REQUEST[field]
    request = altered(honest.bundle.request, path, how, others["request"][field])
    assert request != honest.bundle.request
    assert refused(*followed(honest, request)) == expected(codes[how])


@pytest.mark.parametrize(
    ("field", "how"), [(f, how) for f in MANIFEST for how in MUTATIONS if (f, how) not in IMPOSSIBLE]
)
def test_manifest(honest: Run, others: dict[str, dict[str, Any]], field: str, how: str) -> None:
    """The verifier builds the manifest itself, so every other one is false, readable or not."""
    manifest = altered(honest.bundle.manifest, MANIFEST[field], how, others["manifest"][field])
    attack = dataclasses.replace(honest.bundle, manifest=manifest)
    assert refused(honest.policy, attack) == ("manifest-mismatch", 1)


def test_request_and_manifest_that_are_something_else(honest: Run) -> None:
    for name in ("request", "manifest"):
        others = {"not CBOR": b"\xff", "one byte less": getattr(honest.bundle, name)[:-1], "zero": b"\0"}
        swapped = {"the other": honest.bundle.manifest if name == "request" else honest.bundle.request}
        for value in {**others, **swapped}.values():
            attack = dataclasses.replace(honest.bundle, **{name: value})
            assert refused(honest.policy, attack) == (f"{name}-mismatch", 1)


def test_bytes_that_are_no_proof(honest: Run) -> None:
    """Of another length, or of the right one with nothing in it that a list's length could be."""
    length = len(honest.bundle.proof)
    for proof in (b"\0", bytes(12_000), b"\xff" * 65_536, bytes(length), b"\xff" * length):
        attack = resigned(honest, dataclasses.replace(honest.bundle, proof=proof))
        assert refused(honest.policy, attack) == ("proof-malformed", 5)
