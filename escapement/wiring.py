"""The trainer's commands as functions, for command line and demo alike: what zkml makes, ivc proves."""

from pathlib import Path
from typing import Any

from escapement.config import load_config, parse_config
from escapement.plan import estimate, require_fits
from escapement.progress import Watcher
from escapement.workload import prepare
from ivc.events import summarise
from ivc.finish import finish
from ivc.program import program_info
from ivc.run import run
from ivc.rundir import RunDirectory


def create_run(config: Path, folder: Path, arithmetisation: str | None = None) -> dict[str, Any]:
    """Make a run directory from a configuration file; raises the errors of zkml and ivc.

    `arithmetisation` replaces the configuration's own.
    """
    loaded = load_config(config, arithmetisation)
    workload = prepare(loaded)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with RunDirectory.create(
        folder,
        program=workload.program.encode(),
        x=workload.train.x,
        labels=workload.train.labels,
        test_x=workload.test.x,
        test_labels=workload.test.labels,
        dataset_name=workload.name,
        split_seed=loaded.data.split_seed,
        scheme=loaded.proof.scheme,
        config=config.read_text(encoding="utf-8"),
    ) as opened:
        return {
            "run": folder,
            "request_file": opened.request_path,
            "request": opened.request.digest(),
            "program": workload.program.digest(),
            "arithmetisation": workload.program.arithmetisation,
            "steps": workload.program.steps,
            "training_rows": len(workload.train.x),
            "test_rows": len(workload.test.x),
            "inputs_clipped": workload.train.clipped,
        }


def run_all(
    folder: Path, *, policy: Path | None = None, segments: int | None = None, ptau: Path | None = None
) -> dict[str, Any]:
    """Adopt the policy if one is given, check that the run fits this machine, and run until it is proven."""
    with RunDirectory.open(folder) as opened:
        adopted = opened.policy() if policy is None else opened.adopt_policy(policy)
        chosen = adopted.max_segments if segments is None else segments
        clamping = parse_config(opened.config, str(folder / "config.toml")).clamping
        require_fits(estimate(opened.program, scheme=opened.request.scheme, segments=chosen), folder)
        with Watcher() as watcher:
            run(
                opened,
                segments=chosen,
                on_event=watcher,
                clamp_share=clamping.warn_share,
                stop_on_clamp=clamping.stop,
                ptau=ptau,
            )
        summary = summarise(opened.metrics())
        info = program_info(opened.program)
    steps = summary.folds * info.steps_per_fold
    return {
        "run": folder,
        "segments": summary.segments,
        "folds": summary.folds,
        "steps": steps,
        "prove_seconds_per_step": summary.prove_seconds / max(1, steps),
        "peak_memory_bytes": summary.peak_memory_bytes,
        "last_loss": summary.losses[-1] if summary.losses else None,
        "clamped": summary.clamped,
    }


def finish_run(folder: Path, *, out: Path | None = None, ptau: Path | None = None) -> dict[str, Any]:
    """Make the last proof, sign, verify and write the bundle."""
    with RunDirectory.open(folder) as opened, Watcher() as watcher:
        made = finish(opened, out, on_event=watcher, ptau=ptau)
    return {
        "bundle": made.path,
        "segments": made.segments,
        "steps": made.steps,
        "squarings": made.squarings,
        "bundle_bytes": made.bundle_bytes,
        "proof_bytes": made.proof_bytes,
        "compress_seconds": made.compress_seconds,
        "verify_seconds": made.verify_seconds,
    }
