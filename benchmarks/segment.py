"""The figures of the segment argument on this machine: time, memory, rounds and bytes by program, and growth.

Builds and runs the Rust examples fold_speed (every program in a process of its own), speed and base_speed
(what one element costs), and folds of the R1CS path on digits, one after another. Every fold's figures are
kept, as they come, in benchmarks/results/segment-<date>-<machine>.json, so that --resume goes on after an
interruption. A plot lies beside it; --docs writes the page docs/segment-figures.md.
"""

import argparse
import datetime
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from segment_figures import derive
from segment_report import as_markdown, plot, tables

from escapement import console, machine
from ivc import cache
from ivc.memory import peak_memory


@dataclass(frozen=True)
class Spec:
    """A program and how much of it is measured. The first fold, which accumulates on nothing, is one more."""

    widths: str
    batch: int
    k: int
    rows: int
    folds: int
    last: str = ""  # "dataset": its proof, too; "close": both


EXAMPLES = """examples:
  python benchmarks/segment.py                          measure everything (about half an hour)
  python benchmarks/segment.py --resume --docs          what is missing of today's; the page
  python benchmarks/segment.py --programs digits 1M     two programs, element speeds, no growth
  python benchmarks/segment.py --quick --json           a smoke run, its result on stdout
"""


def main() -> int:
    """Measure, print, keep; 0 when every target that was measured is met, 1 otherwise."""
    arguments = parsed()
    specs = QUICK if arguments.quick else FULL
    chosen = {name: specs[name] for name in arguments.programs or specs}
    path = result_path(arguments)
    result = json.loads(path.read_text(encoding="utf-8")) if arguments.resume and path.exists() else begin()
    for name, part in missing(result, chosen, arguments.quick):
        console.log(f"{time.strftime('%H:%M:%S')} {name}")
        started, load = time.perf_counter(), os.getloadavg()[0]
        measured = part() | {"load_before": load, "commit": commit()}
        result["parts"][name] = measured | {"seconds": time.perf_counter() - started}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    console.log(f"kept in {path}")
    figures = derive(result)
    drawn = plot(result, figures, path.with_suffix(".svg"))
    if arguments.docs:
        page = as_markdown(result, figures, path.with_suffix(".svg").name if drawn else None)
        DOCS.write_text(page, encoding="utf-8")
    width = max(console.stdout.width, LEAST_WIDTH)
    out = Console(stderr=arguments.json, highlight=False, width=width)
    for table in tables(figures):
        out.print(table)
    if arguments.json:
        print(json.dumps({"raw": result, "figures": figures}, indent=2))
    return 0 if arguments.quick or all(target["met"] is not False for target in figures["targets"]) else 1


