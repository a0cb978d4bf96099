"""The bundle of a segment run: its public part, one proof per fold, and two more (protocol §14).

    bundle = [ "escapement/segment-bundle/1", request, manifest, [[y_0, C_1], …, [y_{N−1}, C_N]],
               delays, dataset, [fold_1, …, fold_{N·m}], closing, signature ]

Every proof has exactly the length that the program fixes, so the total is bounded before anything is decoded:

    total ≤ 2^20 + 1024·max_segments + delays + dataset + closing + max_segments·m·(fold + 5)
"""

import dataclasses
from dataclasses import dataclass

import _escapement

from ivc import encoding
from ivc.bundle import FORMS, SEGMENT_FORMAT, Segment, decode_segment
from ivc.errors import Rejected, native_errors
from ivc.manifest import MAX_MANIFEST_BYTES
from ivc.policy import Policy
from ivc.program import ProgramInfo
from ivc.request import MAX_REQUEST_BYTES


@dataclass(frozen=True)
class SegmentBundle:
    """The parts of a bundle file; as in `ivc.bundle.Bundle`, with three kinds of proofs instead of one.

    `dataset`: of the committed rows' ranges; `folds`: of every fold, in order; `closing`: of all claims that
    the others left open.
    """

    request: bytes
    manifest: bytes
    segments: tuple[Segment, ...]
    delays: bytes
    dataset: bytes
    folds: tuple[bytes, ...]
    closing: bytes
    signature: bytes

    @property
    def proofs(self) -> tuple[bytes, ...]:
        """What the signature covers besides the run's ends: every proof, in the order of the file."""
        return (self.dataset, *self.folds, self.closing)

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encoding.encode(
            [
                SEGMENT_FORMAT,
                self.request,
                self.manifest,
                [[segment.y, segment.checkpoint] for segment in self.segments],
                self.delays,
                self.dataset,
                list(self.folds),
                self.closing,
                self.signature,
            ]
        )


@dataclass(frozen=True)
class ProofSizes:
    """Bytes of each proof of a program: of the rows, of one fold, of the end."""

    dataset: int
    fold: int
    closing: int

    @staticmethod
    def of(program: bytes) -> "ProofSizes":
        """By counting alone; raises Malformed `program-invalid`."""
        with native_errors("program"):
            sizes = _escapement.segment_proof_sizes(program)
        return ProofSizes(*(sizes[f"{field.name}_bytes"] for field in dataclasses.fields(ProofSizes)))


def max_bundle_bytes(policy: Policy, program: ProgramInfo, sizes: ProofSizes) -> int:
    """The longest bundle file that is read under this policy.

    Raises Rejected `policy-exceeds-bundle` if that is more than MAX_BYTES.
    """
    folds = policy.max_segments * program.folds_per_segment
    most = policy.max_bundle_bytes + sizes.dataset + sizes.closing + folds * (sizes.fold + HEAD_BYTES)
    if most > MAX_BYTES:
        fitting = policy.max_segments * MAX_BYTES // most
        raise Rejected(
            "policy-exceeds-bundle",
            f"policy.max_segments: the proofs of {policy.max_segments} segments take {most} bytes, at most "
            f"{MAX_BYTES} are read; about {fitting} segments fit",
        )
    return most


def decode_segment_bundle(
    data: bytes, max_bytes: int, program: ProgramInfo, sizes: ProofSizes
) -> SegmentBundle:
    """The bundle of this program with exactly these canonical bytes; raises Malformed."""
    items = encoding.decode(data, "bundle", max_bytes=max_bytes, max_items=max_bytes // BYTES_PER_ITEM)
    encoding.array(items, "bundle", FORMS[SEGMENT_FORMAT])
    encoding.literal(items[0], "bundle.format", SEGMENT_FORMAT)
    segments = encoding.array(items[3], "bundle.segments")
    folds = encoding.array(items[6], "bundle.folds", len(segments) * program.folds_per_segment)
    return SegmentBundle(
        request=encoding.bounded_octets(items[1], "bundle.request", MAX_REQUEST_BYTES, least=1),
        manifest=encoding.bounded_octets(items[2], "bundle.manifest", MAX_MANIFEST_BYTES, least=1),
        segments=tuple(decode_segment(item, f"bundle.segments[{i}]") for i, item in enumerate(segments)),
        delays=encoding.bounded_octets(items[4], "bundle.delays", max_bytes, least=1),
        dataset=encoding.octets(items[5], "bundle.dataset", sizes.dataset),
        folds=tuple(encoding.octets(fold, f"bundle.folds[{i}]", sizes.fold) for i, fold in enumerate(folds)),
        closing=encoding.octets(items[7], "bundle.closing", sizes.closing),
        signature=encoding.octets(items[8], "bundle.signature", 64),
    )


HEAD_BYTES = 5  # of a byte string below 2^32 bytes
BYTES_PER_ITEM = 32  # as in ivc.bundle; a fold proof is one item of some kilobytes
MAX_BYTES = 1 << 30  # knob: a verifier decodes it all, in about three times as much memory
