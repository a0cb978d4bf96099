"""The raw result of a study: one JSON file by date and machine, whole after every cell.

    {"format": "escapement/study/1", "name", "seed", "date", "machine", "commit", "versions", "cells": [...]}

A cell is a `study.planning.Planned.described()` with "measured" filled in where it was. Nothing derived is in
it: ratios and medians are the report's.
"""

import datetime
import importlib.metadata
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from escapement import machine
from escapement.errors import ResourceError, UsageError
from escapement.study.raw import FORMAT, load
from ivc.files import write_atomic


class Result:
    """A raw result and its file. `put` keeps a cell; the file is the old one or the new one, whole."""

    def __init__(self, path: Path, body: dict[str, Any]) -> None:
        """Use `begin` or `resume`."""
        self.path, self.body = path, body

    @staticmethod
    def begin(folder: Path, name: str, seed: int) -> "Result":
        """An empty result, in a new file of this day and machine; nothing is ever replaced."""
        body = {
            "format": FORMAT,
            "name": name,
            "seed": seed,
            "date": datetime.date.today().isoformat(),
            "machine": machine.describe(),
            "commit": _commit(),
            "versions": _versions(),
            "cells": [],
        }
        return Result(_unused(folder, f"cost-{body['date']}-{_slug(name)}"), body)

    @staticmethod
    def resume(folder: Path, name: str, seed: int) -> "Result":
        """The latest result of this machine and plan in `folder`, or an empty one if there is none.

        Raises InputError as `study.raw.load`, UsageError `study-other` if it is of another seed or plan.
        """
        ending = re.compile(rf"cost-\d{{4}}-\d\d-\d\d-{re.escape(_slug(name))}(-\d+)?\.json")
        found = [path for path in folder.glob("cost-*.json") if ending.fullmatch(path.name)]
        if not found:
            return Result.begin(folder, name, seed)
        path = max(found, key=_age)
        body = load(path)
        for field, wanted in (("seed", seed), ("name", name)):
            if body[field] != wanted:
                raise UsageError(
                    "study-other",
                    f"{path}: a study with {field} {body[field]!r}, not {wanted!r}: give the same options, "
                    "or leave out --resume to start another.",
                )
        return Result(path, body)

    def measured(self, identity: str, program: str) -> bool:
        """Whether the cell was measured. Raises UsageError `study-other` if it was on another program."""
        for cell in self.body["cells"]:
            if cell["id"] == identity and cell["status"] == "measured":
                if cell["work"]["program"] != program:
                    raise UsageError(
                        "study-other",
                        f"{self.path}: cell {identity!r} was measured on another program: leave out --resume "
                        "to start another study.",
                    )
                return True
        return False

    def put(self, cell: dict[str, Any]) -> None:
        """Keep a cell, in place of one with its id. Raises ResourceError `study-unwritable` (exit 4)."""
        known = [one["id"] for one in self.body["cells"]]
        cells = list(self.body["cells"])
        if cell["id"] in known:
            cells[known.index(cell["id"])] = cell
        else:
            cells.append(cell)
        body = self.body | {"cells": cells}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path, (json.dumps(body, indent=1) + "\n").encode())
        except OSError as error:
            raise ResourceError(
                "study-unwritable",
                f"{self.path}: cell {cell['id']!r} cannot be kept: {error.strerror or error}; the file has "
                f"the {len(known)} cells before it. Make room; the same command with --resume continues.",
            ) from error
        self.body = body


def default_folder() -> Path:
    """benchmarks/results of the checkout that this package lies in, else the current folder."""
    results = ROOT / "benchmarks" / "results"
    return results if results.is_dir() else Path()


def _slug(name: str) -> str:
    """Machine and plan in a file's name; the reference plan's has no name."""
    described = machine.describe()
    words = f"{described['cpu']} {described['cores']} cores {'' if name == 'reference' else name}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _unused(folder: Path, stem: str) -> Path:
    """stem.json, or the first of stem-2.json, stem-3.json, … that does not exist."""
    path, number = folder / f"{stem}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.json"
    return path


def _age(path: Path) -> tuple[str, int]:
    """By date, then by number: results of one day are numbered from 2 on."""
    number = re.search(r"-(\d+)\.json$", path.name)
    return path.name[: len("cost-0000-00-00")], int(number[1]) if number else 1


def _commit() -> str:
    if not (ROOT / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git here
        return ""


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("escapement", "numpy", "torch", "ezkl", "onnx", "psutil")
