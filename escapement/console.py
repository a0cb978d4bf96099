"""Where words go: results to stdout (text or JSON), logs and progress to stderr.

rich drops colours for NO_COLOR and for anything that is not a terminal.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
ArithmetisationOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="How folds are proven: r1cs-nova or segment (default: the configuration's)."
    ),
]

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def log(message: str) -> None:
    """One line for the person watching, on stderr; markup in it is not interpreted."""
    stderr.print(message, markup=False)


def bars(*columns: "ProgressColumn") -> "Progress":
    """Progress bars on stderr, shown on a terminal only; the caller starts and stops them."""
    from rich.progress import Progress  # not at start-up: most commands show none

    return Progress(*columns, console=stderr, disable=not stderr.is_terminal)


def emit(as_json: bool, result: Mapping[str, Any], text: str | None = None) -> None:
    """Print a command's result on stdout: JSON when asked for, else `text`, else names and values."""
    if as_json:
        typer.echo(json.dumps(plain(result), indent=2))
    elif text is not None:
        stdout.print(text, markup=False)
    else:
        show(result)


def show(rows: Mapping[str, Any]) -> None:
    """Print names and values on stdout, aligned and never wrapped; a nested mapping is indented."""
    for name, text in _lines(rows, ""):
        stdout.print(f"{name:<30}", style="cyan", end="", markup=False)
        stdout.print(text, markup=False)


def plain(value: Any) -> Any:
    """The value in JSON's types: bytes as hex, paths as text, records as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def human_bytes(count: float) -> str:
    """A byte count in binary units: 1536 → '1.5 KiB'."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    position = 0
    while count >= 1024 and position < len(units) - 1:
        count, position = count / 1024, position + 1
    return f"{count:.0f} B" if position == 0 else f"{count:.1f} {units[position]}"


def human_seconds(seconds: float) -> str:
    """A duration a person reads: '0.31 s', '4 min 05 s', '2 d 3 h'."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def _lines(rows: Mapping[str, Any], indent: str) -> Iterator[tuple[str, str]]:
    for name, value in rows.items():
        if isinstance(value, Mapping):
            yield indent + name.replace("_", " "), ""
            yield from _lines(value, indent + "  ")
        else:
            words, text = _row(name, value)
            yield indent + words, text


def _row(name: str, value: Any) -> tuple[str, str]:
    """The name without its unit, and the value with it."""
    words = name.replace("_", " ")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name.endswith("_bytes"):
            return words.removesuffix(" bytes"), human_bytes(value)
        if "seconds" in name:
            return words.replace(" seconds", "", 1), human_seconds(value)
        return words, f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    if isinstance(value, list | tuple):
        return words, json.dumps(plain(value))
    return words, str(plain(value))
