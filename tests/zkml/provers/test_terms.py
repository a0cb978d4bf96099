"""zkml.provers.terms: one form, every field checked, the digest spelled out."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_run import tiny_program
from zkml.errors import SrsError, TermsMalformed, TermsMismatch
from zkml.provers.terms import KEYS, MAX_BYTES, Terms, load_terms, parse_terms

FIELDS: dict[str, Any] = {
    "prover": "r1cs-nova",
    "program": tiny_program(),
    "rows": b"r" * 32,
    "nonce": b"n" * 32,
    "group": "rsa-2048",
    "squarings": 1000,
    "segments": 4,
    "srs": bytes(32),
}
OTHERS: dict[str, Any] = {
    "prover": "ezkl",
    "program": tiny_program(rate=2),
    "rows": b"s" * 32,
    "nonce": b"o" * 32,
    "group": "class-1024",
    "squarings": 1001,
    "segments": 3,
    "srs": b"s" * 32,
}


@pytest.fixture
def terms() -> Terms:
    return Terms(**FIELDS)


def changed(name: str, line: str) -> str:
    """The file's text with one line replaced."""
    lines = Terms(**FIELDS).to_toml().splitlines()
    return "\n".join(line if old.startswith(f"{name} = ") else old for old in lines)


def test_the_file_gives_the_same_terms_back(terms: Terms, tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(terms.to_toml(), encoding="utf-8")
    assert load_terms(path) == terms
    assert (
        parse_terms(
            Terms(
                **{**FIELDS, **OTHERS, "prover": "segment", "program": tiny_program(2)} | {"segments": 2}
            ).to_toml()
        ).segments
        == 2
    )


def test_the_digest_is_what_the_protocol_says(terms: Terms) -> None:
    def sha256(data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    expected = sha256(
        b"escapement/v1/steps/terms".ljust(32, b"\0")
        + sha256(b"r1cs-nova")
        + sha256(tiny_program())
        + b"r" * 32
        + b"n" * 32
        + sha256(b"rsa-2048")
        + (1000).to_bytes(8, "big")
        + (4).to_bytes(8, "big")
        + bytes(32)
    )
    assert terms.statement() == expected


def test_every_field_is_in_the_digest(terms: Terms) -> None:
    assert set(OTHERS) == set(FIELDS) == KEYS
    digests = {dataclasses.replace(terms, **{name: OTHERS[name]}).statement() for name in OTHERS}
    assert len(digests | {terms.statement()}) == len(OTHERS) + 1


LINES = [
    ("version", "version = 2", "terms.version: 1 expected, got 2"),
    ("version", "version = true", "terms.version: 1 expected, got True"),
    ("version", "version = 1.0", "terms.version: 1 expected, got 1.0"),
    ("version", "", "terms.version: 1 expected, got NoneType"),
    ("prover", 'prover = "nova"', "terms.prover: one of r1cs-nova, "),
    ("prover", "prover = 1", "terms.prover: one of r1cs-nova, "),
    ("prover", "", "terms.prover: missing; make terms with `escapement steps terms`"),
    ("program", 'program = ""', "terms.program: program: not CBOR"),
    ("program", 'program = "ff"', "terms.program: program: "),
    ("program", 'program = "AA"', "terms.program: lower-case hexadecimal digits expected, got 'AA'"),
    ("program", 'program = "a"', "terms.program: lower-case hexadecimal digits expected, got 'a'"),
    ("rows", 'rows = "00"', "terms.rows: 32 bytes expected"),
    ("rows", "rows = 0", "terms.rows: lower-case hexadecimal digits expected, got 0"),
    ("nonce", f'nonce = "{"00" * 33}"', "terms.nonce: 32 bytes expected"),
    ("nonce", f'nonce = " {"00" * 32}"', "terms.nonce: lower-case hexadecimal digits expected"),
    ("group", 'group = "rsa-1024"', "terms.group: one of rsa-2048, class-1024 expected, got 'rsa-1024'"),
    ("group", "group = []", "terms.group: one of rsa-2048, class-1024 expected, got list"),
    ("squarings", "squarings = 0", "terms.squarings: integer from 1 to "),
    ("squarings", "squarings = true", "terms.squarings: integer from 1 to "),
    ("squarings", "squarings = 1.0", "terms.squarings: integer from 1 to "),
    ("squarings", f"squarings = {1 << 51}", "terms.squarings: integer from 1 to 1125899906842624 expected"),
    ("squarings", f"squarings = 0x{'f' * 4000}", "expected, got 0xfff"),
    ("squarings", f"squarings = {'9' * 9000}", "terms: not TOML: "),
    ("segments", "segments = 0", "terms.segments: integer from 1 to "),
    ("segments", "segments = 5", "terms.segments: the program is sized for at most 4, got 5"),
    ("srs", 'srs = "none"', "terms.srs: lower-case hexadecimal digits expected, got 'none'"),
    ("srs", "", "terms.srs: missing"),
    ("srs", f'srs = "{"00" * 32}"\nkey = 1', "terms.'key': no such key; known are group, nonce, program, "),
    ("srs", f'srs = "{"00" * 32}"\n[more]', "terms.'more': no such key; known are group, nonce, program, "),
    ("srs", "srs = ", "terms: not TOML: "),
    ("srs", f"srs = {'[' * 5000}", "terms: not TOML: "),
]


@pytest.mark.parametrize(("name", "line", "message"), LINES, ids=[f"{line[:40]}" for _, line, _ in LINES])
def test_every_field_is_checked(name: str, line: str, message: str) -> None:
    with pytest.raises(TermsMalformed) as caught:
        parse_terms(changed(name, line))
    assert message in str(caught.value)
    assert (caught.value.code, caught.value.exit_code) == ("terms-malformed", 5)


def test_a_program_whose_values_may_wrap() -> None:
    with pytest.raises(TermsMalformed, match=r"^terms.program: layer 'fc1', weights: needs "):
        Terms(**{**FIELDS, "program": tiny_program(kappa=40, rate=1 << 20, m=1 << 20, max_segments=1 << 20)})


@given(st.text(max_size=200))
def test_any_text_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(TermsMalformed):
        parse_terms(text)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, content, message in (
        ("long", b"#" * (MAX_BYTES + 1), f"at most {MAX_BYTES} bytes expected"),
        ("latin", b"\xff\xfe", "not UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TermsMalformed, match=message):
            load_terms(tmp_path / name)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(TermsMalformed, match=r"No such file|Is a directory"):
            load_terms(missing)


def test_the_reference_string_is_the_one_agreed_on(terms: Terms, tmp_path: Path) -> None:
    path = tmp_path / "powers"
    path.write_bytes(b"powers")
    terms.require_srs(None)
    with pytest.raises(TermsMismatch, match="reference string: the terms state none, got "):
        terms.require_srs(path)
    with_one = dataclasses.replace(terms, srs=hashlib.sha256(b"powers").digest())
    with_one.require_srs(path)
    with pytest.raises(TermsMismatch, match=f"{with_one.srs.hex()}, got none"):
        with_one.require_srs(None)
    path.write_bytes(b"other powers")
    with pytest.raises(TermsMismatch, match=f"{with_one.srs.hex()}, got "):
        with_one.require_srs(path)
    with pytest.raises(SrsError, match="No such file"):
        with_one.require_srs(tmp_path / "none")
