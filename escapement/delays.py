"""Delays as files: evaluate one with progress and resumption, prove many at once, verify what others made."""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.progress import BarColumn, TextColumn

from escapement import console
from escapement.console import human_seconds
from escapement.errors import INTERRUPTED, INVALID, EscapementError, InputError, UsageError
from vdf import delayfile, runfile
from vdf.delayfile import DelayFile
from vdf.errors import Interrupted, Malformed, VdfError
from vdf.group import Delay, require_context, require_squarings
from vdf.groups import group
from vdf.record import discard, older, proof_state
from vdf.runfile import RunFile

# --- evaluate ---------------------------------------------------------------------------------------------


def evaluate(name: str, context: bytes, squarings: int, out: Path, state: Path | None) -> dict[str, Any]:
    """Evaluate and prove one delay into `out`; returns what the command reports.

    Ctrl-C and SIGTERM save `state` (default: beside `out`) and raise `delay-interrupted`; the same call
    continues. A finished `out` of the same delay is verified and left; UsageError `exists` for any other.
    """
    require_context(context)
    require_squarings(squarings)
    chosen, state = group(name), out.with_name(f"{out.name}.state") if state is None else state
    _require_place(out, state)
    claims = {"delay": out, "group": name, "squarings": squarings, "context": context}
    if out.exists():
        return claims | {"y": _finished(name, context, squarings, out).y, "already_done": True}
    continues = state.exists() or older(state).exists()
    with stop_signals() as stop, Watch(squarings, continues) as watch:
        try:
            x = chosen.input(context, squarings)
            delay = chosen.delay(
                x, squarings, state=state, on_output=watch.evaluated, progress=watch, stop=stop
            )
        except Interrupted as error:
            message = f"{error}; the same command continues where it stopped"
            raise EscapementError(error.code, message, INTERRUPTED) from error
        delayfile.save(out, DelayFile(name, context, delay, watch.seconds))
        discard(state)
    return claims | {"y": delay.y, "already_done": False} | watch.report()


def _require_place(out: Path, state: Path) -> None:
    """What would fail after days of squaring fails now."""
    if not out.parent.is_dir():
        raise InputError("no-folder", f"{out.parent}: no such folder to write {out.name} in")
    written = {out.resolve(), delayfile.kept_path(out).resolve()}
    removed = {file.resolve() for path in (state, proof_state(state)) for file in (path, older(path))}
    if written & removed:
        raise UsageError(
            "same-file",
            f"{out}: the delay and its kept elements ({delayfile.kept_path(out).name}) need other names than "
            f"its state ({state.name}, also with .1 and .proof), which is removed at the end",
        )


