"""Verifying keys, a function of the program, kept in the user's cache folder and checked on every load.

verifying-keys/<id>.key, id = SHA-256(tag ‖ SHA-256(program) ‖ SHA-256(scheme) ‖ key digest). So a key is
found only for the program that it was derived from, whatever a policy says, and used only if its SHA-256 is
the digest asked for. A damaged file is renamed to *.damaged and made again. A folder that
cannot be written costs time, nothing else: that is logged. Deriving: 6 to 15 s. Loading: well below 1 s.

generators/ has the generators of the segment argument, one file for all programs; the native module has their
digests and uses nothing else, and the policy's digest covers what was loaded.
"""

import functools
import hashlib
import logging
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import _escapement

from ivc.encoding import hash_fields
from ivc.errors import Rejected, StorageError, UsageError, native_errors
from vdf.files import write_atomic
from vdf.quiet import quiet


def verifying_key(
    program: bytes, scheme: str, digest: bytes | None, ptau: Path | None = None
) -> _escapement.VerifyingKey:
    """The program's verifying key: from the cache if it has one with this digest, else derived.

    `digest`: SHA-256 of the key that the policy states; None, for whoever makes a policy, always derives.
    `ptau`: powers-of-tau file, only to derive for scheme hyperkzg. Raises Rejected
    `verifying-key-mismatch`, UsageError `ptau-missing`, StorageError `ptau-unreadable`, Malformed
    `program-invalid`, Resources.
    """
    found = None if digest is None else _load(_path(program, scheme, digest), scheme, digest)
    if found is not None:
        return found
    powers = _powers(scheme, ptau)
    with native_errors("verifying-key"), _quiet(scheme):
        key = _escapement.VerifyingKey.derive(program, scheme, powers)
        data = key.to_bytes()
    derived = hashlib.sha256(data).digest()
    if digest is not None and derived != digest:
        raise Rejected(
            "verifying-key-mismatch",
            f"verifying key: the policy states {digest.hex()}, the program's is {derived.hex()}; was the "
            "policy made for another program, set-up file or version?",
        )
    _store(_path(program, scheme, derived), data)
    return key


def key_digest(key: _escapement.VerifyingKey) -> bytes:
    """What a policy states of a verifying key: the SHA-256 of its encoding."""
    return hashlib.sha256(key.to_bytes()).digest()


def parameters(program: bytes, scheme: str, ptau: Path | None = None) -> _escapement.Parameters:
    """The prover's set-up (6 to 15 s, some 300 MB); errors as for `verifying_key`."""
    powers = _powers(scheme, ptau)
    with native_errors("parameters"), _quiet(scheme):
        return _escapement.Parameters.setup(program, scheme, powers)


def segment_parameters(program: bytes) -> _escapement.SegmentParameters:
    """Sizes and generators of a segment program (some µs per generator the first time, then cached).

    Raises Malformed `program-invalid`, Resources.
    """
    return _segment_parameters(program, folder())


@functools.lru_cache(maxsize=2)
def _segment_parameters(program: bytes, cache: Path) -> _escapement.SegmentParameters:
    path: Path | None = cache / "generators" / "bn254.points"
    try:
        cache.joinpath("generators").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("the generators are not cached: %s", error)
        path = None
    with native_errors("parameters"):
        parameters = _escapement.SegmentParameters(program, path)
    if parameters.remark:
        _log.warning("%s", parameters.remark)
    return parameters


def folder() -> Path:
    """ESCAPEMENT_CACHE, else escapement/ under XDG_CACHE_HOME, else ~/.cache/escapement."""
    if named := os.environ.get("ESCAPEMENT_CACHE"):
        return Path(named)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "escapement"
    return Path.home() / ".cache" / "escapement"


def _load(path: Path, scheme: str, digest: bytes) -> _escapement.VerifyingKey | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("the cached verifying key is not readable: %s", error)
        return None
    if hashlib.sha256(data).digest() != digest:
        _set_aside(path, "its SHA-256 is not the one that its policy states")
        return None
    try:
        with _quiet(scheme):
            return _escapement.VerifyingKey.from_bytes(scheme, data)
    except _escapement.NativeError as error:
        _set_aside(path, str(error.args[1]))
        return None


def _store(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, data)
    except OSError as error:
        _log.warning("the verifying key is not cached: %s", error)


def _set_aside(path: Path, reason: str) -> None:
    _log.warning("%s is damaged (%s); kept as %s.damaged and made again", path, reason, path.name)
    try:
        os.replace(path, path.with_name(path.name + ".damaged"))
    except OSError as error:
        _log.warning("%s cannot be renamed: %s", path, error)


def _powers(scheme: str, ptau: Path | None) -> Path | None:
    """The powers-of-tau file that the scheme needs; ipa is transparent and uses none."""
    if scheme != "hyperkzg":
        return None
    if ptau is None:
        raise UsageError("ptau-missing", "scheme hyperkzg: name the powers-of-tau file with --ptau")
    if not ptau.exists():
        raise StorageError("ptau-unreadable", f"powers of tau: {ptau} does not exist")
    return ptau


def _quiet(scheme: str) -> AbstractContextManager[None]:
    """halo2curves prints where G2 is in use."""
    return quiet() if scheme == "hyperkzg" else nullcontext()


def _path(program: bytes, scheme: str, digest: bytes) -> Path:
    program_digest, scheme_digest = hashlib.sha256(program).digest(), hashlib.sha256(scheme.encode()).digest()
    name = hash_fields("escapement/v1/cache", program_digest, scheme_digest, digest)
    return folder() / "verifying-keys" / f"{name.hex()}.key"


_log = logging.getLogger(__name__)
