"""Attacks with whole runs: parts that are each true, put together into something that is not.

`honest` and `second` are two runs of one trainer and one request under two nonces; both verify, so whatever
is refused here is refused for the combination. Bundles are signed again by the trainer's own device.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc.bundle import Bundle, signed_message
from ivc.verify import verify
from tests.soundness.attacks import (
    checkpoints,
    expected,
    flipped,
    following,
    redelayed,
    refused,
    with_segments,
)
from tests.tiny_run import GROUP, Run, delayed, resigned, tiny_policy

Attack = Callable[[Run, Run], Bundle]


def test_both_runs_verify(honest: Run, second: Run) -> None:
    for run in (honest, second):
        assert verify(run.policy, run.bundle.encode()).manifest == run.manifest.digest()


# --- splices -----------------------------------------------------------------------------------------


def outputs_of(run: Run, other: Run) -> Bundle:
    """The run's checkpoints with the other's delays and their proof."""
    return delayed(run.bundle, checkpoints(run), other.delays)


def continued(run: Run, *claimed: bytes) -> Bundle:
    """The run's proof with these checkpoints, all delays computed for them."""
    return redelayed(run.bundle, run.manifest, list(claimed))


def mixed(run: Run, other: Run) -> Bundle:
    """The run's first delay and the other's second, both true, with a true proof of the two."""
    return delayed(run.bundle, checkpoints(run), (run.delays[0], other.delays[1]))


SPLICED: dict[str, tuple[Attack, str]] = {
    "segments of one, proof of the other": (
        lambda a, b: dataclasses.replace(a.bundle, proof=b.bundle.proof),
        "proof-rejected",
    ),
    "segments of the other": (
        lambda a, b: with_segments(a.bundle, *b.bundle.segments),
        "delay-false",
    ),
    "segments and proof of delays of the other": (
        lambda a, b: dataclasses.replace(a.bundle, segments=b.bundle.segments, delays=b.bundle.delays),
        "delay-false",
    ),
    "proof of delays of the other": (
        lambda a, b: dataclasses.replace(a.bundle, delays=b.bundle.delays),
        "delay-false",
    ),
    "proofs of delays multiplied": (
        lambda a, b: dataclasses.replace(a.bundle, delays=times(a.bundle.delays, b.bundle.delays)),
        "delay-false",
    ),
    "manifest of the other": (
        lambda a, b: dataclasses.replace(a.bundle, manifest=b.bundle.manifest),
        "manifest-mismatch",
    ),
    "the other run as it is": (lambda a, b: b.bundle, "manifest-mismatch"),
    "the other run, renamed": (
        lambda a, b: dataclasses.replace(b.bundle, manifest=a.bundle.manifest),
        "delay-false",
    ),
    "first half of one, second of the other": (
        lambda a, b: with_segments(a.bundle, a.bundle.segments[0], b.bundle.segments[1]),
        "delay-false",
    ),
    "halves joined by a true delay": (
        lambda a, b: continued(a, checkpoints(a)[0], checkpoints(b)[1]),
        "proof-rejected",
    ),
    "the other's checkpoints, own delays": (lambda a, b: continued(a, *checkpoints(b)), "proof-rejected"),
    "the other's checkpoints and proof, own delays": (
        lambda a, b: dataclasses.replace(continued(a, *checkpoints(b)), proof=b.bundle.proof),
        "proof-rejected",
    ),
    "delays reused from the other": (outputs_of, "delay-false"),
    "one delay reused from the other": (
        lambda a, b: dataclasses.replace(mixed(a, b), delays=a.bundle.delays),
        "delay-false",
    ),
    "one delay reused from the other, proven together": (mixed, "delay-false"),
}


def times(left: bytes, right: bytes) -> bytes:
    """The product of two elements."""
    return GROUP.elements.encode(int.from_bytes(left, "big") * int.from_bytes(right, "big"))


@pytest.mark.parametrize("name", SPLICED)
def test_spliced(honest: Run, second: Run, name: str) -> None:
    make, code = SPLICED[name]
    assert refused(honest.policy, resigned(honest, make(honest, second))) == expected(code)


# --- checkpoints and the number of segments --------------------------------------------------------------

