"""Files of reference strings: sizes and sections, what cannot be read, and results that are remembered."""

import logging
import os
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.zkml.srs.insecure import (
    encoded,
    g1,
    g2,
    ptau_file,
    write,
)
from tests.zkml.srs.small import (
    G1_AT,
    G2_AT,
    parameters,
    refusal,
    spoiled,
    whole,
)
from zkml import srs
from zkml.errors import ProverMissing, SrsError, SrsTooSmall, SrsUnreadable

# --- files -------------------------------------------------------------------------------------------------

SECTIONS = list(whole().sections().items())
HEADER = SECTIONS[0][1]
LENGTH = len(whole().encode())
ENCODED = parameters().encode()


def with_section(section: int, data: bytes) -> bytes:
    return ptau_file([(id, data if id == section else old) for id, old in SECTIONS])


DAMAGED_FILES = {
    "empty": (b"", "the file has 0 bytes: too short for a header"),
    "three bytes": (b"pta", "the file has 3 bytes: too short for a header"),
    "magic alone": (b"ptau", "byte 4: the file ends inside the version"),
    "truncated": (whole().encode()[:-1], f"byte {LENGTH - 1}: the file ends inside the section size"),
    "truncated in points": (
        whole().encode()[: G2_AT + 1],
        f"byte {G2_AT - 12}: section 3 of 1024 bytes ends after the file, which has {G2_AT + 1}",
    ),
    "surplus": (whole().encode() + b"ab", f"byte {LENGTH}: 2 surplus bytes after the last section"),
    "version 2": (ptau_file(SECTIONS, 2), "byte 4: version 2; nova-snark reads version 1"),
    "not prepared": (
        ptau_file(SECTIONS[:7]),
        "byte 8: 7 sections; nova-snark reads files with 3 (pruned) or 11 (prepared): run "
        "`snarkjs powersoftau prepare phase2` on it",
    ),
    "section twice": (
        ptau_file([*SECTIONS[:2], SECTIONS[1]]),
        f"byte {G2_AT - 12}: section 2 occurs twice",
    ),
    "section missing": (
        ptau_file([SECTIONS[0], SECTIONS[2], (9, b"")]),
        "section 2 (powers in G1) is missing",
    ),
    "endless section": (
        b"ptau" + bytes([1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]) + b"\xff" * 8,
        f"byte 12: section 2 of {2**64 - 1} bytes ends after the file, which has 24",
    ),
    "short header": (with_section(1, HEADER[:36]), "byte 24: header of 36 bytes; 40 or 44 expected"),
    "another field": (
        with_section(1, HEADER[:4] + bytes(32) + HEADER[36:]),
        "byte 24: the field is not BN254's base field",
    ),
    "power 29": (
        with_section(1, HEADER[:36] + bytes([29, 0, 0, 0] * 2)),
        "byte 60: power 29; 1 to 28 expected",
    ),
    "half a point": (
        with_section(2, SECTIONS[1][1][:-1]),
        f"byte {G1_AT}: 959 bytes are not whole points of 64 bytes",
    ),
    "one power": (
        with_section(3, encoded(g2(1))),
        f"byte {G2_AT}: 1 points G2; 2 to 8 expected for the header's power 3",
    ),
    "power too small": (
        with_section(1, HEADER[:36] + bytes([2, 0, 0, 0] * 2)),
        f"byte {G1_AT}: 15 points G1; 2 to 7 expected for the header's power 2",
    ),
    "neither format": (
        b"PK\3\4 and more",
        f"byte 0: neither 'ptau' nor a number k of 1 to 28 (it is {0x04034B50}): not a powers-of-tau file "
        "of snarkjs and not a parameter file of ezkl",
    ),
    "parameters truncated": (
        ENCODED[:-1],
        f"byte 0: k = 3 makes a file of {len(ENCODED)} bytes, this one has {len(ENCODED) - 1}: truncated, or "
        "another format",
    ),
    "parameters surplus": (
        ENCODED + b"\0",
        f"byte 0: k = 3 makes a file of {len(ENCODED)} bytes, this one has {len(ENCODED) + 1}: surplus "
        "bytes, or another format",
    ),
    "k too large": (
        bytes([28]) + ENCODED[1:],
        f"byte 0: k = 28 makes a file of {4 + 2**35 + 256} bytes, this one has {len(ENCODED)}: truncated, or "
        "another format",
    ),
}


