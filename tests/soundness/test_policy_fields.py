"""Every field of the policy × every mutation of its line in the file, against a bundle that verifies.

A policy is the verifier's own and is not hashed: spelling a value otherwise changes nothing, and the rate and
its source are the verifier's belief, so another one gives another statement of the same bundle.
"""

import dataclasses
import json

import pytest

from ivc.bundle import Bundle
from ivc.errors import Malformed
from ivc.policy import Policy, parse_policy
from ivc.verify import verify
from tests.soundness.attacks import MUTATIONS, expected, refused
from tests.tiny_run import Run

VERIFIED, SAME = "verified", "the same policy"
TEXT = {"removed": "policy-missing-key", "duplicated": "policy-syntax", "respelled": SAME}


def digest(code: str) -> dict[str, str]:
    """A line of 64 hexadecimal digits, of which others give `code`."""
    bad = dict.fromkeys(("truncated", "extended", "retyped"), "policy-value")
    return {**TEXT, **bad, "flipped": code, "replaced": code}


def number(flipped: str, truncated: str, extended: str, replaced: str) -> dict[str, str]:
    codes = {"flipped": flipped, "truncated": truncated, "extended": extended, "replaced": replaced}
    return {**TEXT, **codes, "retyped": "policy-value"}


def text(code: str, retyped: str) -> dict[str, str]:
    others = dict.fromkeys(("flipped", "truncated", "extended", "replaced"), code)
    return {**TEXT, **others, "retyped": retyped}


POLICY = {
    "request": digest("request-mismatch"),
    "verifying_key": digest("verifying-key-mismatch"),
    "nonce": digest("manifest-mismatch"),
    "max_segments": number(
        "policy-exceeds-program", "manifest-mismatch", "policy-value", "manifest-mismatch"
    ),
    "squarings": number("manifest-mismatch", "manifest-mismatch", "policy-value", "manifest-mismatch"),
    "group": {**text("policy-value", "policy-value"), "replaced": "manifest-mismatch"},
    "fastest_squarings_per_second": number(VERIFIED, VERIFIED, "policy-value", VERIFIED),
    "fastest_source": text(VERIFIED, "policy-source"),
    "authority_key": text("policy-authority", "policy-authority"),
}
VERSION = {**dict.fromkeys(MUTATIONS, "policy-version"), "duplicated": "policy-syntax", "respelled": SAME}
# Other valid values; of the authority key there is none in this version.
OTHERS: dict[str, str | int] = {
    "version": 2,
    "request": "0" * 64,
    "verifying_key": "0" * 64,
    "nonce": "0" * 64,
    "max_segments": 3,
    "squarings": 1,
    "group": "class-1024",
    "fastest_squarings_per_second": 1,
    "fastest_source": "another test, 2027",
    "authority_key": "ab" * 32,
}


def line(key: str, value: str | int, how: str) -> list[str]:
    """The lines that stand for `key = value` after the mutation."""
    if how == "removed":
        return []
    if how == "respelled":
        spelt = (
            hex(value) if isinstance(value, int) else '"' + "".join(f"\\u{ord(c):04x}" for c in value) + '"'
        )
        return [f"{key} = {spelt}"]
    if isinstance(value, int):
        numbers = {"flipped": value ^ 1, "truncated": value >> 1, "extended": value + (1 << 60)}
        changed: str | int = {**numbers, "retyped": str(value), "replaced": OTHERS[key]}.get(how, value)
    else:
        hexadecimal = len(value) == 64
        last = f"{int(value[-1], 16) ^ 1:x}" if hexadecimal else chr(ord(value[-1]) ^ 1)
        extended = value + ("00" if hexadecimal else "x")
        texts = {"flipped": value[:-1] + last, "truncated": value[:-1], "extended": extended}
        changed = {**texts, "retyped": 7, "replaced": OTHERS[key]}.get(how, value)
    return [f"{key} = {json.dumps(changed)}"] * (2 if how == "duplicated" else 1)


def mutated(policy: Policy, key: str, how: str) -> str:
    """The policy's file with one line mutated."""
    lines = []
    for old in policy.to_toml().splitlines():
        name, value = old.split(" = ")
        lines += line(key, json.loads(value.split("  ")[0]), how) if name == key else [old]
    return "\n".join(lines)


def test_no_field_is_forgotten() -> None:
    assert set(POLICY) == {field.name for field in dataclasses.fields(Policy)}
    assert all(set(codes) == set(MUTATIONS) for codes in (*POLICY.values(), VERSION))


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("field", ["version", *POLICY])
def test_policy(honest: Run, field: str, how: str) -> None:
    code = {**POLICY, "version": VERSION}[field][how]
    written = mutated(honest.policy, field, how)
    assert written != honest.policy.to_toml()
    if code == SAME:
        assert parse_policy(written) == honest.policy
    elif code == VERIFIED:
        assert_is_the_policys_belief(written, honest.bundle)
    elif code.startswith("policy-") and code != "policy-exceeds-program":
        with pytest.raises(Malformed) as caught:
            parse_policy(written)
        assert (caught.value.code, caught.value.exit_code) == (code, 5)
    else:
        assert refused(parse_policy(written), honest.bundle) == expected(code)


def assert_is_the_policys_belief(written: str, bundle: Bundle) -> None:
    """The bundle cannot move the rate: the statement has what the verifier wrote, and says from where."""
    policy = parse_policy(written)
    statement = verify(policy, bundle.encode())
    assert statement.seconds == 600 / policy.fastest_squarings_per_second
    assert statement.fastest_squarings_per_second == policy.fastest_squarings_per_second
    assert statement.fastest_source == policy.fastest_source


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("squarings", "9" * 5000, "policy-syntax"),
        ("surplus", "9" * 5000, "policy-syntax"),
        ("squarings", "0x" + "f" * 5000, "policy-value"),
        ("fastest_squarings_per_second", "0x" + "f" * 5000, "policy-value"),
        ("max_segments", "0x" + "f" * 5000, "policy-value"),
        ("version", "0x" + "f" * 5000, "policy-version"),
        ("nonce", "0x" + "f" * 5000, "policy-value"),
        ("group", "[0x" + "f" * 5000 + "]", "policy-value"),
    ],
    ids=["decimal", "decimal-surplus", "squarings", "rate", "segments", "version", "nonce", "in a list"],
)
def test_numbers_of_thousands_of_digits_are_malformed(honest: Run, key: str, value: str, code: str) -> None:
    """Python refuses to print or read decimals of more than 4300 digits, with an error of its own."""
    lines = [old for old in honest.policy.to_toml().splitlines() if not old.startswith(f"{key} =")]
    with pytest.raises(Malformed) as caught:
        parse_policy("\n".join([*lines, f"{key} = {value}"]))
    assert (caught.value.code, caught.value.exit_code) == (code, 5)


@pytest.mark.parametrize(
    "key", ["group_modulus", "genesis", "verifying_key_bytes", "parameters", "k", "folds_per_segment"]
)
def test_what_a_prover_would_like_to_add_is_unknown(honest: Run, key: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_policy(honest.policy.to_toml() + f'{key} = "00"\n')
    assert caught.value.code == "policy-unknown-key"
