"""Verification of r1cs-nova bundles: one compressed proof from z_0 to z_N (protocol §8, §10)."""

from dataclasses import dataclass
from pathlib import Path

import _escapement

from ivc import cache, chain
from ivc.bundle import Bundle, decode_bundle
from ivc.errors import native_errors, unverifiable
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.program import ProgramInfo
from ivc.request import Request


@dataclass(frozen=True)
class NovaVerifying:
    """`ivc.verifying.Verifying` for programs whose folds are R1CS, folded by Nova."""

    request: Request
    program: ProgramInfo

    def max_bundle_bytes(self, policy: Policy) -> int:
        """The policy's own bound, which has room for this proof."""
        return policy.max_bundle_bytes

    def decode(self, data: bytes, max_bytes: int) -> Bundle:
        """See `ivc.bundle.decode_bundle`."""
        return decode_bundle(data, max_bytes)

    def key_digest(self, ptau: Path | None) -> bytes:
        """SHA-256 of the verifying key, which this derives (6 to 15 s) and caches."""
        key = cache.verifying_key(self.request.program, self.request.scheme, None, ptau)
        return cache.key_digest(key)

    def check_proofs(self, policy: Policy, manifest: Manifest, bundle: Bundle, ptau: Path | None) -> None:
        """The key with the policy's digest, then the proof for N·m folds between the states at both ends."""
        head = chain.follow(manifest, bundle.segments)[-1]
        key = cache.verifying_key(self.request.program, self.request.scheme, policy.verifying_key, ptau)
        start = chain.initial_state(manifest, self.request)
        end = chain.final_state(head, self.request)
        check_proof(key, len(bundle.segments) * self.program.folds_per_segment, start, end, bundle.proof)


def check_proof(
    key: _escapement.VerifyingKey, folds: int, start: list[bytes], end: list[bytes], proof: bytes
) -> None:
    """Only a normal return is acceptance; whatever else the native module does is a rejection."""
    with unverifiable("proof"), native_errors("proof"):
        key.verify(folds, start, end, proof)
