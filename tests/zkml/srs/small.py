"""Two small reference strings, INSECURE, whole or to be spoiled, and what is said of a file."""

from functools import cache
from pathlib import Path

import pytest

from tests.zkml.srs.insecure import Halo2, Ptau, halo2, ptau
from zkml import srs
from zkml.errors import ProverError, SrsError

# Where points begin: 12 bytes of head; per section 12 of head; 44 of header. See zkml/srs/layout.py.
G1_AT, G1_COUNT, G2_COUNT = 80, 15, 8
G2_AT = G1_AT + G1_COUNT * 64 + 12
H_POWERS = 8
LAGRANGE_AT, HALO2_G2_AT = 4 + H_POWERS * 64, 4 + 2 * H_POWERS * 64


@cache
def whole() -> Ptau:
    """Power 3: 15 powers in G1, 8 in G2."""
    return ptau(3)


@cache
def parameters() -> Halo2:
    """2^3 powers."""
    return halo2(3)


def spoiled() -> Ptau:
    """A copy to change."""
    return Ptau(3, list(whole().g1), list(whole().g2), dict(whole().others))


def spoiled_parameters() -> Halo2:
    """A copy to change."""
    made = parameters()
    return Halo2(3, list(made.g1), list(made.lagrange), list(made.g2))


def refusal(path: Path, error: type[ProverError] = SrsError, **options: object) -> str:
    """What is said of the file, behind its name."""
    with pytest.raises(ProverError) as caught:
        srs.require(path, **options)  # type: ignore[arg-type]
    assert type(caught.value) is error
    return str(caught.value).removeprefix(f"{path}: ")
