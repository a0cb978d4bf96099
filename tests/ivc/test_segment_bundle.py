"""ivc.segment_bundle: round trips, structural faults by their codes, sizes that only the program fixes."""

import dataclasses
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc import bundle as bundles
from ivc import encoding, segment_bundle
from ivc.bundle import Bundle, Segment, decode_bundle, leading_request, signed_message
from ivc.errors import Malformed, Rejected
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.program import ProgramInfo
from ivc.request import Request
from ivc.segment_bundle import ProofSizes, SegmentBundle, decode_segment_bundle, max_bundle_bytes

REQUEST = Request(b"program", b"\1" * 32, b"\2" * 32, b"\3" * 32, "ipa", "digits", 7, 450, b"\4" * 32)
MANIFEST = Manifest(REQUEST.encode(), b"\5" * 32, 64, 1000, "rsa-2048", b"", b"\6" * 32)
SEGMENT = Segment(b"\7" * 256, b"\x09" * 32)
SIZES = ProofSizes(dataset=96, fold=64, closing=128)
FOLDS = tuple(bytes([i]) * 64 for i in range(4))
BUNDLE = SegmentBundle(
    REQUEST.encode(),
    MANIFEST.encode(),
    (SEGMENT, SEGMENT),
    b"\x08" * 256,
    b"d" * 96,
    FOLDS,
    b"c" * 128,
    bytes(64),
)
PROGRAM = ProgramInfo(bytes(32), "segment", 2, 1, 2, 4, 9, 2, 26, ())
FOLDED = Bundle(REQUEST.encode(), MANIFEST.encode(), (SEGMENT,), b"\x08" * 256, b"proof", bytes(64))
MOST = 1 << 20


def decode(data: bytes, most: int = MOST) -> SegmentBundle:
    return decode_segment_bundle(data, most, PROGRAM, SIZES)


def code_of(data: bytes, most: int = MOST) -> str:
    with pytest.raises(Malformed) as caught:
        decode(data, most)
    return caught.value.code


def test_a_bundle_decodes_to_itself() -> None:
    assert decode(BUNDLE.encode()) == BUNDLE
    assert cbor2.loads(BUNDLE.encode())[0] == "escapement/segment-bundle/1"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("folds", FOLDS[:3], "wrong-length"),
        ("folds", (*FOLDS, FOLDS[0]), "wrong-length"),
        ("folds", (), "wrong-length"),
        ("folds", (*FOLDS[:3], FOLDS[3][:-1]), "wrong-length"),
        ("folds", (*FOLDS[:3], FOLDS[3] + b"\0"), "wrong-length"),
        ("segments", (SEGMENT,), "wrong-length"),
        ("segments", (), "wrong-length"),
        ("dataset", b"d" * 95, "wrong-length"),
        ("dataset", b"", "wrong-length"),
        ("closing", b"c" * 129, "wrong-length"),
        ("signature", bytes(63), "wrong-length"),
        ("request", b"", "wrong-length"),
        ("manifest", b"", "wrong-length"),
        ("delays", b"", "wrong-length"),
    ],
)
def test_every_length_is_the_programs(field: str, value: Any, code: str) -> None:
    changed: SegmentBundle = dataclasses.replace(BUNDLE, **{field: value})
    assert code_of(changed.encode()) == code


@pytest.mark.parametrize("at", range(9))
def test_every_item_has_its_type_and_place(at: int) -> None:
    items = cbor2.loads(BUNDLE.encode())
    assert code_of(encoding.encode([*items[:at], *items[at + 1 :]])) == "wrong-length"
    assert code_of(encoding.encode([*items[:at], items[at], *items[at:]])) == "wrong-length"
    assert code_of(encoding.encode([*items[:at], 7, *items[at + 1 :]])) == "wrong-type"


def test_an_empty_run_has_no_folds() -> None:
    """Whether it may have no segments is not decided here."""
    empty = dataclasses.replace(BUNDLE, segments=(), folds=())
    assert decode(empty.encode()) == empty


def test_the_total_is_bounded_before_decoding() -> None:
    data = BUNDLE.encode()
    assert decode(data, len(data)) == BUNDLE
    assert code_of(data, len(data) - 1) == "too-long"


