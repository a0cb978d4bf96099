"""The request: what the trainer commits to before the nonce exists (protocol §7). R = SHA-256(encoding).

    request = [ "escapement/request/1", program, root, K, device_key, scheme,
                [dataset_name, split_seed, test_rows, test_digest] ]

Of the dataset only `root` is proven against; name, split and test digest are the trainer's claims.
"""

import hashlib
import re
from dataclasses import dataclass

from ivc import encoding
from ivc.errors import Malformed


@dataclass(frozen=True)
class Request:
    """A well-formed request; the constructor raises Malformed for a field outside protocol §7.

    `program`: its canonical bytes, not parsed here; `root` (Merkle root over the training rows) and
    `key_commitment` (K): field elements, 32 bytes; `device_key`: Ed25519 public key; `scheme`: ipa or
    hyperkzg; `test_digest`: SHA-256 of the test rows.
    """

    program: bytes
    root: bytes
    key_commitment: bytes
    device_key: bytes
    scheme: str
    dataset_name: str
    split_seed: int
    test_rows: int
    test_digest: bytes

    def __post_init__(self) -> None:
        encoding.bounded_octets(self.program, "request.program", MAX_PROGRAM_BYTES, least=1)
        encoding.field_element(self.root, "request.root")
        encoding.field_element(self.key_commitment, "request.key_commitment")
        encoding.octets(self.device_key, "request.device_key", 32)
        if encoding.text(self.scheme, "request.scheme") not in SCHEMES:
            raise Malformed(
                "unknown-scheme", f"request.scheme: one of {SCHEMES} expected, got {self.scheme[:64]!r}"
            )
        if not _NAME.fullmatch(encoding.text(self.dataset_name, "request.dataset_name")):
            raise Malformed(
                "bad-name",
                f"request.dataset_name: 1 to 64 of [A-Za-z0-9_./-] expected, got {self.dataset_name[:80]!r}",
            )
        encoding.unsigned(self.split_seed, "request.split_seed")
        encoding.unsigned(self.test_rows, "request.test_rows")
        encoding.octets(self.test_digest, "request.test_digest", 32)

    def encode(self) -> bytes:
        """The canonical bytes."""
        dataset = [self.dataset_name, self.split_seed, self.test_rows, self.test_digest]
        return encoding.encode(
            [FORMAT, self.program, self.root, self.key_commitment, self.device_key, self.scheme, dataset]
        )

    def digest(self) -> bytes:
        """R."""
        return hashlib.sha256(self.encode()).digest()

    @staticmethod
    def decode(data: bytes) -> "Request":
        """The request with exactly these canonical bytes; raises Malformed."""
        items = encoding.decode(data, "request", max_bytes=MAX_REQUEST_BYTES)
        encoding.array(items, "request", 7)
        encoding.literal(items[0], "request.format", FORMAT)
        return Request(*items[1:6], *encoding.array(items[6], "request.dataset", 4))


FORMAT = "escapement/request/1"
SCHEMES = ("ipa", "hyperkzg")
MAX_PROGRAM_BYTES = 16384  # the circuits' own limit: 64 layers of at most ~130 bytes fit
MAX_REQUEST_BYTES = MAX_PROGRAM_BYTES + 512
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,64}")
