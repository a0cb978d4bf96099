"""Tables, plots and files: what fits, what is the same twice, and what happens without matplotlib."""

import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from escapement.errors import InputError
from escapement.study import report
from escapement.study.report import axes, notes, plots, shown
from escapement.study.report.figures import Spread, derive
from escapement.study.report.html import CAPTIONS
from escapement.study.report.page import STYLE
from escapement.study.report.plots import draw
from escapement.study.report.sheets import sheets
from escapement.study.report.text import terminal
from tests.study.report.sample import FIXED, SIZES, cell, hostile, sample

ROOT = Path(__file__).parents[3]
NAMES = ["slowdown", "seconds", "memory", "parts", "sweeps", "proofs"]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0 s"),
        (4.2e-6, "4.20 µs"),
        (0.0123, "12.3 ms"),
        (0.9996, "1,000 ms"),
        (1.0, "1.00 s"),
        (59.99, "60.0 s"),
        (333.3, "333 s"),
        (661.6, "11 min 02 s"),
        (90_000, "1 d 1 h"),
    ],
)
def test_seconds_are_read_with_their_unit(value: float, text: str) -> None:
    assert shown.seconds(value) == text


def test_ratios_have_three_digits_and_quartiles_one_unit() -> None:
    assert [shown.times(v) for v in (0.0123, 0.5, 3.14159, 42.42, 12345.6)] == [
        "0.0123×",
        "0.500×",
        "3.14×",
        "42.4×",
        "12,300×",
    ]
    assert shown.quartiles(Spread(2e-3, 1e-3, 3e-3, 3)) == "1.00 to 3.00 ms"
    assert shown.quartiles(Spread(1.0, 1.0, 1.0, 1)) == "one only"
    assert shown.quartiles(Spread(1.0, 0.9, 1.1, 3)) == "900 ms to 1.10 s"
    assert (shown.slope(-0.25), shown.slope(0.5)) == ("−0.25", "+0.50")


def printed(width: int, result: Any) -> list[str]:
    """The terminal's lines."""
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        for sheet in sheets(derive(result)).values():
            console.print(terminal(sheet, width))
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 100, 160, 400])
@pytest.mark.parametrize("make", [sample, hostile])
def test_tables_never_pass_the_terminals_edge(width: int, make: Any) -> None:
    lines = printed(width, make())
    assert [line for line in lines if len(line) > width] == []
    assert not any("\x1b" in line or "\x00" in line for line in lines)


@pytest.mark.parametrize("width", [80, 100, 120, 250])
def test_figures_do_not_wrap_and_what_is_left_out_is_said(width: int) -> None:
    lines = printed(width, sample())
    for name, sheet in sheets(derive(sample())).items():
        kept = [str(column.header) for column in terminal(sheet, width).columns]
        places = [i for i, column in enumerate(sheet.columns) if column.title in kept]
        gone = [column.title for column in sheet.columns if column.title not in kept]
        said = f"Left out for width: {', '.join(gone)}." if gone else ""
        assert str(terminal(sheet, width).caption).endswith(said), name
        whole = [[row[i].text for i in places if not sheet.columns[i].prose] for row in sheet.rows]
        assert [row for row in whole if not any(all(text in line for text in row) for line in lines)] == []


def test_no_rows_no_table() -> None:
    lone = sample() | {"cells": [cell("numpy", FIXED, ["parameters"])]}
    assert [str(table.title) for table in report.tables(lone)] == [
        "By parameters",
        "Set-up, keys, memory, proofs, verification",
        "Machine and versions",
    ]
    assert report.sentences(lone) == [
        "No prover was measured beside plain training of the same step, so this study has no answer."
    ]


