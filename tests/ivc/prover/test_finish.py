"""The bundle of a run: verified before it is written, and only of what is whole."""

import dataclasses
import json
from pathlib import Path

import pytest

from ivc.bundle import decode_bundle
from ivc.errors import IvcError
from ivc.events import BundleWritten, Compressed, DelaysProven, summarise
from ivc.finish import finish
from ivc.run import run
from ivc.rundir import RunDirectory
from ivc.states import saved_states
from ivc.stored import stored_chain
from ivc.verify import verify


def refused(path: Path) -> tuple[str, int]:
    with RunDirectory.open(path) as directory, pytest.raises(IvcError) as caught:
        finish(directory)
    assert not (path / "bundle.esc").exists()
    return caught.value.code, caught.value.exit_code


def test_a_finished_run_verifies(done: Path, tmp_path: Path) -> None:
    events: list = []
    with RunDirectory.open(done) as directory:
        finished = finish(directory, tmp_path / "out.esc", on_event=events.append)
        policy, request = directory.policy(), directory.request
        summary = summarise(directory.metrics())
    data = (tmp_path / "out.esc").read_bytes()
    statement = verify(policy, data)
    assert finished.statement == statement
    assert (finished.segments, finished.steps, finished.squarings) == (3, 6, 60_000)
    assert statement.request == request.digest()
    bundle = decode_bundle(data, policy.max_bundle_bytes)
    assert [event.delays for event in events if isinstance(event, DelaysProven)] == [3]
    assert (finished.bundle_bytes, finished.proof_bytes) == (len(data), len(bundle.proof))
    assert [event.proof_bytes for event in events if isinstance(event, Compressed)] == [len(bundle.proof)]
    assert [event.path for event in events if isinstance(event, BundleWritten)] == [str(tmp_path / "out.esc")]
    assert summary.compress_seconds == pytest.approx(finished.compress_seconds)
    assert not (done / "bundle.esc").exists()


def test_nothing_proven_is_nothing_to_finish(fresh: Path) -> None:
    assert refused(fresh) == ("nothing-proven", 1)


def test_half_a_segment_is_not_finished(done: Path) -> None:
    saved_states(done / "proof")[0].unlink()
    assert refused(done) == ("segment-unfinished", 1)


def test_a_damaged_newest_state_is_half_a_segment(done: Path) -> None:
    saved_states(done / "proof")[0].write_bytes(b"")
    assert refused(done) == ("segment-unfinished", 1)


PARTS = ["checkpoints/0002.safetensors", "delays/0001.json", "delays/0001.json.kept"]


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_part_is_named(done: Path, name: str) -> None:
    (done / name).unlink()
    assert refused(done) == ("run-incomplete", 5)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("field", ["y", "pi"])
def test_a_false_delay_is_named_and_made_again(done: Path, field: str, at: int) -> None:
    """Its file is as it should be; only the check of all delays, before their proof, shows that it is not."""
    path = done / "delays" / f"000{at}.json"
    fields = json.loads(path.read_bytes())
    fields[field] = json.loads((done / "delays" / "0002.json").read_bytes())[field]
    path.write_text(json.dumps(fields))
    assert refused(done) == ("run-incomplete", 5)
    with RunDirectory.open(done) as directory:
        run(directory, segments=3)
        finish(directory)


def test_a_false_kept_element_gives_no_bundle(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed in memory after its file was read: the proof of all delays is checked before it goes out."""
    from ivc import finish as finishing

    def spoilt(*arguments):
        heads, segments, delays = stored_chain(*arguments)
        kept = delays[1].load_kept()
        delays[1] = dataclasses.replace(delays[1], kept=kept[:-1] + bytes([kept[-1] ^ 1]))
        return heads, segments, delays

    monkeypatch.setattr(finishing, "stored_chain", spoilt)
    with RunDirectory.open(done) as directory, pytest.raises(IvcError, match="delay 1: ") as caught:
        finish(directory)
    assert (caught.value.code, caught.value.exit_code) == ("delay-miscomputed", 1)


def test_another_device_cannot_sign(done: Path, template: Path, tmp_path: Path, maker, programs) -> None:
    maker(tmp_path / "other", programs(10)).close()
    (tmp_path / "other" / "device.key").replace(done / "device.key")
    assert refused(done) == ("key-mismatch", 1)
