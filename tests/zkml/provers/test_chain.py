"""zkml.provers.chain: honest chains of every prover, and what prover and verifier are asked and told."""

import dataclasses
import hashlib
from pathlib import Path

import pytest

import vdf
from tests.tiny_steps import (
    NAMES,
    SEGMENTS,
    SQUARINGS,
    Hashes,
    HashSteps,
    HashVerifier,
    cheated,
    checked,
    made,
    redelayed,
    terms_for,
    tiny_work,
)
from zkml.errors import ProofRejected, ProverFailed, ProverMemory, TermsMalformed, TermsMismatch
from zkml.provers import chain
from zkml.provers.interface import Limits, Progress
from zkml.provers.statement import NOT_SHOWN, SHOWN, to_dict, words

LINKS = {"hashes": 3, "segment": 1, "r1cs-nova": 1}


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_chain_verifies(name: str) -> None:
    honest = made(name)
    verified = checked(honest)
    file, program = honest.file, tiny_work(name).program
    assert verified.terms == honest.terms
    assert verified.statement == honest.terms.statement()
    assert (verified.links, verified.steps) == (SEGMENTS * LINKS[name], SEGMENTS * program.m * program.k)
    assert verified.squarings == SEGMENTS * SQUARINGS
    assert verified.checkpoints[1:] == tuple(segment.links[-1].after for segment in file.segments)
    assert len({*verified.checkpoints}) == SEGMENTS + 1
    proofs = [proof for segment in file.segments for link in segment.links for proof in link.proofs]
    assert verified.proof_bytes == sum(map(len, proofs)) + len(file.last)
    assert verified.file_bytes == len(honest.data)
    assert verified.not_bound == honest.backend.not_bound


@pytest.mark.parametrize("name", NAMES)
def test_the_tools_of_the_attackers_are_honest_unless_told(name: str) -> None:
    """Otherwise their refusals would show nothing."""
    honest = made(name)
    checked(honest, cheated(honest))
    checked(honest, redelayed(honest.file, honest.terms, checked(honest).checkpoints[0]))


def test_what_is_hashed() -> None:
    """Spelled out, with the chain's own figures."""
    honest, group = made("hashes"), vdf.group("rsa-2048")
    m, file, genesis = honest.terms.statement(), honest.file, checked(honest).checkpoints[0]

    def digest(tag: bytes, *parts: bytes) -> bytes:
        return hashlib.sha256(tag.ljust(32, b"\0") + b"".join(parts)).digest()

    y, previous, checkpoint, inputs, seeds = b"", bytes(32), genesis, [], []
    for i, segment in enumerate(file.segments):
        context = digest(b"escapement/v1/steps/delay", m, i.to_bytes(8, "big"), checkpoint, previous)
        inputs.append(group.input(context, SQUARINGS))
        y = segment.y
        previous = digest(b"escapement/v1/steps/seed", m, i.to_bytes(8, "big"), checkpoint, y)
        seeds.append(previous)
        checkpoint = segment.links[-1].after
    group.verify_run(inputs, [segment.y for segment in file.segments], file.delays, SQUARINGS)
    assert chain.check_delays(honest.terms, genesis, file) == seeds


def test_the_watcher_hears_of_everything() -> None:
    honest, heard = made("hashes"), []
    steps: list[Progress] = []
    delays: dict[int, int] = {}
    watch = chain.Watch(
        delay=lambda index, done, total: delays.update({index: done}) if total == SQUARINGS else None,
        steps=steps.append,
        segment=heard.append,
    )
    chain.prove(honest.terms, honest.backend, honest.steps, watch)
    assert heard == [0, 1]
    assert sum(progress.steps for progress in steps) == 6
    assert delays == {0: SQUARINGS, 1: SQUARINGS}


@pytest.mark.parametrize("name", ["segment", "r1cs-nova"])
def test_progress_says_where_the_time_went(name: str) -> None:
    honest, heard = made(name), []
    honest.steps.prover(bytes(32), bytes(32)).prove(bytes(32), heard.append)
    program = tiny_work(name).program
    assert [progress.steps for progress in heard] == [program.k] * program.m
    parts = {
        "segment": {"check", "commitments", "products", "wiring", "lookups", "opening"},
        "r1cs-nova": {"check", "fold"},
    }
    for progress in heard:
        assert set(progress.parts) == parts[name]
        assert 0 < sum(progress.parts.values()) <= progress.seconds