def _finished(name: str, context: bytes, squarings: int, out: Path) -> Delay:
    """The delay in `out` if it is this one, and true."""
    try:
        found = delayfile.load(out)
    except VdfError as error:
        raise UsageError("exists", f"{out} exists and is no delay; choose another name: {error}") from error
    if (found.group, found.context, found.delay.squarings) != (name, context, squarings):
        raise UsageError("exists", f"{out} exists and holds another delay; choose another name with --out.")
    delay = found.delay
    with _naming(out):
        group(name).verify(delay.x, delay.y, delay.pi, delay.squarings)
    try:
        delayfile.load(out, kept=True)
    except Malformed as error:
        raise UsageError(
            "exists",
            f"{out} is this delay, and true; only the proof of a run needs its kept elements, and they are "
            f"missing or damaged: {error}. To make them again, remove {out} and repeat this command.",
        ) from error
    return delay


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """A function that is true after Ctrl-C or SIGTERM; a second one ends the process as usual.

    A signal that whoever started this process had it ignore, as `nohup` and `&` do, stays ignored.
    """
    stopped = threading.Event()
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}

    def note(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(number, before[signal.Signals(number)])
        console.log("Stopping: saving what is done")

    for number in before:
        signal.signal(number, note)
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watch:
    """Progress of one evaluation on stderr: a bar with an estimate on a terminal, else a line per minute."""

    def __init__(self, squarings: int, continues: bool) -> None:
        """`continues`: there is a state file, whose squarings are not this process's."""
        self._total = squarings
        self._continues = continues
        self._first: int | None = None
        self._start = self._line_at = time.monotonic()
        self._evaluated: float | None = None
        self._bar = console.bars(
            TextColumn("delay"),
            BarColumn(),
            TextColumn("{task.percentage:>5.1f} %  {task.fields[note]}"),
        )
        self._task = self._bar.add_task("delay", total=squarings, note="")

    def __enter__(self) -> "Watch":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """So many squarings are done."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._start = done if self._continues else 0, now
            self._line_at = now + LINE_SECONDS
            begun = f"Continuing after {done:,} of" if self._first else "Evaluating"
            console.log(f"{begun} {total:,} squarings")
        note = self._note(done, now)
        self._bar.update(self._task, completed=done, note=note)
        if self._bar.disable and now >= self._line_at:
            self._line_at = now + LINE_SECONDS
            console.log(f"{done / total:.1%}, {note}")

    def evaluated(self, y: bytes) -> None:
        """The output is known; what follows is the proof."""
        self._evaluated = time.monotonic()
        console.log(f"y is known after {human_seconds(self.seconds)}; finishing the proof")

    @property
    def seconds(self) -> float:
        """What this process spent squaring."""
        return (time.monotonic() if self._evaluated is None else self._evaluated) - self._start

    def report(self) -> dict[str, Any]:
        """Times and rate; the rate is None if this process squared nothing."""
        assert self._evaluated is not None
        done = self._total - (self._first or 0)
        return {
            "continued_after": self._first or 0,
            "seconds": self.seconds,
            "squarings_per_second": done / self.seconds if done else None,
            "proof_seconds": time.monotonic() - self._evaluated,
        }

    def _note(self, done: int, now: float) -> str:
        made, taken = done - (self._first or 0), now - self._start
        if not made or not taken:
            return ""
        left = human_seconds((self._total - done) * taken / made)
        return f"{made / taken:,.0f} squarings/s, about {left} left"


# --- prove many -------------------------------------------------------------------------------------------


def prove(files: Sequence[Path], out: Path) -> RunFile:
    """One proof for many delay files of one group and T, written to `out`.

    Verifies every delay first, so that a false one is named. Raises UsageError `exists`, `delay-mixed`,
    `delay-repeated`.
    """
    if out.exists():
        raise UsageError("exists", f"{out} exists: choose another name with --out.")
    loaded = [delayfile.load(file, kept=True) for file in files]
    kinds = {(found.group, found.delay.squarings) for found in loaded}
    if len(kinds) != 1:
        raise UsageError(
            "delay-mixed", f"one proof is for delays of one group and one T; these have {_words(kinds)}"
        )
    _require_distinct([_claim(file, found) for file, found in zip(files, loaded, strict=True)])
    (name, squarings), delays = kinds.pop(), [found.delay for found in loaded]
    with _naming(*files):
        group(name).verify_each(delays)
        proof = group(name).prove_run(delays)
    contexts = tuple(found.context for found in loaded)
    made = RunFile(name, squarings, contexts, tuple(delay.y for delay in delays), proof)
    runfile.save(out, made)
    return made


# --- verify -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """One delay as a file tells it."""

    file: Path
    group: str
    squarings: int
    context: bytes
    y: bytes


@dataclass(frozen=True)
class Expected:
    """What the verifier knows by itself; None for what is left to the files. `contexts`: in their order."""

    group: str | None = None
    squarings: int | None = None
    contexts: tuple[bytes, ...] | None = None

    def left_open(self) -> list[str]:
        """What only the files say."""
        known = {"group": self.group, "T": self.squarings, "context": self.contexts}
        return [name for name, value in known.items() if value is None]


def verify(files: Sequence[Path], expected: Expected) -> list[Claim]:
    """Check files of one delay or of many; returns what was shown, raises if anything was not.

    Every x is computed from context and T. Raises `delay-unexpected` (exit 1) where a file is of another
    delay than `expected`, UsageError `delay-repeated`, and the errors of vdf with the file's name.
    """
    if expected.group is not None:
        group(expected.group)
    read = [
        (file, runfile.load(file) if runfile.is_run_file(file) else delayfile.load(file)) for file in files
    ]
    claims = [claim for file, content in read for claim in _claims(file, content)]
    _require_distinct(claims)
    _require_expected(claims, expected)
    kinds: dict[tuple[str, int], list[tuple[Path, Delay]]] = {}
    for file, content in read:
        if isinstance(content, DelayFile):
            kind = (content.group, content.delay.squarings)
            kinds.setdefault(kind, []).append((file, content.delay))
        else:
            with _naming_run(file):
                group(content.group).verify_run(content.xs(), content.ys, content.proof, content.squarings)
    for (name, _), members in kinds.items():
        with _naming(*(file for file, _ in members)):
            group(name).verify_each([delay for _, delay in members])
    return claims


def _claims(file: Path, content: DelayFile | RunFile) -> list[Claim]:
    if isinstance(content, DelayFile):
        return [_claim(file, content)]
    pairs = zip(content.contexts, content.ys, strict=True)
    return [Claim(file, content.group, content.squarings, context, y) for context, y in pairs]


def _claim(file: Path, content: DelayFile) -> Claim:
    return Claim(file, content.group, content.delay.squarings, content.context, content.delay.y)


def _require_distinct(claims: list[Claim]) -> None:
    """One delay counts once, however often it is handed in."""
    seen: dict[tuple[str, int, bytes], Path] = {}
    for claim in claims:
        kind = (claim.group, claim.squarings, claim.context)
        if kind in seen:
            raise UsageError("delay-repeated", f"{claim.file}: the same delay as in {seen[kind]}")
        seen[kind] = claim.file


def _require_expected(claims: list[Claim], expected: Expected) -> None:
    contexts = expected.contexts
    if contexts is not None and len(contexts) != len(claims):
        raise UsageError(
            "delay-contexts",
            f"one context per delay expected, in order: {len(claims)} delays, {len(contexts)} contexts",
        )
    for index, claim in enumerate(claims):
        wanted = Claim(
            claim.file,
            claim.group if expected.group is None else expected.group,
            claim.squarings if expected.squarings is None else expected.squarings,
            claim.context if contexts is None else contexts[index],
            claim.y,
        )
        if claim != wanted:
            raise EscapementError(
                "delay-unexpected",
                f"{claim.file}: expected {_said(wanted)}; got {_said(claim)}",
                INVALID,
            )


def _said(claim: Claim) -> str:
    return f"{claim.group}, T = {claim.squarings}, context {claim.context.hex()}"


def _words(kinds: set[tuple[str, int]]) -> str:
    return "; ".join(f"{name}, T = {squarings}" for name, squarings in sorted(kinds))


@contextmanager
def _naming(*files: Path) -> Iterator[None]:
    """An error about "delay i" is one about the i-th file; any other names the only file, if it is one."""
    try:
        yield
    except VdfError as error:
        said = re.match(r"delay (\d+): ", error.message)
        if said is not None and int(said[1]) < len(files):
            message = f"{files[int(said[1])]}: {error.message[said.end() :]}"
            raise type(error)(error.code, message) from error
        if len(files) == 1:
            raise type(error)(error.code, f"{files[0]}: {error.message}") from error
        raise


@contextmanager
def _naming_run(file: Path) -> Iterator[None]:
    """An error is about this file, whichever of its delays it names."""
    try:
        yield
    except VdfError as error:
        raise type(error)(error.code, f"{file}: {error.message}") from error


LINE_SECONDS = 60.0
