"""vdf.rsa and vdf.prime: the modulus, one encoding per element, hashing to elements and to primes."""

import hashlib
import math

import pytest
from gmpy2 import is_prime as probable_prime
from gmpy2 import is_strong_prp, mpz
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from vdf.errors import Malformed, Rejected, UsageError, VdfError
from vdf.prime import PRIME_BITS, ROUNDS, candidate, hash_to_prime, is_prime
from vdf.rsa import RSA2048, Group

N = RSA2048.modulus
SMALL = Group("test", 101 * 211)


def test_the_modulus_is_the_published_one() -> None:
    digest = "6ae9d033c1d76c4f535b5ad5c0073933a0b375b4120a75fbb66be814eab1a9ce"
    assert hashlib.sha256(N.to_bytes(256, "big")).hexdigest() == digest
    assert (len(str(N)), sum(map(int, str(N))), N.bit_length()) == (617, 2738, 2048)
    assert vdf.group("rsa-2048") is RSA2048
    assert RSA2048.element_bytes == 256


@pytest.mark.parametrize("name", ["", "rsa-1024", "RSA-2048", "class-1024"])
def test_unknown_groups(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        vdf.group(name)
    assert (caught.value.code, caught.value.exit_code) == ("delay-group", 2)


@given(st.integers(min_value=1, max_value=N - 1))
def test_one_encoding_for_both_signs(value: int) -> None:
    encoded = RSA2048.encode(value)
    assert encoded == RSA2048.encode(N - value) == RSA2048.encode(value + N)
    assert RSA2048.decode("y", encoded) == min(value, N - value)


def test_every_string_of_a_small_group() -> None:
    """Of all strings, exactly the canonical units decode; encode is the inverse."""
    n, size = SMALL.modulus, SMALL.element_bytes
    units = 0
    for value in range(256**size):
        try:
            assert SMALL.decode("y", value.to_bytes(size, "big")) == value
            units += 1
        except VdfError as error:
            unit = 1 <= value <= (n - 1) // 2
            assert (error.code, type(error)) == (
                ("delay-y-unit", Rejected) if unit else ("delay-y-range", Malformed)
            )
            assert not unit or math.gcd(value, n) != 1
        else:
            assert SMALL.encode(value) == value.to_bytes(size, "big")
    assert units == sum(math.gcd(v, n) == 1 for v in range(1, (n - 1) // 2 + 1))


@pytest.mark.parametrize("data", ["00" * 256, bytearray(256), None, 1, memoryview(bytes(256))])
def test_elements_are_bytes(data: object) -> None:
    with pytest.raises(UsageError) as caught:
        RSA2048.decode("x", data)  # type: ignore[arg-type]
    assert caught.value.code == "delay-type"


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_hash_to_group_is_canonical_and_wide(context: bytes) -> None:
    data = vdf.hash_to_group(RSA2048, context)
    assert data == vdf.hash_to_group(RSA2048, context)
    assert RSA2048.decode("x", data).bit_length() > 2048 - 100


def test_hash_to_group_skips_what_is_no_element() -> None:
    """In a tiny group many hashes fall on 0, ±1 or a multiple of a factor."""
    tiny = Group("test", 3 * 5)
    seen = {vdf.hash_to_group(tiny, number.to_bytes(32, "big")) for number in range(200)}
    assert seen == {bytes([2]), bytes([4]), bytes([7])}


@pytest.mark.parametrize("context", [b"", bytes(31), bytes(33), "0" * 32, None])
def test_contexts_are_32_bytes(context: object) -> None:
    with pytest.raises(UsageError) as caught:
        vdf.hash_to_group(RSA2048, context)  # type: ignore[arg-type]
    assert caught.value.code == "delay-context"


@settings(deadline=None, max_examples=30)
@given(st.binary(min_size=32, max_size=32))
def test_challenges_are_the_first_primes_of_256_bits(transcript: bytes) -> None:
    prime = hash_to_prime(transcript)
    assert prime.bit_length() == 256
    assert probable_prime(prime, 64)
    attempt = 0
    while (tried := candidate(transcript, attempt)) != prime:
        assert not probable_prime(tried, 64)
        assert tried.bit_length() == 256 and tried % 2 == 1
        attempt += 1


def test_primes_pass_and_composites_do_not() -> None:
    first = hash_to_prime(bytes(32))
    assert is_prime(first)
    assert is_prime(2**256 - 189)
    assert not is_prime(2**256 - 187)
    half, other = 2**128 - 159, 2**128 - 173
    assert probable_prime(half) and probable_prime(other)
    assert not is_prime(half * other)
    assert not is_prime(half * half)


def test_strong_pseudoprimes_are_found() -> None:
    """p·(2p − 1), both prime, p ≡ 3 mod 4: liars for a fourth of all bases, the most that there can be."""
    p = 2**127 + 3
    while not (probable_prime(p) and probable_prime(2 * p - 1)):
        p += 4
    composite = p * (2 * p - 1)
    assert composite.bit_length() == 256
    liars = sum(is_strong_prp(mpz(composite), base) for base in range(2, 402))
    assert 50 < liars < 150
    assert not is_prime(composite)


@pytest.mark.parametrize("without", ["Baillie-PSW", "Miller-Rabin"])
def test_each_primality_test_suffices_here(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    """The error bound counts Miller–Rabin alone; Baillie–PSW must hold alone as well."""
    if without == "Baillie-PSW":
        monkeypatch.setattr("vdf.prime.is_strong_bpsw_prp", lambda _: True)
    else:
        monkeypatch.setattr("vdf.prime.ROUNDS", 0)
    assert is_prime(2**256 - 189)
    assert not is_prime((2**128 - 159) * (2**128 - 173))
    assert not any(is_prime(odd) for odd in range(2**256 - 187, 2**256, 2))


def test_the_error_bound_is_what_the_documents_say() -> None:
    """Damgård, Landrock, Pomerance 1993: p_{k,t} < k^1.5·2^t·t^−0.5·4^(2−√(tk)) for 3 ≤ t ≤ k/9, k ≥ 21."""
    k, t = PRIME_BITS, ROUNDS
    assert 3 <= t <= k / 9
    bits = 1.5 * math.log2(k) + t - 0.5 * math.log2(t) + 2 * (2 - math.sqrt(t * k))
    assert -120 < bits < -119
