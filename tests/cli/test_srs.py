"""`escapement srs check`, and `policy new` refusing powers of tau before it derives a key from them."""

import dataclasses
import tomllib
from pathlib import Path

import _escapement
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cli.conftest import Call
from tests.segment.plain import curve
from tests.tiny_run import tiny_program, tiny_request
from tests.zkml.srs.insecure import Ptau, g1, g2, halo2, write

LOG2 = 15  # powers that the tiny program needs


@pytest.fixture(scope="session")
def powers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2^15 powers of tau = 2, as pruned for nova-snark; INSECURE."""
    points, point = [], (1, 2)
    for _ in range(1 << LOG2):
        points.append(point)
        point = curve.affine(curve.double((*point, 1)))
    return write(tmp_path_factory.mktemp("powers"), Ptau(LOG2, points, [g2(1), g2(2)], {}).encode())


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A request under scheme hyperkzg."""
    request = tiny_request(Ed25519PrivateKey.generate(), _escapement.random_field_element(), tiny_program())
    path = tmp_path / "request.cbor"
    path.write_bytes(dataclasses.replace(request, scheme="hyperkzg").encode())
    return path


def test_check_says_what_was_checked_and_what_was_not(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, halo2(3).encode())
    answer = call("srs", "check", path, "--log2-size", 3, "--json")
    assert answer.code == 0
    told = answer.json
    assert (told["format"], told["powers"], told["checked"], told["log2_size"]) == ("halo2", 8, 8, 3)
    assert told["not_checked"] == "who made it is not checked: a consistent string may have a known tau"
    assert told["remembered"] is False
    text = call("srs", "check", path)
    assert "8 of 8 checked" in text.out and "may have a known tau" in text.out
    assert "remembered from an earlier check" in text.out and told["sha256"] in text.out


@pytest.mark.parametrize(
    ("options", "spoil", "code", "exit_code"),
    [
        ([], 5, "srs-damaged", 5),
        (["--log2-size", 4], None, "srs-too-small", 4),
        (["--log2-size", 29], None, "usage", 2),
    ],
)
def test_refusals(
    call: Call, tmp_path: Path, options: list[object], spoil: int | None, code: str, exit_code: int
) -> None:
    made = halo2(3)
    if spoil is not None:
        made.g1[spoil] = g1(1)
    answer = call("srs", "check", write(tmp_path, made.encode()), *options, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (exit_code, code)


def test_an_absent_file(call: Call, tmp_path: Path) -> None:
    answer = call("srs", "check", tmp_path / "absent", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (5, "srs-unreadable")


def test_a_policy_from_checked_powers(call: Call, powers: Path, request_file: Path, tmp_path: Path) -> None:
    """What is accepted here, nova-snark accepts, and the key is that of these powers."""
    out = tmp_path / "policy.toml"
    answer = call("policy", "new", request_file, "--squarings", 100, "--out", out, "--ptau", powers)
    assert answer.code == 0, answer.err
    assert "Powers of tau consistent" in answer.err and "may have a known tau" in answer.err
    assert len(tomllib.loads(out.read_text())["verifying_key"]) == 64


def test_a_policy_refuses_powers_that_are_none(
    call: Call, powers: Path, request_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any key is derived."""
    data = bytearray(powers.read_bytes())
    at = 80 + 64 * 20000
    data[at + 32 : at + 64] = data[at : at + 32]
    small = Ptau(3, [g1(2**i) for i in range(8)], [g2(1), g2(2)], {}).encode()

    def derived(*_: object) -> None:
        raise AssertionError("a key was derived")

    monkeypatch.setattr("ivc.cache.verifying_key", derived)
    said = {
        "srs-damaged": (bytes(data), f"G1 power 20000, byte {at}: it is not on the curve"),
        "srs-too-small": (small, "8 powers in G1, 2^15 are needed"),
    }
    for code, (content, message) in said.items():
        path = write(tmp_path, content)
        answer = call("policy", "new", request_file, "--squarings", 100, "--ptau", path, "--json")
        assert answer.json["error"]["code"] == code
        assert message in answer.json["error"]["message"]
    answer = call(
        "policy", "new", request_file, "--squarings", 100, "--json", "--ptau",
        write(tmp_path, halo2(3).encode()),
    )  # fmt: skip
    assert "it is a halo2 file, ptau is needed" in answer.json["error"]["message"]
