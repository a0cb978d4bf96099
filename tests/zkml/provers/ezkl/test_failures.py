"""What goes wrong in ezkl ends as a clear error: panics, kills, memory, full disks, wrong versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zkml.errors import (
    ExportError,
    ProverError,
    ProverFailed,
    ProverMemory,
    ProverMissing,
    SrsError,
    SrsTooSmall,
    TensorError,
)
from zkml.program import Program
from zkml.provers.ezkl import child
from zkml.provers.ezkl.backend import VERSION, EzklBackend
from zkml.provers.ezkl.setup import is_whole
from zkml.provers.ezkl.srs import INSECURE, file_digest, file_size, local_srs
from zkml.provers.interface import Work

Tiny = Callable[..., Program]


def test_a_panic_is_told_in_its_own_words(run: Any, tmp_path: Path) -> None:
    with pytest.raises(ProverFailed, match="ezkl: srs: PanicException: assertion failed: k <= E::Fr::S"):
        child.run("srs", tmp_path, path=str(tmp_path / "x.srs"), logrows=40)
    with pytest.raises(ProverFailed, match="ezkl: hashes: PanicException: called `Result::unwrap"):
        child.run("hashes", tmp_path, messages=[["not hex"]])
    assert list(tmp_path.iterdir()) == []


def test_a_broken_model_is_refused_in_ezkls_words(run: Any, tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "step.onnx").write_bytes(b"no model")
    with pytest.raises(ProverFailed, match="ezkl: compile: RuntimeError: Failed to generate settings"):
        child.run("compile", tmp_path, program=tiny().encode().hex(), folder=str(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_a_killed_child_is_out_of_memory(run: Any, tmp_path: Path) -> None:
    """SIGKILL is what the kernel sends when memory runs out."""
    tasks = Path(f"/proc/self/task/{threading.get_native_id()}/children")

    def kill() -> None:
        for _ in range(1000):
            if found := tasks.read_text().split():
                os.kill(int(found[-1]), signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ProverMemory, match="ezkl: srs: was killed, as happens when memory runs out"):
        child.run("srs", tmp_path, path=str(tmp_path / "x.srs"), logrows=20)
    killer.join()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space")
def test_an_allocation_that_fails_is_out_of_memory(run: Any, tmp_path: Path) -> None:
    """2^26 rows take 4 GB of points; the child inherits a limit of 2 GB."""
    script = f"""
        import resource
        from pathlib import Path
        from zkml.errors import ProverMemory
        from zkml.provers.ezkl import child
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        try:
            child.run("srs", Path({str(tmp_path)!r}), path={str(tmp_path / "x.srs")!r}, logrows=26)
        except ProverMemory as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert "memory allocation of" in done.stdout, done
    assert "take fewer parameters or a smaller batch" in done.stdout


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    left, ours = tmp_path / f".ezkl-{int(done.stdout)}-x", tmp_path / f".ezkl-{os.getpid()}-x"
    for folder in (left, ours):
        folder.mkdir()
        (folder / "witness.json").write_text("weights")
    with child.scratch_folder(tmp_path) as scratch:
        assert scratch.parent == tmp_path
        assert not left.exists()
    assert list(tmp_path.iterdir()) == [ours]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named(run: Any, tmp_path: Path) -> None:
    with pytest.raises(ProverFailed, match=r"ezkl: srs: the disk is full .*free space and run again"):
        child.run("srs", tmp_path, path="/dev/full", logrows=10)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProverFailed, match=r"ezkl: hashes: .*Not a directory"):
        child.run("hashes", tmp_path / "file" / "folder", messages=[])


@pytest.mark.parametrize(
    ("answer", "status", "said", "kind", "message"),
    [
        (None, -signal.SIGKILL, "", ProverMemory, "was killed"),
        (None, -signal.SIGSEGV, "", ProverFailed, "ended with SIGSEGV and no answer"),
        (None, 0, "", ProverFailed, "exit status 0 and no answer"),
        (None, -signal.SIGABRT, "memory allocation of 9 bytes failed", ProverMemory, "allocation of 9"),
        ({"error": ["memory", "m"]}, 0, "", ProverMemory, "ezkl: step: m"),
        ({"error": ["missing", "No module named 'ezkl'"]}, 0, "", ProverMissing, "make ezkl"),
        ({"error": ["export", "tensor w"]}, 0, "", ExportError, "tensor w"),
        ({"error": ["failed", "RuntimeError: os error 28"]}, 0, "", ProverFailed, "the disk is full"),
        ([], 0, "", ProverFailed, "no answer"),
    ],
)
def test_every_end_of_a_child_is_an_error(
    answer: object, status: int, said: str, kind: type[ProverError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        child.interpret("step", answer, status, said)


def test_awaitables_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of ezkl's functions answer so, and need a running event loop to begin with."""
    import asyncio
    from types import SimpleNamespace

    from zkml.provers.ezkl import worker

    def function(value: int) -> Any:
        async def later() -> int:
            return value + 1

        asyncio.get_running_loop()
        return later()

    monkeypatch.setattr(worker, "_ezkl", lambda: SimpleNamespace(function=function))
    assert worker.call("function", 1) == 2
    monkeypatch.setattr(worker, "_ezkl", lambda: SimpleNamespace(function=lambda: False))
    with pytest.raises(RuntimeError, match="function answered False"):
        worker.call("function")


@pytest.mark.parametrize("module", ["ezkl", "torch", "onnxscript"])
def test_a_missing_module_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else real(name))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "23.0.5")
    with pytest.raises(
        ProverMissing, match=f"the module {module} is not installed; install it with `make ezkl`"
    ):
        EzklBackend().require()


