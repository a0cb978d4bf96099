"""Tools of the attackers on chains of steps: `false` and `malformed` say which error is expected and what its
text contains, which names the place.
"""

import re

import pytest

from tests.tiny_steps import Made, checked, made
from zkml.errors import ProofMalformed, ProofRejected, ZkmlError
from zkml.provers.stepsfile import StepsFile
from zkml.provers.terms import Terms

Expected = tuple[type[ZkmlError], str]


def false(text: str) -> Expected:
    """Well-formed and false."""
    return ProofRejected, text


def malformed(text: str) -> Expected:
    """Not of its form."""
    return ProofMalformed, text


def refuse(
    honest: Made, expected: Expected, data: bytes | StepsFile | None = None, terms: Terms | None = None
) -> None:
    """Require this error, of this very class, for the file under the terms."""
    kind, text = expected
    with pytest.raises(ZkmlError, match=re.escape(text)) as caught:
        checked(honest, data, terms)
    assert type(caught.value) is kind


def other(name: str) -> Made:
    """A second chain of the same prover and rows, under another nonce."""
    return made(name, b"o" * 32)
