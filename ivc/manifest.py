"""The manifest: request, the policy's parameters and C_0 in one record (protocol §7). M = SHA-256(encoding).

    manifest = [ "escapement/manifest/1", request, nonce, max_segments, T, group, authority_key, C_0 ]

A verifier builds it from request and policy and compares bytes; it never reads a parameter out of one.
"""

import hashlib
from dataclasses import dataclass

from ivc import encoding
from ivc.errors import Malformed
from ivc.request import MAX_REQUEST_BYTES
from vdf import GROUPS


@dataclass(frozen=True)
class Manifest:
    """A well-formed manifest; the constructor raises Malformed for a field outside protocol §7.

    `request`: its bytes; `nonce`: 32 bytes; `squarings`: T per delay; `group`: the delay's group;
    `authority_key`: empty in this version; `genesis`: C_0, a field element.
    """

    request: bytes
    nonce: bytes
    max_segments: int
    squarings: int
    group: str
    authority_key: bytes
    genesis: bytes

    def __post_init__(self) -> None:
        encoding.bounded_octets(self.request, "manifest.request", MAX_REQUEST_BYTES, least=1)
        encoding.octets(self.nonce, "manifest.nonce", 32)
        encoding.unsigned(self.max_segments, "manifest.max_segments", 1, MAX_SEGMENTS)
        encoding.unsigned(self.squarings, "manifest.squarings", 1, MAX_SQUARINGS)
        if encoding.text(self.group, "manifest.group") not in GROUPS:
            raise Malformed(
                "unknown-group", f"manifest.group: one of {GROUPS} expected, got {self.group[:64]!r}"
            )
        encoding.octets(self.authority_key, "manifest.authority_key", 0)
        encoding.field_element(self.genesis, "manifest.genesis")

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encoding.encode(
            [
                FORMAT,
                self.request,
                self.nonce,
                self.max_segments,
                self.squarings,
                self.group,
                self.authority_key,
                self.genesis,
            ]
        )

    def digest(self) -> bytes:
        """M."""
        return hashlib.sha256(self.encode()).digest()

    @staticmethod
    def decode(data: bytes) -> "Manifest":
        """The manifest with exactly these canonical bytes, for trainer and display; raises Malformed."""
        items = encoding.decode(data, "manifest", max_bytes=MAX_MANIFEST_BYTES)
        encoding.array(items, "manifest", 8)
        encoding.literal(items[0], "manifest.format", FORMAT)
        return Manifest(*items[1:])


FORMAT = "escapement/manifest/1"
MAX_SEGMENTS = 1 << 16  # caps what a verifier reads: 65 MiB
MAX_SQUARINGS = 1 << 50
MAX_MANIFEST_BYTES = MAX_REQUEST_BYTES + 512