def test_the_child_imports_the_distribution_not_this_package(run: Any, tmp_path: Path) -> None:
    assert child.run("version", tmp_path) == VERSION == importlib.metadata.version("ezkl")


def test_another_version_is_refused(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "22.0.0")
    for attempt in (
        EzklBackend().require,
        lambda: EzklBackend().set_up(run.work, tmp_path, None),
        lambda: EzklBackend().verifier(run.work.program, tmp_path, None),
    ):
        with pytest.raises(ProverMissing, match=r"version 22\.0\.0 is installed, 23\.0\.5 is needed"):
            attempt()


def test_a_module_missing_in_the_child_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A directory before all others on the path whose ezkl cannot be imported."""
    (tmp_path / "ezkl.py").write_text("raise ImportError('no ezkl here')")
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), before, *sys.path])))
    with pytest.raises(ProverMissing, match="ezkl: hashes: no ezkl here"):
        child.run("hashes", tmp_path, messages=[["00" * 32]])


@pytest.mark.parametrize("name", ["pk", "vk", "settings.json", "circuit.ezkl", "kept.json"])
@pytest.mark.parametrize("damage", ["altered", "cut", "gone"])
def test_damaged_kept_files_are_noticed(run: Any, tmp_path: Path, name: str, damage: str) -> None:
    kept = run.steps.kept
    copy = tmp_path / kept.folder.name
    shutil.copytree(kept.folder, copy)
    identity = json.loads((copy / "kept.json").read_text())["identity"]
    assert is_whole(copy, identity, kept.files)
    assert not is_whole(copy, identity[::-1], kept.files)
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data if damage == "altered" else data[:-1])
    if damage == "gone":
        (copy / name).unlink()
    assert not is_whole(copy, identity, kept.files)


def test_damaged_kept_files_are_derived_again(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ezkl's cache of range tables under the home directory, which it would believe, plays no part."""
    kept = run.steps.kept
    cache = tmp_path / ".ezkl" / "cache" / f"rangecheck_0_{kept.layout.base - 1}" / "inputs"
    cache.parent.mkdir(parents=True)
    digits = [i if i != 5 else 5000 for i in range(kept.layout.base)]
    cache.write_bytes(b"".join(digit.to_bytes(32, "little") for digit in digits))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EZKL_REPO_PATH", str(tmp_path / ".ezkl"))
    monkeypatch.setenv("EZKL_KEY_FORMAT", "processed")
    whole = {name: file_digest(kept.folder / name) for name in ("pk", "vk", "settings.json")}
    (kept.folder / "pk").write_bytes(b"damaged")
    again = EzklBackend().set_up(run.work, run.folder, None)
    assert again.kept.folder == kept.folder
    # The compiled circuit's bytes vary from run to run; what depends on it does not.
    assert {name: file_digest(kept.folder / name) for name in whole} == whole
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".")]


def test_a_whole_set_up_is_taken_as_it_is(run: Any) -> None:
    before = (run.steps.kept.folder / "pk").stat().st_mtime_ns
    again = EzklBackend().set_up(run.work, run.folder, None)
    assert (again.kept.folder / "pk").stat().st_mtime_ns == before
    assert again.rows == run.steps.rows
    assert again.key_bytes == sum(
        p.stat().st_size for p in (*again.kept.folder.iterdir(), again.kept.srs) if p.name != "kept.json"
    )


def test_the_verifier_keeps_no_proving_key(run: Any) -> None:
    names = {path.name for path in run.verifier.kept.folder.iterdir()}
    assert names == {"vk", "settings.json", "kept.json"}
    assert file_digest(run.verifier.kept.folder / "vk") == file_digest(run.steps.kept.folder / "vk")


