"""SVG documents as files, and as parts of a page that has its own colours and its own names."""

import html
import re

from escapement.study.report.axes import GRID, INK, OTHERS, PAPER, PROVERS


def titled(svg: str, title: str) -> str:
    """A document for a file: its title is what a reader without eyes, or a pointer, is told."""
    body = _body(svg)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<svg{_attributes(body)}>{_title(title)}{_inner(body)}\n'


def embedded(svg: str, name: str, title: str, description: str) -> str:
    """A part of an HTML page: ids begin with `name`, colours are the page's variables, no URL is named."""
    body = _body(svg)
    attributes = re.sub(r'\s+(xmlns(:\w+)?|version|width|height)="[^"]*"', "", _attributes(body))
    inner = re.sub(r"<metadata>.*?</metadata>", "", _inner(body), flags=re.DOTALL)
    inner = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", inner).replace("xlink:href=", "href=")
    for colour, variable in VARIABLES.items():
        inner = inner.replace(colour, f"var(--{variable})")
    labels = f'role="img" aria-labelledby="{name}-title" aria-describedby="{name}-desc"'
    words = f'<title id="{name}-title">{html.escape(title)}</title>'
    words += f'<desc id="{name}-desc">{html.escape(description)}</desc>'
    return f"<svg{attributes} {labels}>{words}{inner}"


def _body(svg: str) -> str:
    return svg[svg.index("<svg") :]


def _attributes(body: str) -> str:
    return body[len("<svg") : body.index(">")]


def _inner(body: str) -> str:
    return body[body.index(">") + 1 :].rstrip()


def _title(title: str) -> str:
    return f"\n <title>{html.escape(title)}</title>"


VARIABLES = {INK: "ink", GRID: "grid", PAPER: "paper"}
VARIABLES |= {colour: f"c-{name}" for name, (colour, _) in PROVERS.items()}
VARIABLES |= {colour: f"c-other{i}" for i, (colour, _) in enumerate(OTHERS)}
