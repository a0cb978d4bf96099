"""The figures of docs/cost.md: what stands between its markers, made from a raw result.

    <!-- figures:NAME -->
    anything
    <!-- /figures -->

NAME is one of `BLOCKS`; everything between the two lines is replaced.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from escapement.errors import InputError
from escapement.study.report.figures import Figures, derive
from escapement.study.report.html import CAPTIONS
from escapement.study.report.sheets import Sheet, sheets
from escapement.study.report.text import escaped, markdown
from escapement.study.report.words import answer


def insert(page: str, result: Mapping[str, Any], name: str) -> str:
    """The page with every block made anew; `name`: of the raw result's file, without extension.

    Raises InputError "docs-markers" for a marker that is unknown, nested or without its other half.
    """
    figures = derive(result)
    made = sheets(figures)
    return replaced(page, lambda block: _block(block, figures, made[block], name))


def replaced(page: str, text: Callable[[str], str]) -> str:
    """The page with what `text` gives for the name of every block between its markers."""
    lines: list[str] = []
    within, opened = "", 0
    for number, line in enumerate(page.split("\n"), 1):
        if begin := BEGIN.fullmatch(line):
            _require(not within, number, f"a block begins within the block of line {opened}")
            _require(begin[1] in BLOCKS, number, f"no block is called {begin[1]!r}: {', '.join(BLOCKS)}")
            within, opened = begin[1], number
            lines += [line, *filter(None, [text(within)])]
        elif END.fullmatch(line):
            _require(bool(within), number, "a block ends that does not begin")
            within = ""
            lines.append(line)
        else:
            _require("figures:" not in line or "<!--" not in line, number, f"no marker, but like one: {line}")
            lines += [] if within else [line]
    _require(not within, opened, "the block does not end: <!-- /figures --> is missing")
    return "\n".join(lines)


def _require(true: bool, line: int, what: str) -> None:
    if not true:
        raise InputError("docs-markers", f"line {line} of the page: {what}.")


def _block(block: str, figures: Figures, sheet: Sheet, name: str) -> str:
    """Markdown between blank lines."""
    if not sheet.rows:
        return f"\n{NOTHING}\n"
    made = []
    if block == "headline":
        made.append("\n".join(f"- {escaped(text)}" for text in answer(figures)))
    if plot := PLOTS.get(block):
        made.append(f"![{CAPTIONS[plot][0]}](../benchmarks/results/{name}-{plot}.svg)")
    made += [escaped(sheet.note)] if sheet.note else []
    made.append(markdown(sheet))
    if block == "machine":
        where = f"../benchmarks/results/{name}"
        made.append(
            f"Raw result: [{name}.json]({where}.json). The same as one page: [{name}.html]({where}.html)."
        )
    return "\n" + "\n\n".join(made) + "\n"


BEGIN = re.compile(r"<!-- figures:([^ ]*) -->")
END = re.compile(r"<!-- /figures -->")
BLOCKS = (
    "headline",
    "parameters",
    "batch",
    "layers",
    "fold",
    "segment",
    "scheme",
    "parts",
    "sizes",
    "unfit",
    "machine",
)
# Drawn whenever the block has a row.
PLOTS = {"headline": "slowdown", "parameters": "seconds", "parts": "parts", "sizes": "memory"}
NOTHING = "Not part of this study."
