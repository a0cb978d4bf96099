"""The tables for a terminal and for Markdown. Text from the raw result is shown, never interpreted."""

import html
import re

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from escapement.study.report.sheets import Sheet


def terminal(sheet: Sheet, width: int) -> Table:
    """The sheet for so many columns of text: what may be dropped is, until the rest stands without wrapping.

    Prose wraps in any case. Below what the columns that are never dropped need, everything wraps.
    """
    kept = list(range(len(sheet.columns)))
    for place in sorted(kept, key=lambda at: (-sheet.columns[at].drop, -at)):
        if sheet.columns[place].drop == 0 or _natural(sheet, kept) <= width:
            break
        kept.remove(place)
    return _table(sheet, kept, None)


def markdown(sheet: Sheet) -> str:
    """The sheet's table, without title; one line per row."""
    head = [escaped(column.title) for column in sheet.columns]
    rule = ["---:" if column.numeric else "---" for column in sheet.columns]
    body = [[escaped(field.text) for field in row] for row in sheet.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def escaped(text: str) -> str:
    """As Markdown shows it, inside a table, too."""
    return re.sub(r"([\\`*_\[\]|$~])", r"\\\1", html.escape(text, quote=False))


def _table(sheet: Sheet, kept: list[int], prose: int | None) -> Table:
    """The columns kept; `prose`: the most that a column of prose takes."""
    left_out = [column.title for place, column in enumerate(sheet.columns) if place not in kept]
    narrow = f" Left out for width: {', '.join(left_out)}." if left_out else ""
    table = Table(
        title=Text(sheet.title, style="bold", no_wrap=False, overflow="fold"),
        title_justify="left",
        caption=Text(sheet.note + narrow, style="dim", no_wrap=False, overflow="fold"),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place in kept:
        column = sheet.columns[place]
        most = prose if column.prose else None
        justify: JustifyMethod = "right" if column.numeric else "left"
        table.add_column(Text(column.title), justify=justify, overflow="fold", max_width=most)
    for row in sheet.rows:
        table.add_row(*(Text(row[place].text) for place in kept))
    return table


def _natural(sheet: Sheet, kept: list[int]) -> int:
    """Columns of text without wrapping."""
    table = _table(sheet, kept, PROSE)
    table.title = table.caption = None
    return WIDE.measure(table).maximum


WIDE = Console(width=10_000, color_system=None, legacy_windows=False)
PROSE = 40
