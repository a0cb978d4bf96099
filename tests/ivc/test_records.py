"""Request, manifest and bundle: round trips, field ranges, and every structural fault by its code."""

import dataclasses
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc import bundle as bundles
from ivc import encoding
from ivc.bundle import Bundle, Segment, decode_bundle
from ivc.errors import Malformed, StorageError
from ivc.manifest import Manifest
from ivc.request import Request

REQUEST = Request(b"program", b"\1" * 32, b"\2" * 32, b"\3" * 32, "ipa", "digits", 7, 450, b"\4" * 32)
MANIFEST = Manifest(REQUEST.encode(), b"\5" * 32, 64, 1000, "rsa-2048", b"", b"\6" * 32)
SEGMENT = Segment(b"\7" * 256, b"\x09" * 32)
BUNDLE = Bundle(REQUEST.encode(), MANIFEST.encode(), (SEGMENT, SEGMENT), b"\x08" * 256, b"proof", bytes(64))
MOST = (1 << 20) + 1024 + 256  # of a policy with one segment
BAD_FIELD = b"\xff" * 32


def test_records_decode_to_themselves() -> None:
    assert Request.decode(REQUEST.encode()) == REQUEST
    assert Manifest.decode(MANIFEST.encode()) == MANIFEST
    assert decode_bundle(BUNDLE.encode(), MOST) == BUNDLE
    assert REQUEST.digest() == hashlib.sha256(REQUEST.encode()).digest()
    assert MANIFEST.digest() == hashlib.sha256(MANIFEST.encode()).digest()


def test_the_request_is_these_bytes() -> None:
    expected = b"".join(
        [
            b"\x87\x74escapement/request/1",
            b"\x47program",
            b"\x58\x20" + b"\1" * 32,
            b"\x58\x20" + b"\2" * 32,
            b"\x58\x20" + b"\3" * 32,
            b"\x63ipa",
            b"\x84\x66digits\x07\x19\x01\xc2",
            b"\x58\x20" + b"\4" * 32,
        ]
    )
    assert REQUEST.encode() == expected


def test_the_manifest_is_these_bytes() -> None:
    request = REQUEST.encode()
    expected = b"".join(
        [
            b"\x88\x75escapement/manifest/1",
            b"\x58" + bytes([len(request)]) + request,
            b"\x58\x20" + b"\5" * 32,
            b"\x18\x40\x19\x03\xe8\x68rsa-2048\x40",
            b"\x58\x20" + b"\6" * 32,
        ]
    )
    assert MANIFEST.encode() == expected


REQUEST_FAULTS: list[tuple[str, Any, str]] = [
    ("program", b"", "wrong-length"),
    ("program", bytes(16385), "wrong-length"),
    ("program", "text", "wrong-type"),
    ("root", bytes(31), "wrong-length"),
    ("root", BAD_FIELD, "not-a-field-element"),
    ("key_commitment", BAD_FIELD, "not-a-field-element"),
    ("device_key", bytes(33), "wrong-length"),
    ("scheme", "plonk", "unknown-scheme"),
    ("scheme", b"ipa", "wrong-type"),
    ("dataset_name", "", "bad-name"),
    ("dataset_name", "a" * 65, "bad-name"),
    ("dataset_name", "two words", "bad-name"),
    ("dataset_name", "line\n", "bad-name"),
    ("dataset_name", "\x1b[2J", "bad-name"),
    ("split_seed", True, "wrong-type"),
    ("split_seed", 2**64, "out-of-range"),
    ("test_rows", -1, "out-of-range"),
    ("test_digest", b"", "wrong-length"),
]
MANIFEST_FAULTS: list[tuple[str, Any, str]] = [
    ("request", b"", "wrong-length"),
    ("nonce", bytes(31), "wrong-length"),
    ("max_segments", 0, "out-of-range"),
    ("max_segments", 2**16 + 1, "out-of-range"),
    ("squarings", 0, "out-of-range"),
    ("squarings", 2**50 + 1, "out-of-range"),
    ("group", "rsa-1024", "unknown-group"),
    ("authority_key", bytes(32), "wrong-length"),
    ("genesis", BAD_FIELD, "not-a-field-element"),
]


@pytest.mark.parametrize(("field", "value", "expected"), REQUEST_FAULTS)
def test_request_fields_are_checked(field: str, value: Any, expected: str) -> None:
    with pytest.raises(Malformed) as caught:
        dataclasses.replace(REQUEST, **{field: value})
    assert caught.value.code == expected
    assert field in str(caught.value)


@pytest.mark.parametrize(("field", "value", "expected"), MANIFEST_FAULTS)
def test_manifest_fields_are_checked(field: str, value: Any, expected: str) -> None:
    with pytest.raises(Malformed) as caught:
        dataclasses.replace(MANIFEST, **{field: value})
    assert caught.value.code == expected
    assert field in str(caught.value)


def test_no_field_is_forgotten() -> None:
    assert {fault[0] for fault in REQUEST_FAULTS} == {field.name for field in dataclasses.fields(Request)}
    assert {fault[0] for fault in MANIFEST_FAULTS} == {field.name for field in dataclasses.fields(Manifest)}


