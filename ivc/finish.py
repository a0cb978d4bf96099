"""From a proven run to the file that is submitted: last proof, signature, a stranger's verification, file.

Nothing is written that `ivc.verify` has not accepted under the run's own policy. The run can go on
afterwards, with more segments, and be finished again.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import vdf
from ivc.bundle import signed_message
from ivc.errors import Rejected, delay_errors
from ivc.events import BundleWritten, Compressed, CompressionStarted, DelaysProven, Event, ignore
from ivc.journal import journal
from ivc.material import Material, load_material
from ivc.memory import peak_memory
from ivc.proving import Proving
from ivc.rundir import RunDirectory
from ivc.statement import Statement
from ivc.states import folds_of, saved_states
from ivc.storage import save
from ivc.stored import stored_chain
from ivc.verify import verify
from ivc.verifying import AnyBundle


@dataclass(frozen=True)
class Finished:
    """A written bundle: where, what it says, its sizes in bytes and its times in seconds."""

    path: Path
    statement: Statement
    segments: int
    steps: int
    squarings: int
    bundle_bytes: int
    proof_bytes: int
    compress_seconds: float
    verify_seconds: float


def finish(
    directory: RunDirectory,
    out: Path | None = None,
    *,
    on_event: Callable[[Event], None] = ignore,
    ptau: Path | None = None,
) -> Finished:
    """Write the bundle of all segments proven so far to `out` (default: bundle.esc in the run directory).

    Raises Rejected `nothing-proven`, `segment-unfinished`, `proof-diverged`, and whatever verification
    raises; StorageError `run-incomplete`; Resources `disk-full`.
    """
    material = load_material(directory)
    path = directory.bundle_path if out is None else out
    saved = saved_states(directory.proofs)
    _require_whole(material, folds_of(saved[0]) if saved else 0)
    device = directory.device_key()
    with journal(directory, on_event) as emit:
        bundle, compress_seconds = _prove(material, emit, ptau)
        last = bundle.segments[-1].checkpoint
        message = signed_message(material.digest, len(bundle.segments), last, bundle.proofs)
        data = dataclasses.replace(bundle, signature=device.sign(message)).encode()
        started = time.perf_counter()
        statement = verify(material.policy, data, ptau=ptau)
        verify_seconds = time.perf_counter() - started
        save(path, data)
        emit(BundleWritten(str(path), len(data), verify_seconds))
    return Finished(
        path=path,
        statement=statement,
        segments=statement.segments,
        steps=statement.steps,
        squarings=statement.squarings,
        bundle_bytes=len(data),
        proof_bytes=sum(map(len, bundle.proofs)),
        compress_seconds=compress_seconds,
        verify_seconds=verify_seconds,
    )


def _prove(material: Material, emit: Callable[[Event], None], ptau: Path | None) -> tuple[AnyBundle, float]:
    """The unsigned bundle, and the seconds of its last proof; the prover's memory is free on return."""
    proving = Proving(material, emit, ptau)
    _require_whole(material, proving.folds)
    heads, segments, stored = stored_chain(material, proving.folds // material.info.folds_per_segment)
    proving.require_state(heads)
    started = time.perf_counter()
    with delay_errors("delays"):
        delays = vdf.group(material.policy.group).prove_run(stored)
    emit(DelaysProven(len(stored), time.perf_counter() - started))
    emit(CompressionStarted(proving.folds))
    started = time.perf_counter()
    bundle = proving.bundle(segments, delays)
    seconds = time.perf_counter() - started
    emit(Compressed(seconds, sum(map(len, bundle.proofs)), peak_memory()))
    return bundle, seconds


def _require_whole(material: Material, folds: int) -> None:
    """A bundle ends with a checkpoint: at least one segment, and none half proven."""
    per_segment = material.info.folds_per_segment
    if folds == 0:
        raise Rejected("nothing-proven", f"{material.directory.path}: no fold is proven yet; run it first")
    if folds % per_segment:
        raise Rejected(
            "segment-unfinished",
            f"{material.directory.path}: segment {folds // per_segment + 1} is proven to fold "
            f"{folds % per_segment} of {per_segment}; continue the run to the end of the segment",
        )
