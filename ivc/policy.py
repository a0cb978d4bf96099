"""The policy: the verifier's own TOML file, made for one request (protocol §7); what a verifier trusts.

It fixes R, the verifying key's digest, the nonce, the most segments, T and group of every delay, and the
fastest rate at which anybody is believed to square, with its source. Unknown and missing keys are errors.
"""

import hashlib
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivc.errors import Malformed, Rejected, StorageError
from ivc.manifest import MAX_SEGMENTS, MAX_SQUARINGS
from ivc.program import program_info
from ivc.request import Request
from vdf import GROUPS, group
from vdf.errors import VdfError
from vdf.files import read_capped


@dataclass(frozen=True)
class Policy:
    """A policy whose fields are all in range; the constructor raises Malformed `policy-*` otherwise.

    `request`, `verifying_key`, `nonce`: 32 bytes each; `squarings`: T per delay;
    `fastest_squarings_per_second`: an absolute rate, of which `fastest_source` says origin and date;
    `authority_key`: "none", licences are not in this version.
    """

    request: bytes
    verifying_key: bytes
    nonce: bytes
    max_segments: int
    squarings: int
    group: str
    fastest_squarings_per_second: int
    fastest_source: str
    authority_key: str = "none"

    def __post_init__(self) -> None:
        for name in ("request", "verifying_key", "nonce"):
            if not isinstance(getattr(self, name), bytes) or len(getattr(self, name)) != 32:
                raise Malformed("policy-value", f"policy.{name}: 32 bytes expected")
        _require_range("max_segments", self.max_segments, MAX_SEGMENTS)
        _require_range("squarings", self.squarings, MAX_SQUARINGS)
        _require_range("fastest_squarings_per_second", self.fastest_squarings_per_second, MAX_RATE)
        if self.group not in GROUPS:
            raise Malformed(
                "policy-value", f"policy.group: one of {GROUPS} expected, got {_shown(self.group)}"
            )
        if self._delays_bytes() > MAX_DELAYS_BYTES:
            raise Malformed(
                "policy-value",
                f"policy.max_segments: proofs of {self.max_segments} delays of {self.squarings} squarings in "
                f"{self.group} would exceed {MAX_DELAYS_BYTES} bytes; allow fewer segments",
            )
        source = self.fastest_source
        if not isinstance(source, str) or not source.strip() or len(source) > 500 or not source.isprintable():
            raise Malformed(
                "policy-source",
                "policy.fastest_source: one printable line of 1 to 500 characters expected; say where the "
                "rate is from, and its date",
            )
        if self.authority_key != "none":
            raise Malformed(
                "policy-authority",
                'policy.authority_key: this version knows no licences and accepts only "none"; a policy with '
                "an authority key needs a newer version",
            )

    @property
    def max_bundle_bytes(self) -> int:
        """The longest bundle file that is read under this policy."""
        return (1 << 20) + 1024 * self.max_segments + self._delays_bytes()

    def _delays_bytes(self) -> int:
        try:
            return group(self.group).run_proof_bytes(self.squarings, self.max_segments)
        except VdfError as error:
            raise Malformed("policy-value", f"policy.squarings: {error}") from error

    def to_toml(self) -> str:
        """The policy file's text; `parse_policy` gives the same policy back."""
        source = self.fastest_source.replace("\\", "\\\\").replace('"', '\\"')
        return _TEMPLATE.format(
            request=self.request.hex(),
            verifying_key=self.verifying_key.hex(),
            nonce=self.nonce.hex(),
            max_segments=self.max_segments,
            squarings=self.squarings,
            group=self.group,
            fastest=self.fastest_squarings_per_second,
            source=source,
            authority_key=self.authority_key,
        )


