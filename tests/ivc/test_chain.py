"""ivc.chain: hash inputs byte by byte, the states at both ends, and delays that must fail."""

import dataclasses
import hashlib
import itertools

import _escapement
import pytest

import vdf
from ivc import chain
from ivc.errors import IvcError, Malformed, Rejected

MODULUS = vdf.group("rsa-2048").modulus


def by_hand(name: str, *fields: bytes) -> bytes:
    return hashlib.sha256(name.encode().ljust(32, b"\0") + b"".join(fields)).digest()


def test_contexts_and_seeds_are_these_bytes() -> None:
    m, c, s, y = b"M" * 32, b"C" * 32, b"S" * 32, b"Y" * 256
    index = (3).to_bytes(8, "big")
    assert chain.delay_context(m, 3, c, s) == by_hand("escapement/v1/delay", m, index, c, s, bytes(32))
    assert chain.seed(m, 3, c, y) == by_hand("escapement/v1/seed", m, index, c, y)


def test_a_context_depends_on_every_input() -> None:
    base = [b"M" * 32, 1, b"C" * 32, b"S" * 32]
    other = [b"m" * 32, 2, b"c" * 32, b"s" * 32]
    contexts = {chain.delay_context(*choice) for choice in itertools.product(*zip(base, other, strict=True))}
    assert len(contexts) == 16


def test_states_at_both_ends(claimed) -> None:
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    digest, request = manifest.digest(), claimed.request
    assert manifest.genesis == _escapement.genesis_commitment(request.program, claimed.policy.nonce)
    log = _escapement.log_start(digest)
    expected = [log, manifest.genesis, bytes(32), bytes(32), request.root, request.key_commitment]
    assert chain.initial_state(manifest, request) == expected

    checkpoint = manifest.genesis
    for index, segment in enumerate(claimed.bundle.segments):
        seed = chain.seed(digest, index, checkpoint, segment.y)
        log = _escapement.log_absorb(log, checkpoint, seed)
        checkpoint = segment.checkpoint
    head = chain.check_delays(manifest, claimed.bundle.segments)
    assert head == chain.Head(checkpoint, seed, log)
    fr = int.from_bytes(seed[:31], "big").to_bytes(32, "little")
    expected = [log, checkpoint, fr, bytes(32), request.root, request.key_commitment]
    assert chain.final_state(head, request) == expected


def test_a_manifest_needs_the_policys_request(claimed) -> None:
    other = dataclasses.replace(claimed.request, split_seed=2).encode()
    for request in (other, b"", claimed.request.encode() + b"\0"):
        with pytest.raises(Rejected) as caught:
            chain.build_manifest(request, claimed.policy)
        assert caught.value.code == "request-mismatch"


def negated(element: bytes) -> bytes:
    return (MODULUS - int.from_bytes(element, "big")).to_bytes(256, "big")


def plus_modulus(element: bytes) -> bytes:
    return ((int.from_bytes(element, "big") + MODULUS) % 2**2048).to_bytes(256, "big")


FALSE_DELAYS = {
    "y flipped": lambda s: dataclasses.replace(s, y=s.y[:-1] + bytes([s.y[-1] ^ 1])),
    "pi flipped": lambda s: dataclasses.replace(s, pi=s.pi[:-1] + bytes([s.pi[-1] ^ 1])),
    "y and pi swapped": lambda s: dataclasses.replace(s, y=s.pi, pi=s.y),
}
NO_ELEMENTS = {
    "y negated": lambda s: dataclasses.replace(s, y=negated(s.y)),
    "pi negated": lambda s: dataclasses.replace(s, pi=negated(s.pi)),
    "y plus N": lambda s: dataclasses.replace(s, y=plus_modulus(s.y)),
    "y zero": lambda s: dataclasses.replace(s, y=bytes(256)),
    "pi zero": lambda s: dataclasses.replace(s, pi=bytes(256)),
    "y short": lambda s: dataclasses.replace(s, y=s.y[1:]),
}


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("attack", [*FALSE_DELAYS, *NO_ELEMENTS])
def test_false_delays_fail_and_name_their_number(claimed, index: int, attack: str) -> None:
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    segments = list(claimed.bundle.segments)
    segments[index] = {**FALSE_DELAYS, **NO_ELEMENTS}[attack](segments[index])
    with pytest.raises(IvcError, match=f"delay {index}: ") as caught:
        chain.check_delays(manifest, segments)
    if attack in FALSE_DELAYS:
        assert isinstance(caught.value, Rejected)
    else:
        assert isinstance(caught.value, Malformed | Rejected)


def test_delays_belong_to_their_place_run_and_length(claimed) -> None:
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    first, second = claimed.bundle.segments
    other = dataclasses.replace(manifest, nonce=bytes(32))
    longer = dataclasses.replace(manifest, squarings=manifest.squarings + 1)
    cases = [
        (manifest, [second, first], 0),
        (manifest, [first, first], 1),
        (manifest, [second], 0),
        (manifest, [dataclasses.replace(first, checkpoint=second.checkpoint), second], 1),
        (other, [first], 0),
        (longer, [first], 0),
    ]
    for where, segments, index in cases:
        with pytest.raises(Rejected, match=f"delay {index}: "):
            chain.check_delays(where, segments)
