"""The bundle: one file with a run's public part and its compressed proof (protocol §10).

    bundle = [ "escapement/bundle/2", request, manifest, [[y_0, C_1], …, [y_{N−1}, C_N]],
               delays, proof, signature ]

`delays` is one proof of all y_i. Decoding says only that the bytes have this shape: request and manifest stay
bytes until they are compared with a policy, lengths of y and of `delays` are the group's to check. Size with
rsa-2048: 294 bytes per segment, 256 for the delays, the proof (about 12 KB), request and manifest.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivc import encoding
from ivc.encoding import hash_fields, u64
from ivc.errors import StorageError
from ivc.files import read_capped
from ivc.manifest import MAX_MANIFEST_BYTES
from ivc.request import MAX_REQUEST_BYTES


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
        segments=tuple(_segment(segment, f"bundle.segments[{i}]") for i, segment in enumerate(segments)),
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


def signed_message(manifest_digest: bytes, segments: int, last_checkpoint: bytes, proof: bytes) -> bytes:
    """What the device key signs: SHA-256(tag ‖ M ‖ u64(N) ‖ C_N ‖ SHA-256(proof))."""
    proof_digest = hashlib.sha256(proof).digest()
    return hash_fields("escapement/v1/bundle", manifest_digest, u64(segments), last_checkpoint, proof_digest)


def _segment(value: Any, where: str) -> Segment:
    y, checkpoint = encoding.array(value, where, 2)
    return Segment(
        y=encoding.bounded_octets(y, f"{where}.y", MAX_OUTPUT_BYTES, least=1),
        checkpoint=encoding.field_element(checkpoint, f"{where}.checkpoint"),
    )


FORMAT = "escapement/bundle/2"
MAX_OUTPUT_BYTES = 256
MAX_PROOF_BYTES = 65536
BYTES_PER_ITEM = 32  # a segment is 3 items and at least 137 bytes: whatever fits the size cap fits this one
