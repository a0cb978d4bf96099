"""`escapement inspect`: what a bundle says, without believing it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import console


def inspect(
    bundle: Annotated[Path, typer.Argument(help="The bundle file.")],
    as_json: console.JsonOption = False,
) -> None:
    """Show what a bundle claims and what its reader learns; NOTHING is verified.

    \b
    Examples:
      escapement inspect bundle.esc
      escapement inspect bundle.esc --json
    """
    from ivc.statement import LEARNED

    claims = _claims(bundle)
    if as_json:
        console.emit(True, {"verified": False, **claims, "learned": LEARNED})
        return
    console.stdout.print("[bold]What this bundle claims[/] (nothing is verified; `escapement verify` does)")
    for title, rows in claims.items():
        console.stdout.print()
        console.stdout.print(title, style="bold")
        console.show(rows)
    console.stdout.print("\nWhoever has it learns:")
    for item in LEARNED:
        console.stdout.print(f"  - {item}", markup=False)


def _claims(path: Path) -> dict[str, dict[str, Any]]:
    from ivc.bundle import decode_bundle, read_bundle
    from ivc.manifest import Manifest
    from ivc.program import program_info
    from ivc.request import Request

    data = read_bundle(path, MOST_BYTES)
    bundle = decode_bundle(data, MOST_BYTES)
    manifest, request = Manifest.decode(bundle.manifest), Request.decode(bundle.request)
    program = program_info(request.program)
    segments = len(bundle.segments)
    layers = " > ".join([str(program.layers[0].d_in), *(str(layer.d_out) for layer in program.layers)])
    return {
        "Run": {
            "segments": segments,
            "steps": segments * program.folds_per_segment * program.steps_per_fold,
            "squarings": segments * manifest.squarings,
            "group": manifest.group,
            "final_checkpoint": bundle.segments[-1].checkpoint if segments else "none",
            "manifest": manifest.digest(),
            "nonce": manifest.nonce,
        },
        "Program": {
            "program": program.digest,
            "layers": layers,
            "weights": program.weights,
            "batch": program.batch,
            "steps_per_fold": program.steps_per_fold,
            "folds_per_segment": program.folds_per_segment,
            "training_rows": program.rows,
        },
        "Request": {
            "request": request.digest(),
            "scheme": request.scheme,
            "dataset_root": request.root,
            "dataset_name": request.dataset_name,
            "split_seed": request.split_seed,
            "test_rows": request.test_rows,
            "device_key": request.device_key,
        },
        "File": {
            "bundle_bytes": len(data),
            "delays_bytes": len(bundle.delays),
            "proof_bytes": len(bundle.proof),
        },
    }


MOST_BYTES = 1 << 27  # knob: how large a file this command is willing to read
