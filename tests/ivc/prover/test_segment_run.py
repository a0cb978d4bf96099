"""The engine with arithmetisation segment: a proof per fold on disk, the same end whatever happens between.

The order of delay, training and proof, and everything else that no arithmetisation changes, is test_run's.
"""

import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import _escapement
import numpy as np
import pytest

from ivc.errors import IvcError
from ivc.events import BundleWritten, Compressed, Damaged, Event, FoldProven, SetUpDone, summarise
from ivc.finish import finish
from ivc.material import load_material
from ivc.run import run
from ivc.rundir import RunDirectory
from ivc.segment_bundle import ProofSizes, SegmentBundle
from ivc.states import fold_proof_path, folds_of, saved_states
from ivc.stored import stored_chain
from ivc.verify import verify
from ivc.verifying import claimed

FOLDS, SEGMENTS = 2, 3
ALL = FOLDS * SEGMENTS

# argv: run directory, segments, number of the write to die at (0: none), whether before or after it.
RUN = """
import os, pathlib, signal, sys
from ivc import states
from vdf import files
from ivc.run import run
from ivc.rundir import RunDirectory
path, segments, moment, after = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
signal.signal(signal.SIGINT, signal.default_int_handler)
writes, replace, unlink = 0, os.replace, pathlib.Path.unlink
def counted(real):
    def call(*arguments, **named):
        global writes
        writes += 1
        if writes == moment and after == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if writes == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
os.replace, pathlib.Path.unlink = counted(replace), counted(unlink)
with RunDirectory.open(path) as directory:
    run(directory, segments=segments)
"""


def continued(path: Path, segments: int = SEGMENTS) -> list[Event]:
    events: list[Event] = []
    with RunDirectory.open(path) as directory:
        run(directory, segments=segments, on_event=events.append)
    return events


def of(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def ends(path: Path) -> list[bytes]:
    """Checkpoints, seeds and log of a chain on disk, and every fold's proof."""
    with RunDirectory.open(path, lock=False) as directory:
        heads, _, _ = stored_chain(load_material(directory), SEGMENTS)
    chain = [part for head in heads for part in (head.checkpoint, head.seed, head.log)]
    return [*chain, *proofs(path)]


def proofs(path: Path) -> list[bytes]:
    return [fold_proof_path(path / "proof", fold).read_bytes() for fold in range(1, ALL + 1)]


def verified(path: Path) -> SegmentBundle:
    """The bundle that finishing the run gives; it verifies."""
    with RunDirectory.open(path) as directory:
        finish(directory)
        policy = directory.policy()
    data = (path / "bundle.esc").read_bytes()
    assert verify(policy, data).segments == SEGMENTS
    bundle = claimed(data, 1 << 24)[1]
    assert isinstance(bundle, SegmentBundle)
    return bundle


@pytest.fixture(scope="module")
def empty(tmp_path_factory, maker, programs, policies) -> Path:
    """A run directory with its policy adopted and nothing run."""
    path = tmp_path_factory.mktemp("segment") / "run"
    with maker(path, programs(arithmetisation="segment")) as directory:
        request = directory.request.encode()
        directory.adopt_policy(policies(path.parent / "policy.toml", request, directory.program))
    return path


@pytest.fixture(scope="module")
def full(empty: Path, tmp_path_factory) -> tuple[Path, list[Event]]:
    """The same run after SEGMENTS segments, never interrupted, and its events."""
    path = Path(shutil.copytree(empty, tmp_path_factory.mktemp("full") / "run"))
    return path, continued(path)


@pytest.fixture
def fresh_segment(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty, tmp_path / "run"))


@pytest.fixture
def done_segment(full: tuple[Path, list[Event]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(full[0], tmp_path / "run"))


def test_every_fold_has_its_proof_and_two_states_are_kept(full) -> None:
    path, events = full
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]
    assert [folds_of(state) for state in saved_states(path / "proof")] == [6, 5]
    with RunDirectory.open(path, lock=False) as directory:
        size = ProofSizes.of(directory.program).fold
    assert {len(proof) for proof in proofs(path)} == {size}
    secret = [*(path / "proof").glob("fold-*")]
    assert len(secret) == ALL + 2 and all(file.stat().st_mode & 0o777 == 0o600 for file in secret)


