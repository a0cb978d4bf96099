"""`escapement bench`: what proving training costs on this machine, beside training without proofs."""

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from escapement import console
from escapement.errors import UsageError

if TYPE_CHECKING:
    from escapement.study.cells import Plan
    from escapement.study.planning import Planned
    from escapement.study.result import Result
    from escapement.study.run import Options

LIST = "LIST"


def bench(
    plan: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="quick (tiny networks, about a minute) or reference (about half an hour, ezkl included, on "
            "2 cores; --list estimates it for this machine).",
        ),
    ] = "reference",
    prover: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this one, repeatable: numpy, torch, integer, r1cs-nova, segment, ezkl."
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this sweep, repeatable: parameters, batch, layers, fold (steps per fold), segment "
            "(folds per segment; not the prover of that name), scheme.",
        ),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(metavar=LIST, help="Sizes: numbers of parameters, or widths such as 784-128-10."),
    ] = None,
    batch: Annotated[str | None, typer.Option(metavar=LIST, help="Batch sizes.")] = None,
    layers: Annotated[
        str | None,
        typer.Option(metavar=LIST, help="Numbers of dense layers; the sweep over parameters keeps its own."),
    ] = None,
    steps_per_fold: Annotated[
        str | None, typer.Option(metavar=LIST, help="Steps per fold, of our provers.")
    ] = None,
    folds_per_segment: Annotated[
        str | None, typer.Option(metavar=LIST, help="Folds per segment, of our provers.")
    ] = None,
    cell_minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Leave out cells that are estimated to take longer (default: 1 in quick, 11 in reference).",
        ),
    ] = None,
    srs: Annotated[
        Path | None, typer.Option(help="Reference string for ezkl (default: a local one, insecure).")
    ] = None,
    ptau: Annotated[
        Path | None, typer.Option(help="Powers-of-tau file; adds the sweep over commitment schemes.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Rows, weights and batches.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the result (default: benchmarks/results in a checkout, else here)."),
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for keys while a cell is measured (default: the system's).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what the latest result has, measure the rest.")
    ] = False,
    report: Annotated[bool, typer.Option(help="Write plots and the HTML report, too.")] = True,
    only_list: Annotated[
        bool, typer.Option("--list", help="Show cells and estimates, measure nothing.")
    ] = False,
    as_json: console.JsonOption = False,
) -> None:
    """Measure what proving a training step costs: plain training, our provers, ezkl; same step, same rows.

    Every sweep varies one dimension around the plan's base point. A LIST is separated by commas: the values
    of its sweep; a single value also moves the base point of the other sweeps there. Every cell runs in a
    process of its own; those that cannot fit in memory, on disk or into --cell-minutes are shown with their
    estimates and not started. Stop it at any moment (Ctrl-C): the same command with --resume continues the
    latest result of the plan on this machine. Exit 1 if a cell failed.

    \b
    Examples:
      escapement bench --plan quick
      escapement bench --list
      escapement bench --prover segment --prover numpy --sweep parameters --parameters 1000,100000,1000000
      escapement bench --prover r1cs-nova --parameters 784-32-10 --steps-per-fold 1,2,4
      escapement bench --out results --resume --json
    """
    from escapement.study.cells import plan_by_name
    from escapement.study.display import watched
    from escapement.study.result import Result, default_folder
    from escapement.study.run import Options

    lists = {
        "parameters": parameters,
        "batch": batch,
        "layers": layers,
        "steps-per-fold": steps_per_fold,
        "folds-per-segment": folds_per_segment,
    }
    named = plan_by_name(plan)
    chosen = replace(_changed(named, lists, prover or [], sweep or []), hyperkzg=ptau is not None)
    if cell_minutes is not None:
        chosen = replace(chosen, cell_seconds=60 * cell_minutes)
    if chosen != named or srs is not None:
        chosen = replace(chosen, name="custom")
    options = Options(chosen, seed, scratch or Path(tempfile.gettempdir()), srs, ptau)
    if only_list:
        _list(options, as_json)
        return
    folder = default_folder() if out is None else out
    given: dict[str, Any] = {
        "prover": prover,
        "sweep": sweep,
        **lists,
        "cell-minutes": cell_minutes,
        "srs": srs,
        "ptau": ptau,
    }
    kept = _recorded({"plan": plan} | given) if chosen.name == "custom" else {}
    result = (Result.resume if resume else Result.begin)(folder, chosen.name, seed, kept)
    again = {"plan": plan} | given | {"seed": seed or None, "out": out, "scratch": scratch}
    watched(options, result, _again(again))
    written = _report(result, as_json) if report else []
    for path in [result.path, *written]:
        console.log(f"kept in {path}")
    if as_json:
        console.emit(True, result.body)
    failed = [cell["id"] for cell in result.body["cells"] if cell["status"] == "failed"]
    if failed:
        console.log(f"warning: {len(failed)} cells failed: {', '.join(failed)}")
        raise typer.Exit(1)


