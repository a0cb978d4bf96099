"""_escapement's arithmetic for delays against Python's integers, for every kernel; no argument is a panic."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import _escapement
import pytest
from gmpy2 import is_prime, powmod
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vdf import plain
from vdf.errors import Interrupted
from vdf.rsa import RsaGroup
from vdf.rsa.elements import Elements, hash_to_element
from vdf.rsa.evaluation import evaluate
from vdf.rsa.layout import Layout
from vdf.rsa.wesolowski import prove

KERNELS = _escapement.kernels()
EACH = pytest.mark.parametrize("kernel", KERNELS)
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
N = plain.N

# Where limbs begin and end, where carries run through all of them, and N.
EDGES = [
    3,
    5,
    7,
    255,
    257,
    *(2**bits + sign for bits in (52, 61, 64, 104, 128, 1024, 2028, 2040, 2047) for sign in (-1, 1)),
    2**2048 - 1,
    2**2048 - 2**2047 + 1,
    2**2048 - 2**64 + 1,
    2**2048 - 2**1984 - 1,
    (2**2048 - 1) // 3,
    sum(1 << 52 * limb for limb in range(40)) % 2**2048,
    sum((2**52 - 1) << 104 * limb for limb in range(20)) % 2**2048 | 1,
    N,
]
MODULI = st.sampled_from(EDGES) | st.integers(1, 2**2047 - 1).map(lambda half: 2 * half + 1)
FRACTIONS = st.sampled_from([0, 1, -1, 2, -2]) | st.integers(0, 2**2048 - 1)


def native(modulus: int, kernel: str | None = None) -> _escapement.Modulus:
    return _escapement.Modulus(modulus.to_bytes(plain.length(modulus), "big"), kernel)


def encoded(value: int, modulus: int) -> bytes:
    """The residue, as the native module has it: without a sign taken off."""
    return (value % modulus).to_bytes(plain.length(modulus), "big")


def bytes32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def shortest(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def test_the_kernels_have_names_and_the_first_is_taken() -> None:
    assert KERNELS[-1] == "portable" and set(KERNELS) <= {"ifma", "portable"}
    assert native(N).kernel == KERNELS[0]
    for kernel in KERNELS:
        assert (native(N, kernel).kernel, native(N, kernel).element_bytes) == (kernel, 256)


@EACH
@SLOW
@given(MODULI, FRACTIONS, FRACTIONS, st.integers(0, 300))
def test_squares_and_products(kernel: str, modulus: int, a: int, b: int, count: int) -> None:
    here, x, y = native(modulus, kernel), encoded(a, modulus), encoded(b, modulus)
    assert here.element_bytes == len(x)
    assert here.multiply(x, y) == encoded(a * b, modulus)
    assert here.multiply(x, x) == here.square_times(x, 1) == encoded(a * a, modulus)
    assert here.square_times(x, count) == encoded(pow(a, 1 << count, modulus), modulus)


@EACH
@pytest.mark.parametrize("modulus", EDGES, ids=lambda modulus: f"{modulus.bit_length()} bits")
def test_the_edges_of_every_modulus(kernel: str, modulus: int) -> None:
    here, half = native(modulus, kernel), modulus // 2
    for a in (0, 1, 2, half, half + 1, modulus - 2, modulus - 1):
        for b in (0, 1, half, modulus - 1):
            assert here.multiply(encoded(a, modulus), encoded(b, modulus)) == encoded(a * b, modulus)
        for count in (0, 1, 2, 63, 64, 65):
            expected = encoded(pow(a, 1 << count, modulus), modulus)
            assert here.square_times(encoded(a, modulus), count) == expected


POWERS = st.lists(
    st.tuples(FRACTIONS, st.sampled_from([0, 1, 2, 2**512 - 1, 2**511]) | st.integers(0, 2**512 - 1)),
    max_size=12,
)


@EACH
@SLOW
@given(MODULI, POWERS, st.integers(0, 9), st.integers(0, 3))
def test_products_of_powers(
    kernel: str, modulus: int, powers: list[tuple[int, int]], threads: int, zeros: int
) -> None:
    """Exponents may have zero bytes in front, up to 64 bytes in all."""
    bases = [encoded(base, modulus) for base, _ in powers]
    exponents = [(bytes(zeros) + shortest(exponent))[-64:] for _, exponent in powers]
    expected = 1
    for base, exponent in powers:
        expected = expected * pow(base, exponent, modulus) % modulus
    assert native(modulus, kernel).power(bases, exponents, threads) == encoded(expected, modulus)


@EACH
@pytest.mark.parametrize("length", [0, 1, 2, 31, 200, 1000])
@pytest.mark.parametrize("bits", [1, 16, 128, 384])
def test_products_of_many_powers(kernel: str, length: int, bits: int) -> None:
    """Of so many bases that buckets and threads are worth it; all equal exponents and 0 among them."""
    modulus, choose = 2**255 - 19, random.Random(length * bits)
    bases = [choose.randrange(modulus) for _ in range(length)]
    exponents = [choose.choice([0, 1, 2**bits - 1, choose.getrandbits(bits)]) for _ in range(length)]
    expected = 1
    for base, exponent in zip(bases, exponents, strict=True):
        expected = expected * pow(base, exponent, modulus) % modulus
    here, data = native(modulus, kernel), [encoded(base, modulus) for base in bases]
    for threads in (1, 3, 64):
        found = here.power(data, [shortest(exponent) for exponent in exponents], threads)
        assert found == encoded(expected, modulus)


# --- chains -----------------------------------------------------------------------------------------------


@EACH
@SLOW
@given(
    MODULI,
    FRACTIONS,
    st.integers(1, 90),
    st.integers(0, 12),
    st.lists(st.integers(0, 200), max_size=6),
    st.data(),
)
def test_chains(
    kernel: str, modulus: int, x: int, interval: int, count: int, steps: list[int], data: st.DataObject
) -> None:
    """Advanced in any steps, and moved to any kernel in between: current and stored are the plain powers."""
    run, position = _escapement.Squarings(native(modulus, kernel), encoded(x, modulus), interval, count), 0
    for step in steps:
        position += step
        run.advance(position)
        held = min(count, -(-position // interval))
        stored = [encoded(pow(x, 1 << interval * j, modulus), modulus) for j in range(held)]
        assert run.position == position
        assert run.current() == encoded(pow(x, 1 << position, modulus), modulus)
        assert run.stored_bytes() == run.stored().encode() == b"".join(stored)
        assert run.stored_bytes(held // 2) == b"".join(stored[held // 2 :])
        assert run.stored_bytes(held) == b""
        assert len(run.stored()) == held
        other = native(modulus, data.draw(st.sampled_from(KERNELS)))
        run = _escapement.Squarings.restore(
            other, position, run.current(), run.stored_bytes(), interval, count
        )


def test_stored_elements_stay_what_they_were() -> None:
    """What was taken out of a chain does not change when the chain goes on, or is gone."""
    run = _escapement.Squarings(native(N), encoded(3, N), 10, 5)
    run.advance(25)
    stored = run.stored()
    before = stored.encode()
    run.advance(60)
    assert (stored.encode(), len(stored), len(run.stored())) == (before, 3, 5)
    assert run.stored_bytes().startswith(before)
    del run
    assert stored.encode() == before


@EACH
@SLOW
@given(
    MODULI,
    st.lists(FRACTIONS, max_size=20),
    st.sampled_from([3, 5, 2**64 - 1, 2**255 + 95, 2**256 - 189, 2**256 - 1])
    | st.integers(1, 2**255 - 1).map(lambda half: 2 * half + 1),
    st.integers(0, 2**256 - 1),
    st.integers(0, 2**256 - 1),
    st.integers(0, 16),
    st.data(),
)
def test_digit_products(
    kernel: str,
    modulus: int,
    elements: list[int],
    ell: int,
    start: int,
    step: int,
    kappa: int,
    data: st.DataObject,
) -> None:
    start, step, remainder = start % ell, step % ell, start % ell
    number = data.draw(st.integers(0, len(elements)))
    expected = 1
    for element in elements[:number]:
        digit = (remainder << kappa) // ell
        assert 0 <= digit < 1 << kappa
        expected = expected * pow(element, digit, modulus) % modulus
        remainder = remainder * step % ell
    here = native(modulus, kernel)
    stored = _escapement.Stored.decode(here, b"".join(encoded(element, modulus) for element in elements))
    found = stored.digit_product(bytes32(ell), bytes32(start), bytes32(step), kappa, number)
    assert found == encoded(expected, modulus)
    assert stored.encode() == b"".join(encoded(element, modulus) for element in elements)


@EACH
def test_many_threads_at_once(kernel: str) -> None:
    """Digit products of one store, and one chain that several threads advance."""
    here, ell = native(N, kernel), 2**256 - 189
    run = _escapement.Squarings(here, encoded(3, N), 7, 300)
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(run.advance, 3000) for _ in range(8)]
        assert all(done.exception() is None for done in tries)
        stored = run.stored()
        arguments = [(bytes32(ell), bytes32(5 + i % 2), bytes32(9), 9, 300) for i in range(16)]
        found = list(pool.map(lambda args: stored.digit_product(*args), arguments))
    assert run.current() == encoded(pow(3, 1 << 3000, N), N)
    assert found == [stored.digit_product(*args) for args in arguments]


def test_a_long_chain_is_the_same_under_every_kernel() -> None:
    """2^22 squarings modulo RSA-2048, as gmpy2 has them; all at once, as only one of them holds the lock."""
    length, x = 1 << 22, int.from_bytes(plain.hash_to_element(bytes(32)), "big")

    def chain(kernel: str) -> bytes:
        run = _escapement.Squarings(native(N, kernel), encoded(x, N), 1 << 62, 0)
        run.advance(length)
        return run.current()

    with ThreadPoolExecutor() as pool:
        found = [pool.submit(chain, kernel) for kernel in KERNELS]
        expected = encoded(int(powmod(x, 1 << length, N)), N)
        assert [done.result() for done in found] == [expected] * len(KERNELS)


# --- kernels under the whole delay ------------------------------------------------------------------------

X = hash_to_element(Elements(N), bytes(32))
T = 20_000


def stop_after(looks: int) -> Callable[[], bool]:
    left = iter([False] * looks)
    return lambda: next(left, True)


@EACH
def test_every_kernel_gives_the_plain_delay(kernel: str) -> None:
    group = RsaGroup("test", Elements(N, kernel))
    done = group.delay(X, T)
    assert (done.y, done.pi) == (plain.evaluate(X, T), plain.prove(X, done.y, T))
    group.verify(X, done.y, done.pi, T)
    assert group.prove_run([done]) == plain.prove_run([(X, done.y)], T)


@pytest.mark.parametrize("first", KERNELS)
@pytest.mark.parametrize("then", KERNELS)
def test_a_state_moves_from_one_kernel_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, then: str
) -> None:
    """In the middle of the squarings, and again in the middle of the proof."""
    monkeypatch.setattr("vdf.rsa.evaluation.SLICE_SECONDS", 0.0)
    monkeypatch.setattr("vdf.rsa.evaluation.choose_layout", lambda _: Layout(40, (T - 255) // 40 + 1, 8))
    path, proof = tmp_path / "delay.state", tmp_path / "proof.state"
    here, there = Elements(N, first), Elements(N, then)
    with pytest.raises(Interrupted):
        evaluate(here, X, T, state=path, stop=stop_after(9))
    seen: list[int] = []
    moved = evaluate(there, X, T, state=path, progress=lambda at, _: seen.append(at))
    assert 0 < seen[0] < T
    assert moved.y == plain.evaluate(X, T)
    assert moved.stored.encode() == evaluate(here, X, T).stored.encode()
    with pytest.raises(Interrupted):
        prove(there, moved, state=proof, stop=stop_after(2))
    again = evaluate(here, X, T, state=path)
    assert prove(here, again, state=proof) == plain.prove(X, moved.y, T)


# --- arguments --------------------------------------------------------------------------------------------


def refused(call: Callable[..., Any], *arguments: object) -> None:
    with pytest.raises(_escapement.NativeError) as caught:
        call(*arguments)
    code, message = caught.value.args
    assert code == "malformed"
    assert message


ONE = (1).to_bytes(256, "big")
MODULUS = native(N)
STORED = _escapement.Stored.decode(MODULUS, ONE * 3)
ELL = bytes32(2**256 - 189)
FAULTS: dict[str, tuple[Callable[..., Any], tuple[object, ...]]] = {
    "no modulus": (_escapement.Modulus, (b"",)),
    "modulus 0": (_escapement.Modulus, (b"\0",)),
    "modulus 1": (_escapement.Modulus, (b"\1",)),
    "modulus 2": (_escapement.Modulus, (b"\2",)),
    "even modulus": (_escapement.Modulus, (shortest(N + 1),)),
    "zero in front": (_escapement.Modulus, (b"\0" + shortest(N),)),
    "257 bytes": (_escapement.Modulus, (shortest(2**2048 + 1),)),
    "a megabyte": (_escapement.Modulus, (b"\xff" * (1 << 20),)),
    "no kernel": (_escapement.Modulus, (shortest(N), "")),
    "another kernel": (_escapement.Modulus, (shortest(N), "avx2")),
    "upper case": (_escapement.Modulus, (shortest(N), "Portable")),
    "element N": (MODULUS.square_times, (shortest(N), 1)),
    "element above N": (MODULUS.square_times, (b"\xff" * 256, 1)),
    "short element": (MODULUS.square_times, (ONE[1:], 1)),
    "long element": (MODULUS.square_times, (b"\0" + ONE, 1)),
    "no element": (MODULUS.square_times, (b"", 0)),
    "left factor": (MODULUS.multiply, (shortest(N), ONE)),
    "right factor": (MODULUS.multiply, (ONE, ONE[:-1])),
    "a base that is none": (MODULUS.power, ([ONE, shortest(N)], [b"\1", b"\1"], 1)),
    "more bases": (MODULUS.power, ([ONE, ONE], [b"\1"], 1)),
    "more exponents": (MODULUS.power, ([ONE], [b"\1", b"\1"], 1)),
    "exponent of 65 bytes": (MODULUS.power, ([ONE], [bytes(65)], 1)),
    "too many bases": (MODULUS.power, ([ONE] * (2**17 + 1), [b""] * (2**17 + 1), 1)),
    "chain from N": (_escapement.Squarings, (MODULUS, shortest(N), 1, 1)),
    "interval 0": (_escapement.Squarings, (MODULUS, ONE, 0, 1)),
    "too many stored": (_escapement.Squarings, (MODULUS, ONE, 1, 2**20 + 1)),
    "restored with too few": (_escapement.Squarings.restore, (MODULUS, 20, ONE, ONE, 10, 5)),
    "restored with too many": (_escapement.Squarings.restore, (MODULUS, 20, ONE, ONE * 3, 10, 5)),
    "restored with half": (_escapement.Squarings.restore, (MODULUS, 20, ONE, ONE + ONE[:128], 10, 5)),
    "restored with N": (_escapement.Squarings.restore, (MODULUS, 20, ONE, ONE + shortest(N), 10, 5)),
    "restored at N": (_escapement.Squarings.restore, (MODULUS, 20, shortest(N), ONE * 2, 10, 5)),
    "restored at the end of time": (
        _escapement.Squarings.restore,
        (MODULUS, 2**64 - 1, ONE, b"", 1, 2**20),
    ),
    "half an element stored": (_escapement.Stored.decode, (MODULUS, ONE[:-1])),
    "N stored": (_escapement.Stored.decode, (MODULUS, ONE + shortest(N))),
    "ell of 31 bytes": (STORED.digit_product, (ELL[1:], bytes(32), bytes(32), 4, 3)),
    "ell of 33 bytes": (STORED.digit_product, (b"\0" + ELL, bytes(32), bytes(32), 4, 3)),
    "even ell": (STORED.digit_product, (bytes32(2**256 - 190), bytes(32), bytes(32), 4, 3)),
    "ell 0": (STORED.digit_product, (bytes(32), bytes(32), bytes(32), 4, 3)),
    "ell 1": (STORED.digit_product, (bytes32(1), bytes(32), bytes(32), 4, 3)),
    "remainder ell": (STORED.digit_product, (ELL, ELL, bytes(32), 4, 3)),
    "step ell": (STORED.digit_product, (ELL, bytes(32), ELL, 4, 3)),
    "17 bits": (STORED.digit_product, (ELL, bytes(32), bytes(32), 17, 3)),
    "2^31 bits": (STORED.digit_product, (ELL, bytes(32), bytes(32), 2**31, 3)),
    "one more than stored": (STORED.digit_product, (ELL, bytes(32), bytes(32), 4, 4)),
    "many more": (STORED.digit_product, (ELL, bytes(32), bytes(32), 4, 2**63)),
    "transcript of 31 bytes": (_escapement.hash_to_prime, (bytes(31),)),
    "transcript of 33 bytes": (_escapement.hash_to_prime, (bytes(33),)),
    "no transcript": (_escapement.hash_to_prime, (b"",)),
    "a short one of many": (_escapement.hash_to_primes, ([bytes(32), bytes(31)],)),
    "number of 31 bytes": (_escapement.is_prime, (bytes(31),)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_arguments_out_of_range_are_malformed(name: str) -> None:
    call, arguments = FAULTS[name]
    refused(call, *arguments)


def test_chains_do_not_go_back() -> None:
    run = _escapement.Squarings(MODULUS, ONE, 1, 1)
    run.advance(5)
    refused(run.advance, 4)
    refused(run.stored_bytes, 2)
    run.advance(5)
    assert run.position == 5


# What somebody might pass; large numbers only beyond 64 bits, as 2^60 squarings would be computed.
NUMBERS = st.integers(-5, 300) | st.integers(2**64, 2**70) | st.integers(-(2**70), -1)
BYTES = (
    st.binary(max_size=40)
    | st.binary(min_size=32, max_size=32)
    | st.binary(min_size=256, max_size=256)
    | st.sampled_from([ONE, ELL, shortest(N)])
)
OBJECTS = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | NUMBERS
    | BYTES
    | st.lists(BYTES, max_size=3)
)
RUN = _escapement.Squarings(MODULUS, ONE, 3, 4)
CALLS: dict[str, tuple[Callable[..., Any], list[st.SearchStrategy[Any]]]] = {
    "Modulus": (_escapement.Modulus, [BYTES, st.none() | st.sampled_from(KERNELS)]),
    "square_times": (MODULUS.square_times, [BYTES, NUMBERS]),
    "multiply": (MODULUS.multiply, [BYTES, BYTES]),
    "power": (MODULUS.power, [st.lists(BYTES, max_size=4), st.lists(BYTES, max_size=4), NUMBERS]),
    "Squarings": (_escapement.Squarings, [st.just(MODULUS), BYTES, NUMBERS, NUMBERS]),
    "restore": (
        _escapement.Squarings.restore,
        [st.just(MODULUS), NUMBERS | st.integers(0, 2**64 - 1), BYTES, BYTES, NUMBERS, NUMBERS],
    ),
    "advance": (RUN.advance, [NUMBERS]),
    "stored_bytes": (RUN.stored_bytes, [NUMBERS | st.integers(0, 2**64 - 1)]),
    "decode": (_escapement.Stored.decode, [st.just(MODULUS), BYTES]),
    "digit_product": (STORED.digit_product, [BYTES, BYTES, BYTES, NUMBERS, NUMBERS]),
    "hash_to_prime": (_escapement.hash_to_prime, [BYTES]),
    "hash_to_primes": (_escapement.hash_to_primes, [st.lists(BYTES, max_size=4)]),
    "is_prime": (_escapement.is_prime, [BYTES]),
}


@pytest.mark.parametrize("name", CALLS)
@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_nothing_panics(name: str, data: st.DataObject) -> None:
    """A panic would arrive as an exception that is none of these."""
    call, strategies = CALLS[name]
    arguments = [data.draw(strategy) for strategy in strategies]
    for index in data.draw(st.sets(st.integers(0, len(arguments) - 1), max_size=2)):
        arguments[index] = data.draw(OBJECTS)
    if data.draw(st.integers(0, 9)) == 0:
        arguments = arguments[:-1]
    try:
        call(*arguments)
    except _escapement.NativeError as error:
        assert error.args[0] == "malformed"
    except (TypeError, OverflowError):
        pass


def test_small_primes_are_exact() -> None:
    """Also far below any challenge, and around the small factors that are tried."""
    near = [2**22, 4093 * 4093, 3999 * 4001, 65521 * 65537]
    for number in [*range(10_000), *(n + i for n in near for i in range(-40, 41))]:
        assert _escapement.is_prime(bytes32(number)) == is_prime(number), number
