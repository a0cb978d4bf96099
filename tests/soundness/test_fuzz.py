"""Bytes that nobody thought of: whatever is not the honest bundle is refused, with an error of ours.

`verify` may end in nothing but Malformed or Rejected: a panic or an overflow below it would show here as
another exception. Bytes of the proof are changed less often, each such example costs half a second.
"""

import dataclasses
import hashlib

import cbor2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.soundness.attacks import encoded, followed, refused
from tests.tiny_run import Run

FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ITEMS = st.recursive(
    st.integers(0, (1 << 64) - 1)
    | st.booleans()
    | st.binary(max_size=300)
    | st.text(st.characters(codec="ascii"), max_size=40),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=12,
)


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[int, int, bytes]]:
    """One to three places (as positions modulo the length), bytes to remove there, bytes to insert."""
    place = st.tuples(st.integers(0, 1 << 20), st.integers(0, 3), st.binary(max_size=3))
    return draw(st.lists(place, min_size=1, max_size=3))


def edited(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for position, removed, inserted in changes:
        at = position % len(data)
        data = data[:at] + inserted + data[at + removed :]
    return data


def assert_refused(run: Run, request: bytes) -> None:
    """Under a policy that names these very bytes."""
    if request != run.bundle.request:
        assert refused(*followed(run, request))[1] in (1, 5)


@given(edits())
@settings(max_examples=300, deadline=None, suppress_health_check=FIXTURES)
def test_edited_bundles(claimed: Run, changes: list[tuple[int, int, bytes]]) -> None:
    """Without its proof, which is most of it; what gets as far as the key is refused for that."""
    policy = dataclasses.replace(claimed.policy, verifying_key=hashlib.sha256(b"none").digest())
    bundle = dataclasses.replace(claimed.bundle, proof=b"none")
    data = bundle.encode()
    attack = edited(data, changes)
    if attack[: -len(bundle.signature) - 10] != data[: -len(bundle.signature) - 10]:
        assert refused(policy, attack)[1] in (1, 5)


@given(edits())
@settings(max_examples=200, deadline=None, suppress_health_check=FIXTURES)
def test_edited_requests(claimed: Run, changes: list[tuple[int, int, bytes]]) -> None:
    assert_refused(claimed, edited(claimed.bundle.request, changes))


@given(edits())
@settings(max_examples=200, deadline=None, suppress_health_check=FIXTURES)
def test_edited_programs(claimed: Run, changes: list[tuple[int, int, bytes]]) -> None:
    items = cbor2.loads(claimed.bundle.request)
    items[1] = edited(items[1], changes)
    assert_refused(claimed, encoded(items))


@given(st.integers(0, 13), ITEMS)
@settings(max_examples=200, deadline=None, suppress_health_check=FIXTURES)
def test_programs_with_one_item_replaced(claimed: Run, at: int, item: object) -> None:
    """Valid before and after one item, so that the checks behind the first are reached too."""
    items = cbor2.loads(claimed.bundle.request)
    program = cbor2.loads(items[1])
    program[at] = item
    items[1] = encoded(program)
    assert_refused(claimed, encoded(items))


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None, suppress_health_check=FIXTURES)
def test_arbitrary_bytes(claimed: Run, data: bytes) -> None:
    assert refused(claimed.policy, data)[1] == 5
    for name in ("request", "manifest"):
        attack = dataclasses.replace(claimed.bundle, **{name: data or b"\0"})  # type: ignore[arg-type]
        assert refused(claimed.policy, attack) == (f"{name}-mismatch", 1)


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), min_size=1, max_size=2))
@settings(max_examples=15, deadline=None, suppress_health_check=FIXTURES)
def test_edited_proofs(honest: Run, changes: list[tuple[int, int]]) -> None:
    """Of the right length, so that decoding and Spartan are reached."""
    proof = bytearray(honest.bundle.proof)
    for position, mask in changes:
        proof[position % len(proof)] ^= mask
    if proof != honest.bundle.proof:
        code = refused(honest.policy, dataclasses.replace(honest.bundle, proof=bytes(proof)))
        assert code in (("proof-malformed", 5), ("proof-rejected", 1))
