"""The HTML report in a real browser: what it shows, that it sorts, and that it asks for nothing."""

import re
from pathlib import Path

import pytest

from escapement.study import report
from tests.study.report.browser import Page, Visit, find, first_pixel, visit, words
from tests.study.report.sample import hostile, sample

COLUMNS = {"parameters": 2, "seconds per step": 6, "status": 1}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's page."""
    return report.write(sample(), tmp_path_factory.mktemp("page"), "sample")[0]


@pytest.fixture(scope="module")
def seen(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """One visit to it."""
    return visit(page, tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("ci, outcome", [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_a_browser_tests_are_skipped_but_fail_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"PATH": str(tmp_path), "CHROMIUM": "", "CI": ci}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(outcome, match="install it"):
        find()


def test_title_and_answer_are_shown(seen: Visit) -> None:
    shown = Page(seen.dom)
    assert shown.title == "What proving training costs: Imaginary CPU @ 3.0 GHz, 2026-11-21"
    first, *rest = report.sentences(sample())
    answer = words(shown.text["answer"])
    assert answer.startswith(words(f"Is this a ban on training?{first}"))
    assert all(words(sentence) in answer for sentence in rest)


def test_every_cell_has_a_row(seen: Visit) -> None:
    shown = Page(seen.dom)
    assert [row[0][0] for row in shown.tables["table-cells"]] == [cell["id"] for cell in sample()["cells"]]
    absent = [cell["reason"] for cell in sample()["cells"] if cell["measured"] is None]
    assert [row[2][0] for row in shown.tables["table-unfit"]] == absent


def test_plots_are_in_the_page_and_ids_are_unique(seen: Visit) -> None:
    shown = Page(seen.dom)
    names = ("slowdown", "seconds", "memory", "parts", "sweeps", "proofs")
    assert [name for name in names if f"figure-{name}" in shown.ids] == list(names)
    for label in ("(not zero-knowledge), k=8", "slope +0.30", "ezkl (insecure string), k=1"):
        assert label in shown.text["figure-slowdown"]
    assert "open: estimate, not measured" in shown.text["figure-slowdown"]
    assert len(set(shown.ids)) == len(shown.ids)


@pytest.mark.parametrize("way", ["up", "down"])
def test_columns_of_numbers_sort_by_value_with_the_empty_last(way: str, page: Path, tmp_path: Path) -> None:
    column = COLUMNS["seconds per step"]
    shown = Page(visit(page, tmp_path, f"#sort=cells,{column},{way}").dom)
    values = [row[column][1] for row in shown.tables["table-cells"]]
    numbers = [float(value) for value in values if value is not None]
    assert numbers == sorted(numbers, reverse=way == "down") and len(numbers) == 50
    assert values[len(numbers) :] == [None] * 7
    wanted = {"up": "ascending", "down": "descending"}[way]
    assert [i for i, sort in enumerate(shown.sorts["table-cells"]) if sort == wanted] == [column]


def test_heads_are_buttons_that_sort_one_way_and_then_the_other(page: Path, tmp_path: Path) -> None:
    """Pressed by a script, which the page's policy would refuse: here it is taken off."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    column = COLUMNS["parameters"]
    press = f"document.querySelectorAll('#table-cells thead button')[{column}].click();"
    made = []
    for times in (1, 2):
        pressed = tmp_path / "pressed.html"
        pressed.write_text(
            text.replace("</body>", f"<script>{press * times}</script></body>"), encoding="utf-8"
        )
        shown = Page(visit(pressed, tmp_path).dom)
        made.append([int(row[column][1] or 0) for row in shown.tables["table-cells"]])
    assert made == [sorted(made[0]), sorted(made[0], reverse=True)]
    assert "Save the raw result" in shown.text["save"]


def test_columns_of_text_sort_by_text(page: Path, tmp_path: Path) -> None:
    shown = Page(visit(page, tmp_path, f"#sort=cells,{COLUMNS['status']},up").dom)
    statuses = [row[COLUMNS["status"]][0] for row in shown.tables["table-cells"]]
    assert statuses == sorted(statuses) and len(set(statuses)) == 5


@pytest.mark.parametrize("fragment", ["#sort=cells,99,up", "#sort=none,1,up"])
def test_other_fragments_change_nothing(fragment: str, page: Path, seen: Visit, tmp_path: Path) -> None:
    other = visit(page, tmp_path, fragment)
    assert (other.dom, other.console) == (seen.dom, [])


def test_the_console_is_silent_and_nothing_is_asked_for(page: Path, seen: Visit) -> None:
    assert seen.console == []
    assert [one for one in Page(seen.dom).addresses if not re.match(r"#|data:,$", one)] == []
    assert re.findall(r"(?i:https?:|@import)|url\((?!#)|//\w", page.read_text(encoding="utf-8")) == []


def test_a_request_would_be_seen(page: Path, tmp_path: Path) -> None:
    """The same page with a foreign picture, a foreign script and an inline one: each is refused, and said."""
    text = page.read_text(encoding="utf-8")
    foreign = (
        '<img src="http://example.invalid/a.png">',
        '<script src="http://example.invalid/b.js"></script>',
        "<script>document.title = 'broken'</script>",
    )
    other = tmp_path / "other.html"
    other.write_text(text.replace("</main>", f"{''.join(foreign)}</main>"), encoding="utf-8")
    made = visit(other, tmp_path)
    refused = [line for line in made.console if "Content Security Policy" in line]
    assert [sum(sign in line for line in refused) for sign in ("a.png", "b.js", "inline script")] == [1, 1, 1]
    assert Page(made.dom).title.startswith("What proving training costs")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    made = visit(report.write(hostile(), tmp_path, "sample")[0], tmp_path)
    shown = Page(made.dom)
    assert made.console == []
    assert shown.title.startswith("What proving training costs: </script><script>document.title='broken'")
    assert len(shown.tables["table-cells"]) == len(hostile()["cells"])
    assert [one for one in shown.addresses if not re.match(r"#|data:,$", one)] == []
    assert "<img src=http://example.invalid/a.png onerror=alert(1)>" in words(shown.text["table-unfit"])


def test_the_page_follows_the_readers_light_or_dark(page: Path, tmp_path: Path) -> None:
    dark, light = (
        first_pixel(page, tmp_path, f"--blink-settings=preferredColorScheme={scheme}") for scheme in (0, 1)
    )
    assert (dark, light) == ((0x15, 0x17, 0x1A), (0xFF, 0xFF, 0xFE))
