"""Makes tests/vectors/primes.json with gmpy2 and hashlib alone; the native tests and test_vectors.py read it.

python tests/vdf/make_prime_vectors.py            compares, changes nothing
python tests/vdf/make_prime_vectors.py --write    replaces the file: only after the protocol has changed
"""

import hashlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gmpy2

VECTORS = Path(__file__).parents[1] / "vectors" / "primes.json"
FORMAT = {
    "hashed": "pairs of a transcript and its prime (protocol §9), 32 bytes each, hex",
    "primes": "primes, by class; 32 bytes big-endian, hex",
    "composites": "numbers that are not prime, by class; 32 bytes big-endian, hex",
}


def text() -> str:
    """The whole file."""
    hashed = [(t.hex(), encoded(hash_to_prime(t))) for t in transcripts()]
    content = {"format": FORMAT, "hashed": hashed, "primes": primes(), "composites": composites()}
    return json.dumps(content, indent=1) + "\n"


def transcripts() -> list[bytes]:
    """Edges, then hashes."""
    return [bytes(32), b"\xff" * 32, *(hashlib.sha256(bytes([i])).digest() for i in range(62))]


def hash_to_prime(transcript: bytes) -> int:
    """Protocol §9, word for word."""
    stream = hashlib.shake_256(b"escapement/v1/prime".ljust(32, b"\0") + transcript).digest(32 * 4096)
    for j in range(4096):
        candidate = int.from_bytes(stream[32 * j : 32 * j + 32], "big") | 1 << 255 | 1
        if is_prime(candidate):
            return candidate
    raise AssertionError("4096 candidates without a prime")


def is_prime(number: int) -> bool:
    """Strong Baillie–PSW, then 24 rounds."""
    if number < 5 or number % 2 == 0:
        return number in (2, 3)
    data = b"escapement/v1/prime-base".ljust(32, b"\0") + number.to_bytes(32, "big")
    wide = hashlib.shake_256(data).digest(40 * 24)
    bases = [2 + int.from_bytes(wide[40 * r : 40 * r + 40], "big") % (number - 3) for r in range(24)]
    return gmpy2.is_strong_bpsw_prp(number) and all(gmpy2.is_strong_prp(number, base) for base in bases)


def primes() -> dict[str, list[str]]:
    """Primes at the edges of the arithmetic."""
    classes = {
        "small": [2, 3, 5, 7, 997, 1009, 524287, 524309, 1000003],
        "two to a power, minus one": [2**k - 1 for k in (31, 61, 89, 107, 127)],
        "largest below, and smallest above, a power of two": [
            prime for k in (20, 32, 64, 65, 128, 129, 192, 193, 255) for prime in (before(2**k), after(2**k))
        ]
        + [before(2**256)],
        "on curves": [2**255 - 19, 2**256 - 2**32 - 977, 2**256 - 2**224 + 2**192 + 2**96 - 1],
        "h·2^k + 1 and h·2^k - 1": [
            first(partial(beside_power, k, e), gmpy2.is_prime)
            for k in (17, 64, 128, 200, 240)
            for e in (1, -1)
        ],
    }
    assert all(gmpy2.is_prime(n, 50) and is_prime(n) for numbers in classes.values() for n in numbers)
    return {name: [encoded(n) for n in numbers] for name, numbers in classes.items()}


