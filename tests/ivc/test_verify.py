"""ivc.verify: the honest bundle verifies; every altered field is refused with its code, in §10's order."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import _escapement
import pytest

from ivc import cache, chain
from ivc import verify as verifier
from ivc.bundle import Bundle, Segment, decode_bundle, signed_message
from ivc.errors import IvcError, Malformed, Rejected
from ivc.statement import SCHEMA, Statement
from ivc.verify import main, verify

Change = Callable[[Bundle], Bundle]


def refused(policy, bundle: Bundle | bytes) -> tuple[str, int]:
    with pytest.raises(IvcError) as caught:
        verify(policy, bundle if isinstance(bundle, bytes) else bundle.encode())
    return caught.value.code, caught.value.exit_code


def flipped(data: bytes, at: int = 40) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def in_segment(index: int, **changes: Callable[[Segment], bytes]) -> Change:
    def change(bundle: Bundle) -> Bundle:
        segments = list(bundle.segments)
        new = {name: make(segments[index]) for name, make in changes.items()}
        segments[index] = dataclasses.replace(segments[index], **new)
        return dataclasses.replace(bundle, segments=tuple(segments))

    return change


def with_segments(choose: Callable[[tuple[Segment, ...]], tuple[Segment, ...]]) -> Change:
    return lambda bundle: dataclasses.replace(bundle, segments=choose(bundle.segments))


# Everything that is refused before the proof is looked at: name, change, code.
EARLY: list[tuple[str, Change, str]] = [
    ("request flipped", lambda b: dataclasses.replace(b, request=flipped(b.request)), "request-mismatch"),
    ("request longer", lambda b: dataclasses.replace(b, request=b.request + b"\0"), "request-mismatch"),
    ("request shorter", lambda b: dataclasses.replace(b, request=b.request[:-1]), "request-mismatch"),
    ("request not CBOR", lambda b: dataclasses.replace(b, request=b"\xff"), "request-mismatch"),
    ("manifest flipped", lambda b: dataclasses.replace(b, manifest=flipped(b.manifest)), "manifest-mismatch"),
    ("manifest longer", lambda b: dataclasses.replace(b, manifest=b.manifest + b"\0"), "manifest-mismatch"),
    ("manifest not CBOR", lambda b: dataclasses.replace(b, manifest=b"\xff"), "manifest-mismatch"),
    ("manifest is the request", lambda b: dataclasses.replace(b, manifest=b.request), "manifest-mismatch"),
    ("no segments", with_segments(lambda s: ()), "segment-count"),
    ("too many segments", with_segments(lambda s: s * 3), "segment-count"),
]


@pytest.mark.parametrize(("change", "code"), [case[1:] for case in EARLY], ids=[case[0] for case in EARLY])
def test_refused_before_the_proof(claimed, change: Change, code: str) -> None:
    assert refused(claimed.policy, change(claimed.bundle)) == (code, 1)


@pytest.mark.parametrize(
    "change",
    [
        with_segments(lambda s: s[::-1]),
        with_segments(lambda s: s[1:]),
        with_segments(lambda s: s + s[-1:]),
        with_segments(lambda s: (s[0], s[0])),
        in_segment(0, y=lambda s: flipped(s.y, 255)),
        in_segment(1, pi=lambda s: flipped(s.pi, 255)),
        in_segment(0, checkpoint=lambda s: flipped(s.checkpoint, 0)),
    ],
)
def test_delays_are_checked_before_the_proof(claimed, change: Change) -> None:
    with pytest.raises(Rejected, match=r"delay \d: "):
        verify(claimed.policy, change(claimed.bundle).encode())


@pytest.mark.parametrize(("field", "value"), [("nonce", bytes(32)), ("max_segments", 3), ("squarings", 301)])
def test_another_policy_is_another_manifest(claimed, field: str, value: object) -> None:
    policy = dataclasses.replace(claimed.policy, **{field: value})
    with pytest.raises(Rejected, match=f"{field}: expected") as caught:
        verify(policy, claimed.bundle.encode())
    assert caught.value.code == "manifest-mismatch"


def test_the_claimed_manifest_decides_nothing(claimed) -> None:
    """A bundle that states an easier delay, and keeps to it, is refused for its manifest."""
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    easier = dataclasses.replace(manifest, squarings=1)
    bundle = dataclasses.replace(claimed.bundle, manifest=easier.encode())
    with pytest.raises(Rejected, match="squarings: expected 300, got 1") as caught:
        verify(claimed.policy, bundle.encode())
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


@pytest.mark.parametrize("coordinate", range(6))
@pytest.mark.parametrize("end", ["start", "end"])
def test_every_coordinate_of_both_states_counts(honest, coordinate: int, end: str) -> None:
    request, manifest = honest.request, chain.build_manifest(honest.request.encode(), honest.policy)
    key = cache.verifying_key(request.program, "ipa", honest.policy.verifying_key)
    head = chain.check_delays(manifest, honest.bundle.segments)
    states = {"start": chain.initial_state(manifest, request), "end": chain.final_state(head, request)}
    key.verify(4, states["start"], states["end"], honest.bundle.proof)
    states[end][coordinate] = flipped(states[end][coordinate], 0)
    with pytest.raises(_escapement.NativeError) as caught:
        key.verify(4, states["start"], states["end"], honest.bundle.proof)
    assert caught.value.args[0] == "rejected"


def test_the_states_are_the_provers_own(honest) -> None:
    manifest = chain.build_manifest(honest.request.encode(), honest.policy)
    head = chain.check_delays(manifest, honest.bundle.segments)
    assert chain.final_state(head, honest.request) == honest.states[-1]


def resigned(run, bundle: Bundle) -> Bundle:
    """The bundle signed again by the cheating trainer's own device."""
    manifest = chain.build_manifest(run.request.encode(), run.policy)
    last = bundle.segments[-1].checkpoint
    message = signed_message(manifest.digest(), len(bundle.segments), last, bundle.proof)
    return dataclasses.replace(bundle, signature=run.device.sign(message))


