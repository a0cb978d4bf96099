"""The engine: the order of protocol §8, every state restored or repaired, the same end whatever happens."""

import dataclasses
import errno
import json
import os
import shutil
from pathlib import Path

import _escapement
import numpy as np
import pytest

import vdf
from ivc import chain
from ivc.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ivc.delay import load_delay, load_true_delay
from ivc.errors import IvcError, Resources
from ivc.events import (
    ClampWarning,
    Damaged,
    DelayProven,
    DelayStarted,
    Event,
    FoldProven,
    RunDone,
    RunStarted,
    SegmentTrained,
    SetUpDone,
    StateSaved,
)
from ivc.material import load_material
from ivc.run import run
from ivc.rundir import RunDirectory
from ivc.states import folds_of, saved_states
from ivc.stored import delay_task, stored_chain
from vdf import delayfile
from vdf.classgroup.discriminant import setting
from vdf.delayfile import DelayFile
from vdf.record import older, proof_state

FOLDS, SEGMENTS = 2, 3


def continued(path: Path, segments: int = SEGMENTS, **named) -> list[Event]:
    """The events of running, or running on."""
    events: list[Event] = []
    with RunDirectory.open(path) as directory:
        run(directory, segments=segments, on_event=events.append, **named)
    return events


def refused(path: Path, segments: int = SEGMENTS, **named) -> tuple[str, int]:
    with pytest.raises(IvcError) as caught:
        continued(path, segments, **named)
    return caught.value.code, caught.value.exit_code


def ends(path: Path) -> list[bytes]:
    """The heads of a chain on disk, all of them checked: its checkpoints and seeds."""
    with RunDirectory.open(path, lock=False) as directory:
        heads, _, _ = stored_chain(load_material(directory), SEGMENTS)
    return [part for head in heads for part in (head.checkpoint, head.seed, head.log)]


def of(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_a_run_has_its_segments_delays_and_folds(trained) -> None:
    path, events = trained
    assert [event.segment for event in of(events, SegmentTrained)] == [1, 2, 3]
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]
    assert [event.fold for event in of(events, StateSaved)] == [1, 2, 3, 4, 5, 6]
    assert [event.index for event in of(events, DelayStarted)] == [0, 1, 2]  # none after the last segment
    assert sorted(event.index for event in of(events, DelayProven)) == [0, 1, 2]
    assert of(events, RunStarted)[0] == RunStarted(3, 6, 6, 60_000, 0, 0)
    assert isinstance(events[-1], RunDone) and events[-1].peak_memory_bytes > 0
    assert [folds_of(state) for state in saved_states(path / "proof")] == [6, 5]
    assert len(of(events, SegmentTrained)[0].losses) == FOLDS


def test_the_order_that_makes_the_delay_bite(trained) -> None:
    """Segment i+1 is trained after y_i; delay i+1 starts after C_{i+1}; folds come after their segment."""
    events = trained[1]
    place = {event: number for number, event in enumerate(events) if not isinstance(event, SegmentTrained)}
    segments = [events.index(event) for event in of(events, SegmentTrained)]
    starts = [place[event] for event in of(events, DelayStarted)]
    assert starts[0] < segments[0] < starts[1] < segments[1] < starts[2] < segments[2]
    for event in of(events, FoldProven):
        assert place[event] > segments[event.segment - 1]


def test_every_delay_starts_from_its_checkpoint_and_seed(trained) -> None:
    with RunDirectory.open(trained[0], lock=False) as directory:
        material = load_material(directory)
        heads, segments, delays = stored_chain(material, SEGMENTS)
        for index, head in enumerate(heads[:-1]):
            context = chain.delay_context(material.digest, index, head.checkpoint, head.seed)
            assert delay_task(material, index, head).context == context.hex()
        proof = vdf.group(material.policy.group).prove_run(delays)
        assert chain.check_delays(material.manifest, segments, proof) == heads[-1]


