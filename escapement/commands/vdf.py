"""`escapement vdf`: delays by themselves, calibrated, evaluated, proven, verified, measured."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import calibration, console
from escapement.console import human_seconds
from escapement.errors import UsageError

app = typer.Typer(help="Delays by themselves: files, figures, pace.", no_args_is_help=True)

GroupOption = Annotated[str, typer.Option("--group", metavar="NAME", help="rsa-2048 or class-1024.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Delay files.")]


@app.command("calibrate")
def calibrate(
    group: GroupOption = "rsa-2048",
    runs: Annotated[int, typer.Option(min=1, max=100, help="How many measurements.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, max=600, help="About how long each takes.")] = 1.0,
    pace: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds that a delay should take here; gives T.")
    ] = None,
    fastest: Annotated[
        int | None, typer.Option(min=1, help="Squarings per second that nobody exceeds.")
    ] = None,
    fastest_source: Annotated[
        str | None, typer.Option(help="Where that rate is from, and its date; goes with --fastest.")
    ] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Measure this machine's squarings per second; with --pace, how many squarings T make a delay.

    Counts the program's own processor time, several times, and warns when the figures cannot be trusted:
    other programs at work, or measurements that differ. Says what T means for somebody faster.

    \b
    Examples:
      escapement vdf calibrate
      escapement vdf calibrate --pace 3600
      escapement vdf calibrate --group class-1024 --pace 60 --fastest 5000000 --fastest-source "a guess"
    """
    bound = calibration.bound(group, fastest, fastest_source)
    measured = calibration.calibrate(group, runs, seconds)
    squarings = None if pace is None else measured.squarings(pace)
    least = None if bound is None or squarings is None else bound.least_seconds(squarings)
    result = {
        "group": group,
        "kernel": measured.kernel,
        "cores": measured.cores,
        "load": measured.load,
        "rates": measured.rates,
        "squarings_per_second": measured.median,
        "spread": measured.spread,
        "warnings": measured.warnings(),
        "pace_seconds": pace,
        "squarings": squarings,
        "fastest_squarings_per_second": None if bound is None else bound.squarings_per_second,
        "fastest_source": None if bound is None else bound.source,
        "least_seconds": least,
    }
    rows = {
        "group": group,
        "kernel": measured.kernel,
        "squarings per second": f"{measured.median:,.0f} (median of {runs})",
        "lowest, highest": f"{min(measured.rates):,.0f}, {max(measured.rates):,.0f}",
        "spread": f"{measured.spread:.1%}",
    }
    if pace is not None:
        rows |= {"pace": human_seconds(pace), "T": f"{squarings:,} squarings"}
    _say(as_json, result, rows, _meaning(measured, bound, squarings, pace))
    for warning in measured.warnings():
        console.log(f"warning: {warning}")


