"""Medians, bounds, growth and targets out of the raw lines that benchmarks/segment.py keeps.

The bound of a fold is what its commitments, range checks and sumchecks would take if every element cost what
it costs alone, by examples speed and base_speed of the same run:

    Σ nonzero scalars·ns(bits) + leaves·ns(logup-GKR) + table entries·ns(sumcheck)

It leaves out what is none of them (products of the trace with itself, passes over the weights, hashing). So a
distance is how much slower the proof is than its three ingredients, not than what is possible.
"""

import itertools
import math
import re
import statistics
from collections.abc import Sequence
from typing import Any

Figures = dict[str, Any]


def derive(result: dict[str, Any]) -> Figures:
    """Everything that the tables show."""
    parts = result["parts"]
    speeds = Speeds(parts)
    programs = {name: program(part, speeds) for name, part in parts.items() if "spec" in part}
    figures: Figures = {"programs": programs, "r1cs": r1cs(parts), "openings": openings(parts)}
    figures["nanoseconds"] = speeds.table()
    figures["growth"] = growth(programs)
    figures["targets"] = targets(figures)
    return figures


def summary(values: Sequence[float]) -> dict[str, float]:
    """Minimum, quartiles, maximum, and how many there were."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    low, median, high = quartiles
    return {
        "min": min(values),
        "q1": low,
        "median": median,
        "q3": high,
        "max": max(values),
        "n": len(values),
    }


def lines_of(part: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """What the lines of a kind hold."""
    return [line[kind] for line in part["lines"] if kind in line]


def program(part: dict[str, Any], speeds: "Speeds") -> Figures:
    """Figures of one program; the first fold is left out."""
    shape, folds = lines_of(part, "shape")[0], lines_of(part, "fold")[1:]
    setup, work = lines_of(part, "setup")[0], lines_of(part, "work")[0]
    closings, k = lines_of(part, "closing"), shape["k"]
    rounds = shape["rounds"]

    def per_step(*names: str) -> dict[str, float]:
        return summary([sum(fold[name] for name in names) / k for fold in folds])

    split = {title: per_step(*names) for title, names in SPLIT.items()}
    peaks = {
        "setup": setup["peak_bytes"],
        "folds": max(fold["peak_bytes"] for fold in lines_of(part, "fold")),
        "closing": closings[0]["peak_bytes"] if closings else None,
    }
    made: Figures = {
        "shape": shape,
        "load_before": part["load_before"],
        "exit_status": part.get("exit_status", 0),
        "seconds_per_step": per_step("train", "prove"),
        "cpu_seconds_per_step": per_step("cpu"),
        "split": split,
        "verify_seconds": summary([fold["verify"] for fold in folds]),
        "rounds": rounds,
        "rounds_beside": sum(count for stage, count in rounds.items() if stage != "lookups"),
        "rounds_beside_both": sum(rounds[stage] for stage in ("rows", "columns", "wiring")),
        "proof_bytes": folds[0]["proof_bytes"],
        "peaks": peaks,
        "peak_bytes": max(peak for peak in peaks.values() if peak is not None),
        "setup": setup,
        "closing": closings[0] if closings else None,
        "bound": None,
    }
    if speeds.complete:
        bound = speeds.bound(work)
        measured = {
            "commitments": ("commit",),
            "range checks": ("lookups",),
            "sumchecks": ("products", "wiring", "opening"),
        }
        times = {what: per_step(*names)["median"] for what, names in measured.items()}
        total = sum(bound.values()) / k
        made["bound"] = {
            "seconds_per_step": total,
            "distance": per_step("prove")["median"] / total,
            "parts": {what: seconds / k for what, seconds in bound.items()},
            "distances": {what: times[what] * k / seconds for what, seconds in bound.items()},
        }
    return made


class Speeds:
    """Seconds per element, from the size measured that is nearest to the one asked for."""

    def __init__(self, parts: dict[str, Any]) -> None:
        pedersen = parts.get("pedersen", {"lines": []})["lines"]
        self._commit: dict[int, dict[str, float]] = {
            line["commit"]: line["ns"] for line in pedersen if "commit" in line
        }
        self._text: dict[str, dict[int, float]] = {}
        for line in [
            line for name in ("sumcheck", "lookup") for line in parts.get(name, {"lines": []})["lines"]
        ]:
            if found := TEXT.match(line):
                self._text.setdefault(found[2], {})[int(found[1])] = float(found[3])
        self.complete = bool(self._commit) and all(name in self._text for name in TEXTS)

    def table(self) -> Figures:
        """Nanoseconds by what, then by log2 of the size."""
        made: Figures = {}
        for size, row in self._commit.items():
            for width, nanoseconds in row.items():
                made.setdefault(f"commitment, {width}", {})[size.bit_length() - 1] = nanoseconds
        return made | self._text

    def commit(self, bits: int, count: int) -> float:
        """Seconds per scalar, between the widths measured by straight lines."""
        row = self._commit[nearest(self._commit, count)]
        below = [width for width in WIDTHS if width <= bits] or [1]
        above = [width for width in WIDTHS if width >= bits] or [254]
        low, high = row[WIDTHS[below[-1]]], row[WIDTHS[above[0]]]
        share = (bits - below[-1]) / max(1, above[0] - below[-1])
        return (low + share * (high - low)) * 1e-9

    def element(self, what: str, count: int) -> float:
        """Seconds per element of a line of base_speed."""
        sizes = {1 << log: nanoseconds for log, nanoseconds in self._text[what].items()}
        return sizes[nearest(sizes, count)] * 1e-9

    def bound(self, work: dict[str, Any]) -> dict[str, float]:
        """Seconds of one fold by kind of work."""
        scalars = {int(bits): count for bits, count in work["commit"].items() if count}
        total = sum(scalars.values())
        cubic, padded = work["cubic"], work["padded"]
        return {
            "commitments": sum(count * self.commit(bits, total) for bits, count in scalars.items()),
            "range checks": work["lookups"] * self.element(LOOKUP, work["lookups"]),
            "sumchecks": cubic * self.element(CUBIC, cubic // 3)
            + padded["integers"] * self.element(PADDED_SMALL, padded["integers"] // 2)
            + padded["elements"] * self.element(PADDED_FULL, padded["elements"] // 2),
        }


def nearest(sizes: dict[int, Any], count: int) -> int:
    """The size with the least ratio to `count`."""
    return min(sizes, key=lambda size: abs(math.log(size / max(1, count))))


def r1cs(parts: dict[str, Any]) -> Figures | None:
    """Seconds per step of the R1CS path, or why there are none."""
    if "r1cs" not in parts:
        return None
    line = parts["r1cs"]["lines"][0]
    if "not_measured" in line:
        return {"not_measured": line["not_measured"]}
    return {
        "k": line["k"],
        "seconds_per_step": summary([fold["seconds"] / line["k"] for fold in line["folds"]]),
        "cpu_seconds_per_step": summary([fold["cpu"] / line["k"] for fold in line["folds"]]),
        "peak_bytes": line["peak_bytes"],
    }


def openings(parts: dict[str, Any]) -> list[Figures]:
    """Openings by size, nova-snark's own first."""
    made = []
    for line in parts.get("pedersen", {"lines": []})["lines"]:
        if "nova_open" in line:
            made.append({"maker": "nova-snark", "size": line["nova_open"], "seconds": summary(line["s"])})
        elif "open" in line:
            one = {"maker": "pedersen", "size": line["open"], "seconds": summary(line["s"])}
            made.append(one | {"verify_seconds": summary(line["verify_s"])})
    return made


