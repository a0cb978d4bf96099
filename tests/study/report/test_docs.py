"""docs/cost.md: its figures are the committed raw result's, to the character; and how blocks are replaced."""

import re
from pathlib import Path

import pytest

from escapement.errors import InputError
from escapement.study import report
from escapement.study.report.docs import BLOCKS, NOTHING, replaced
from escapement.study.report.figures import derive
from escapement.study.report.sheets import sheets
from tests.study.report.sample import HOSTILE, hostile, sample

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "cost.md"
RESULTS = ROOT / "benchmarks" / "results"


def block(page: str, name: str) -> str:
    """What stands between a block's markers."""
    match = re.search(rf"<!-- figures:{name} -->\n(.*?)<!-- /figures -->", page, re.DOTALL)
    assert match is not None
    return match[1]


def empty() -> str:
    """A page with every block once, and nothing in them."""
    return "\n".join(f"## {name}\n<!-- figures:{name} -->\nold\n<!-- /figures -->\n" for name in BLOCKS)


def test_the_pages_figures_are_those_of_the_raw_result_that_it_names() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"\(\.\./benchmarks/results/(cost-[^)]*)\.json\)", page)
    if not named:  # not measured yet: nothing may stand there
        assert replaced(page, lambda name: "") == page
        return
    (name,) = named
    result = report.load(RESULTS / f"{name}.json")
    assert result["name"] == "reference"
    assert report.insert(page, result, name) == page


def test_every_block_stands_once_in_the_page_and_its_links_lead_somewhere() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- figures:(\S+) -->", page)) == sorted(BLOCKS)
    links = re.findall(r"\((\.\./[^)]*)\)", page)
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


def test_prose_is_narrow() -> None:
    written = replaced(PAGE.read_text(encoding="utf-8"), lambda name: "").splitlines()
    assert [line for line in written if len(line) > 150 and not line.startswith("|")] == []


def test_blocks_are_replaced_and_nothing_else() -> None:
    page = report.insert(empty(), sample(), "cost-x")
    assert [line for line in page.splitlines() if line.startswith("## ")] == [f"## {name}" for name in BLOCKS]
    assert "old" not in page.splitlines()
    assert report.insert(page, sample(), "cost-x") == page


def test_a_block_holds_its_table() -> None:
    page = report.insert(empty(), sample(), "cost-x")
    for name, sheet in sheets(derive(sample())).items():
        rows = [line for line in block(page, name).splitlines() if line.startswith("| ")]
        assert len(rows) == 2 + len(sheet.rows)
        assert {line.count("|") for line in rows} == {len(sheet.columns) + 1}
    assert "| segment | 936,330 | 784-1024-128-10 |" in block(page, "parameters")
    assert "![Slowdown against parameters](../benchmarks/results/cost-x-slowdown.svg)" in block(
        page, "headline"
    )
    assert "[cost-x.json](../benchmarks/results/cost-x.json)" in block(page, "machine")


def test_what_was_not_swept_is_said() -> None:
    result = sample() | {"cells": [one | {"axes": ["parameters"]} for one in sample()["cells"]]}
    page = report.insert(empty(), result, "cost-x")
    assert block(page, "batch") == f"\n{NOTHING}\n\n"


def test_hostile_text_neither_ends_blocks_nor_cells() -> None:
    page = report.insert(empty(), hostile(), "cost-x")
    assert report.insert(page, hostile(), "cost-x") == page
    assert page.count("<!--") == 2 * len(BLOCKS)
    assert "<script" not in page and "<img" not in page
    assert "&lt;!-- /figures --&gt; \\| \\`x\\` \\| &lt;img src=http" in block(page, "unfit")
    for name, sheet in sheets(derive(hostile())).items():
        rows = [line for line in block(page, name).splitlines() if line.startswith("| ")]
        assert len(rows) == 2 + len(sheet.rows)
    assert len(HOSTILE) == 3


@pytest.mark.parametrize(
    "page, line, what",
    [
        ("<!-- figures:speed -->\n<!-- /figures -->", 1, "no block is called 'speed': headline, "),
        ("a\n<!-- figures:fold -->\n<!-- figures:batch -->", 3, "begins within the block of line 2"),
        ("\n\n<!-- /figures -->", 3, "ends that does not begin"),
        ("<!-- figures:fold -->\n<!-- /figures -->\n<!-- /figures -->", 3, "ends that does not begin"),
        ("a\n<!-- figures:fold -->\nb", 2, "does not end"),
        ("<!--figures:fold -->\n<!-- /figures -->", 1, "no marker, but like one"),
        ("<!-- figures:fold --> \n<!-- /figures -->", 1, "no marker, but like one"),
    ],
)
def test_markers_that_are_unknown_or_unbalanced_are_errors(page: str, line: int, what: str) -> None:
    with pytest.raises(InputError) as caught:
        report.insert(page, sample(), "cost-x")
    assert (caught.value.code, caught.value.exit_code) == ("docs-markers", 5)
    assert str(caught.value).startswith(f"line {line} of the page: ") and what in str(caught.value)