def parsed() -> argparse.Namespace:
    """The command line; the process of the R1CS folds ends here."""
    parser = argparse.ArgumentParser(
        description="Measure the segment argument: whole folds, their parts, and what an element costs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ", ".join(FULL)
    parser.add_argument("--programs", nargs="+", metavar="NAME", help=f"only these: {names}")
    parser.add_argument("--quick", action="store_true", help="a smoke run: minutes, figures worth nothing")
    parser.add_argument("--resume", action="store_true", help="keep what today's file has, measure the rest")
    parser.add_argument("--json", action="store_true", help="the result on stdout, tables on stderr")
    parser.add_argument("--docs", action="store_true", help="write docs/segment-figures.md, too")
    parser.add_argument("--r1cs", type=int, metavar="FOLDS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.r1cs is not None:
        print(json.dumps(r1cs_here(arguments.r1cs)))
        sys.exit(0)
    if arguments.quick and (arguments.docs or arguments.resume):
        parser.error("--docs, --resume: not with --quick, whose figures are worth nothing and not kept")
    if unknown := [
        name for name in arguments.programs or () if name not in (QUICK if arguments.quick else FULL)
    ]:
        parser.error(f"--programs: {', '.join(unknown)}: the names are {', '.join(FULL)}")
    return arguments


def begin() -> dict[str, Any]:
    """A result without parts."""
    return {"date": datetime.date.today().isoformat(), "machine": machine.describe(), "parts": {}}


def commit() -> str:
    """What was measured; a part that was measured later may be of another commit."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def result_path(arguments: argparse.Namespace) -> Path:
    """One file per day and machine; of a smoke run in a temporary folder, of some programs under their names.

    So nothing but a whole run replaces the whole run before it.
    """
    described = machine.describe()
    slug = re.sub(r"[^a-z0-9]+", "-", f"{described['cpu']} {described['cores']} cores".lower()).strip("-")
    folder = Path(tempfile.mkdtemp(prefix="escapement-bench-")) if arguments.quick else RESULTS
    names = [] if arguments.resume else [name.replace(" ", "-") for name in arguments.programs or ()]
    return folder / ("-".join(["segment", datetime.date.today().isoformat(), slug, *names]) + ".json")


class Part:
    """One thing to measure, in processes of its own."""

    def __init__(self, command: list[str], spec: Spec | None = None) -> None:
        self._command, self._spec = command, spec

    def __call__(self) -> dict[str, Any]:
        """Its lines, parsed where they are JSON; also those of a process that failed after its folds."""
        generators = cache.folder() / "generators" / "bn254.points"
        generators.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = os.environ | {"GENERATORS": str(generators)}
        done = subprocess.run(self._command, env=environment, stdout=subprocess.PIPE, text=True)
        lines = done.stdout.splitlines()
        if done.returncode and not any(line.startswith('{"work"') for line in lines):
            done.check_returncode()
        parsed = [json.loads(line) if line.startswith("{") else line for line in lines]
        measured = {"lines": parsed, "exit_status": done.returncode}
        return measured | ({"spec": asdict(self._spec)} if self._spec else {})


def missing(result: dict[str, Any], specs: dict[str, Spec], quick: bool) -> Iterator[tuple[str, Part]]:
    """What is still to measure: element speeds, the R1CS path, then every program."""
    largest, openings = ("16", "2") if quick else ("20", "3")
    plans: list[tuple[str, str, str, list[str], Spec | None]] = [
        ("pedersen", "pedersen", "speed", [largest, openings], None),
        ("sumcheck", "segment", "base_speed", ["sumcheck", largest], None),
        ("lookup", "segment", "base_speed", ["lookup", largest], None),
    ]
    if "r1cs" not in result["parts"]:
        folds = "2" if quick else "9"
        yield "r1cs", Part([sys.executable, str(Path(__file__).resolve()), "--r1cs", folds])
    for name, spec in specs.items():
        sizes = [str(number) for number in (spec.batch, spec.k, spec.rows, spec.folds + 1)]
        last = [spec.last] if spec.last else []
        plans.append((name, "segment", "fold_speed", [spec.widths, *sizes, *last], spec))
    same = segment_program(result)
    if same is not None:
        spec = Spec("digits, the R1CS path's program with k = 16", 8, 16, 1348, 2 if quick else 16)
        sizes = ["0", "0", "0", str(spec.folds + 1)]
        plans.append((SAME, "segment", "fold_speed", [str(same), *sizes], spec))
    for name, crate, example, options, chosen in plans:
        if name not in result["parts"]:
            yield name, Part([build(crate, example), *options], chosen)


@functools.cache
def build(crate: str, example: str) -> str:
    """Path of the example's release build."""
    command = ["cargo", "build", "--release", "--locked", "--package", crate, "--example", example]
    done = subprocess.run(
        [*command, "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    made = [json.loads(line) for line in done.stdout.splitlines()]
    paths = [one["executable"] for one in made if one.get("target", {}).get("name") == example]
    return str(next(path for path in paths if path))


def segment_program(result: dict[str, Any]) -> Path | None:
    """A file with the R1CS path's program for the segment argument; None if the package cannot make it."""
    lines = result["parts"].get("r1cs", {}).get("lines", [])
    encoded = lines[0].get("segment_program") if lines else None
    if encoded is None:
        return None
    path = Path(tempfile.mkdtemp(prefix="escapement-bench-")) / "digits.program"
    path.write_bytes(bytes.fromhex(encoded))
    return path


def r1cs_here(folds: int) -> dict[str, Any]:
    """Folds of the R1CS path on examples/digits.toml, after two that do less; no delays beside them."""
    try:
        import _escapement

        from escapement.config import load_config
        from escapement.wiring import create_run
        from escapement.workload import prepare
        from ivc.rundir import RunDirectory
    except ImportError as error:
        return {"not_measured": f"the package is not installed: {error}"}
    config = ROOT / "examples" / "digits.toml"
    with tempfile.TemporaryDirectory(prefix="escapement-bench-") as folder:
        create_run(config, Path(folder) / "run")
        with RunDirectory.open(Path(folder) / "run", lock=False) as opened:
            program, scheme = opened.program, opened.request.scheme
            rows, key = opened.training_rows().to_native(), opened.blinding_key()
    parameters = cache.parameters(program, scheme)
    prover = _escapement.Prover.start(parameters, program, key, *rows, bytes(32), bytes(32))
    measured = []
    for _ in range(2 + folds):
        cpu, start = time.process_time(), time.perf_counter()
        prover.prove_fold(bytes(32))
        measured.append({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu})
    plain = prepare(load_config(config)).program
    try:
        # As many steps per segment, in folds of 16.
        same = replace(plain, arithmetisation="segment", k=16, m=plain.m * plain.k // 16).encode().hex()
    except (TypeError, ValueError):
        same = None  # an older package
    return {
        "k": plain.k,
        "folds": measured[2:],
        "peak_bytes": peak_memory(),
        "segment_program": same,
    }


SAME = "digits, R1CS program"
GROWTH = ((16, 16), (64, 64), (256, 256), (512, 512), (1024, 1024), (2048, 2048))
FULL = {
    "digits": Spec("64-16-10", 8, 16, 1347, 16, "close"),
    "784-128-10": Spec("784-128-10", 32, 8, 4096, 8, "close"),
    "1M": Spec("784-1024-256-10", 16, 8, 4096, 6, "close"),
    **{f"growth {a}-{b}": Spec(f"784-{a}-{b}-10", 16, 8, 4096, 4) for a, b in GROWTH},
    # Powers of two pad least. Its opening, 16 times that of 2^20 elements, is left out.
    "10M": Spec("3072-2048-2048-10", 16, 8, 2048, 4, "dataset"),
}
QUICK = {
    "digits": Spec("64-16-10", 8, 16, 1347, 3, "close"),
    "784-128-10": Spec("784-128-10", 32, 8, 128, 2, "dataset"),
    "growth 16-16": Spec("784-16-16-10", 16, 8, 128, 2),
    "growth 64-64": Spec("784-64-64-10", 16, 8, 128, 2),
}
LEAST_WIDTH = 150  # of tables; a narrower terminal breaks their lines
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs" / "segment-figures.md"

if __name__ == "__main__":
    sys.exit(main())
