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
    from ivc.limits import learned

    claims = _claims(bundle)
    items = learned(claims["Program"]["arithmetisation"])
    if as_json:
        console.emit(True, {"verified": False, **claims, "learned": items})
        return
    console.stdout.print("[bold]What this bundle claims[/] (nothing is verified; `escapement verify` does)")
    for title, rows in claims.items():
        console.stdout.print()
        console.stdout.print(title, style="bold")
        console.show(rows)
    console.stdout.print("\nWhoever has it learns:")
    for item in items:
        console.stdout.print(f"  - {item}", markup=False)


def _claims(path: Path) -> dict[str, dict[str, Any]]:
    from ivc.bundle import read_bundle
    from ivc.manifest import Manifest
    from ivc.verifying import claimed

    data = read_bundle(path, MOST_BYTES)
    kind, bundle = claimed(data, MOST_BYTES)
    request, program = kind.request, kind.program
    manifest = Manifest.decode(bundle.manifest)
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
            "arithmetisation": program.arithmetisation,
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
            "proofs": len(bundle.proofs),
            "proof_bytes": sum(map(len, bundle.proofs)),
        },
    }


MOST_BYTES = 1 << 30  # knob: how large a file this command is willing to read
