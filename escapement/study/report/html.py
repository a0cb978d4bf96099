"""The study as one HTML file that loads nothing: style, script, plots and raw result stand in it.

Every text of the raw result passes `html.escape`; the raw JSON stands in a data block in which `<`, `>` and
`&` are escapes. The page's policy allows one script, by its digest, and no request.
"""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from escapement.study.raw import Study, clean
from escapement.study.report import sheets as tables
from escapement.study.report import words
from escapement.study.report.figures import Figures
from escapement.study.report.page import SCRIPT, STYLE
from escapement.study.report.sheets import Column, Field, Sheet
from escapement.study.report.svg import embedded


def page(figures: Figures, result: Mapping[str, Any], drawn: Mapping[str, str], stem: str) -> str:
    """The whole document. `drawn`: SVG documents by name; `stem`: of the raw result's file name."""
    study = figures.study
    made = tables.sheets(figures)
    made["cells"] = tables.cells(figures)
    sections = {section[:2]: _section(figures, section, made, drawn) for section in SECTIONS}
    body = [_header(figures, [name for name, text in sections.items() if text]), "<main>", _answer(figures)]
    body += [*sections.values(), _again(figures), "</main>"]
    body += [_raw(result, stem), f"<script>{SCRIPT}</script>"]
    title = escape(f"What proving training costs: {study.machine.cpu}, {study.date}")
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<link rel="icon" href="data:,">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            *head,
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy() -> str:
    """Nothing from anywhere; the one script, by its digest."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _header(figures: Figures, sections: list[tuple[str, str]]) -> str:
    study = figures.study
    commit = f", commit {study.commit}" if study.commit else ""
    measured = sum(point.cell.measured is not None for point in figures.points)
    line = (
        f"Study {study.name}, {study.date}, seed {study.seed}{commit}. {study.machine.cpu}, "
        f"{study.machine.cores} cores. {measured} of {len(figures.points)} cells measured."
    )
    named = [*sections, ("again", "Measure again")]
    links = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in named)
    return (
        f'<header><h1>What proving training costs</h1><p class="soft">{escape(line)}</p>'
        f'<nav aria-label="Contents"><ul>{links}</ul></nav></header>'
    )


def _answer(figures: Figures) -> str:
    """The headline, in words."""
    first, *rest = words.answer(figures)
    items = "".join(f"<li{_warned(text)}>{escape(text)}</li>" for text in rest)
    return (
        '<section class="answer" id="answer"><h2>Is this a ban on training?</h2>'
        f'<p class="verdict">{escape(first)}</p><ul>{items}</ul></section>'
    )


def _warned(text: str) -> str:
    return ' class="warn"' if text.startswith(words.INSECURE) else ""


def _section(
    figures: Figures,
    section: tuple[str, str, tuple[str, ...], tuple[str, ...]],
    made: Mapping[str, Sheet],
    drawn: Mapping[str, str],
) -> str:
    """Heading, plots, tables; nothing where no table has a row."""
    anchor, title, plots, names = section
    full = [made[name] for name in names if made[name].rows]
    if not full:
        return ""
    body = [_picture(figures, name, drawn[name]) for name in plots if name in drawn]
    for sheet in full:
        body += [f"<h3>{escape(sheet.title)}</h3>"] if len(names) > 1 else []
        body.append(_table(sheet))
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{"".join(body)}</section>'


def _picture(figures: Figures, name: str, svg: str) -> str:
    title, caption = CAPTIONS[name]
    said = " ".join([caption, *words.answer(figures)]) if name == "slowdown" else caption
    inline = embedded(svg, f"plot-{name}", title, said)
    legend = f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure id="figure-{name}"><div class="drawn">{inline}</div>{legend}</figure>'


def _table(sheet: Sheet) -> str:
    heads = "".join(
        f'<th scope="col"{_class(column)}>{escape(column.title)}</th>' for column in sheet.columns
    )
    head = f"<thead><tr>{heads}</tr></thead>" if any(column.title for column in sheet.columns) else ""
    kind = ' class="sortable"' if head else ""
    rows = "\n".join(_row(sheet, row) for row in sheet.rows)
    caption = f"<caption>{escape(sheet.note)}</caption>" if sheet.note else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(sheet.title)}">'
        f'<table id="table-{sheet.name}"{kind}>{caption}{head}<tbody>\n{rows}\n</tbody></table></div>'
    )


def _row(sheet: Sheet, row: tuple[Field, ...]) -> str:
    made = []
    for i, (column, field) in enumerate(zip(sheet.columns, row, strict=True)):
        value = "" if field.value is None else f' data-v="{field.value!r}"'
        tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
        made.append(f"<{tag}{scope}{_class(column)}{value}>{escape(field.text)}</{tag}>")
    return f"<tr>{''.join(made)}</tr>"


def _class(column: Column) -> str:
    if column.prose:
        return ' class="prose"'
    return "" if column.numeric else ' class="text"'


def _again(figures: Figures) -> str:
    study = figures.study
    unknown = study.name == "custom" and not study.options
    command = escape(f"{_command(study)}{' …' if unknown else ''}")
    options = " This study had options of its own; they belong behind the seed." if unknown else ""
    return (
        '<section id="again"><h2>Measure again</h2><p>The seed fixes all work: weights, rows, batches and '
        f"order. An interrupted study goes on with --resume.{options}</p>"
        f"<pre>{command}</pre><p>The raw result, of which all figures are derived, stands in this page.</p>"
        '<p id="save"></p></section>'
    )


def _command(study: Study) -> str:
    """The command line that measures again, with the options that the raw result keeps."""
    given = {f"--{name.lstrip('-').replace('_', '-')}": value for name, value in study.options.items()}
    if study.name != "custom":
        given = {"--plan": study.name} | given
    words = ["escapement", "bench"]
    for flag, value in (given | {"--seed": study.seed}).items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None and one is not False:
                words += [flag] if one is True else [flag, one if isinstance(one, str) else json.dumps(one)]
    return shlex.join(clean(word) for word in words)


def _raw(result: Mapping[str, Any], stem: str) -> str:
    """The raw result as a data block that no text in it can end."""
    text = json.dumps(result, indent=1)  # ASCII
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="raw" data-name="{escape(stem)}.json">{text}</script>'


# Anchor, title, plots, tables below them.
SECTIONS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("slowdown", "Slowdown", ("slowdown",), ("headline",)),
    ("parameters", "Seconds by parameters", ("seconds",), ("parameters",)),
    ("parts", "Where the time goes", ("parts",), ("parts",)),
    ("sweeps", "Batch, depth, fold, segment", ("sweeps",), ("batch", "layers", "fold", "segment")),
    ("scheme", "Commitment schemes", (), ("scheme",)),
    ("sizes", "Memory, keys, proofs, verification", ("memory", "proofs"), ("sizes",)),
    ("unfit", "Not measured", (), ("unfit",)),
    ("machine", "Machine and versions", (), ("machine",)),
    ("cells", "Every cell", (), ("cells",)),
)
CAPTIONS = {
    "slowdown": (
        "Slowdown against parameters",
        "Median seconds per step over those of the faster plain float training of the same step, against "
        "parameters, both logarithmic. Bars are quartiles of the prover only. Grey: sizes at which plain "
        "training takes under twice its time at the least. k: steps per fold.",
    ),
    "seconds": (
        "Seconds per step against parameters",
        "Median seconds per step against parameters, both logarithmic, plain training included. Bars are "
        "quartiles.",
    ),
    "memory": (
        "Peak memory and keys against parameters",
        "Peak memory of the whole process tree, and bytes of keys, generators and reference strings.",
    ),
    "parts": (
        "Share of a step by part",
        "Shares of a step's time where parts were timed. Shares of constraints are of the circuit and "
        "measure no time.",
    ),
    "sweeps": (
        "Seconds per step against batch size, depth, steps per fold and per segment",
        "Median seconds per step when one dimension of the step or of its proof is varied.",
    ),
    "proofs": (
        "Proof size and verification against parameters",
        "What a verifier is given and how long it takes, over the steps that the proof covers.",
    ),
}