def test_the_checkpoints_are_the_steps_of_the_seeds(full) -> None:
    with RunDirectory.open(full[0], lock=False) as directory:
        material = load_material(directory)
        heads, _, _ = stored_chain(material, SEGMENTS)
        weights = _escapement.genesis_weights(material.program, material.policy.nonce)
        for number in range(1, SEGMENTS + 1):
            args = (material.program, material.samples, material.labels, weights, heads[number].seed)
            weights, _ = _escapement.train_segment(*args)
            flat = np.concatenate([matrix.ravel() for matrix in directory.weights(number)])
            assert flat.astype("<i8").tobytes() == weights


def test_a_finished_run_verifies(done_segment: Path) -> None:
    events: list[Event] = []
    with RunDirectory.open(done_segment) as directory:
        finished = finish(directory, on_event=events.append)
        summary = summarise(directory.metrics())
    assert (finished.segments, finished.steps, finished.squarings) == (SEGMENTS, ALL, 60_000)
    bundle = verified(done_segment)
    assert list(bundle.folds) == proofs(done_segment)
    assert finished.proof_bytes == sum(map(len, bundle.proofs))
    assert [event.proof_bytes for event in of(events, Compressed)] == [finished.proof_bytes]
    assert len(of(events, BundleWritten)) == 1
    assert summary.folds == ALL and summary.prove_seconds > 0


def test_a_run_goes_on_after_it_was_finished(fresh_segment: Path, full) -> None:
    for segments in range(1, SEGMENTS + 1):
        continued(fresh_segment, segments)
        with RunDirectory.open(fresh_segment) as directory:
            assert finish(directory).segments == segments
    assert len(verified(fresh_segment).folds) == ALL


def test_running_again_makes_nothing_new(done_segment: Path) -> None:
    before = ends(done_segment)
    events = continued(done_segment)
    assert not of(events, FoldProven)
    assert of(events, SetUpDone)[0].folds == ALL
    assert ends(done_segment) == before


# --- damage -----------------------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["flipped", "empty", "gone"])
@pytest.mark.parametrize("kind", ["state", "proof"])
def test_the_newest_file_damaged_costs_one_fold(done_segment: Path, full, kind: str, how: str) -> None:
    spoil(done_segment / "proof" / f"fold-00000006.{kind}", how)
    events = continued(done_segment)
    assert [event.fold for event in of(events, FoldProven)] == [6]
    assert len(of(events, Damaged)) == (0 if (kind, how) == ("state", "gone") else 1)
    assert ends(done_segment) == ends(full[0])
    verified(done_segment)


@pytest.mark.parametrize("how", ["flipped", "empty", "gone"])
def test_an_early_proof_damaged_is_made_again_with_all_after_it(done_segment: Path, full, how: str) -> None:
    spoil(fold_proof_path(done_segment / "proof", 2), how)
    events = continued(done_segment)
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]
    assert len(of(events, Damaged)) == 2  # both states were behind it
    assert ends(done_segment) == ends(full[0])
    verified(done_segment)


def test_proofs_exchanged_are_noticed(done_segment: Path) -> None:
    one, two = (fold_proof_path(done_segment / "proof", fold) for fold in (1, 2))
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    events = continued(done_segment)
    assert len(of(events, FoldProven)) == ALL
    verified(done_segment)


def test_all_states_damaged_prove_again_from_the_first_fold(done_segment: Path, full) -> None:
    for state in saved_states(done_segment / "proof"):
        state.write_bytes(state.read_bytes()[:-1])
    events = continued(done_segment)
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]
    assert ends(done_segment) == ends(full[0])


def test_a_state_of_another_run_is_set_aside(fresh_segment: Path, policies) -> None:
    """The same trainer, key and rows, another nonce."""
    other = fresh_segment.with_name("other")
    shutil.copytree(fresh_segment, other)
    for name in ("policy.toml", "manifest.cbor"):
        (other / name).unlink()
    with RunDirectory.open(other) as directory:
        request = directory.request.encode()
        directory.adopt_policy(policies(other.parent / "p.toml", request, directory.program))
    continued(other, 1)
    for file in (other / "proof").glob("fold-*"):
        shutil.copy(file, fresh_segment / "proof" / file.name)
    events = continued(fresh_segment)
    assert len(of(events, Damaged)) == 2
    assert len(of(events, FoldProven)) == ALL
    verified(fresh_segment)


