"""Trainers that cheat while they train and prove, with proofs that are true, of something else.

That each proof verifies for the states that its maker had shows that nothing is refused for being broken.
The forgeries inside a fold (skipped step, changed weight, chosen batch, …) are ivc/native/tests/forgeries.
"""

import dataclasses
import hashlib

import _escapement
import pytest

from ivc import cache, chain
from tests.soundness.attacks import flipped, refused
from tests.tiny_run import FOLDS, SEGMENTS, Run, tiny_data, train

CHOSEN = hashlib.sha256(b"the seed that trains best").digest()


def assert_true_proof(run: Run) -> None:
    """The proof holds from the prover's own first state to its last."""
    key = cache.verifying_key(run.request.program, "ipa", run.policy.verifying_key)
    key.verify(SEGMENTS * FOLDS, run.states[0], run.states[-1], run.bundle.proof)


@pytest.mark.parametrize("early", ["a chosen seed", "the seed before"])
def test_trained_before_the_delay_is_known(
    honest: Run, parameters: _escapement.Parameters, early: str
) -> None:
    """The delays are true and complete, but every segment was trained while its delay still ran."""

    def seed(index: int, previous: bytes, own: bytes) -> bytes:
        return CHOSEN if early == "a chosen seed" else previous

    run = train(parameters, honest.request, honest.policy, honest.device, honest.key, seed=seed)
    assert_true_proof(run)
    chain.check_delays(run.manifest, run.bundle.segments, run.bundle.delays)
    assert refused(run.policy, run.bundle) == ("proof-rejected", 1)


def test_delays_left_out(honest: Run, parameters: _escapement.Parameters) -> None:
    """One squaring per delay, all else follows honestly from it: only the check of the delays refuses it."""
    run = train(parameters, honest.request, honest.policy, honest.device, honest.key, squarings=1)
    head = chain.start(run.manifest.digest(), run.manifest.genesis)
    for index, segment in enumerate(run.bundle.segments):
        head = chain.advance(run.manifest.digest(), index, head, segment.y, segment.checkpoint)
    assert chain.initial_state(run.manifest, run.request) == run.states[0]
    assert chain.final_state(head, run.request) == run.states[-1]
    assert_true_proof(run)
    assert refused(run.policy, run.bundle) == ("delay-false", 1)


def test_pre_trained_weights(honest: Run, parameters: _escapement.Parameters) -> None:
    """The run starts from weights that were trained for a segment before, with their true commitment."""
    inputs = (parameters, honest.request.program, honest.key, *tiny_data())

    def start(prover: _escapement.Prover) -> _escapement.Prover:
        fresh = prover.state_bytes()
        for _ in range(FOLDS):
            prover.prove_fold(CHOSEN)
        return _escapement.Prover.restore(*inputs, grafted(fresh, prover.state_bytes()))

    run = train(parameters, honest.request, honest.policy, honest.device, honest.key, start=start)
    manifest = run.manifest
    log, genesis, *rest = chain.initial_state(manifest, run.request)
    assert run.states[0][1] != genesis
    assert [run.states[0][0], *run.states[0][2:]] == [log, *rest]
    assert_true_proof(run)
    assert refused(run.policy, run.bundle) == ("proof-rejected", 1)
    stated = dataclasses.replace(manifest, genesis=run.states[0][1]).encode()
    assert refused(run.policy, dataclasses.replace(run.bundle, manifest=stated)) == ("manifest-mismatch", 1)


@pytest.mark.parametrize("coordinate", range(6))
@pytest.mark.parametrize("end", ["start", "end"])
def test_every_coordinate_of_both_states_counts(honest: Run, coordinate: int, end: str) -> None:
    key = cache.verifying_key(honest.request.program, "ipa", honest.policy.verifying_key)
    head = chain.check_delays(honest.manifest, honest.bundle.segments, honest.bundle.delays)
    states = {
        "start": chain.initial_state(honest.manifest, honest.request),
        "end": chain.final_state(head, honest.request),
    }
    key.verify(4, states["start"], states["end"], honest.bundle.proof)
    states[end][coordinate] = flipped(states[end][coordinate], 0)
    with pytest.raises(_escapement.NativeError) as caught:
        key.verify(4, states["start"], states["end"], honest.bundle.proof)
    assert caught.value.args[0] == "rejected"


def grafted(fresh: bytes, trained: bytes) -> bytes:
    """The saved prover `fresh`, at z_0, with weights, blind and commitment of the one that was trained.

    The layout is `Saved` of ivc/native/src/prover.rs in bincode; before the weights is nothing of variable
    length but the scheme's name, and the sealing checksum is no secret.
    """
    magic = fresh.index(b"\n") + 1
    body, other = fresh[magic + 32 :], trained[magic + 32 :]
    weights = 32 + (8 + len("ipa")) + 32 + 32 + 8
    state = weights + 8 + (8 + 16 * 8) + (8 + 10 * 8) + 32
    commitment = slice(state + 32, state + 64)
    body = (
        body[:weights]
        + other[weights:state]
        + body[state : commitment.start]
        + other[commitment]
        + body[commitment.stop :]
    )
    return fresh[:magic] + hashlib.sha256(body).digest() + body
