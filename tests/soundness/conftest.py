"""Runs that attackers splice and copy from; the honest one is tests/conftest.py's."""

import _escapement
import pytest

from tests.tiny_run import Run, tiny_policy, train
from tests.tiny_segment import Trainer, prove, segment_policy, segment_program, segment_request


@pytest.fixture(scope="session")
def second(honest: Run, parameters: _escapement.Parameters) -> Run:
    """The same trainer's second run of the same request, under a second nonce; it verifies too."""
    policy = tiny_policy(honest.request.encode(), honest.policy.verifying_key)
    return train(parameters, honest.request, policy, honest.device, honest.key)


@pytest.fixture(scope="session")
def segment_second(segment: Run, trainer: Trainer) -> Run:
    """The segment trainer's second run of the same request, under a second nonce; it verifies too."""
    return prove(trainer, segment.request, segment_policy(segment.request))


@pytest.fixture(scope="session")
def stranger() -> Run:
    """Another trainer's segment run of the same program and rows: other keys, so another root."""
    trainer = Trainer.new()
    request = segment_request(trainer, segment_program())
    return prove(trainer, request, segment_policy(request))