def test_the_answer_names_both_ends_the_slope_and_what_is_insecure() -> None:
    verdict, *rest = report.sentences(sample())
    assert verdict.endswith(
        "With segment (not zero-knowledge, 8 steps per fold), a day of plain training becomes 11.0 days at "
        "1,210 parameters and 76.9 days at 936,330 parameters, both on this processor. The one that hides "
        "weights, r1cs-nova (1 step per fold): 21,000× at its largest size, 50,890 parameters."
    )
    assert rest[0] == (
        "Up to 4,810 parameters plain training takes under twice its time at 1,210: there the factor is over "
        "Python's call overhead."
    )
    assert rest[2] == (
        "segment (not zero-knowledge, 8 steps per fold): 11.0 times plain training (NumPy) at 1,210 "
        "parameters, 76.9 times plain training (torch) at 936,330 parameters (184 with the last proof spread "
        "over 8 steps); slope +0.30 over 5 sizes: between 1,210 and 936,330 parameters it grew about 2.02 "
        "times for every ten times the parameters."
    )
    assert [text.split(":")[0] for text in rest[1:5]] == [
        "integer (training without a proof)",
        "segment (not zero-knowledge, 8 steps per fold)",
        "r1cs-nova (1 step per fold)",
        "ezkl (rounding left to the prover, insecure reference string, 1 step per fold)",
    ]
    assert [text for text in rest if text.startswith("Insecure as measured")] == [
        "Insecure as measured (ezkl kzg): a reference string made on this machine: whoever made it can prove "
        "anything.",
        "Insecure as measured (r1cs-nova hyperkzg): powers of tau made on this machine: whoever made them "
        "can prove anything.",
    ]
    assert [text.split(":")[0] for text in rest if text.startswith("Not measured")] == [
        "Not measured, r1cs-nova at 203,530 parameters (does not fit)",
        "Not measured, ezkl at 203,530 parameters (does not fit)",
    ]


def test_two_sizes_have_no_slope_and_a_prover_that_hides_nothing_is_not_alone_in_the_verdict() -> None:
    widths = ([64, 16, 10], [64, 32, 10])
    made = [cell(prover, one, ["parameters"]) for prover in ("numpy", "segment") for one in widths]
    verdict, *rest = report.sentences(sample() | {"cells": made})
    assert verdict.endswith(" r1cs-nova, the one that hides weights, was not measured beside plain training.")
    assert not any("slope" in text for text in rest)
    made = [cell(prover, one, ["parameters"]) for prover in ("numpy", "r1cs-nova") for one in widths]
    verdict = report.sentences(sample() | {"cells": made})[0]
    assert "With r1cs-nova (1 step per fold), a day" in verdict and "hides" not in verdict


def test_sweeps_over_folds_spread_no_last_proof_and_titles_differ() -> None:
    for name, sheet in sheets(derive(sample())).items():
        titles = [column.title for column in sheet.columns if column.title]
        assert len(set(titles)) == len(titles), name
        assert ("with last proof" in titles) == (name in ("headline", "parameters", "batch", "layers")), name


def test_notes_say_what_figures_are_worth() -> None:
    small = [
        cell(prover, widths, ["parameters", "batch"], batch=batch)
        for prover in ("numpy", "segment")
        for widths in SIZES[:2]
        for batch in (8, 16)
    ]
    made = {name: sheet.note for name, sheet in sheets(derive(sample())).items()}
    assert made["parameters"].endswith(" Features differ with size, too: 64, 784.")
    assert "m, the folds per segment, changes nothing" in made["segment"]
    assert "read seconds per step" not in made["batch"]
    assert sheets(derive(sample() | {"cells": small}))["batch"].note.endswith(
        "At these sizes plain training is mostly call overhead, so slowdown here is the prover's time over "
        "nearly a constant: read seconds per step."
    )
    assert made["sizes"].endswith(f" {notes.SAMPLED} {notes.EZKL}")
    assert "It is no measurement of time" in made["parts"] and "check: training and the" in made["parts"]
    assert "wiring" not in made["parts"]


def test_sampled_peaks_are_bounds_and_repetitions_are_counted() -> None:
    made = sheets(derive(sample()))
    titles = [column.title for column in made["sizes"].columns]
    peaks = {row[0].text: row[titles.index("peak memory")].text[:2] == "≥ " for row in made["sizes"].rows}
    assert {name for name, sampled in peaks.items() if sampled} == {"ezkl"}
    counts = {row[titles.index("n")].text for row in made["sizes"].rows}
    assert counts == {"", "3"}
    titles = [column.title for column in made["parameters"].columns]
    assert {row[titles.index("n")].text for row in made["parameters"].rows} == {"7", ""}


