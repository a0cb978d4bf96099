"""zkml.provers.stepsfile: one form only, bounded before it is read; the attacks are in tests/soundness."""

import contextlib
import dataclasses

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkml.errors import ProofMalformed, TermsMalformed
from zkml.provers.interface import Limits, Link
from zkml.provers.stepsfile import MAX_BYTES, Segment, Shape, StepsFile, decode

LIMITS = Limits(rows=3, proofs=2, proof=300, last=5)
SHAPE = Shape(segments=2, links=2, y=4, delays=6, limits=LIMITS)


@st.composite
def files(draw: st.DrawFn) -> StepsFile:
    """Any file of SHAPE."""

    def link() -> Link:
        return Link(
            draw(st.binary(min_size=32, max_size=32)),
            tuple(draw(st.lists(st.binary(max_size=300), max_size=2))),
        )

    segments = tuple(
        Segment(draw(st.binary(min_size=4, max_size=4)), tuple(link() for _ in range(SHAPE.links)))
        for _ in range(SHAPE.segments)
    )
    delays = draw(st.binary(min_size=6, max_size=6))
    return StepsFile(draw(st.binary(max_size=3)), segments, delays, draw(st.binary(max_size=5)))


@given(files())
def test_every_file_of_the_shape_is_read_and_fits(file: StepsFile) -> None:
    data = file.encode()
    assert decode(data, SHAPE) == file
    assert cbor2.loads(data)[0] == "escapement/steps/1"
    assert len(data) <= SHAPE.max_bytes


def test_the_cap_is_what_the_longest_file_takes() -> None:
    """But for the heads, which are counted with the most that they can take."""
    link = Link(bytes(32), (bytes(300), bytes(300)))
    segment = Segment(bytes(4), (link, link))
    data = StepsFile(bytes(3), (segment, segment), bytes(6), bytes(5)).encode()
    assert len(data) <= SHAPE.max_bytes <= len(data) + 160


@given(files(), st.data())
def test_no_other_bytes_mean_the_same(file: StepsFile, data: st.DataObject) -> None:
    encoded = file.encode()
    place = data.draw(st.integers(0, len(encoded) - 1))
    altered = (
        encoded[:place] + bytes([encoded[place] ^ 1 << data.draw(st.integers(0, 7))]) + encoded[place + 1 :]
    )
    with contextlib.suppress(ProofMalformed):
        assert decode(altered, SHAPE) != file


@given(files(), st.integers(0, 4000))
def test_every_beginning_is_refused(file: StepsFile, length: int) -> None:
    encoded = file.encode()
    cut = encoded[: length % len(encoded)]
    with pytest.raises(ProofMalformed, match=f"the file ends inside it, at byte {len(cut)}"):
        decode(cut, SHAPE)


@given(st.binary(max_size=100))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProofMalformed):
        decode(data, SHAPE)


def test_the_most_that_is_read() -> None:
    vast = dataclasses.replace(SHAPE, limits=dataclasses.replace(LIMITS, last=MAX_BYTES))
    with pytest.raises(
        TermsMalformed, match=rf"may take \d+ bytes, at most {MAX_BYTES} are read; agree on fewer"
    ):
        decode(b"", vast)
    many = dataclasses.replace(SHAPE, segments=1 << 19)
    assert many.max_bytes > MAX_BYTES // 2
    with pytest.raises(ProofMalformed, match="segments: 524288 items expected, got 2"):
        decode(StepsFile(b"", (Segment(bytes(4), ()),) * 2, bytes(6), b"").encode(), many)