def test_the_checkpoints_are_the_steps_of_the_seeds(trained) -> None:
    with RunDirectory.open(trained[0], lock=False) as directory:
        material = load_material(directory)
        heads, _, _ = stored_chain(material, SEGMENTS)
        weights = _escapement.genesis_weights(material.program, material.policy.nonce)
        for number in range(1, SEGMENTS + 1):
            args = (material.program, material.samples, material.labels, weights, heads[number].seed)
            weights, _ = _escapement.train_segment(*args)
            flat = np.concatenate([matrix.ravel() for matrix in directory.weights(number)])
            assert flat.astype("<i8").tobytes() == weights
        genesis = np.concatenate([matrix.ravel() for matrix in directory.weights(0)])
        assert genesis.astype("<i8").tobytes() == _escapement.genesis_weights(
            material.program, material.policy.nonce
        )


def test_metrics_have_what_the_events_said(trained) -> None:
    path, events = trained
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [event.name() for event in events if event.kept]


def test_running_again_makes_nothing_new(done: Path) -> None:
    before = ends(done)
    events = continued(done)
    assert {type(event) for event in events} & {FoldProven, SegmentTrained, DelayStarted} == set()
    assert of(events, SetUpDone)[0].folds == 6
    assert ends(done) == before


def test_a_run_goes_on_to_more_segments(done: Path) -> None:
    before = ends(done)
    events = continued(done, 4)
    assert [event.fold for event in of(events, FoldProven)] == [7, 8]
    assert [event.index for event in of(events, DelayStarted)] == [3]
    assert ends(done) == before


@pytest.mark.parametrize("segments", [0, 5, -1])
def test_segments_are_the_policys_at_most(fresh: Path, segments: int) -> None:
    assert refused(fresh, segments) == ("segments-out-of-range", 2)
    assert not (fresh / "metrics.jsonl").exists()


def test_fewer_segments_than_proven_are_refused(done: Path) -> None:
    assert refused(done, 2) == ("segments-behind", 2)


def test_no_policy_no_run(tmp_path: Path, maker, programs) -> None:
    maker(tmp_path / "run", programs(10)).close()
    assert refused(tmp_path / "run") == ("policy-missing", 1)


def test_a_policy_for_another_key_is_refused_before_a_fold(fresh: Path) -> None:
    """Its manifest says nothing of the verifying key, so only the set-up shows it."""
    with RunDirectory.open(fresh) as directory:
        policy = dataclasses.replace(directory.policy(), verifying_key=bytes(32))
    (fresh / "policy.toml").write_text(policy.to_toml())
    assert refused(fresh) == ("verifying-key-mismatch", 1)
    assert not saved_states(fresh / "proof")


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_damaged_newest_state_costs_one_fold(done: Path, trained) -> None:
    newest = saved_states(done / "proof")[0]
    flip(newest)
    events = continued(done)
    (damaged,) = of(events, Damaged)
    assert damaged.path == str(newest) and Path(damaged.kept_as).exists()
    assert "fold-00000006.state" in (done / "run.log").read_text()
    assert of(events, SetUpDone)[0].folds == 5
    assert [event.fold for event in of(events, FoldProven)] == [6]
    assert ends(done) == ends(trained[0])


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_all_states_damaged_prove_again_from_the_first_fold(
    done: Path, trained, content: bytes | None
) -> None:
    for state in saved_states(done / "proof"):
        state.write_bytes(state.read_bytes()[:-1000] if content is None else content)
    events = continued(done)
    assert len(of(events, Damaged)) == 2
    assert of(events, SetUpDone)[0].folds == 0
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]
    assert not of(events, SegmentTrained) and not of(events, DelayStarted)
    assert ends(done) == ends(trained[0])


def test_a_state_under_another_name_is_set_aside(done: Path) -> None:
    newest = saved_states(done / "proof")[0]
    newest.rename(newest.with_name("fold-00000005.state"))
    events = continued(done)
    assert len(of(events, Damaged)) == 1
    assert [event.fold for event in of(events, FoldProven)] == [1, 2, 3, 4, 5, 6]


PARTS = ["checkpoints/0002.safetensors", "delays/0001.json", "delays/0001.json.kept"]


