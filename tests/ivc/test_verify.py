"""ivc.verify: the honest bundle verifies, checks come in §10's order; the attacks are in tests/soundness."""

import dataclasses
import json
from pathlib import Path

import pytest

from ivc import chain
from ivc.bundle import Bundle, decode_bundle
from ivc.errors import IvcError, Malformed, Rejected
from ivc.nova_verifying import check_proof
from ivc.statement import SCHEMA, Statement
from ivc.verify import main, verify


def refused(policy, bundle: Bundle | bytes) -> tuple[str, int]:
    with pytest.raises(IvcError) as caught:
        verify(policy, bundle if isinstance(bundle, bytes) else bundle.encode())
    return caught.value.code, caught.value.exit_code


def flipped(data: bytes, at: int = 40) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(("field", "value"), [("nonce", bytes(32)), ("max_segments", 3), ("squarings", 301)])
def test_another_policy_is_another_manifest(claimed, field: str, value: object) -> None:
    policy = dataclasses.replace(claimed.policy, **{field: value})
    with pytest.raises(Rejected, match=f"{field}: expected") as caught:
        verify(policy, claimed.bundle.encode())
    assert caught.value.code == "manifest-mismatch"


def test_a_policy_beyond_the_program_is_refused(claimed) -> None:
    policy = dataclasses.replace(claimed.policy, max_segments=5)
    assert refused(policy, claimed.bundle) == ("policy-exceeds-program", 1)


def test_a_program_that_is_none_is_refused(claimed) -> None:
    request = dataclasses.replace(claimed.request, program=b"no program")
    policy = dataclasses.replace(claimed.policy, request=request.digest())
    assert refused(policy, dataclasses.replace(claimed.bundle, request=request.encode())) == (
        "program-invalid",
        5,
    )


def test_malformed_bytes_come_first(claimed) -> None:
    data = claimed.bundle.encode()
    assert refused(claimed.policy, data + b"\0") == ("trailing-bytes", 5)
    assert refused(claimed.policy, data[:-1]) == ("truncated", 5)
    assert refused(claimed.policy, b"") == ("truncated", 5)
    assert refused(claimed.policy, bytes(2**21)) == ("too-long", 5)


def test_the_policys_key_must_be_the_programs(claimed) -> None:
    """The bundle of `claimed` is sound up to its delays; its policy names no key that exists."""
    assert refused(claimed.policy, claimed.bundle) == ("verifying-key-mismatch", 1)


# From here on with a bundle that verifies.


def test_the_honest_bundle_verifies(honest) -> None:
    statement = verify(honest.policy, honest.bundle.encode())
    assert isinstance(statement, Statement)
    assert (statement.schema, statement.segments, statement.folds, statement.steps) == (SCHEMA, 2, 4, 4)
    assert (statement.squarings, statement.squarings_per_delay, statement.seconds) == (600, 300, 0.6)
    assert statement.checkpoints[1:] == tuple(segment.checkpoint for segment in honest.bundle.segments)
    assert statement.request == honest.request.digest()
    with pytest.raises(dataclasses.FrozenInstanceError):
        statement.steps = 5  # type: ignore[misc]


def test_the_states_are_the_provers_own(honest) -> None:
    manifest = chain.build_manifest(honest.request.encode(), honest.policy)
    head = chain.check_delays(manifest, honest.bundle.segments, honest.bundle.delays)
    assert chain.final_state(head, honest.request) == honest.states[-1]


def test_an_unforeseen_failure_of_the_proof_check_is_a_rejection() -> None:
    """The key is handed what its signature does not allow, as if the native code had failed inside."""
    with pytest.raises(Rejected) as caught:
        check_proof(object(), 1, [], [], b"")  # type: ignore[arg-type]
    assert caught.value.code == "proof-unverifiable"


# The command.


@pytest.fixture
def paths(honest, tmp_path: Path) -> tuple[Path, Path]:
    policy, bundle = tmp_path / "policy.toml", tmp_path / "bundle.esc"
    policy.write_text(honest.policy.to_toml(), encoding="utf-8")
    bundle.write_bytes(honest.bundle.encode())
    assert decode_bundle(bundle.read_bytes(), honest.policy.max_bundle_bytes) == honest.bundle
    return policy, bundle


def test_the_command_prints_the_statement(paths: tuple[Path, Path], capsys) -> None:
    policy, bundle = paths
    assert main(["--policy", str(policy), str(bundle)]) == 0
    words = capsys.readouterr().out
    assert "4 steps" in words
    assert "600 squarings" in words
    assert "NOT shown" in words
    assert main(["--policy", str(policy), "--json", str(bundle)]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 4


def test_the_commands_exit_codes(paths: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    policy, bundle = paths
    good = bundle.read_bytes()
    cases = [
        (good + b"\0", "trailing-bytes", 5),
        (flipped(good, len(good) - 10), "signature-invalid", 1),
        (b"", "truncated", 5),
    ]
    for data, code, exit_code in cases:
        bundle.write_bytes(data)
        assert main(["--policy", str(policy), "--json", str(bundle)]) == exit_code
        error = json.loads(capsys.readouterr().out)["error"]
        assert (error["code"], error["exit_code"]) == (code, exit_code)
        assert main(["--policy", str(policy), str(bundle)]) == exit_code
        printed = capsys.readouterr()
        assert code in printed.err
        assert printed.out == ""
    assert main(["--policy", str(tmp_path / "absent"), str(bundle)]) == 5
    with pytest.raises(SystemExit) as usage:
        main([str(bundle)])
    assert usage.value.code == 2


def test_malformed_and_rejected_are_different_errors() -> None:
    assert not issubclass(Malformed, Rejected)
    assert not issubclass(Rejected, Malformed)
    assert (Malformed.exit_code, Rejected.exit_code) == (5, 1)
