"""Attacks on the delays of a whole run: outputs, their one proof, contexts, length and group.

One delay for itself is attacked in test_delay_attacks.py, many delays apart from a run in test_batches.py.
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
from tests.soundness.attacks import (
    checkpoints,
    expected,
    flipped,
    in_segment,
    redelayed,
    refused,
    with_segments,
)
from tests.tiny_run import GROUP, SQUARINGS, Run, claim, delay, delayed, delays, resigned, tiny_policy
from vdf.errors import UsageError


def number(element: bytes) -> int:
    return int.from_bytes(element, "big")


def element(value: int) -> bytes:
    return value.to_bytes(256, "big")


def power(base: bytes, exponent: int) -> bytes:
    return GROUP.elements.encode(pow(number(base), exponent, MODULUS))


def times(left: bytes, right: bytes) -> bytes:
    return GROUP.elements.encode(number(left) * number(right))


def with_proof(bundle: Bundle, proof: bytes) -> Bundle:
    return dataclasses.replace(bundle, delays=proof)


MODULUS = GROUP.elements.modulus
ELEMENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "negated": (lambda v: element(MODULUS - number(v)), "range"),
    "zero": (lambda v: element(0), "range"),
    "N": (lambda v: element(MODULUS), "range"),
    "minus one": (lambda v: element(MODULUS - 1), "range"),
    "all ones": (lambda v: b"\xff" * 256, "range"),
    "truncated": (lambda v: v[1:], "length"),
    "one byte": (lambda v: b"\1", "length"),
    "flipped": (lambda v: flipped(v, -1), "false"),
    "one": (lambda v: element(1), "false"),
    "inverted": (lambda v: power(v, -1), "false"),
    "squared": (lambda v: power(v, 2), "false"),
}


# Codes of a run that has neither key nor proof: what refuses these is read before either.
EARLY: dict[str, Callable[[Bundle], Bundle]] = {
    "swapped": lambda b: with_segments(b, *b.segments[::-1]),
    "first skipped": lambda b: with_segments(b, *b.segments[1:]),
    "last skipped": lambda b: with_segments(b, *b.segments[:-1]),
    "last repeated": lambda b: with_segments(b, *b.segments, b.segments[-1]),
    "first twice": lambda b: with_segments(b, b.segments[0], b.segments[0]),
    "y flipped": lambda b: in_segment(b, 0, y=flipped(b.segments[0].y, -1)),
    "outputs swapped": lambda b: in_segment(in_segment(b, 0, y=b.segments[1].y), 1, y=b.segments[0].y),
    "π flipped": lambda b: with_proof(b, flipped(b.delays, -1)),
    "checkpoint flipped": lambda b: in_segment(b, 0, checkpoint=flipped(b.segments[0].checkpoint, 0)),
}


@pytest.mark.parametrize("name", EARLY)
def test_delays_are_checked_before_the_proof(claimed: Run, name: str) -> None:
    with pytest.raises(Rejected, match="delays: ") as caught:
        verify(claimed.policy, EARLY[name](claimed.bundle).encode())
    assert caught.value.code == "delay-false"


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("how", ELEMENTS)
def test_outputs(honest: Run, how: str, index: int) -> None:
    change, failure = ELEMENTS[how]
    attack = in_segment(honest.bundle, index, y=change(honest.bundle.segments[index].y))
    code = "delay-false" if failure == "false" else f"delay-y-{failure}"
    assert refused(honest.policy, resigned(honest, attack)) == expected(code)


@pytest.mark.parametrize("how", ELEMENTS)
def test_the_proof_of_all_delays(honest: Run, how: str) -> None:
    change, failure = ELEMENTS[how]
    attack = with_proof(honest.bundle, change(honest.bundle.delays))
    code = "delay-false" if failure == "false" else f"delay-pi-{failure}"
    assert refused(honest.policy, resigned(honest, attack)) == expected(code)


@pytest.mark.parametrize("surplus", [b"\0", bytes(256), b"\0" * 4096])
def test_the_proof_of_all_delays_extended(honest: Run, surplus: bytes) -> None:
    proof = honest.bundle.delays
    for longer in (proof + surplus, surplus + proof):
        assert refused(honest.policy, with_proof(honest.bundle, longer)) == ("delay-pi-length", 5)
    assert refused(honest.policy, with_proof(honest.bundle, proof * 2)) == ("delay-pi-length", 5)


# A true proof of other delays in place of the proof, the outputs being true.
PROOFS: dict[str, Callable[[Run, Run], bytes]] = {
    "another run's": lambda a, b: GROUP.prove_run(b.delays),
    "in the other order": lambda a, b: GROUP.prove_run(a.delays[::-1]),
    "of the first delay": lambda a, b: GROUP.prove_run(a.delays[:1]),
    "of the last delay": lambda a, b: GROUP.prove_run(a.delays[1:]),
    "of one delay more": lambda a, b: GROUP.prove_run([*a.delays, b.delays[0]]),
    "of one delay twice": lambda a, b: GROUP.prove_run([*a.delays, a.delays[1]]),
    "of the first delay only, twice": lambda a, b: GROUP.prove_run([a.delays[0]] * 2),
    "the first delay's own": lambda a, b: a.delays[0].pi,
    "the second delay's own": lambda a, b: a.delays[1].pi,
    "the product of their own": lambda a, b: times(a.delays[0].pi, a.delays[1].pi),
    "of delays one squaring longer": lambda a, b: GROUP.prove_run(
        delays(a.manifest, checkpoints(a), SQUARINGS + 1)
    ),
    "the first output": lambda a, b: a.delays[0].y,
    "the first input": lambda a, b: a.delays[0].x,
}


@pytest.mark.parametrize("name", PROOFS)
def test_another_proof(honest: Run, second: Run, name: str) -> None:
    attack = with_proof(honest.bundle, PROOFS[name](honest, second))
    assert refused(honest.policy, resigned(honest, attack)) == ("delay-false", 1)


def test_the_proof_of_a_run_is_not_that_of_its_only_delay(honest: Run) -> None:
    """One delay: its own proof and the run's differ, and neither passes for the other."""
    (one, *_), manifest = honest.delays, honest.manifest
    only = delayed(honest.bundle, checkpoints(honest)[:1], (one,))
    chain.check_delays(manifest, only.segments, only.delays)
    assert refused(honest.policy, resigned(honest, only)) == ("proof-rejected", 1)
    assert refused(honest.policy, resigned(honest, with_proof(only, one.pi))) == ("delay-false", 1)


