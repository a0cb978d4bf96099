"""vdf.evaluate, layouts, prove and verify against plain powers; degenerate and impossible arguments."""

import math
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from vdf import layout as layouts
from vdf.errors import Interrupted, Rejected, UsageError, VdfError
from vdf.evaluation import SLICE, Evaluation
from vdf.layout import Layout, choose_layout
from vdf.rsa import RSA2048, Group
from vdf.wesolowski import challenge

N = RSA2048.modulus
X = vdf.hash_to_group(RSA2048, bytes(32))
QUICK = Group("test", (2**127 - 1) * (2**89 - 1))  # proofs over it are worthless: everybody knows its factors


def power(group: Group, x: bytes, exponent: int) -> bytes:
    return group.encode(pow(int.from_bytes(x, "big"), exponent, group.modulus))


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=32, max_size=32), st.integers(min_value=1, max_value=3000))
def test_small_delays_equal_plain_powers(context: bytes, squarings: int) -> None:
    x = vdf.hash_to_group(QUICK, context)
    done = vdf.evaluate(QUICK, x, squarings)
    assert done.y == power(QUICK, x, 1 << squarings)
    pi = vdf.prove(QUICK, done)
    assert pi == power(QUICK, x, (1 << squarings) // challenge(QUICK, x, done.y, squarings))
    vdf.verify(QUICK, x, done.y, pi, squarings)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 3000))
def test_every_layout_gives_the_same_proof(kappa: int, gamma: int, squarings: int) -> None:
    digits = squarings // kappa
    layout = Layout(kappa, gamma, -(-digits // gamma))
    x = vdf.hash_to_group(QUICK, bytes(32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vdf.evaluation.choose_layout", lambda _: layout)
        patch.setattr("vdf.wesolowski.choose_layout", lambda _: layout)
        done = vdf.evaluate(QUICK, x, squarings)
        pi = vdf.prove(QUICK, done)
    assert len(done.stored) == layout.count * QUICK.element_bytes
    assert pi == power(QUICK, x, (1 << squarings) // challenge(QUICK, x, done.y, squarings))


@pytest.mark.parametrize(
    "squarings", [1, 2, 3, 254, 255, 256, 257, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 7]
)
def test_edges(squarings: int) -> None:
    done = vdf.evaluate(RSA2048, X, squarings)
    assert done.y == power(RSA2048, X, 1 << squarings)
    vdf.verify(RSA2048, X, done.y, vdf.prove(RSA2048, done), squarings)


@given(st.integers(min_value=1, max_value=1 << 50))
def test_memory_is_bounded_for_every_delay(squarings: int) -> None:
    layout = choose_layout(squarings)
    assert 1 <= layout.count <= layouts.MOST_STORED
    assert 1 <= layout.kappa <= layouts.MOST_KAPPA
    digits = squarings // layout.kappa
    assert layout.count == math.ceil(digits / layout.gamma)
    assert (layout.count - 1) * layout.interval < squarings


@given(st.integers(min_value=20, max_value=50))
def test_long_proofs_cost_a_fraction_of_the_delay(bits: int) -> None:
    """In multiplications, by the formula of vdf.layout: under 13 % of T squarings, a wall clock apart."""
    squarings = 1 << bits
    layout = choose_layout(squarings)
    multiplications = squarings // layout.kappa + (layout.gamma << (layout.kappa + 1))
    assert multiplications < 0.14 * squarings


BAD_SQUARINGS = [0, -1, (1 << 50) + 1, 1 << 64, 1 << 5000, True, False, 1.0, 1000.0, math.inf, math.nan]
BAD_TYPES = ["1000", None, b"1", [1]]


@pytest.mark.parametrize("squarings", BAD_SQUARINGS + BAD_TYPES, ids=lambda value: f"{value!r:.20}")
@pytest.mark.parametrize("call", [
    lambda squarings: vdf.evaluate(RSA2048, X, squarings),
    lambda squarings: vdf.verify(RSA2048, X, X, X, squarings),
], ids=["evaluate", "verify"])  # fmt: skip
def test_impossible_delays(call: Callable[[object], None], squarings: object) -> None:
    with pytest.raises(UsageError) as caught:
        call(squarings)
    assert (caught.value.code, caught.value.exit_code) == ("delay-squarings", 2)
    assert type(squarings).__name__ in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("x", "code"), [
    (X[1:], "delay-x-length"),
    (X + b"\0", "delay-x-length"),
    (bytes(256), "delay-x-range"),
    ((1).to_bytes(256, "big"), "delay-x-range"),
    ((N - 1).to_bytes(256, "big"), "delay-x-range"),
    ((N - int.from_bytes(X, "big")).to_bytes(256, "big"), "delay-x-range"),
    (None, "delay-type"),
])  # fmt: skip
def test_inputs_that_are_no_element(x: bytes, code: str) -> None:
    with pytest.raises(VdfError) as caught:
        vdf.evaluate(RSA2048, x, 10)
    assert caught.value.code == code


def test_progress_starts_where_it_is_and_ends_at_the_end() -> None:
    seen: list[tuple[int, int]] = []
    vdf.evaluate(QUICK, vdf.hash_to_group(QUICK, bytes(32)), 100_000, progress=lambda *at: seen.append(at))
    assert seen[0] == (0, 100_000)
    assert seen[-1] == (100_000, 100_000)
    assert seen == sorted(set(seen))


def test_proofs_report_and_stop() -> None:
    done = vdf.evaluate(QUICK, vdf.hash_to_group(QUICK, bytes(32)), 100_000)
    seen: list[tuple[int, int]] = []
    vdf.prove(QUICK, done, progress=lambda *at: seen.append(at))
    total = 100_000 // choose_layout(100_000).kappa
    assert seen[-1] == (total, total)
    assert seen == sorted(set(seen))
    with pytest.raises(Interrupted) as caught:
        vdf.prove(QUICK, done, stop=lambda: True)
    assert (caught.value.code, caught.value.exit_code) == ("delay-interrupted", 130)


@pytest.mark.parametrize("spoil", ["y", "first", "middle"])
def test_a_miscomputed_delay_gives_no_proof(spoil: str) -> None:
    done = vdf.evaluate(RSA2048, X, 5000)
    stored = bytearray(done.stored)
    stored[255 if spoil == "first" else len(stored) // 512 * 256 - 1] ^= spoil != "y"
    y = power(RSA2048, done.y, 2) if spoil == "y" else done.y
    with pytest.raises(Rejected) as caught:
        vdf.prove(RSA2048, Evaluation(X, y, 5000, bytes(stored)))
    assert caught.value.code == "delay-miscomputed"


def test_calibration_counts_squarings_and_refuses_no_time() -> None:
    assert 0 < vdf.calibrate(QUICK, 0.01) < math.inf
    for seconds in (0, -1, math.inf, math.nan, True, "1", None):
        with pytest.raises(UsageError) as caught:
            vdf.calibrate(RSA2048, seconds)  # type: ignore[arg-type]
        assert caught.value.code == "delay-seconds"


def test_results_and_errors_can_be_pickled() -> None:
    done = vdf.evaluate(RSA2048, X, 300)
    assert pickle.loads(pickle.dumps((RSA2048, done))) == (RSA2048, done)
    error = pickle.loads(pickle.dumps(Rejected("delay-false", "why")))
    assert (type(error), error.code, str(error), error.exit_code) == (Rejected, "delay-false", "why", 1)