def test_the_two_kinds_are_not_each_other() -> None:
    assert code_of(FOLDED.encode()) == "wrong-length"
    with pytest.raises(Malformed) as caught:
        decode_bundle(BUNDLE.encode(), MOST)
    assert caught.value.code == "wrong-length"
    renamed = cbor2.loads(BUNDLE.encode())
    renamed[0] = "escapement/bundle/2"
    assert code_of(encoding.encode(renamed)) == "unknown-format"


def policy(max_segments: int) -> Policy:
    return Policy(bytes(32), bytes(32), bytes(32), max_segments, 1000, "rsa-2048", 1, "a test")


def test_the_cap_has_room_for_every_bundle_and_little_more() -> None:
    sizes = ProofSizes(dataset=10_000, fold=30_000, closing=7_000)
    most = max_bundle_bytes(policy(2), PROGRAM, sizes)
    assert most == (1 << 20) + 2 * 1024 + 256 + 10_000 + 7_000 + 4 * 30_005
    big = dataclasses.replace(
        BUNDLE, dataset=bytes(10_000), folds=tuple([bytes(30_000)] * 4), closing=bytes(7_000)
    )
    assert decode_segment_bundle(big.encode(), most, PROGRAM, sizes) == big


def test_a_policy_for_more_than_anybody_reads_is_refused() -> None:
    sizes = ProofSizes(dataset=10_000, fold=30_000, closing=7_000)
    fits = max_bundle_bytes(policy(17_000), PROGRAM, sizes)
    assert fits <= segment_bundle.MAX_BYTES
    with pytest.raises(Rejected, match="about 17") as caught:
        max_bundle_bytes(policy(40_000), PROGRAM, sizes)
    assert caught.value.code == "policy-exceeds-bundle"


# --- the first bytes of either kind -----------------------------------------------------------------------


@pytest.mark.parametrize("bundle", [BUNDLE, FOLDED], ids=["segment", "folded"])
def test_the_request_is_read_from_the_first_bytes(bundle: Any) -> None:
    data = bundle.encode()
    end = data.index(REQUEST.encode()) + len(REQUEST.encode())
    assert end <= bundles.PREFIX_BYTES
    for length in (end, end + 1, len(data)):
        assert leading_request(data[:length]) == REQUEST.encode()
    for length in (0, 1, 10, end - 1):
        assert leading_request(data[:length]) is None


def test_what_does_not_begin_as_a_bundle_has_no_request() -> None:
    items = cbor2.loads(BUNDLE.encode())
    for changed in (
        items[:-1],
        [*items, 0],
        ["escapement/bundle/2", *items[1:]],
        ["escapement/segment-bundle/2", *items[1:]],
        [items[0].encode(), *items[1:]],
        [items[0], b"", *items[2:]],
        [items[0], bytes(bundles.MAX_REQUEST_BYTES + 1), *items[2:]],
        [items[0], "text", *items[2:]],
        [items[0], 7, *items[2:]],
    ):
        assert leading_request(encoding.encode(changed)) is None
    long_head = BUNDLE.encode()
    assert leading_request(b"\x98\x09" + long_head[1:]) is None
    text = long_head.index(b"escapement/")
    assert leading_request(long_head[: text - 2] + b"\x79\x00" + long_head[text - 1 :]) is None


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_first_bytes_are_read_or_refused(noise: bytes, at: int) -> None:
    data = BUNDLE.encode()
    data = data[:at] + noise + data[at + len(noise) :]
    found = leading_request(data)
    starts = (encoding.encode(form) + encoding.encode(found) for form in bundles.FORMS)
    assert found is None or any(data[1:].startswith(start) for start in starts)


def test_the_signature_covers_all_proofs_in_order() -> None:
    whole = signed_message(bytes(32), 2, bytes(32), b"".join(BUNDLE.proofs))
    assert signed_message(bytes(32), 2, bytes(32), BUNDLE.proofs) == whole
    assert b"".join(BUNDLE.proofs) == BUNDLE.dataset + b"".join(FOLDS) + BUNDLE.closing
    assert signed_message(bytes(32), 2, bytes(32), BUNDLE.proofs[::-1]) != whole
