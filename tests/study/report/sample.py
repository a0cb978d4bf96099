"""A raw result with every kind of cell, for the report's tests. Its figures are invented, not measured."""

import copy
import statistics
from itertools import pairwise
from typing import Any

Result = dict[str, Any]

SIZES = ([64, 16, 10], [64, 64, 10], [784, 64, 10], [784, 256, 10], [784, 1024, 128, 10])
FIXED = [784, 64, 10]
# Seconds per step: fixed, and per parameter and sample.
SPEEDS = {
    "numpy": (4e-5, 2.2e-10),
    "torch": (1.1e-4, 1.1e-10),
    "integer": (6e-5, 1.5e-9),
    "segment": (2.5e-3, 9e-9),
    "r1cs-nova": (0.12, 5e-6),
    "ezkl": (11.0, 2e-4),
}
JITTER = (1.0, 0.96, 1.08, 1.02, 0.98, 1.3, 0.99)


def parameters(widths: list[int]) -> int:
    """Weights and biases."""
    return sum((a + 1) * b for a, b in pairwise(widths))


def seconds(prover: str, widths: list[int], batch: int, k: int) -> float:
    """Of one step, by a made-up law."""
    fixed, each = SPEEDS[prover]
    return fixed / (k if prover in ("segment", "r1cs-nova") else 1) + each * parameters(widths) * batch


def cell(prover: str, widths: list[int], axes: list[str], **settings: Any) -> Result:
    """A measured one; `settings` replaces batch, k, m, scheme and whole fields."""
    proves = prover in ("segment", "r1cs-nova", "ezkl")
    batch, k, m = settings.pop("batch", 16), settings.pop("k", 1), settings.pop("m", 1)
    scheme = settings.pop("scheme", {"segment": "ipa", "r1cs-nova": "ipa", "ezkl": "kzg"}.get(prover))
    step = seconds(prover, widths, batch, k)
    count = parameters(widths)
    parts = {
        "segment": {"commitments": 0.4, "lookups": 0.3, "products": 0.2, "check": 0.05},
        "r1cs-nova": {"hashing": 0.35, "range checks": 0.3, "products": 0.25, "recursion": 0.1},
    }.get(prover, {})
    measured = {
        "seconds_per_step": [step * one for one in JITTER],
        "set_up_seconds": 2.0 + count * 1e-5 if proves else None,
        "key_bytes": 40_000_000 + 90 * count if proves else None,
        "peak_bytes": 200_000_000 + 4000 * count if proves else 150_000_000 + 8 * count,
        "proof_bytes": 30_000 * k * m if proves else None,
        "proof_steps": k * m if proves else None,
        "last_seconds": 1.5 if prover in ("segment", "r1cs-nova") else None,
        "verifier_seconds": 1.1 if proves else None,
        "verify_seconds": [0.011 * m, 0.012 * m, 0.0105 * m] if proves else [],
        "parts": {name: share * step * statistics.fmean(JITTER) for name, share in parts.items()},
        "parts_by": {"segment": "time", "r1cs-nova": "constraints"}.get(prover),
        "load_before": 0.4,
        "seconds": 20.0,
        "peak_by": "sampled" if prover == "ezkl" else "kernel",
    }
    name = "-".join(map(str, widths))
    made = {
        "id": f"{prover} {name} B={batch} k={k} m={m} {scheme or ''}".strip(),
        "prover": prover,
        "work": {
            "widths": widths,
            "batch": batch,
            "rows": 1024,
            "parameters": count,
            "program": f"{count:064x}",
        },
        "k": k,
        "m": m,
        "scheme": scheme,
        "axes": axes,
        "status": "measured",
        "reason": "",
        "insecure": INSECURE if prover == "ezkl" else None,
        "estimate": {
            "seconds_per_step": step * 1.2,
            "set_up_seconds": 3.0,
            "memory_bytes": 300_000_000 + 5000 * count,
            "disk_bytes": 50_000_000,
            "source": "measured at 64-32-10, by constraints",
        }
        if proves
        else None,
        "measured": measured,
        "commit": "v0.1-3-gabcdef0",
    }
    return made | settings


def absent(made: Result, status: str, reason: str) -> Result:
    """The cell without its measurement."""
    return made | {"status": status, "reason": reason, "measured": None}


