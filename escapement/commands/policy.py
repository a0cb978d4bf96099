"""`escapement policy new`: the verifier's own file, made for one request."""

from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import console
from escapement.calibration import Bound, calibrate, required_bound
from escapement.errors import UsageError

app = typer.Typer(help="The verifier's side: policies.", no_args_is_help=True)


@app.command("new")
def new(
    request: Annotated[Path, typer.Argument(help="The trainer's request file.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path("policy.toml"),
    squarings: Annotated[int | None, typer.Option(min=1, help="T, sequential squarings per delay.")] = None,
    seconds_per_delay: Annotated[
        float | None,
        typer.Option(min=0.001, help="Choose T so that a delay takes this long on this machine."),
    ] = None,
    max_segments: Annotated[
        int | None, typer.Option(min=1, help="Most segments a bundle may have (default: the program's).")
    ] = None,
    group: Annotated[
        str, typer.Option(metavar="NAME", help="The delays' group: rsa-2048 or class-1024.")
    ] = "rsa-2048",
    fastest: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Squarings per second that nobody exceeds; turns T into seconds. rsa-2048 has a default.",
        ),
    ] = None,
    fastest_source: Annotated[
        str | None, typer.Option(help="Where that rate is from, and its date; goes with --fastest.")
    ] = None,
    ptau: Annotated[Path | None, typer.Option(help="Powers-of-tau file; only for scheme hyperkzg.")] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Make a policy for a request: fresh nonce, delay, cap, and the digest of the verifying key.

    Derives the verifying key from the request's program (about 15 seconds); a powers-of-tau file is checked
    first (about 65 µs per power, once per file). Make one policy per request: a second nonce would let the
    trainer choose between two.

    \b
    Examples:
      escapement policy new runs/a/request.cbor --seconds-per-delay 60
      escapement policy new request.cbor --squarings 1000000 --out policy.toml
      escapement policy new request.cbor --squarings 1000000 --fastest 1000000000 --fastest-source "guess"
      escapement policy new request.cbor --group class-1024 --squarings 1000000 --fastest 5000000 \\
        --fastest-source "7 times the ASIC of Chia, a guess"
    """
    if (squarings is None) == (seconds_per_delay is None):
        raise UsageError("delay-choice", "Give the delay either as --squarings or as --seconds-per-delay.")
    bound = required_bound(group, fastest, fastest_source)
    if out.exists():
        raise UsageError("exists", f"{out} exists: one policy per request; choose another name with --out.")
    chosen = squarings if squarings is not None else calibrated(group, seconds_per_delay or 0.0)
    made = write_policy(
        request,
        out,
        squarings=chosen,
        max_segments=max_segments,
        group=group,
        bound=bound,
        ptau=ptau,
    )
    console.emit(as_json, {"policy": out, **made})


def calibrated(group: str, seconds: float) -> int:
    """Squarings that take about `seconds` on this machine, by the median of three short measurements."""
    measured = calibrate(group, CALIBRATION_RUNS, CALIBRATION_SECONDS)
    for warning in measured.warnings():
        console.log(f"warning: {warning}")
    return measured.squarings(seconds)


def write_policy(
    request: Path,
    out: Path,
    *,
    squarings: int,
    max_segments: int | None = None,
    group: str = "rsa-2048",
    bound: Bound | None = None,
    ptau: Path | None = None,
) -> dict[str, Any]:
    """Write the policy for a request file to `out`; returns its fields. `bound` None: the group's default."""
    from ivc.manifest import MAX_SEGMENTS
    from ivc.policy import new_policy
    from ivc.request import MAX_REQUEST_BYTES
    from ivc.verifying import verifying
    from vdf.files import read_capped, write_atomic

    chosen = required_bound(group) if bound is None else bound
    data = read_capped(request, MAX_REQUEST_BYTES)
    kind = verifying(data)
    capacity = kind.program.max_segments
    if ptau is not None and kind.request.scheme == "hyperkzg":
        _require_powers(ptau, kind.request.program)
    console.log("Deriving the verifying key from the program")
    policy = new_policy(
        data,
        max_segments=min(capacity, MAX_SEGMENTS) if max_segments is None else max_segments,
        squarings=squarings,
        group=group,
        fastest=chosen.squarings_per_second,
        source=chosen.source,
        verifying_key_digest=kind.key_digest(ptau),
    )
    kind.max_bundle_bytes(policy)  # a policy under which no bundle could be read is refused here
    write_atomic(out, policy.to_toml().encode())
    return vars(policy)


def _require_powers(ptau: Path, program: bytes) -> None:
    """Check the powers that the key is derived from; raises SrsError, SrsTooSmall, ProverMissing."""
    from escapement.reference_string import checked
    from ivc.errors import native_errors
    from zkml.provers.nova_key import log2_powers
    from zkml.srs import NOT_CHECKED, PTAU

    with native_errors("program"):
        powers = log2_powers(program)
    srs = checked(ptau, powers, PTAU)
    console.log(f"Powers of tau consistent, SHA-256 {srs.sha256.hex()}; {NOT_CHECKED}")


CALIBRATION_RUNS, CALIBRATION_SECONDS = 3, 0.5