def test_outputs_that_cancel(honest: Run) -> None:
    """y_0·w and y_1/w have the true product: without coefficients the proof of the true run would pass."""
    w = power(element(3), 1 << 17)
    outputs = [times(honest.delays[0].y, w), times(honest.delays[1].y, power(w, -1))]
    assert times(*outputs) == times(*(done.y for done in honest.delays))
    attack = in_segment(in_segment(honest.bundle, 0, y=outputs[0]), 1, y=outputs[1])
    assert refused(honest.policy, resigned(honest, attack)) == ("delay-false", 1)


def test_plus_n(claimed: Run) -> None:
    """Of a run whose elements plus N still fit into 256 bytes; about one in ten has only such elements."""

    def larger(v: bytes) -> int:
        return number(v) + MODULUS

    request = claimed.request
    policies = (tiny_policy(request.encode(), bytes(32)) for _ in count())
    runs = (claim(request, policy, claimed.device, claimed.key) for policy in policies)
    run = next(
        r
        for r in runs
        if all(larger(v) < 2**2048 for v in (*(s.y for s in r.bundle.segments), r.bundle.delays))
    )
    for index, segment in enumerate(run.bundle.segments):
        attack = in_segment(run.bundle, index, y=element(larger(segment.y)))
        assert refused(run.policy, attack) == ("delay-y-range", 5)
    attack = with_proof(run.bundle, element(larger(run.bundle.delays)))
    assert refused(run.policy, attack) == ("delay-pi-range", 5)


def forged(run: Run, index: int, context: bytes) -> Bundle:
    """The run with a true delay for another context at one place, and a true proof of what there is then."""
    made = list(run.delays)
    made[index] = delay(context)
    return delayed(run.bundle, checkpoints(run), made)


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
    attack = redelayed(honest.bundle, honest.manifest, checkpoints(honest), squarings)
    assert refused(honest.policy, resigned(honest, attack)) == ("delay-false", 1)


