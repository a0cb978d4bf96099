"""The child process in which ezkl and torch run: `python -P -m zkml.provers.ezkl.worker REQUEST ANSWER`.

Both arguments are files of JSON. The request names an operation of `OPERATIONS` and its arguments; the
answer is {"value": …} or {"error": [kind, message]}, kind one of missing, export, memory, panic, failed.
Whatever ezkl prints goes to this process's streams and is read by nobody but a person.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zkml.errors import ExportError
from zkml.program import Program
from zkml.provers.ezkl.field import elements, integers
from zkml.provers.ezkl.layout import SCALE, Layout, layout


def main(request: Path, answer: Path) -> None:
    """Do what the request says and write the answer; every Python exception becomes one."""
    _die_with_parent()
    asked = json.loads(request.read_text())
    answer.write_text(json.dumps(_answer(asked["operation"], asked["arguments"])))


def version() -> str:
    """The version of ezkl that this process imports."""
    _ezkl()
    return str(importlib.import_module("importlib.metadata").version("ezkl"))


def export(program: str, path: str) -> None:
    """Write the ONNX file of a program's step. program: hex."""
    importlib.import_module("zkml.provers.ezkl.export").export_step(_layout(program), Path(path))


def prepare(program: str, folder: str, scratch: str) -> None:
    """Export, compile and check in one process, which loads torch once."""
    export(program, str(Path(folder) / "step.onnx"))
    compile_step(program, folder)
    check(program, folder, scratch)


def srs(path: str, logrows: int) -> None:
    """Make a reference string whose secret nobody has promised to forget."""
    call("gen_srs", path, logrows)


def compile_step(program: str, folder: str) -> None:
    """From step.onnx make settings.json and circuit.ezkl in `folder`."""
    where, shape = Path(folder), _layout(program)
    args = _ezkl().PyRunArgs()
    for name, value in run_args(shape).items():
        setattr(args, name, value)
    settings = where / "settings.json"
    call("gen_settings", str(where / "step.onnx"), str(settings), args)
    settings.write_text(canonical_settings(settings.read_text()))
    require_bound_products(settings.read_text())
    call("compile_circuit", str(where / "step.onnx"), str(where / "circuit.ezkl"), str(settings))


def check(program: str, folder: str, scratch: str) -> None:
    """Compare the witnesses of circuit.ezkl with eager SGD on random steps; raises ExportError."""
    data, witness = Path(scratch) / "input.json", str(Path(scratch) / "witness.json")

    def run(tensors: list[Any]) -> list[list[int]]:
        data.write_text(json.dumps({"input_data": [elements(tensor) for tensor in tensors]}))
        found = call("gen_witness", str(data), str(Path(folder) / "circuit.ezkl"), witness, None, None)
        return [integers(tensor) for tensor in found["outputs"]]

    export = importlib.import_module("zkml.provers.ezkl.export")
    export.compare_fixed_point(_layout(program), run)


def keys(folder: str, srs: str) -> None:
    """From circuit.ezkl make vk and pk in `folder`."""
    where = Path(folder)
    paths = [str(where / name) for name in ("circuit.ezkl", "vk", "pk")]
    call("setup", *paths, srs, None, False)


def hashes(messages: list[list[str]]) -> list[str]:
    """The Poseidon hash of each list of elements."""
    return [str(call("poseidon_hash", message)[0]) for message in messages]


def step(folder: str, srs: str, inputs: list[list[str]], scratch: str) -> dict[str, Any]:
    """Witness and proof of one step: instances, outputs, proof (hex), and the seconds of both."""
    where, here = Path(folder), Path(scratch)
    circuit, data, witness = str(where / "circuit.ezkl"), here / "input.json", str(here / "witness.json")
    data.write_text(json.dumps({"input_data": inputs}))
    start = time.perf_counter()
    found = call("gen_witness", str(data), circuit, witness, None, None)
    middle = time.perf_counter()
    proof = call("prove", witness, circuit, str(where / "pk"), None, srs)
    end = time.perf_counter()
    wrong = _verify_one(where, srs, here, proof["instances"][0], str(proof["proof"]).removeprefix("0x"))
    if wrong is not None:
        raise RuntimeError(f"the proof that prove made does not verify: {wrong}")
    return {
        "instances": proof["instances"][0],
        "outputs": found["outputs"],
        "proof": str(proof["proof"]).removeprefix("0x"),
        "witness_seconds": middle - start,
        "proof_seconds": end - middle,
    }


