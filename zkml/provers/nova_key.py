"""Nova verifying keys, derived from the program and kept in the verifier's own folder.

    step-keys/<id>.key = SHA-256(key) ‖ key      id = SHA-256(tag ‖ SHA-256(program) ‖ SHA-256(scheme) ‖ srs)

srs: SHA-256 of the powers-of-tau file, or 32 zero bytes. The digest finds damage, not malice: whoever writes
to this folder may as well replace the verifier. A folder that cannot be written costs time and a warning.
"""

import hashlib
import logging
from pathlib import Path

import _escapement

from vdf.encoding import tag
from vdf.files import write_atomic
from zkml.provers.native import file_digest


def log2_powers(program: bytes) -> int:
    """log2 of the powers of tau that the program's keys take with scheme hyperkzg. Raises NativeError."""
    size = _escapement.constraints(program)
    recursion = size["primary"] - size["step_circuit"]
    rows = int(max(size["step_circuit"], size["variables"]) + recursion)
    return (rows - 1).bit_length()


def verifying_key(program: bytes, scheme: str, folder: Path, srs: Path | None) -> _escapement.VerifyingKey:
    """The key, loaded if an undamaged one is there, else derived. Raises NativeError."""
    parts = (hashlib.sha256(program).digest(), hashlib.sha256(scheme.encode()).digest(), file_digest(srs))
    name = hashlib.sha256(tag("escapement/v1/steps/key") + b"".join(parts)).hexdigest()
    path = folder / "step-keys" / f"{name}.key"
    found = _load(path, scheme)
    if found is not None:
        return found
    key = _escapement.VerifyingKey.derive(program, scheme, srs)
    data = key.to_bytes()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, hashlib.sha256(data).digest() + data)
    except OSError as error:
        LOGGER.warning("the verifying key is not kept: %s", error)
    return key


def _load(path: Path, scheme: str) -> _escapement.VerifyingKey | None:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data[32:]).digest() == data[:32]:
            return _escapement.VerifyingKey.from_bytes(scheme, data[32:])
    except FileNotFoundError:
        return None
    except OSError as error:
        LOGGER.warning("the verifying key is not readable: %s", error)
        return None
    except _escapement.NativeError as error:
        LOGGER.warning("%s: %s", path, error.args[1])
    LOGGER.warning("%s is damaged; it is made again", path)
    return None


LOGGER = logging.getLogger(__name__)