def test_one_delay_of_another_length(honest: Run) -> None:
    """The long one pays for the short one: their product has had as many squarings as the policy asks for."""
    digest, genesis = honest.manifest.digest(), honest.manifest.genesis
    short = delay(chain.delay_context(digest, 0, genesis, chain.NO_SEED), SQUARINGS - 1)
    own = chain.seed(digest, 0, genesis, short.y)
    long = delay(chain.delay_context(digest, 1, checkpoints(honest)[0], own), SQUARINGS + 1)
    attack = honest.bundle
    for index, done in enumerate((short, long)):
        attack = in_segment(attack, index, y=done.y)
    for proof in (honest.bundle.delays, times(short.pi, long.pi), element(1)):
        assert refused(honest.policy, resigned(honest, with_proof(attack, proof))) == ("delay-false", 1)


@pytest.mark.parametrize("squarings", [1, SQUARINGS - 1, SQUARINGS + 1])
def test_t_replaced(honest: Run, squarings: int) -> None:
    """In the manifest, with delays that keep to it; and in the policy, with and without a manifest for it."""
    manifest = dataclasses.replace(honest.manifest, squarings=squarings)
    easier = dataclasses.replace(
        redelayed(honest.bundle, manifest, checkpoints(honest), squarings), manifest=manifest.encode()
    )
    with pytest.raises(Rejected, match=f"squarings: expected 300, got {squarings}") as caught:
        verify(honest.policy, resigned(honest, easier).encode())
    assert caught.value.code == "manifest-mismatch"
    policy = dataclasses.replace(honest.policy, squarings=squarings)
    assert refused(policy, honest.bundle) == ("manifest-mismatch", 1)
    followed = dataclasses.replace(honest.bundle, manifest=manifest.encode())
    assert refused(policy, followed) == ("delay-false", 1)


def test_group_replaced(honest: Run) -> None:
    """A manifest with another group is not the policy's, whichever of them is the stronger."""
    for name in (b"class-1024", b"rsa-1024"):
        head = bytes([0x60 + len(name)])
        other = honest.bundle.manifest.replace(b"\x68rsa-2048", head + name)
        assert other != honest.bundle.manifest
        attack = dataclasses.replace(honest.bundle, manifest=other)
        assert refused(honest.policy, attack) == ("manifest-mismatch", 1)
    assert refused(dataclasses.replace(honest.policy, group="class-1024"), honest.bundle) == (
        "manifest-mismatch",
        1,
    )


@pytest.mark.parametrize("name", ["rsa-1024", "toy", "RSA-2048", "rsa-2048 ", "", "__class__", None, 0, []])
def test_policies_name_no_group_but_those_of_vdf(honest: Run, name: object) -> None:
    assert name not in vdf.GROUPS
    with pytest.raises(Malformed) as caught:
        dataclasses.replace(honest.policy, group=name)  # type: ignore[arg-type]
    assert caught.value.code == "policy-value"
    if isinstance(name, str):
        with pytest.raises(UsageError) as unknown:
            vdf.group(name)
        assert unknown.value.code == "delay-group"


def test_delays_of_one_group_in_another(honest: Run) -> None:
    """The policy asks for the class group and the manifest says so; the delays are RSA's."""
    policy = dataclasses.replace(honest.policy, group="class-1024")
    manifest = dataclasses.replace(honest.manifest, group="class-1024")
    attack = dataclasses.replace(honest.bundle, manifest=manifest.encode())
    run = dataclasses.replace(honest, policy=policy)
    assert refused(policy, resigned(run, attack)) == ("delay-pi-length", 5)
    fitting = with_proof(attack, honest.bundle.delays[:200])
    assert refused(policy, resigned(run, fitting)) == ("delay-y-length", 5)
    both = with_segments(fitting, *(dataclasses.replace(s, y=s.y[:100]) for s in attack.segments))
    assert refused(policy, resigned(run, both)) == ("delay-y-range", 5)
