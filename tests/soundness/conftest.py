"""Runs that attackers splice and copy from; the honest one is tests/conftest.py's."""

import _escapement
import pytest

from tests.tiny_run import Run, tiny_policy, train


@pytest.fixture(scope="session")
def second(honest: Run, parameters: _escapement.Parameters) -> Run:
    """The same trainer's second run of the same request, under a second nonce; it verifies too."""
    policy = tiny_policy(honest.request.encode(), honest.policy.verifying_key)
    return train(parameters, honest.request, policy, honest.device, honest.key)