@pytest.mark.parametrize("name", DAMAGED_FILES)
def test_a_damaged_file_is_refused_before_anything_is_allocated(tmp_path: Path, name: str) -> None:
    data, said = DAMAGED_FILES[name]
    path = write(tmp_path, data)
    tracemalloc.start()
    try:
        assert refusal(path) == said
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([0, 4, 12, 24, 80, G2_AT]))
@example(b"\1\0\0\0", 0)
def test_arbitrary_bytes_behind_a_true_beginning(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kept: int
) -> None:
    path = write(tmp_path_factory.mktemp("any"), whole().encode()[:kept] + data)
    assert refusal(path)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, G2_AT + 2 * 128 - 1), st.integers(1, 255))
def test_no_byte_that_is_read_can_be_changed(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: int
) -> None:
    """Up to the last point; but for the power of the ceremony, the header's last four bytes."""
    data = bytearray(ptau_file([*SECTIONS[:2], (3, SECTIONS[2][1][:256])]))
    data[at] ^= change
    path = write(tmp_path_factory.mktemp("flipped"), bytes(data))
    if 64 <= at < 68 or (at == 60 and 4 <= data[at] <= 28):  # a larger power in a pruned file
        assert srs.require(path).checked == 15
    else:
        assert refusal(path)


def test_too_small(tmp_path: Path) -> None:
    path = write(tmp_path, whole().encode())
    for log2_size in (4, 29, 10**12):
        said = refusal(path, SrsTooSmall, log2_size=log2_size)
        assert said == f"15 powers in G1, 2^{log2_size} are needed: take a larger file"
    assert SrsTooSmall.exit_code == 4


def test_another_format_than_expected(tmp_path: Path) -> None:
    path = write(tmp_path, parameters().encode())
    said = "it is a halo2 file, ptau is needed (powers of tau, for nova-snark)"
    assert refusal(path, expected=srs.PTAU) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent", "cannot be read: No such file or directory"),
        (".", "not a regular file"),
        ("pipe", "not a regular file"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / name, SrsUnreadable) == said


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = write(tmp_path, whole().encode())

    def spoil(progress: srs.Progress) -> None:
        if progress.stage == "G1 powers" and progress.done:
            os.utime(path, ns=(1, 1))

    with pytest.raises(SrsError, match="the file changed while it was read"):
        srs.require(path, on_progress=spoil)


def test_a_file_that_shrinks_meanwhile(tmp_path: Path) -> None:
    path = write(tmp_path, whole().encode())

    def spoil(progress: srs.Progress) -> None:
        if progress.stage == "bytes hashed" and progress.done:
            os.truncate(path, G1_AT + 640)

    with pytest.raises(SrsError, match="the file ends here"):
        srs.require(path, on_progress=spoil)


def test_without_py_ecc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py_ecc", None)
    with pytest.raises(ProverMissing) as caught:
        srs.require(write(tmp_path, whole().encode()))
    assert str(caught.value) == (
        "reference strings are checked with py_ecc, which is not installed: "
        "`make srs`, or pip install 'escapement[srs]'"
    )


# --- remembered --------------------------------------------------------------------------------------------


def stages(path: Path, folder: Path, log2_size: int | None = None) -> set[str]:
    """What a check does."""
    heard: list[srs.Progress] = []
    srs.require(path, log2_size, heard.append, folder)
    return {p.stage for p in heard}


def test_a_result_is_remembered_for_these_bytes_only(tmp_path: Path) -> None:
    path, folder = write(tmp_path, whole().encode()), tmp_path / "a" / "srs"
    checked = {"bytes hashed", "G1 powers", "G2 powers"}
    assert stages(path, folder, 3) == {"bytes hashed", "G1 powers"}
    assert stages(path, folder, 3) == {"bytes hashed"}
    assert stages(path, folder) == checked  # more than was checked
    assert stages(path, folder) == stages(path, folder, 2) == {"bytes hashed"}
    assert srs.require(path, remember=folder).remembered
    made = spoiled()
    made.g1[5] = g1(7)
    path.write_bytes(made.encode())
    assert refusal(path, remember=folder).endswith("it is not tau times power 4")


def test_a_damaged_memory_is_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, parameters().encode())
    assert not srs.require(path, remember=tmp_path).remembered
    (kept,) = tmp_path.glob("*.json")
    text = kept.read_text()
    for false in (
        "",
        "[]",
        text.replace('"checked": 8', '"checked": true'),
        text[:-1],
        text + " ",
        "[" * 3000,
    ):
        kept.write_text(false)
        assert not srs.require(path, remember=tmp_path).remembered, false
        assert kept.read_text() == text
    kept.unlink()
    kept.mkdir()
    with caplog.at_level(logging.WARNING):
        assert not srs.require(path, remember=tmp_path).remembered
    assert "is not readable" in caplog.text and "the result is not remembered" in caplog.text