def test_a_local_reference_string_is_called_insecure(run: Any) -> None:
    assert run.steps.insecure == run.verifier.insecure == INSECURE
    copy, own = run.folder / "given.srs", run.verifier.kept.folder.parent
    copy.write_bytes(run.steps.kept.srs.read_bytes())
    assert EzklBackend().verifier(run.work.program, own, copy).insecure is None


def test_a_damaged_local_reference_string_is_made_again(run: Any, tmp_path: Path) -> None:
    path = local_srs(tmp_path, 4)
    digest = file_digest(path)
    assert file_digest(local_srs(tmp_path, 4)) == digest
    path.write_bytes(path.read_bytes()[:-1])
    assert local_srs(tmp_path, 4) == path
    assert file_digest(path) != digest
    assert path.stat().st_size == file_size(4)


def test_reference_strings_of_another_form_are_refused(run: Any, tmp_path: Path) -> None:
    whole, path = run.steps.kept.srs.read_bytes(), tmp_path / "x.srs"
    for data in (b"", b"\1\0", whole[:-1], whole + b"\0", b"\x00" * len(whole), b"\xff" * len(whole)):
        path.write_bytes(data)
        with pytest.raises(SrsError, match=r"x\.srs: "):
            EzklBackend().verifier(run.work.program, tmp_path, path)
    with pytest.raises(SrsError, match=r"none: .*No such file or directory"):
        EzklBackend().verifier(run.work.program, tmp_path, tmp_path / "none")


def test_a_reference_string_too_small_is_refused(run: Any, tmp_path: Path) -> None:
    needed = run.steps.kept.layout.logrows
    with pytest.raises(SrsTooSmall, match=rf"16 powers in G1, 2\^{needed} are needed: take a larger file"):
        EzklBackend().set_up(run.work, tmp_path, local_srs(tmp_path, 4))


def test_an_altered_point_of_a_reference_string_is_refused(run: Any, tmp_path: Path) -> None:
    """Another point of the curve, in the middle: only the pairings show it."""
    data = bytearray(run.steps.kept.srs.read_bytes())
    data[4 + 64 * 100 : 4 + 64 * 101] = data[4 + 64 * 7 : 4 + 64 * 8]
    path = tmp_path / "x.srs"
    path.write_bytes(data)
    with pytest.raises(SrsError, match=r"x\.srs: "):
        EzklBackend().verifier(run.work.program, tmp_path, path)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("ezkl-")]


def test_what_ezkl_cannot_read_of_a_reference_string_is_its_fault(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the file go bad after it was checked: ezkl's words, and still an error of that file."""
    path = tmp_path / "x.srs"
    data = bytearray(run.steps.kept.srs.read_bytes())
    data[1000:1064] = b"\xff" * 64
    path.write_bytes(data)
    monkeypatch.setattr("zkml.provers.ezkl.setup.require_srs", lambda *arguments: file_digest(path))
    with pytest.raises(SrsError, match=r"x\.srs: .*failed to read srs.*take an undamaged copy"):
        EzklBackend().verifier(run.work.program, tmp_path, path)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.full((5, 3), 4), np.zeros(5, int), r"x must be in \[-4, 3\], got 4\.\.4"),
        (np.zeros((5, 3), int), np.full(5, 2), r"labels must be in \[0, 1\], got 2\.\.2"),
        (np.zeros((4, 3), int), np.zeros(4, int), r"expected x of shape \(5, 3\)"),
        (np.zeros((5, 3), int), np.zeros(4, int), "and as many labels"),
    ],
)
def test_rows_that_do_not_fit_are_refused(run: Any, x: Any, labels: Any, message: str) -> None:
    with pytest.raises(TensorError, match=message):
        EzklBackend().set_up(Work(run.work.program, x, labels), run.folder, None)


def test_a_failed_segment_leaves_the_prover_as_it_was(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prover = run.steps.prover(run.nonce, run.statement)
    real, calls = child.run, []

    def second_fails(operation: str, folder: Path, /, **arguments: Any) -> Any:
        calls.append(operation)
        if len(calls) == 2:
            raise ProverMemory("ezkl: step: was killed")
        return real(operation, folder, **arguments)

    monkeypatch.setattr(child, "run", second_fails)
    with pytest.raises(ProverMemory):
        prover.prove(run.seeds[0], lambda progress: None)
    monkeypatch.undo()
    assert prover.weights == run.steps.prover(run.nonce, run.statement).weights
    again = prover.prove(run.seeds[0], lambda progress: None)
    assert [link.after for link in again] == [link.after for link in run.segments[0]]
