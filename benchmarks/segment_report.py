"""Tables, plot and page of the segment argument's figures; see benchmarks/segment.py."""

import importlib.util
from pathlib import Path
from typing import Any

from rich.table import Table

from escapement import console

Figures = dict[str, Any]
Rows = list[list[str]]  # the first is the head


def sections(figures: Figures) -> dict[str, Rows]:
    """Every table by its title, empty ones left out."""
    programs: dict[str, Figures] = figures["programs"]
    made = {
        "Targets": [["figure", "measured", "target", "met"]]
        + [
            [
                one["what"],
                shown(one["value"], one["unit"]),
                f"≤ {shown(one['limit'], one['unit'])}",
                yes(one["met"]),
            ]
            for one in figures["targets"]
        ],
        "Seconds per step, training and accumulation included": [
            [
                "program",
                "parameters",
                "B",
                "k",
                "median",
                "least",
                "quartiles",
                "folds",
                "CPU s",
                "load before",
            ]
        ]
        + [step_row(name, one) for name, one in programs.items()],
        "Milliseconds per step by part (medians)": split_rows(programs),
        "Distance to the bound": bound_rows(programs),
        "Rounds of a fold, its proof and verification": [
            [
                "program",
                *STAGES,
                "beside logup-GKR",
                "beside logup-GKR and opening",
                "proof bytes",
                "verify ms",
                "quartiles",
            ]
        ]
        + [round_row(name, one) for name, one in programs.items()],
        "Memory of the process": [["program", "generators and dataset", "folds", "closing", "largest vector"]]
        + [memory_row(name, one) for name, one in programs.items()],
        "Once per run: dataset proof and closing": once_rows(programs),
        "Growth at B = 16, k = 8": growth_rows(figures["growth"]),
        "Openings": [["by", "values", "seconds", "least", "quartiles", "verify s"]]
        + [opening_row(one) for one in figures["openings"]],
        "Digits on the R1CS path": r1cs_rows(figures),
        "Nanoseconds per element alone, by log2 of the size (least of three)": speed_rows(
            figures["nanoseconds"]
        ),
    }
    return {title: rows for title, rows in made.items() if len(rows) > 1}


def step_row(name: str, one: Figures) -> list[str]:
    """Widths, sizes, time."""
    shape, seconds = one["shape"], one["seconds_per_step"]
    widths = "-".join(str(width) for width in shape["widths"])
    return [
        name if name == widths else f"{name}: {widths}",
        f"{shape['parameters']:,}",
        str(shape["batch"]),
        str(shape["k"]),
        *spread(seconds),
        str(seconds["n"]),
        f"{one['cpu_seconds_per_step']['median']:.4g}",
        f"{one['load_before']:.1f}",
    ]


def spread(values: Figures) -> list[str]:
    """Median, least, quartiles."""
    return [f"{values['median']:.4g}", f"{values['min']:.4g}", f"{values['q1']:.4g} to {values['q3']:.4g}"]


def split_rows(programs: dict[str, Figures]) -> Rows:
    """One column per part."""
    parts = list(next(iter(programs.values()))["split"]) if programs else []
    rows = [["program", *parts, "overhead over training"]]
    for name, one in programs.items():
        medians = [one["split"][part]["median"] for part in parts]
        times = one["seconds_per_step"]["median"] / one["split"]["training"]["median"]
        rows.append([name, *(f"{median * 1000:.3g}" for median in medians), f"{times:,.1f} times"])
    return rows


def bound_rows(programs: dict[str, Figures]) -> Rows:
    """Milliseconds per step of the bound, and how many times that the proof takes."""
    rows = [
        [
            "program",
            "bound ms",
            "of which commitments",
            "range checks",
            "sumchecks",
            "proof / bound",
            *DISTANCES,
        ]
    ]
    for name, one in programs.items():
        if bound := one["bound"]:
            parts = [f"{bound['parts'][part] * 1000:.3g}" for part in DISTANCES.values()]
            times = [f"{bound['distances'][part]:.2f}" for part in DISTANCES.values()]
            total = f"{bound['seconds_per_step'] * 1000:.3g}"
            rows.append([name, total, *parts, f"{bound['distance']:.2f}", *times])
    return rows


def round_row(name: str, one: Figures) -> list[str]:
    """Rounds by stage, bytes, verification."""
    verify = {key: value * 1000 for key, value in one["verify_seconds"].items()}
    rounds = [str(one["rounds"][stage]) for stage in STAGES]
    beside = [str(one["rounds_beside"]), str(one["rounds_beside_both"])]
    median, _, quartiles = spread(verify)
    return [name, *rounds, *beside, f"{one['proof_bytes']:,}", median, quartiles]


