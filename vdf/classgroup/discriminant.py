"""The class group of a delay, and the form it starts from: hashed from (x, T), so that nobody chose them.

    seed = SHA-256(tag("escapement/v1/class-discriminant") ‖ x ‖ u64(T))                      x: 32 bytes
    D = −p,   p = hash_prime(seed, 1024, bits 1, 2, 1023)            p ≡ 7 mod 8, 2^1023 < p < 2^1024
    q_k = expand("escapement/v1/class-base", seed ‖ u64(k), 256), big-endian, with bits 0, 1 and 255 set
    base form (q, b):   q = the first prime q_k with (D/q) = 1,   b = the odd one of ±D^((q+1)/4) mod q

hash_prime is Chia's (chiavdf, src/proof_common.h, src/create_discriminant.h): the seed is a big-endian
counter of its own length; ⌈bits/256⌉ times it is increased by 1 (all ones become zeros) and hashed with
SHA-256; the digests, one after the other, cut to bits/8 bytes, are a candidate, big-endian, in which bit 0
and those named are set. The first prime counts; the counter goes on from candidate to candidate.

Primes: Baillie–PSW (GMP) and 8 Miller–Rabin rounds for p, 16 for q. Were p composite, who factors it would
know forms of order 2, one for each way to split p, and with them as many false twins of every y; the rounds
alone let a hashed p be composite with probability below 2^−150 (Damgård, Landrock, Pomerance 1993). D is
fundamental, so gcd(a, b, c) is 1 in all its forms, and the class number is odd, so squaring is a bijection.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from gmpy2 import is_prime, jacobi, mpz, powmod

from vdf.classgroup.forms import encode
from vdf.encoding import expand, tag, u64


@dataclass(frozen=True)
class Setting:
    """What (x, T) fixes. `seed`: 32 bytes; `discriminant`: D < 0; `base`: the first form, encoded."""

    seed: bytes
    discriminant: int
    base: bytes


@lru_cache(maxsize=32)
def setting(x: bytes, squarings: int) -> Setting:
    """The class group and base form for an x of 32 bytes and T; about 20 ms."""
    seed = hashlib.sha256(tag(DISCRIMINANT_TAG) + x + u64(squarings)).digest()
    discriminant = -hash_prime(seed, DISCRIMINANT_BITS, (1, 2, DISCRIMINANT_BITS - 1))
    return Setting(seed, discriminant, encode(*base_form(seed, discriminant)))


def hash_prime(seed: bytes, bits: int, ones: tuple[int, ...]) -> int:
    """Chia's prime of a seed, not too short; `bits`: a multiple of 8; `ones`: the bits that are set."""
    counter, size, mask = int.from_bytes(seed, "big"), len(seed), 1 | sum(1 << bit for bit in set(ones))
    while True:
        blob = b""
        while 8 * len(blob) < bits:
            counter = (counter + 1) % (1 << 8 * size)
            blob += hashlib.sha256(counter.to_bytes(size, "big")).digest()
        candidate = int.from_bytes(blob[: bits // 8], "big") | mask
        if is_prime(mpz(candidate), GMP_BPSW + 8):
            return candidate


def base_form(seed: bytes, discriminant: int) -> tuple[int, int]:
    """(a, b) of the form that a delay of this seed starts from: reduced, a a prime of 256 bits."""
    attempt = 0
    while True:
        wide = expand(BASE_TAG, seed + u64(attempt), BASE_BITS)
        q = mpz(int.from_bytes(wide, "big") | 1 << (BASE_BITS - 1) | 3)
        if jacobi(discriminant, q) == 1 and is_prime(q, GMP_BPSW + 16):
            root = int(powmod(discriminant, (q + 1) // 4, q))  # q ≡ 3 mod 4
            return int(q), root if root % 2 else int(q) - root
        attempt += 1


DISCRIMINANT_TAG = "escapement/v1/class-discriminant"
DISCRIMINANT_BITS = 1024  # security: docs/threat-model.md; the most that chiavdf supports
BASE_TAG = "escapement/v1/class-base"
BASE_BITS = 256  # security: entropy of the first input of Chia's challenge, see `chain`
GMP_BPSW = 24  # of mpz_probab_prime_p's repetitions, that many stand for Baillie–PSW