def test_commits_of_cells_are_listed_once() -> None:
    result = sample()
    result["cells"][4]["commit"] = "v0.2"
    rows = {row[0].text: row[1].text for row in sheets(derive(result))["machine"].rows}
    assert rows["measured at"] == "v0.1-3-gabcdef0, v0.2"
    for one in result["cells"]:
        one["commit"] = ""
    assert "measured at" not in [row[0].text for row in sheets(derive(result))["machine"].rows]


def test_an_empty_study_has_a_page(tmp_path: Path) -> None:
    paths = report.write(sample() | {"cells": []}, tmp_path, "sample")
    assert [path.suffix for path in paths] == [".html"]
    assert "so this study has no answer" in paths[0].read_text(encoding="utf-8")


# --- plots ------------------------------------------------------------------------------------------------


def test_plots_are_the_same_twice_and_are_xml() -> None:
    for make in (sample, hostile):
        drawn = draw(derive(make()))
        assert list(drawn) == NAMES
        assert draw(derive(make())) == drawn
        for svg in drawn.values():
            assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
            assert "<dc:date>" not in svg


def test_estimates_are_open_markers_joined_to_nothing() -> None:
    """The series measured at three of five sizes has three joined points; its estimates stand alone."""
    figure = plots.slowdown(derive(sample()))
    assert figure is not None
    colour = axes.PROVERS["ezkl"][0]
    drawn = [line for line in figure.axes[0].lines if line.get_color() == colour and line.get_marker() == "P"]
    assert [len(line.get_xdata()) for line in drawn] == [3, 1, 1]
    assert [line.get_markerfacecolor() for line in drawn] == [colour, "none", "none"]


def test_where_plain_training_is_call_overhead_the_plot_is_grey() -> None:
    figure = plots.slowdown(derive(sample()))
    assert figure is not None
    (grey,) = figure.axes[0].patches
    left, right = grey.get_extents().transformed(figure.axes[0].transData.inverted()).intervalx
    assert (left, right) == pytest.approx((figure.axes[0].get_xlim()[0], 4810))
    widths = ([64, 16, 10], [784, 1024, 10])
    steep = [cell(prover, one, ["parameters"]) for prover in ("numpy", "segment") for one in widths]
    figure = plots.slowdown(derive(sample() | {"cells": steep}))
    assert figure is not None and not figure.axes[0].patches


def test_shares_of_time_and_of_constraints_are_drawn_apart() -> None:
    figure = plots.parts(derive(sample()))
    assert figure is not None
    assert [panel.get_title().split(" (")[0] for panel in figure.axes] == [
        "Share of a step's time",
        "Share of constraints, not measured as time",
    ]
    assert [[tick.get_text().split(",")[0] for tick in one.get_yticklabels()] for one in figure.axes] == [
        ["segment"] * 5,
        ["r1cs-nova"] * 3,
    ]


def test_without_a_baseline_no_slowdown_is_drawn() -> None:
    alone = sample() | {"cells": [cell("segment", FIXED, ["parameters", "fold"])]}
    assert list(draw(derive(alone))) == ["seconds", "memory", "parts", "proofs"]


def test_equal_values_and_one_point_have_axes() -> None:
    one = [cell(prover, FIXED, ["parameters"]) for prover in ("numpy", "segment")]
    assert "slowdown" in draw(derive(sample() | {"cells": one}))


def test_without_matplotlib_there_is_a_page_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else found(name, *rest)
    )
    (path,) = report.write(sample(), tmp_path, "sample")
    page = path.read_text(encoding="utf-8")
    assert "<svg" not in page and 'id="table-cells"' in page
    assert "matplotlib is missing; `make cost` installs it" in capsys.readouterr().err


# --- files ------------------------------------------------------------------------------------------------


