"""vdf.classgroup.forms and .discriminant against chiavdf: the same bytes for a form, one string each."""

import hashlib
import itertools
import math
import random

import pytest
from gmpy2 import is_prime, is_strong_bpsw_prp, jacobi, mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vdf.classgroup import plain
from vdf.classgroup import forms
from vdf.classgroup.discriminant import base_form, hash_prime, setting
from vdf.classgroup.forms import GENERATOR, IDENTITY, NotCanonical, decode, encode
from vdf.encoding import tag, u64

chiavdf = pytest.importorskip("chiavdf")

PLACE = setting(bytes(32), 1000)
D = PLACE.discriminant
RANDOM = random.Random(1)


def theirs(data: bytes, *, strict: bool = True) -> tuple[int, int] | None:
    """chiavdf's (a, b), after its own reduction; None if it refuses."""
    try:
        a, b = chiavdf.bqfc_deserialize(str(D), data, strict)
    except RuntimeError:
        return None
    return signed(a), signed(b)


def signed(data: bytes) -> int:
    return int.from_bytes(data[1:], "big") * (-1 if data[0] else 1)


def ours(data: bytes) -> tuple[int, int] | None:
    try:
        return decode(D, data)
    except NotCanonical:
        return None


def squared(number: int) -> list[bytes]:
    """That many forms as chiavdf writes them, each the square of the one before."""
    found = [PLACE.base]
    while len(found) < number:
        found.append(chiavdf.prove(PLACE.seed, found[-1], 1024, 1, "")[:100])
    return found


def squares_in_plain(number: int) -> list[tuple[int, int]]:
    found = [decode(D, PLACE.base)]
    while len(found) < number:
        found.append(plain.compose(found[-1], found[-1], D))
    return found


def small_forms(bound: int) -> list[tuple[int, int]]:
    """All reduced forms with a below the bound."""
    pairs = ((a, b) for a in range(1, bound) for b in range(1 - a, a + 1))
    return [(a, b) for a, b in pairs if (b * b - D) % (4 * a) == 0]


def test_chiavdf_writes_a_form_as_we_do() -> None:
    for data, (a, b) in zip(squared(60), squares_in_plain(60), strict=True):
        assert theirs(data) == decode(D, data) == (a, b)
        assert encode(a, b) == data


def test_every_form_comes_back_and_chiavdf_reads_it_the_same() -> None:
    """Ten thousand forms, among them the few whose partial Euclid ends one step off the plain one."""
    base, other = decode(D, PLACE.base), plain.power(decode(D, PLACE.base), 3, D)
    off, form = 0, base
    for _ in range(10_000):
        form = plain.compose(form, other, D)
        data = encode(*form)
        assert decode(D, data) == form
        euclid = first_remainder_cofactor(*form)
        off += int(forms._cofactor(mpz(form[0]), mpz(abs(form[1])))) != euclid
        if _ % 10 == 0 or off:
            assert theirs(data) == form
        if off:
            break
    assert off, "none of them tests the words of Euclid's algorithm"


def first_remainder_cofactor(a: int, b: int) -> int:
    bound, r, before, last = math.isqrt(a), abs(b), 0, 1
    while r > bound:
        quotient, rest = divmod(a, r)
        a, r, before, last = r, rest, last, before - quotient * last
    return last


def test_small_forms_have_one_encoding_each() -> None:
    """Every string of small fields: what decodes is canonical, each form once, and chiavdf agrees."""
    seen = {}
    for a, t, g, b0, flags in itertools.product(range(30), range(8), range(6), range(4), range(4)):
        data = bytes([flags, 0]) + a.to_bytes(64, "little") + t.to_bytes(32, "little") + bytes([g, b0])
        found = ours(data)
        if found is not None:
            assert found not in seen and theirs(data) == found
            seen[found] = data
    expected = {form: encode(*form) for form in small_forms(30)}
    assert expected.pop((1, 1)) == IDENTITY and expected.pop((2, 1)) == GENERATOR
    assert seen.items() >= expected.items()


def test_ours_accepts_a_subset_of_theirs_under_mutation() -> None:
    seeds, kinds = squared(40), set()
    for _ in range(20_000):
        data = bytearray(RANDOM.choice(seeds))
        for _ in range(RANDOM.choice([1, 1, 2, 3])):
            at = RANDOM.choice([0, 1, 97, 98, 99, RANDOM.randrange(100)])
            data[at] ^= 1 << RANDOM.randrange(8)
        mine, chia = ours(bytes(data)), theirs(bytes(data))
        kinds.add((mine is None, chia is None))
        if mine is not None:
            assert mine == chia
            assert encode(*mine) == data
    assert kinds == {(True, True), (True, False), (False, False)}


@settings(deadline=None, max_examples=300)
@given(st.binary(min_size=100, max_size=100))
def test_arbitrary_bytes(data: bytes) -> None:
    assert ours(data) is None or encode(*decode(D, data)) == data


@pytest.mark.parametrize("size", [0, 1, 2, 99, 101, 200])
def test_other_lengths(size: int) -> None:
    with pytest.raises(NotCanonical):
        decode(D, PLACE.base[:1] * size)


def test_extreme_fields_do_not_crash() -> None:
    edges = [bytes([value]) for value in (0, 1, 30, 31, 32, 33, 254, 255)]
    for flags, extra in itertools.product(edges, edges):
        for fill in (b"\0", b"\1", b"\xff"):
            data = flags + extra + fill * 98
            assert ours(data) is None or flags in (b"\4", b"\x08")


def test_discriminants_are_chiavdfs() -> None:
    seeds = [RANDOM.randbytes(size) for size in [32] * 25 + [10, 2]] + [b"\xff" * 32]
    for seed in seeds:
        p = hash_prime(seed, 1024, (1, 2, 1023))
        assert -p == int(chiavdf.create_discriminant(seed, 1024), 16)
        assert p % 8 == 7 and p.bit_length() == 1024 and is_strong_bpsw_prp(p)


def test_the_setting_follows_the_protocol() -> None:
    x, squarings = b"\x05" * 32, 77
    place = setting(x, squarings)
    seed = hashlib.sha256(tag("escapement/v1/class-discriminant") + x + u64(squarings)).digest()
    assert place.seed == seed
    assert place.discriminant == -plain.hash_prime(seed, 1024, (1, 2, 1023))
    q, b = decode(place.discriminant, place.base)
    for attempt in itertools.count():
        wide = hashlib.shake_256(tag("escapement/v1/class-base") + seed + u64(attempt)).digest(32)
        candidate = int.from_bytes(wide, "big") | 1 << 255 | 3
        if is_prime(candidate, 50) and jacobi(place.discriminant, candidate) == 1:
            break
    assert q == candidate and 0 < b < q and b % 2 == 1 and (b * b - place.discriminant) % (4 * q) == 0


@settings(deadline=None, max_examples=15)
@given(st.binary(min_size=32, max_size=32))
def test_base_forms_are_reduced_and_wide(seed: bytes) -> None:
    a, b = base_form(seed, D)
    assert a.bit_length() == 256 and is_prime(a)
    assert decode(D, encode(a, b)) == (a, b)
