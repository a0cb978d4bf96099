"""What several rooms' tests need: a cache of their own, and one tiny run that is trained once per session."""

import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path

import _escapement
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc import cache
from tests.tiny_run import Run, claim, tiny_policy, tiny_program, tiny_request, train
from tests.tiny_segment import Trainer, prove, segment_policy, segment_program, segment_request
from zkml.srs import pairings

pairings.curve()  # imports py_ecc without the recursion limit that it would leave to every other test


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ESCAPEMENT_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def heeded_signals() -> None:
    """Children inherit what is ignored: SIGINT by background jobs of a plain shell, SIGHUP under nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def program() -> bytes:
    """The tiny program's bytes."""
    return tiny_program()


@pytest.fixture(scope="session")
def other_program() -> bytes:
    """The same shapes with twice the learning rate."""
    return tiny_program(rate=2)


@pytest.fixture(scope="session")
def parameters(own_cache: Path, program: bytes) -> _escapement.Parameters:
    """The tiny program's set-up."""
    return cache.parameters(program, "ipa")


@pytest.fixture(scope="session")
def claimed(program: bytes) -> Run:
    """A run with true delays, random checkpoints and no proof, for the checks before the proof."""
    device, key = Ed25519PrivateKey.generate(), _escapement.random_field_element()
    request = tiny_request(device, key, program)
    return claim(request, tiny_policy(request.encode(), bytes(32)), device, key)


@pytest.fixture(scope="session")
def honest(parameters: _escapement.Parameters, program: bytes) -> Run:
    """A run that verifies."""
    device, key = Ed25519PrivateKey.generate(), _escapement.random_field_element()
    request = tiny_request(device, key, program)
    digest = hashlib.sha256(parameters.verifying_key_bytes()).digest()
    return train(parameters, request, tiny_policy(request.encode(), digest), device, key)


@pytest.fixture(scope="session")
def trainer() -> Trainer:
    """The trainer of the segment runs."""
    return Trainer.new()


@pytest.fixture(scope="session")
def segment(own_cache: Path, trainer: Trainer) -> Run:
    """A segment run that verifies."""
    request = segment_request(trainer, segment_program())
    return prove(trainer, request, segment_policy(request))