def load_policy(path: Path) -> Policy:
    """The policy in a file; raises StorageError `policy-unreadable`, or Malformed as `parse_policy`."""
    try:
        data = read_capped(path, MAX_POLICY_BYTES)
    except OSError as error:
        raise StorageError("policy-unreadable", f"policy {path}: {error.strerror or error}") from error
    if len(data) > MAX_POLICY_BYTES:
        raise Malformed("policy-syntax", f"policy {path}: at most {MAX_POLICY_BYTES} bytes expected")
    try:
        return parse_policy(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed("policy-syntax", f"policy {path}: not UTF-8: {error}") from error


def parse_policy(text: str) -> Policy:
    """The policy that the TOML text states.

    Raises Malformed: `policy-syntax`, `policy-version`, `policy-unknown-key`, `policy-missing-key`,
    `policy-value`, `policy-source`, `policy-authority`.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of thousands of digits
        raise Malformed("policy-syntax", f"policy: not TOML: {error}") from error
    version = table.pop("version", None)
    if version != 1 or isinstance(version, bool | float):
        raise Malformed("policy-version", f"policy.version: 1 expected, got {_shown(version)}")
    for name in sorted(table.keys() - _KEYS):
        raise Malformed(
            "policy-unknown-key", f"policy.{name!r:.80}: no such key; known are {', '.join(sorted(_KEYS))}"
        )
    for name in sorted(_KEYS - table.keys()):
        raise Malformed(
            "policy-missing-key", f"policy.{name}: missing; make policies with `escapement policy new`"
        )
    for name in ("request", "verifying_key", "nonce"):
        table[name] = _digest(name, table[name])
    return Policy(**table)


def new_policy(
    request: bytes,
    *,
    max_segments: int,
    squarings: int,
    group: str,
    fastest: int,
    source: str,
    verifying_key_digest: bytes,
) -> Policy:
    """A policy for these request bytes, with a nonce drawn now from the operating system.

    Make one per request: a second nonce for the same request lets the trainer choose between two seeds.
    Raises Malformed if request, program or a parameter is out of range, Rejected `policy-exceeds-program`
    if the program's widths are not sized for `max_segments`.
    """
    require_capacity(max_segments, program_info(Request.decode(request).program).max_segments)
    return Policy(
        request=hashlib.sha256(request).digest(),
        verifying_key=verifying_key_digest,
        nonce=secrets.token_bytes(32),
        max_segments=max_segments,
        squarings=squarings,
        group=group,
        fastest_squarings_per_second=fastest,
        fastest_source=source,
    )


def require_capacity(max_segments: int, capacity: int) -> None:
    """Require that the program's static analysis covers as many segments as the policy allows."""
    if max_segments > capacity:
        raise Rejected(
            "policy-exceeds-program",
            f"policy.max_segments: the program is sized for at most {capacity}, got {max_segments}",
        )


def _require_range(name: str, value: Any, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Malformed(
            "policy-value", f"policy.{name}: integer from 1 to {most} expected, got {_shown(value)}"
        )


def _shown(value: Any) -> str:
    """Short, and never the decimals of a huge integer, which Python refuses to print."""
    if isinstance(value, int) and abs(value) >> 64:
        return hex(value)[:40]
    return repr(value)[:80] if isinstance(value, int | float | str) else type(value).__name__


def _digest(name: str, value: Any) -> bytes:
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise Malformed(
            "policy-value", f"policy.{name}: 64 lower-case hexadecimal digits expected, got {_shown(value)}"
        )
    return bytes.fromhex(value)


MAX_POLICY_BYTES = 1 << 16
MAX_DELAYS_BYTES = 1 << 26  # of a bundle's delay proofs; one element with rsa-2048
MAX_RATE = 10**18  # squarings per second: a bound for sense, far above any machine
_KEYS = frozenset(Policy.__dataclass_fields__)
_TEMPLATE = """\
version = 1
request = "{request}"
verifying_key = "{verifying_key}"
nonce = "{nonce}"
max_segments = {max_segments}
squarings = {squarings}             # per delay
group = "{group}"
fastest_squarings_per_second = {fastest}
fastest_source = "{source}"
authority_key = "{authority_key}"
"""
