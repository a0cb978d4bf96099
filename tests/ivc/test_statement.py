"""ivc.statement: numbers add up, JSON is plain, and the words claim no more than is shown."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc import chain
from ivc import statement as statements
from ivc.program import program_info
from ivc.statement import Statement, make_statement


@pytest.fixture
def made(claimed) -> Statement:
    """The statement that `claimed` would have, had it been proven; its fields are what is tested here."""
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    return make_statement(
        claimed.policy, claimed.request, program_info(claimed.request.program), manifest, claimed.bundle
    )


def test_numbers_add_up(made: Statement) -> None:
    assert made.steps == made.segments * made.folds_per_segment * made.steps_per_fold
    assert made.squarings == made.segments * made.squarings_per_delay
    assert made.seconds == made.squarings / made.fastest_squarings_per_second
    assert len(made.checkpoints) == made.segments + 1
    assert made.weights == sum((layer.d_in + layer.bias) * layer.d_out for layer in made.layers)


def test_json_has_every_field_and_only_plain_types(made: Statement) -> None:
    told = made.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert set(told) == set(Statement.__dataclass_fields__)
    assert told["schema"] == "escapement/statement/1"
    assert told["checkpoints"][0] == made.checkpoints[0].hex()
    assert told["layers"][0] == {"name": "fc1", "d_in": 3, "d_out": 4, "bias": True, "relu": True}


def test_words_hold_the_facts_and_the_limits(made: Statement) -> None:
    words = made.words()
    for fact in (
        made.program.hex(),
        made.manifest.hex(),
        made.request.hex(),
        made.dataset_root.hex(),
        made.checkpoints[-1].hex(),
        made.fastest_source,
        "600 squarings",
        "0.600 seconds",
        "3 > 4 > 2",
    ):
        assert fact in words
    for item in (*made.shown, *made.not_shown, *made.learned):
        assert item in words


def test_a_segment_bundles_statement_says_what_it_lacks(claimed, made: Statement) -> None:
    """All that the other kind shows, and more that is not shown, and more that is learned."""
    manifest = chain.build_manifest(claimed.request.encode(), claimed.policy)
    program = dataclasses.replace(program_info(claimed.request.program), arithmetisation="segment")
    other = make_statement(claimed.policy, claimed.request, program, manifest, claimed.bundle)
    assert (made.arithmetisation, other.arithmetisation) == ("r1cs-nova", "segment")
    assert other.shown == made.shown
    assert other.not_shown[: len(made.not_shown)] == made.not_shown
    more = " ".join(other.not_shown[len(made.not_shown) :])
    assert "blinds" in more and "seed" in more and "number of folds" in more
    assert made.learned[-1].startswith("nothing else of weights")
    assert other.learned[: len(made.learned) - 1] == made.learned[:-1]
    assert not any(item.startswith("nothing else") for item in other.learned)
    assert "not masked" in other.words() and "one for each fold" in other.words()
    assert "not masked" not in made.words() and "one for all folds" in made.words()


@given(st.floats(0, 1e12))
def test_durations_are_never_rounded_up(seconds: float) -> None:
    told = statements._duration(seconds).split()[0]
    assert float(told) <= seconds * (1 + 1e-2 if seconds < 1e-3 else 1 + 1e-12)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 seconds"),
        (0.1299, "0.129 seconds"),
        (59.9999, "59.999 seconds"),
        (119, "119.000 seconds"),
        (150, "150 seconds (2.5 minutes)"),
        (7199, "7199 seconds (119.9 minutes)"),
        (86400 * 3.99, "344736 seconds (3.9 days)"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert statements._duration(seconds) == words
