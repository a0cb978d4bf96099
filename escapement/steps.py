"""Chains of steps by any prover, as functions for the command line: terms, proof, verification."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escapement import console, machine
from escapement.config import load_config
from escapement.console import human_bytes, human_seconds
from escapement.errors import InputError, ResourceError, UsageError
from escapement.steps_progress import StepsWatcher
from escapement.workload import prepare
from ivc import cache
from vdf.files import read_capped, write_atomic
from zkml.errors import TermsMismatch
from zkml.program import R1CS_NOVA, SEGMENT, Program
from zkml.provers import chain
from zkml.provers.interface import Backend, Estimate, Steps, Work
from zkml.provers.native import file_digest
from zkml.provers.registry import backend
from zkml.provers.terms import Terms, load_terms


@dataclass(frozen=True)
class Asked:
    """What `escapement steps terms` was told. `nonce`: 64 hexadecimal digits, or None for a fresh one."""

    prover: str
    segments: int
    squarings: int
    group: str
    srs: Path | None
    nonce: str | None


def make_terms(config: Path, out: Path, keys: Path, asked: Asked) -> dict[str, Any]:
    """Commit to the configuration's rows and write the terms; the prover's secrets go into `keys`."""
    if out.exists():
        raise UsageError("exists", f"{out} exists: choose another name with --out.")
    prover = backend(asked.prover)
    prover.require()
    work = _work(config, asked.prover)
    nonce = secrets.token_bytes(32) if asked.nonce is None else _digest(asked.nonce)
    draft = Terms(  # refuses what is out of range before anything is set up
        prover=prover.name,
        program=work.program.encode(),
        rows=bytes(32),
        nonce=nonce,
        group=asked.group,
        squarings=asked.squarings,
        segments=asked.segments,
        srs=file_digest(asked.srs),  # a prover may make one itself
    )
    most = chain.shape_of(draft, prover).max_bytes
    steps = _set_up(prover, work, keys, asked.srs, prover.estimate(work.program))
    committed = {"rows": hashlib.sha256(steps.rows).digest(), "srs": file_digest(steps.srs)}
    terms = Terms(**{**draft.fields(), **committed})
    write_atomic(out, terms.to_toml().encode())
    return {
        "terms_file": out,
        "terms": terms.statement(),
        "prover": terms.prover,
        "program": work.program.digest(),
        "rows": terms.rows,
        "nonce": terms.nonce,
        "reference_string": steps.srs,
        "nonce_drawn": "now" if asked.nonce is None else "given",
        "segments": terms.segments,
        "steps": _steps(terms),
        "keys": keys,
        "key_bytes": steps.key_bytes,
        "most_file_bytes": most,
        "insecure": steps.insecure,
    }


def renew(terms: Path, out: Path) -> dict[str, Any]:
    """Write the same terms with a nonce drawn now: what whoever relies on a chain does with terms it gets."""
    if out.exists():
        raise UsageError("exists", f"{out} exists: choose another name with --out.")
    renewed = Terms(**{**load_terms(terms).fields(), "nonce": secrets.token_bytes(32)})
    write_atomic(out, renewed.to_toml().encode())
    return {
        "terms_file": out,
        "terms": renewed.statement(),
        "nonce": renewed.nonce,
        "prover": renewed.prover,
        "program": renewed.decoded.digest(),
        "layers": "-".join(map(str, renewed.decoded.widths)),
        "batch": renewed.decoded.batch,
        "segments": renewed.segments,
        "steps": _steps(renewed),
        "group": renewed.group,
        "squarings_per_delay": renewed.squarings,
        "rows": renewed.rows,
        "reference_string_sha256": renewed.srs if any(renewed.srs) else "none",
    }


def prove(config: Path, terms_file: Path, out: Path, keys: Path, srs: Path | None) -> dict[str, Any]:
    """Prove all segments and write the file; nothing is saved in between."""
    if out.exists():
        raise UsageError("exists", f"{out} exists: choose another name with --out.")
    terms = load_terms(terms_file)
    prover = backend(terms.prover)
    prover.require()
    if srs is not None:  # a prover that makes one itself finds it in the folder
        terms.require_srs(srs)
    work = _work(config, terms.prover)
    if work.program.encode() != terms.program:
        raise TermsMismatch(
            f"program: the terms state {terms.decoded.digest().hex()}, {config} compiles to "
            f"{work.program.digest().hex()}"
        )
    estimate = prover.estimate(work.program)
    steps = _set_up(prover, work, keys, srs, estimate)
    with StepsWatcher(terms.segments, _steps(terms), terms.squarings, estimate) as watcher:
        started = time.perf_counter()
        made = chain.prove(terms, prover, steps, watcher.watch())
        seconds = time.perf_counter() - started
    write_atomic(out, made.data)
    return {
        "file": out,
        "terms": terms.statement(),
        "prover": terms.prover,
        "segments": terms.segments,
        "steps": _steps(terms),
        "squarings": terms.segments * terms.squarings,
        "file_bytes": len(made.data),
        "total_seconds": seconds,
        "delay_seconds": made.delay_seconds,
        "prove_seconds_per_step": made.segment_seconds / _steps(terms),
        "last_proof_seconds": made.last_seconds,
        "insecure": steps.insecure,
    }


def verify(terms_file: Path, file: Path, srs: Path | None) -> chain.Verified:
    """What the file shows under the terms; raises unless everything holds."""
    terms = load_terms(terms_file)
    prover = backend(terms.prover)
    prover.require()
    try:
        data = read_capped(file, chain.shape_of(terms, prover).max_bytes)
    except OSError as error:
        raise InputError("steps-unreadable", f"{file}: {error.strerror or error}") from error
    return chain.verify(terms, data, prover, cache.folder() / "provers" / terms.prover, srs)


def _work(config: Path, prover: str) -> Work:
    loaded = prepare(load_config(config, ARITHMETISATIONS.get(prover)))
    return Work(loaded.program, loaded.train.x, loaded.train.labels)


def _set_up(prover: Backend, work: Work, keys: Path, srs: Path | None, estimate: Estimate) -> Steps:
    _require_memory(estimate)
    console.log(f"Preparing {prover.name}'s keys, about {human_seconds(estimate.set_up_seconds)}")
    steps = prover.set_up(work, keys, srs)
    if steps.insecure is not None:
        console.log(f"INSECURE: {steps.insecure}")
    return steps


def _require_memory(estimate: Estimate) -> None:
    available = machine.available_memory()
    if estimate.memory_bytes > available:
        raise ResourceError(
            "memory",
            f"Proving needs about {human_bytes(estimate.memory_bytes)} of memory ({estimate.source}), "
            f"{human_bytes(available)} are available: free some, or lower steps_per_fold, batch or the "
            "layers' sizes.",
        )


def _steps(terms: Terms) -> int:
    program: Program = terms.decoded
    return terms.segments * program.m * program.k


def _digest(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 32:
        raise UsageError("nonce", f"--nonce: 64 hexadecimal digits expected, got {text[:80]!r}")
    return value


# A program says how its folds are proven; ezkl proves the same step whatever it says.
ARITHMETISATIONS = {"r1cs-nova": R1CS_NOVA, "r1cs-nova-hyperkzg": R1CS_NOVA, "segment": SEGMENT}
