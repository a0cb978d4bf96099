"""A tiny segment run end to end, honest or not: 2 segments of 2 folds of 2 steps, delays of 300 squarings.

`prove` is how its callers cheat: it drives the native prover itself, fold by fold, with any seeds, rows and
start. Nothing here goes through the run directory; tests/ivc/prover does.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import _escapement
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc import cache, chain
from ivc.bundle import Segment
from ivc.commitments import segment_rows
from ivc.policy import Policy
from ivc.request import Request
from ivc.segment_bundle import SegmentBundle
from tests.tiny_run import Run, delay, delayed, resigned, tiny_data, tiny_policy, tiny_program, tiny_request

SEGMENTS, FOLDS, STEPS = 2, 2, 2
Seed = Callable[[int, bytes, bytes], bytes]


@dataclass(frozen=True)
class Trainer:
    """Whoever has these keys."""

    device: Ed25519PrivateKey
    key: bytes

    @staticmethod
    def new() -> "Trainer":
        """Fresh keys."""
        return Trainer(Ed25519PrivateKey.generate(), _escapement.random_field_element())


def segment_program(**changes: int) -> bytes:
    """The tiny program, two steps per fold, proven by the segment argument."""
    return tiny_program(arithmetisation="segment", **{"k": STEPS, "m": FOLDS, **changes})


def segment_request(trainer: Trainer, program: bytes) -> Request:
    """The request of this trainer."""
    return tiny_request(trainer.device, trainer.key, program)


def segment_policy(request: Request) -> Policy:
    """A policy with a fresh nonce and the program's own key."""
    return tiny_policy(request.encode(), cache.segment_parameters(request.program).digest)


def prove(
    trainer: Trainer,
    request: Request,
    policy: Policy,
    *,
    segments: int = SEGMENTS,
    nonce: bytes | None = None,
    rows: tuple[bytes, bytes] | None = None,
    seed: Seed = lambda index, previous, own: own,
    squarings: int | None = None,
) -> Run:
    """Train, prove and bundle.

    `nonce`: of other initial weights; `rows`: of another dataset; `seed`: what segment index + 1 is trained
    from, given the seeds of the delay before and of its own; `squarings`: of the delays that are computed.
    """
    manifest = chain.build_manifest(request.encode(), policy)
    digest = manifest.digest()
    committed = segment_rows(request.program, trainer.key, *(tiny_data() if rows is None else rows))
    first = policy.nonce if nonce is None else nonce
    prover = _escapement.SegmentProver.start(committed, trainer.key, first, digest)
    head, made, states, folds = chain.start(digest, manifest.genesis), [], [prover.z()], []
    for index in range(segments):
        context = chain.delay_context(digest, index, head.checkpoint, head.seed)
        made.append(delay(context, policy.squarings if squarings is None else squarings))
        used = seed(index, head.seed, chain.seed(digest, index, head.checkpoint, made[-1].y))
        for _ in range(FOLDS):
            folds.append(prover.prove_fold(used)[0])
        states.append(prover.z())
        head = chain.advance(digest, index, head, made[-1].y, states[-1][1])
    dataset, closing = prover.close()
    empty = SegmentBundle(
        request.encode(), manifest.encode(), (), b"", dataset, tuple(folds), closing, bytes(64)
    )
    bundle = delayed(empty, [state[1] for state in states[1:]], made)
    run = Run(policy, bundle, request, trainer.device, trainer.key, tuple(made), tuple(states))
    return dataclasses.replace(run, bundle=resigned(run, bundle))


def with_folds(bundle: SegmentBundle, *folds: bytes) -> SegmentBundle:
    """The bundle with these fold proofs instead of its own."""
    return dataclasses.replace(bundle, folds=folds)


def with_fold(bundle: SegmentBundle, index: int, fold: bytes) -> SegmentBundle:
    """The bundle with one fold proof replaced."""
    return with_folds(bundle, *bundle.folds[:index], fold, *bundle.folds[index + 1 :])


def shortened(bundle: SegmentBundle, segments: int) -> SegmentBundle:
    """The first segments of a bundle with their fold proofs; delays and closing stay."""
    kept: tuple[Segment, ...] = bundle.segments[:segments]
    return dataclasses.replace(bundle, segments=kept, folds=bundle.folds[: segments * FOLDS])
