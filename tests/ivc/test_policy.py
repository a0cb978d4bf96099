"""ivc.policy: what the file may say, what it may not, and how a policy is made."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc.errors import Malformed, Rejected, StorageError
from ivc.policy import MAX_DELAYS_BYTES, MAX_POLICY_BYTES, Policy, load_policy, new_policy, parse_policy
from vdf import GROUPS, group

POLICY = Policy(
    b"\1" * 32, b"\2" * 32, b"\3" * 32, 64, 10**6, "rsa-2048", 500_000_000, "ASIC target, 2026-01"
)


CLASS_MOST = 1 << 40  # squarings of a class group's delay


def changed(key: str, value: str | None) -> str:
    """The policy's text with one line replaced, removed or added."""
    lines = [line for line in POLICY.to_toml().splitlines() if not line.startswith(f"{key} =")]
    return "\n".join(lines if value is None else [*lines, f"{key} = {value}"])


def refused(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        parse_policy(text)
    assert caught.value.exit_code == 5
    return caught.value.code


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(1, 2**16),
    st.integers(1, 2**50),
    st.integers(1, 10**18),
    st.text(min_size=1, max_size=100).filter(lambda s: s.isprintable() and s.strip()),
)
def test_policies_survive_their_file(
    nonce: bytes, segments: int, squarings: int, rate: int, source: str
) -> None:
    policy = Policy(b"\1" * 32, b"\2" * 32, nonce, segments, squarings, "rsa-2048", rate, source)
    assert parse_policy(policy.to_toml()) == policy
    for name in GROUPS:
        length = min(squarings, CLASS_MOST) if name == "class-1024" else squarings
        policy = dataclasses.replace(policy, group=name, max_segments=min(segments, 80), squarings=length)
        assert parse_policy(policy.to_toml()) == policy


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("version", "2", "policy-version"),
        ("version", "1.0", "policy-version"),
        ("version", "true", "policy-version"),
        ("version", None, "policy-version"),
        ("request", '"00"', "policy-value"),
        ("request", "1", "policy-value"),
        ("request", f'"{"AB" * 32}"', "policy-value"),
        ("request", f'"{"0x" * 32}"', "policy-value"),
        ("verifying_key", '""', "policy-value"),
        ("nonce", f'"{"ab" * 31}"', "policy-value"),
        ("nonce", f'"{"ab" * 33}"', "policy-value"),
        ("max_segments", "0", "policy-value"),
        ("max_segments", "true", "policy-value"),
        ("max_segments", "65537", "policy-value"),
        ("squarings", "0", "policy-value"),
        ("squarings", "-5", "policy-value"),
        ("squarings", "1e6", "policy-value"),
        ("squarings", "1125899906842625", "policy-value"),
        ("group", '"rsa-1024"', "policy-value"),
        ("group", "[]", "policy-value"),
        ("fastest_squarings_per_second", "0", "policy-value"),
        ("fastest_squarings_per_second", "0.5", "policy-value"),
        ("fastest_source", '""', "policy-source"),
        ("fastest_source", '"  "', "policy-source"),
        ("fastest_source", '"a\\u001b[2J"', "policy-source"),
        ("fastest_source", "7", "policy-source"),
        ("authority_key", f'"{"ab" * 32}"', "policy-authority"),
        ("authority_key", '""', "policy-authority"),
        ("authority_key", "false", "policy-authority"),
        ("genesis", '"x"', "policy-unknown-key"),
        *((field.name, None, "policy-missing-key") for field in dataclasses.fields(Policy)),
    ],
)
def test_every_fault_has_its_code(key: str, value: str | None, expected: str) -> None:
    assert refused(changed(key, value)) == expected


def test_text_that_is_not_toml_is_refused() -> None:
    assert refused("request = ") == "policy-syntax"
    assert refused(POLICY.to_toml() + "group = 'rsa-2048'\n") == "policy-syntax"  # a key twice
    assert refused("x = " + "[" * 100000) == "policy-syntax"


