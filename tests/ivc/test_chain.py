"""ivc.chain: hash inputs byte by byte, the states at both ends, and delays that must fail."""

import dataclasses
import hashlib
import itertools

import _escapement
import pytest

from ivc import chain
from ivc.bundle import Bundle
from ivc.errors import IvcError, Malformed, Rejected
from tests.tiny_run import GROUP
from vdf.rsa.elements import RSA2048

MODULUS = RSA2048.modulus


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
    head = check(manifest, claimed.bundle)
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


def check(manifest, bundle: Bundle) -> chain.Head:
    return chain.check_delays(manifest, bundle.segments, bundle.delays)


def with_output(change):
    """The attack on either segment's y."""

    def attack(bundle: Bundle, index: int) -> Bundle:
        segments = list(bundle.segments)
        segments[index] = dataclasses.replace(segments[index], y=change(segments[index].y))
        return dataclasses.replace(bundle, segments=tuple(segments))

    return attack


def with_proof(change):
    """The attack on the one proof; the index does not matter."""
    return lambda bundle, _: dataclasses.replace(bundle, delays=change(bundle.delays))


def flipped(element: bytes) -> bytes:
    return element[:-1] + bytes([element[-1] ^ 1])


ATTACKS = {
    "y flipped": (with_output(flipped), "delay-false", Rejected),
    "y one": (with_output(lambda y: bytes(255) + b"\1"), "delay-false", Rejected),
    "y negated": (with_output(negated), "delay-y-range", Malformed),
    "y zero": (with_output(lambda y: bytes(256)), "delay-y-range", Malformed),
    "y short": (with_output(lambda y: y[1:]), "delay-y-length", Malformed),
    "y long": (with_output(lambda y: b"\0" + y), "delay-y-length", Malformed),
    "proof flipped": (with_proof(flipped), "delay-false", Rejected),
    "proof one": (with_proof(lambda pi: bytes(255) + b"\1"), "delay-false", Rejected),
    "proof negated": (with_proof(negated), "delay-pi-range", Malformed),
    "proof zero": (with_proof(lambda pi: bytes(256)), "delay-pi-range", Malformed),
    "proof short": (with_proof(lambda pi: pi[1:]), "delay-pi-length", Malformed),
    "proof long": (with_proof(lambda pi: pi + b"\0"), "delay-pi-length", Malformed),
    "y and proof swapped": (
        lambda bundle, index: with_output(lambda _: bundle.delays)(
            dataclasses.replace(bundle, delays=bundle.segments[index].y), index
        ),
        "delay-false",
        Rejected,
    ),
}


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("attack", ATTACKS)
def test_false_delays_fail(claimed, index: int, attack: str) -> None:
    """What is no element is named by its place; which of well-formed outputs is false, nothing shows."""
    make, code, kind = ATTACKS[attack]
    with pytest.raises(IvcError, match=r"^delays: ") as caught:
        check(claimed.manifest, make(claimed.bundle, index))
    assert (caught.value.code, type(caught.value)) == (code, kind)
    assert f"delay {index}: y" in str(caught.value) or not code.startswith("delay-y")


def test_an_output_plus_n_is_no_element(claimed) -> None:
    """Whether it still has 256 bytes or not."""
    for index, segment in enumerate(claimed.bundle.segments):
        larger = int.from_bytes(segment.y, "big") + MODULUS
        y = larger.to_bytes(256 + (larger >> 2048), "big")
        with pytest.raises(Malformed, match=f"delay {index}: y") as caught:
            check(claimed.manifest, with_output(lambda _, y=y: y)(claimed.bundle, index))
        assert caught.value.code == ("delay-y-length" if larger >> 2048 else "delay-y-range")


def test_delays_belong_to_their_place_run_and_length(claimed) -> None:
    """Each also with a proof that is true of the same outputs with inputs of their own."""
    manifest = claimed.manifest
    (first, second), (one, two) = claimed.bundle.segments, claimed.delays
    other = dataclasses.replace(manifest, nonce=bytes(32))
    longer = dataclasses.replace(manifest, squarings=manifest.squarings + 1)
    moved = dataclasses.replace(first, checkpoint=second.checkpoint)
    cases = [
        (manifest, (second, first), (two, one)),
        (manifest, (first, first), (one, one)),
        (manifest, (second,), (two,)),
        (manifest, (moved, second), (one, two)),
        (other, (first,), (one,)),
        (longer, (first,), (one,)),
    ]
    for where, segments, delays in cases:
        for proof in (claimed.bundle.delays, GROUP.prove_run(delays)):
            with pytest.raises(Rejected) as caught:
                chain.check_delays(where, segments, proof)
            assert caught.value.code == "delay-false"
    assert chain.check_delays(manifest, (first,), GROUP.prove_run([one])).checkpoint == first.checkpoint


def test_a_chain_without_delays_shows_nothing(claimed) -> None:
    with pytest.raises(IvcError) as caught:
        chain.check_delays(claimed.manifest, (), claimed.bundle.delays)
    assert caught.value.code == "delay-batch"
