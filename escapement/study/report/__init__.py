"""What a study's raw result shows: tables, plots, one HTML file, and the figures of docs/cost.md.

Everything is derived from the raw result each time; nothing here measures.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from escapement import console
from escapement.study.raw import load
from escapement.study.report.docs import insert
from escapement.study.report.figures import derive
from escapement.study.report.html import CAPTIONS, page
from escapement.study.report.plots import draw
from escapement.study.report.sheets import sheets
from escapement.study.report.svg import titled
from escapement.study.report.text import terminal
from escapement.study.report.words import answer
from vdf.files import write_atomic


def write(result: Mapping[str, Any], folder: Path, name: str) -> list[Path]:
    """Write NAME.html and, with matplotlib, NAME-PLOT.svg into the folder; the paths, the HTML file first.

    `name`: of the raw result's file, without extension. Files are replaced whole or not at all. Raises
    InputError for a damaged result, OSError.
    """
    figures = derive(result)
    drawn = draw(figures)
    folder.mkdir(parents=True, exist_ok=True)
    made = {folder / f"{name}.html": page(figures, result, drawn, name)}
    made |= {folder / f"{name}-{plot}.svg": titled(svg, CAPTIONS[plot][0]) for plot, svg in drawn.items()}
    for path, text in made.items():
        write_atomic(path, text.encode("utf-8"))
    return list(made)


def tables(result: Mapping[str, Any], width: int | None = None) -> list[Table]:
    """For a terminal of so many columns, by default as many as standard output has.

    Tables without rows are left out. Raises InputError.
    """
    width = console.stdout.width if width is None else width
    return [terminal(sheet, width) for sheet in sheets(derive(result)).values() if sheet.rows]


def sentences(result: Mapping[str, Any]) -> list[str]:
    """The answer in words, the verdict first. Raises InputError."""
    return answer(derive(result))


__all__ = ["insert", "load", "sentences", "tables", "write"]
