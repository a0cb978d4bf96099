"""The segment arithmetisation: what programs it excludes, its sizes and caps, and that Rust agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import _escapement
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkml.analysis import analyse
from zkml.compiler import Config
from zkml.errors import ProgramFormatError, ProgramOverflowError, ProgramRangeError, ZkmlError
from zkml.program import ARITHMETISATIONS, R1CS_NOVA, SEGMENT, Layer, Program
from zkml.segment_size import SegmentSize, log2_up, segment_size

Build = Callable[..., Program]


def sizes(program: Program) -> SegmentSize:
    return segment_size(program, [(b.z_bits, b.e_bits) for b in analyse(program).layers])


@st.composite
def segment_programs(draw: st.DrawFn) -> Program:
    """Segment programs of any size, so that all caps are met from both sides."""
    count = draw(st.integers(1, 4))
    dims = [1 << draw(st.integers(0, 13)) for _ in range(count)]
    dims = [max(1, d + draw(st.integers(-1, 1))) for d in dims] + [draw(st.integers(2, 70))]
    layers = tuple(
        Layer(
            f"l{i}", dims[i], dims[i + 1], draw(st.booleans()), i < count - 1 and draw(st.booleans()),
            draw(st.integers(2, 24)), draw(st.integers(2, 24)) if i < count - 1 else 0,
            draw(st.integers(0, 1 << 20)),
        )
        for i in range(count)
    )  # fmt: skip
    f_x = draw(st.integers(1, 14))
    return Program(
        draw(st.integers(1, 4096)), draw(st.integers(1, 64)), draw(st.integers(1, 4)),
        draw(st.integers(1, 64)), draw(st.integers(2, 1 << 28)), f_x, draw(st.integers(f_x, 24)),
        draw(st.integers(0, 40)), draw(st.integers(1, 9)), dims[0], draw(st.integers(1, 16)),
        draw(st.booleans()), dims[-1], layers, SEGMENT,
    )  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(segment_programs())
def test_rust_accepts_the_same_programs_with_the_same_sizes(program: Program) -> None:
    encoded = program.encode()
    assert Program.decode(encoded) == program
    try:
        analyse(program)
    except ProgramOverflowError:
        with pytest.raises(_escapement.NativeError) as caught:
            _escapement.segment_size(encoded)
        assert caught.value.args[0] == "program"
        return
    assert _escapement.segment_size(encoded) == asdict(sizes(program))


@settings(max_examples=200, deadline=None)
@given(segment_programs(), st.data())
def test_the_same_bytes_are_refused(program: Program, data: st.DataObject) -> None:
    encoded = bytearray(program.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    changed: Program | None = None
    try:
        program = Program.decode(bytes(encoded))
        analyse(program)
        changed = program
    except ZkmlError:
        pass
    if changed is None or changed.arithmetisation != SEGMENT:
        with pytest.raises(_escapement.NativeError):
            _escapement.segment_size(bytes(encoded))
    else:
        assert _escapement.segment_size(bytes(encoded)) == asdict(sizes(changed))


def test_each_argument_refuses_the_other_s_programs(build: Build) -> None:
    program = build([3, 2], input_bits=8)
    other = replace(program, arithmetisation=SEGMENT)
    assert program.arithmetisation == R1CS_NOVA and program.digest() != other.digest()
    for call, wrong in (
        (_escapement.segment_size, program),
        (_escapement.segment_proof_sizes, program),
        (_escapement.constraints, other),
    ):
        with pytest.raises(_escapement.NativeError, match="arithmetisation") as caught:
            call(wrong.encode())
        assert caught.value.args[0] == "program"


def test_bytes_are_fixed(build: Build) -> None:
    encoded = build([3, 2], arithmetisation=SEGMENT).encode()
    assert encoded == build([3, 2]).encode().replace(b"\x69r1cs-nova", b"\x67segment")
    assert Program.decode(encoded).arithmetisation == SEGMENT
    for bad in (b"\x67Segment", b"\x68segment1", b"\x60"):
        with pytest.raises(ProgramFormatError, match="'r1cs-nova' or 'segment'"):
            Program.decode(encoded.replace(b"\x67segment", bad))


def test_what_a_segment_program_excludes(build: Build) -> None:
    fields: dict[str, Any] = {"arithmetisation": SEGMENT, "relu": False}
    assert build([3, 2], **fields, input_bits=16)
    with pytest.raises(ProgramRangeError, match="input_bits"):
        build([3, 2], **fields, input_bits=17)
    with pytest.raises(ProgramRangeError, match="layer 2: relu"):
        build([3, 4, 2], **(fields | {"relu": True}))
    with pytest.raises(ProgramRangeError, match="arithmetisation"):
        build([3, 2], arithmetisation="nova")
    assert build([3, 4, 2], relu=True, input_bits=24).arithmetisation == R1CS_NOVA


@pytest.mark.parametrize(
    ("dims", "fields", "where"),
    [
        ([3, 2], {"k": 257, "batch": 256}, "k·B = 65792"),
        ([3, 1 << 17, 2], {"k": 256}, "size of the trace"),
        ([1 << 18, 1 << 8, 2], {}, "size of the weights"),
        ([3, 2], {"rows": (1 << 27) + 1}, "size of the dataset"),
        ([1, 2], {"rows": 1 << 26}, "size of the selection"),
        ([3, 2], {"f_g": 22, "kappa": 39}, "needs 64 bits, 63 are available"),
    ],
)
def test_caps(build: Build, dims: list[int], fields: dict[str, int], where: str) -> None:
    program = build(dims, arithmetisation=SEGMENT, **fields)
    with pytest.raises(ProgramOverflowError, match=where) as caught:
        analyse(program)
    assert (caught.value.code, caught.value.exit_code) == ("program-overflow", 3)
    with pytest.raises(_escapement.NativeError):
        _escapement.segment_size(program.encode())


def test_a_program_too_large_for_the_other_argument(build: Build) -> None:
    program = build([784, 512, 10], batch=16, k=8, arithmetisation=SEGMENT)
    assert sizes(program).weights == 20
    with pytest.raises(ProgramOverflowError, match="fold of size"):
        analyse(replace(program, arithmetisation=R1CS_NOVA))


@given(st.integers(1, 1 << 70))
def test_logarithms(v: int) -> None:
    assert v <= 1 << log2_up(v) and (v == 1 or v > 1 << (log2_up(v) - 1))


def test_the_compiler_takes_either() -> None:
    assert Config(1, 1, 1, 1, 1.0, 1, 1).arithmetisation == R1CS_NOVA
    assert ARITHMETISATIONS == (R1CS_NOVA, SEGMENT)
