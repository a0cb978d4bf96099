"""Attacks on segment bundles with whole proofs, each true where it came from.

`segment` and `segment_second` are two runs of one trainer and request under two nonces, `stranger` is another
trainer's; all verify, so whatever is refused here is refused for the combination. Bundles are signed again by
the trainer's own device. Forgeries inside a fold (false traces, altered messages) are the Rust crate's tests.
"""

import dataclasses
import hashlib
import struct
from collections.abc import Callable

import pytest

from ivc import chain
from ivc.segment_bundle import SegmentBundle
from ivc.verify import verify
from tests.soundness.attacks import checkpoints, expected, flipped, in_segment, redelayed, refused
from tests.tiny_run import Run, delayed, resigned, tiny_data
from tests.tiny_segment import FOLDS, SEGMENTS, STEPS, Trainer, prove, shortened, with_fold, with_folds

Attack = Callable[[Run, Run], SegmentBundle]
CHOSEN = hashlib.sha256(b"the seed that trains best").digest()


def test_all_runs_verify(segment: Run, segment_second: Run, stranger: Run) -> None:
    for run in (segment, segment_second, stranger):
        statement = verify(run.policy, run.bundle.encode())
        assert statement.manifest == run.manifest.digest()
        assert (statement.arithmetisation, statement.folds) == ("segment", SEGMENTS * FOLDS)
        assert statement.steps == SEGMENTS * FOLDS * STEPS


def test_the_prover_ends_in_the_chains_state(segment: Run) -> None:
    head = chain.check_delays(segment.manifest, segment.bundle.segments, segment.bundle.delays)
    assert segment.states[0] == chain.initial_state(segment.manifest, segment.request)
    assert segment.states[-1] == chain.final_state(head, segment.request)


def test_a_shorter_run_is_a_statement_about_less(segment: Run, trainer: Trainer) -> None:
    """The same run, closed after its first segment."""
    run = prove(trainer, segment.request, segment.policy, segments=1)
    assert run.bundle.folds == segment.bundle.folds[:FOLDS]
    assert run.bundle.segments == segment.bundle.segments[:1]
    assert verify(segment.policy, run.bundle.encode()).segments == 1


# --- fold proofs at other places ------------------------------------------------------------------------


def reordered(*order: int) -> Attack:
    return lambda a, b: with_folds(a.bundle, *(a.bundle.folds[i] for i in order))


def from_other(*places: int) -> Attack:
    def attack(a: Run, b: Run) -> SegmentBundle:
        own = enumerate(a.bundle.folds)
        return with_folds(a.bundle, *(b.bundle.folds[i] if i in places else fold for i, fold in own))

    return attack


FOLD, COUNT = "proof-fold-rejected", "wrong-length"
SPLICED: dict[str, tuple[Attack, str]] = {
    "first two swapped": (reordered(1, 0, 2, 3), FOLD),
    "swapped across segments": (reordered(0, 2, 1, 3), FOLD),
    "last two swapped": (reordered(0, 1, 3, 2), FOLD),
    "segments swapped": (reordered(2, 3, 0, 1), FOLD),
    "reversed": (reordered(3, 2, 1, 0), FOLD),
    "the first repeated": (reordered(0, 0, 2, 3), FOLD),
    "the last replayed": (reordered(0, 1, 2, 2), FOLD),
    "the first segment replayed": (reordered(0, 1, 0, 1), FOLD),
    "one dropped": (reordered(0, 1, 2), COUNT),
    "one dropped in front": (reordered(1, 2, 3), COUNT),
    "one more": (reordered(0, 1, 2, 3, 3), COUNT),
    "none": (reordered(), COUNT),
    "the other's first": (from_other(0), FOLD),
    "the other's second": (from_other(1), FOLD),
    "the other's last": (from_other(3), FOLD),
    "the other's second segment": (from_other(2, 3), FOLD),
    "all the other's": (from_other(0, 1, 2, 3), FOLD),
    "the other's closing": (
        lambda a, b: dataclasses.replace(a.bundle, closing=b.bundle.closing),
        "proof-closing-rejected",
    ),
    "folds and closing of the other": (
        lambda a, b: dataclasses.replace(a.bundle, folds=b.bundle.folds, closing=b.bundle.closing),
        FOLD,
    ),
    "all but the request of the other": (
        lambda a, b: dataclasses.replace(b.bundle, manifest=a.bundle.manifest),
        "delay-false",
    ),
    "the other run as it is": (lambda a, b: b.bundle, "manifest-mismatch"),
}


