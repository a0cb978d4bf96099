"""The `escapement` command: its sub-commands, and the one handler that turns exceptions into exit codes."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from escapement import __version__, console
from escapement.commands import (
    bench,
    demo,
    doctor,
    init,
    inspect,
    key,
    plan,
    policy,
    run,
    srs,
    steps,
    vdf,
    verify,
)
from escapement.errors import INTERRUPTED, classify

app = typer.Typer(
    name="escapement",
    help="Pace-limited training: every step proven in zero knowledge, a delay before every segment.",
    epilog="Exit codes: 0 valid · 1 invalid · 2 usage · 3 unsupported model · 4 resources · 5 I/O or format "
    "· 130 interrupted",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises for a command's failure."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(given, prog_name="escapement", standalone_mode=False)
    except SystemExit:
        raise
    except BaseException as error:  # a panic of the native module does not derive from Exception
        return _report(error, as_json="--json" in given)
    if result == INTERRUPTED:  # the command line library has already turned Ctrl-C into its exit code
        return _report(KeyboardInterrupt(), as_json="--json" in given)
    return result if isinstance(result, int) else 0


def _report(error: BaseException, as_json: bool) -> int:
    failure = classify(error)
    message = failure.message if failure.expected else f"{failure.message}\n{_log_of(error)}"
    if as_json:
        body = {"code": failure.code, "message": message, "exit_code": failure.exit_code}
        typer.echo(json.dumps({"error": body}, indent=2))
    console.stderr.print(f"[bold red]error[/] {failure.code}")
    console.log(message)
    return failure.exit_code


def _log_of(error: BaseException) -> str:
    descriptor, path = tempfile.mkstemp(prefix="escapement-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        log.write(f"escapement {__version__}\n")
        traceback.print_exception(error, file=log)
    return f"This is a fault of Escapement, not of your input. The details are in {path}"


def _version(show: bool) -> None:
    if show:
        typer.echo(f"escapement {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    pass


app.command("init")(init.init)
app.add_typer(policy.app, name="policy")
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("finish")(run.finish)
app.command("verify")(verify.verify)
app.command("inspect")(inspect.inspect)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(key.app, name="key")
app.add_typer(srs.app, name="srs")
app.add_typer(steps.app, name="steps")
app.add_typer(vdf.app, name="vdf")

if __name__ == "__main__":
    sys.exit(main())
