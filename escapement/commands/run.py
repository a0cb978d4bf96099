"""`escapement run` and `escapement finish`: the trainer's work."""

from pathlib import Path
from typing import Annotated

import typer

from escapement import console


def run(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    policy: Annotated[
        Path | None, typer.Option("--policy", "-p", help="The verifier's policy; needed once.")
    ] = None,
    segments: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many segments (default: the policy's most).")
    ] = None,
    ptau: Annotated[Path | None, typer.Option(help="Powers-of-tau file; only for scheme hyperkzg.")] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Train, delay, prove and fold until all segments are done.

    Stop it at any moment (Ctrl-C, power cut): the same command continues where it stopped.

    \b
    Examples:
      escapement run runs/digits --policy policy.toml
      escapement run runs/digits
    """
    from escapement.wiring import run_all

    try:
        done = run_all(run, policy=policy, segments=segments, ptau=ptau)
    except KeyboardInterrupt:
        console.log("Interrupted; the same command continues where it stopped.")
        raise
    console.emit(as_json, done, f"Done. Write the bundle with:\n  escapement finish {run}")


def finish(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The bundle file (default: bundle.esc in the run directory).")
    ] = None,
    ptau: Annotated[Path | None, typer.Option(help="Powers-of-tau file; only for scheme hyperkzg.")] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Compress the running proof, sign, verify, and write the bundle; less than a minute for digits.

    The bundle is the only file that may leave this machine besides the request.

    \b
    Examples:
      escapement finish runs/digits
      escapement finish runs/digits --out bundle.esc --json
    """
    from escapement.wiring import finish_run

    made = finish_run(run, out=out, ptau=ptau)
    console.emit(as_json, made, f"Wrote {made['bundle']} ({console.human_bytes(made['bundle_bytes'])})")
