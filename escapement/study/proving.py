"""One cell of a step prover, inside the measuring process: set up, prove, finish, verify.

The first fold is left out of the times where there are several: it meets cold caches, and in Nova folds into
nothing. The verifier has a folder of its own and derives its own keys. A proof that does not verify raises.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import _escapement

from escapement.study.work import nonce, segment_seed
from zkml.program import R1CS_NOVA, Program
from zkml.provers.interface import Backend, Link, Progress, Work

Phase = Callable[[str], None]


def backend_of(prover: str, scheme: str | None) -> Backend:
    """The backend of a cell, by the names that `--prover` has. Raises ProverError for an unknown one."""
    from zkml.provers.registry import backend

    return backend(f"{prover}-{scheme}" if scheme == "hyperkzg" else prover)


def measure_prover(
    work: Mapping[str, Any], rows: Work, folder: Path, srs: Path | None, phase: Phase
) -> dict[str, Any]:
    """The cell's "measured" without the watcher's figures. work: see `study.child`.

    Raises the prover's ProverError, ProofRejected if its proof does not verify.
    """
    backend = backend_of(work["prover"], work["scheme"])
    backend.require()
    phase("set up")
    start = time.perf_counter()
    steps = backend.set_up(rows, _made(folder / "prover"), srs)
    set_up_seconds = time.perf_counter() - start
    phase("prove")
    seed, progress, segments = work["seed"], list[Progress](), list[tuple[Link, ...]]()
    prover = steps.prover(nonce(seed), STATEMENT)
    seeds = [segment_seed(seed, i) for i in range(work["segments"])]
    for chosen in seeds:
        segments.append(prover.prove(chosen, progress.append))
    phase("last proof")
    start = time.perf_counter()
    last = prover.finish()
    last_seconds = time.perf_counter() - start
    phase("verify")
    public = steps.rows
    used = steps.srs  # also if the prover made it itself: its proofs verify under no other
    measured = _figures(rows.program, progress) | {
        "set_up_seconds": set_up_seconds,
        "key_bytes": steps.key_bytes,
        "proof_bytes": len(last) + sum(_link_bytes(link) for links in segments for link in links),
        "proof_steps": sum(one.steps for one in progress),
        "last_seconds": last_seconds if last else None,
        "insecure": steps.insecure,
    }
    del prover, steps  # what the prover holds is not the verifier's memory

    def verify() -> float:
        start = time.perf_counter()
        verifier.verify(public, nonce(seed), STATEMENT, seeds, segments, last)
        return time.perf_counter() - start

    start = time.perf_counter()
    verifier = backend.verifier(rows.program, _made(folder / "verifier"), used)
    first = time.perf_counter() - start + verify()  # some derive their keys at the first proof
    seconds = [verify() for _ in range(work["verifications"])]
    return measured | {"verifier_seconds": max(0.0, first - min(seconds)), "verify_seconds": seconds}


def constraint_shares(program: Program) -> dict[str, float]:
    """Share of a fold's constraints by part, for r1cs-nova; they add up to 1.

    Recursion is what no part of the step accounts for: the two verifier circuits. A leaf's hash is counted
    with the range checks of its sample, because the circuit counts them together.
    """
    counts = _escapement.constraints(program.encode())
    total = counts["primary"] + counts["secondary"]
    shares = dict.fromkeys([*PARTS, "other"], 0)
    for name, number in counts["by_part"].items():
        shares[next((part for part, names in PARTS.items() if name in names), "other")] += number
    shares["recursion"] = total - sum(shares.values())
    return {part: number / total for part, number in shares.items()}


def _figures(program: Program, progress: list[Progress]) -> dict[str, Any]:
    timed = progress[1:] or progress
    seconds = [one.seconds / one.steps for one in timed]
    steps = sum(one.steps for one in timed)
    if program.arithmetisation == R1CS_NOVA:
        mean = sum(one.seconds for one in timed) / steps
        parts = {part: share * mean for part, share in constraint_shares(program).items()}
        return {"seconds_per_step": seconds, "parts": parts, "parts_by": "constraints"}
    names = dict.fromkeys(name for one in timed for name in one.parts)
    parts = {name: sum(one.parts.get(name, 0.0) for one in timed) / steps for name in names}
    return {"seconds_per_step": seconds, "parts": parts, "parts_by": "time" if parts else None}


def _link_bytes(link: Link) -> int:
    return len(link.after) + sum(len(proof) for proof in link.proofs)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


STATEMENT = bytes(32)  # nothing is agreed on with anybody here
PARTS = {
    "hashing": ("open weights", "commit weights", "tree top", "paths"),
    "range checks": ("rescale and clamp", "sample range and leaf"),
    "products": ("forward products", "backward products", "update products", "relu"),
}
