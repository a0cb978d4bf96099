"""tests/vectors/delay.json against protocol §9 written out in plain integers: no gmpy2, nothing of vdf."""

import hashlib
import json
from itertools import count
from math import gcd
from pathlib import Path

import pytest

import vdf

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "delay.json").read_text())
REFERENCE = (
    "25195908475657893494027183240048398571429282126204032027777137836043662020707595556264018525880784"
    "40691829064124951508218929855914917618450280848912007284499268739280728777673597141834727026189637"
    "50149718246911650776133798590957000973304597488084284017974291006424586918171951187461215151726546"
    "32282216869987549182422433637259085141865462043576798423387184774447920739934236584823824281198163"
    "81501067481045166037730605620161967625613384414360383390441495263443219011465754445417842402092461"
    "65157233507787077498171257724679629263863563732899121548314381678998850404453640235273819513786365"
    "64391212010397122822120720357"
)
N = int(REFERENCE)


def shake(tag: str, data: bytes, bits: int) -> bytes:
    return hashlib.shake_256(tag.encode().ljust(32, b"\0") + data).digest((bits + 7) // 8)


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def canonical(value: int) -> int:
    return min(value % N, -value % N)


def hash_to_group(context: bytes) -> int:
    for j in count():
        element = canonical(int.from_bytes(shake("escapement/v1/rsa-element", context + u64(j), 2176), "big"))
        if element not in (0, 1) and gcd(element, N) == 1:
            return element
    raise AssertionError


def is_prime(number: int) -> bool:
    """Miller–Rabin with the first 40 primes as bases; for 256 bits and inputs that nobody chose."""
    bases = [p for p in range(2, 174) if all(p % q for q in range(2, p))]
    if any(number % p == 0 for p in bases):
        return False
    twos = ((number - 1) & -(number - 1)).bit_length() - 1
    for base in bases:
        power = pow(base, (number - 1) >> twos, number)
        chain = [power]
        for _ in range(twos - 1):
            chain.append(chain[-1] ** 2 % number)
        if power != 1 and number - 1 not in chain:
            return False
    return True


def challenge(x: int, y: int, squarings: int) -> int:
    parts = b"".join(value.to_bytes(256, "big") for value in (N, x, y)) + u64(squarings)
    transcript = hashlib.sha256(b"escapement/v1/wesolowski".ljust(32, b"\0") + parts).digest()
    for j in count():
        candidate = int.from_bytes(shake("escapement/v1/prime", transcript + u64(j), 256), "big")
        candidate |= 1 | 1 << 255
        if is_prime(candidate):
            return candidate
    raise AssertionError


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"T={case['squarings']}")
def test_vectors_follow_the_protocol(case: dict) -> None:
    squarings = case["squarings"]
    x = hash_to_group(bytes.fromhex(case["context"]))
    y = canonical(pow(x, 1 << squarings, N))
    prime = challenge(x, y, squarings)
    pi = canonical(pow(x, (1 << squarings) // prime, N))
    expected = {"x": x, "y": y, "pi": pi}
    assert {name: case[name] for name in expected} == {n: f"{v:0512x}" for n, v in expected.items()}
    assert case["challenge"] == f"{prime:064x}"
    assert canonical(pow(pi, prime, N) * pow(x, pow(2, squarings, prime), N)) == y


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"T={case['squarings']}")
def test_the_package_gives_the_vectors(case: dict) -> None:
    group = vdf.group(VECTORS["group"])
    x = vdf.hash_to_group(group, bytes.fromhex(case["context"]))
    done = vdf.evaluate(group, x, case["squarings"])
    pi = vdf.prove(group, done)
    assert (x.hex(), done.y.hex(), pi.hex()) == (case["x"], case["y"], case["pi"])
    vdf.verify(group, x, done.y, pi, case["squarings"])


def test_the_vectors_meet_the_edges_of_the_challenge() -> None:
    """2^T below, around and far above ℓ."""
    assert {1, 255, 256, 257} < {case["squarings"] for case in VECTORS["cases"]}
    assert any(int(case["pi"], 16) == 1 for case in VECTORS["cases"])
