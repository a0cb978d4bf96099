"""A prover that edits its own copy of the circuit, with honest keys: its proofs must not verify.

ezkl's keys fix gates and columns; that the cells of one operation are those that the next one reads is up to
copies between them. With ezkl's own default, a product checked by Freivalds, this very proof verifies.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from _escapement import batch_indices

from tests.zkml.provers.ezkl.rewired import without_update
from zkml.errors import ProofRejected
from zkml.provers.ezkl import proof, worker
from zkml.provers.ezkl.prover import row_hash

# Witness and proof by ezkl, in a process of its own, without the worker's verification of what it made.
CHEAT = """
import json, sys
from zkml.provers.ezkl.worker import call
folder, srs, scratch = sys.argv[1:]
data, witness = f"{scratch}/input.json", f"{scratch}/witness.json"
circuit = f"{folder}/circuit.ezkl"
found = call("gen_witness", data, circuit, witness, None, None)
made = call("prove", witness, circuit, f"{folder}/pk", None, srs)
answer = {"outputs": found["outputs"], "instances": made["instances"][0], "proof": made["proof"]}
open(f"{scratch}/answer.json", "w").write(json.dumps(answer))
"""


def cheat(run: Any, folder: Path, scratch: Path) -> tuple[dict[str, Any], list[list[str]]]:
    """What ezkl makes of the first step with the circuit in `folder`, and the weights it started from."""
    weights = run.steps.prover(run.nonce, run.statement)._weights
    rows = batch_indices(run.steps.kept.layout.program.encode(), run.seeds[0], 0)
    inputs = weights + [run.steps.elements[row] for row in rows]
    (scratch / "input.json").write_text(json.dumps({"input_data": inputs}))
    arguments = [str(folder), str(run.steps.kept.srs), str(scratch)]
    done = subprocess.run([sys.executable, "-c", CHEAT, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads((scratch / "answer.json").read_text())
    return answer, weights


def with_first(run: Any, answer: dict[str, Any]) -> Any:
    """The first segment with the first link replaced by this answer's."""
    after = tuple(bytes.fromhex(e) for e in answer["instances"][-len(run.steps.kept.layout.weights) :])
    made = proof.Step(after, bytes.fromhex(str(answer["proof"]).removeprefix("0x")))
    return [(proof.link(made), run.segments[0][1]), run.segments[1]]


def test_a_step_without_its_update_is_refused(run: Any, tmp_path: Path) -> None:
    kept, evil = run.steps.kept.folder, tmp_path / "evil"
    copytree(kept, evil)
    (evil / "circuit.ezkl").write_bytes(without_update((kept / "circuit.ezkl").read_bytes()))
    honest, _ = cheat(run, kept, tmp_path)
    forged, start = cheat(run, evil, tmp_path)
    # All inputs are the honest ones; the first weights are others, those of the output layer are trained.
    inputs = len(start) + 2
    assert forged["instances"][:inputs] == honest["instances"][:inputs]
    assert forged["outputs"][0] != honest["outputs"][0]
    assert forged["outputs"][2:] == honest["outputs"][2:]
    segments = with_first(run, forged)
    assert segments[0][0].after != run.segments[0][0].after
    with pytest.raises(ProofRejected, match="segment 1, link 1: ezkl's proof does not verify"):
        run.verifier.verify(run.steps.rows, run.nonce, run.statement, run.seeds, segments, b"")
    batch = [row_hash(run.steps.rows, row) for row in batch_indices(
        run.steps.kept.layout.program.encode(), run.seeds[0], 0)]  # fmt: skip
    assert forged["instances"][len(start) : inputs] == [element.hex() for element in batch]
    assert with_first(run, honest)[0][0].after == run.segments[0][0].after


def test_settings_with_unbound_products_are_refused(run: Any) -> None:
    text = (run.steps.kept.folder / "settings.json").read_text()
    worker.require_bound_products(text)
    for changed in (
        text.replace('"disable_freivalds": true', '"disable_freivalds": false'),
        text.replace('"total_einsum_col_size": 0', '"total_einsum_col_size": 114'),
    ):
        assert changed != text
        with pytest.raises(RuntimeError, match="products whose results are not bound"):
            worker.require_bound_products(changed)
