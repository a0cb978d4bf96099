"""`escapement plan`: what a run will cost, before anything is made."""

from pathlib import Path
from typing import Annotated

import typer

from escapement import console


def plan(
    config: Annotated[Path, typer.Argument(help="The configuration (TOML).")],
    segments: Annotated[
        int | None, typer.Option(min=1, help="How many segments (default: max_segments).")
    ] = None,
    seconds_per_delay: Annotated[
        float, typer.Option(min=0, help="How long one delay takes here, for the total.")
    ] = 0.0,
    folder: Annotated[Path, typer.Option(help="Where the run directory will be, for disk space.")] = Path(
        "runs"
    ),
    arithmetisation: console.ArithmetisationOption = None,
    as_json: console.JsonOption = False,
) -> None:
    """Count constraints and estimate memory, disk and time; exit 4 when the run cannot fit here.

    Compiles the model with its data as `init` would, and writes nothing.

    \b
    Examples:
      escapement plan examples/digits.toml
      escapement plan examples/digits.toml --segments 100 --seconds-per-delay 60 --json
      escapement plan examples/digits.toml --arithmetisation segment
    """
    from escapement.config import load_config
    from escapement.plan import estimate, require_fits
    from escapement.workload import prepare

    loaded = load_config(config, arithmetisation)
    program = prepare(loaded).program.encode()
    chosen = loaded.training.max_segments if segments is None else segments
    planned = estimate(program, scheme=loaded.proof.scheme, segments=chosen, delay_seconds=seconds_per_delay)
    if as_json:  # one object on stdout: the plan or the refusal
        require_fits(planned, folder)
    console.emit(as_json, console.plain(planned))
    require_fits(planned, folder)
