"""Vectors that other implementations published, with their own derivations of ℓ (tests/vectors/interop).

Their numbers are checked twice: in plain integers, which says what the vectors are worth, and by this
package.
"""

import json
from itertools import count, product
from pathlib import Path
from typing import Any

import _escapement
import pytest
from gmpy2 import is_prime, next_prime, powmod

from vdf.rsa.elements import Elements
from vdf.rsa.evaluation import evaluate
from vdf.rsa.power import quotient_power
from vdf.rsa.wesolowski import holds

Case = dict[str, Any]


def read(name: str) -> list[Case]:
    """The cases of one file; their numbers as integers."""
    folder = Path(__file__).parents[1] / "vectors" / "interop"
    cases: list[Case] = json.loads((folder / f"{name}.json").read_text())["cases"]
    for case in cases:
        for key in {"N", "x", "y", "l", "pi"} & case.keys():
            case[key] = int(case[key], 16) if isinstance(case[key], str) else case[key]
    return cases


def named(cases: list[Case]) -> list[Any]:
    """Parameters with readable names."""
    names = [f"{number}-{case['N'].bit_length()}-bits-T{case['T']}" for number, case in enumerate(cases)]
    return [pytest.param(case, id=name) for case, name in zip(cases, names, strict=True)]


TOKAMAK = read("tokamak-network-EVM-VDF-Verifier")
ANIMICA = read("animicaorg-all")
PROVEN = [case for case in TOKAMAK if case["proof"] == "wesolowski"]
TRUE = [case for case in ANIMICA if case["holds"] and case["T"] > 0]
FALSE = [case for case in ANIMICA if not case["holds"]]
AFFORDABLE = 1 << 22
FEW = 1 << 20  # what every kernel squares


def test_the_files_are_what_the_tests_expect() -> None:
    assert len(PROVEN) == 13 and len(TOKAMAK) == 15
    assert (len(TRUE), len(FALSE)) == (4, 7)
    assert {case["N"].bit_length() for case in PROVEN} == {1023, 1024, 2047, 2048}


# --- in plain integers -----------------------------------------------------------------------------


@pytest.mark.parametrize("case", named(PROVEN))
def test_their_challenge(case: Case) -> None:
    """Keccak-256 of x ‖ y ‖ T, or of x ‖ y in older cases; highest bit set; the first prime from there."""
    hashed = encode(case["x"], case) + encode(case["y"], case)
    if case["derivation"] == "x-y-T":
        hashed += case["T"].to_bytes(32, "big")
    start = int.from_bytes(keccak256(hashed), "big") | 1 << 255
    assert next_prime(start - 1) == case["l"]
    assert case["l"] - start <= 5939


@pytest.mark.parametrize("case", named([case for case in TOKAMAK + TRUE if case["T"] <= AFFORDABLE]))
def test_their_output(case: Case) -> None:
    assert powmod(case["x"], 1 << case["T"], case["N"]) == case["y"]


@pytest.mark.parametrize("case", named(PROVEN + TRUE))
def test_their_equation(case: Case) -> None:
    assert plain(case)
    assert is_prime(case["l"])


