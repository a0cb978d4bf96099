"""ivc.statement: numbers add up, JSON is plain, and the words claim no more than is shown."""

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
    for item in (*statements.SHOWN, *statements.NOT_SHOWN, *statements.LEARNED):
        assert item in words


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