def test_a_set_up_of_other_rows_does_not_begin() -> None:
    honest = made("hashes")
    terms = dataclasses.replace(honest.terms, rows=bytes(32))
    with pytest.raises(TermsMismatch, match=r"rows: (00){32} agreed on, got "):
        chain.prove(terms, honest.backend, honest.steps)


def test_a_set_up_with_another_reference_string_does_not_begin(tmp_path: Path) -> None:
    honest, powers = made("hashes"), tmp_path / "powers"
    powers.write_bytes(b"powers")
    steps = HashSteps(tiny_work("hashes").program, honest.steps.rows)
    steps.srs = powers
    with pytest.raises(TermsMismatch, match="reference string: the terms state none, got "):
        chain.prove(honest.terms, honest.backend, steps)


def test_another_prover_than_agreed_on() -> None:
    honest = made("hashes")
    terms = dataclasses.replace(honest.terms, prover="segment")
    with pytest.raises(TermsMismatch, match="prover: the terms state segment, got hashes"):
        chain.prove(terms, honest.backend, honest.steps)
    with pytest.raises(TermsMismatch, match="prover: the terms state segment, got hashes"):
        chain.verify(terms, honest.data, honest.backend, honest.folder, None)


def test_a_prover_beyond_its_own_limits() -> None:
    class Longer(Hashes):
        def limits(self, program: object) -> Limits:
            return Limits(rows=32, proofs=1, proof=31, last=32)

    honest = made("hashes")
    with pytest.raises(
        ProverFailed, match="hashes made what its own limits refuse: segment 1, link 1, proof 1"
    ):
        chain.prove(honest.terms, Longer(), honest.steps)


def test_a_file_that_nobody_would_read_is_not_agreed_on() -> None:
    class Vast(Hashes):
        def limits(self, program: object) -> Limits:
            return Limits(rows=32, proofs=1, proof=1 << 28, last=32)

    honest = made("hashes")
    with pytest.raises(TermsMalformed, match=r"terms.segments: a file of 2 segments may take \d+ bytes"):
        chain.shape_of(honest.terms, Vast()).max_bytes  # noqa: B018


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (ZeroDivisionError("broken"), ProofRejected, "hashes: the verifier failed on it: broken"),
        (BaseException("panic"), ProofRejected, "hashes: the verifier failed on it: panic"),
        (MemoryError(), ProverMemory, "hashes: out of memory"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_only_a_normal_end_is_acceptance(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, kind: type[BaseException], message: str
) -> None:
    def fail(*_: object) -> None:
        raise failure

    honest = made("hashes")
    monkeypatch.setattr(HashVerifier, "verify", fail)
    with pytest.raises(kind, match=message):
        checked(honest)


def test_delays_in_class_groups() -> None:
    pytest.importorskip("chiavdf")
    honest = made("hashes")
    terms = dataclasses.replace(
        terms_for("hashes", tiny_work("hashes"), honest.steps.rows), group="class-1024"
    )
    proven = chain.prove(terms, honest.backend, honest.steps)
    assert chain.verify(terms, proven.data, honest.backend, honest.folder, None).squarings == 600


def test_the_statement_in_words_and_as_an_object() -> None:
    secure, insecure = checked(made("segment")), checked(made("hashes"))
    assert words(secure).startswith("VERIFIED: ")
    assert words(insecure).startswith("INSECURE: it is a test double.\n")
    for verified in (secure, insecure):
        text, said = words(verified), to_dict(verified)
        for sentence in (*SHOWN, *NOT_SHOWN, *verified.not_bound):
            assert f"  - {sentence}" in text
        assert said["shown"] == list(SHOWN)
        assert said["not_bound"] == list(verified.not_bound)
        assert said["insecure"] == verified.insecure
        assert said["checkpoints"] == [checkpoint.hex() for checkpoint in verified.checkpoints]
        assert said["terms"] == verified.statement.hex()
    assert "  - nothing of the above" in words(checked(made("r1cs-nova")))
