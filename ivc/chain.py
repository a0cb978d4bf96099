"""The chain of checkpoints, delays and seeds (protocol §8), and the two ends of the proof that it fixes.

    d_i = SHA-256("escapement/v1/delay" ‖ M ‖ u64(i) ‖ C_i ‖ s_{i−1} ‖ licence)      s_{−1} = licence = 0³²
    s_i = SHA-256("escapement/v1/seed"  ‖ M ‖ u64(i) ‖ C_i ‖ y_i)
    log_0 = H(LOG_START; M)         log_{i+1} = H(LOG; log_i, C_i, fr(s_i))
    z_0 = (log_0, C_0, 0, 0, root, K)         z_N = (log_N, C_N, fr(s_{N−1}), 0, root, K)

Trainer and verifier compute all of it with these functions.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import _escapement

import vdf
from ivc.bundle import Segment
from ivc.commitments import genesis_commitment
from ivc.encoding import hash_fields, u64
from ivc.errors import Rejected, delay_errors, native_errors
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.request import Request


@dataclass(frozen=True)
class Head:
    """Where a chain stands after some segments: last checkpoint, last seed, log."""

    checkpoint: bytes
    seed: bytes
    log: bytes


def build_manifest(request: bytes, policy: Policy) -> Manifest:
    """The one manifest of a request under a policy; C_0 is computed from the program and the nonce.

    Raises Rejected `request-mismatch` before reading a request that is not the policy's, and Malformed.
    """
    require_request(request, policy)
    return Manifest(
        request=request,
        nonce=policy.nonce,
        max_segments=policy.max_segments,
        squarings=policy.squarings,
        group=policy.group,
        authority_key=b"",
        genesis=genesis_commitment(Request.decode(request).program, policy.nonce),
    )


def require_request(request: bytes, policy: Policy) -> None:
    """Require SHA-256(request) = R; hashes only."""
    got = hashlib.sha256(request).digest()
    if got != policy.request:
        raise Rejected(
            "request-mismatch",
            f"request: the policy is for {policy.request.hex()}, got {got.hex()}; each needs its own policy",
        )


def delay_context(manifest_digest: bytes, index: int, checkpoint: bytes, previous_seed: bytes) -> bytes:
    """d_i, of which delay i's input is the hash to the group; `previous_seed` is NO_SEED for i = 0."""
    return hash_fields(
        "escapement/v1/delay", manifest_digest, u64(index), checkpoint, previous_seed, NO_LICENCE
    )


def seed(manifest_digest: bytes, index: int, checkpoint: bytes, y: bytes) -> bytes:
    """s_i, which selects the batches of segment i+1; `y` is delay i's output; M fixes its length."""
    return hash_fields("escapement/v1/seed", manifest_digest, u64(index), checkpoint, y)


def start(manifest_digest: bytes, genesis: bytes) -> Head:
    """The chain before its first delay."""
    with native_errors("log"):
        return Head(genesis, NO_SEED, _escapement.log_start(manifest_digest))


def advance(manifest_digest: bytes, index: int, head: Head, y: bytes, checkpoint: bytes) -> Head:
    """The chain after delay `index` with output `y` and the segment that ends in `checkpoint`."""
    own_seed = seed(manifest_digest, index, head.checkpoint, y)
    with native_errors("log"):
        log = _escapement.log_absorb(head.log, head.checkpoint, own_seed)
    return Head(checkpoint, own_seed, log)


def follow(manifest: Manifest, segments: Sequence[Segment]) -> list[Head]:
    """The chain before its first delay and after every segment, by the claimed outputs and checkpoints."""
    digest = manifest.digest()
    heads = [start(digest, manifest.genesis)]
    for index, segment in enumerate(segments):
        heads.append(advance(digest, index, heads[-1], segment.y, segment.checkpoint))
    return heads


def check_delays(manifest: Manifest, segments: Sequence[Segment], delays: bytes) -> Head:
    """Check the one proof of all delays, with the manifest's group and T; the head after the last segment.

    Every x comes from the outputs before it, so a false y can only make the proof fail. Raises the delay's
    own code, Malformed, Rejected or Resources.
    """
    digest, group = manifest.digest(), vdf.group(manifest.group)
    heads = follow(manifest, segments)
    contexts = (
        delay_context(digest, index, head.checkpoint, head.seed) for index, head in enumerate(heads[:-1])
    )
    inputs = [group.input(context, manifest.squarings) for context in contexts]
    with delay_errors("delays"):
        group.verify_run(inputs, [segment.y for segment in segments], delays, manifest.squarings)
    return heads[-1]


def initial_state(manifest: Manifest, request: Request) -> list[bytes]:
    """z_0: six field elements of 32 bytes."""
    head = start(manifest.digest(), manifest.genesis)
    return [head.log, head.checkpoint, ZERO, ZERO, request.root, request.key_commitment]


def final_state(head: Head, request: Request) -> list[bytes]:
    """z_N of a chain whose last segment is complete: six field elements of 32 bytes."""
    with native_errors("seed"):
        last_seed = _escapement.seed_field(head.seed)
    return [head.log, head.checkpoint, last_seed, ZERO, request.root, request.key_commitment]


NO_SEED = bytes(32)
NO_LICENCE = bytes(32)
ZERO = bytes(32)
