"""All of it on digits, in one command: request, policy, run, bundle, and a stranger's verification.

Leaves in its folder: bundle.esc, policy.toml, report.json, and the run directory `run`.
"""

import shutil
import time
from pathlib import Path

from escapement import console, report
from escapement.commands.policy import calibrated, write_policy
from escapement.errors import InputError, UsageError
from escapement.plan import estimate
from escapement.wiring import create_run, finish_run, run_all
from ivc.rundir import RunDirectory
from vdf.files import write_atomic


def run_demo(out: Path, segments: int | None, arithmetisation: str | None = None) -> report.Report:
    """Run the demo into `out`, with fewer `segments` than its configuration has if given.

    `arithmetisation` replaces the configuration's own.

    Raises UsageError `not-a-demo` for a folder that holds something else, and the errors of every room.
    """
    start = time.perf_counter()
    config = _example()
    _clear(out)
    run, policy, bundle = out / RUN, out / POLICY, out / BUNDLE
    console.log("1/5 Trainer: compile the model, commit to the data, write the request")
    request = create_run(config, run, arithmetisation)["request_file"]
    console.log("2/5 Verifier: make a policy for the request")
    with RunDirectory.open(run, lock=False) as opened:
        planned = estimate(opened.program, scheme=opened.request.scheme, segments=1)
    # A delay as long as the proof of a segment costs an honest trainer next to nothing.
    squarings = calibrated("rsa-2048", planned.prove_seconds_per_step * planned.steps)
    write_policy(request, policy, squarings=squarings, max_segments=segments)
    console.log("3/5 Trainer: train, delay, prove")
    run_all(run, policy=policy)
    console.log("4/5 Trainer: make the last proof, write the bundle")
    made = finish_run(run, out=bundle)
    console.log("5/5 Anyone: verify the bundle, first with nothing cached")
    cold, warm = report.verify_afresh(policy, bundle, times=2)
    result = report.gather(run, made, planned, cold, warm, lambda: time.perf_counter() - start)
    report.write(result, out / REPORT)
    return result


def _example() -> Path:
    path = Path(__file__).resolve().parent.parent / "examples" / "digits.toml"
    if not path.exists():
        raise InputError("no-example", f"{path} is missing: the demo runs in a checkout of the repository.")
    return path


def _clear(out: Path) -> None:
    """Make `out`, or empty it of an earlier demo; touches no folder that is not a demo's."""
    marker = out / MARKER
    if out.exists() and not marker.exists() and any(out.iterdir()):
        raise UsageError("not-a-demo", f"{out} holds something else: choose an empty folder with --out.")
    for name in (REPORT, BUNDLE, POLICY):
        (out / name).unlink(missing_ok=True)
    if (out / RUN).exists():
        shutil.rmtree(out / RUN)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(marker, b"made by `escapement demo`, which empties this folder when it runs again\n")


RUN, POLICY, BUNDLE, REPORT, MARKER = "run", "policy.toml", "bundle.esc", "report.json", ".escapement-demo"
