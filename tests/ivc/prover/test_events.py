"""Events: their names, what metrics.jsonl gives back, and how long the rest takes."""

import json

from ivc.events import (
    Compressed,
    DelayDone,
    DelayProgress,
    DelayProven,
    FoldProven,
    Progress,
    RunStarted,
    SegmentTrained,
    StateSaved,
    summarise,
)

STARTED = RunStarted(segments=2, folds=4, steps=4, squarings=2000, trained_segments=0, proven_folds=0)


def test_a_record_is_json_with_name_and_time() -> None:
    record = FoldProven(3, 2, 0.25, 1.0).record()
    assert json.loads(json.dumps(record)) == record
    assert record["event"] == "fold-proven"
    assert record["time"] > 0
    assert not DelayProgress(0, 1, 2).kept and FoldProven(1, 1, 0, 0).kept


def test_a_summary_counts_what_was_made_twice_once() -> None:
    events = [
        STARTED,
        DelayDone(0, 1000, 5.0),
        DelayProven(0, 1.0, 100),
        SegmentTrained(1, 0.1, (0.5, 0.25), {"a.Y": 1, "b.Y": 0}),
        FoldProven(1, 1, 0.5, 9.0),
        STARTED,
        FoldProven(1, 1, 0.5, 1.0),
        StateSaved(1, 1000, 0.25),
        DelayDone(1, 1000, 2.0),
        SegmentTrained(2, 0.1, (0.125,), {"a.Y": 2, "b.Y": 0}),
        FoldProven(2, 1, 0.5, 1.0),
        StateSaved(2, 1000, 0.25),
        Compressed(30.0, 11000, 5000),
        Compressed(20.0, 11000, 4000),
    ]
    made = summarise(json.loads(json.dumps(event.record())) for event in events)
    assert (made.segments, made.folds, made.prove_seconds, made.delay_seconds) == (2, 2, 3.5, 7.0)
    assert made.losses == (0.5, 0.25, 0.125)
    assert made.clamped == {"a.Y": 3, "b.Y": 0}
    assert made.peak_memory_bytes == 5100
    assert (made.compress_seconds, made.verify_seconds) == (20.0, 0.0)


def test_nothing_has_an_empty_summary() -> None:
    assert summarise([]).folds == 0


def test_the_rest_is_unknown_until_both_rates_are() -> None:
    progress = Progress()
    assert progress.remaining_seconds() is None
    progress.see(STARTED)
    progress.see(FoldProven(1, 1, 0.5, 1.5))
    assert progress.remaining_seconds() is None


def test_the_rest_is_the_slower_of_delays_and_folds() -> None:
    progress = Progress()
    progress.see(STARTED)
    progress.see(DelayDone(1, 1000, 5.0))
    progress.see(FoldProven(1, 1, 0.5, 1.0))
    progress.see(StateSaved(1, 10, 0.5))
    assert (progress.folds, progress.squarings, progress.remaining_seconds()) == (1, 2000, 6.0)


def test_the_last_delay_is_followed_by_its_folds(monkeypatch) -> None:
    progress, clock = Progress(), iter([10.0, 20.0])
    monkeypatch.setattr("ivc.events.time.monotonic", lambda: next(clock))
    progress.see(STARTED)
    progress.see(FoldProven(2, 1, 0.0, 0.5))
    progress.see(DelayProgress(1, 0, 1000))
    progress.see(DelayProgress(1, 500, 1000))
    assert progress.remaining_seconds() == 10.0 + 2 * 0.5


def test_a_finished_run_has_no_rest() -> None:
    progress = Progress()
    progress.see(STARTED)
    progress.see(DelayDone(1, 1000, 5.0))
    progress.see(FoldProven(4, 2, 0.0, 0.5))
    assert progress.remaining_seconds() == 0.0
