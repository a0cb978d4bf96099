"""Ethereum's vectors for BN254: py_ecc gives what they say, as do zkml.srs and the segment's plain reference.

The native code's addition and multiplication read the same file in circuits/pedersen/tests/eip196.rs.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from gmpy2 import mpz

from tests.independent import precompiles
from tests.independent.precompiles import InvalidInputError, word
from tests.segment.plain import curve
from zkml.srs.field import P, add_g1
from zkml.srs.sums import Combination

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "eip196-197.json").read_text(encoding="utf-8"))
OPERATIONS = {
    "add": precompiles.add,
    "multiply": precompiles.multiply,
    "pairing": precompiles.pairing,
}
CASES = [(operation, case) for operation in OPERATIONS for case in VECTORS[operation]]


def name(value: Any) -> str:
    return value if isinstance(value, str) else value["name"]


@pytest.mark.parametrize(("operation", "case"), CASES, ids=name)
def test_py_ecc(operation: str, case: dict[str, str]) -> None:
    assert OPERATIONS[operation](bytes.fromhex(case["input"])).hex() == case["expected"]


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=name)
def test_py_ecc_refuses(case: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        OPERATIONS[case["operation"]](bytes.fromhex(case["input"]))


def affine(data: bytes) -> tuple[int, int] | None:
    """A point of a vector; None for the identity."""
    return (word(data[:32]), word(data[32:64])) if any(data[:64]) else None


def encoded(point: Any) -> str:
    return b"".join(int(c).to_bytes(32, "big") for c in point or (0, 0)).hex()


@pytest.mark.parametrize("case", VECTORS["add"], ids=name)
def test_additions_here(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["input"]).ljust(128, b"\0")
    a, b = affine(data), affine(data[64:])
    assert encoded(curve.add((1, a), (1, b))) == case["expected"]
    a, b = (point and (mpz(point[0]), mpz(point[1])) for point in (a, b))
    assert encoded(add_g1(a, b)) == case["expected"]


@pytest.mark.parametrize("case", VECTORS["multiply"], ids=name)
def test_multiplications_here(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["input"])
    a, scalar = affine(data), word(data[64:96])
    assert a is not None
    assert encoded(curve.add((scalar, a))) == case["expected"]
    sum_ = Combination(add_g1, 254, 4)
    sum_.take(scalar % P, (mpz(a[0]), mpz(a[1])))
    assert encoded(sum_.join(sum_.windows())) == case["expected"]
