"""The two backends of this project: their secrets, their limits, and what they refuse before proving."""

import dataclasses
import stat
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_steps import checked, made, set_up, terms_for, tiny_work
from zkml.errors import (
    ProofMalformed,
    ProverFailed,
    ProverSecret,
    ProverUnknown,
    ProverUnsupported,
    SrsError,
    SrsTooSmall,
    SrsUnreadable,
    TensorError,
    TermsMismatch,
)
from zkml.program import Program
from zkml.provers import chain, native
from zkml.provers.interface import Work
from zkml.provers.nova import Nova
from zkml.provers.registry import backend
from zkml.provers.segment import Segment
from zkml.provers.stepsfile import decode

OWN = ("segment", "r1cs-nova")


def secret(folder: Path) -> Path:
    """The only secret in a prover's folder."""
    (path,) = folder.glob("blinding-*.key")
    return path


@pytest.mark.parametrize("name", ["", "nova", "Segment", "r1cs-nova ", 1])
def test_unknown_provers(name: str) -> None:
    with pytest.raises(ProverUnknown, match="prover: one of r1cs-nova, ") as caught:
        backend(name)
    assert (caught.value.code, caught.value.exit_code) == ("prover-unknown", 2)


def test_names() -> None:
    for name in ("r1cs-nova", "r1cs-nova-hyperkzg", "segment"):
        assert backend(name).name == name
    with pytest.raises(ProverUnsupported, match="scheme: one of ipa, hyperkzg expected, got 'kzg'"):
        Nova("kzg")


