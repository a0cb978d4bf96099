"""Evaluation, layouts, proofs and the group's own calls against plain powers; impossible arguments."""

import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import _escapement
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from tests.vdf import plain
from vdf.errors import Interrupted, Rejected, UsageError, VdfError
from vdf.record import discard
from vdf.rsa import RsaGroup, layout
from vdf.rsa.elements import RSA2048, Elements, hash_to_element
from vdf.rsa.evaluation import FIRST_SLICE, Evaluation, evaluate
from vdf.rsa.kept import check, keep
from vdf.rsa.layout import Layout, choose_layout, layout_of, stride
from vdf.rsa.power import quotient_power
from vdf.rsa.wesolowski import challenge, prove, verify

N = RSA2048.modulus
GROUP = vdf.group("rsa-2048")
X = hash_to_element(RSA2048, bytes(32))
QUICK = Elements((2**127 - 1) * (2**89 - 1))  # proofs over it are worthless: everybody knows its factors


def power(elements: Elements, x: bytes, exponent: int) -> bytes:
    return plain.power(x, exponent, elements.modulus)


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=32, max_size=32), st.integers(min_value=1, max_value=3000))
def test_small_delays_equal_plain_powers(context: bytes, squarings: int) -> None:
    modulus = QUICK.modulus
    x = hash_to_element(QUICK, context)
    assert x == plain.hash_to_element(context, modulus)
    done = evaluate(QUICK, x, squarings)
    assert done.y == plain.evaluate(x, squarings, modulus)
    pi = prove(QUICK, done)
    assert pi == plain.prove(x, done.y, squarings, modulus)
    verify(QUICK, x, done.y, pi, squarings)
    assert plain.verify(x, done.y, pi, squarings, modulus)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 16), st.integers(1, 400), st.integers(1, 3000))
