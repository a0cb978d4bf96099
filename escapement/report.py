"""The demo's report: figures gathered from a finished run, and two verifications in fresh processes.

slowdown = (folds + last proof) / (the same steps in NumPy float32)
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escapement import console
from escapement.errors import EscapementError
from escapement.plan import Plan
from ivc.events import summarise
from ivc.rundir import RunDirectory
from zkml.evaluate import accuracy
from zkml.float_baseline import seconds_per_step
from zkml.program import Program


@dataclass(frozen=True)
class Report:
    """What report.json holds. Seconds, bytes, counts; accuracy is a share of the test rows.

    prove_seconds_per_step: folds with their check and saving, over steps, while delays run; the last proof
    (compress_seconds: compression, or the closing) apart. verify_seconds_cold and _warm: whole fresh
    processes, with an empty cache and with the key in it.
    """

    prove_seconds_per_step: float
    compress_seconds: float
    verify_seconds_cold: float
    verify_seconds_warm: float
    peak_memory_bytes: int
    proof_bytes: int
    bundle_bytes: int
    test_accuracy: float
    steps: int
    segments: int
    arithmetisation: str
    constraints_per_fold: int
    constraints_by_part: dict[str, int]
    committed_per_fold: int
    slowdown: float
    float32_seconds_per_step: float
    squarings: int
    total_seconds: float


def gather(
    run: Path, made: dict[str, Any], planned: Plan, cold: float, warm: float, clock: Callable[[], float]
) -> Report:
    """The report of a finished run: its metrics, its last checkpoint on the test rows, the float32 baseline.

    `made`: what `wiring.finish_run` returned; `clock`: seconds since the demo began, read last.
    """
    with RunDirectory.open(run, lock=False) as opened:
        summary, program = summarise(opened.metrics()), Program.decode(opened.program)
        weights, test, train = opened.weights(made["segments"]), opened.test_rows(), opened.training_rows()
    float32 = seconds_per_step(program, train.x, train.labels)
    steps, proving = made["steps"], summary.prove_seconds
    return Report(
        prove_seconds_per_step=proving / steps,
        compress_seconds=made["compress_seconds"],
        verify_seconds_cold=cold,
        verify_seconds_warm=warm,
        peak_memory_bytes=summary.peak_memory_bytes,
        proof_bytes=made["proof_bytes"],
        bundle_bytes=made["bundle_bytes"],
        test_accuracy=accuracy(program, weights, test.x, test.labels),
        steps=steps,
        segments=made["segments"],
        arithmetisation=planned.arithmetisation,
        constraints_per_fold=planned.constraints_per_fold,
        constraints_by_part=planned.constraints_by_part,
        committed_per_fold=planned.committed_per_fold,
        slowdown=(proving + made["compress_seconds"]) / (steps * float32),
        float32_seconds_per_step=float32,
        squarings=made["squarings"],
        total_seconds=clock(),
    )


def verify_afresh(policy: Path, bundle: Path, times: int) -> list[float]:
    """Wall-clock seconds of `times` verifications, each its own process, sharing one cache that starts empty.

    Raises EscapementError `demo-not-verified` with the verifier's own code and message.
    """
    command = [sys.executable, "-P", "-m", "ivc.verify", "--json", "--policy", str(policy), str(bundle)]
    seconds = []
    with tempfile.TemporaryDirectory(prefix="escapement-cache-") as cache:
        for _ in range(times):
            start = time.perf_counter()
            done = subprocess.run(
                command,
                env={**os.environ, "ESCAPEMENT_CACHE": cache},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds.append(time.perf_counter() - start)
            if done.returncode != 0:
                raise EscapementError("demo-not-verified", done.stdout + done.stderr, done.returncode)
    return seconds


def in_words(report: Report, policy: Path, bundle: Path) -> str:
    """The end of the demo: a few lines for a person, the last one being the command to verify again."""
    seconds, size = console.human_seconds, console.human_bytes
    return "\n".join(
        [
            "",
            f"Trained and proven   {report.steps} steps in {report.segments} segments, "
            f"{report.squarings:,} squarings one after the other",
            f"Test accuracy        {report.test_accuracy:.1%}",
            f"Proving              {seconds(report.prove_seconds_per_step)} per step, {_size(report)}",
            f"Last proof           {seconds(report.compress_seconds)}",
            f"Peak memory          {size(report.peak_memory_bytes)}",
            f"Bundle               {size(report.bundle_bytes)}, of which proof {size(report.proof_bytes)}",
            f"Verification         {seconds(report.verify_seconds_cold)} with nothing cached, "
            f"{seconds(report.verify_seconds_warm)} after that",
            f"Slowdown             {report.slowdown:,.0f} times plain NumPy float32 training "
            f"({report.float32_seconds_per_step * 1e6:,.0f} µs per step)",
            f"Everything           {seconds(report.total_seconds)}",
            "",
            "Verify it again, as anyone can:",
            f"  {_command()} verify --policy {policy} {bundle}",
        ]
    )


def _size(report: Report) -> str:
    if report.committed_per_fold:
        return f"{report.committed_per_fold:,} values committed per fold"
    return f"{report.constraints_per_fold:,} constraints per fold"


def write(report: Report, path: Path) -> None:
    """Write report.json."""
    path.write_text(json.dumps(console.plain(report), indent=2) + "\n", encoding="utf-8")


def _command() -> str:
    """How this very command was called, where a shell would not find it by its bare name."""
    called = Path(sys.argv[0])
    if called.name != "escapement":
        return "escapement"
    try:
        return str(called.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(called)
