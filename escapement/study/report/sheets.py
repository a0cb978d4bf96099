"""The study's tables, whatever shows them: terminal, Markdown or HTML.

Every figure is text and, for sorting, its value. An empty field is a figure that means nothing there or was
not measured; the table of cells without a measurement says which and why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from escapement.study.raw import Measured
from escapement.study.report import notes, shown
from escapement.study.report.figures import Figures, Point, Spread
from escapement.study.report.sweeps import AXES, Line, lines


@dataclass(frozen=True)
class Field:
    """One figure: as text, and what it sorts by (None: by its text)."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A column's head; `drop`: left out in narrow terminals, higher numbers first (0: never)."""

    title: str
    drop: int = 0
    numeric: bool = True
    prose: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table with its name in markers, title and a sentence on how to read it."""

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: list[tuple[Field, ...]] = field(default_factory=list)


def sheets(figures: Figures) -> dict[str, Sheet]:
    """Every table by name, in the order shown, empty ones too."""
    made = [_headline(figures)]
    made += [_sweep(figures, axis) for axis in AXES]
    made += [_scheme(figures), _parts(figures), _sizes(figures), _unfit(figures), _machine(figures)]
    return {sheet.name: _without_empty_columns(sheet) for sheet in made}


def cells(figures: Figures) -> Sheet:
    """Every cell of the study, one row each."""
    columns = (
        Column("cell", numeric=False),
        Column("status", numeric=False),
        Column("parameters"),
        Column("batch"),
        Column("k"),
        Column("m"),
        Column("seconds per step"),
        Column("slowdown"),
        Column("peak memory"),
        Column("proof"),
        Column("verification"),
        Column("load before"),
    )
    sheet = Sheet("cells", "Every cell", notes.CELLS, columns)
    for point in figures.points:
        cell, measured = point.cell, point.cell.measured
        counts = (cell.work.parameters, cell.work.batch, cell.k, cell.m)
        sheet.rows.append(
            (
                Field(cell.id),
                Field(cell.status.replace("-", " ")),
                *(_count(value) for value in counts),
                _seconds(point.seconds),
                _slowdown(point.slowdown.get("faster")),
                _peak(measured),
                _bytes(measured.proof_bytes if measured else None),
                _seconds(point.verify),
                Field("") if measured is None else Field(f"{measured.load_before:.1f}", measured.load_before),
            )
        )
    return sheet


def _without_empty_columns(sheet: Sheet) -> Sheet:
    """Where no row has a figure, the column says nothing."""
    kept = [i for i in range(len(sheet.columns)) if any(row[i].text for row in sheet.rows)]
    columns = tuple(sheet.columns[i] for i in kept)
    return replace(sheet, columns=columns, rows=[tuple(row[i] for i in kept) for row in sheet.rows])


def answers(figures: Figures) -> list[Line]:
    """The lines of slowdown against parameters that have a figure, baselines left out."""
    return [
        line for line in lines(figures, "parameters") if line.slowdowns() and not line.points[0][1].is_plain
    ]


def _headline(figures: Figures) -> Sheet:
    columns = (
        Column("", numeric=False),
        Column("caveat", numeric=False, prose=True),
        Column("k", drop=3),
        Column("smallest"),
        Column("at smallest"),
        Column("largest"),
        Column("at largest"),
        Column("with last proof", drop=2),
        Column("slope", drop=1),
        Column("per ten times the size", drop=4),
    )
    sheet = Sheet("headline", "Slowdown against plain training", notes.HEADLINE, columns)
    for line in answers(figures):
        (least, first), (most, last) = line.slowdowns()[0], line.slowdowns()[-1]
        slope = line.slope()
        sheet.rows.append(
            (
                Field(line.label),
                Field(", ".join(line.qualifiers())),
                Field(line.ks()),
                _count(least),
                _slowdown(first.slowdown["faster"]),
                _count(most),
                _slowdown(last.slowdown["faster"]),
                _slowdown(last.slowdown_with_last.get("faster")),
                Field("") if slope is None else Field(shown.slope(slope), slope),
                _optional(line.tenfold(), shown.times),
            )
        )
    return sheet


def _sweep(figures: Figures, axis: str) -> Sheet:
    title, unit = SWEEPS[axis]
    last = axis not in (
        "fold",
        "segment",
    )  # there it is spread over as many steps as a cell happened to prove
    columns = (
        Column("", numeric=False),
        Column(unit),
        *(Column(name, drop) for name, drop in (("widths", 6), ("B", 5), ("k", 4)) if name != unit),
        Column("s per step"),
        Column("quartiles", drop=8),
        Column("n", drop=7),
        Column("/ NumPy", drop=2),
        Column("/ torch", drop=2),
        Column("slowdown"),
        *([Column("with last proof", drop=1)] if last else []),
        Column("estimate (not measured)", drop=3),
    )
    sheet = Sheet(axis, title, notes.sweep(figures, axis), columns)
    for line in lines(figures, axis):
        sheet.rows.extend(_sweep_row(line, x, point, unit, last) for x, point in line.points)
    return sheet


def _sweep_row(line: Line, x: int, point: Point, unit: str, last: bool) -> tuple[Field, ...]:
    work, seconds = point.cell.work, point.seconds
    settings = {
        "widths": Field(work.name),
        "B": _count(work.batch),
        "k": _count(point.cell.k) if point.proves else Field(""),
    }
    status = Field(point.cell.status.replace("-", " "))
    return (
        Field(line.label),
        _count(x),
        *(value for name, value in settings.items() if name != unit),
        status if seconds is None else _seconds(seconds),
        Field("" if seconds is None else shown.quartiles(seconds)),
        Field("") if seconds is None else _count(seconds.count),
        *(_slowdown(_other(point, name)) for name in ("numpy", "torch", "faster")),
        *([_slowdown(point.slowdown_with_last.get("faster"))] if last else []),
        _estimate(point) if seconds is None else Field(""),
    )


def _scheme(figures: Figures) -> Sheet:
    columns = (
        Column("", numeric=False),
        Column("scheme", numeric=False),
        Column("widths", drop=3, numeric=False),
        Column("s per step"),
        Column("set-up", drop=1),
        Column("keys", drop=2),
        Column("last proof"),
        Column("proof"),
        Column("verification"),
        Column("insecure", drop=4, numeric=False, prose=True),
    )
    sheet = Sheet("scheme", "Commitment schemes", notes.SCHEME, columns)
    for point in figures.on("scheme"):
        measured = point.cell.measured
        status = Field(point.cell.status.replace("-", " "))
        sheet.rows.append(
            (
                Field(point.cell.prover),
                Field(point.cell.scheme or ""),
                Field(point.cell.work.name),
                _seconds(point.seconds) if measured else status,
                _duration(measured.set_up_seconds if measured else None),
                _bytes(measured.key_bytes if measured else None),
                _duration(measured.last_seconds if measured else None),
                _bytes(measured.proof_bytes if measured else None),
                _seconds(point.verify),
                Field(point.cell.insecure or ""),
            )
        )
    return sheet


def _parts(figures: Figures) -> Sheet:
    columns = (
        Column("", numeric=False),
        Column("parameters"),
        Column("s per step"),
        Column("parts", numeric=False, prose=True),
        Column("share of", drop=1, numeric=False),
    )
    sheet = Sheet("parts", "Where the time of a step goes", notes.parts(figures), columns)
    for line in lines(figures, "parameters"):
        for x, point in line.points:
            if point.shares and point.cell.measured is not None:
                ordered = sorted(point.shares.items(), key=lambda item: -item[1])
                split = ", ".join(f"{name} {shown.share(share)}" for name, share in ordered)
                by = point.cell.measured.parts_by or ""
                row = (Field(line.label), _count(x), _seconds(point.seconds), Field(split), Field(by))
                sheet.rows.append(row)
    return sheet


def _sizes(figures: Figures) -> Sheet:
    columns = (
        Column("", numeric=False),
        Column("parameters"),
        Column("set-up", drop=2),
        Column("keys", drop=1),
        Column("peak memory"),
        Column("proof"),
        Column("of steps", drop=3),
        Column("last proof"),
        Column("verifier's set-up", drop=4),
        Column("verification"),
        Column("quartiles", drop=7),
        Column("n", drop=6),
    )
    sheet = Sheet("sizes", "Set-up, keys, memory, proofs, verification", notes.sizes(figures), columns)
    for line in lines(figures, "parameters"):
        for x, point in line.timed():
            measured = point.cell.measured
            if measured is None:
                continue
            sheet.rows.append(
                (
                    Field(line.label),
                    _count(x),
                    _duration(measured.set_up_seconds),
                    _bytes(measured.key_bytes),
                    _peak(measured),
                    _bytes(measured.proof_bytes),
                    Field("") if measured.proof_steps is None else _count(measured.proof_steps),
                    _duration(measured.last_seconds),
                    _duration(measured.verifier_seconds),
                    _seconds(point.verify),
                    Field("" if point.verify is None else shown.quartiles(point.verify)),
                    Field("") if point.verify is None else _count(point.verify.count),
                )
            )
    return sheet


def _unfit(figures: Figures) -> Sheet:
    columns = (
        Column("cell", numeric=False, prose=True),
        Column("status", numeric=False),
        Column("why", numeric=False, prose=True),
        Column("estimate", drop=1),
        Column("memory", drop=2),
        Column("source of the estimate", drop=3, numeric=False, prose=True),
    )
    sheet = Sheet("unfit", "Not measured", notes.UNFIT, columns)
    for point in figures.unmeasured():
        estimate = point.cell.estimate
        sheet.rows.append(
            (
                Field(point.cell.id),
                Field(point.cell.status.replace("-", " ")),
                Field(point.cell.reason),
                _estimate(point),
                _bytes(estimate.memory_bytes if estimate else None),
                Field(estimate.source if estimate else ""),
            )
        )
    return sheet


def _machine(figures: Figures) -> Sheet:
    study, machine = figures.study, figures.study.machine
    sheet = Sheet(
        "machine", "Machine and versions", "", (Column("", numeric=False), Column("", numeric=False))
    )
    versions = ", ".join(f"{name} {version or 'not installed'}" for name, version in study.versions.items())
    named = {
        "study": f"{study.name}, seed {study.seed}, {study.date}",
        "processor": f"{machine.cpu}, {machine.cores} cores",
        "memory": shown.size(machine.memory_bytes),
        "system": f"{machine.system}, Python {machine.python}",
        "commit": study.commit or "outside a checkout",
        "versions": versions,
    }
    if commits := list(dict.fromkeys(point.cell.commit for point in figures.points if point.cell.commit)):
        named["measured at"] = ", ".join(commits)
    sheet.rows.extend((Field(name), Field(text)) for name, text in named.items())
    return sheet


def _count(value: int) -> Field:
    return Field(f"{value:,}", value)


def _optional(value: float | None, text: Callable[[float], str]) -> Field:
    return Field("") if value is None else Field(text(value), value)


def _duration(value: float | None) -> Field:
    return _optional(value, shown.seconds)


def _bytes(value: int | None) -> Field:
    return _optional(value, shown.size)


def _peak(measured: Measured | None) -> Field:
    """A sampled one is what was seen, and the peak is not less."""
    if measured is None:
        return Field("")
    least = "≥ " if measured.peak_by == "sampled" else ""
    return Field(f"{least}{shown.size(measured.peak_bytes)}", measured.peak_bytes)


def _seconds(spread: Spread | None) -> Field:
    return _duration(spread.median if spread else None)


def _slowdown(spread: Spread | None) -> Field:
    return _optional(spread.median if spread else None, shown.times)


def _other(point: Point, baseline: str) -> Spread | None:
    """The ratio to a baseline; None of one to itself."""
    itself = point.cell.prover in (baseline, point.faster if baseline == "faster" else "")
    return None if itself else point.slowdown.get(baseline)


def _estimate(point: Point) -> Field:
    """Seconds per step that the cell would take, and the slowdown that would be."""
    estimate = point.cell.estimate
    if estimate is None:
        return Field("")
    ratio = "" if point.estimated is None else f", {shown.times(point.estimated)}"
    return Field(f"{shown.seconds(estimate.seconds_per_step)}{ratio}", estimate.seconds_per_step)


SWEEPS = {
    "parameters": ("By parameters", "parameters"),
    "batch": ("By batch size", "B"),
    "layers": ("By depth", "dense layers"),
    "fold": ("By steps per fold", "k"),
    "segment": ("By steps per segment", "steps per segment"),
}
