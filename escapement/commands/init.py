"""`escapement init`: configuration → run directory and request file."""

from pathlib import Path
from typing import Annotated

import typer

from escapement import console
from escapement.commands.key import PassphraseFile, back_up, read_passphrase


def init(
    config: Annotated[Path, typer.Argument(help="The configuration (TOML).")],
    run: Annotated[
        Path | None, typer.Option("--run", help="The run directory to make (default: runs/<configuration>).")
    ] = None,
    backup: Annotated[Path | None, typer.Option(help="Back the blinding key up to this file.")] = None,
    passphrase_file: PassphraseFile = None,
    arithmetisation: console.ArithmetisationOption = None,
    as_json: console.JsonOption = False,
) -> None:
    """Compile model and data, draw the keys, commit to the data, and write the request for the verifier.

    The run's blinding key is drawn here and exists nowhere else: if it is lost, the run ends and cannot be
    continued. Back it up now with --backup, or later with `escapement key backup`.

    \b
    Examples:
      escapement init examples/digits.toml
      escapement init my.toml --run runs/a --backup /media/stick/a.key
      escapement init examples/digits.toml --arithmetisation segment --run runs/segment
    """
    from escapement.wiring import create_run

    chosen = Path("runs") / config.stem if run is None else run
    passphrase = None if backup is None else read_passphrase(passphrase_file, confirm=True)
    made = create_run(config, chosen, arithmetisation)
    if backup is not None and passphrase is not None:
        back_up(chosen, backup, passphrase)
        made["backup"] = backup
    else:
        console.log(
            f"The blinding key is only in {chosen}. If it is lost, the run ends: `escapement key backup`."
            " Keep the folder's device.key, too: without it no bundle can be signed."
        )
    text = (
        f"Made {chosen}: {made['steps']} steps at most, request {made['request'].hex()}\n"
        f"Send {made['request_file']} to the verifier; with the policy that comes back:\n"
        f"  escapement run {chosen} --policy policy.toml"
    )
    console.emit(as_json, made, text)
