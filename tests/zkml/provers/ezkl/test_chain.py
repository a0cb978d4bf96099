"""Chains of real ezkl proofs: honest ones verify, and every altered field is refused with its own error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _escapement import batch_indices

from zkml.errors import ProofMalformed, ProofRejected, TermsMismatch
from zkml.genesis import genesis_weights
from zkml.program import Program
from zkml.provers.ezkl import field
from zkml.provers.ezkl.backend import EzklBackend
from zkml.provers.ezkl.proof import parse
from zkml.provers.ezkl.prover import hash_tensors
from zkml.provers.ezkl.srs import local_srs
from zkml.provers.interface import Link

Links = tuple[Link, ...]


def check(run: Any, **changed: Any) -> None:
    """Verify the run with some arguments changed."""
    given = {
        "rows": run.steps.rows, "nonce": run.nonce, "statement": run.statement, "seeds": run.seeds,
        "segments": run.segments, "last": b"",
    }  # fmt: skip
    run.verifier.verify(**(given | changed))


def with_proof(run: Any, change: Callable[[bytearray], object], keep_after: bool = True) -> list[Links]:
    """The segments with the first link's proof altered, and its hash made to fit unless `keep_after`."""
    first, second = run.segments[0]
    data = bytearray(first.proofs[0])
    change(data)
    after = first.after
    if not keep_after:
        after = field.weights_hash([bytes(data[i : i + 32]) for i in range(0, 128, 32)])
    return [(Link(after, (bytes(data),)), second), run.segments[1]]


def test_an_honest_chain_verifies(run: Any) -> None:
    check(run)
    limits = EzklBackend().limits(run.work.program)
    assert (limits.rows, limits.proofs, limits.last) == (len(run.steps.rows), 1, 0)
    assert max(len(p) for links in run.segments for link in links for p in link.proofs) < limits.proof
    assert run.steps.srs == run.folder / "insecure-11.srs"
    assert run.prover.genesis == run.steps.prover(run.nonce, run.statement).genesis
    assert run.prover.genesis == run.verifier.genesis(run.nonce)
    assert run.prover.finish() == b""
    assert [len(links) for links in run.segments] == [2, 2]
    assert [p.steps for p in run.progress] == [1, 1, 1, 1]
    assert {part for p in run.progress for part in p.parts} == {"witness", "proof"}


def test_outputs_of_a_step_are_inputs_of_the_next(run: Any) -> None:
    """Every instance of every link: the hashes before are those that the link before ended with."""
    links = [link for links in run.segments for link in links]
    ends = [parse(link, run.steps.kept.layout, "").after for link in links]
    now = [field.elements(np.array(w, dtype=object)) for w in run.prover.weights]
    assert tuple(hash_tensors(run.steps.kept, now)) == ends[-1]
    assert len({link.after for link in links} | {run.prover.genesis}) == 5


def test_proven_weights_are_those_of_float_training(run: Any) -> None:
    """After four steps, eager SGD in float64 and ezkl's fixed point differ by its rounding at most."""
    program: Program = run.work.program
    weights = [w / (1 << program.f_w) for w in genesis_weights(program, run.nonce)]
    one = run.steps.kept.layout.program
    for seed in run.seeds:
        for position in range(2):
            rows = batch_indices(one.encode(), seed, position)
            weights = float_step(program, weights, run.work.x[rows], run.work.labels[rows])
    got = [np.array(w) / (1 << 16) for w in run.prover.weights]
    wanted = [part for w in weights for part in (w[:-1].ravel(), w[-1])]
    moved = np.max(np.abs(weights[0] - genesis_weights(program, run.nonce)[0] / (1 << program.f_w)))
    assert moved > 0.01
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, atol=2e-3 * moved, rtol=0)


