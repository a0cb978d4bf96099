"""ivc.cache: keys are found by digest and program only, checked on load, and made again when damaged."""

import hashlib
from pathlib import Path

import pytest

from ivc import cache
from ivc.errors import Malformed, Rejected, StorageError, UsageError


@pytest.fixture(scope="module")
def derived(program: bytes, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Name and content of the file that deriving the program's key leaves in an empty cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("derived")
        patch.setenv("ESCAPEMENT_CACHE", str(folder))
        key = cache.verifying_key(program, "ipa", None)
        (path,) = files(folder)
        assert path.read_bytes() == key.to_bytes()
        assert cache.key_digest(key) == hashlib.sha256(key.to_bytes()).digest()
        return str(path.relative_to(folder)), path.read_bytes()


@pytest.fixture
def path(derived: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key's file in a cache of the test's own."""
    monkeypatch.setenv("ESCAPEMENT_CACHE", str(tmp_path))
    path = tmp_path / derived[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(derived[1])
    return path


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCAPEMENT_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache.folder() == Path("/a")
    monkeypatch.delenv("ESCAPEMENT_CACHE")
    assert cache.folder() == Path("/b/escapement")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/c")
    assert cache.folder() == Path("/c/.cache/escapement")


def test_a_key_that_is_there_is_used(path: Path, program: bytes, caplog: pytest.LogCaptureFixture) -> None:
    before, digest = path.stat(), hashlib.sha256(path.read_bytes()).digest()
    assert cache.key_digest(cache.verifying_key(program, "ipa", digest)) == digest
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert files(path.parent) == [path]
    assert not caplog.records


def test_a_damaged_key_is_kept_aside_and_made_again(
    path: Path, program: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    cache.verifying_key(program, "ipa", hashlib.sha256(good).digest())
    assert path.read_bytes() == good
    assert path.with_name(path.name + ".damaged").read_bytes() == good[:-1]
    assert "damaged" in caplog.text


def test_another_digest_is_rejected(path: Path, program: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        cache.verifying_key(program, "ipa", bytes(32))
    assert (caught.value.code, caught.value.exit_code) == ("verifying-key-mismatch", 1)
    assert files(path.parent) == [path]


def test_a_cached_key_serves_its_own_program_only(path: Path, other_program: bytes) -> None:
    """Same shapes, other learning rate: a policy that names the wrong key must not find it."""
    with pytest.raises(Rejected) as caught:
        cache.verifying_key(other_program, "ipa", hashlib.sha256(path.read_bytes()).digest())
    assert caught.value.code == "verifying-key-mismatch"


def test_a_folder_that_cannot_be_made_costs_only_time(
    tmp_path: Path, program: bytes, derived: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("ESCAPEMENT_CACHE", str(tmp_path / "file" / "cache"))
    digest = hashlib.sha256(derived[1]).digest()
    assert cache.key_digest(cache.verifying_key(program, "ipa", digest)) == digest
    assert "not cached" in caplog.text


def test_hyperkzg_needs_its_file(program: bytes, tmp_path: Path) -> None:
    def make(ptau: Path | None) -> None:
        cache.verifying_key(program, "hyperkzg", None, ptau)

    def set_up(ptau: Path | None) -> None:
        cache.parameters(program, "hyperkzg", ptau)

    for attempt in (make, set_up):
        with pytest.raises(UsageError) as missing:
            attempt(None)
        assert (missing.value.code, missing.value.exit_code) == ("ptau-missing", 2)
        with pytest.raises(StorageError) as absent:
            attempt(tmp_path / "absent")
        assert (absent.value.code, absent.value.exit_code) == ("ptau-unreadable", 5)


def test_a_program_that_is_none_has_no_key() -> None:
    for make in (
        lambda: cache.verifying_key(b"no program", "ipa", None),
        lambda: cache.parameters(b"", "ipa"),
    ):
        with pytest.raises(Malformed) as caught:
            make()
        assert caught.value.code == "program-invalid"


def test_the_provers_set_up_has_the_same_key(program: bytes, derived: tuple[str, bytes]) -> None:
    assert cache.parameters(program, "ipa").verifying_key_bytes() == derived[1]