@pytest.mark.parametrize("record", [Request, Manifest])
def test_other_formats_and_shapes_are_malformed(record: type[Request] | type[Manifest]) -> None:
    good = encoding.decode((REQUEST if record is Request else MANIFEST).encode(), "x", max_bytes=20000)
    for items, expected in [
        (["escapement/other/1", *good[1:]], "unknown-format"),
        ([b"bytes", *good[1:]], "wrong-type"),
        (good[:-1], "wrong-length"),
        ([*good, 0], "wrong-length"),
        ([], "wrong-length"),
    ]:
        with pytest.raises(Malformed) as caught:
            record.decode(encoding.encode(items))
        assert caught.value.code == expected


def parts(**changes: Any) -> bytes:
    """The bundle's encoding with some of its seven items replaced."""
    segment = [SEGMENT.y, SEGMENT.checkpoint]
    items = {
        "format": bundles.FORMAT,
        "request": BUNDLE.request,
        "manifest": BUNDLE.manifest,
        "segments": [segment, segment],
        "delays": BUNDLE.delays,
        "proof": BUNDLE.proof,
        "signature": BUNDLE.signature,
    }
    return encoding.encode(list({**items, **changes}.values()))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (parts(format="escapement/bundle/1"), "unknown-format"),
        (parts(request=b""), "wrong-length"),
        (parts(request=bytes(bundles.MAX_REQUEST_BYTES + 1)), "wrong-length"),
        (parts(request="text"), "wrong-type"),
        (parts(manifest=b""), "wrong-length"),
        (parts(manifest=bytes(bundles.MAX_MANIFEST_BYTES + 1)), "wrong-length"),
        (parts(segments=b""), "wrong-type"),
        (parts(segments=[b""]), "wrong-type"),
        (parts(segments=[[SEGMENT.y]]), "wrong-length"),
        (parts(segments=[[SEGMENT.y, SEGMENT.y, SEGMENT.checkpoint]]), "wrong-length"),
        (parts(segments=[[b"", SEGMENT.checkpoint]]), "wrong-length"),
        (parts(segments=[[SEGMENT.y + b"\0", SEGMENT.checkpoint]]), "wrong-length"),
        (parts(segments=[[SEGMENT.y, bytes(33)]]), "wrong-length"),
        (parts(segments=[[SEGMENT.y, BAD_FIELD]]), "not-a-field-element"),
        (parts(segments=[[5, SEGMENT.checkpoint]]), "wrong-type"),
        (parts(segments=[[SEGMENT.y, "text"]]), "wrong-type"),
        (parts(delays=b""), "wrong-length"),
        (parts(delays=[]), "wrong-type"),
        (parts(delays=[BUNDLE.delays]), "wrong-type"),
        (parts(delays="text"), "wrong-type"),
        (parts(proof=b""), "wrong-length"),
        (parts(proof=bytes(65537)), "wrong-length"),
        (parts(proof=[]), "wrong-type"),
        (parts(signature=bytes(63)), "wrong-length"),
        (parts(signature=bytes(65)), "wrong-length"),
        (parts(signature=True), "wrong-type"),
        (parts(extra=0), "wrong-length"),
        (BUNDLE.encode() + b"\0", "trailing-bytes"),
        (BUNDLE.encode()[:-1], "truncated"),
        (b"", "truncated"),
        (BUNDLE.encode().replace(b"\x45proof", b"\x58\x05proof"), "not-canonical"),
        (bytes(MOST + 1), "too-long"),
        (parts(segments=[0] * 40_000), "too-many-items"),
    ],
)
def test_bundle_faults_have_their_code(data: bytes, expected: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_bundle(data, MOST)
    assert caught.value.code == expected


def test_no_segments_and_too_many_are_well_formed() -> None:
    assert len(decode_bundle(parts(segments=[]), MOST).segments) == 0
    for y in (SEGMENT.y, bytes(100)):  # the shortest that a group has
        most = (MOST - 2000) // (len(y) + 38)
        data = parts(segments=[[y, SEGMENT.checkpoint]] * most)
        assert len(decode_bundle(data, MOST).segments) == most


def test_the_longest_proof_of_delays_that_fits_is_well_formed() -> None:
    room = MOST - len(parts(delays=bytes(1 << 16)))
    longest = bytes((1 << 16) + room)
    assert decode_bundle(parts(delays=longest), MOST).delays == longest
    with pytest.raises(Malformed) as caught:
        decode_bundle(parts(delays=longest + b"\0"), MOST)
    assert caught.value.code == "too-long"


@given(st.integers(0, len(BUNDLE.encode()) - 1))
def test_every_truncation_is_malformed(length: int) -> None:
    with pytest.raises(Malformed) as caught:
        decode_bundle(BUNDLE.encode()[:length], MOST)
    assert caught.value.code == "truncated"


def test_a_bundle_file_is_read_up_to_the_cap(tmp_path) -> None:
    path = tmp_path / "bundle.esc"
    path.write_bytes(bytes(MOST + 100))
    assert len(bundles.read_bundle(path, MOST)) == MOST + 1
    assert len(bundles.read_bundle(path, 2**32)) == MOST + 100
    with pytest.raises(StorageError) as caught:
        bundles.read_bundle(tmp_path / "absent", 1)
    assert caught.value.code == "bundle-unreadable"


def test_the_signed_message_is_these_bytes() -> None:
    fields = b"M" * 32 + (2).to_bytes(8, "big") + b"C" * 32 + hashlib.sha256(b"proof").digest()
    expected = hashlib.sha256(b"escapement/v1/bundle".ljust(32, b"\0") + fields).digest()
    assert bundles.signed_message(b"M" * 32, 2, b"C" * 32, b"proof") == expected
