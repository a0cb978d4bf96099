"""What proving a training step costs: the reference study, its report and the figures of docs/cost.md.

    python benchmarks/cost.py                  measure, keep raw result, plots and page in benchmarks/results/
    python benchmarks/cost.py --resume --docs  go on where it stopped; write docs/cost.md, too
    python benchmarks/cost.py --from RAW.json --docs    report and docs of a result that was measured before

--resume takes the latest result of this machine and of these versions, of whatever day and commit; each cell
says its commit. Exit 1 if a cell failed: then no docs are written. `escapement bench` measures the same and
takes more options; docs/cost.md says what is measured and how.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from escapement import console
from escapement.errors import EscapementError
from escapement.study import report
from escapement.study.report import plots
from vdf.files import write_atomic


def main() -> int:
    """Measure or load, show, keep."""
    parser = argparse.ArgumentParser(description="Measure what proving a training step costs.")
    parser.add_argument("--quick", action="store_true", help="the plan of a minute; figures worth nothing")
    parser.add_argument("--resume", action="store_true", help="keep what the latest result has")
    parser.add_argument("--docs", action="store_true", help="write docs/cost.md, too")
    parser.add_argument("--from", dest="raw", type=Path, help="measure nothing, take this raw result")
    parser.add_argument("--srs", type=Path, help="reference string for ezkl (default: a local one, insecure)")
    parser.add_argument("--ptau", type=Path, help="powers of tau; adds the sweep over commitment schemes")
    arguments = parser.parse_args()
    if arguments.docs and arguments.quick:
        parser.error("--docs: not with --quick, whose figures are worth nothing")
    if arguments.docs and not plots.available():
        parser.error("--docs: needs the plots")
    if arguments.resume and arguments.quick:
        parser.error("--resume: not with --quick, which has a new folder each time")
    try:
        path = arguments.raw or measure(arguments)
        return publish(report.load(path), path, arguments.docs, arguments.raw is None)
    except KeyboardInterrupt:
        return 130
    except EscapementError as error:
        console.log(f"error: {error} [{error.code}]")
        return error.exit_code


def measure(arguments: argparse.Namespace) -> Path:
    """Run the study; the raw result's path. Seed 0, as every reference run."""
    import tempfile
    from dataclasses import replace

    from escapement.study.cells import plan_by_name
    from escapement.study.display import watched
    from escapement.study.result import Result
    from escapement.study.run import Options

    plan = replace(plan_by_name("quick" if arguments.quick else "reference"), hyperkzg=bool(arguments.ptau))
    scratch = Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="escapement-bench-")) if arguments.quick else RESULTS
    files = {"srs": arguments.srs, "ptau": arguments.ptau}
    given = {name: path.name for name, path in files.items() if path is not None}
    result = (Result.resume if arguments.resume else Result.begin)(folder, plan.name, 0, given)
    again = "" if arguments.quick else again_command(sys.argv)
    watched(Options(plan, 0, scratch, arguments.srs, arguments.ptau), result, again)
    return result.path


def again_command(words: list[str]) -> str:
    """The command line that goes on: this one with --resume."""
    return shlex.join(["python", *(word for word in words if word != "--resume"), "--resume"])


def publish(result: dict[str, Any], path: Path, docs: bool, measured: bool) -> int:
    """Show the result, write its report beside it, and the docs if asked and no cell failed; the exit code.

    measured: just now; a failed cell of an earlier study is no failure of this command.
    """
    for sentence in report.sentences(result):
        console.stderr.print(sentence, markup=False)
    for table in report.tables(result):
        console.stderr.print(table)
    for made in report.write(result, path.parent, path.stem):
        console.log(f"kept in {made}")
    failed = [cell["id"] for cell in result["cells"] if cell["status"] == "failed"]
    if failed:
        console.log(f"warning: {len(failed)} cells failed: {', '.join(failed)}")
    if docs:
        if path.resolve().parent != RESULTS:
            console.log(f"error: --docs: {path} is not in {RESULTS}, where the page's links lead")
            return 2
        if failed:
            console.log(f"error: --docs: {DOCS} is left as it was; --resume measures them again")
            return 1
        page = report.insert(DOCS.read_text(encoding="utf-8"), result, path.stem)
        write_atomic(DOCS, page.encode("utf-8"))
        console.log(f"figures written into {DOCS}")
    return 1 if failed and measured else 0


RESULTS = Path(__file__).resolve().parent / "results"
DOCS = RESULTS.parents[1] / "docs" / "cost.md"

if __name__ == "__main__":
    sys.exit(main())
