"""vdf.rsa.elements and challenges: one encoding per element, hashing to elements and to large primes."""

import hashlib
import math
import pickle

import _escapement
import pytest
from gmpy2 import is_prime as probable_prime
from gmpy2 import is_strong_bpsw_prp, is_strong_prp, mpz
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from tests.vdf import plain
from vdf.errors import Malformed, Rejected, UsageError, VdfError
from vdf.rsa.elements import RSA2048, Elements, hash_to_element

N = RSA2048.modulus
GROUP = vdf.group("rsa-2048")
SMALL = Elements(101 * 211)


def test_the_modulus_is_the_published_one() -> None:
    digest = "6ae9d033c1d76c4f535b5ad5c0073933a0b375b4120a75fbb66be814eab1a9ce"
    assert hashlib.sha256(N.to_bytes(256, "big")).hexdigest() == digest
    assert (len(str(N)), sum(map(int, str(N))), N.bit_length()) == (617, 2738, 2048)
    assert GROUP.elements is RSA2048
    assert plain.N == N
    assert (GROUP.name, RSA2048.element_bytes, GROUP.output_bytes) == ("rsa-2048", 256, 256)
    assert GROUP.proof_bytes(1) == GROUP.run_proof_bytes(1 << 50, 1 << 16) == 256


@pytest.mark.parametrize("name", ["", "rsa-1024", "RSA-2048", "class-2048", "test"])
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
def test_hash_to_element_is_canonical_and_wide(context: bytes) -> None:
    data = hash_to_element(RSA2048, context)
    assert (
        data == hash_to_element(RSA2048, context) == GROUP.input(context, 1) == GROUP.input(context, 1 << 50)
    )
    assert data == plain.hash_to_element(context)
    assert RSA2048.decode("x", data).bit_length() > 2048 - 100


def test_hash_to_element_skips_what_is_no_element() -> None:
    """In a tiny group many hashes fall on 0, ±1 or a multiple of a factor."""
    tiny = Elements(3 * 5)
    seen = {hash_to_element(tiny, number.to_bytes(32, "big")) for number in range(200)}
    assert seen == {bytes([2]), bytes([4]), bytes([7])}


@pytest.mark.parametrize("context", [b"", bytes(31), bytes(33), "0" * 32, None])
def test_contexts_are_32_bytes(context: object) -> None:
    with pytest.raises(UsageError) as caught:
        hash_to_element(RSA2048, context)  # type: ignore[arg-type]
    assert caught.value.code == "delay-context"
    with pytest.raises(UsageError) as caught:
        GROUP.input(context, 10)  # type: ignore[arg-type]
    assert caught.value.code == "delay-context"


@pytest.mark.parametrize("squarings", [0, -1, (1 << 50) + 1, True, 1.0, "1", None])
def test_inputs_are_for_a_possible_t(squarings: object) -> None:
    with pytest.raises(UsageError) as caught:
        GROUP.input(bytes(32), squarings)  # type: ignore[arg-type]
    assert caught.value.code == "delay-squarings"


def test_errors_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(Rejected("delay-false", "why")))
    assert (type(error), error.code, str(error), error.exit_code) == (Rejected, "delay-false", "why", 1)


# --- challenges --------------------------------------------------------------------------------------------


def hash_to_prime(transcript: bytes) -> int:
    return int.from_bytes(_escapement.hash_to_prime(transcript), "big")


def is_prime(odd: int) -> bool:
    return _escapement.is_prime(odd.to_bytes(32, "big"))


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=32, max_size=32))
def test_challenges_are_the_first_primes_of_256_bits(transcript: bytes) -> None:
    prime = hash_to_prime(transcript)
    assert prime == plain.hash_to_prime(transcript)
    assert prime.bit_length() == 256
    assert probable_prime(prime, 64)
    attempt = 0
    while (tried := plain.candidate(transcript, attempt)) != prime:
        assert not probable_prime(tried, 64)
        assert tried.bit_length() == 256 and tried % 2 == 1
        attempt += 1


@settings(deadline=None, max_examples=20)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=12))
def test_many_challenges_are_the_single_ones(transcripts: list[bytes]) -> None:
    expected = [_escapement.hash_to_prime(transcript) for transcript in transcripts]
    assert _escapement.hash_to_primes(transcripts) == expected


