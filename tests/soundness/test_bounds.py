"""Sizes: what a bundle claims costs nothing, what it has is capped, surplus is refused at every level.

Memory is measured, time is not: Python's own with tracemalloc, that of everything with a limit on the address
space of a process of its own.
"""

import dataclasses
import hashlib
import json
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest

from ivc.manifest import MAX_SEGMENTS
from tests.soundness.attacks import Verbatim, claiming, encoded, followed, head, parent_of, paths, refused
from tests.tiny_run import Run, tiny_program

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 2 << 30  # knob: bytes; interpreter, libraries and threads' stacks reserve half of it
HUGE = [1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


@pytest.fixture
def bounded() -> Iterator[None]:
    """Fails if the test's Python objects ever take more than 1 MiB."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def claims(data: bytes, size: int) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """The encoding once for each string and list in it, whose head claims `size`; the whole first."""
    yield (), claiming(cbor2.loads(data), size)
    for path in paths(cbor2.loads(data)):
        items = cbor2.loads(data)
        if path and not isinstance((parent := parent_of(items, path))[path[-1]], int):
            parent[path[-1]] = claiming(parent[path[-1]], size)
            yield path, encoded(items)


@pytest.mark.parametrize("size", HUGE)
def test_sizes_claimed_in_the_bundle(honest: Run, bounded: None, size: int) -> None:
    policy = dataclasses.replace(honest.policy, max_segments=MAX_SEGMENTS)  # the most generous cap there is
    for path, attack in claims(honest.bundle.encode(), size):
        assert refused(honest.policy, attack) == ("truncated", 5), path
        assert refused(policy, attack) == ("truncated", 5), path


@pytest.mark.parametrize("size", HUGE)
def test_sizes_claimed_in_request_and_manifest(honest: Run, bounded: None, size: int) -> None:
    for path, request in claims(honest.bundle.request, size):
        assert refused(*followed(honest, request)) == ("truncated", 5), path
    for path, manifest in claims(honest.bundle.manifest, size):
        attack = dataclasses.replace(honest.bundle, manifest=manifest)
        assert refused(honest.policy, attack) == ("manifest-mismatch", 1), path


@pytest.mark.parametrize("size", HUGE)
def test_sizes_claimed_in_the_program(honest: Run, bounded: None, size: int) -> None:
    """Its lengths and each of its numbers: weights, rows, batches, steps and segments by 2^60."""
    program = honest.request.program
    attacks = dict(claims(program, size))
    for path in paths(cbor2.loads(program)):
        items = cbor2.loads(program)
        if path and isinstance((parent := parent_of(items, path))[path[-1]], int):
            parent[path[-1]] = size
            attacks[path] = encoded(items)
    for path, attack in attacks.items():
        request = cbor2.loads(honest.bundle.request)
        request[1] = bytes(attack)
        assert refused(*followed(honest, encoded(request))) == ("program-invalid", 5), path


@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize("at", [64, -6 * 32 - 8], ids=["first", "last"])
def test_sizes_claimed_in_the_proof(honest: Run, size: int, at: int) -> None:
    """The first list follows two points, the last is the final state (ivc/native/src/layout.rs)."""
    proof = honest.bundle.proof
    at %= len(proof)
    assert proof[at : at + 8] in ((2).to_bytes(8, "little"), (6).to_bytes(8, "little"))
    attack = proof[:at] + size.to_bytes(8, "little") + proof[at + 8 :]
    assert refused(honest.policy, dataclasses.replace(honest.bundle, proof=attack)) == ("proof-malformed", 5)


SHAPES: dict[str, tuple[bytes, str]] = {
    "a million numbers": (head(4, 1 << 20) + bytes(1 << 20), "too-many-items"),
    "a million empty lists": (head(4, 1 << 20) + b"\x80" * (1 << 20), "too-many-items"),
    "lists in lists": (b"\x81" * (1 << 20), "too-deep"),
    "lists in lists without end": (b"\x9f" * (1 << 20), "forbidden-type"),
    "a million strings": (head(4, 1 << 20) + b"\x40" * (1 << 20), "too-many-items"),
    "one byte beyond the cap": (bytes((1 << 20) + 1024 * 4 + 256 + 1), "too-long"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(honest: Run, bounded: None, name: str) -> None:
    attack, code = SHAPES[name]
    assert refused(honest.policy, attack) == (code, 5)


def test_surplus_at_every_level(honest: Run) -> None:
    bundle, data = honest.bundle, honest.bundle.encode()
    assert refused(honest.policy, data + data) == ("trailing-bytes", 5)
    assert refused(*followed(honest, bundle.request + bytes(20_000))) == ("wrong-length", 5)
    for surplus in (b"\0", b"\xf6", b"\x80", bytes(4096)):
        assert refused(honest.policy, data + surplus) == ("trailing-bytes", 5)
        assert refused(*followed(honest, bundle.request + surplus)) == ("trailing-bytes", 5)
        for name, code in (
            ("request", ("request-mismatch", 1)),
            ("manifest", ("manifest-mismatch", 1)),
            ("delays", ("delay-pi-length", 5)),
            ("proof", ("proof-malformed", 5)),
            ("signature", ("wrong-length", 5)),
        ):
            attack = dataclasses.replace(bundle, **{name: getattr(bundle, name) + surplus})
            assert refused(honest.policy, attack) == code
    items = cbor2.loads(data)
    surplus_items: list[Any] = [0, b"", [], False, items[4]]
    for item in surplus_items:
        assert refused(honest.policy, encoded([*items, item])) == ("wrong-length", 5)


# --- the command, in a process whose address space is limited --------------------------------------------


def command(policy: Path, bundle: Path) -> tuple[int, str]:
    """Exit code and error code of `python -m ivc.verify`."""
    done = subprocess.run(
        [sys.executable, "-m", "ivc.verify", "--json", "--policy", str(policy), str(bundle)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE)),
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer["error"]["code"]


def written(folder: Path, policy: Any, bundle: bytes) -> tuple[Path, Path]:
    paths = folder / "policy.toml", folder / "bundle.esc"
    paths[0].write_text(policy.to_toml(), encoding="utf-8")
    paths[1].write_bytes(bundle)
    return paths


def test_a_claimed_size_in_little_memory(claimed: Run, tmp_path: Path) -> None:
    items = cbor2.loads(claimed.bundle.encode())
    for at in (4, 5):
        attack = [*items]
        attack[at] = Verbatim(head(2, 1 << 60, 8) + items[at])
        assert command(*written(tmp_path, claimed.policy, encoded(attack))) == (5, "truncated")


def test_a_file_of_a_tebibyte_in_little_memory(claimed: Run, tmp_path: Path) -> None:
    policy, bundle = written(tmp_path, claimed.policy, claimed.bundle.encode())
    with bundle.open("r+b") as file:
        file.truncate(1 << 40)  # a hole: takes no disk
    assert command(policy, bundle) == (5, "too-long")
    with policy.open("r+b") as file:
        file.truncate(1 << 40)
    assert command(policy, bundle) == (5, "policy-syntax")


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": 4096, "k": 4096},
        {"batch": 4096, "k": 4096, "m": 1 << 20, "rows": 1 << 30},
        {"width": 1 << 20},
    ],
    ids=["steps", "everything", "weights"],
)
def test_a_huge_program_in_little_memory(claimed: Run, tmp_path: Path, changes: dict[str, int]) -> None:
    """All fields in their ranges, and a circuit of 2^24 samples a fold or layers of 2^40 weights."""
    request = cbor2.loads(claimed.bundle.request)
    if width := changes.get("width"):
        program = cbor2.loads(tiny_program())
        program[11][0] = program[13][0][1] = program[13][0][2] = program[13][1][1] = width
        request[1] = cbor2.dumps(program, canonical=True)
    else:
        request[1] = tiny_program(max_segments=4, **changes)
    data = encoded(request)
    policy = dataclasses.replace(claimed.policy, request=hashlib.sha256(data).digest())
    bundle = dataclasses.replace(claimed.bundle, request=data)
    assert command(*written(tmp_path, policy, bundle.encode())) == (5, "program-invalid")
