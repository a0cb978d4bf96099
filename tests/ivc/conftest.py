"""A tiny run, made honestly once per session: 2 segments of 2 folds of 1 step, delays of 300 squarings."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import _escapement
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import vdf
from ivc import cache, chain
from ivc.bundle import Bundle, Segment, signed_message
from ivc.policy import Policy, new_policy
from ivc.request import Request

SEGMENTS, FOLDS, SQUARINGS = 2, 2, 300


@dataclass(frozen=True)
class Run:
    """An honest run: the verifier's policy, the trainer's bundle, and what only the trainer has."""

    policy: Policy
    bundle: Bundle
    request: Request
    device: Ed25519PrivateKey
    states: tuple[list[bytes], ...]  # z after every segment, z_0 left out


def tiny_program(rate: int = 1, max_segments: int = 4) -> bytes:
    """Two dense layers, 3-4-2; `rate` is the learning rate's c."""
    layers = [["fc1", 3, 4, True, True, 10, 8, 4096], ["fc2", 4, 2, True, False, 8, 0, 4096]]
    head = ["escapement/program/1", "r1cs-nova", 2, 1, FOLDS, max_segments, 9, 4, 6, 3, rate]
    return cbor2.dumps([*head, [3, 5, False], 2, layers], canonical=True)


def tiny_data() -> tuple[bytes, bytes]:
    """Nine rows of three features below 2^5, and labels 0 or 1; int32 little-endian."""
    samples = [(7 * i * i + 3) % 32 for i in range(27)]
    labels = [i % 2 for i in range(9)]
    return tuple(b"".join(v.to_bytes(4, "little") for v in values) for values in (samples, labels))


def tiny_request(device: Ed25519PrivateKey, key: bytes, program: bytes) -> Request:
    """The request of a trainer with this device and blinding key."""
    return Request(
        program=program,
        root=_escapement.dataset_root(program, key, *tiny_data()),
        key_commitment=_escapement.key_commitment(key),
        device_key=device.public_key().public_bytes_raw(),
        scheme="ipa",
        dataset_name="tiny",
        split_seed=1,
        test_rows=0,
        test_digest=hashlib.sha256(b"").digest(),
    )


def tiny_policy(request: bytes, verifying_key_digest: bytes) -> Policy:
    """A policy for two to four segments of the tiny program."""
    return new_policy(
        request,
        max_segments=4,
        squarings=SQUARINGS,
        group="rsa-2048",
        fastest=1000,
        source="a test, 2026",
        verifying_key_digest=verifying_key_digest,
    )


def delays(manifest_digest: bytes, genesis: bytes, checkpoints: list[bytes]) -> list[Segment]:
    """Segments with true delays, whatever the checkpoints are worth."""
    group, head, made = vdf.group("rsa-2048"), chain.start(manifest_digest, genesis), []
    for index, checkpoint in enumerate(checkpoints):
        context = chain.delay_context(manifest_digest, index, head.checkpoint, head.seed)
        done = evaluate(vdf.hash_to_group(group, context))
        made.append(Segment(done.y, vdf.prove(group, done), checkpoint))
        head = chain.advance(manifest_digest, index, head, done.y, checkpoint)
    return made


def evaluate(x: bytes) -> "vdf.Evaluation":
    """One delay of the tests' length, nothing saved."""
    return vdf.evaluate(vdf.group("rsa-2048"), x, SQUARINGS, state=None, progress=None, stop=None)


def sign(device: Ed25519PrivateKey, manifest_digest: bytes, segments: list[Segment], proof: bytes) -> bytes:
    """The device's signature of a bundle."""
    message = signed_message(manifest_digest, len(segments), segments[-1].checkpoint, proof)
    return device.sign(message)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ESCAPEMENT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def claimed() -> Run:
    """A run with true delays, random checkpoints and no proof, for the checks before the proof."""
    device, key, program = Ed25519PrivateKey.generate(), _escapement.random_field_element(), tiny_program()
    request = tiny_request(device, key, program)
    policy = tiny_policy(request.encode(), bytes(32))
    manifest = chain.build_manifest(request.encode(), policy)
    checkpoints = [_escapement.random_field_element() for _ in range(SEGMENTS)]
    segments = delays(manifest.digest(), manifest.genesis, checkpoints)
    proof = os.urandom(12000)
    signature = sign(device, manifest.digest(), segments, proof)
    bundle = Bundle(request.encode(), manifest.encode(), tuple(segments), proof, signature)
    return Run(policy, bundle, request, device, ())


@pytest.fixture(scope="session")
def honest(own_cache: Path) -> Run:
    """A run that verifies; costs a set-up, four folds and a compression."""
    device, key, program = Ed25519PrivateKey.generate(), _escapement.random_field_element(), tiny_program()
    request = tiny_request(device, key, program)
    parameters = cache.parameters(program, "ipa")
    digest = hashlib.sha256(parameters.verifying_key_bytes()).digest()
    policy = tiny_policy(request.encode(), digest)
    manifest = chain.build_manifest(request.encode(), policy)
    digest, group = manifest.digest(), vdf.group("rsa-2048")
    prover = _escapement.Prover.start(parameters, program, key, *tiny_data(), policy.nonce, digest)
    head, segments, states = chain.start(digest, manifest.genesis), [], []
    for index in range(SEGMENTS):
        done = evaluate(
            vdf.hash_to_group(group, chain.delay_context(digest, index, head.checkpoint, head.seed))
        )
        for _ in range(FOLDS):
            prover.prove_fold(chain.seed(digest, index, head.checkpoint, done.y))
        states.append(prover.z())
        segments.append(Segment(done.y, vdf.prove(group, done), states[-1][1]))
        head = chain.advance(digest, index, head, done.y, states[-1][1])
    proof = prover.compress()
    bundle = Bundle(
        request.encode(), manifest.encode(), tuple(segments), proof, sign(device, digest, segments, proof)
    )
    return Run(policy, bundle, request, device, tuple(states))


@pytest.fixture(scope="session")
def program() -> bytes:
    """The tiny program's bytes."""
    return tiny_program()


@pytest.fixture(scope="session")
def other_program() -> bytes:
    """The same shapes with twice the learning rate."""
    return tiny_program(rate=2)