def sample() -> Result:
    """The whole result."""
    cells: list[Result] = []
    for widths in SIZES:
        large = parameters(widths) > 60_000
        cells += [cell(plain, widths, ["parameters"]) for plain in ("numpy", "torch", "integer")]
        cells.append(cell("segment", widths, ["parameters"], k=8))
        nova, peer = cell("r1cs-nova", widths, ["parameters"]), cell("ezkl", widths, ["parameters"])
        needs = "needs about 31.0 GiB of memory, 7.1 GiB are available: fewer parameters need less"
        cells.append(absent(nova, "does-not-fit", needs) if large else nova)
        cells.append(absent(peer, "does-not-fit", needs) if large else peer)
    for batch in (1, 64):
        cells += [cell(p, FIXED, ["batch"], batch=batch) for p in ("numpy", "torch", "integer", "ezkl")]
        cells.append(cell("segment", FIXED, ["batch"], batch=batch, k=8))
    for widths in ([784, 64, 64, 10], [784, 64, 64, 64, 10]):
        cells += [cell(p, widths, ["layers"]) for p in ("numpy", "torch", "r1cs-nova")]
        cells.append(cell("segment", widths, ["layers"], k=8))
    cells += [cell("segment", FIXED, ["fold"], k=k) for k in (1, 2, 32)]
    cells += [cell("segment", FIXED, ["segment"], k=8, m=m) for m in (2, 4)]
    powers = "powers of tau made on this machine: whoever made them can prove anything"
    cells.append(cell("r1cs-nova", FIXED, ["scheme"], scheme="hyperkzg", insecure=powers))
    shared = {"segment": ["batch", "layers", "fold", "segment"], "r1cs-nova": ["layers", "scheme"]}
    for one in cells:
        if one["work"]["widths"] == FIXED and one["axes"] == ["parameters"]:
            one["axes"] = ["parameters", *shared.get(one["prover"], ["batch", "layers"])]
    cells.append(
        absent(cell("ezkl", FIXED, ["scheme"], batch=17), "not-installed", "ezkl is missing: install it")
    )
    killed = "the prover's process was killed by signal 9 after 812 s; it had said: memory allocation failed"
    cells.append(absent(cell("r1cs-nova", FIXED, ["fold"], k=4), "failed", killed))
    cells.append(
        absent(cell("segment", FIXED, ["scheme"], scheme="hyperkzg"), "skipped", "takes no other scheme")
    )
    return {
        "format": "escapement/study/1",
        "name": "sample",
        "seed": 7,
        "date": "2026-11-21",
        "machine": {
            "cpu": "Imaginary CPU @ 3.0 GHz",
            "cores": 2,
            "memory_bytes": 8 << 30,
            "system": "Linux x86_64",
            "python": "3.12.1",
        },
        "commit": "v0.1-3-gabcdef0",
        "versions": {"escapement": "0.1.0", "numpy": "2.3.4", "torch": None, "ezkl": "23.0.5"},
        "options": {"sweep": ["parameters", "batch"], "cell-minutes": 11, "srs": None},
        "cells": cells,
    }


def hostile() -> Result:
    """The sample with strings that try to break out of HTML, Markdown, XML and the terminal."""
    made = copy.deepcopy(sample())
    for i, text in enumerate(HOSTILE):
        made["cells"][-1 - i % 3]["reason"] += text
        made["cells"][i]["id"] += text
    made["cells"][0]["work"]["program"] = made["commit"] = "".join(HOSTILE)
    made["cells"][1]["insecure"] = made["machine"]["cpu"] = "".join(HOSTILE)
    made["options"] = {HOSTILE[0]: HOSTILE[1], "x": {"y": [HOSTILE[2]]}}
    made["cells"][2]["commit"] = HOSTILE[2]
    made["cells"][3]["prover"] = made["cells"][3]["scheme"] = HOSTILE[0]
    made["cells"][8]["measured"]["parts"][HOSTILE[1]] = 0.5
    made["versions"][HOSTILE[0]] = HOSTILE[2]
    return made


INSECURE = "a reference string made on this machine: whoever made it can prove anything"
HOSTILE = (
    "</script><script>document.title='broken'</script>",
    "<!-- /figures --> | `x` | <img src=http://example.invalid/a.png onerror=alert(1)>",
    "]]>&amp;\"'\u2028\u202e\x1b[31m\x00 [red]$\\frac{a}{b}$ ${alert(2)}\r\n|second line",
)
