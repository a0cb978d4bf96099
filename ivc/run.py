"""The engine of a run: delay, train, prove and fold until there are N segments; resumable at any moment.

One loop: take in what the delay's process has made and train what it allows, which starts the next delay;
prove one fold of what is trained; wait only when there is nothing to prove. So segment i is proven while
delay i runs, and the chain never waits for the proof:

    time ≈ delay + N·(training + max(delay, m·fold)) + set-up, with the set-up made during the first delay

Everything is on disk before it counts. After Ctrl-C or kill -9 the same call continues, having lost at most
the fold and the few seconds of squarings in progress, and ends in the same checkpoints.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ivc.delay_process import wait_for_orphans
from ivc.errors import UsageError
from ivc.events import Event, RunDone, RunStarted, ignore
from ivc.folder import remove_leftovers
from ivc.journal import journal
from ivc.material import Material, load_material
from ivc.memory import peak_memory
from ivc.proving import Proving, SetUp
from ivc.rundir import RunDirectory
from ivc.states import folds_of, saved_states
from ivc.training import ClampLimit, Training


def run(
    directory: RunDirectory,
    *,
    segments: int,
    on_event: Callable[[Event], None] = ignore,
    clamp_share: float | None = None,
    stop_on_clamp: bool = False,
    ptau: Path | None = None,
) -> None:
    """Train and prove until there are `segments` segments, 1 to the policy's most; no delay follows the last.

    `directory`: open, with its lock, and with a policy. `clamp_share`: warn (or stop, if `stop_on_clamp`)
    where a larger share of a tensor is clamped in one step. `on_event` is called from this thread. A
    KeyboardInterrupt leaves after the delay's state is saved.

    Raises UsageError `segments-out-of-range`, `segments-behind`; Rejected `policy-missing`, `proof-diverged`,
    `clamp-share`, …; Resources `disk-full`; DelayFailed; StorageError; Malformed. A later call continues.
    """
    material = load_material(directory)
    _require_segments(material, segments)
    limit = None if clamp_share is None else ClampLimit(clamp_share, stop_on_clamp)
    with journal(directory, on_event) as emit:
        wait_for_orphans(directory.delays_lock)
        remove_leftovers(directory.path)
        emit(_started(material, segments))
        with closing(Training(material, segments, emit, limit)) as training:
            proving = Proving(material, emit, ptau, meanwhile=lambda ready: _train_until(ready, training))
            _loop(material, training, proving)
        emit(RunDone(segments, proving.folds, peak_memory()))


def _train_until(ready: SetUp, training: Training) -> None:
    ready.add_done_callback(lambda _: training.wake())
    while not ready.done():
        training.advance()
        training.wait()


def _loop(material: Material, training: Training, proving: Proving) -> None:
    training.advance()
    while proving.prove_next(training.heads) or not training.done:
        training.advance()
        if proving.folds == training.trained * material.info.folds_per_segment and not training.done:
            training.wait()
    proving.require_state(training.heads)


def _require_segments(material: Material, segments: int) -> None:
    most = material.policy.max_segments
    if not 1 <= segments <= most:
        raise UsageError(
            "segments-out-of-range", f"segments: 1 to {most} allowed by the policy, got {segments}"
        )
    saved = saved_states(material.directory.proofs)
    folds = folds_of(saved[0]) if saved else 0
    if folds > segments * material.info.folds_per_segment:
        raise UsageError(
            "segments-behind",
            f"segments: {segments} asked for, but the run is already proven to fold {folds}, beyond it",
        )


def _started(material: Material, segments: int) -> RunStarted:
    info, saved = material.info, saved_states(material.directory.proofs)
    return RunStarted(
        segments=segments,
        folds=segments * info.folds_per_segment,
        steps=segments * info.folds_per_segment * info.steps_per_fold,
        squarings=segments * material.policy.squarings,
        trained_segments=min(segments, material.directory.trained_segments()),
        proven_folds=folds_of(saved[0]) if saved else 0,
    )