def test_a_prefix_of_the_run_is_not_proven_by_the_whole_proof(honest) -> None:
    shorter = dataclasses.replace(honest.bundle, segments=honest.bundle.segments[:1])
    assert refused(honest.policy, resigned(honest, shorter)) == ("proof-rejected", 1)


def test_another_last_checkpoint_is_not_proven(honest) -> None:
    other = in_segment(1, checkpoint=lambda s: flipped(s.checkpoint, 0))(honest.bundle)
    assert refused(honest.policy, resigned(honest, other)) == ("proof-rejected", 1)


@pytest.mark.parametrize("proof", [b"\0", bytes(12000), b"\xff" * 65536])
def test_bytes_that_are_no_proof(honest, proof: bytes) -> None:
    bundle = resigned(honest, dataclasses.replace(honest.bundle, proof=proof))
    assert refused(honest.policy, bundle)[0] in ("proof-malformed", "proof-rejected")


def test_a_longer_or_shorter_proof_is_malformed(honest) -> None:
    for proof in (honest.bundle.proof + b"\0", honest.bundle.proof[:-1]):
        bundle = resigned(honest, dataclasses.replace(honest.bundle, proof=proof))
        assert refused(honest.policy, bundle) == ("proof-malformed", 5)


def test_the_signature_must_be_the_devices(honest) -> None:
    bundle = honest.bundle
    for signature in (flipped(bundle.signature), bytes(64), bundle.signature[32:] + bundle.signature[:32]):
        other = dataclasses.replace(bundle, signature=signature)
        assert refused(honest.policy, other) == ("signature-invalid", 1)


def test_an_unforeseen_failure_of_the_proof_check_is_a_rejection() -> None:
    """The key is handed what its signature does not allow, as if the native code had failed inside."""
    with pytest.raises(Rejected) as caught:
        verifier._check_proof(object(), 1, [], [], b"")  # type: ignore[arg-type]
    assert caught.value.code == "proof-unverifiable"


def test_every_field_of_the_bundle_is_attacked() -> None:
    attacked = {"request", "manifest", "segments", "proof", "signature"}
    assert {field.name for field in dataclasses.fields(Bundle)} == attacked
    assert {field.name for field in dataclasses.fields(Segment)} == {"y", "pi", "checkpoint"}


# The command.


@pytest.fixture
def paths(honest, tmp_path: Path) -> tuple[Path, Path]:
    policy, bundle = tmp_path / "policy.toml", tmp_path / "bundle.esc"
    policy.write_text(honest.policy.to_toml(), encoding="utf-8")
    bundle.write_bytes(honest.bundle.encode())
    assert decode_bundle(bundle.read_bytes(), 4) == honest.bundle
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