def test_an_authority_key_says_why_it_is_refused() -> None:
    with pytest.raises(Malformed, match='accepts only "none"'):
        parse_policy(changed("authority_key", '"abc"'))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY.to_toml(), encoding="utf-8")
    assert load_policy(path) == POLICY
    for content in (b"\xff\xfe", b"#" * (MAX_POLICY_BYTES + 1)):
        path.write_bytes(content)
        with pytest.raises(Malformed) as malformed:
            load_policy(path)
        assert malformed.value.code == "policy-syntax"
    with pytest.raises(StorageError) as absent:
        load_policy(tmp_path / "absent.toml")
    assert (absent.value.code, absent.value.exit_code) == ("policy-unreadable", 5)


def test_the_bundle_that_is_read_has_room_for_the_delays() -> None:
    """1 MiB, 1 KiB a segment, and what the group's proof of so many delays takes."""
    for name in GROUPS:
        for segments in (1, 64, 1000):
            policy = dataclasses.replace(POLICY, group=name, max_segments=segments)
            proof = group(name).run_proof_bytes(policy.squarings, segments)
            assert policy.max_bundle_bytes == (1 << 20) + 1024 * segments + proof
    assert dataclasses.replace(POLICY, max_segments=1 << 16).max_bundle_bytes == 65 * (1 << 20) + 256


def test_proofs_of_delays_are_capped() -> None:
    """A class group's run has a proof per delay: 819,100 bytes for the longest."""
    longest = dataclasses.replace(POLICY, group="class-1024", squarings=CLASS_MOST)
    size = group("class-1024").proof_bytes(CLASS_MOST)
    assert size == 200 * 4096 - 100
    most = MAX_DELAYS_BYTES // size
    dataclasses.replace(longest, max_segments=most)
    for segments in (most + 1, 1 << 16):
        with pytest.raises(Malformed, match="allow fewer segments") as caught:
            dataclasses.replace(longest, max_segments=segments)
        assert caught.value.code == "policy-value"
    dataclasses.replace(longest, squarings=10**6, max_segments=1 << 16)
    dataclasses.replace(longest, group="rsa-2048", max_segments=1 << 16)


@pytest.mark.parametrize("squarings", [CLASS_MOST + 1, 1 << 41, 1 << 50])
def test_class_groups_have_shorter_delays(squarings: int) -> None:
    """In memory and as a file; RSA's go on to 2^50."""
    assert dataclasses.replace(POLICY, squarings=squarings).squarings == squarings
    with pytest.raises(Malformed, match=r"policy\.squarings: ") as caught:
        dataclasses.replace(POLICY, group="class-1024", squarings=squarings, max_segments=1)
    assert caught.value.code == "policy-value"
    text = dataclasses.replace(POLICY, squarings=squarings).to_toml()
    assert refused(text.replace('"rsa-2048"', '"class-1024"')) == "policy-value"


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        POLICY.squarings = 1  # type: ignore[misc]


def make(request: bytes, **changes: Any) -> Policy:
    values: dict[str, Any] = {
        "max_segments": 4,
        "squarings": 50,
        "group": "rsa-2048",
        "fastest": 1000,
        "source": "a test",
        "verifying_key_digest": b"\7" * 32,
    }
    return new_policy(request, **{**values, **changes})


def test_new_policies_name_the_request_and_have_fresh_nonces(claimed) -> None:
    request = claimed.request.encode()
    first, second = make(request), make(request)
    assert first.request == hashlib.sha256(request).digest()
    assert first.nonce != second.nonce
    assert dataclasses.replace(second, nonce=first.nonce) == first
    assert parse_policy(first.to_toml()) == first


def test_new_policies_refuse_what_verify_would_refuse(claimed) -> None:
    request = claimed.request.encode()
    with pytest.raises(Rejected) as too_many:
        make(request, max_segments=5)
    assert too_many.value.code == "policy-exceeds-program"
    for changes, expected in [
        ({"squarings": 0}, "policy-value"),
        ({"group": "rsa-1024"}, "policy-value"),
        ({"source": ""}, "policy-source"),
        ({"verifying_key_digest": b""}, "policy-value"),
    ]:
        with pytest.raises(Malformed) as caught:
            make(request, **changes)
        assert caught.value.code == expected
    with pytest.raises(Malformed) as program:
        make(dataclasses.replace(claimed.request, program=b"no program").encode())
    assert program.value.code == "program-invalid"
    with pytest.raises(Malformed) as trailing:
        make(request + b"\0")
    assert trailing.value.code == "trailing-bytes"