@pytest.mark.parametrize("how", ["flip", "empty", "gone"])
@pytest.mark.parametrize("name", PARTS)
def test_a_damaged_checkpoint_or_delay_is_made_again(done: Path, trained, name: str, how: str) -> None:
    path = done / name
    if how == "flip":
        flip(path, 600)
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    events = continued(done)
    # What is kept of a delay belongs to its result: without it the delay is computed again.
    named = path.with_suffix("") if path.suffix == ".kept" else path
    gone = how == "gone" and named == path
    assert [event.path for event in of(events, Damaged)] == ([] if gone else [str(named)])
    assert len(of(events, SegmentTrained)) + len(of(events, DelayStarted)) == 1
    assert not of(events, FoldProven)
    assert ends(done) == ends(trained[0])


def files(path: Path) -> dict[str, bytes]:
    """A run's delays as they lie on disk."""
    found = [file for file in (path / "delays").iterdir() if file.is_file() and file.name != "lock"]
    return {file.name: file.read_bytes() for file in found}


FAULTS = {
    "delay-class-missing": (vdf.errors.ResourceError, 4),
    "delay-class-timeout": (vdf.errors.ResourceError, 4),
    "delay-class-crashed": (vdf.errors.Rejected, 1),
    "delay-file-unreadable": (vdf.errors.StorageError, 5),
}


@pytest.mark.parametrize("code", FAULTS)
def test_what_the_machine_lacks_damages_no_delay(done: Path, monkeypatch, code: str) -> None:
    """The run ends with that error; nothing is set aside, and nothing computed again."""
    before, (kind, exit_code) = files(done), FAULTS[code]

    def fail(*_: object) -> None:
        raise kind(code, "a fault of the machine")

    with monkeypatch.context() as patch:
        patch.setattr(vdf.rsa.RsaGroup, "verify", fail)
        assert refused(done) == (code, exit_code)
    assert files(done) == before
    assert not of(continued(done), Damaged)


def test_kept_elements_that_cannot_be_read_are_not_damaged(done: Path) -> None:
    kept = done / "delays" / "0001.json.kept"
    data = kept.read_bytes()
    kept.unlink()
    kept.mkdir()
    before = files(done)
    assert refused(done) == ("delay-file-unreadable", 5)
    assert files(done) == before
    kept.rmdir()
    kept.write_bytes(data)
    assert not {type(event) for event in continued(done)} & {Damaged, DelayStarted}


def test_a_class_groups_delay_outlives_the_loss_of_chiavdf(
    tmp_path: Path, monkeypatch, maker, programs, policies
) -> None:
    """Whether the delay is true cannot be told without it: its file stays, and is not made again."""
    path, program = tmp_path / "run", programs(10)
    with maker(path, program) as directory:
        policy = policies(tmp_path / "policy.toml", directory.request.encode(), program)
        text = policy.read_text().replace('group = "rsa-2048"', 'group = "class-1024"')
        assert "class-1024" in text
        policy.write_text(text)
        directory.adopt_policy(policy)
        material = load_material(directory)
        task = delay_task(material, 0, chain.start(material.digest, material.manifest.genesis))
    context = bytes.fromhex(task.context)
    base = setting(context, task.squarings).base  # a form of the group, and no delay
    delayfile.save(
        Path(task.result),
        DelayFile(task.group, context, vdf.Delay(context, base, base, task.squarings), 1.0),
    )
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "chiavdf.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))
    before = files(path)
    with pytest.raises(Resources) as caught:
        load_true_delay(task)
    assert (caught.value.code, caught.value.exit_code) == ("delay-class-missing", 4)
    assert refused(path) == ("delay-class-missing", 4)
    assert files(path) == before


def test_a_checkpoint_of_other_weights_is_not_proven(done: Path) -> None:
    """Weights that open their own commitment but are not what the steps give."""
    with RunDirectory.open(done) as directory:
        material = load_material(directory)
        heads, _, _ = stored_chain(material, SEGMENTS)
        path = directory.checkpoint_path(SEGMENTS)
        found = load_checkpoint(path, material.program, material.digest, SEGMENTS)
        weights = (int.from_bytes(found.weights[:8], "little", signed=True) + 1).to_bytes(
            8, "little", signed=True
        )
        weights += found.weights[8:]
        commitment = _escapement.checkpoint_commitment(
            material.program, material.key, heads[SEGMENTS].log, weights
        )
        save_checkpoint(path, material.program, material.digest, Checkpoint(SEGMENTS, commitment, weights))
    for state in saved_states(done / "proof"):
        state.unlink()
    with pytest.raises(IvcError, match=r"fold 6 \(segment 3\): weights") as caught:
        continued(done)
    assert (caught.value.code, caught.value.exit_code) == ("proof-diverged", 1)
    assert [folds_of(state) for state in saved_states(done / "proof")] == [5, 4]
    path.unlink()
    continued(done)


