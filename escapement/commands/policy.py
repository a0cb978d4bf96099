"""`escapement policy new`: the verifier's own file, made for one request."""

from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import console
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
    group: Annotated[str, typer.Option(help="The delays' group.")] = "rsa-2048",
    fastest: Annotated[
        int | None,
        typer.Option(min=1, help="Squarings per second that nobody exceeds; turns T into seconds."),
    ] = None,
    fastest_source: Annotated[
        str | None, typer.Option(help="Where that rate is from, and its date; goes with --fastest.")
    ] = None,
    ptau: Annotated[Path | None, typer.Option(help="Powers-of-tau file; only for scheme hyperkzg.")] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Make a policy for a request: fresh nonce, delay, cap, and the digest of the verifying key.

    Derives the verifying key from the request's program (about 15 seconds). Make one policy per request:
    a second nonce would let the trainer choose between two.

    \b
    Examples:
      escapement policy new runs/a/request.cbor --seconds-per-delay 60
      escapement policy new request.cbor --squarings 1000000 --out policy.toml
      escapement policy new request.cbor --squarings 1000000 --fastest 1000000000 --fastest-source "guess"
    """
    if (squarings is None) == (seconds_per_delay is None):
        raise UsageError("delay-choice", "Give the delay either as --squarings or as --seconds-per-delay.")
    if (fastest is None) != (fastest_source is None):
        raise UsageError(
            "fastest-source", "--fastest and --fastest-source go together: a rate needs its source."
        )
    if out.exists():
        raise UsageError("exists", f"{out} exists: one policy per request; choose another name with --out.")
    chosen = squarings if squarings is not None else calibrated(group, seconds_per_delay or 0.0)
    made = write_policy(
        request,
        out,
        squarings=chosen,
        max_segments=max_segments,
        group=group,
        fastest=FASTEST if fastest is None else fastest,
        source=FASTEST_SOURCE if fastest_source is None else fastest_source,
        ptau=ptau,
    )
    console.emit(as_json, {"policy": out, **made})


def calibrated(group: str, seconds: float) -> int:
    """Squarings that take about `seconds` on this machine; measures for a second."""
    import vdf

    return max(1, round(vdf.calibrate(vdf.group(group), CALIBRATION_SECONDS) * seconds))


def write_policy(
    request: Path,
    out: Path,
    *,
    squarings: int,
    max_segments: int | None = None,
    group: str = "rsa-2048",
    fastest: int | None = None,
    source: str | None = None,
    ptau: Path | None = None,
) -> dict[str, Any]:
    """Write the policy for a request file to `out`; returns its fields."""
    from ivc import cache
    from ivc.files import read_capped, write_atomic
    from ivc.manifest import MAX_SEGMENTS
    from ivc.policy import new_policy
    from ivc.program import program_info
    from ivc.request import MAX_REQUEST_BYTES, Request

    data = read_capped(request, MAX_REQUEST_BYTES)
    decoded = Request.decode(data)
    capacity = program_info(decoded.program).max_segments
    console.log("Deriving the verifying key from the program")
    policy = new_policy(
        data,
        max_segments=min(capacity, MAX_SEGMENTS) if max_segments is None else max_segments,
        squarings=squarings,
        group=group,
        fastest=FASTEST if fastest is None else fastest,
        source=FASTEST_SOURCE if source is None else source,
        verifying_key_digest=cache.key_digest(
            cache.verifying_key(decoded.program, decoded.scheme, None, ptau)
        ),
    )
    write_atomic(out, policy.to_toml().encode())
    return vars(policy)


CALIBRATION_SECONDS = 1.0
# Security: how seconds are claimed. Nobody has shown such a chip; a policy may state another rate.
FASTEST = 500_000_000
FASTEST_SOURCE = "RSA-2048 ASIC design target, 2 ns per squaring, never shown in silicon; as of 2026-11"