def memory_row(name: str, one: Figures) -> list[str]:
    """Peaks by phase."""
    peaks = one["peaks"]
    shown = ["" if peaks[phase] is None else console.human_bytes(peaks[phase]) for phase in peaks]
    return [name, *shown, f"2^{one['shape']['n_o']}"]


def once_rows(programs: dict[str, Figures]) -> Rows:
    """Of the programs that were closed."""
    rows = [
        ["program", "dataset", "commit s", "prove s", "verify s", "bytes", "closing s", "verify s", "bytes"]
    ]
    for name, one in programs.items():
        setup, closing = one["setup"], one["closing"]
        if "dataset_prove_seconds" not in setup:
            continue
        times = [setup[f"dataset_{what}_seconds"] for what in ("commit", "prove", "verify")]
        cells = [f"{seconds:.3g}" for seconds in times] + [f"{setup['dataset_proof_bytes']:,}"]
        last = [f"failed, status {one['exit_status']}" if one["exit_status"] else "", "", ""]
        if closing is not None:
            seconds = [f"{closing[what]:.3g}" for what in ("prove_seconds", "verify_seconds")]
            last = [*seconds, f"{closing['proof_bytes']:,}"]
        rows.append([name, f"{one['shape']['rows']:,} rows, 2^{one['shape']['n_d']}", *cells, *last])
    return rows


def growth_rows(growth: Figures | None) -> Rows:
    """Time by parameters."""
    rows = [
        [
            "widths",
            "parameters",
            "s per step",
            "CPU s",
            "µs per parameter",
            "bound s",
            "slope from the one before",
        ]
    ]
    for i, widths in enumerate(growth["widths"] if growth else []):
        assert growth is not None
        count, bound = growth["parameters"][i], growth["bounds"][i]
        seconds, cpu = (growth[name][i]["median"] for name in ("seconds_per_step", "cpu_seconds_per_step"))
        rows.append(
            [
                widths,
                f"{count:,}",
                f"{seconds:.4g}",
                f"{cpu:.4g}",
                f"{seconds / count * 1e6:.3g}",
                "" if bound is None else f"{bound:.3g}",
                "" if i == 0 else f"{growth['slopes'][i - 1]:.2f}",
            ]
        )
    return rows


def opening_row(one: Figures) -> list[str]:
    """By maker and size."""
    check = one.get("verify_seconds")
    size = f"2^{one['size'].bit_length() - 1}"
    return [one["maker"], size, *spread(one["seconds"]), f"{check['median']:.3g}" if check else ""]


def r1cs_rows(figures: Figures) -> Rows:
    """Beside the segment argument, its own program first."""
    rows = [["path", "k", "s per step", "least", "quartiles", "CPU s", "peak", "R1CS takes"]]
    path: Figures | None = figures["r1cs"]
    if path is None:
        return rows
    if "not_measured" in path:
        return [*rows, ["R1CS", "", f"not measured: {path['not_measured']}", "", "", "", "", ""]]
    base = path["seconds_per_step"]["median"]
    compared = {"R1CS, folded by Nova": path}
    for name in ("digits, R1CS program", "digits"):
        if one := figures["programs"].get(name):
            note = "the same program" if "R1CS" in name else "16-bit activations, 8-bit inputs"
            compared[f"segment, {note}"] = one | {"k": one["shape"]["k"]}
    for name, one in compared.items():
        seconds = one["seconds_per_step"]
        cells = [*spread(seconds), f"{one['cpu_seconds_per_step']['median']:.3g}"]
        rows.append([name, str(one["k"]), *cells, console.human_bytes(one["peak_bytes"])])
        rows[-1].append(f"{base / seconds['median']:.1f} times")
    return rows


def speed_rows(nanoseconds: dict[str, dict[int, float]]) -> Rows:
    """One row per kind of element."""
    sizes = sorted({size for row in nanoseconds.values() for size in row})
    rows = [["element", *(str(size) for size in sizes)]]
    for what, row in nanoseconds.items():
        rows.append([what, *(f"{row[size]:,.0f}" if size in row else "" for size in sizes)])
    return rows


def tables(figures: Figures) -> list[Table]:
    """For a terminal."""
    made = []
    for title, rows in sections(figures).items():
        table = Table(title=title, title_justify="left")
        for column in rows[0]:
            table.add_column(column)
        for row in rows[1:]:
            table.add_row(*row)
        made.append(table)
    return made


