"""`escapement key`: the blinding key under a passphrase, out of the run directory and back."""

import os
from pathlib import Path
from typing import Annotated

import typer

from escapement import console
from escapement.errors import UsageError

app = typer.Typer(help="The blinding key: without it a run cannot continue.", no_args_is_help=True)

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="Read the passphrase from this file's first line instead of asking."
    ),
]


@app.command("backup")
def backup(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the backup.")],
    passphrase_file: PassphraseFile = None,
    as_json: console.JsonOption = False,
) -> None:
    """Write the run's blinding key, encrypted under a passphrase, to a file kept elsewhere.

    \b
    Examples:
      escapement key backup runs/a --out /media/stick/a.key
      escapement key backup runs/a --out a.key --passphrase-file passphrase.txt
    """
    back_up(run, out, read_passphrase(passphrase_file, confirm=True))
    console.emit(
        as_json, {"backup": out}, f"Backed up to {out}. Keep passphrase and file apart from the run."
    )


@app.command("restore")
def restore(
    backup_file: Annotated[Path, typer.Argument(metavar="BACKUP", help="The backup file.")],
    run: Annotated[Path, typer.Argument(help="The run directory whose key is lost.")],
    passphrase_file: PassphraseFile = None,
    as_json: console.JsonOption = False,
) -> None:
    """Put a backed-up blinding key back into its run directory; refuses a key of another run.

    \b
    Examples:
      escapement key restore a.key runs/a
      escapement key restore a.key runs/a --passphrase-file passphrase.txt --json
    """
    from ivc import keys
    from ivc.rundir import RunDirectory
    from vdf.files import read_capped

    data = read_capped(backup_file, keys.MAX_BACKUP_BYTES)
    key = keys.recover(data, read_passphrase(passphrase_file, confirm=False))
    with RunDirectory.open(run) as opened:
        opened.replace_blinding_key(key)
        path = opened.blinding_key_path
    console.emit(as_json, {"key": path}, f"Restored {path}")


def back_up(run: Path, out: Path, passphrase: str) -> None:
    """Write the run's key to `out` under the passphrase, readable by its owner only; refuses to overwrite."""
    from ivc import keys
    from ivc.rundir import RunDirectory
    from ivc.storage import save

    if out.exists():
        raise UsageError("exists", f"{out} exists: choose another name, it may be the backup of another run.")
    with RunDirectory.open(run, lock=False) as opened:
        save(out, keys.back_up(opened.blinding_key(), passphrase), mode=0o600)


def read_passphrase(file: Path | None, *, confirm: bool) -> str:
    """The passphrase from a file's first line, or asked for without echo."""
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        return lines[0] if lines else ""
    if not os.isatty(0):
        raise UsageError("no-terminal", "No terminal to ask for the passphrase: use --passphrase-file.")
    answer: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