def verify(folder: str, srs: str, statements: list[list[Any]], scratch: str) -> list[Any] | None:
    """None if every [instances, proof (hex)] is valid, and none of the proofs without its last 32 bytes.

    Otherwise the first that is not: its number, and why, None if it is longer than it needs to be: halo2
    ignores what follows a proof.
    """
    where, here = Path(folder), Path(scratch)
    for number, (instances, proof) in enumerate(statements):
        wrong = _verify_one(where, srs, here, instances, proof)
        if wrong is not None:
            return [number, wrong]
        if _verify_one(where, srs, here, instances, proof[:-64]) is None:
            return [number, None]
    return None


def run_args(shape: Layout) -> dict[str, Any]:
    """ezkl's settings: one scale for everything, rebased at once, so that outputs can be inputs again."""
    return {
        "input_scale": SCALE,
        "param_scale": SCALE,
        "scale_rebase_multiplier": 1,
        "input_visibility": "hashed",
        "output_visibility": "hashed",
        "param_visibility": "fixed",
        "logrows": shape.logrows,
        "decomp_base": shape.base,
        "decomp_legs": shape.legs,
        "lookup_range": (-2, 2),  # no op of the step looks anything up but digits
        "num_inner_cols": 2,
        # Freivalds' check of products, on by default, is proven about a copy of the product, and nothing
        # ties the cells that later operations use to it (einsum in ezkl's circuit/ops/layouts.rs).
        "disable_freivalds": True,
    }


def canonical_settings(text: str) -> str:
    """The same settings with sets in order and no time: ezkl writes them as its hash tables fall, and the
    order of range checks decides the verifying key."""
    settings = json.loads(text)
    for name in ("required_range_checks", "required_lookups"):
        settings[name] = sorted(settings[name], key=json.dumps)
    settings["timestamp"] = 0
    return json.dumps(settings, sort_keys=True)


def require_bound_products(text: str) -> None:
    """Require that these settings have no products checked by Freivalds; see `run_args`."""
    settings = json.loads(text)
    columns = settings["run_args"]["disable_freivalds"], settings["einsum_params"]["total_einsum_col_size"]
    if columns != (True, 0):
        raise RuntimeError(f"the circuit has products whose results are not bound: {columns}")


def call(name: str, *arguments: Any) -> Any:
    """A function of ezkl by its name; some answer with an awaitable, and want a running event loop."""
    result = asyncio.run(_call(getattr(_ezkl(), name), arguments))
    if result is False:
        raise RuntimeError(f"{name} answered False")
    return result


def _verify_one(folder: Path, srs: str, scratch: Path, instances: list[str], proof: str) -> str | None:
    path = scratch / "proof.json"
    path.write_text(json.dumps(_ezkl_proof(instances, bytes.fromhex(proof))))
    try:
        if (
            call("verify", str(path), str(folder / "settings.json"), str(folder / "vk"), srs, False)
            is not True
        ):
            return "verify did not answer True"
    except (MemoryError, OSError, KeyboardInterrupt):
        raise
    except BaseException as error:  # panics derive from BaseException
        return f"{type(error).__name__}: {error}"
    return None


def _ezkl_proof(instances: list[str], proof: bytes) -> dict[str, Any]:
    optional = dict.fromkeys(("protocol", "split", "pretty_public_inputs", "timestamp"))
    return {
        "instances": [instances],
        "proof": list(proof),
        "hex_proof": f"0x{proof.hex()}",
        "version": version(),
        **optional,
    }


def _answer(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": OPERATIONS[operation](**arguments)}
    except MemoryError as error:
        return {"error": ["memory", str(error) or "out of memory"]}
    except ImportError as error:
        return {"error": ["missing", str(error)]}
    except ExportError as error:
        return {"error": ["export", str(error)]}
    except Exception as error:
        return {"error": ["failed", f"{type(error).__name__}: {error}"]}
    except BaseException as error:  # panics derive from BaseException
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"error": ["panic", f"{type(error).__name__}: {error}"]}


async def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


def _ezkl() -> Any:
    return importlib.import_module("ezkl")


def _layout(program: str) -> Layout:
    return layout(Program.decode(bytes.fromhex(program)))


def _die_with_parent() -> None:
    """On Linux: end when the parent does, and be the first to go when memory runs out."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return


OPERATIONS: dict[str, Callable[..., Any]] = {
    "version": version,
    "export": export,
    "prepare": prepare,
    "srs": srs,
    "compile": compile_step,
    "check": check,
    "keys": keys,
    "hashes": hashes,
    "step": step,
    "verify": verify,
}
_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # ezkl's threads are not worth waiting for
