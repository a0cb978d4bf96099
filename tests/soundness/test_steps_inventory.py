"""Every item of the file of a chain of steps × every mutation, each refused with exactly the expected error.

The attacked chains verify (tests/zkml/provers/test_chain.py).
"""

import re
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soundness.attacks import CHANGES, Path, altered, claiming, flipped, paths
from tests.soundness.steps_attacks import malformed, other, refuse
from tests.tiny_steps import (
    NAMES,
    Hashes,
    Made,
    checked,
    made,
    tiny_work,
)
from zkml.errors import ProofMalformed, ProofRejected, ZkmlError
from zkml.provers.registry import PROVERS
from zkml.provers.stepsfile import Shape


@pytest.fixture(scope="module", autouse=True)
def hashes() -> Iterator[None]:
    """The test double has a name while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROVERS, "hashes", Hashes)
        yield


# --- the file, field by field -----------------------------------------------------------------------------

# By field and mutation: F or M, and the text as a regular expression. {i}, {j}: numbers of segment and link;
# {links}: per segment; WRONG: what the prover says of a proof of something else.
CANONICAL = "M file: not the deterministic encoding of what it says"
WRONG = "wrong"
FORMAT = r"M format: 'escapement/steps/1' expected, got "
ROWS, DELAYS = "F rows: the terms state SHA-256 ", "F delays: one of 2 delays is false"
SEGMENT = r"M segment {i}: 2 items expected, got "
TABLE: dict[str, dict[str, str]] = {
    "format": {
        **dict.fromkeys(("flipped", "truncated", "extended", "replaced"), FORMAT),
        "retyped": "M format: text expected, got an item of type 0x52",
        "in its list": "M file: 5 items expected, got ",
    },
    "rows": {
        **dict.fromkeys(("flipped", "truncated", "replaced"), ROWS),
        "extended": r"M rows: 0 to \d+ bytes expected, got ",
        "retyped": "M rows: byte string expected, got an item of type 0x78",
        "in its list": "M file: 5 items expected, got ",
    },
    "segments": {
        **dict.fromkeys(("flipped", "replaced"), DELAYS),
        **dict.fromkeys(("truncated", "extended"), "M segments: 2 items expected, got "),
        "retyped": "M segments: array expected, got an item of type 0x5",
        "in its list": "M file: 5 items expected, got ",
    },
    "segment": {
        "flipped": "M segment {i}, y: byte string expected, got an item of type 0x8",
        **dict.fromkeys(("truncated", "extended"), SEGMENT),
        "retyped": "M segment {i}: array expected, got an item of type 0x5",
        "in its list": "M segments: 2 items expected, got ",
        "replaced": DELAYS,
    },
    "y": {
        **dict.fromkeys(("flipped", "replaced"), DELAYS),
        **dict.fromkeys(("truncated", "extended"), "M segment {i}, y: 256 bytes expected, got "),
        "retyped": "M segment {i}, y: byte string expected, got an item of type 0x79",
        "in its list": SEGMENT,
    },
    "links": {
        **dict.fromkeys(("flipped", "replaced"), WRONG),
        **dict.fromkeys(("truncated", "extended"), "M segment {i}, links: {links} items expected, got "),
        "retyped": "M segment {i}, links: array expected, got an item of type 0x5",
        "in its list": SEGMENT,
    },
    "link": {
        "flipped": "M segment {i}, link {j}, after: byte string expected, got an item of type 0x8",
        **dict.fromkeys(("truncated", "extended"), "M segment {i}, link {j}: 2 items expected, got "),
        "retyped": "M segment {i}, link {j}: array expected, got an item of type 0x5",
        "in its list": "M segment {i}, links: {links} items expected, got ",
        "replaced": WRONG,
    },
    "after": {
        **dict.fromkeys(("flipped", "replaced"), WRONG),
        **dict.fromkeys(("truncated", "extended"), "M segment {i}, link {j}, after: 32 bytes expected, got "),
        "retyped": "M segment {i}, link {j}, after: byte string expected, got an item of type 0x78",
        "in its list": "M segment {i}, link {j}: 2 items expected, got ",
    },
    "proofs": {
        **dict.fromkeys(("flipped", "replaced"), WRONG),
        "truncated": "M segment {i}, link {j}: (one proof of 32|2 proofs expected, got 1)",
        "extended": r"M segment {i}, link {j}, proofs: 0 to \d items expected, got ",
        "retyped": "M segment {i}, link {j}, proofs: array expected, got an item of type 0x",
        "in its list": "M segment {i}, link {j}: 2 items expected, got ",
    },
    "proof": {
        **dict.fromkeys(("flipped", "replaced"), WRONG),
        "truncated": r"M segment {i}, link {j}(: one proof of 32|, proof \d: \d+ bytes expected, got )",
        "extended": r"M segment {i}, link {j}, proof \d: 0 to \d+ bytes expected, got ",
        "retyped": r"M segment {i}, link {j}, proof \d: byte string expected, got an item of type 0x7",
        "in its list": "M segment {i}, link {j}(: one proof|: 2 proofs expected|, proofs: 0 to )",
    },
    "delays": {
        **dict.fromkeys(("flipped", "replaced"), DELAYS),
        **dict.fromkeys(("truncated", "extended"), "M delays: 256 bytes expected, got "),
        "retyped": "M delays: byte string expected, got an item of type 0x79",
        "in its list": "M file: 5 items expected, got ",
    },
    "last": {
        **dict.fromkeys(("flipped", "replaced"), "F last proof: |F segments: "),
        "truncated": r"M last proof: |F last proof: not of this statement",
        "extended": r"M last proof: ",
        "retyped": "M last proof: byte string expected, got an item of type 0x7",
        "in its list": "M file: 5 items expected, got ",
    },
}
MUTATIONS = (*CHANGES, "removed", "duplicated", "replaced")
SAYS = {
    "hashes": "F segment {i}, link [0-9]: not the step from the one before",
    "segment": "F segments: ",
    "r1cs-nova": "F last proof: ",
}
TOP = {0: "format", 1: "rows", 2: "segments", 3: "delays", 4: "last"}
DEEP = {2: "segment", 4: "link", 6: "proof"}
LEAVES = {(3, 0): "y", (3, 1): "links", (5, 0): "after", (5, 1): "proofs"}


def field(path: Path) -> str:
    """The name of the item at a path of the file."""
    if len(path) == 1:
        return TOP[path[0]]
    return DEEP.get(len(path)) or LEAVES[len(path), path[-1]]


def attacked(name: str, path: Path, how: str) -> bytes:
    """The chain's file with one item changed; proofs are changed so that they can still be read."""
    data = made(name).data
    item: Any = cbor2.loads(data)
    replacement: Any = cbor2.loads(other(name).data)
    for step in path:
        item, replacement = item[step], replacement[step]
    if path == (0,):
        replacement = "escapement/bundle/2"
    if path == (1,):
        replacement = bytes(len(item))
    if how == "flipped" and field(path) in ("proof", "last"):
        return altered(data, path, "replaced", flipped(item, len(item) - 32))
    return altered(data, path, how, replacement)


