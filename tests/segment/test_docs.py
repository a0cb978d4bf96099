"""docs/segment.md: its quotes are the reference's source to the character, its sizes the reference's sizes.

    <!-- quote: tests/segment/plain/rows.py order_at -->     names file and function (or Class.method)
    ```python … ```                                          follows at once and equals its source, dedented

`python tests/segment/test_docs.py` writes the reference's source into the page, and does nothing else.
"""

import ast
import re
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "segment.md"
QUOTE = re.compile(r"<!-- quote: (\S+) (\S+) -->\n(?:```python\n(.*?)```\n)?", re.DOTALL)
STAGES = ["rows", "columns", "wiring", "fold", "logup", "opening", "dataset", "closing"]
# Widths of the programs in the page's tables.
NUMBERS = {"f_x": 8, "f_g": 10, "kappa": 6, "c": 1, "input_bits": 8, "input_signed": False}


def quotes() -> list[tuple[str, str, str]]:
    """(file, name, quoted text) of every marker."""
    return [match.groups(default="") for match in QUOTE.finditer(PAGE.read_text(encoding="utf-8"))]


def source(file: str, name: str) -> str:
    """The definition as it stands in the file, decorators and docstring included."""
    text = (ROOT / file).read_text(encoding="utf-8")
    body: list[ast.stmt] = ast.parse(text).body
    for part in name.split("."):
        (node,) = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part]
        body = node.body
    first = min([node.lineno, *[d.lineno for d in node.decorator_list]])
    lines = text.splitlines(keepends=True)[first - 1 : node.end_lineno]
    return textwrap.dedent("".join(lines))


@pytest.mark.parametrize("quote", quotes(), ids=lambda quote: f"{Path(quote[0]).stem}.{quote[1]}")
def test_quote_is_the_source(quote: tuple[str, str, str]) -> None:
    file, name, text = quote
    assert text == source(file, name)


def test_every_block_of_python_is_a_quote_and_every_stage_is_quoted() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```python\n") == page.count("<!-- quote:") == len(quotes())
    assert {file for file, _, _ in quotes()} == {f"tests/segment/plain/{stage}.py" for stage in STAGES}


def test_prose_is_narrow() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 450
    assert [line for line in lines if len(line) > 150 and not line.startswith("|")] == []


def rows(first: str) -> dict[str, list[str]]:
    """The table whose head contains `first`: cells by program."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    head = next(i for i, line in enumerate(page) if line.startswith("|") and first in line)
    cells = []
    for line in page[head + 2 :]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    return {row[0]: row[1:] for row in cells}


def test_sizes_and_rounds_are_the_references() -> None:
    """The page prints what the native code lays out; this recomputes it."""
    from tests.segment.plain.shape import Layer, Program, Shape

    sizes, rounds = rows("| weights | q | n1 |"), rows("| rounds / elements |")
    assert len(sizes) == 4 and sizes.keys() == rounds.keys()
    for name, cells in sizes.items():
        dims, *rest = name.split(", ")
        (B, k, n), d = map(int, rest), [int(v) for v in dims.split("-")]
        L = len(d) - 1
        layers = [
            Layer(f"fc{i}", a, b, True, i < L, 16, 16 * (i < L), int(2**24 / a**0.5))
            for i, (a, b) in enumerate(pairwise(d), 1)
        ]
        program = Program(
            B=B, k=k, m=4, max_segments=64, n=n, features=d[0], classes=d[-1], layers=tuple(layers), **NUMBERS
        )
        s = Shape(program)
        weights = sum((a + 1) * b for a, b in pairwise(d))
        blocks = 1 << max(0, s.n_D - s.n_max)
        expected = [weights, s.q, s.n1, s.n_F, s.n_W, s.n_S, s.n_D, s.n_max, blocks]
        assert cells == [str(v) for v in expected], name
        N = max(s.n1, s.q + 1)
        a, b = [layer.a for layer in s.layers], [layer.b for layer in s.layers]
        stages = [s.lR + s.lk, max(a + b[1:]), s.lR + max([*b, s.lC]), N * (N - 1) // 2, s.n_max]
        assert [int(cell.split(" / ")[0]) for cell in rounds[name][:6]] == [*stages, sum(stages)], name


def write() -> None:
    """Puts the sources into the page."""

    def block(match: re.Match[str]) -> str:
        file, name = match[1], match[2]
        return f"<!-- quote: {file} {name} -->\n```python\n{source(file, name)}```\n"

    PAGE.write_text(QUOTE.sub(block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
