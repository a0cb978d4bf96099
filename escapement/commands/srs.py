"""`escapement srs check`: is a file a whole and consistent reference string?"""

import time
from pathlib import Path
from typing import Annotated

import typer

from escapement import console
from escapement.console import human_seconds

app = typer.Typer(
    help="Structured reference strings: powers of tau for HyperKZG, parameters for ezkl.",
    no_args_is_help=True,
)


@app.command("check")
def check(
    file: Annotated[
        Path, typer.Argument(help="A .ptau file of snarkjs or nova-snark, or a parameter file of ezkl.")
    ],
    log2_size: Annotated[
        int | None,
        typer.Option(
            min=1, max=28, metavar="N", help="Require 2^N powers; of a .ptau file check only those."
        ),
    ] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Check that a reference string is whole and made of the powers of one tau, with py_ecc's pairings.

    Whether somebody knows that tau cannot be seen in the file: use one of a ceremony that you trust, and
    compare its SHA-256 with the published one. Takes about 65 µs per power, of ezkl's files twice that; the
    result is remembered by the file's SHA-256. Exit 5 for a file that is damaged or inconsistent, 4 for one
    with too few powers.

    \b
    Examples:
      escapement srs check ppot_0080_17.ptau
      escapement srs check ppot_0080_20.ptau --log2-size 18
      escapement srs check kzg17.srs --log2-size 17 --json
    """
    from escapement.reference_string import checked
    from zkml.srs import NOT_CHECKED, SOUNDNESS

    start = time.perf_counter()
    srs = checked(file, log2_size)
    seconds = time.perf_counter() - start
    result = {**vars(srs), "log2_size": srs.log2_size, "seconds": seconds}
    if as_json:
        console.emit(True, result | {"soundness": SOUNDNESS, "not_checked": NOT_CHECKED})
        return
    rows = {
        "file": srs.path,
        "format": srs.format,
        "SHA-256": srs.sha256.hex(),
        "powers in G1": f"{srs.checked:,} of {srs.powers:,} checked",
        "powers in G2": f"{srs.g2_checked:,} of {srs.g2_powers:,} checked",
        "large enough for": f"2^{srs.log2_size}",
    }
    if srs.skipped:
        rows["sections not read"] = ", ".join(map(str, srs.skipped))
    rows["time"] = "remembered from an earlier check" if srs.remembered else human_seconds(seconds)
    console.show(rows)
    console.stdout.print(f"Consistent: {SOUNDNESS}. But {NOT_CHECKED}.", markup=False)
