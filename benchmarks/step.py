"""The figures of one training step, everything included: digits 64-16-10, batch 8, on this machine.

Runs the demo (delays, folds with their check and saving, compression, verification cold and warm), times the
verification once more in a process that has the key, and prints all of it as JSON on stdout and as a table on
stderr. Kept as benchmarks/results/<date>-<machine>.json, and as docs/figures.md with --docs.

    python benchmarks/step.py [--segments N] [--docs]
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.table import Table

from escapement import console, machine
from ivc import cache, chain
from ivc.bundle import decode_bundle, read_bundle
from ivc.policy import load_policy
from ivc.program import program_info
from ivc.request import Request


def main() -> int:
    """Measure, print, keep; 0 when every target is met, 1 otherwise."""
    parser = argparse.ArgumentParser(description="Measure the figures of one proven training step.")
    parser.add_argument("--segments", type=int, help="segments to train (default: the demo's)")
    parser.add_argument("--docs", action="store_true", help="write docs/figures.md, too")
    arguments = parser.parse_args()
    figures = measure(arguments.segments)
    result = {"date": datetime.date.today().isoformat(), "machine": machine.describe(), "figures": figures}
    console.log(f"kept in {keep(result)}")
    if arguments.docs:
        DOCS.write_text(as_markdown(result), encoding="utf-8")
    console.stderr.print(as_table(figures))
    print(json.dumps(result, indent=2))
    return 0 if all(met(figures, name) for name in TARGETS) else 1


def measure(segments: int | None) -> dict[str, Any]:
    """The demo's report, from a fresh process and folder, and the figures that only a benchmark needs."""
    with tempfile.TemporaryDirectory(prefix="escapement-bench-") as folder:
        out = Path(folder) / "demo"
        command = [sys.executable, "-m", "escapement", "demo", "--out", str(out)]
        command += ["--segments", str(segments)] if segments is not None else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        figures: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
        figures["verify_seconds_with_key"] = verify_with_key(out / "policy.toml", out / "bundle.esc")
    # What a bundle costs whatever its number of checkpoints.
    figures["bundle_bytes_fixed"] = figures["bundle_bytes"] - CHECKPOINT_BYTES * figures["segments"]
    return figures


def verify_with_key(policy_path: Path, bundle_path: Path) -> float:
    """Seconds of a verification whose key is in memory: decoding, C_0, delays, log and proof."""
    policy = load_policy(policy_path)
    data = read_bundle(bundle_path, policy.max_bundle_bytes)
    request = Request.decode(decode_bundle(data, policy.max_bundle_bytes).request)
    key = cache.verifying_key(request.program, request.scheme, policy.verifying_key)
    start = time.perf_counter()
    bundle = decode_bundle(data, policy.max_bundle_bytes)
    manifest = chain.build_manifest(bundle.request, policy)
    head = chain.check_delays(manifest, bundle.segments, bundle.delays)
    folds = len(bundle.segments) * program_info(request.program).folds_per_segment
    key.verify(folds, chain.initial_state(manifest, request), chain.final_state(head, request), bundle.proof)
    return time.perf_counter() - start


def keep(result: dict[str, Any]) -> Path:
    """Write the result under results/, one file per day and machine."""
    described = result["machine"]
    slug = re.sub(r"[^a-z0-9]+", "-", f"{described['cpu']} {described['cores']} cores".lower()).strip("-")
    path = RESULTS / f"{result['date']}-{slug}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def as_table(figures: dict[str, Any]) -> Table:
    """Figure, measured, target, met."""
    table = Table(title="One proven training step: digits 64-16-10, batch 8", title_justify="left")
    for column in ("figure", "measured", "target", "met"):
        table.add_column(column)
    for row in rows(figures):
        table.add_row(*row)
    return table


def as_markdown(result: dict[str, Any]) -> str:
    """The page docs/figures.md."""
    figures, described = result["figures"], result["machine"]
    lines = [
        "# Figures",
        "",
        "Written by `make bench`; edit nothing here. One step is one optimiser update on 8 digits of a",
        f"64-16-10 perceptron. {result['date']}, {described['cpu']}, {described['cores']} cores;",
        f"{figures['steps']} steps in {figures['segments']} segments, {figures['squarings']:,} squarings.",
        "",
        "| figure | measured | target | met |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows(figures)),
        "",
        "The same step by ezkl, in one run with ours: docs/cost.md.",
        "",
        f"Slowdown, folds and compression against NumPy float32: {figures['slowdown']:,.0f} times.",
        "",
        "| part of a fold | constraints |",
        "|---|---|",
        *(f"| {part} | {count:,} |" for part, count in figures["constraints_by_part"].items()),
        f"| everything, recursion included | {figures['constraints_per_fold']:,} |",
    ]
    return "\n".join(lines) + "\n"


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, measured value, target, whether it is met."""
    made = []
    for name, (low, high) in TARGETS.items():
        target = f"≤ {high:,}" if low is None else f"≥ {low:,}"
        value = f"{figures[name]:,.3g}" if isinstance(figures[name], float) else f"{figures[name]:,}"
        made.append((name.replace("_", " "), value, target, "yes" if met(figures, name) else "no"))
    return made


def met(figures: dict[str, Any], name: str) -> bool:
    """Whether the figure lies within its target."""
    low, high = TARGETS[name]
    return bool((low is None or figures[name] >= low) and (high is None or figures[name] <= high))


RESULTS = Path(__file__).resolve().parent / "results"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "figures.md"
CHECKPOINT_BYTES = 294  # an output and a checkpoint in a bundle, rsa-2048
# (at least, at most)
TARGETS: dict[str, tuple[Any, Any]] = {
    "prove_seconds_per_step": (None, 0.4),
    "peak_memory_bytes": (None, 2_000_000_000),
    "compress_seconds": (None, 60),
    "proof_bytes": (None, 15_000),
    "bundle_bytes_fixed": (None, 20_000),
    "verify_seconds_with_key": (None, 1.5),
    "verify_seconds_warm": (None, 5),
    "verify_seconds_cold": (None, 20),
    "total_seconds": (None, 360),
    "test_accuracy": (0.8, None),
}

if __name__ == "__main__":
    sys.exit(main())
