"""Verification of segment bundles: every fold's proof on the indices of its seed, the closing (protocol §14).

The native module carries the claims from fold to fold itself; it takes from the bundle proofs of fixed
lengths and the checkpoints, and from the verifier everything else: program, generators, nonce, root, seeds.
"""

from dataclasses import dataclass
from pathlib import Path

from ivc import cache, chain
from ivc.errors import Malformed, Rejected, native_errors, unverifiable
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.program import ProgramInfo
from ivc.request import Request
from ivc.segment_bundle import ProofSizes, SegmentBundle, decode_segment_bundle, max_bundle_bytes


@dataclass(frozen=True)
class SegmentVerifying:
    """`ivc.verifying.Verifying` for programs whose folds are proven by the segment argument."""

    request: Request
    program: ProgramInfo

    def __post_init__(self) -> None:
        if self.request.scheme != SCHEME:
            raise Malformed(
                "unknown-scheme",
                f"request.scheme: {SCHEME!r} expected with arithmetisation segment, got "
                f"{self.request.scheme!r}",
            )

    def max_bundle_bytes(self, policy: Policy) -> int:
        """See `ivc.segment_bundle.max_bundle_bytes`."""
        return max_bundle_bytes(policy, self.program, self._sizes())

    def decode(self, data: bytes, max_bytes: int) -> SegmentBundle:
        """See `ivc.segment_bundle.decode_segment_bundle`."""
        return decode_segment_bundle(data, max_bytes, self.program, self._sizes())

    def key_digest(self, ptau: Path | None) -> bytes:
        """SHA-256 of program and generators; derives these (some µs each) and caches them."""
        return cache.segment_parameters(self.request.program).digest

    def check_proofs(
        self, policy: Policy, manifest: Manifest, bundle: SegmentBundle, ptau: Path | None
    ) -> None:
        """Generators with the policy's digest; the rows' ranges; N·m folds, each on the indices that its seed

        gives, from C_0 over C_1, … to C_N; the closing of what they left open.
        """
        parameters = cache.segment_parameters(self.request.program)
        if parameters.digest != policy.verifying_key:
            raise Rejected(
                "verifying-key-mismatch",
                f"verifying key: the policy states {policy.verifying_key.hex()}, the program's is "
                f"{parameters.digest.hex()}; was the policy made for another program or version?",
            )
        heads = chain.follow(manifest, bundle.segments)[1:]
        with unverifiable("proof"), native_errors("proof"):
            parameters.verify(
                self.request.root,
                manifest.nonce,
                [head.seed for head in heads],
                [head.checkpoint for head in heads],
                bundle.dataset,
                list(bundle.folds),
                bundle.closing,
            )

    def _sizes(self) -> ProofSizes:
        return ProofSizes.of(self.request.program)


SCHEME = "ipa"
