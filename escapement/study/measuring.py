"""One planned cell, measured in a process of its own: whatever happens there becomes the cell's status.

A crash, a kill, a panic or too much memory costs one cell and its reason is kept; the study goes on.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from escapement import machine
from escapement.console import human_bytes, human_seconds
from escapement.study import process
from escapement.study.cells import PLAIN, Plan
from escapement.study.planning import Planned, unfit
from escapement.study.process import Ended, Limits


def measure(
    one: Planned,
    plan: Plan,
    *,
    seed: int,
    srs: Path | None,
    scratch: Path,
    on_phase: Callable[[str], None] = lambda phase: None,
    run: Callable[..., Ended] = process.run,
) -> dict[str, Any]:
    """The cell in the raw result's form, measured or with the reason why not. `run`: starts the process."""
    cell = one.described()
    if not one.status and (reason := unfit(one.estimate, scratch)):
        cell |= {"status": "does-not-fit", "reason": reason}  # less is free now than when it was planned
    if cell["status"] or one.program is None:
        return cell
    load, start = os.getloadavg()[0], time.perf_counter()
    limits = Limits(int(MEMORY_SHARE * machine.available_memory()), max(LEAST_SECONDS, LATE * one.seconds))
    folder = Path(tempfile.mkdtemp(prefix="escapement-study-", dir=scratch))
    try:
        request = {
            "prover": one.cell.prover,
            "scheme": one.cell.scheme,
            "program": one.program.encode().hex(),
            "seed": seed,
            "folder": str(folder),
            "srs": None if srs is None or one.cell.prover in PLAIN else str(srs.absolute()),
            "segments": one.segments,
            "blocks": plan.blocks,
            "verifications": plan.verifications,
            "block_seconds": plan.block_seconds,
        }
        ended = run(request, limits, on_phase)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    status, reason = verdict(ended, limits)
    cell |= {"status": status, "reason": reason}
    if status == "measured":
        assert ended.result is not None
        measured = BLANK | ended.result["measured"]
        cell["insecure"] = measured.pop("insecure")
        cell["measured"] = measured | {
            "peak_bytes": ended.peak_bytes,
            "peak_by": "kernel" if ended.processes <= 1 else "sampled",
            "load_before": load,
            "seconds": time.perf_counter() - start,
        }
    return cell


def verdict(ended: Ended, limits: Limits) -> tuple[str, str]:
    """(status, reason) of a measuring process that ended."""
    if ended.stopped == "memory":
        used, limit = human_bytes(ended.excess), human_bytes(limits.memory_bytes)
        return "does-not-fit", f"stopped at {used} of memory, above the {limit} that it could have here"
    if ended.stopped == "time":
        return (
            "failed",
            f"stopped after {human_seconds(ended.excess)}, far above its estimate{_quoted(ended)}",
        )
    if ended.stopped == "output":
        return "failed", f"printed {human_bytes(ended.excess)} that are no result: {ended.rest[:SHOWN]!r}"
    result = ended.result
    if ended.status == 0 and result is not None and set(result) == {"error"}:
        return _told(result["error"])
    if ended.status == 0 and result is not None and _sound(result.get("measured")):
        return "measured", ""
    if ended.status < 0:
        name = signal.Signals(-ended.status).name
        hint = ", as the kernel does when memory runs out" if name == "SIGKILL" else ""
        return "failed", f"killed by {name}{hint}{_quoted(ended)}"
    return "failed", f"ended with status {ended.status} and no result{_quoted(ended)}"


def _told(error: Any) -> tuple[str, str]:
    """The status of an error that the child itself reported."""
    if not isinstance(error, dict):
        return "failed", f"an error that is none: {error!r:.{SHOWN}}"
    code, message = str(error.get("code")), str(error.get("message"))
    return BY_CODE.get(code, "failed"), f"{code}: {message}"


def _sound(measured: Any) -> bool:
    """Whether it has times, all positive; a fold is never free."""
    if not isinstance(measured, dict):
        return False
    seconds = measured.get("seconds_per_step")
    return isinstance(seconds, list) and bool(seconds) and all(_positive(one) for one in seconds)


def _positive(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < float("inf")


def _quoted(ended: Ended) -> str:
    """Its last words: of standard error, else of what it printed."""
    said = (ended.said or ended.rest).strip()
    return f"; it said: {said[-SHOWN:]}" if said else ""


BY_CODE = {
    "prover-missing": "not-installed",
    "prover-memory": "does-not-fit",
    "out-of-memory": "does-not-fit",
    "prover-unsupported": "skipped",
}
BLANK: dict[str, Any] = {
    "seconds_per_step": [],
    "set_up_seconds": None,
    "key_bytes": None,
    "proof_bytes": None,
    "proof_steps": None,
    "last_seconds": None,
    "verifier_seconds": None,
    "verify_seconds": [],
    "parts": {},
    "parts_by": None,
    "insecure": None,
}
MEMORY_SHARE = 0.95  # of what is available; the rest keeps this machine alive
LEAST_SECONDS = 600.0
LATE = 6.0  # times its estimate, after which a cell counts as hung
SHOWN = 400