def test_every_layout_gives_the_same_proof(kappa: int, interval: int, squarings: int) -> None:
    """Also intervals that are no multiple of the digits, and longer than the delay."""
    chosen = Layout(interval, max(0, -(-(squarings - 255) // interval)), kappa)
    x = hash_to_element(QUICK, bytes(32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda _: chosen)
        done = evaluate(QUICK, x, squarings)
    stored = done.stored.encode()
    expected = [power(QUICK, x, 1 << interval * j) for j in range(chosen.count)]
    size = QUICK.element_bytes
    assert [
        QUICK.encode(int.from_bytes(stored[i : i + size])) for i in range(0, len(stored), size)
    ] == expected
    assert prove(QUICK, done) == power(QUICK, x, (1 << squarings) // challenge(QUICK, x, done.y, squarings))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(1, 12))
def test_thinned_elements_give_the_same_proof(squarings: int, most: int) -> None:
    """Every stride-th stored element, with a layout of its own: what is kept of every delay of a run."""
    x = hash_to_element(QUICK, bytes(32))
    done = evaluate(QUICK, x, squarings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "MOST_KEPT", most)
        kept, step = keep(QUICK, done), stride(done.layout)
    chosen, size = check(QUICK, x, squarings, kept), QUICK.element_bytes
    assert chosen == layout_of(squarings, step * done.layout.interval)
    assert kept[:8] == chosen.interval.to_bytes(8, "big")
    assert len(kept) - 8 == chosen.count * size <= most * size
    elements = [kept[at : at + size] for at in range(8, len(kept), size)]
    assert elements == [power(QUICK, x, 1 << chosen.interval * j) for j in range(chosen.count)]
    ell = challenge(QUICK, x, done.y, squarings)
    stored = _escapement.Stored.decode(QUICK.native, kept[8:])
    assert quotient_power(QUICK, stored, chosen, squarings, ell) == prove(QUICK, done)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(0, 3100))
def test_layouts_by_their_interval(squarings: int, interval: int) -> None:
    chosen = layout_of(squarings, interval)
    assert (chosen.interval, chosen.count) == (
        max(1, interval),
        max(0, -(-(squarings - 255) // max(1, interval))),
    )
    assert 1 <= chosen.kappa <= layout.MOST_KAPPA
    assert layout_of(squarings, choose_layout(squarings).interval).count == choose_layout(squarings).count


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_every_changed_bit_of_what_is_kept_is_found(data: st.DataObject) -> None:
    """Also of the interval; whatever its length."""
    x, squarings = hash_to_element(QUICK, bytes(32)), 2000
    kept = bytearray(keep(QUICK, evaluate(QUICK, x, squarings)))
    check(QUICK, x, squarings, bytes(kept))
    at = data.draw(st.integers(0, len(kept) - 1))
    kept[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Rejected) as caught:
        check(QUICK, x, squarings, bytes(kept))
    assert caught.value.code == "delay-miscomputed"


def test_what_is_kept_belongs_to_x_and_t() -> None:
    x, other = hash_to_element(QUICK, bytes(32)), hash_to_element(QUICK, b"\1" * 32)
    kept = keep(QUICK, evaluate(QUICK, x, 2000))
    for wrong in ((other, 2000, kept), (x, 4000, kept), (x, 255, kept), (x, 2000, b""), (x, 2000, kept[:8])):
        with pytest.raises(Rejected) as caught:
            check(QUICK, *wrong)
        assert caught.value.code == "delay-miscomputed"


EDGES = [
    1,
    2,
    3,
    254,
    255,
    256,
    257,
    511,
    512,
    FIRST_SLICE - 1,
    FIRST_SLICE,
    FIRST_SLICE + 1,
    5 * FIRST_SLICE + 7,
]


@pytest.mark.parametrize("squarings", EDGES)
def test_edges(squarings: int) -> None:
    done = GROUP.delay(X, squarings)
    assert done.y == plain.evaluate(X, squarings)
    assert done.pi == plain.prove(X, done.y, squarings)
    assert (done.x, done.squarings) == (X, squarings)
    GROUP.verify(X, done.y, done.pi, squarings)
    proof = GROUP.prove_run([done])
    assert proof == plain.prove_run([(X, done.y)], squarings)
    GROUP.verify_run([X], [done.y], proof, squarings)


@given(st.integers(min_value=1, max_value=1 << 50))
def test_memory_is_bounded_for_every_delay(squarings: int) -> None:
    chosen = choose_layout(squarings)
    assert 0 <= chosen.count <= layout.MOST_STORED
    assert 1 <= chosen.kappa <= layout.MOST_KAPPA
    assert chosen.count == max(0, math.ceil((squarings - 255) / chosen.interval))
    assert (chosen.count - 1) * chosen.interval < squarings
    assert sum(chosen.column(chosen.columns - 1)) == chosen.interval  # where the last digit ends
    step = stride(chosen)
    kept = layout_of(squarings, step * chosen.interval)
    assert kept.count == -(-chosen.count // step) <= layout.MOST_KEPT
    assert kept.interval == step * chosen.interval


@given(st.integers(min_value=20, max_value=50))
def test_long_proofs_cost_a_fraction_of_the_delay(bits: int) -> None:
    """In multiplications, by the formula of vdf.rsa.layout: under 14 % of T squarings, a wall clock apart."""
    squarings = 1 << bits
    chosen = choose_layout(squarings)
    multiplications = -(-squarings // chosen.kappa) + (chosen.columns << (chosen.kappa + 1))
    assert multiplications < 0.14 * squarings


BAD_SQUARINGS = [0, -1, (1 << 50) + 1, 1 << 64, 1 << 5000, True, False, 1.0, 1000.0, math.inf, math.nan]
BAD_TYPES = ["1000", None, b"1", [1]]


@pytest.mark.parametrize("squarings", BAD_SQUARINGS + BAD_TYPES, ids=lambda value: f"{value!r:.20}")
@pytest.mark.parametrize("call", [
    lambda squarings: GROUP.input(bytes(32), squarings),
    lambda squarings: GROUP.delay(X, squarings),
    lambda squarings: GROUP.verify(X, X, X, squarings),
    lambda squarings: GROUP.verify_run([X], [X], X, squarings),
], ids=["input", "delay", "verify", "verify_run"])  # fmt: skip
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
    for call in (lambda: evaluate(RSA2048, x, 10), lambda: GROUP.delay(x, 10)):
        with pytest.raises(VdfError) as caught:
            call()
        assert caught.value.code == code


def test_progress_starts_where_it_is_and_ends_at_the_end() -> None:
    seen: list[tuple[int, int]] = []
    evaluate(QUICK, hash_to_element(QUICK, bytes(32)), 100_000, progress=lambda *at: seen.append(at))
    assert seen[0] == (0, 100_000)
    assert seen[-1] == (100_000, 100_000)
    assert seen == sorted(set(seen))


def test_proofs_stop() -> None:
    done = evaluate(QUICK, hash_to_element(QUICK, bytes(32)), 100_000)
    with pytest.raises(Interrupted) as caught:
        prove(QUICK, done, stop=lambda: True)
    assert (caught.value.code, caught.value.exit_code) == ("delay-interrupted", 130)
    looks: list[None] = []
    prove(QUICK, done, stop=lambda: bool(looks.append(None)))
    assert len(looks) == done.layout.columns - 1  # none after the last


def test_the_output_is_handed_over_before_it_is_proven() -> None:
    """Once; a call that stops in the proof has handed it over, and so does the one that goes on."""
    x, outputs = hash_to_element(QUICK, bytes(32)), []
    group = RsaGroup("quick", QUICK)
    with pytest.raises(Interrupted):
        group.delay(x, 100_000, on_output=outputs.append, stop=lambda: bool(outputs))
    done = group.delay(x, 100_000, on_output=outputs.append)
    assert outputs == [done.y, done.y]


@pytest.mark.parametrize("spoil", ["y", "first", "middle"])
def test_a_miscomputed_delay_gives_no_proof(spoil: str) -> None:
    done = evaluate(RSA2048, X, 5000)
    stored = bytearray(done.stored.encode())
    stored[255 if spoil == "first" else len(stored) // 512 * 256 - 1] ^= spoil != "y"
    y = power(RSA2048, done.y, 2) if spoil == "y" else done.y
    spoilt = _escapement.Stored.decode(RSA2048.native, bytes(stored))
    with pytest.raises(Rejected) as caught:
        prove(RSA2048, Evaluation(X, y, 5000, done.layout, spoilt))
    assert caught.value.code == "delay-miscomputed"


def test_a_miscomputed_delay_leaves_no_state_to_meet_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are kept aside, and the same call computes the delay anew."""
    path = tmp_path / "delay.state"
    evaluate(RSA2048, X, 5000, state=path)

    def miscompute(*arguments: object, **named: object) -> bytes:
        (tmp_path / "delay.state.proof").write_bytes(b"columns")
        return X

    with monkeypatch.context() as patch:
        patch.setattr("vdf.rsa.wesolowski.quotient_power", miscompute)
        with pytest.raises(Rejected) as caught:
            GROUP.delay(X, 5000, state=path)
    assert caught.value.code == "delay-miscomputed"
    names = ["delay.state.1.damaged", "delay.state.damaged", "delay.state.proof.damaged"]
    assert sorted(os.listdir(tmp_path)) == names
    seen: list[int] = []
    GROUP.delay(X, 5000, state=path, progress=lambda done, _: seen.append(done))
    assert seen[0] == 0


def test_a_finished_delay_keeps_its_state_until_it_is_discarded(tmp_path: Path) -> None:
    path = tmp_path / "delay.state"
    done = GROUP.delay(X, 5000, state=path)
    assert sorted(os.listdir(tmp_path)) == ["delay.state", "delay.state.1"]
    assert GROUP.delay(X, 5000, state=path) == done == GROUP.delay(X, 5000)
    discard(path)
    assert not os.listdir(tmp_path)


def test_calibration_counts_squarings() -> None:
    assert 0 < RsaGroup("quick", QUICK).calibrate(0.01) < math.inf
    assert 0 < GROUP.calibrate(0.01) < math.inf


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, True, "1", None], ids=repr)
def test_calibration_refuses_no_time(seconds: object) -> None:
    with pytest.raises(UsageError) as caught:
        GROUP.calibrate(seconds)  # type: ignore[arg-type]
    assert caught.value.code == "delay-seconds"


def test_delays_can_be_pickled() -> None:
    done = GROUP.delay(X, 300)
    assert pickle.loads(pickle.dumps(done)) == done