@pytest.mark.parametrize("name", SPLICED)
def test_spliced(segment: Run, segment_second: Run, name: str) -> None:
    make, code = SPLICED[name]
    attack = resigned(segment, make(segment, segment_second))
    assert refused(segment.policy, attack) == expected(code)


# --- checkpoints and the number of segments --------------------------------------------------------------


def continued(run: Run, bundle: SegmentBundle, *claimed: bytes) -> SegmentBundle:
    """The bundle with these checkpoints, all delays computed for them."""
    return redelayed(bundle, run.manifest, list(claimed))  # type: ignore[return-value]


CHECKPOINT, CLOSING = "proof-checkpoint-rejected", "proof-closing-rejected"
CHAINS: dict[str, tuple[Callable[[Run], SegmentBundle], str]] = {
    "last flipped": (
        lambda a: in_segment(a.bundle, 1, checkpoint=flipped(checkpoints(a)[1], 0)),
        CHECKPOINT,
    ),
    "first flipped": (
        lambda a: in_segment(a.bundle, 0, checkpoint=flipped(checkpoints(a)[0], 0)),
        "delay-false",
    ),
    "first flipped, with true delays": (
        lambda a: continued(a, a.bundle, flipped(checkpoints(a)[0], 0), checkpoints(a)[1]),
        CHECKPOINT,
    ),
    "swapped, with true delays": (
        lambda a: continued(a, a.bundle, *checkpoints(a)[::-1]),
        CHECKPOINT,
    ),
    "the genesis as a checkpoint": (
        lambda a: continued(a, a.bundle, a.manifest.genesis, checkpoints(a)[1]),
        CHECKPOINT,
    ),
    "one segment less, closed later": (
        lambda a: delayed(shortened(a.bundle, 1), checkpoints(a)[:1], a.delays[:1]),
        CLOSING,
    ),
    "the second segment alone": (
        lambda a: continued(a, with_folds(a.bundle, *a.bundle.folds[2:]), checkpoints(a)[1]),
        FOLD,
    ),
    "one segment more": (
        lambda a: continued(
            a,
            with_folds(a.bundle, *a.bundle.folds, *a.bundle.folds[2:]),
            *checkpoints(a),
            checkpoints(a)[1],
        ),
        FOLD,
    ),
    "more than the policy allows": (
        lambda a: dataclasses.replace(a.bundle, segments=a.bundle.segments * 3, folds=a.bundle.folds * 3),
        "segment-count",
    ),
    "no segments": (lambda a: dataclasses.replace(a.bundle, segments=(), folds=()), "segment-count"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_checkpoints(segment: Run, name: str) -> None:
    make, code = CHAINS[name]
    bundle = make(segment)
    attack = resigned(segment, bundle) if bundle.segments else bundle
    assert refused(segment.policy, attack) == expected(code)


# --- trainers that cheat while they prove ------------------------------------------------------------------


@pytest.mark.parametrize("early", ["a chosen seed", "the seed before"])
def test_trained_before_the_delay_is_known(segment: Run, trainer: Trainer, early: str) -> None:
    """The delays are true and complete, but every segment was trained while its delay still ran."""

    def seed(index: int, previous: bytes, own: bytes) -> bytes:
        return CHOSEN if early == "a chosen seed" else previous

    run = prove(trainer, segment.request, segment.policy, seed=seed)
    chain.check_delays(run.manifest, run.bundle.segments, run.bundle.delays)
    assert refused(run.policy, run.bundle) == expected(FOLD)


def test_delays_left_out(segment: Run, trainer: Trainer) -> None:
    """One squaring per delay, all else follows honestly from it: only the check of the delays refuses it."""
    run = prove(trainer, segment.request, segment.policy, squarings=1)
    assert refused(run.policy, run.bundle) == expected("delay-false")


def test_other_initial_weights(segment: Run, segment_second: Run, trainer: Trainer) -> None:
    """The run starts from the weights of another nonce; all else is this manifest's."""
    run = prove(trainer, segment.request, segment.policy, nonce=segment_second.policy.nonce)
    assert run.states[0][1] == segment_second.manifest.genesis
    assert refused(run.policy, run.bundle) == expected(FOLD)


def test_the_weights_between_folds_cannot_be_exchanged(
    segment: Run, segment_second: Run, trainer: Trainer
) -> None:
    """Folds on this run's seeds, but from the other run's weights on: W_k of fold 2 is not W_0 of fold 3."""
    run = prove(trainer, segment.request, segment.policy, nonce=segment_second.policy.nonce)
    joined = with_folds(segment.bundle, *segment.bundle.folds[:FOLDS], *run.bundle.folds[FOLDS:])
    claimed = checkpoints(segment)[0], checkpoints(run)[1]
    for closing in (segment.bundle.closing, run.bundle.closing):
        attack = continued(segment, dataclasses.replace(joined, closing=closing), *claimed)
        assert refused(segment.policy, resigned(segment, attack)) == expected(FOLD)


def test_rows_of_another_dataset(segment: Run, trainer: Trainer) -> None:
    """Trained on other labels than those under the request's root."""
    samples, labels = tiny_data()
    other = struct.pack("<9i", *(1 - label for label in struct.unpack("<9i", labels)))
    run = prove(trainer, segment.request, segment.policy, rows=(samples, other))
    assert refused(run.policy, run.bundle) == expected("proof-dataset-rejected")
    proven = dataclasses.replace(run.bundle, dataset=segment.bundle.dataset)
    assert refused(run.policy, resigned(segment, proven)) == expected(FOLD)


def test_a_proof_of_another_root(segment: Run, stranger: Run) -> None:
    """The same rows under other blinds: a true proof, of another root."""
    assert stranger.request.root != segment.request.root
    attack = dataclasses.replace(segment.bundle, dataset=stranger.bundle.dataset)
    assert refused(segment.policy, resigned(segment, attack)) == expected("proof-dataset-rejected")


def test_a_strangers_run_is_not_ones_own(segment: Run, stranger: Run) -> None:
    """All proofs are the stranger's, under a request of one's own."""
    attack = dataclasses.replace(
        stranger.bundle, request=segment.bundle.request, manifest=segment.bundle.manifest
    )
    claimed = continued(segment, attack, *checkpoints(stranger))
    assert refused(segment.policy, resigned(segment, claimed)) == expected("proof-dataset-rejected")
    own = dataclasses.replace(claimed, dataset=segment.bundle.dataset)
    assert refused(segment.policy, resigned(segment, own)) == expected(FOLD)


def test_signatures(segment: Run, segment_second: Run) -> None:
    """Every proof is signed: another run's, or one's own without a part, has another signature."""
    zero = dataclasses.replace(segment.bundle, signature=bytes(64))
    assert refused(segment.policy, zero) == ("signature-invalid", 1)
    other = dataclasses.replace(segment.bundle, signature=segment_second.bundle.signature)
    assert refused(segment.policy, other) == ("signature-invalid", 1)
    short = prove_signature_of(segment, shortened(segment.bundle, 1))
    assert refused(segment.policy, dataclasses.replace(segment.bundle, signature=short)) == (
        "signature-invalid",
        1,
    )


def prove_signature_of(run: Run, bundle: SegmentBundle) -> bytes:
    """What the trainer's device signed for another bundle."""
    signature: bytes = resigned(run, bundle).signature
    return signature


def test_a_fold_of_zeros(segment: Run) -> None:
    """Canonical elements, and points that are none."""
    attack = with_fold(segment.bundle, 0, bytes(len(segment.bundle.folds[0])))
    assert refused(segment.policy, resigned(segment, attack)) == expected("proof-fold-malformed")
