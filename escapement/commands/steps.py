"""`escapement steps`: chains of training steps by any prover."""

from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import console

app = typer.Typer(help="Chains of training steps by any prover (`--prover`).", no_args_is_help=True)

Config = Annotated[Path, typer.Argument(help="The configuration (TOML).")]
TermsOption = Annotated[Path, typer.Option("--terms", "-t", help="The terms file.")]
KeysOption = Annotated[
    Path, typer.Option("--keys", help="The prover's own folder: its secrets (mode 0600), generators, keys.")
]
SrsOption = Annotated[
    Path | None, typer.Option("--srs", help="Reference string or powers of tau, for provers that need one.")
]


@app.command("terms")
def terms(
    config: Config,
    segments: Annotated[int, typer.Option(min=1, help="How many segments; exactly.")],
    squarings: Annotated[int, typer.Option(min=1, help="T, sequential squarings per delay.")],
    prover: Annotated[
        str, typer.Option(metavar="NAME", help="r1cs-nova, r1cs-nova-hyperkzg, segment or ezkl.")
    ] = "r1cs-nova",
    group: Annotated[
        str, typer.Option(metavar="NAME", help="The delays' group: rsa-2048 or class-1024.")
    ] = "rsa-2048",
    srs: SrsOption = None,
    nonce: Annotated[
        str | None, typer.Option(metavar="HEX", help="32 bytes that give the first weights (default: drawn).")
    ] = None,
    keys: KeysOption = Path("steps.keys"),
    out: Annotated[Path, typer.Option("--out", help="Where to write the terms.")] = Path("terms.toml"),
    as_json: console.JsonOption = False,
) -> None:
    """Commit to the rows and write what trainer and verifier agree on beforehand.

    The trainer runs this: it has the rows. What hides them and the weights is drawn now and kept in the
    folder of --keys; `steps prove` needs the same folder. The nonce gives the first weights and starts the
    delays, so whoever will rely on the chain must draw it, after these rows are committed to: with `steps
    nonce` on the terms it was sent. A nonce that the trainer drew may be the best of many tries.

    Without --srs, ezkl makes a reference string of its own in that folder, which is insecure; verifying then
    needs that file.

    \b
    Examples:
      escapement steps terms examples/digits.toml --prover segment --segments 2 --squarings 1000000
      escapement steps terms examples/digits.toml --prover ezkl --srs kzg17.srs --segments 1 \\
        --squarings 1000000 --out ezkl.toml
    """
    from escapement.steps import Asked, make_terms

    asked = Asked(prover, segments, squarings, group, srs, nonce)
    _show(as_json, make_terms(config, out, keys, asked))


@app.command("nonce")
def nonce(
    terms: Annotated[Path, typer.Argument(help="The terms file that the trainer sent.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write your own terms.")],
    as_json: console.JsonOption = False,
) -> None:
    """The verifier's: write the same terms with a nonce drawn now. Send them back; draw one per terms file.

    Everything else in them the trainer chose, and it is printed: prover, program, segments, squarings, and
    the reference string, whose SHA-256 should be one that a ceremony has published. Refuse what you dislike.

    \b
    Examples:
      escapement steps nonce terms.toml --out agreed.toml
    """
    from escapement.steps import renew

    console.emit(as_json, renew(terms, out))


@app.command("prove")
def prove(
    config: Config,
    terms: TermsOption,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("steps.esc"),
    keys: KeysOption = Path("steps.keys"),
    srs: SrsOption = None,
    as_json: console.JsonOption = False,
) -> None:
    """Train, delay and prove all segments, and write one file. Nothing is saved in between.

    \b
    Examples:
      escapement steps prove examples/digits.toml --terms terms.toml
      escapement steps prove examples/digits.toml -t agreed.toml --keys steps.keys --out steps.esc --json
    """
    from escapement.steps import prove as make

    _show(as_json, make(config, terms, out, keys, srs))


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The file of the chain.")],
    terms: TermsOption,
    srs: SrsOption = None,
    as_json: console.JsonOption = False,
) -> None:
    """Check a chain under your own terms and print what it shows, and what not; exit 0 if everything holds.

    Exit 1: well-formed but false or not the terms'; exit 5: not of its format. Exit 0 also under a reference
    string that is known to be insecure (one made on the spot, for comparisons): then the statement begins
    with INSECURE, "insecure" in the JSON says why, and nothing is shown.

    \b
    Examples:
      escapement steps verify --terms terms.toml steps.esc
      escapement steps verify -t agreed.toml steps.esc --json
      escapement steps verify -t ezkl.toml --srs steps.keys/insecure-17.srs steps.esc
    """
    from escapement.steps import verify as check
    from zkml.provers.statement import to_dict, words

    verified = check(terms, file, srs)
    console.emit(as_json, to_dict(verified), words(verified))
    if verified.insecure is not None:
        console.stderr.print("[bold red]INSECURE[/]", end=" ")
        console.log(verified.insecure)


def _show(as_json: bool, made: dict[str, Any]) -> None:
    """In the text nothing is said about what is not the case."""
    console.emit(
        as_json, made if as_json else {name: value for name, value in made.items() if value is not None}
    )