def float_step(program: Program, weights: list[Any], x: Any, labels: Any) -> list[Any]:
    """One step of SGD in float64, by the definition; a weight matrix has its bias as last row."""
    ones, inputs, outputs = np.ones((len(x), 1)), [x / (1 << program.f_x)], []
    for layer, w in zip(program.layers, weights, strict=True):
        outputs.append(np.hstack([inputs[-1], ones]) @ w)
        inputs.append(np.maximum(outputs[-1], 0) if layer.relu else outputs[-1])
    grad, new = inputs[-1] - np.eye(program.classes)[labels], list(weights)
    for i in reversed(range(len(weights))):
        if program.layers[i].relu:
            grad = grad * (outputs[i] > 0)
        new[i] = weights[i] - program.c / (1 << program.kappa) * np.hstack([inputs[i], ones]).T @ grad
        grad = grad @ weights[i][:-1].T
    return new


def test_rows_are_the_hashes_of_pixels_and_class(run: Any) -> None:
    program, x, labels = run.work.program, run.work.x, run.work.labels
    assert len(run.steps.rows) == 32 * program.rows
    row = field.elements(np.append(x[3] * (1 << 13), labels[3] * (1 << 16)))
    assert run.steps.rows[96:128] == hash_tensors(run.steps.kept, [row])[0]


REJECTED = "ezkl's proof does not verify: RuntimeError: Failed to run verify"


def test_swapped_links_are_refused(run: Any) -> None:
    first, second = run.segments[0]
    with pytest.raises(ProofRejected, match=f"segment 1, link 1: {REJECTED}"):
        check(run, segments=[(second, first), run.segments[1]])
    with pytest.raises(ProofRejected, match=f"segment 1, link 1: {REJECTED}"):
        check(run, segments=run.segments[::-1])


def test_a_repeated_link_is_refused(run: Any) -> None:
    first, _ = run.segments[0]
    with pytest.raises(ProofRejected, match=f"segment 1, link 2: {REJECTED}"):
        check(run, segments=[(first, first), run.segments[1]])


def test_another_seed_is_refused(run: Any) -> None:
    with pytest.raises(ProofRejected, match=f"segment 2, link 1: {REJECTED}"):
        check(run, seeds=[run.seeds[0], bytes([3]) * 32])


def test_another_nonce_is_refused(run: Any) -> None:
    with pytest.raises(ProofRejected, match=f"segment 1, link 1: {REJECTED}"):
        check(run, nonce=bytes([8]) * 32)


def test_replaced_rows_are_refused(run: Any) -> None:
    one = run.steps.kept.layout.program
    used = batch_indices(one.encode(), run.seeds[0], 0)[0]
    rows = bytearray(run.steps.rows)
    rows[32 * used] ^= 1
    with pytest.raises(ProofRejected, match=f"segment 1, link 1: {REJECTED}"):
        check(run, rows=bytes(rows))


@pytest.mark.parametrize("rows", [b"", bytes(32 * 4), bytes(32 * 5 + 1)])
def test_rows_of_another_length_are_refused(run: Any, rows: bytes) -> None:
    with pytest.raises(ProofMalformed, match=r"rows: \d+ bytes, expected 32 for each of 5"):
        check(run, rows=rows)


@pytest.mark.parametrize("index", [0, 33, 127])
def test_an_altered_hash_is_refused(run: Any, index: int) -> None:
    def change(data: bytearray) -> None:
        data[index] ^= 1

    with pytest.raises(ProofMalformed, match="segment 1, link 1: it is not the hash of the weights"):
        check(run, segments=with_proof(run, change))
    with pytest.raises(ProofRejected, match=f"segment 1, link 1: {REJECTED}"):
        check(run, segments=with_proof(run, change, keep_after=False))


def test_an_altered_after_is_refused(run: Any) -> None:
    first, second = run.segments[0]
    forged = replace(first, after=bytes(32))
    with pytest.raises(ProofMalformed, match="segment 1, link 1: it is not the hash of the weights"):
        check(run, segments=[(forged, second), run.segments[1]])


@pytest.mark.parametrize("word", [0, 1, 40, 100, -2, -1])
def test_an_altered_word_of_the_halo2_proof_is_refused(run: Any, word: int) -> None:
    def change(data: bytearray) -> None:
        at = 128 + 32 * word if word >= 0 else len(data) + 32 * word
        data[at + 31] ^= 1

    with pytest.raises(ProofRejected, match="segment 1, link 1: ezkl's proof does not verify"):
        check(run, segments=with_proof(run, change))