def test_a_damaged_proof_is_noticed_before_a_bundle_is_made(done_segment: Path) -> None:
    spoil(fold_proof_path(done_segment / "proof", 3), "flipped")
    with RunDirectory.open(done_segment) as directory, pytest.raises(IvcError) as caught:
        finish(directory)
    # No state is left to finish from: it would have to be proven again first.
    assert (caught.value.code, caught.value.exit_code) == ("nothing-proven", 1)
    assert not (done_segment / "bundle.esc").exists()
    continued(done_segment)
    verified(done_segment)


def test_a_policy_for_another_key_is_refused_before_a_fold(fresh_segment: Path) -> None:
    with RunDirectory.open(fresh_segment) as directory:
        policy = dataclasses.replace(directory.policy(), verifying_key=bytes(32))
    (fresh_segment / "policy.toml").write_text(policy.to_toml())
    with pytest.raises(IvcError) as caught:
        continued(fresh_segment)
    assert (caught.value.code, caught.value.exit_code) == ("verifying-key-mismatch", 1)
    assert not list((fresh_segment / "proof").iterdir())


def test_changed_rows_are_noticed_before_training(fresh_segment: Path) -> None:
    path = fresh_segment / "data" / "train_labels.npy"
    labels = np.load(path)
    labels[0] ^= 1
    np.save(path, labels)
    with pytest.raises(IvcError) as caught:
        continued(fresh_segment)
    assert (caught.value.code, caught.value.exit_code) == ("dataset-damaged", 5)
    assert not list((fresh_segment / "checkpoints").iterdir())


# --- crashes ----------------------------------------------------------------------------------------------


def start(path: Path, moment: int, after: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-c", RUN, str(path), str(SEGMENTS), str(moment), after]
    return subprocess.run(command, capture_output=True, check=False)


def sittings(path: Path, after: str) -> Iterator[int]:
    """Die at the 1st, the 2nd, … write of a sitting, until one gets to the end."""
    for moment in range(1, 100):
        process = start(path, moment, after)
        assert process.returncode in (-signal.SIGKILL, 0), process.stderr.decode()
        yield moment
        if process.returncode == 0:
            return


@pytest.mark.parametrize("after", ["before", "after"])
def test_killed_at_every_write(fresh_segment: Path, full, after: str) -> None:
    """Before or after every rename and removal: the same checkpoints and proofs, byte for byte."""
    for _ in sittings(fresh_segment, after):
        for file in (fresh_segment / "proof").glob("fold-*"):
            assert file.stat().st_size
    assert ends(fresh_segment) == ends(full[0])
    verified(fresh_segment)


def test_killed_between_any_two_writes_of_the_proof(done_segment: Path, full) -> None:
    """Every moment of one fold by itself: the states and proofs that a kill could leave behind fold 4."""
    folder = done_segment / "proof"
    for keep_proof, keep_state in ((False, False), (True, False), (True, True)):
        for fold in (5, 6):
            fold_proof_path(folder, fold).unlink(missing_ok=True)
        for state in saved_states(folder):
            state.unlink()
        # Prove again from nothing up to fold 4, then take away what the kill would not have left.
        continued(done_segment, 2)
        if not keep_proof:
            fold_proof_path(folder, 4).unlink()
        if not keep_state:
            (folder / "fold-00000004.state").unlink()
        events = continued(done_segment)
        assert [event.fold for event in of(events, FoldProven)] == ([5, 6] if keep_state else [4, 5, 6])
        assert not of(events, Damaged)
        assert ends(done_segment) == ends(full[0])


def test_a_full_disk_stops_and_loses_nothing(fresh_segment: Path, full, monkeypatch) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if os.readlink(f"/proc/self/fd/{handle}").rpartition("/")[2].startswith(".fold-00000003.proof"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to know which file is written")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(IvcError) as caught:
        continued(fresh_segment)
    assert (caught.value.code, caught.value.exit_code) == ("disk-full", 4)
    assert [folds_of(state) for state in saved_states(fresh_segment / "proof")] == [2, 1]
    monkeypatch.undo()
    assert of(continued(fresh_segment), SetUpDone)[0].folds == 2
    assert ends(fresh_segment) == ends(full[0])