CHAINS: dict[str, tuple[Callable[[Run], Bundle], str]] = {
    "skipped": (lambda a: with_segments(a.bundle, a.bundle.segments[1]), "delay-false"),
    "skipped, with a true delay": (lambda a: continued(a, checkpoints(a)[1]), "proof-rejected"),
    "swapped": (lambda a: with_segments(a.bundle, *a.bundle.segments[::-1]), "delay-false"),
    "swapped, with true delays": (lambda a: continued(a, *checkpoints(a)[::-1]), "proof-rejected"),
    "repeated": (lambda a: with_segments(a.bundle, *[a.bundle.segments[0]] * 2), "delay-false"),
    "repeated, with a true delay": (lambda a: continued(a, *[checkpoints(a)[0]] * 2), "proof-rejected"),
    "the genesis as a checkpoint": (
        lambda a: continued(a, a.manifest.genesis, checkpoints(a)[1]),
        "proof-rejected",
    ),
    "first flipped": (
        lambda a: continued(a, flipped(checkpoints(a)[0]), checkpoints(a)[1]),
        "proof-rejected",
    ),
    "last flipped": (
        lambda a: continued(a, checkpoints(a)[0], flipped(checkpoints(a)[1], 0)),
        "proof-rejected",
    ),
    "one segment less": (lambda a: with_segments(a.bundle, a.bundle.segments[0]), "delay-false"),
    "one segment less, with a true proof of its delay": (
        lambda a: delayed(a.bundle, checkpoints(a)[:1], a.delays[:1]),
        "proof-rejected",
    ),
    "one segment more": (
        lambda a: continued(a, *checkpoints(a), checkpoints(a)[1]),
        "proof-rejected",
    ),
    "as many as the policy allows": (
        lambda a: continued(a, *checkpoints(a), *checkpoints(a)),
        "proof-rejected",
    ),
    "more than the policy allows": (
        lambda a: with_segments(a.bundle, *a.bundle.segments * 3),
        "segment-count",
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_checkpoints(honest: Run, name: str) -> None:
    make, code = CHAINS[name]
    assert refused(honest.policy, resigned(honest, make(honest))) == expected(code)


def test_no_segments(honest: Run) -> None:
    assert refused(honest.policy, with_segments(honest.bundle)) == ("segment-count", 1)


# --- policies and nonces -----------------------------------------------------------------------------------


def test_a_nonce_used_for_another_request(honest: Run) -> None:
    """The policy's nonce was drawn for one request; another request of the same trainer does not share it."""
    policy, bundle = following(honest, split_seed=2)
    assert policy.nonce == honest.policy.nonce
    assert refused(policy, honest.bundle) == ("request-mismatch", 1)
    assert refused(policy, bundle) == ("delay-false", 1)
    other = dataclasses.replace(
        honest, policy=policy, request=dataclasses.replace(honest.request, split_seed=2)
    )
    moved = redelayed(bundle, other.manifest, checkpoints(honest))
    assert refused(policy, resigned(other, moved)) == ("proof-rejected", 1)


def test_a_policy_made_before_the_request(honest: Run, claimed: Run) -> None:
    """What was made for another request, or for none, does not fit this one, even with this one's nonce."""
    early = tiny_policy(claimed.request.encode(), honest.policy.verifying_key)
    none = dataclasses.replace(honest.policy, request=bytes(32))
    for policy in (early, dataclasses.replace(early, nonce=honest.policy.nonce), none):
        assert refused(policy, honest.bundle) == ("request-mismatch", 1)


def test_a_second_nonce_for_the_request(honest: Run, second: Run) -> None:
    assert refused(second.policy, honest.bundle) == ("manifest-mismatch", 1)
    attack = dataclasses.replace(honest.bundle, manifest=second.bundle.manifest)
    assert refused(second.policy, attack) == ("delay-false", 1)


# --- signatures ------------------------------------------------------------------------------------------


def messages(run: Run, other: Run) -> dict[str, bytes]:
    """What the device might have signed instead."""
    manifest, proof, last = run.manifest.digest(), run.bundle.proof, checkpoints(run)[-1]
    return {
        "another number of segments": signed_message(manifest, 3, last, proof),
        "the checkpoint before": signed_message(manifest, 2, checkpoints(run)[0], proof),
        "another proof": signed_message(manifest, 2, last, other.bundle.proof),
        "another manifest": signed_message(other.manifest.digest(), 2, last, proof),
        "the bundle's bytes": run.bundle.encode(),
    }


def plus_order(signature: bytes) -> bytes:
    """S + L: the other signature that a lax verifier accepts for the same message."""
    order = (1 << 252) + 27742317777372353535851937790883648493
    return signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")


def test_signatures(honest: Run, second: Run) -> None:
    bundle = honest.bundle
    attacks = {name: honest.device.sign(message) for name, message in messages(honest, second).items()}
    attacks["another device"] = resigned(honest, bundle, Ed25519PrivateKey.generate()).signature
    attacks["S + L"] = plus_order(bundle.signature)
    attacks["zero"] = bytes(64)
    attacks["halves swapped"] = bundle.signature[32:] + bundle.signature[:32]
    for name, signature in attacks.items():
        attack = dataclasses.replace(bundle, signature=signature)
        assert refused(honest.policy, attack) == ("signature-invalid", 1), name


def test_a_message_has_every_part() -> None:
    """All of what the signature covers, each part with another value."""
    base = {"manifest_digest": b"M" * 32, "segments": 2, "last_checkpoint": b"C" * 32, "proof": b"proof"}
    other = {"manifest_digest": b"m" * 32, "segments": 3, "last_checkpoint": b"c" * 32, "proof": b"Proof"}
    changed: list[dict[str, Any]] = [base, *({**base, name: other[name]} for name in base)]
    assert len({signed_message(**parts) for parts in changed}) == 5