def test_surplus_words_are_refused(run: Any) -> None:
    """halo2 ignores what follows a proof; this verifier does not."""
    with pytest.raises(ProofMalformed, match="segment 1, link 1: bytes behind the end of the proof"):
        check(run, segments=with_proof(run, lambda data: data.extend(bytes(32))))
    with pytest.raises(ProofMalformed, match="a multiple of 32"):
        check(run, segments=with_proof(run, lambda data: data.append(0)))


def test_truncated_proofs_are_refused(run: Any) -> None:
    with pytest.raises(ProofRejected, match="segment 1, link 1: ezkl's proof does not verify"):
        check(run, segments=with_proof(run, lambda data: data.__delitem__(slice(-32, None))))
    for length in (0, 96, 128):
        with pytest.raises(ProofMalformed, match=f"segment 1, link 1: {length} bytes"):
            check(run, segments=with_proof(run, lambda data, n=length: data.__delitem__(slice(n, None))))


def test_a_proof_too_long_is_refused_before_anything_reads_it(run: Any) -> None:
    with pytest.raises(ProofMalformed, match="up to 16384, expected"):
        check(run, segments=with_proof(run, lambda data: data.extend(bytes(1 << 14))))


def test_elements_not_below_the_modulus_are_refused(run: Any) -> None:
    """The same residue in other bytes: r is added to the first hash."""

    def change(data: bytearray) -> None:
        value = int.from_bytes(data[:32], "little") + field.MODULUS
        data[:32] = value.to_bytes(32, "little")

    with pytest.raises(ProofMalformed, match="hash 0 is not a canonical field element"):
        check(run, segments=with_proof(run, change, keep_after=False))


def wrong_numbers(segments: Sequence[Links]) -> list[tuple[str, Sequence[Links]]]:
    first, second = segments
    return [
        ("1 segments for 2 seeds", [first]),
        ("3 segments for 2 seeds", [first, second, second]),
        ("segment 1: 1 links, expected 2", [first[:1], second]),
        ("segment 2: 3 links, expected 2", [first, (*second, second[0])]),
        ("segment 2: 0 links, expected 2", [first, ()]),
        ("segment 1, link 1: one proof expected, got 0", [(replace(first[0], proofs=()), first[1]), second]),
        (
            "link 1: one proof expected, got 2",
            [(replace(first[0], proofs=2 * first[0].proofs), first[1]), second],
        ),
    ]


@pytest.mark.parametrize("case", range(7))
def test_wrong_numbers_are_refused(run: Any, case: int) -> None:
    message, segments = wrong_numbers(run.segments)[case]
    with pytest.raises(ProofMalformed, match=message):
        check(run, segments=segments)


def test_bytes_behind_the_links_are_refused(run: Any) -> None:
    with pytest.raises(ProofMalformed, match="1 bytes behind the links"):
        check(run, last=b"\0")


def test_another_local_reference_string_is_named(run: Any, tmp_path: Path) -> None:
    """Two that were made on the spot are never the same, and a verifier is never without one."""
    with pytest.raises(TermsMismatch, match="ezkl: a verifier needs the reference string"):
        EzklBackend().verifier(run.work.program, tmp_path, None)
    own = local_srs(tmp_path, run.steps.kept.layout.logrows)
    other = EzklBackend().verifier(run.work.program, tmp_path, own)
    with pytest.raises(ProofRejected, match=r"another reference string than insecure-11\.srs"):
        other.verify(run.steps.rows, run.nonce, run.statement, run.seeds, run.segments, b"")


def test_keys_of_another_program_refuse_the_chain(run: Any, tiny: Callable[..., Program]) -> None:
    """The same shapes with another learning rate: only the verifying key differs."""
    other = EzklBackend().verifier(tiny(kappa=3), run.folder, run.steps.kept.srs)
    with pytest.raises(ProofRejected, match="segment 1, link 1: ezkl's proof does not verify"):
        other.verify(run.steps.rows, run.nonce, run.statement, run.seeds, run.segments, b"")
