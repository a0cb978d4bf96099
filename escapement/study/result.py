"""The raw result of a study: one JSON file by date and machine, whole after every cell.

    {"format": "escapement/study/1", "name", "seed", "date", "machine", "commit", "versions", "options",
     "cells": [...]}

A cell is a `study.planning.Planned.described()` with "measured" filled in where it was, and the "commit" that
it was measured at, which after --resume may be newer than the study's. Nothing derived is in it: ratios and
medians are the report's.
"""

import datetime
import importlib.metadata
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from escapement import console, machine
from escapement.errors import ResourceError, UsageError
from escapement.study.cells import Cell
from escapement.study.raw import FORMAT, load
from vdf.files import write_atomic


class Result:
    """A raw result and its file. `put` keeps a cell; the file is the old one or the new one, whole."""

    def __init__(self, path: Path, body: dict[str, Any]) -> None:
        """Use `begin` or `resume`."""
        self.path, self.body, self._commit = path, body, _commit()

    @staticmethod
    def begin(folder: Path, name: str, seed: int, options: Mapping[str, Any] | None = None) -> "Result":
        """An empty result, for a new file of this day and machine; nothing is ever replaced.

        options: what else than plan and seed the command was given, by name, in JSON's types.
        """
        body = {
            "format": FORMAT,
            "name": name,
            "seed": seed,
            "date": datetime.date.today().isoformat(),
            "machine": machine.describe(),
            "commit": _commit(),
            "versions": _versions(),
            "options": dict(options or {}),
            "cells": [],
        }
        return Result(_unused(folder, f"cost-{body['date']}-{_slug(name)}"), body)

    @staticmethod
    def resume(folder: Path, name: str, seed: int, options: Mapping[str, Any] | None = None) -> "Result":
        """The latest result of this machine and plan in `folder`, or an empty one if there is none.

        It may be of another day or commit. Its options become those given. Raises InputError as
        `study.raw.load`, UsageError `study-other` if it is of another seed, plan, machine, or version of a
        package; a package that it had not may have been installed since.
        """
        ending = re.compile(rf"cost-\d{{4}}-\d\d-\d\d-{re.escape(_slug(name))}(-\d+)?\.json")
        found = [path for path in folder.glob("cost-*.json") if ending.fullmatch(path.name)]
        new = Result.begin(folder, name, seed, options)
        if not found:
            return new
        path = max(found, key=_age)
        body = load(path)
        if said := _difference(body, new.body):
            raise UsageError(
                "study-other",
                f"{path}: a study with {said}: its figures and new ones do not belong together. Resume it as "
                "it was begun, or leave out --resume to start another.",
            )
        return Result(path, body | {name: new.body[name] for name in ("versions", "options")})

    def keeps(self, cell: Cell, program: str, secure: bool = False) -> bool:
        """Whether the cell is measured; it is then part of `cell`'s sweeps, too, from the next write on.

        secure: it would now get a reference string, so a figure under one that the prover made itself does
        not count. Raises UsageError `study-other` if it was measured on another program.
        """
        found = [one for one in self.body["cells"] if one["id"] == cell.id and one["status"] == "measured"]
        if not found:
            return False
        known = found[0]
        if known["work"]["program"] != program:
            raise UsageError(
                "study-other",
                f"{self.path}: cell {cell.id!r} was measured on another program: leave out --resume "
                "to start another study.",
            )
        if secure and known["insecure"] is not None:
            return False
        self.body = self._with(known | {"axes": list(dict.fromkeys([*known["axes"], *cell.axes]))})
        return True

    def save(self) -> None:
        """Write the file, and its folder, before anything is measured: if it cannot be, that is known early.

        Raises ResourceError `study-unwritable` (exit 4).
        """
        try:
            self._write(self.body)
        except OSError as error:
            raise ResourceError(
                "study-unwritable",
                f"{self.path} cannot be written: {error.strerror or error}. Nothing was measured: make room, "
                "or choose a folder that can be written.",
            ) from error

    def put(self, cell: dict[str, Any]) -> None:
        """Keep a cell, in place of one with its id.

        Raises ResourceError `study-unwritable` (exit 4), after the cell went to standard error.
        """
        cell = cell | {"commit": self._commit}
        body = self._with(cell)
        try:
            self._write(body)
        except OSError as error:
            console.log(json.dumps(cell))
            raise ResourceError(
                "study-unwritable",
                f"{self.path}: cell {cell['id']!r} cannot be kept: {error.strerror or error}; the file has "
                f"the {len(self.body['cells'])} cells before it, and this one stands above. Make room; the "
                "same command with --resume continues.",
            ) from error
        self.body = body

    def _with(self, cell: dict[str, Any]) -> dict[str, Any]:
        """The body with this cell, in place of one with its id."""
        cells = {one["id"]: one for one in self.body["cells"]} | {cell["id"]: cell}
        return self.body | {"cells": list(cells.values())}

    def _write(self, body: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, (json.dumps(body, indent=1) + "\n").encode())


def default_folder() -> Path:
    """benchmarks/results of the checkout that this package lies in, else the current folder."""
    results = ROOT / "benchmarks" / "results"
    return results if results.is_dir() else Path()


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The first thing in which two results cannot be one study; empty if there is none."""
    pairs = [(name, old[name], new[name]) for name in ("seed", "name")]
    pairs += [(f"machine {name}", was, new["machine"].get(name)) for name, was in old["machine"].items()]
    pairs += [(name, was, new["versions"].get(name)) for name, was in old["versions"].items() if was]
    return next((f"{name} {was!r}, not {now!r}" for name, was, now in pairs if was != now), "")


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
