"""Canonical encoding: one program, one byte string; everything else is refused with its own error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkml.errors import ProgramFormatError, ProgramRangeError
from zkml.program import Layer, Program

Build = Callable[..., Program]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_round_trip(programs: Callable[[], st.SearchStrategy[Program]], data: st.DataObject) -> None:
    program = data.draw(programs())
    encoded = program.encode()
    assert Program.decode(encoded) == program
    assert program.digest() == hashlib.sha256(encoded).digest()


def test_bytes_are_fixed(build: Build) -> None:
    expected = (
        "8e" + "74" + b"escapement/program/1".hex() + "69" + b"r1cs-nova".hex()
        + "02" "01" "01" "08" "0a" "03" "04" "02" "01" "83" "03" "04" "f5" "02" "81"
        + "88" + "66" + b"layer1".hex() + "03" "02" "f5" "f4" "08" "00" "1832"
    )  # fmt: skip
    assert build([3, 2]).encode().hex() == expected


RANGES = [
    ("batch", 1, 4096), ("k", 1, 4096), ("m", 1, 1 << 20), ("max_segments", 1, 1 << 32), ("rows", 2, 1 << 30),
    ("f_x", 1, 4), ("f_g", 3, 30), ("kappa", 0, 40), ("c", 1, 1 << 20), ("input_bits", 1, 24),
    ("y_bits", 2, 48), ("grad_bits", 2, 48), ("init_range", 0, 1 << 40),
    ("features", 3, 3), ("classes", 2, 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_ranges(build: Build, name: str, low: int, high: int) -> None:
    program = build([3, 2, 2])

    def changed(value: int) -> list[Any]:
        wire = cbor2.loads(program.encode())
        place = {"features": (11, 0), "input_bits": (11, 1), "classes": (12,)}.get(name)
        if place is None and name in PROGRAM_FIELDS:
            place = (2 + PROGRAM_FIELDS.index(name),)
        if place is None:
            place = (13, 0, LAYER_FIELDS.index(name))
        target = wire
        for index in place[:-1]:
            target = target[index]
        target[place[-1]] = value
        return wire

    for good in (low, high):
        encoded = cbor2.dumps(changed(good), canonical=True)
        assert Program.decode(encoded).encode() == encoded
    for bad in (low - 1, high + 1, 1 << 64):
        # A negative number or a bignum is no unsigned integer of CBOR, but decodes as one: the range decides.
        with pytest.raises((ProgramRangeError, ProgramFormatError)) as caught:
            Program.decode(cbor2.dumps(changed(bad), canonical=True))
        assert (caught.value.code, caught.value.exit_code) == ("program-range", 5)


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "ä", "a\n", "layer2"])
def test_layer_names(build: Build, name: str) -> None:
    layers = build([3, 2, 2]).layers
    with pytest.raises(ProgramRangeError):
        build([3, 2, 2], layers=(replace(layers[0], name=name), layers[1]))


def test_layers_must_fit(build: Build) -> None:
    a, b = build([3, 2, 2]).layers
    for layers in (
        (),
        (a, replace(b, d_in=3)),
        (replace(b, name="x"), a),
        (a, b) * 33,
        (a,),
        (a, replace(b, grad_bits=2)),
    ):
        with pytest.raises(ProgramRangeError) as caught:
            build([3, 2, 2], layers=layers)
        assert caught.value.code == "program-range"


def test_every_field_has_one_type(build: Build) -> None:
    program = build([3, 2])
    for field in fields(program):
        wrong: Any = 1 if field.name in ("input_signed", "arithmetisation") else "1"
        with pytest.raises(ProgramFormatError):
            replace(program, **{field.name: wrong})
        if field.type == "int":
            with pytest.raises(ProgramFormatError):
                replace(program, **{field.name: True})
    for field in fields(Layer):
        wrong = 1 if field.name != "d_in" and field.type != "int" else 1.0
        with pytest.raises(ProgramFormatError):
            replace(program, layers=(replace(program.layers[0], **{field.name: wrong}),))


def test_trailing_and_missing_bytes(build: Build) -> None:
    encoded = build([3, 2]).encode()
    for bad in (encoded + b"\0", encoded + encoded, encoded[:-1], b"", encoded[1:], b"\xc1" + encoded):
        with pytest.raises(ProgramFormatError) as caught:
            Program.decode(bad)
        assert (caught.value.code, caught.value.exit_code) == ("program-malformed", 5)


def test_other_encodings_of_the_same_content(build: Build) -> None:
    encoded = build([3, 2]).encode()
    wire = cbor2.loads(encoded)
    endless = b"\x9f" + encoded[1:] + b"\xff"
    overlong = encoded.replace(b"\x18\x32", b"\x19\x00\x32")
    bignum = encoded.replace(b"\x18\x32", b"\xc2\x41\x32")
    half = encoded.replace(b"\x18\x32", b"\xf9\x52\x40")  # 50.0
    as_map = cbor2.dumps(dict(enumerate(wire)))
    surplus = cbor2.dumps([*wire, 0], canonical=True)
    split_text = encoded.replace(b"\x69r1cs-nova", b"\x7f\x65r1cs-\x64nova\xff")
    for bad in (endless, overlong, bignum, half, as_map, surplus, split_text):
        assert bad != encoded
        with pytest.raises(ProgramFormatError):
            Program.decode(bad)


def test_other_versions(build: Build) -> None:
    encoded = build([3, 2]).encode()
    for bad in (encoded.replace(b"program/1", b"program/2"), encoded.replace(b"nova", b"none")):
        with pytest.raises(ProgramFormatError, match="expected 'escapement/program/1'"):
            Program.decode(bad)


def test_claimed_sizes_cost_nothing(build: Build) -> None:
    encoded = build([3, 2]).encode()
    for head in (b"\x9b", b"\x5b", b"\x7b", b"\xbb"):
        for size in (1 << 60, (1 << 64) - 1):
            with pytest.raises(ProgramFormatError):
                Program.decode(head + size.to_bytes(8, "big") + encoded)
    with pytest.raises(ProgramFormatError):
        Program.decode(b"\x81" * 8000)
    with pytest.raises(ProgramFormatError, match="at most 8192"):
        Program.decode(bytes(8193))


def test_the_largest_program_is_below_the_cap(build: Build) -> None:
    layers = tuple(
        Layer(
            f"{i:064d}", 1 << 20, 4096 if i == 63 else 1 << 20, True, True, 48, 0 if i == 63 else 48, 1 << 40
        )
        for i in range(64)
    )
    program = build(
        [1 << 20, 4096], layers=layers, batch=4096, k=4096, m=1 << 20, max_segments=1 << 32, rows=1 << 30,
        f_x=30, f_g=30, kappa=40, c=1 << 20, input_bits=24,
    )  # fmt: skip
    assert Program.decode(program.encode()) == program


def test_every_flipped_bit(build: Build) -> None:
    """A flipped bit is refused, or is another program with exactly these bytes."""
    encoded = build([3, 2, 2]).encode()
    for bit in range(8 * len(encoded)):
        flipped = bytearray(encoded)
        flipped[bit // 8] ^= 1 << bit % 8
        check(bytes(flipped))


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_arbitrary_bytes(build: Build, junk: bytes, keep: int) -> None:
    check(junk)
    check(build([3, 2]).encode()[:keep] + junk)


def check(data: bytes) -> None:
    try:
        program = Program.decode(data)
    except (ProgramFormatError, ProgramRangeError):
        return
    assert program.encode() == data


PROGRAM_FIELDS = ("batch", "k", "m", "max_segments", "rows", "f_x", "f_g", "kappa", "c")
LAYER_FIELDS = ("name", "d_in", "d_out", "bias", "relu", "y_bits", "grad_bits", "init_range")
