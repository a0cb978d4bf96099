"""The provers of the tests' chains."""

from collections.abc import Iterator

import pytest

from tests.tiny_steps import Hashes
from zkml.provers.registry import PROVERS


@pytest.fixture(scope="session", autouse=True)
def hashes() -> Iterator[None]:
    """The test double has a name while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROVERS, "hashes", Hashes)
        yield