def _report(result: "Result", as_json: bool) -> list[Path]:
    """Tables on the terminal, plots and page beside the raw result."""
    from escapement.study.report import tables, write

    shown = console.stderr if as_json else console.stdout
    for table in tables(result.body):
        shown.print(table)
    return write(result.body, result.path.parent, result.path.stem)


def _list(options: "Options", as_json: bool) -> None:
    from escapement.console import human_seconds
    from escapement.study.display import Watcher, listing
    from escapement.study.run import plan_cells

    with Watcher() as watcher:
        planned = plan_cells(options, watcher)
    seconds = sum(one.seconds for one in planned if not one.status)
    if as_json:
        console.emit(True, {"cells": [_listed(one) for one in planned], "seconds": seconds})
        return
    wide = Console(highlight=False, width=max(console.stdout.width, LEAST_WIDTH))
    wide.print(listing(planned))
    number = sum(not one.status for one in planned)
    console.stdout.print(f"{number} of {len(planned)} cells, about {human_seconds(seconds)} by the estimates")


def _listed(one: "Planned") -> dict[str, Any]:
    return one.described() | {"seconds": one.seconds}


def _changed(plan: "Plan", lists: dict[str, str | None], provers: list[str], sweeps: list[str]) -> "Plan":
    """The plan with the options' values."""
    from escapement.study.cells import AXES, OURS, PROVERS, with_layers

    changed = plan
    if lists["parameters"] is not None:
        sizes = tuple(_widths(word) for word in lists["parameters"].split(","))
        changed = replace(changed, sizes=sizes, base=sizes[0] if len(sizes) == 1 else plan.base)
    if batches := _numbers("batch", lists["batch"]):
        changed = replace(changed, batches=batches, batch=batches[0] if len(batches) == 1 else plan.batch)
    if layers := _numbers("layers", lists["layers"]):
        base = with_layers(changed.base, layers[0]) if len(layers) == 1 else changed.base
        changed = replace(changed, layers=layers, base=base)
    if ks := _numbers("steps-per-fold", lists["steps-per-fold"]):
        changed = replace(changed, ks=ks, k=dict.fromkeys(OURS, ks[0]) if len(ks) == 1 else plan.k)
    if ms := _numbers("folds-per-segment", lists["folds-per-segment"]):
        changed = replace(changed, ms=ms, m=ms[0] if len(ms) == 1 else plan.m)
    if provers:
        changed = replace(changed, provers=_known("--prover", provers, PROVERS))
    if sweeps:
        changed = replace(changed, axes=_known("--sweep", sweeps, AXES))
    return changed


def _known(option: str, given: list[str], names: tuple[str, ...]) -> tuple[str, ...]:
    for name in given:
        if name not in names:
            raise UsageError("study-name", f"{option}: expected one of {', '.join(names)}, got {name!r}.")
    return tuple(name for name in names if name in given)


def _numbers(option: str, text: str | None) -> tuple[int, ...]:
    """A list of whole numbers from 1 to MOST, separated by commas; empty if not given."""
    return () if text is None else tuple(_number(option, word) for word in text.split(","))


def _number(option: str, word: str) -> int:
    if not word.strip().isdecimal() or not 1 <= int(word) <= MOST:
        raise UsageError(
            "study-number",
            f"--{option}: whole numbers from 1 to {MOST} expected, separated by commas, got {word!r}.",
        )
    return int(word)


def _widths(word: str) -> tuple[int, ...]:
    """Widths as given, or those of a network of about so many parameters."""
    from escapement.study.cells import widths_for

    numbers = [_number("parameters", part) for part in word.split("-")]
    return widths_for(numbers[0]) if len(numbers) == 1 else tuple(numbers)


def _recorded(options: dict[str, Any]) -> dict[str, Any]:
    """Those given, by name, as the raw result has them: of files only the names, which are no machine's."""
    given = {name: value for name, value in options.items() if value not in (None, [])}
    return {name: value.name if isinstance(value, Path) else value for name, value in given.items()}


def _again(options: dict[str, Any]) -> str:
    """The command line that continues."""
    words = ["escapement", "bench"]
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [] if one is None else [f"--{name}", str(one)]
    return shlex.join([*words, "--resume"])


MOST = 10**9
LEAST_WIDTH = 180  # of the list; a narrower terminal breaks its lines
