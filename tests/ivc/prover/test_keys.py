"""Keys: files of mode 0600, and a backup that only its passphrase opens."""

import os
import stat
from pathlib import Path

import _escapement
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc import encoding, keys
from ivc.errors import IvcError, Malformed, Rejected, StorageError, UsageError

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def key() -> bytes:
    return keys.new_blinding_key()


@pytest.fixture(scope="module")
def backup(key: bytes) -> bytes:
    return keys.back_up(key, PASSPHRASE)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_blinding_key_comes_back_and_is_its_owners(tmp_path: Path, key: bytes) -> None:
    keys.save_blinding_key(tmp_path / "blinding.key", key)
    assert keys.load_blinding_key(tmp_path / "blinding.key") == key
    assert mode(tmp_path / "blinding.key") == 0o600


def test_new_keys_are_canonical_and_differ() -> None:
    made = {keys.new_blinding_key() for _ in range(8)}
    assert len(made) == 8
    assert all(int.from_bytes(key, "little") < encoding.FIELD_ORDER for key in made)
    assert all(len(_escapement.key_commitment(key)) == 32 for key in made)


def test_the_device_key_comes_back_and_is_its_owners(tmp_path: Path) -> None:
    made = Ed25519PrivateKey.generate()
    keys.save_device_key(tmp_path / "device.key", made)
    assert keys.load_device_key(tmp_path / "device.key").private_bytes_raw() == made.private_bytes_raw()
    assert mode(tmp_path / "device.key") == 0o600


@pytest.mark.parametrize("load", [keys.load_blinding_key, keys.load_device_key])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, load) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(b"")
    path.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600") as caught:
        load(path)
    assert caught.value.code == "key-exposed"


@pytest.mark.parametrize("load", [keys.load_blinding_key, keys.load_device_key])
def test_a_missing_key_is_named(tmp_path: Path, load) -> None:
    with pytest.raises(StorageError, match=r"a\.key") as caught:
        load(tmp_path / "a.key")
    assert caught.value.code == "key-missing"


@pytest.mark.parametrize(
    "text",
    ["", "00", f"{keys.KEY_FORMAT}\nzz\n", f"{keys.KEY_FORMAT}\n00\n", f"{keys.KEY_FORMAT}\n{'ff' * 32}\n"],
)
def test_a_damaged_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "blinding.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Malformed) as caught:
        keys.load_blinding_key(path)
    assert caught.value.code == "key-damaged"


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "device.key"
    path.write_bytes(pem)
    path.chmod(0o600)
    with pytest.raises(Malformed, match="Ed25519") as caught:
        keys.load_device_key(path)
    assert caught.value.code == "key-damaged"


def test_a_backup_opens_with_its_passphrase_only(key: bytes, backup: bytes) -> None:
    assert keys.recover(backup, PASSPHRASE) == key
    with pytest.raises(Rejected) as caught:
        keys.recover(backup, PASSPHRASE + " ")
    assert (caught.value.code, caught.value.exit_code) == ("wrong-passphrase", 1)


def test_a_backup_does_not_show_the_key(key: bytes, backup: bytes) -> None:
    assert key not in backup
    assert key.hex().encode() not in backup


def test_a_passphrase_has_a_least_length(key: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        keys.back_up(key, "1234567")
    assert (caught.value.code, caught.value.exit_code) == ("passphrase-short", 2)


def test_what_is_no_key_is_not_backed_up() -> None:
    with pytest.raises(Malformed):
        keys.back_up(b"\xff" * 32, PASSPHRASE)


def altered(backup: bytes, index: int, value: object) -> bytes:
    items = encoding.decode(backup, "backup", max_bytes=1000)
    items[index] = value
    return encoding.encode(items)


@pytest.mark.parametrize(
    ("index", "value", "code"),
    [
        (0, "escapement/key-backup/2", "unknown-format"),
        (1, 9, "out-of-range"),
        (1, 40, "out-of-range"),
        (2, 1 << 40, "out-of-range"),
        (3, 100, "out-of-range"),
        (4, b"short", "wrong-length"),
        (5, bytes(13), "wrong-length"),
        (6, bytes(47), "wrong-length"),
        (1, 16, "wrong-passphrase"),
        (3, 2, "wrong-passphrase"),
        (4, bytes(16), "wrong-passphrase"),
        (5, bytes(12), "wrong-passphrase"),
        (6, bytes(48), "wrong-passphrase"),
    ],
)
def test_every_altered_part_of_a_backup_is_refused(
    backup: bytes, index: int, value: object, code: str
) -> None:
    with pytest.raises(IvcError) as caught:
        keys.recover(altered(backup, index, value), PASSPHRASE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: os.urandom(100)]
)
def test_other_bytes_are_no_backup(backup: bytes, change) -> None:
    with pytest.raises(Malformed):
        keys.recover(change(backup), PASSPHRASE)