def growth(programs: dict[str, Figures]) -> Figures | None:
    """Seconds per step against parameters, at the same batch and k, and the slopes between neighbours."""
    chosen = [one for name, one in programs.items() if name.startswith("growth") or name == "10M"]
    chosen.sort(key=lambda one: int(one["shape"]["parameters"]))
    if len(chosen) < 2:
        return None
    names = ["-".join(str(width) for width in one["shape"]["widths"]) for one in chosen]
    points = [(one["shape"]["parameters"], one["seconds_per_step"]["median"]) for one in chosen]
    slopes = [slope(one, other) for one, other in itertools.pairwise(points)]
    return {
        "widths": names,
        "parameters": [point[0] for point in points],
        "seconds_per_step": [one["seconds_per_step"] for one in chosen],
        "cpu_seconds_per_step": [one["cpu_seconds_per_step"] for one in chosen],
        "bounds": [one["bound"] and one["bound"]["seconds_per_step"] for one in chosen],
        "slopes": slopes,
        "slope": slope(points[0], points[-1]),
    }


def slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Of a line through two points on logarithmic axes."""
    return math.log(other[1] / one[1]) / math.log(other[0] / one[0])


def targets(figures: Figures) -> list[Figures]:
    """Every target with its figure (None: not measured)."""
    programs, made = figures["programs"], []

    def add(what: str, value: float | None, limit: float, unit: str) -> None:
        made.append(
            {
                "what": what,
                "value": value,
                "limit": limit,
                "unit": unit,
                "met": None if value is None else value <= limit,
            }
        )

    for name, limit, when in STEP_TARGETS:
        one = programs.get(name)
        add(f"{name}: time per step{when}", one and one["seconds_per_step"]["median"], limit, "s")
    for name, limit in PEAK_TARGETS:
        one = programs.get(name)
        whole = one if one is not None and one["exit_status"] == 0 else None
        add(f"{name}: peak memory", whole and whole["peak_bytes"], limit, "B")
    digits = programs.get("digits")
    rounds = "digits: rounds beside logup-GKR, the accumulating opening included"
    add(rounds, digits and digits["rounds_beside"], 80, "")
    for name, one in programs.items():
        add(f"{name}: verification of a fold", one["verify_seconds"]["median"], 0.02, "s")
    largest = [one["seconds"]["median"] for one in figures["openings"] if one["size"] == 1 << 20]
    add("opening of 2^20", largest[0] if largest else None, 25, "s")
    grown = figures["growth"]
    add("growth: slope from first to last", grown and grown["slope"], 0.9, "")
    add("growth: steepest slope between neighbours", grown and max(grown["slopes"]), 1, "")
    return made


# Title of a part: the names of its times in a fold's line.
SPLIT = {
    "commit": ("commit",),
    "range checks": ("lookups",),
    "products": ("products",),
    "wiring": ("wiring",),
    "opening": ("opening",),
    "other": ("other",),
    "training": ("train",),
}
STEP_TARGETS = (
    ("digits", 0.03, ""),
    ("784-128-10", 0.15, ""),
    ("1M", 0.5, ""),
    ("1M", 0.3, ", the goal after"),
    ("10M", 3.0, ""),
)
PEAK_TARGETS = (("1M", 4e9), ("10M", 12e9))
WIDTHS = {
    1: "bits",
    8: "u8",
    10: "10 bits",
    16: "u16",
    32: "u32",
    48: "48 bits signed",
    64: "u64",
    254: "full",
}
TEXT = re.compile(r"2\^(\d+) ([^\d].*?)(?:, \d+ leaves)? +[\d.]+ ms +([\d.]+) ns/element")
LOOKUP = "logup-GKR"
CUBIC = "sumcheck, Fr·u8·u16, degree 3"
PADDED_SMALL = "padded product, Fr·u16"
PADDED_FULL = "padded product"
TEXTS = (LOOKUP, CUBIC, PADDED_SMALL, PADDED_FULL)