def wanted(name: str, path: Path, how: str) -> str:
    """The entry of the table, filled in."""
    row = TABLE[field(path)]
    text = CANONICAL if how == "respelled" else row.get(how) or row["in its list"]
    links = made(name).backend.links_per_segment(tiny_work(name).program)
    i = path[1] if len(path) > 1 else 0
    j = path[3] if len(path) > 3 else links - 1
    if text == WRONG:
        # A checkpoint is in the context of the next delay; everything else is only in the proofs.
        moves = field(path) in ("links", "link", "after") and i == 0 and j == links - 1
        text = DELAYS if moves else SAYS[name]
    return text.replace("{i}", str(i + 1)).replace("{j}", str(j + 1)).replace("{links}", str(links))


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_every_item_of_the_file(monkeypatch: pytest.MonkeyPatch, name: str, how: str) -> None:
    """What leaves the bytes as they are (a list of one, reversed) is no attack. The cap on the file's length

    is lifted: it would hide what the items themselves are refused for.
    """
    monkeypatch.setattr(Shape, "max_bytes", 1 << 20)
    honest = made(name)
    seen = set()
    for path in paths(cbor2.loads(honest.data)):
        if not path or (data := attacked(name, path, how)) == honest.data:
            continue
        seen.add(field(path))
        refuse_as(honest, wanted(name, path, how), data)
    proofs = set() if name == "r1cs-nova" else {"proof"}
    assert seen == (set(TABLE) - {"proof"} | proofs) - STILL.get((name, how), set())


# What stays as it is: lists of one item, reversed, and empty ones whatever is done inside.
STILL = {
    ("hashes", "flipped"): {"proofs"},
    ("segment", "flipped"): {"links"},
    ("r1cs-nova", "flipped"): {"links", "proofs"},
    **{("r1cs-nova", how): {"proofs"} for how in ("truncated", "extended", "replaced")},
}


def refuse_as(honest: Made, wanted_text: str, data: bytes) -> None:
    """Require the class and the text of one alternative of an entry."""
    with pytest.raises(ZkmlError) as caught:
        checked(honest, data)
    kinds = {ProofRejected: "F", ProofMalformed: "M"}
    said = f"{kinds[type(caught.value)]} {caught.value}"
    assert re.match(wanted_text, said), said


@pytest.mark.parametrize("count", [1 << 31, 1 << 62, (1 << 64) - 1])
def test_no_claimed_size_is_believed(count: int) -> None:
    honest = made("hashes")
    for path in paths(cbor2.loads(honest.data)):
        if path:
            refuse_as(
                honest,
                "M [^:]*: .* expected, got ",
                altered(honest.data, path, "replaced", claiming_at(honest, path, count)),
            )


def claiming_at(honest: Made, path: Path, count: int) -> bytes:
    """The item at a path, with a head that claims `count` bytes or items."""
    item: Any = cbor2.loads(honest.data)
    for step in path:
        item = item[step]
    return claiming(item, count)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_around_the_file(name: str) -> None:
    honest = made(name)
    refuse(honest, malformed("file: 1 bytes after its end"), honest.data + b"\0")
    refuse(honest, malformed("file: at most "), honest.data + bytes(1 << 20))
    refuse(honest, malformed("file: the file ends inside it, at byte 0"), b"")
    refuse(honest, malformed("file: array expected, got an item of type 0x9f"), b"\x9f" + honest.data[1:])
    refuse(honest, malformed("file: array expected, got an item of type 0xd9"), b"\xd9\xd9\xf7" + honest.data)
    for length in (1, 2, 30, 300, len(honest.data) - 1):
        refuse(honest, malformed(f"the file ends inside it, at byte {length}"), honest.data[:length])


@given(st.binary(max_size=200) | st.lists(st.integers(0, 1 << 20), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_bytes_that_nobody_thought_of(given_bytes: bytes | list[int]) -> None:
    """Any bytes, and the file with bits changed: an error of ours, and no other."""
    honest = made("hashes")
    data = given_bytes if isinstance(given_bytes, bytes) else honest.data
    for place in [] if isinstance(given_bytes, bytes) else given_bytes:
        data = flipped(data, place)
    if data != honest.data:
        with pytest.raises(ZkmlError) as caught:
            checked(honest, data)
        assert type(caught.value) in (ProofMalformed, ProofRejected)
