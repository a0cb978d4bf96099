"""Attacks on the delays of a whole run: elements, contexts, length and group; tests/soundness/
test_delay_attacks.py attacks one delay for itself.
"""

import dataclasses
from collections.abc import Callable
from itertools import count

import pytest

import vdf
from ivc import chain
from ivc.bundle import Bundle
from ivc.errors import Malformed, Rejected
from ivc.verify import verify
from tests.soundness.attacks import checkpoints, expected, flipped, in_segment, refused, with_segments
from tests.tiny_run import GROUP, SQUARINGS, Run, claim, delays, evaluate, resigned, tiny_policy


def number(element: bytes) -> int:
    return int.from_bytes(element, "big")


def element(value: int) -> bytes:
    return value.to_bytes(256, "big")


MODULUS = GROUP.modulus
ELEMENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "negated": (lambda v: element(MODULUS - number(v)), "range"),
    "zero": (lambda v: element(0), "range"),
    "N": (lambda v: element(MODULUS), "range"),
    "minus one": (lambda v: element(MODULUS - 1), "range"),
    "all ones": (lambda v: b"\xff" * 256, "range"),
    "one": (lambda v: element(1), "false"),
    "inverted": (lambda v: GROUP.encode(pow(number(v), -1, MODULUS)), "false"),
    "squared": (lambda v: GROUP.encode(pow(number(v), 2, MODULUS)), "false"),
}


# Codes of a run that has neither key nor proof: what refuses these is read before either.
EARLY: dict[str, Callable[[Bundle], Bundle]] = {
    "swapped": lambda b: with_segments(b, *b.segments[::-1]),
    "first skipped": lambda b: with_segments(b, *b.segments[1:]),
    "last repeated": lambda b: with_segments(b, *b.segments, b.segments[-1]),
    "first twice": lambda b: with_segments(b, b.segments[0], b.segments[0]),
    "y flipped": lambda b: in_segment(b, 0, y=flipped(b.segments[0].y, -1)),
    "π flipped": lambda b: in_segment(b, 1, pi=flipped(b.segments[1].pi, -1)),
    "checkpoint flipped": lambda b: in_segment(b, 0, checkpoint=flipped(b.segments[0].checkpoint, 0)),
}


@pytest.mark.parametrize("name", EARLY)
def test_delays_are_checked_before_the_proof(claimed: Run, name: str) -> None:
    with pytest.raises(Rejected, match=r"delay \d: ") as caught:
        verify(claimed.policy, EARLY[name](claimed.bundle).encode())
    assert caught.value.code == "delay-false"


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("place", ["y", "pi"])
@pytest.mark.parametrize("how", ELEMENTS)
def test_elements(honest: Run, how: str, place: str, index: int) -> None:
    change, failure = ELEMENTS[how]
    attack = in_segment(
        honest.bundle, index, **{place: change(getattr(honest.bundle.segments[index], place))}
    )
    code = f"delay-{place}-{failure}" if failure == "range" else "delay-false"
    assert refused(honest.policy, resigned(honest, attack)) == expected(code)


def test_plus_n(claimed: Run) -> None:
    """Of a run whose elements plus N still fit into 256 bytes; about one in ten has only such elements."""

    def larger(v: bytes) -> int:
        return number(v) + MODULUS

    request = claimed.request
    policies = (tiny_policy(request.encode(), bytes(32)) for _ in count())
    runs = (claim(request, policy, claimed.device, claimed.key) for policy in policies)
    run = next(r for r in runs if all(larger(v) < 2**2048 for s in r.bundle.segments for v in (s.y, s.pi)))
    for index, segment in enumerate(run.bundle.segments):
        for place in ("y", "pi"):
            attack = in_segment(run.bundle, index, **{place: element(larger(getattr(segment, place)))})
            assert refused(run.policy, attack) == (f"delay-{place}-range", 5)


def forged(run: Run, index: int, context: bytes) -> Bundle:
    """The run with a true delay for another context at one place."""
    done = evaluate(vdf.hash_to_group(GROUP, context))
    return in_segment(run.bundle, index, y=done.y, pi=vdf.prove(GROUP, done))


def test_delays_out_of_order(honest: Run) -> None:
    """Each input of the context that the second delay could have been computed without, or too early."""
    digest, genesis = honest.manifest.digest(), honest.manifest.genesis
    first = honest.bundle.segments[0]
    own = chain.seed(digest, 0, genesis, first.y)
    contexts = {
        "the true one": chain.delay_context(digest, 1, first.checkpoint, own),
        "before its checkpoint": chain.delay_context(digest, 1, genesis, own),
        "before the seed before it": chain.delay_context(digest, 1, first.checkpoint, chain.NO_SEED),
        "from the nonce alone": chain.delay_context(digest, 1, genesis, chain.NO_SEED),
        "with another number": chain.delay_context(digest, 0, first.checkpoint, own),
        "of another run": chain.delay_context(bytes(32), 1, first.checkpoint, own),
    }
    verify(honest.policy, forged(honest, 1, contexts.pop("the true one")).encode())
    for name, context in contexts.items():
        assert refused(honest.policy, resigned(honest, forged(honest, 1, context))) == ("delay-false", 1), (
            name
        )


@pytest.mark.parametrize("squarings", [1, SQUARINGS - 1, SQUARINGS + 1, 2 * SQUARINGS])
def test_delays_of_another_length(honest: Run, squarings: int) -> None:
    attack = with_segments(honest.bundle, *delays(honest.manifest, checkpoints(honest), squarings))
    assert refused(honest.policy, resigned(honest, attack)) == ("delay-false", 1)


@pytest.mark.parametrize("squarings", [1, SQUARINGS - 1, SQUARINGS + 1])
def test_t_replaced(honest: Run, squarings: int) -> None:
    """In the manifest, with delays that keep to it; and in the policy, with and without a manifest for it."""
    manifest = dataclasses.replace(honest.manifest, squarings=squarings)
    easier = dataclasses.replace(
        with_segments(honest.bundle, *delays(manifest, checkpoints(honest), squarings)),
        manifest=manifest.encode(),
    )
    with pytest.raises(Rejected, match=f"squarings: expected 300, got {squarings}") as caught:
        verify(honest.policy, resigned(honest, easier).encode())
    assert caught.value.code == "manifest-mismatch"
    policy = dataclasses.replace(honest.policy, squarings=squarings)
    assert refused(policy, honest.bundle) == ("manifest-mismatch", 1)
    followed = dataclasses.replace(honest.bundle, manifest=manifest.encode())
    assert refused(policy, followed) == ("delay-false", 1)


def test_group_replaced(honest: Run) -> None:
    """There is one group; a manifest with another is not the policy's, and no policy can name one."""
    other = honest.bundle.manifest.replace(b"\x68rsa-2048", b"\x68rsa-1024")
    attack = dataclasses.replace(honest.bundle, manifest=other)
    assert refused(honest.policy, attack) == ("manifest-mismatch", 1)
    with pytest.raises(Malformed) as caught:
        dataclasses.replace(honest.policy, group="rsa-1024")
    assert caught.value.code == "policy-value"
