"""A tiny run from end to end, honest or not: 2 segments of 2 folds of 1 step, delays of 300 squarings.

`claim` costs two delays; `train` proves as well: 1.4 s of folds and 3 s of compression (7 s the first time).
The hooks of `train` are how its callers cheat; without them the run verifies.
"""

import dataclasses
import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import _escapement
import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import vdf
from ivc import chain
from ivc.bundle import Bundle, Segment, signed_message
from ivc.commitments import dataset_root
from ivc.manifest import Manifest
from ivc.policy import Policy, new_policy
from ivc.request import Request
from ivc.verifying import AnyBundle
from vdf import Delay

SEGMENTS, FOLDS, SQUARINGS = 2, 2, 300
GROUP = vdf.group("rsa-2048")


@dataclass(frozen=True)
class Run:
    """The verifier's policy, the trainer's bundle, and what only the trainer has."""

    policy: Policy
    bundle: Any  # of either kind
    request: Request
    device: Ed25519PrivateKey
    key: bytes  # the blinding key
    delays: tuple[Delay, ...]
    states: tuple[list[bytes], ...]  # z_0 and z after every segment; nothing if nothing is proven

    @property
    def manifest(self) -> Manifest:
        """The manifest of request and policy."""
        return chain.build_manifest(self.request.encode(), self.policy)


def tiny_program(max_segments: int = 4, arithmetisation: str = "r1cs-nova", **changes: int) -> bytes:
    """Two dense layers, 3-4-2; `changes` by the names of PROGRAM."""
    layers = [["fc1", 3, 4, True, True, 10, 8, 4096], ["fc2", 4, 2, True, False, 8, 0, 4096]]
    numbers = {**PROGRAM, "max_segments": max_segments, **changes}
    head = ["escapement/program/1", arithmetisation, *numbers.values()]
    return cbor2.dumps([*head, [3, 5, False], 2, layers], canonical=True)


def tiny_data() -> tuple[bytes, bytes]:
    """Nine rows of three features below 2^5, and labels 0 or 1; int32 little-endian."""
    samples, labels = [(7 * i * i + 3) % 32 for i in range(27)], [i % 2 for i in range(9)]
    return struct.pack("<27i", *samples), struct.pack("<9i", *labels)


def tiny_request(device: Ed25519PrivateKey, key: bytes, program: bytes) -> Request:
    """The request of a trainer with this device and blinding key."""
    return Request(
        program=program,
        root=dataset_root(program, key, *tiny_data()),
        key_commitment=_escapement.key_commitment(key),
        device_key=device.public_key().public_bytes_raw(),
        scheme="ipa",
        dataset_name="tiny",
        split_seed=1,
        test_rows=2,
        test_digest=hashlib.sha256(b"two rows").digest(),
    )


def tiny_policy(request: bytes, verifying_key_digest: bytes) -> Policy:
    """A policy with a fresh nonce for up to four segments of the tiny program."""
    return new_policy(
        request,
        max_segments=4,
        squarings=SQUARINGS,
        group="rsa-2048",
        fastest=1000,
        source="a test, 2026",
        verifying_key_digest=verifying_key_digest,
    )


def delay(context: bytes, squarings: int = SQUARINGS) -> Delay:
    """One delay, nothing saved."""
    return GROUP.delay(GROUP.input(context, squarings), squarings)


def delays(manifest: Manifest, checkpoints: list[bytes], squarings: int = SQUARINGS) -> list[Delay]:
    """The delays of a chain, whatever its checkpoints are worth."""
    digest, made = manifest.digest(), []
    head = chain.start(digest, manifest.genesis)
    for index, checkpoint in enumerate(checkpoints):
        made.append(delay(chain.delay_context(digest, index, head.checkpoint, head.seed), squarings))
        head = chain.advance(digest, index, head, made[-1].y, checkpoint)
    return made


def delayed(bundle: AnyBundle, checkpoints: list[bytes], made: Sequence[Delay]) -> Any:
    """The bundle with these checkpoints, the outputs of these delays and their one proof."""
    pairs = zip(made, checkpoints, strict=True)
    segments = tuple(Segment(done.y, checkpoint) for done, checkpoint in pairs)
    return dataclasses.replace(bundle, segments=segments, delays=GROUP.prove_run(made))


def resigned(run: Run, bundle: AnyBundle, device: Ed25519PrivateKey | None = None) -> Any:
    """The bundle signed by the trainer's own device, or another, over what it now says."""
    message = signed_message(
        run.manifest.digest(), len(bundle.segments), bundle.segments[-1].checkpoint, bundle.proofs
    )
    return dataclasses.replace(bundle, signature=(device or run.device).sign(message))


def claim(request: Request, policy: Policy, device: Ed25519PrivateKey, key: bytes) -> Run:
    """True delays, random checkpoints and no proof."""
    manifest = chain.build_manifest(request.encode(), policy)
    checkpoints = [_escapement.random_field_element() for _ in range(SEGMENTS)]
    made = tuple(delays(manifest, checkpoints))
    empty = Bundle(request.encode(), manifest.encode(), (), b"", os.urandom(12000), bytes(64))
    bundle = delayed(empty, checkpoints, made)
    run = Run(policy, bundle, request, device, key, made, ())
    return dataclasses.replace(run, bundle=resigned(run, bundle))


def train(
    parameters: _escapement.Parameters,
    request: Request,
    policy: Policy,
    device: Ed25519PrivateKey,
    key: bytes,
    *,
    start: Callable[[_escapement.Prover], _escapement.Prover] = lambda prover: prover,
    seed: Callable[[int, bytes, bytes], bytes] = lambda index, previous, own: own,
    squarings: int = SQUARINGS,
) -> Run:
    """Train, prove and bundle.

    `start`: makes another prover of the one at z_0; `seed`: what segment index + 1 is trained from, given
    the seeds of the delay before and of its own; `squarings`: the delays that are really computed.
    """
    manifest = chain.build_manifest(request.encode(), policy)
    digest, rows = manifest.digest(), tiny_data()
    prover = start(_escapement.Prover.start(parameters, request.program, key, *rows, policy.nonce, digest))
    head, made, states = chain.start(digest, manifest.genesis), [], [prover.z()]
    for index in range(SEGMENTS):
        made.append(delay(chain.delay_context(digest, index, head.checkpoint, head.seed), squarings))
        y = made[-1].y
        used = seed(index, head.seed, chain.seed(digest, index, head.checkpoint, y))
        for _ in range(FOLDS):
            prover.prove_fold(used)
        states.append(prover.z())
        head = chain.advance(digest, index, head, y, states[-1][1])
    empty = Bundle(request.encode(), manifest.encode(), (), b"", prover.compress(), bytes(64))
    bundle = delayed(empty, [state[1] for state in states[1:]], made)
    run = Run(policy, bundle, request, device, key, tuple(made), tuple(states))
    return dataclasses.replace(run, bundle=resigned(run, bundle))


# The program's numbers in the order of protocol §3; `rate` is c.
PROGRAM = {
    "batch": 2,
    "k": 1,
    "m": FOLDS,
    "max_segments": 4,
    "rows": 9,
    "f_x": 4,
    "f_g": 6,
    "kappa": 3,
    "rate": 1,
}
