"""How reliably does the digits example learn? Trains it from ten nonces with the integer executor.

    python examples/trial_nonces.py [NONCES]

The configuration is that of examples/digits.toml. Each nonce gives its own genesis and its own random
batches (with replacement, as in a run). Prints the test accuracy per nonce, the share of clamped values,
the slot widths of the static analysis and the time of a float32 step. Takes three seconds.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from escapement.config import load_config
from escapement.workload import prepare
from zkml.analysis import analyse
from zkml.data import Samples
from zkml.evaluate import accuracy
from zkml.executor import step
from zkml.float_baseline import seconds_per_step
from zkml.genesis import genesis_weights
from zkml.program import Program


def main(nonces: int) -> int:
    """Train from each nonce; 0 if all reach 80 %, 1 otherwise."""
    workload = prepare(load_config(Path(__file__).with_name("digits.toml")))
    program, train, test = workload.program, workload.train, workload.test
    describe(program, train)
    scores = []
    for i in range(nonces):
        nonce = hashlib.sha256(b"trial" + i.to_bytes(8, "big")).digest()
        scores.append(trial(program, nonce, train, test))
    print(
        f"lowest {min(scores):.3f}, mean {np.mean(scores):.3f} over {nonces} nonces of {program.steps} steps"
    )
    return 0 if min(scores) >= 0.8 else 1


def trial(program: Program, nonce: bytes, train: Samples, test: Samples) -> float:
    """Test accuracy after all steps of the program."""
    weights = genesis_weights(program, nonce)
    rng = np.random.default_rng(list(nonce))
    clamped: Counter[str] = Counter()
    for _ in range(program.steps):
        rows = rng.integers(0, len(train.x), program.batch)
        weights, report = step(program, weights, train.x[rows], train.labels[rows])
        clamped.update(report.clamped)
    score = accuracy(program, weights, test.x, test.labels)
    counts = ", ".join(f"{name} {count}" for name, count in clamped.items())
    print(
        f"nonce {nonce.hex()[:8]}: test accuracy {score:.3f}, last loss {report.loss:.3f}, clamped {counts}"
    )
    return score


def describe(program: Program, train: Samples) -> None:
    """Print what the proof's cost depends on."""
    print(
        f"{program.steps} steps, {len(train.x)} rows, f_w={program.f_w}, inputs clipped {train.clipped:.3f}"
    )
    for layer, bounds in zip(program.layers, analyse(program).layers, strict=True):
        print(
            f"layer {layer.name}: y_bits {layer.y_bits}, grad_bits {layer.grad_bits}, "
            f"init_range {layer.init_range}, slots of {bounds.z_slot} bits forward, "
            f"{bounds.e_slot or '-'} backward"
        )
    print(f"float32 baseline: {seconds_per_step(program, train.x, train.labels) * 1e6:.0f} us per step")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
