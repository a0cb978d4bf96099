"""The seed makes the work: programs, rows, seeds of segments."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from escapement.study import baselines
from escapement.study.cells import PLANS, Cell, cells
from escapement.study.work import nonce, program, segment_seed, work
from zkml.program import R1CS_NOVA, SEGMENT

DIGESTS = """
import hashlib, json, sys
from escapement.study.cells import PLANS, cells
from escapement.study.work import nonce, program, segment_seed, work
found = {}
for cell in cells(PLANS["quick"]):
    made = work(program(cell, int(sys.argv[1])), int(sys.argv[1]))
    rows = hashlib.sha256(made.x.tobytes() + made.labels.tobytes()).hexdigest()
    found[cell.id] = [made.program.digest().hex(), rows]
seed = int(sys.argv[1])
print(json.dumps([found, nonce(seed).hex(), segment_seed(seed, 1).hex()]))
"""


def digests(seed: int) -> str:
    """What another process makes of a seed."""
    command = [sys.executable, "-P", "-c", DIGESTS, str(seed)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_two_processes_make_the_same_of_a_seed_and_another_seed_makes_something_else() -> None:
    first, again, other = digests(7), digests(7), digests(8)
    assert first == again
    for (mine, rows), (another, other_rows) in zip(
        json.loads(first)[0].values(), json.loads(other)[0].values(), strict=True
    ):
        assert len(mine) == len(another) == 64
        assert rows != other_rows
    assert json.loads(first)[1:] != json.loads(other)[1:]


def test_the_rows_of_a_seed_never_change() -> None:
    made = work(program(cells(PLANS["quick"])[0], 0), 0)
    rows = hashlib.sha256(made.x.astype("<i4").tobytes() + made.labels.astype("<i4").tobytes()).hexdigest()
    assert rows == ROWS
    assert (made.x.min(), made.x.max()) == (-4, 3)
    assert set(made.labels.tolist()) == {0, 1, 2}


def test_all_provers_of_a_step_have_one_program_but_for_what_they_differ_in() -> None:
    found = {}
    for prover, k in (("numpy", 1), ("integer", 1), ("ezkl", 1), ("r1cs-nova", 4), ("segment", 16)):
        made = program(Cell(prover, (64, 16, 10), 8, 64, k, 1, None), 0)
        assert made.arithmetisation == (R1CS_NOVA if prover == "r1cs-nova" else SEGMENT)
        assert (made.k, made.steps) == (k, 384)
        found[prover] = replace(made, k=1, m=1, max_segments=384, arithmetisation=SEGMENT)
    assert len(set(found.values())) == 1


def test_rates_follow_the_rule() -> None:
    for widths, batch, kappa in (((64, 16, 10), 8, 4), ((64, 16, 10), 6, 4), ((784, 64, 10), 16, 9)):
        made = program(Cell("numpy", widths, batch, 64, 1, 1, None), 0)
        assert (made.c, made.kappa, made.f_x, made.f_g) == (1, kappa, 3, 3)


def test_segments_have_seeds_of_their_own() -> None:
    assert len({nonce(0), segment_seed(0, 0), segment_seed(0, 1), segment_seed(1, 0)}) == 4


def test_torch_and_numpy_train_the_same_step() -> None:
    pytest.importorskip("torch")
    cell = Cell("numpy", (64, 16, 16, 10), 8, 64, 1, 1, None)
    made = work(program(cell, 0), 0)
    step, leaves = baselines.torch_model(made, 0)
    data, targets = baselines.float_rows(made)
    weights = baselines.float_weights(made.program, 0)
    for i in range(5):
        rows = np.arange(8 * i, 8 * i + 8)
        step(rows)
        baselines.float_baseline.train_step(made.program, weights, data[rows], targets[rows])
    for mine, theirs in zip([array for layer in weights for array in layer], leaves, strict=True):
        assert np.allclose(mine, theirs.detach().numpy(), atol=1e-5)
    assert not np.allclose(weights[0][0], baselines.float_weights(made.program, 0)[0][0], atol=1e-3)


@pytest.mark.parametrize("name", ["numpy", "integer"])
def test_plain_training_is_timed_in_blocks(name: str) -> None:
    made = work(program(Cell(name, (8, 4, 3), 2, 16, 1, 1, None), 0), 0)
    seconds = baselines.seconds_per_step(name, made, 0, 3, 0.001)
    assert len(seconds) == 3
    assert all(one > 0 for one in seconds)


ROWS = "9aaac2e27a520d10bbf35718c0b06b3a85f6d9bb33d9d96d31251d6de18cc5b5"