def test_a_folder_keeps_its_secret(tmp_path: Path) -> None:
    """Rows are committed to under it, so the same folder gives the same rows, another folder others."""
    prover, work = Segment(), tiny_work("segment")
    first = prover.set_up(work, tmp_path / "a", None)
    assert prover.set_up(work, tmp_path / "a", None).rows == first.rows
    assert prover.set_up(work, tmp_path / "b", None).rows != first.rows
    assert stat.S_IMODE(secret(tmp_path / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_each_work_has_its_own_secret(tmp_path: Path) -> None:
    """Two commitments under one blind would show the difference of what they hide."""
    work = tiny_work("r1cs-nova")
    rows = native.row_bytes(work)
    keys = {
        native.blinding_key(tmp_path, work.program, rows),
        native.blinding_key(tmp_path, tiny_work("segment").program, rows),
        native.blinding_key(tmp_path, work.program, (rows[0], rows[1][::-1])),
    }
    assert len(keys) == 3


def test_secrets_that_are_none(tmp_path: Path) -> None:
    work = tiny_work("segment")
    rows = native.row_bytes(work)
    key = native.blinding_key(tmp_path, work.program, rows)
    path = secret(tmp_path)
    good = path.read_text(encoding="ascii")
    assert good == f"escapement/blinding-key/1\n{key.hex()}\n"
    path.chmod(0o640)
    with pytest.raises(ProverSecret, match=r"others can read it: chmod 600 "):
        native.blinding_key(tmp_path, work.program, rows)
    path.chmod(0o600)
    for spoilt, message in (
        (good[:-3], "remove it and make new terms"),
        ("", "remove it and make new terms"),
        (good.replace(key.hex(), "ff" * 32), "remove it and make new terms"),
        ("another" + good, "first line 'escapement/blinding-key/1' expected"),
        ("\udc80" * 300, "remove it and make new terms"),
    ):
        path.write_bytes(spoilt.encode("utf-8", "surrogateescape"))
        with pytest.raises(ProverSecret, match=message):
            native.blinding_key(tmp_path, work.program, rows)
    path.unlink()
    assert native.blinding_key(tmp_path, work.program, rows) != key


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ProverSecret, match="file"):
        Segment().set_up(tiny_work("segment"), tmp_path / "file", None)


@pytest.mark.parametrize(("name", "other"), [OWN, OWN[::-1]])
def test_programs_of_the_other_arithmetisation(tmp_path: Path, name: str, other: str) -> None:
    prover, work = backend(name), tiny_work(other)
    for refused in (
        lambda: prover.set_up(work, tmp_path, None),
        lambda: prover.verifier(work.program, tmp_path, None),
        lambda: prover.estimate(work.program),
        lambda: prover.limits(work.program),
    ):
        with pytest.raises(ProverUnsupported, match=f"arithmetisation: '{name}' expected, got '{other}'"):
            refused()


@pytest.mark.parametrize("name", OWN)
def test_a_program_that_may_wrap(tmp_path: Path, name: str) -> None:
    work = tiny_work(name)
    program = dataclasses.replace(work.program, kappa=40, c=1 << 20, m=1 << 20, max_segments=1 << 20)
    with pytest.raises(ProverUnsupported, match="needs "):
        backend(name).estimate(program)
    with pytest.raises(ProverUnsupported, match="needs "):
        backend(name).set_up(Work(program, work.x, work.labels), tmp_path, None)


@pytest.mark.parametrize("name", OWN)
def test_rows_that_are_not_the_programs(tmp_path: Path, name: str) -> None:
    work = tiny_work(name)
    for changes, message in (
        ({"x": work.x[:8]}, r"x: integers of shape \(9, 3\) expected, got int32 of shape \(8, 3\)"),
        ({"x": work.x.astype(float)}, "x: integers of shape"),
        ({"x": work.x.astype(np.int64) + (1 << 32)}, r"x: values in \[0, 31\] expected, got 42949672"),
        ({"labels": work.labels[:, None]}, r"labels: integers of shape \(9,\) expected"),
        ({"labels": work.labels + 1}, r"labels: values in \[0, 1\] expected, got 1 to 2"),
        ({"labels": -work.labels}, r"labels: values in \[0, 1\] expected, got -1 to 0"),
    ):
        with pytest.raises(TensorError, match=message):
            backend(name).set_up(dataclasses.replace(work, **changes), tmp_path, None)


@pytest.mark.parametrize("name", OWN)
def test_limits_and_figures(name: str) -> None:
    honest, program = made(name), tiny_work(name).program
    limits, file = honest.backend.limits(program), made(name).file
    links = [link for segment in file.segments for link in segment.links]
    assert len(file.rows) == limits.rows
    assert {len(link.proofs) for link in links} == {limits.proofs}
    assert {len(proof) for link in links for proof in link.proofs} <= {limits.proof}
    assert 0 < len(file.last) <= limits.last
    estimate = honest.backend.estimate(program)
    assert min(estimate.seconds_per_step, estimate.set_up_seconds, estimate.memory_bytes) > 0
    assert estimate.disk_bytes > 0
    assert honest.steps.insecure is None
    assert honest.steps.key_bytes > 0
    assert honest.backend.links_per_segment(program) == 1
    honest.backend.require()


def test_generators_are_read_from_the_folder() -> None:
    _, steps, verifier_folder = set_up("segment")
    path = verifier_folder.parent / "generators" / "bn254.points"
    assert steps.key_bytes <= path.stat().st_size


def test_a_damaged_verifying_key_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    honest = dataclasses.replace(made("r1cs-nova"), folder=tmp_path)
    checked(honest)
    (path,) = (honest.folder / "step-keys").iterdir()
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    checked(honest)
    assert f"{path} is damaged; it is made again" in caplog.text
    assert path.read_bytes() == good


def test_reference_strings_where_none_is_expected(tmp_path: Path) -> None:
    for name in OWN:
        work = tiny_work(name)
        with pytest.raises(TermsMismatch, match=f"{name}: no reference string expected"):
            backend(name).set_up(work, tmp_path, tmp_path / "powers")
        with pytest.raises(TermsMismatch, match=f"{name}: no reference string expected"):
            backend(name).verifier(work.program, tmp_path, tmp_path / "powers")


def test_powers_that_are_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prover, work, path = Nova("hyperkzg"), tiny_work("r1cs-nova"), tmp_path / "powers.ptau"
    assert len(prover.not_bound) == 1
    with pytest.raises(TermsMismatch, match=r"r1cs-nova-hyperkzg: a powers-of-tau file \(--srs\) expected"):
        prover.set_up(work, tmp_path, None)
    with pytest.raises(SrsUnreadable, match=r"powers.ptau: cannot be read"):
        prover.set_up(work, tmp_path, path)
    path.write_bytes(b"no powers")
    with pytest.raises(SrsError, match=r"powers.ptau: "):
        prover.set_up(work, tmp_path, path)
    assert capfd.readouterr().out == ""


def test_a_seed_that_is_none_is_the_provers_fault() -> None:
    for name in OWN:
        prover = set_up(name)[1].prover(bytes(32), bytes(32))
        with pytest.raises(ProverFailed, match="fold 1: "):
            prover.prove(bytes(31), lambda progress: None)


def test_panics_and_what_is_none() -> None:
    panic = type("PanicException", (BaseException,), {})
    with (
        pytest.raises(ProverFailed, match="set-up: the native module panicked: index"),
        native.proving_errors("set-up"),
    ):
        raise panic("index")
    with pytest.raises(KeyboardInterrupt), native.proving_errors("set-up"):
        raise KeyboardInterrupt
    assert Program.decode(made("segment").terms.program) == tiny_work("segment").program


def test_a_chain_under_powers_of_tau(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("py_ecc")
    from tests.tiny_powers import write_powers

    powers, small = tmp_path / "insecure.ptau", tmp_path / "small.ptau"
    write_powers(powers, 15)
    write_powers(small, 4)
    prover, work = backend("r1cs-nova-hyperkzg"), tiny_work("r1cs-nova")
    with pytest.raises(SrsTooSmall, match=r"small.ptau: \d+ powers in G1, 2\^15 are needed"):
        prover.set_up(work, tmp_path, small)
    steps = prover.set_up(work, tmp_path, powers)
    terms = dataclasses.replace(terms_for(prover.name, work, steps.rows), srs=native.file_digest(powers))
    data = chain.prove(terms, prover, steps).data
    for _ in range(2):  # deriving the key, then reading it
        assert chain.verify(terms, data, prover, tmp_path, powers).not_bound == prover.not_bound
    with pytest.raises(TermsMismatch, match="reference string: the terms state "):
        chain.verify(terms, data, prover, tmp_path, small)
    with pytest.raises(ProofMalformed, match="last proof: "):
        other = decode(data, chain.shape_of(terms, prover))
        spoilt = dataclasses.replace(other, last=made("r1cs-nova").file.last)
        chain.verify(terms, spoilt.encode(), prover, tmp_path, powers)
    assert capfd.readouterr().out == ""
