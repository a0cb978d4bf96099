"""What the two arithmetisations do differently in a verification, behind one interface.

| step (protocol §10)       | r1cs-nova                    | segment (§14)                           |
|---|---|---|
| size and form of a bundle | one proof, at most 64 KiB    | a proof per fold and two more           |
| the policy's key          | SHA-256 of the verifying key | SHA-256 of program and generators       |
| from seeds to checkpoints | one proof from z_0 to z_N    | each fold on its seed's batches, closing |

Which one applies is said by the program of the request that the policy names, by nothing else: not by the
bundle, whose format only has to be the one that follows, and not by an option.
"""

from pathlib import Path
from typing import Any, Protocol, TypeVar

from ivc.bundle import Bundle, leading_request, refuse
from ivc.chain import require_request
from ivc.manifest import Manifest
from ivc.nova_verifying import NovaVerifying
from ivc.policy import Policy
from ivc.program import NOVA, SEGMENT, ProgramInfo, program_info
from ivc.request import Request
from ivc.segment_bundle import SegmentBundle
from ivc.segment_verifying import SegmentVerifying

AnyBundle = Bundle | SegmentBundle
B = TypeVar("B", Bundle, SegmentBundle)


class Verifying(Protocol[B]):
    """One request's verification, as far as its program's arithmetisation decides it."""

    @property
    def request(self) -> Request:
        """The request, decoded."""
        ...

    @property
    def program(self) -> ProgramInfo:
        """Its program."""
        ...

    def max_bundle_bytes(self, policy: Policy) -> int:
        """The longest bundle file that is read under the policy; raises Rejected `policy-exceeds-bundle`."""
        ...

    def decode(self, data: bytes, max_bytes: int) -> B:
        """The bundle with exactly these canonical bytes; raises Malformed."""
        ...

    def key_digest(self, ptau: Path | None) -> bytes:
        """What a policy states as its verifying key, derived from the program alone."""
        ...

    def check_proofs(self, policy: Policy, manifest: Manifest, bundle: B, ptau: Path | None) -> None:
        """Require that the policy's key is the program's, and that the proofs lead from C_0 to C_N.

        The delays, and so the seeds, are checked before. Raises Rejected, Malformed, Resources, UsageError.
        """
        ...


def verifying(request: bytes) -> Verifying[Any]:
    """The verification of a request; raises Malformed if it or its program is none."""
    decoded = Request.decode(request)
    program = program_info(decoded.program)
    return KINDS[program.arithmetisation](decoded, program)


def verifying_for(policy: Policy, data: bytes) -> Verifying[Any]:
    """The verification of the policy's request, which a bundle's first bytes must be.

    Raises Rejected `request-mismatch`; Malformed for what does not begin like a bundle.
    """
    request = leading_request(data)
    if request is None:
        refuse(data, policy.max_bundle_bytes)
    require_request(request, policy)
    return verifying(request)


def claimed(data: bytes, max_bytes: int) -> tuple[Verifying[Any], AnyBundle]:
    """A bundle as the request that it brings says to read it: for display, where there is no policy.

    Raises Malformed.
    """
    request = leading_request(data)
    if request is None:
        refuse(data, max_bytes)
    kind = verifying(request)
    return kind, kind.decode(data, max_bytes)


KINDS: dict[str, type[NovaVerifying] | type[SegmentVerifying]] = {
    NOVA: NovaVerifying,
    SEGMENT: SegmentVerifying,
}
