"""A stranger's check of one bundle under one policy: raises, or returns the statement (protocol §10).

Also a command: python -P -m ivc.verify --policy POLICY BUNDLE (-P: no module is taken from the current
folder, which may hold the trainer's files). Exit codes: 0 verified, 1 false or not the
policy's, 2 usage, 4 resources, 5 format or I/O, 130 interrupted. The steps, in order, each before the next
reads anything it decides:

    R → program → size, CBOR → C_0, manifest → N → delays, seeds, log → verifying key → proofs → signature

No size, T, group, key or circuit comes from the bundle. Cost: about 1 s, and 15 s once to derive the key;
with arithmetisation segment, time and size grow with the number of folds.
"""

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ivc import chain
from ivc.bundle import PREFIX_BYTES, leading_request, read_bundle, signed_message
from ivc.errors import IvcError, Malformed, Rejected, Resources
from ivc.manifest import Manifest
from ivc.policy import Policy, load_policy, require_capacity
from ivc.request import Request
from ivc.statement import Statement, make_statement
from ivc.verifying import AnyBundle, verifying_for


def verify(policy: Policy, bundle: bytes, *, ptau: Path | None = None) -> Statement:
    """The statement of a bundle that is valid under the policy; raises otherwise, never returns a bool.

    `ptau`: powers-of-tau file, only for scheme hyperkzg and only while the key is not in the cache. Raises
    Malformed (exit 5) for bytes that are not of their format, Rejected (1) for what is false or not the
    policy's, Resources (4), UsageError (2) if `ptau` is needed and missing.
    """
    kind = verifying_for(policy, bundle)
    request, program = kind.request, kind.program
    claimed = kind.decode(bundle, kind.max_bundle_bytes(policy))
    require_capacity(policy.max_segments, program.max_segments)
    manifest = chain.build_manifest(claimed.request, policy)
    _require_manifest(manifest, claimed.manifest)
    _require_segments(len(claimed.segments), policy)
    chain.check_delays(manifest, claimed.segments, claimed.delays)
    kind.check_proofs(policy, manifest, claimed, ptau)
    _check_signature(request, manifest, claimed)
    return make_statement(policy, request, program, manifest, claimed)


def load_bundle(policy: Policy, path: Path) -> bytes:
    """A bundle file's bytes; never reads more than one byte beyond what the policy's request allows.

    Raises StorageError `bundle-unreadable`, and as `verifying_for` if it begins with another request.
    """
    head = read_bundle(path, PREFIX_BYTES)
    if leading_request(head) is None:
        return read_bundle(path, policy.max_bundle_bytes)  # `verify` says what it is
    return read_bundle(path, verifying_for(policy, head).max_bundle_bytes(policy))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; prints the statement, or the error with its code, and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        policy = load_policy(options.policy)
        statement = verify(policy, load_bundle(policy, options.bundle), ptau=options.ptau)
    except IvcError as error:
        return _fail(options.json, error.code, str(error), error.exit_code)
    except MemoryError:
        return _fail(
            options.json, "out-of-memory", "out of memory; use a machine with more", Resources.exit_code
        )
    except KeyboardInterrupt:
        return _fail(options.json, "interrupted", "interrupted; nothing is verified", INTERRUPTED)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the policy's source line may be any script
    print(json.dumps(statement.to_dict(), indent=2) if options.json else statement.words())
    return 0


def _require_manifest(built: Manifest, claimed: bytes) -> None:
    """Equality of bytes decides; only then are the claimed ones read, to name the difference."""
    if claimed == built.encode():
        return
    try:
        other = Manifest.decode(claimed)
    except Malformed as error:
        difference = str(error)
    else:
        names = (
            name for name in Manifest.__dataclass_fields__ if getattr(other, name) != getattr(built, name)
        )
        difference = ", ".join(
            f"{name}: expected {_show(getattr(built, name))}, got {_show(getattr(other, name))}"
            for name in names
        )
    raise Rejected("manifest-mismatch", f"manifest: not the one of request and policy: {difference}")


def _require_segments(segments: int, policy: Policy) -> None:
    if not 1 <= segments <= policy.max_segments:
        raise Rejected(
            "segment-count",
            f"bundle.segments: 1 to {policy.max_segments} expected by the policy, got {segments}",
        )


def _check_signature(request: Request, manifest: Manifest, bundle: AnyBundle) -> None:
    last = bundle.segments[-1].checkpoint
    message = signed_message(manifest.digest(), len(bundle.segments), last, bundle.proofs)
    try:
        Ed25519PublicKey.from_public_bytes(request.device_key).verify(bundle.signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Rejected("signature-invalid", "bundle.signature: not by the request's device key") from error


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 32 else f"{len(value)} other bytes"
    return repr(value)


def _fail(as_json: bool, code: str, message: str, exit_code: int) -> int:
    if as_json:
        print(json.dumps({"error": {"code": code, "message": message, "exit_code": exit_code}}, indent=2))
    else:
        print(f"NOT VERIFIED: {message} [{code}]", file=sys.stderr)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -P -m ivc.verify", description="Check a bundle under a policy."
    )
    parser.add_argument("--policy", type=Path, required=True, help="your own policy file (TOML)")
    parser.add_argument("--ptau", type=Path, help="powers-of-tau file; only for scheme hyperkzg")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("bundle", type=Path, help="the bundle file")
    return parser


INTERRUPTED = 130

if __name__ == "__main__":
    sys.exit(main())