def as_markdown(result: dict[str, Any], figures: Figures, drawing: str | None) -> str:
    """The page docs/segment-figures.md."""
    described = result["machine"]
    commits = ", ".join(dict.fromkeys(part["commit"] for part in result["parts"].values()))
    lines = [
        "# Figures of the segment argument",
        "",
        "Written by `benchmarks/segment.py --docs`; edit nothing here. "
        f"{result['date']}, {described['cpu']}, {described['cores']} cores; commit {commits}.",
        "",
        "Times are wall time on all cores, medians over folds; a run's first fold, which accumulates on",
        "nothing, is left out. CPU time is that of all threads: on a busy machine, wall time is more than",
        "CPU time over cores; the load average before every part is shown. Programs are perceptrons with",
        "ReLU, biases, 16-bit activations and gradients and 8-bit inputs. Features are random, four in five",
        "the lowest value; labels are random; the weights are those of the first steps. Each program runs in",
        "a process of its own. Vectors are powers of two long: a width just above one pays for the next.",
        "",
        "The bound is what commitments, range checks and sumchecks of a fold's elements would take at the",
        "speed that each has alone, measured in the same run at the nearest size; what else a proof does is",
        "not in it. Proof / bound is without training; behind it, every part's own.",
        "",
    ]
    if drawing is not None:
        lines += [f"![seconds per step by parameters, and by part](../benchmarks/results/{drawing})", ""]
    for title, rows in sections(figures).items():
        lines += [f"## {title}", "", f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in rows[1:]] + [""]
    return "\n".join(lines)


def plot(result: dict[str, Any], figures: Figures, path: Path) -> bool:
    """Draw growth and parts; False, and the remedy on stderr, without matplotlib."""
    growth, programs = figures["growth"], figures["programs"]
    if importlib.util.find_spec("matplotlib") is None:
        console.log("No plot: matplotlib is missing; `make bench` installs it (extra `bench`).")
        return False
    if not programs:
        return False
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "escapement"
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    if growth is not None:
        counts, seconds = growth["parameters"], [one["median"] for one in growth["seconds_per_step"]]
        around = [
            [one["median"] - one["q1"], one["q3"] - one["median"]] for one in growth["seconds_per_step"]
        ]
        error = [list(side) for side in zip(*around, strict=True)]
        left.errorbar(counts, seconds, yerr=error, marker="o", color="#35618f", capsize=3, label="measured")
        if all(bound is not None for bound in growth["bounds"]):
            left.plot(counts, growth["bounds"], marker=".", linestyle=":", color="#8f6135", label="bound")
        ends = [counts[0], counts[-1]]
        line = [seconds[0], seconds[0] * ends[1] / ends[0]]
        left.plot(ends, line, linestyle="--", color="#999999", linewidth=1, label="slope 1")
        for i, value in enumerate(growth["slopes"]):
            at = (counts[i] * counts[i + 1]) ** 0.5, (seconds[i] * seconds[i + 1]) ** 0.5
            left.annotate(f"{value:.2f}", at, xytext=(4, -12), textcoords="offset points", fontsize=8)
        left.set_xscale("log")
        left.set_yscale("log")
        left.set_xlabel("parameters")
        left.set_title("seconds per step at B = 16, k = 8, and slopes", fontsize=10)
        left.legend(frameon=False, fontsize=8)
    shares = {name: one["split"] for name, one in programs.items()}
    below = [0.0] * len(shares)
    for part in next(iter(shares.values())):
        totals = [sum(one["median"] for one in split.values()) for split in shares.values()]
        values = [split[part]["median"] / total for split, total in zip(shares.values(), totals, strict=True)]
        right.barh(list(shares), values, left=below, label=part)
        below = [start + value for start, value in zip(below, values, strict=True)]
    right.invert_yaxis()
    right.set_title("share of a step by part", fontsize=10)
    right.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.4, -0.06))
    figure.suptitle(f"{result['machine']['cpu']}, {result['date']}", fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    console.log(f"drawn in {path}")
    return True


def shown(value: float | None, unit: str) -> str:
    """With its unit; times below a second in milliseconds."""
    if value is None:
        return "not measured"
    if unit == "B":
        return f"{value / 1e9:.2f} GB"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def yes(met: bool | None) -> str:
    """In words."""
    return "" if met is None else "yes" if met else "no"


STAGES = ("rows", "columns", "wiring", "lookups", "opening")
# Column: part of the bound.
DISTANCES = {
    "commit / its bound": "commitments",
    "range checks / theirs": "range checks",
    "sumchecks / theirs": "sumchecks",
}