def composites() -> dict[str, list[str]]:
    """Composites that pass some of the tests, or stand at the edges of the arithmetic."""
    seeds = [random_bits(f"seed {i}", 127) for i in range(3)]
    classes = {
        "small": [0, 1, 4, 6, 9, 15, 25, 994009, 997 * 1009, 1009 * 1009, 524288, 1000001],
        "even": [2**255, 2**256 - 2, 2 * before(2**255), 2**255 - 20],
        "a small factor": [p * before(2**255 // p) for p in (3, 5, 7, 53, 997, 1009)],
        "Fermat, 2^(2^k) + 1": [2**32 + 1, 2**64 + 1, 2**128 + 1],
        "one less than a power of two": [2**k - 1 for k in (67, 253, 255, 256)],
        "square": [before(2**128) ** 2, after(2**127) ** 2, after(2**64) ** 2, 1009**2]
        + [after(seed) ** 2 for seed in seeds],
        "close factors": [before(2**128) * before(before(2**128)), after(2**127) * after(after(2**127))],
        "strong to base 2": [
            2047,
            3277,
            4033,
            4681,
            8321,
            15841,
            29341,
            42799,
            3215031751,
            3825123056546413051,
        ]
        + [first(partial(twin, s), strong_base_2) for s in seeds],
        "strong Lucas": [5459, 5777, 10877, 16109, 18971, 22499, 24569, 25199, 40309, 58519]
        + [first(partial(lucas_pair, s), strong_lucas) for s in seeds],
        "Carmichael": [561, 1105, 1729, 2465, 41041, 825265]
        + [first(partial(chernick, s >> 46), bool) for s in seeds],
    }
    assert not any(gmpy2.is_prime(n, 50) or is_prime(n) for numbers in classes.values() for n in numbers)
    assert all(gmpy2.is_strong_prp(n, 2) for n in classes["strong to base 2"])
    assert all(gmpy2.is_strong_selfridge_prp(n) for n in classes["strong Lucas"])
    return {name: [encoded(n) for n in numbers] for name, numbers in classes.items()}


def strong_base_2(n: int) -> bool:
    """Whether n, 0 if the factors were not prime, passes base 2."""
    return n > 0 and gmpy2.is_strong_prp(n, 2)


def strong_lucas(n: int) -> bool:
    """Whether n, 0 if the factors were not prime, passes the Lucas test."""
    return n > 0 and gmpy2.is_strong_selfridge_prp(n)


def beside_power(k: int, unit: int, i: int) -> int:
    """h·2^k ± 1, h odd."""
    return (2 * i + 1) * 2**k + unit


def twin(start: int, i: int) -> int:
    """p·(2·(p - 1) + 1), of which some are strong pseudoprimes; 0 unless both are prime."""
    p = (start + i) | 1
    q = 2 * p - 1
    return p * q if gmpy2.is_prime(p) and gmpy2.is_prime(q) else 0


def lucas_pair(start: int, i: int) -> int:
    """p·(p + 2), of which some are strong Lucas pseudoprimes; 0 unless both are prime."""
    p = (start + i) | 1
    return p * (p + 2) if gmpy2.is_prime(p) and gmpy2.is_prime(p + 2) else 0


def chernick(start: int, i: int) -> int:
    """(6k+1)(12k+1)(18k+1), a Carmichael number, or 0 unless all are prime."""
    k = start + i
    factors = (6 * k + 1, 12 * k + 1, 18 * k + 1)
    return factors[0] * factors[1] * factors[2] if all(map(gmpy2.is_prime, factors)) else 0


def first(number: Callable[[int], int], wanted: Callable[[int], bool]) -> int:
    """The first number(i), i = 0, 1, …, that is wanted."""
    i = 0
    while not wanted(number(i)):
        i += 1
    return number(i)


def before(n: int) -> int:
    """The largest prime below."""
    return int(gmpy2.prev_prime(n))


def after(n: int) -> int:
    """The smallest prime above."""
    return int(gmpy2.next_prime(n))


def random_bits(seed: str, bits: int) -> int:
    """A number of exactly this length."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big") >> (256 - bits) | 1 << (bits - 1)


def encoded(n: int) -> str:
    """32 bytes, hex."""
    return n.to_bytes(32, "big").hex()


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        VECTORS.write_text(text())
    elif sys.argv[1:] or VECTORS.read_text() != text():
        sys.exit("the vectors differ from the definition, or an unknown argument was given; see the header")
