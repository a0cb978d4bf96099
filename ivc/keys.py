"""The trainer's two secrets, as files of mode 0600: blinding key (field element) and Ed25519 device key.

Backup of the blinding key under a passphrase, one deterministic CBOR array:

    [ "escapement/key-backup/1", log2_n, r, p, salt, nonce, box ] box = ChaCha20-Poly1305(scrypt(passphrase,
    salt, 2^log2_n, r, p), nonce, key; associated data: the items before box)

Cost: 128·2^log2_n·r bytes of memory, 128 MiB and half a second as written here.
"""

import os
from pathlib import Path

import _escapement
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ivc import encoding
from ivc.errors import Malformed, Rejected, Resources, StorageError, UsageError
from ivc.storage import save


def new_blinding_key() -> bytes:
    """A uniform field element from the operating system, 32 bytes."""
    return _escapement.random_field_element()


def save_blinding_key(path: Path, key: bytes) -> None:
    """Write the key, readable by its owner only; raises Malformed for bytes that are no field element."""
    save(path, f"{KEY_FORMAT}\n{encoding.field_element(key, 'blinding key').hex()}\n".encode(), mode=0o600)


def load_blinding_key(path: Path) -> bytes:
    """The key in the file; raises StorageError `key-missing`, `key-exposed`, Malformed `key-damaged`."""
    text = _read_secret(path, "restore it from its backup; without it the run cannot continue").decode(
        "latin-1"
    )
    name, _, rest = text.partition("\n")
    if name != KEY_FORMAT:
        raise Malformed(
            "key-damaged", f"{path}: first line {KEY_FORMAT!r} expected; restore the key from its backup"
        )
    try:
        return encoding.field_element(bytes.fromhex(rest), str(path))
    except (ValueError, Malformed) as error:
        raise Malformed("key-damaged", f"{path}: {error}; restore the key from its backup") from error


def save_device_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write the key as unencrypted PKCS#8 PEM, readable by its owner only."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    save(path, pem, mode=0o600)


def load_device_key(path: Path) -> Ed25519PrivateKey:
    """The key in the file; raises StorageError `key-missing`, `key-exposed`, Malformed `key-damaged`."""
    pem = _read_secret(path, "without it no bundle of this run can be signed")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise Malformed("key-damaged", f"{path}: not a PKCS#8 PEM key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed("key-damaged", f"{path}: an Ed25519 key expected, got {type(key).__name__}")
    return key


def back_up(key: bytes, passphrase: str) -> bytes:
    """The key under a passphrase of at least MIN_PASSPHRASE characters (UsageError `passphrase-short`)."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise UsageError("passphrase-short", f"passphrase: at least {MIN_PASSPHRASE} characters expected")
    salt, nonce = os.urandom(16), os.urandom(12)
    head = [BACKUP_FORMAT, LOG2_N, SCRYPT_R, SCRYPT_P, salt, nonce]
    cipher = _cipher(passphrase, LOG2_N, SCRYPT_R, SCRYPT_P, salt)
    box = cipher.encrypt(nonce, encoding.field_element(key, "key"), encoding.encode(head))
    return encoding.encode([*head, box])


def recover(data: bytes, passphrase: str) -> bytes:
    """The key in a backup; raises Malformed for other bytes, Rejected `wrong-passphrase`."""
    items = encoding.array(encoding.decode(data, "backup", max_bytes=MAX_BACKUP_BYTES), "backup", 7)
    encoding.literal(items[0], "backup.format", BACKUP_FORMAT)
    log2_n = encoding.unsigned(items[1], "backup.log2_n", 10, MAX_LOG2_N)
    r = encoding.unsigned(items[2], "backup.r", 8, 16)
    p = encoding.unsigned(items[3], "backup.p", 1, 4)
    salt, nonce = encoding.octets(items[4], "backup.salt", 16), encoding.octets(items[5], "backup.nonce", 12)
    box = encoding.octets(items[6], "backup.box", 48)
    cipher = _cipher(passphrase, log2_n, r, p, salt)
    try:
        key = cipher.decrypt(nonce, box, encoding.encode(items[:6]))
    except InvalidTag as error:
        raise Rejected("wrong-passphrase", "backup: wrong passphrase, or the file is damaged") from error
    return encoding.field_element(key, "backup.key")


def _cipher(passphrase: str, log2_n: int, r: int, p: int, salt: bytes) -> ChaCha20Poly1305:
    try:
        return ChaCha20Poly1305(
            Scrypt(salt=salt, length=32, n=1 << log2_n, r=r, p=p).derive(passphrase.encode())
        )
    except MemoryError as error:
        raise Resources("out-of-memory", f"scrypt: {128 * r << log2_n} bytes of memory needed") from error


def _read_secret(path: Path, remedy: str) -> bytes:
    try:
        mode, data = path.stat().st_mode & 0o777, path.read_bytes()
    except FileNotFoundError as error:
        raise StorageError("key-missing", f"{path}: no such file; {remedy}") from error
    except OSError as error:
        raise StorageError("key-missing", f"{path}: {error.strerror or error}; {remedy}") from error
    if mode & 0o077:
        raise StorageError("key-exposed", f"{path}: mode {mode:o}, others can read it: chmod 600 {path}")
    return data


KEY_FORMAT = "escapement/blinding-key/1"
BACKUP_FORMAT = "escapement/key-backup/1"
# Security: a guess at the passphrase costs 128 MiB and half a second (RFC 7914; OWASP 2024: 2^17, 8, 1).
LOG2_N, SCRYPT_R, SCRYPT_P = 17, 8, 1
# A backup may state a higher cost, up to 2 GiB at r = 16.
MAX_LOG2_N = 20
MAX_BACKUP_BYTES = 512
MIN_PASSPHRASE = 8
