"""Runs operations of `zkml.provers.ezkl.worker` in child processes: none of ezkl's ways to fail is ours.

ezkl panics, is killed for memory, returns awaitables and prints. Each operation gets its own process: ezkl
reads its keys anew at every proof anyway, and memory goes back at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zkml
from zkml.errors import ExportError, ProverError, ProverFailed, ProverMemory, ProverMissing


def run(operation: str, folder: Path, /, **arguments: Any) -> Any:
    """The operation's value. `folder` takes its temporary files; an argument `scratch` is one of them.

    Raises ProverMissing, ExportError, ProverMemory (killed, or an allocation failed) or ProverFailed (a panic
    or an error, in ezkl's words).
    """
    try:
        with scratch_folder(folder) as scratch:
            return _run(operation, scratch, arguments)
    except OSError as error:
        raise ProverFailed(f"ezkl: {operation}: {error}") from error


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder inside `folder` that goes when the block ends, or with the next such block if the process is
    killed before: it may hold weights, or gigabytes. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*-*"):
        owner = left.name.removeprefix(_SCRATCH).partition("-")[0]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{os.getpid()}-", dir=folder) as name:
        yield Path(name)


def interpret(operation: str, answer: Any, status: int, said: str) -> Any:
    """The value of an answer (None: there is none) of a child that ended with `status` and `said` this."""
    if isinstance(answer, dict) and "value" in answer:
        return answer["value"]
    kind, message = "killed", said
    if isinstance(answer, dict) and "error" in answer:
        kind, message = answer["error"]
    raise _error(operation, kind, " ".join(f"{message} {said}".split())[:_SAID_MOST], status)


def _run(operation: str, scratch: Path, arguments: dict[str, Any]) -> Any:
    request, answer, log = (scratch / name for name in ("request.json", "answer.json", "log"))
    if operation in _NEED_SCRATCH:
        arguments = {**arguments, "scratch": str(scratch)}
    request.write_text(json.dumps({"operation": operation, "arguments": arguments}))
    command = [sys.executable, "-P", "-m", "zkml.provers.ezkl.worker", str(request), str(answer)]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=_environment(scratch)
        )
        try:
            status = child.wait()
        finally:
            child.kill()
            child.wait()
    return interpret(operation, _read(answer), status, _tail(log))


def _error(operation: str, kind: str, message: str, status: int) -> ProverError:
    where = f"ezkl: {operation}"
    if kind == "missing":
        return ProverMissing(f"{where}: {message}; {REMEDY}")
    if kind == "export":
        return ExportError(message)
    if "No space left" in message or "os error 28" in message:
        return ProverFailed(
            f"{where}: the disk is full ({message}); free space and run again, nothing is lost"
        )
    if kind == "memory" or status == -signal.SIGKILL or _ALLOCATION in message or "os error 12" in message:
        killed = "was killed, as happens when memory runs out" if status == -signal.SIGKILL else message
        return ProverMemory(f"{where}: {killed}; take fewer parameters or a smaller batch, or more memory")
    if kind == "killed":
        ended = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return ProverFailed(f"{where}: the process ended with {ended} and no answer: {message}")
    return ProverFailed(f"{where}: {message}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _environment(scratch: Path) -> dict[str, str]:
    """Ours, less what would change ezkl's formats and verbosity.

    ezkl keeps range tables in a cache under the home directory, and reads back what it finds there; here
    each process has a cache of its own.
    """
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("EZKL", "RUST_", "HALO2"))}
    # The child must run this very package, also where it was found through the current directory.
    paths = [*filter(None, [kept.get("PYTHONPATH")]), str(Path(zkml.__file__).parents[1])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "EZKL_REPO_PATH": str(scratch / "repository")}
    return {**kept, **own, "PYTHONWARNINGS": "ignore"}


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _SAID_MOST))
        return file.read().decode(errors="replace")


REMEDY = "install it with `make ezkl`, or `pip install 'escapement[ezkl]'`"
_SCRATCH = ".ezkl-"
_NEED_SCRATCH = ("check", "prepare", "step", "verify")
_ALLOCATION = "memory allocation of"  # what Rust says before it aborts
_SAID_MOST = 600