def test_changed_rows_are_noticed_before_training(fresh: Path) -> None:
    path = fresh / "data" / "train_labels.npy"
    labels = np.load(path)
    labels[0] ^= 1
    np.save(path, labels)
    assert refused(fresh) == ("dataset-damaged", 5)
    assert not list((fresh / "checkpoints").iterdir())


def test_the_key_lost_ends_the_run_until_it_is_back(fresh: Path) -> None:
    (fresh / "blinding.key").rename(fresh / "elsewhere")
    assert refused(fresh) == ("key-missing", 5)


def test_a_full_disk_stops_and_loses_nothing(fresh: Path, trained, monkeypatch) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if os.readlink(f"/proc/self/fd/{handle}").rpartition("/")[2].startswith(".fold-00000003"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to know which file is written")
    monkeypatch.setattr(os, "fsync", fsync)
    assert refused(fresh) == ("disk-full", 4)
    assert [folds_of(state) for state in saved_states(fresh / "proof")] == [2, 1]
    assert not list((fresh / "proof").glob(".*"))
    monkeypatch.undo()
    assert of(continued(fresh), SetUpDone)[0].folds == 2
    assert ends(fresh) == ends(trained[0])


def test_leftovers_of_a_crash_are_removed(done: Path) -> None:
    leftover = done / "proof" / ".fold-00000007.state.abc123"
    leftover.write_bytes(b"half")
    state = done / "delays" / "0001.state"
    stale = [state, older(state), proof_state(state), older(proof_state(state))]
    for file in stale:
        file.write_bytes(b"a state that its delay no longer needs")
    continued(done)
    assert not leftover.exists() and not any(file.exists() for file in stale)


@pytest.fixture(scope="module")
def clamping(tmp_path_factory, maker, programs, policies) -> Path:
    """A run whose first layer is too narrow."""
    path, program = tmp_path_factory.mktemp("clamping") / "run", programs(4)
    with maker(path, program) as directory:
        policy = policies(path.parent / "policy.toml", directory.request.encode(), program)
        directory.adopt_policy(policy)
    return path


def test_clamping_is_a_warning_above_the_users_share(clamping: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(clamping, tmp_path / "run"))
    events = continued(path, 1, clamp_share=0.0)
    warnings = of(events, ClampWarning)
    assert warnings
    for warning in warnings:
        assert warning.tensor in ("fc1.Y", "fc2.Y", "fc2.dX")
        assert warning.values == 2 * {"fc1.Y": 4, "fc2.Y": 2, "fc2.dX": 4}[warning.tensor]
        assert warning.share == warning.clamped / warning.values and 1 <= warning.step <= 2
    counted = of(events, SegmentTrained)[0].clamped
    assert sum(counted.values()) == sum(warning.clamped for warning in warnings)


def test_clamping_stops_only_when_asked(clamping: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(clamping, tmp_path / "run"))
    assert refused(path, 1, clamp_share=0.0, stop_on_clamp=True) == ("clamp-share", 1)
    assert not list((path / "checkpoints").iterdir())
    assert not of(continued(path, 1, clamp_share=1.0), ClampWarning)


def test_a_result_on_disk_is_the_delays(trained) -> None:
    with RunDirectory.open(trained[0], lock=False) as directory:
        material = load_material(directory)
        heads, segments, delays = stored_chain(material, SEGMENTS)
        assert [load_delay(delay_task(material, i, heads[i])).y for i in range(3)] == [s.y for s in segments]
        assert [delay.y for delay in delays] == [s.y for s in segments]