HALF, OTHER = 2**128 - 159, 2**128 - 173
COMPOSITES = {
    "two primes": HALF * OTHER,
    "a square": HALF * HALF,
    "above the largest prime": 2**256 - 187,
    "all ones": 2**256 - 1,
    "the least": 2**255 + 1,
    "small factor": 3 * ((2**256 - 1) // 3 | 1),
    "a factor above the small primes": 1009 * ((2**256 // 1009 - 1) | 1),
}


def test_primes_pass_and_composites_do_not() -> None:
    assert probable_prime(HALF) and probable_prime(OTHER)
    assert is_prime(hash_to_prime(bytes(32)))
    for prime in (2**256 - 189, 2**255 + 95):
        assert probable_prime(prime, 64) and is_prime(prime) and plain.is_prime(prime)
    for name, composite in COMPOSITES.items():
        assert composite.bit_length() == 256 and composite % 2, name
        assert not is_prime(composite) and not plain.is_prime(composite), name


@settings(deadline=None, max_examples=300)
@given(st.integers(2**255, 2**256 - 1))
def test_primality_is_what_gmp_says(number: int) -> None:
    assert is_prime(number | 1) == plain.is_prime(number | 1) == probable_prime(number | 1, 64)


def pseudoprime() -> int:
    """p·(2p − 1), both prime, p ≡ 3 mod 4: liars for a fourth of all bases, the most that there can be."""
    p = 2**127 + 3
    while not (probable_prime(p) and probable_prime(2 * p - 1)):
        p += 4
    return p * (2 * p - 1)


def test_strong_pseudoprimes_are_found() -> None:
    composite = pseudoprime()
    assert composite.bit_length() == 256
    liars = sum(is_strong_prp(mpz(composite), base) for base in range(2, 402))
    assert 50 < liars < 150
    assert not is_prime(composite) and not plain.is_prime(composite)


def test_pseudoprimes_to_the_base_2_are_found() -> None:
    """p ≡ 1 mod 4, chosen so that 2 lies: only the Lucas test and the random bases see them."""
    p, found = 2**127 + 1, 0
    while found < 3:
        if probable_prime(p) and probable_prime(2 * p - 1):
            composite = p * (2 * p - 1)
            if is_strong_prp(mpz(composite), 2):
                assert not plain.is_strong_lucas(composite)
                assert not is_prime(composite)
                found += 1
        p += 4


@pytest.mark.parametrize("without", ["Baillie-PSW", "Miller-Rabin"])
def test_each_primality_test_suffices_here(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    """The error bound counts Miller–Rabin alone; Baillie–PSW must hold alone as well."""
    if without == "Baillie-PSW":
        monkeypatch.setattr(plain, "is_strong_bpsw", lambda _: True)
    else:
        monkeypatch.setattr(plain, "ROUNDS", 0)
    assert plain.is_prime(2**256 - 189)
    assert not any(plain.is_prime(odd) for odd in (*COMPOSITES.values(), pseudoprime()))
    assert not any(plain.is_prime(odd) for odd in range(2**256 - 187, 2**256, 2))


@given(
    st.integers(1, 2**20).map(lambda half: 2 * half + 1) | st.integers(2**200, 2**256).map(lambda n: n | 1)
)
def test_the_plain_lucas_test_is_the_one_of_gmp(odd: int) -> None:
    """And so its Baillie–PSW, which all of these tests lean on."""
    assert plain.is_strong_bpsw(odd) == is_strong_bpsw_prp(mpz(odd)) or odd < 5


def test_the_error_bound_is_what_the_documents_say() -> None:
    """Damgård, Landrock, Pomerance 1993: p_{k,t} < k^1.5·2^t·t^−0.5·4^(2−√(tk)) for 3 ≤ t ≤ k/9, k ≥ 21."""
    k, t = 8 * plain.PRIME_BYTES, plain.ROUNDS
    assert 3 <= t <= k / 9
    bits = 1.5 * math.log2(k) + t - 0.5 * math.log2(t) + 2 * (2 - math.sqrt(t * k))
    assert -120 < bits < -119
