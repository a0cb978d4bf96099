"""The bundle of an r1cs-nova run: one file with its public part and its compressed proof (protocol §10).

    bundle = [ "escapement/bundle/2", request, manifest, [[y_0, C_1], …, [y_{N−1}, C_N]],
               delays, proof, signature ]

`delays` is one proof of all y_i. Decoding says only that the bytes have this shape: request and manifest stay
bytes until they are compared with a policy, lengths of y and of `delays` are the group's to check. Size with
rsa-2048: 294 bytes per segment, 256 for the delays, the proof (about 12 KB), request and manifest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ivc import encoding
from ivc.encoding import hash_fields, u64
from ivc.errors import Malformed, StorageError
from ivc.manifest import MAX_MANIFEST_BYTES
from ivc.request import MAX_REQUEST_BYTES
from vdf.files import read_capped


@dataclass(frozen=True)
class Segment:
    """Delay i−1's output, and C_i, which segment i ends in."""

    y: bytes
    checkpoint: bytes


@dataclass(frozen=True)
class Bundle:
    """The parts of a bundle file; `segments` in order, `delays` the proof of all delays, `signature` Ed25519

    by the device key.
    """

    request: bytes
    manifest: bytes
    segments: tuple[Segment, ...]
    delays: bytes
    proof: bytes
    signature: bytes

    @property
    def proofs(self) -> tuple[bytes, ...]:
        """What the signature covers besides the run's ends."""
        return (self.proof,)

    def encode(self) -> bytes:
        """The canonical bytes."""
        segments = [[segment.y, segment.checkpoint] for segment in self.segments]
        return encoding.encode(
            [FORMAT, self.request, self.manifest, segments, self.delays, self.proof, self.signature]
        )


def decode_bundle(data: bytes, max_bytes: int) -> Bundle:
    """The bundle with exactly these canonical bytes, at most `max_bytes` (Policy.max_bundle_bytes).

    Raises Malformed with encoding's codes.
    """
    items = encoding.decode(data, "bundle", max_bytes=max_bytes, max_items=max_bytes // BYTES_PER_ITEM)
    encoding.array(items, "bundle", 7)
    encoding.literal(items[0], "bundle.format", FORMAT)
    segments = encoding.array(items[3], "bundle.segments")
    return Bundle(
        request=encoding.bounded_octets(items[1], "bundle.request", MAX_REQUEST_BYTES, least=1),
        manifest=encoding.bounded_octets(items[2], "bundle.manifest", MAX_MANIFEST_BYTES, least=1),
        segments=tuple(
            decode_segment(segment, f"bundle.segments[{i}]") for i, segment in enumerate(segments)
        ),
        delays=encoding.bounded_octets(items[4], "bundle.delays", max_bytes, least=1),
        proof=encoding.bounded_octets(items[5], "bundle.proof", MAX_PROOF_BYTES, least=1),
        signature=encoding.octets(items[6], "bundle.signature", 64),
    )


def read_bundle(path: Path, max_bytes: int) -> bytes:
    """A bundle file's bytes; never reads more than one byte beyond the cap, which decoding then refuses.

    Raises StorageError `bundle-unreadable`.
    """
    try:
        return read_capped(path, max_bytes)
    except OSError as error:
        raise StorageError("bundle-unreadable", f"bundle {path}: {error.strerror or error}") from error


def leading_request(data: bytes) -> bytes | None:
    """The request of a bundle of either kind, from its first items alone; None if these are not a bundle's.

    Says nothing about the rest: the bundle is decoded as what the request's program makes it.
    """
    try:
        length, (form, request) = encoding.leading(data, "bundle", 2)
        if FORMS.get(encoding.text(form, "bundle.format")) == length:
            return encoding.bounded_octets(request, "bundle.request", MAX_REQUEST_BYTES, least=1)
    except Malformed:
        pass
    return None


def refuse(data: bytes, max_bytes: int) -> NoReturn:
    """Say why these bytes, of which `leading_request` is None, are no bundle; raises Malformed."""
    items = encoding.decode(data, "bundle", max_bytes=max_bytes, max_items=max_bytes // BYTES_PER_ITEM)
    if len(items) not in FORMS.values():
        raise Malformed("wrong-length", f"bundle: 7 or 9 items expected, got {len(items)}")
    form = encoding.text(items[0], "bundle.format")
    if form not in FORMS:
        raise Malformed("unknown-format", f"bundle.format: one of {(*FORMS,)} expected, got {form[:64]!r}")
    encoding.array(items, "bundle", FORMS[form])
    encoding.bounded_octets(items[1], "bundle.request", MAX_REQUEST_BYTES, least=1)
    raise Malformed("not-canonical", "bundle: not the deterministic encoding of what it says")


def signed_message(
    manifest_digest: bytes, segments: int, last_checkpoint: bytes, proof: bytes | Sequence[bytes]
) -> bytes:
    """What the device key signs: SHA-256(tag ‖ M ‖ u64(N) ‖ C_N ‖ SHA-256(proof)).

    Of several proofs their concatenation: M and N fix how many there are and how long each is.
    """
    digest = hashlib.sha256()
    for part in (proof,) if isinstance(proof, bytes) else proof:
        digest.update(part)
    return hash_fields(
        "escapement/v1/bundle", manifest_digest, u64(segments), last_checkpoint, digest.digest()
    )


def decode_segment(value: Any, where: str) -> Segment:
    """One item of the list of segments."""
    y, checkpoint = encoding.array(value, where, 2)
    return Segment(
        y=encoding.bounded_octets(y, f"{where}.y", MAX_OUTPUT_BYTES, least=1),
        checkpoint=encoding.field_element(checkpoint, f"{where}.checkpoint"),
    )


FORMAT = "escapement/bundle/2"
SEGMENT_FORMAT = "escapement/segment-bundle/1"
# Whatever a file's length, its first bytes say which request it is for.
PREFIX_BYTES = MAX_REQUEST_BYTES + 64
# Items of a bundle, by its format.
FORMS = {FORMAT: 7, SEGMENT_FORMAT: 9}
MAX_OUTPUT_BYTES = 256
MAX_PROOF_BYTES = 65536
BYTES_PER_ITEM = 32  # a segment is 3 items and at least 137 bytes: whatever fits the size cap fits this one