@app.command("eval")
def evaluate(
    squarings: Annotated[int, typer.Option(min=1, help="T, sequential squarings.")],
    out: Annotated[Path, typer.Option("--out", help="The delay file to write.")],
    group: GroupOption = "rsa-2048",
    context: Annotated[
        str | None, typer.Option(metavar="HEX", help="32 bytes that the delay is for, hexadecimal.")
    ] = None,
    seed: Annotated[str | None, typer.Option(help="Or any text, whose SHA-256 is the context.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where progress is kept (default: --out with suffix .state).")
    ] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Compute a delay and its proof; minutes to months, by T.

    Stop it at any moment (Ctrl-C, power cut): the same command continues where it stopped. What the proof of
    many delays is made from lies beside the delay file as *.kept; who verifies does not need it.

    \b
    Examples:
      escapement vdf eval --squarings 100000000 --seed hello --out delay.json
      escapement vdf eval --squarings 1000000 --out d.json --json --context \\
        2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    """
    from escapement import delays

    if (context is None) == (seed is None):
        raise UsageError("delay-context", "Give either --context or --seed.")
    made = delays.evaluate(group, _context(context, seed), squarings, out, state)
    if made["already_done"]:
        _say(as_json, made, {}, f"{out} is this delay already, finished and true.")
        return
    rate = made["squarings_per_second"]
    rows = {
        "delay": out,
        "T": f"{squarings:,} squarings",
        "y": _short(made["y"]),
        "evaluation": human_seconds(made["seconds"]),
        "squarings per second": "none were left to do" if rate is None else f"{rate:,.0f}",
        "proof": human_seconds(made["proof_seconds"]),
    }
    if made["continued_after"]:
        rows["continued after"] = f"{made['continued_after']:,} squarings; time and rate are of the rest"
    _say(as_json, made, rows)


@app.command("prove")
def prove(
    files: Files,
    out: Annotated[Path, typer.Option("--out", help="The file of all delays to write.")],
    as_json: console.JsonOption = False,
) -> None:
    """Make one proof for many finished delays of one group and one T.

    Needs the *.kept files beside the delay files. Checks every delay first and names a false one.

    \b
    Examples:
      escapement vdf prove delays/*.json --out run.json
    """
    from escapement import delays

    start = time.perf_counter()
    made = delays.prove(files, out)
    result = {
        "run": out,
        "group": made.group,
        "squarings": made.squarings,
        "delays": len(made.contexts),
        "proof_bytes": len(made.proof),
        "seconds": time.perf_counter() - start,
    }
    _say(as_json, result, result)


@app.command("verify")
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of one delay or of many.")],
    squarings: Annotated[int | None, typer.Option(min=1, help="The T you asked for.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="The group you asked for: rsa-2048 or class-1024.")
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="HEX", help="The context you asked for; once per delay, in order."),
    ] = None,
    seed: Annotated[
        list[str] | None, typer.Option(help="Or the text that the context is the SHA-256 of, likewise.")
    ] = None,
    as_json: console.JsonOption = False,
) -> None:
    """Check that every y is what T squarings of its input lead to; the inputs are computed, not read.

    State what you expect with --squarings, --group and --context: another delay's file is exit 1. Exit 1 as
    well for a delay that is false, exit 5 for a file that is not of its format.

    \b
    Examples:
      escapement vdf verify delay.json
      escapement vdf verify delay.json --squarings 1000000 --group rsa-2048 --seed hello
      escapement vdf verify a.json b.json run.json --json
    """
    from escapement.delays import Expected
    from escapement.delays import verify as check

    if context and seed:
        raise UsageError("delay-context", "Give the contexts either by --context or by --seed.")
    contexts = tuple(_context(text, None) for text in context or []) or tuple(
        _context(None, text) for text in seed or []
    )
    expected = Expected(group, squarings, contexts or None)
    start = time.perf_counter()
    shown = check(files, expected)
    result = {
        "valid": True,
        "delays": shown,
        "left_to_the_files": expected.left_open(),
        "seconds": time.perf_counter() - start,
    }
    lines = [
        f"{claim.file}: y = {_short(claim.y)} is x after {claim.squarings:,} squarings in {claim.group}, "
        f"context {_short(claim.context)}"
        for claim in shown
    ]
    _say(as_json, result, {}, "\n".join([*lines, *_caveats(len(shown), expected.left_open())]))


@app.command("bench")
def bench(
    group: GroupOption = "rsa-2048",
    seconds: Annotated[float, typer.Option(min=0.01, max=60, help="How long each is measured.")] = 0.5,
    as_json: console.JsonOption = False,
) -> None:
    """Check every kernel against GMP on this machine and time it; what a proof and a verification cost.

    Exit 1 if a kernel computes anything else than GMP does.

    \b
    Examples:
      escapement vdf bench
      escapement vdf bench --group class-1024 --seconds 2 --json
    """
    from escapement import kernels
    from vdf.groups import group as by_name

    chosen = by_name(group)
    result: dict[str, Any] = {"group": group}
    if group == "rsa-2048":
        result |= _kernels(seconds)
    else:
        result["nanoseconds"] = {"chiavdf": 1e9 / chosen.calibrate(seconds)}
    squarings, number = BENCH[group]
    result["proof"] = kernels.overhead(chosen, squarings)
    made = kernels.delays(chosen, BENCH_SHORT, number)
    result["verification"] = {"delays": number, **kernels.verification(chosen, made, BENCH_ROUNDS)}
    _say(as_json, result, _bench_rows(result))


def _kernels(seconds: float) -> dict[str, Any]:
    """Every kernel checked, then timed beside GMP."""
    from escapement import kernels

    checked = {name: kernels.check_kernel(name) for name in kernels.kernels()}
    times = {name: kernels.kernel_nanoseconds(name, seconds) for name in checked}
    return {
        "kernel": calibration.native_kernel("rsa-2048"),
        "checked": checked,
        "nanoseconds": times | {"gmpy2": kernels.gmp_nanoseconds(seconds)},
        "gmp": kernels.gmp_version(),
    }


def _bench_rows(result: Mapping[str, Any]) -> dict[str, str]:
    times, proof, verification = result["nanoseconds"], result["proof"], result["verification"]
    rows = {}
    for name, nanoseconds in times.items():
        text = f"{nanoseconds:,.0f} ns per squaring, {1e9 / nanoseconds:,.0f} per second"
        if name in result.get("checked", {}):
            text += f", {times['gmpy2'] / nanoseconds:.2f} × GMP, {result['checked'][name]} results agree"
        if name == result.get("kernel"):
            text += " (in use)"
        rows[name] = text
    number = verification["delays"]
    done = f"{human_seconds(proof['evaluation_seconds'])} for {proof['squarings']:,} squarings"
    if result["group"] == "rsa-2048":
        share = f"{proof['proof_over_evaluation']:.1%} of the evaluation"
        rows |= {"evaluation": done, "proof": f"{human_seconds(proof['proof_seconds'])}, {share}"}
    else:
        rows["evaluation and proof"] = done
    rows["verify one"] = f"{verification['one_microseconds']:,.0f} µs"
    rows[f"verify {number} in a batch"] = f"{verification['batch_microseconds']:,.0f} µs"
    rows[f"verify {number} by one proof"] = f"{verification['run_microseconds']:,.0f} µs"
    return rows


def _meaning(
    measured: calibration.Calibration,
    bound: calibration.Bound | None,
    squarings: int | None,
    pace: float | None,
) -> str:
    """What T is to somebody faster, as far as anybody can say."""
    if bound is None:
        return (
            f"What T means for others is open: no bound is stated for {measured.group}. State yours with "
            "--fastest and --fastest-source."
        )
    times = f"{bound.squarings_per_second / measured.median:,.0f}"
    stated = f"{bound.squarings_per_second:,} squarings/s ({bound.source})"
    if squarings is None or pace is None:
        return f"At the stated fastest rate of {stated}, a delay takes 1/{times} of its time here."
    least = human_seconds(bound.least_seconds(squarings))
    return (
        f"This T is at least {least} for anybody, at the stated fastest rate of {stated}. Here it is "
        f"{human_seconds(pace)}, {times} times longer. If somebody is faster than that rate, it is less."
    )


def _caveats(number: int, left_open: list[str]) -> list[str]:
    """What a verified file does not show."""
    made = []
    if left_open:
        made.append(
            f"Valid, for what the files themselves claim: {', '.join(left_open)}. Compare that with what you "
            "asked for, or state it by options."
        )
    else:
        made.append("Valid, and what you asked for.")
    if number > 1:
        made.append(
            f"{number} delays: whether one began after another had ended is for the contexts to show; their "
            "squarings add up only if each context commits to the output before."
        )
    return made


def _context(text: str | None, seed: str | None) -> bytes:
    """32 bytes from hexadecimal, or from a text; UsageError `delay-context`."""
    if text is None:
        return hashlib.sha256((seed or "").encode()).digest()
    try:
        context = bytes.fromhex(text)
    except ValueError:
        context = b""
    if len(context) != 32:
        raise UsageError("delay-context", f"context: 64 hexadecimal digits expected, got {text!r:.80}")
    return context


def _short(data: bytes) -> str:
    """Enough of it to recognise."""
    return data.hex() if len(data) <= 20 else f"{data[:8].hex()}…{data[-4:].hex()}"


def _say(as_json: bool, result: Mapping[str, Any], rows: Mapping[str, Any], words: str = "") -> None:
    """JSON, or rows and a sentence."""
    if as_json:
        console.emit(True, result)
        return
    console.show(rows)
    if words:
        console.stdout.print(words, markup=False)


# T for the proof's share of the time, and how many delays are verified.
BENCH = {"rsa-2048": (1 << 20, 20), "class-1024": (1 << 18, 5)}
BENCH_SHORT = 1 << 10  # T of the verified ones: it does not matter to who verifies
BENCH_ROUNDS = 7
