"""ivc.encoding: one form per value, every failure by its code, claimed sizes cost nothing."""

import hashlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc import encoding
from ivc.errors import Malformed

ITEMS = st.recursive(
    st.booleans()
    | st.integers(0, 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(st.characters(codec="ascii"), max_size=40),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def code(data: bytes, **limits: int) -> str:
    with pytest.raises(Malformed) as caught:
        encoding.decode(data, "here", **{"max_bytes": 1 << 20, **limits})
    assert caught.value.exit_code == 5
    assert str(caught.value).startswith("here")
    return caught.value.code


@given(st.lists(ITEMS, max_size=5))
def test_what_is_encoded_is_decoded(value: list) -> None:
    data = encoding.encode(value)
    if depth(value) > encoding.MAX_DEPTH:
        assert code(data) == "too-deep"
    else:
        assert encoding.decode(data, "here", max_bytes=1 << 20) == value


@given(st.lists(ITEMS, max_size=4).filter(lambda v: depth(v) <= encoding.MAX_DEPTH), st.data())
def test_a_changed_bit_is_another_value_or_malformed(value: list, data: st.DataObject) -> None:
    changed = bytearray(encoding.encode(value))
    at = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[at // 8] ^= 1 << at % 8
    try:
        got = encoding.decode(bytes(changed), "here", max_bytes=1 << 20)
    except Malformed:
        return
    assert encoding.encode(got) == bytes(changed)
    assert repr(got) != repr(value)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_fail_otherwise(data: bytes) -> None:
    try:
        value = encoding.decode(data, "here", max_bytes=1 << 20)
    except Malformed:
        return
    assert encoding.encode(value) == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", "truncated"),
        ("81", "truncated"),
        ("8201", "truncated"),
        ("8119", "truncated"),
        ("814301", "truncated"),
        ("8100ff", "trailing-bytes"),
        ("8000", "trailing-bytes"),
        ("811801", "not-canonical"),  # 1 in two bytes
        ("811b0000000000000001", "not-canonical"),
        ("980101", "not-canonical"),  # array head of one item in two bytes
        ("81580101", "not-canonical"),
        ("9f00ff", "forbidden-type"),  # indefinite array
        ("815f4101ff", "forbidden-type"),  # indefinite byte string
        ("817f6161ff", "forbidden-type"),
        ("8120", "forbidden-type"),  # -1
        ("81a0", "forbidden-type"),  # map
        ("81c100", "forbidden-type"),  # tag
        ("81c249010000000000000000", "forbidden-type"),  # bignum
        ("81f6", "forbidden-type"),  # null
        ("81f7", "forbidden-type"),
        ("81f8ff", "forbidden-type"),
        ("81f814", "forbidden-type"),  # false in two bytes
        ("81f93c00", "forbidden-type"),  # float
        ("81fb3ff0000000000000", "forbidden-type"),
        ("811c", "forbidden-type"),  # reserved argument
        ("8162c3a9", "not-ascii"),
        ("8161ff", "not-ascii"),
        ("00", "wrong-type"),
        ("4100", "wrong-type"),
        ("8181818180", "too-deep"),
        ("9b1000000000000000", "truncated"),  # 2^60 items
        ("815b1000000000000000", "truncated"),  # 2^60 bytes
        ("817b1000000000000000", "truncated"),
        ("819bffffffffffffffff", "truncated"),
    ],
)
def test_every_failure_has_its_code(data: str, expected: str) -> None:
    assert code(bytes.fromhex(data)) == expected


def test_caps_come_before_reading() -> None:
    assert code(b"\x80" + bytes(10), max_bytes=10) == "too-long"
    assert code(encoding.encode([0] * 100), max_items=100) == "too-many-items"
    assert len(encoding.decode(encoding.encode([0] * 100), "here", max_bytes=200, max_items=101)) == 100


def test_claimed_sizes_allocate_nothing() -> None:
    tracemalloc.start()
    for head in ("9b", "815b", "817b"):
        assert code(bytes.fromhex(head) + (1 << 60).to_bytes(8, "big")) == "truncated"
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_deep_nesting_costs_no_stack() -> None:
    assert code(b"\x81" * 100000) == "too-deep"


def test_fields_name_their_failure() -> None:
    checks = [
        (lambda: encoding.octets("a", "w", 1), "wrong-type"),
        (lambda: encoding.octets(b"a", "w", 2), "wrong-length"),
        (lambda: encoding.bounded_octets(b"", "w", 5, least=1), "wrong-length"),
        (lambda: encoding.unsigned(True, "w"), "wrong-type"),
        (lambda: encoding.unsigned(5, "w", 1, 4), "out-of-range"),
        (lambda: encoding.text(b"a", "w"), "wrong-type"),
        (lambda: encoding.literal("a/2", "w", "a/1"), "unknown-format"),
        (lambda: encoding.array(b"", "w"), "wrong-type"),
        (lambda: encoding.array([1], "w", 2), "wrong-length"),
        (lambda: encoding.field_element(bytes(31), "w"), "wrong-length"),
        (
            lambda: encoding.field_element(encoding.FIELD_ORDER.to_bytes(32, "little"), "w"),
            "not-a-field-element",
        ),
    ]
    for check, expected in checks:
        with pytest.raises(Malformed) as caught:
            check()
        assert caught.value.code == expected
    assert encoding.field_element((encoding.FIELD_ORDER - 1).to_bytes(32, "little"), "w")


def test_hashed_bytes_are_tag_then_fields() -> None:
    assert encoding.tag("ab") == b"ab" + bytes(30)
    assert encoding.u64(258) == bytes(6) + b"\x01\x02"
    assert encoding.hash_fields("ab", b"c", b"d") == hashlib.sha256(b"ab" + bytes(30) + b"cd").digest()
    with pytest.raises(ValueError):
        encoding.tag("a" * 33)
