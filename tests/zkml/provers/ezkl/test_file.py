"""A whole chain with delays as one file (docs/protocol.md §15), proven by ezkl."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from zkml.errors import ProofRejected, TermsMismatch
from zkml.provers import chain
from zkml.provers.ezkl.backend import NOT_BOUND
from zkml.provers.ezkl.srs import INSECURE, local_srs
from zkml.provers.registry import backend
from zkml.provers.terms import Terms


@pytest.fixture(scope="module")
def terms(run: Any) -> Terms:
    return Terms(
        prover="ezkl",
        program=run.work.program.encode(),
        rows=hashlib.sha256(run.steps.rows).digest(),
        nonce=run.nonce,
        group="rsa-2048",
        squarings=300,
        segments=1,
        srs=hashlib.sha256(run.steps.srs.read_bytes()).digest(),
    )


@pytest.fixture(scope="module")
def made(run: Any, terms: Terms) -> bytes:
    return chain.prove(terms, backend("ezkl"), run.steps).data


def test_a_file_verifies_and_says_that_it_shows_nothing(run: Any, terms: Terms, made: bytes) -> None:
    own = run.verifier.kept.folder.parent
    verified = chain.verify(terms, made, backend("ezkl"), own, run.steps.srs)
    assert (verified.links, verified.steps, verified.squarings) == (2, 2, 300)
    assert verified.checkpoints[0] == run.prover.genesis
    assert verified.not_bound == NOT_BOUND
    assert verified.insecure == INSECURE


def test_other_terms_refuse_the_file(run: Any, terms: Terms, made: bytes, tmp_path: Any) -> None:
    """Another nonce changes genesis, delays and seeds; another reference string is seen before all."""
    own, prover = run.verifier.kept.folder.parent, backend("ezkl")
    with pytest.raises(ProofRejected):
        chain.verify(replace(terms, nonce=bytes(32)), made, prover, own, run.steps.srs)
    with pytest.raises(TermsMismatch):
        chain.verify(terms, made, prover, own, local_srs(tmp_path, 4))
    with pytest.raises(TermsMismatch):
        chain.verify(terms, made, prover, own, None)
