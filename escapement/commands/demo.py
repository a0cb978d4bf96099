"""`escapement demo`: all of it on digits, in one command."""

from pathlib import Path
from typing import Annotated

import typer

from escapement import console


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for everything made.")] = Path("runs/demo"),
    segments: Annotated[
        int | None, typer.Option(min=1, help="Train fewer segments than the configuration has.")
    ] = None,
    arithmetisation: console.ArithmetisationOption = None,
    as_json: console.JsonOption = False,
) -> None:
    """Train a digits model under delays, prove every step, fold, compress, and verify as a stranger would.

    Plays both sides: the trainer (init, run, finish) and the verifier (policy, verify). Takes some minutes.
    Leaves bundle.esc, policy.toml and report.json in --out, where an earlier demo is replaced.

    \b
    Examples:
      escapement demo
      escapement demo --out runs/second --json
      escapement demo --arithmetisation segment --out runs/segment
    """
    from escapement.demo import BUNDLE, POLICY, run_demo
    from escapement.report import in_words

    made = run_demo(out, segments, arithmetisation)
    console.emit(as_json, console.plain(made), in_words(made, out / POLICY, out / BUNDLE))
