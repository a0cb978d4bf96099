"""A Chromium without a window, driven by its command line, with no network, for the tests of pages."""

import os
import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
REMEDY = "no Chromium was found: install it (Debian: apt install chromium), or let CHROMIUM name it"
SECONDS = 120  # after which a browser hangs


def find() -> str:
    """Its path. Without one the test is skipped, or fails where the environment says CI."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(REMEDY)
    pytest.skip(REMEDY)


@dataclass(frozen=True)
class Visit:
    """What a page became: its document after its scripts ran, and what the console said."""

    dom: str
    console: list[str]


def visit(page: Path, scratch: Path, fragment: str = "") -> Visit:
    """Open the file at a fragment."""
    done = run(
        [*FLAGS, "--enable-logging=stderr", "--dump-dom"], page.absolute().as_uri() + fragment, scratch
    )
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Visit(done.stdout, said)


def first_pixel(page: Path, scratch: Path, *flags: str) -> tuple[int, int, int]:
    """Red, green and blue of the upper left corner in a screenshot."""
    shot = scratch / "shot.png"
    run([*FLAGS, *flags, f"--screenshot={shot}", "--window-size=400,300"], page.absolute().as_uri(), scratch)
    data = shot.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    # The first pixel is as it is under every filter.
    _, red, green, blue = zlib.decompress(packed)[:4]
    return red, green, blue


def run(flags: list[str], url: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    """One call, with a profile of its own."""
    command = [find(), *flags, f"--user-data-dir={scratch / 'profile'}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done


class Page(HTMLParser):
    """The parts of a document that tests ask for."""

    def __init__(self, dom: str) -> None:
        """Read it."""
        super().__init__()
        self.title = ""
        self.ids: list[str] = []
        self.tables: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.sorts: dict[str, list[str | None]] = {}
        self.text: dict[str, str] = {}
        self.addresses: list[str] = []
        self._path: list[tuple[str, str]] = []
        self._table = ""
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids, addresses and cells with their values."""
        named = dict(attrs)
        self.ids += [name] if (name := named.get("id")) else []
        self.addresses += [named[name] or "" for name in ("src", "href", "action", "data") if name in named]
        within = [one for one, _ in self._path]
        if tag == "table":
            self._table = named.get("id") or ""
            self.tables[self._table], self.sorts[self._table] = [], []
        elif tag == "tr" and "tbody" in within:
            self.tables[self._table].append([])
        elif tag in ("td", "th") and "tbody" in within:
            self.tables[self._table][-1].append(("", named.get("data-v")))
        elif tag == "th":
            self.sorts[self._table].append(named.get("aria-sort"))
        if tag not in VOID:
            self._path.append((tag, named.get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        """Up to its start."""
        while self._path and self._path.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Into the title, the cell, and every element with an id around it."""
        within = [one for one, _ in self._path]
        if "title" in within and "svg" not in within:
            self.title += data
        if "tbody" in within and self.tables[self._table] and self.tables[self._table][-1]:
            text, value = self.tables[self._table][-1].pop()
            self.tables[self._table][-1].append((text + data, value))
        for name in {name for _, name in self._path if name}:
            self.text[name] = self.text.get(name, "") + data


def words(text: str) -> str:
    """With single spaces."""
    return re.sub(r"\s+", " ", text).strip()


VOID = ("meta", "link", "br", "img", "hr", "input")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=5000",
]
