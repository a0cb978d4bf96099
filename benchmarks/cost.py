"""What proving a training step costs: the reference study, its report and the figures of docs/cost.md.

    python benchmarks/cost.py                  measure, keep raw result, plots and page in benchmarks/results/
    python benchmarks/cost.py --resume --docs  go on where it stopped; write docs/cost.md, too
    python benchmarks/cost.py --from RAW.json --docs    report and docs of a result that was measured before

`escapement bench` measures the same and takes more options; docs/cost.md says what is measured and how.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from escapement import console
from escapement.errors import EscapementError
from escapement.study import report
from escapement.study.report import plots
from ivc.files import write_atomic


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
    try:
        path = arguments.raw or measure(arguments)
        return publish(report.load(path), path, arguments.docs)
    except EscapementError as error:
        console.log(f"error: {error} [{error.code}]")
        return error.exit_code


def measure(arguments: argparse.Namespace) -> Path:
    """Run the study; the raw result's path. Seed 0, as every reference run."""
    import tempfile
    from dataclasses import replace

    from escapement.study.cells import plan_by_name
    from escapement.study.display import Watcher
    from escapement.study.result import Result
    from escapement.study.run import Options, run

    plan = replace(plan_by_name("quick" if arguments.quick else "reference"), hyperkzg=bool(arguments.ptau))
    scratch = Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="escapement-bench-")) if arguments.quick else RESULTS
    result = (Result.resume if arguments.resume else Result.begin)(folder, plan.name, 0)
    with Watcher() as watcher:
        run(Options(plan, 0, scratch, arguments.srs, arguments.ptau), result, watcher)
    return result.path


def publish(result: dict[str, Any], path: Path, docs: bool) -> int:
    """Show the result, write its report beside it, and the docs if asked."""
    for sentence in report.sentences(result):
        console.stderr.print(sentence, markup=False)
    for table in report.tables(result):
        console.stderr.print(table)
    for made in report.write(result, path.parent, path.stem):
        console.log(f"kept in {made}")
    if docs:
        if path.resolve().parent != RESULTS:
            console.log(f"error: --docs: {path} is not in {RESULTS}, where the page's links lead")
            return 2
        page = report.insert(DOCS.read_text(encoding="utf-8"), result, path.stem)
        write_atomic(DOCS, page.encode("utf-8"))
        console.log(f"figures written into {DOCS}")
    return 0


RESULTS = Path(__file__).resolve().parent / "results"
DOCS = RESULTS.parents[1] / "docs" / "cost.md"

if __name__ == "__main__":
    sys.exit(main())