def test_write_names_files_after_the_result_and_leaves_nothing_else(tmp_path: Path) -> None:
    stem = "cost-2026-11-21-imaginary-cpu"
    paths = report.write(sample(), tmp_path / "new" / "folder", stem)
    assert [path.name for path in paths] == [f"{stem}.html", *(f"{stem}-{name}.svg" for name in NAMES)]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for path in paths[1:]:
        assert ElementTree.parse(path).getroot()[0].text in page_titles()
    again = {path: path.read_bytes() for path in paths}
    report.write(sample(), tmp_path / "new" / "folder", stem)
    assert {path: path.read_bytes() for path in paths} == again
    assert report.write(sample(), tmp_path, "raw-2")[0] == tmp_path / "raw-2.html"


def test_the_page_says_how_to_measure_again(tmp_path: Path) -> None:
    def again(**change: Any) -> str:
        path = report.write(sample() | change, tmp_path, "sample")[0]
        page = path.read_text(encoding="utf-8")
        assert ("options of its own" in page) == ("…" in page[page.index("<pre>") :][:200])
        return page[page.index("<pre>") + 5 : page.index("</pre>")]

    options = "--sweep parameters --sweep batch --cell-minutes 11"
    assert again(name="reference", options={}) == "escapement bench --plan reference --seed 7"
    assert again(name="reference") == f"escapement bench --plan reference {options} --seed 7"
    assert again(name="custom") == f"escapement bench {options} --seed 7"
    assert again(name="custom", options={}) == "escapement bench --seed 7 …"
    flags = {"--plan": "quick", "cell_minutes": 2.5, "a": True, "b": False, "srs": "a b"}
    assert again(name="custom", options=flags) == (
        "escapement bench --plan quick --cell-minutes 2.5 --a --srs &#x27;a b&#x27; --seed 7"
    )


def page_titles() -> list[str]:
    """Of the plots."""
    return [title for title, _ in CAPTIONS.values()]


def test_a_damaged_result_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cells\.0\.k"):
        report.write(sample() | {"cells": [cell("numpy", FIXED, [], k=0)]}, tmp_path, "sample")
    assert list(tmp_path.iterdir()) == []


class Raw(HTMLParser):
    """The data block, as a browser would delimit it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data, self._within = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = ("id", "raw") in attrs

    def handle_data(self, data: str) -> None:
        self.data += data if self._within else ""


@pytest.mark.parametrize("make", [sample, hostile])
def test_the_page_holds_the_raw_result(make: Any, tmp_path: Path) -> None:
    page = report.write(make(), tmp_path, "sample")[0].read_text(encoding="utf-8")
    assert json.loads(Raw(page).data) == make()


# --- benchmarks/cost.py -----------------------------------------------------------------------------------


def cost(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, str(ROOT / "benchmarks" / "cost.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_command_shows_a_result_and_writes_its_report(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text(json.dumps(sample()), encoding="utf-8")
    done = cost("--from", raw)
    assert done.returncode == 0, done.stderr
    assert "a day of plain training becomes" in done.stderr and "By parameters" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["raw.json", "raw.html", *(f"raw-{name}.svg" for name in NAMES)]
    )


def test_the_command_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text("{}", encoding="utf-8")
    done = cost("--from", raw)
    assert done.returncode == 5 and "[study-format]" in done.stderr
    assert cost("--quick", "--docs").returncode == 2
    raw.write_text(json.dumps(sample()), encoding="utf-8")
    done = cost("--from", raw, "--docs")
    assert done.returncode == 2 and "where the page's links lead" in done.stderr.replace("\n", " ")


# --- legibility -------------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """Of two colours #rrggbb, as WCAG 2 defines it: 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_in_every_colour_has_contrast_in_light_dark_and_in_files() -> None:
    """4.5 is what WCAG 2 asks of text; lines are named in their own colours."""
    light, dark = STYLE.split("@media screen and (prefers-color-scheme: dark)")
    for theme in (light, dark.split("* {")[0]):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        text = [name for name in colours if name not in ("paper", "grid", "raised")]
        assert len(text) == 13
        assert [name for name in text if contrast(colours[name], colours["paper"]) < 4.5] == []
        assert contrast(colours["ink"], colours["raised"]) >= 7
    drawn = [colour for colour, _ in (*axes.PROVERS.values(), *axes.OTHERS)] + [axes.INK]
    assert [colour for colour in drawn if contrast(colour, axes.PAPER) < 4.5] == []