@pytest.mark.parametrize("case", named([case for case in PROVEN if case["T"] <= FEW] + TRUE))
def test_their_proof(case: Case) -> None:
    assert powmod(case["x"], (1 << case["T"]) // case["l"], case["N"]) == case["pi"]


@pytest.mark.parametrize("case", named(FALSE))
def test_false_cases(case: Case) -> None:
    """Four of them were published as valid."""
    assert not plain(case) or powmod(case["x"], 1 << case["T"], case["N"]) != case["y"]


def test_without_t_in_the_hash_a_longer_delay_passes() -> None:
    """Why T is hashed (docs/delay.md): the older cases prove T + ℓ − 1 squarings as well as T."""
    older = [case for case in PROVEN if case["derivation"] == "x-y"]
    assert len(older) == 2
    for case in older:
        assert plain({**case, "T": case["T"] + case["l"] - 1})


# --- by this package -------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", _escapement.kernels())
@pytest.mark.parametrize("case", named([case for case in TOKAMAK + TRUE if case["T"] <= FEW]))
def test_every_kernel_squares(case: Case, kernel: str) -> None:
    modulus = native(case, kernel)
    assert modulus.square_times(encode(case["x"], case), case["T"]) == encode(case["y"], case)


@pytest.mark.parametrize("case", named([case for case in TOKAMAK if FEW < case["T"] <= AFFORDABLE]))
def test_the_fastest_kernel_squares(case: Case) -> None:
    assert native(case).square_times(encode(case["x"], case), case["T"]) == encode(case["y"], case)


@pytest.mark.parametrize("kernel", _escapement.kernels())
@pytest.mark.parametrize("case", named(PROVEN + TRUE))
def test_every_kernel_verifies(case: Case, kernel: str) -> None:
    """π^ℓ·x^r is y itself, not −y; one thread or two."""
    for threads in (1, 2):
        assert power(case, kernel, threads) == encode(case["y"], case)


@pytest.mark.parametrize("kernel", _escapement.kernels())
@pytest.mark.parametrize("case", named(PROVEN))
def test_altered_cases_fail(case: Case, kernel: str) -> None:
    for change in ALTERED:
        altered = case | {change: case[change] + (2 if change == "l" else 1)}
        assert not plain(altered), change
        assert power(altered, kernel) != encode(altered["y"], altered), change


@pytest.mark.parametrize("kernel", _escapement.kernels())
def test_false_cases_fail(kernel: str) -> None:
    for case in FALSE:
        squared = native(case, kernel).square_times(encode(case["x"], case), case["T"])
        assert squared != encode(case["y"], case) or power(case, kernel) != encode(case["y"], case)


@pytest.mark.parametrize("kernel", _escapement.kernels())
@pytest.mark.parametrize("case", named([case for case in PROVEN if case["T"] <= FEW]))
def test_our_prover_makes_their_proof(case: Case, kernel: str) -> None:
    """The whole way with their ℓ: evaluation, stored elements, digits in buckets; up to the sign."""
    elements = Elements(case["N"], kernel)
    x, y, pi = (elements.encode(case[name]) for name in ("x", "y", "pi"))
    done = evaluate(elements, x, case["T"])
    assert done.y == y
    assert quotient_power(elements, done.stored, done.layout, case["T"], case["l"]) == pi


@pytest.mark.parametrize("case", named(PROVEN))
def test_our_verifier_takes_their_proof(case: Case) -> None:
    elements = Elements(case["N"])
    x, y, pi = (elements.encode(case[name]) for name in ("x", "y", "pi"))
    assert holds(elements, x, y, pi, case["l"], case["T"])
    for wrong in ((y, y, pi), (x, pi, pi), (x, y, x)):
        assert not holds(elements, *wrong, case["l"], case["T"])
    assert not holds(elements, x, y, pi, case["l"], case["T"] + 1)
    assert not holds(elements, x, y, pi, int(next_prime(case["l"])), case["T"])


def test_moduli_beyond_2048_bits_are_refused() -> None:
    """Their cases of 3072 bits are left out."""
    with pytest.raises(_escapement.NativeError):
        _escapement.Modulus(bytes([255]) * 384)


# --- helpers ---------------------------------------------------------------------------------------

ALTERED = ("x", "y", "pi", "T", "l")


def size(case: Case) -> int:
    """Bytes of N."""
    return -(-case["N"].bit_length() // 8)


def encode(value: int, case: Case) -> bytes:
    """Big-endian, as long as N."""
    return value.to_bytes(size(case), "big")


def native(case: Case, kernel: str | None = None) -> _escapement.Modulus:
    """N as the package holds it."""
    return _escapement.Modulus(encode(case["N"], case), kernel)


def power(case: Case, kernel: str, threads: int = 1) -> bytes:
    """π^ℓ·x^(2^T mod ℓ) by a kernel."""
    remainder = int(powmod(2, case["T"], case["l"]))
    exponents = [number.to_bytes(32, "big") for number in (case["l"], remainder)]
    bases = [encode(case["pi"], case), encode(case["x"], case)]
    return native(case, kernel).power(bases, exponents, threads)


def plain(case: Case) -> bool:
    """π^ℓ·x^(2^T mod ℓ) = y mod N."""
    n, ell = case["N"], case["l"]
    return powmod(case["pi"], ell, n) * powmod(case["x"], powmod(2, case["T"], ell), n) % n == case["y"]


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it: SHA3-256 (FIPS 202) with the padding bit 0x01 in place of 0x06."""
    lanes = dict.fromkeys(product(range(5), repeat=2), 0)
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % 136))
    padded[-1] |= 0x80
    for start in range(0, len(padded), 136):
        for i in range(17):
            at = start + 8 * i
            lanes[i % 5, i // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        permute(lanes)
    return b"".join(lanes[i, 0].to_bytes(8, "little") for i in range(4))


def permute(lanes: dict[tuple[int, int], int]) -> None:
    """Keccak-f[1600], 24 rounds of θ, ρ and π, χ, ι (FIPS 202, section 3.2)."""
    register = 1
    for _ in range(24):
        columns = [lanes[x, 0] ^ lanes[x, 1] ^ lanes[x, 2] ^ lanes[x, 3] ^ lanes[x, 4] for x in range(5)]
        for x, y in lanes:
            lanes[x, y] ^= columns[x - 1] ^ rotated(columns[(x + 1) % 5], 1)
        x, y, moved = 1, 0, lanes[1, 0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            moved, lanes[x, y] = lanes[x, y], rotated(moved, (t + 1) * (t + 2) // 2)
        before = dict(lanes)
        for x, y in lanes:
            lanes[x, y] ^= ~before[(x + 1) % 5, y] & before[(x + 2) % 5, y]
        for j in range(7):
            if register & 1:
                lanes[0, 0] ^= 1 << (1 << j) - 1
            register = register << 1 ^ (0x171 if register >> 7 else 0)


def rotated(lane: int, by: int) -> int:
    """A 64-bit lane, rotated to the left."""
    return (lane << by % 64 | lane >> 64 - by % 64) & (1 << 64) - 1


def test_keccak_256_of_known_strings() -> None:
    empty, abc = keccak256(b"").hex(), keccak256(b"abc").hex()
    assert empty == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert abc == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert next(n for n in count() if keccak256(bytes(n)) == keccak256(bytes(136))) == 136
