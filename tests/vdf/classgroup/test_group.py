"""vdf.classgroup as a group: delays, proofs, runs, degenerate and impossible arguments."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vdf.classgroup import plain
from vdf import groups
from vdf.classgroup import CLASS_1024, ClassGroup, chain
from vdf.classgroup.discriminant import setting
from vdf.classgroup.forms import IDENTITY, decode, encode
from vdf.delayfile import DelayFile
from vdf.delayfile import load as load_file
from vdf.delayfile import save as save_file
from vdf.errors import Malformed, Rejected, UsageError
from vdf.group import Delay

pytest.importorskip("chiavdf")

GROUP, T = ClassGroup("class-1024", sub_squarings=300), 1000  # four sub-delays, the last one of 100
X = GROUP.input(bytes(32), T)


@pytest.fixture(scope="module")
def honest() -> Delay:
    return GROUP.delay(X, T)


def test_an_honest_delay(honest: Delay) -> None:
    GROUP.verify(X, honest.y, honest.pi, T)
    place = setting(X, T)
    expected = plain.power(decode(place.discriminant, place.base), 1 << T, place.discriminant)
    assert honest.y == encode(*expected)
    assert (len(honest.y), len(honest.pi)) == (GROUP.output_bytes, GROUP.proof_bytes(T)) == (100, 700)
    assert (honest.x, honest.squarings, honest.kept) == (X, T, b"")


def test_the_output_does_not_depend_on_the_chain(honest: Delay) -> None:
    whole = CLASS_1024.delay(X, T)
    assert whole.y == honest.y and len(whole.pi) == 100
    CLASS_1024.verify(X, whole.y, whole.pi, T)


@pytest.mark.parametrize("squarings", [1, 2, 3, 262, 263, 264, 299, 300, 301, 600, 601])
def test_edges(squarings: int) -> None:
    done = GROUP.delay(X, squarings)
    GROUP.verify(X, done.y, done.pi, squarings)
    assert len(done.pi) == GROUP.proof_bytes(squarings) == 200 * -(-squarings // 300) - 100
    assert (done.pi[-100:] == IDENTITY) == (squarings % 300 in range(1, 264))


@pytest.mark.parametrize(
    ("squarings", "count", "sub"),
    [
        (1, 1, 1),
        (1 << 20, 1, 1 << 20),
        ((1 << 20) + 1, 2, 1 << 20),
        (1 << 28, 256, 1 << 20),
        ((1 << 28) + 1, 256, (1 << 20) + 1),
        (1 << 36, 256, 1 << 28),
        ((1 << 36) + 1, 257, 1 << 28),
        (1 << 40, 4096, 1 << 28),
    ],
)
def test_chains_of_every_delay(squarings: int, count: int, sub: int) -> None:
    parts = chain.lengths(squarings)
    assert (len(parts), parts[0], sum(parts)) == (count, sub, squarings)
    assert all(part == sub for part in parts[:-1]) and 1 <= parts[-1] <= sub
    assert CLASS_1024.proof_bytes(squarings) == 200 * count - 100
    assert CLASS_1024.run_proof_bytes(squarings, 7) == 7 * (200 * count - 100)


def test_split_and_join() -> None:
    forms = [bytes([number]) * 100 for number in range(1, 8)]
    steps = chain.split(b"x" * 100, forms[-1], b"".join(forms[:-2]), [3, 3, 1])
    assert [step.squarings for step in steps] == [3, 3, 1]
    assert [step.x[0] for step in steps] == [ord("x"), 1, 3]
    assert chain.join(steps) == (forms[-1], b"".join(forms[:-2]))


def test_runs(honest: Delay) -> None:
    delays = [honest, GROUP.delay(GROUP.input(b"\1" * 32, T), T), honest]
    GROUP.verify_each(delays)
    proof = GROUP.prove_run(delays)
    assert len(proof) == GROUP.run_proof_bytes(T, 3)
    xs, ys = [delay.x for delay in delays], [delay.y for delay in delays]
    GROUP.verify_run(xs, ys, proof, T)
    with pytest.raises(Rejected, match="delay 1: sub-delay 0 of 4") as caught:
        GROUP.verify_run(xs, ys, proof[:800] + proof[1000:1100] + proof[900:], T)
    assert caught.value.code == "delay-false"
    with pytest.raises(Malformed) as length:
        GROUP.verify_run(xs, ys, proof[:-1], T)
    assert length.value.code == "delay-pi-length"


BATCHES: dict[str, Callable[[Delay], object]] = {
    "verify nothing": lambda _: GROUP.verify_each([]),
    "prove nothing": lambda _: GROUP.prove_run([]),
    "verify an empty run": lambda _: GROUP.verify_run([], [], b"", T),
    "less y than x": lambda d: GROUP.verify_run([d.x, d.x], [d.y], d.pi + d.pi, T),
    "verify unequal T": lambda d: GROUP.verify_each([d, Delay(d.x, d.y, d.pi, T + 1)]),
    "prove unequal T": lambda d: GROUP.prove_run([d, Delay(d.x, d.y, d.pi, T + 1)]),
}


@pytest.mark.parametrize("how", BATCHES)
def test_impossible_batches(honest: Delay, how: str) -> None:
    with pytest.raises(UsageError) as caught:
        BATCHES[how](honest)
    assert caught.value.code == "delay-batch"


@pytest.mark.parametrize("squarings", [0, -1, (1 << 50) + 1, True, 1.0, "1000", None])
@pytest.mark.parametrize("call", ["delay", "verify", "proof_bytes", "input", "run_proof_bytes", "verify_run"])
def test_impossible_squarings(call: str, squarings: object) -> None:
    calls: dict[str, Callable[..., object]] = {
        "delay": lambda t: GROUP.delay(X, t),
        "verify": lambda t: GROUP.verify(b"", b"", b"", t),
        "proof_bytes": GROUP.proof_bytes,
        "input": lambda t: GROUP.input(bytes(32), t),
        "run_proof_bytes": lambda t: GROUP.run_proof_bytes(t, 1),
        "verify_run": lambda t: GROUP.verify_run([b""], [b""], b"", t),
    }
    with pytest.raises(UsageError) as caught:
        calls[call](squarings)
    assert caught.value.code == "delay-squarings"


@pytest.mark.parametrize("squarings", [(1 << 40) + 1, 1 << 50, 1 << 64, 10**5000], ids=["1", "2", "3", "4"])
def test_longer_delays_than_the_groups(squarings: int) -> None:
    """2^40, not the 2^50 of other groups: a delay has 4096 sub-delays at most."""
    delay = Delay(X, b"", b"", squarings)
    calls: list[Callable[[], object]] = [
        lambda: CLASS_1024.input(bytes(32), squarings),
        lambda: CLASS_1024.proof_bytes(squarings),
        lambda: CLASS_1024.run_proof_bytes(squarings, 1),
        lambda: CLASS_1024.delay(X, squarings),
        lambda: CLASS_1024.verify(X, b"", b"", squarings),
        lambda: CLASS_1024.verify_run([X], [b""], b"", squarings),
        lambda: CLASS_1024.prove_run([delay]),
        lambda: CLASS_1024.verify_each([delay]),
    ]
    for call in calls if squarings <= 1 << 50 else calls[:-2]:
        with pytest.raises(UsageError, match=r"1\.\.2\^(40|50)") as caught:
            call()
        assert (caught.value.code, caught.value.exit_code) == ("delay-squarings", 2)


def test_contexts_and_types(honest: Delay) -> None:
    for context in (b"", bytes(31), bytes(33), "0" * 32, None):
        with pytest.raises(UsageError) as caught:
            GROUP.input(context, T)  # type: ignore[arg-type]
        assert caught.value.code == "delay-context"
    x, y, pi = X, honest.y, honest.pi
    for arguments in ((None, y, pi, T), (x, y.hex(), pi, T), (x, y, bytearray(700), T)):
        with pytest.raises(UsageError) as caught:
            GROUP.verify(*arguments)
        assert caught.value.code == "delay-type"
    with pytest.raises(Malformed) as malformed:
        GROUP.delay(bytes(31), T)
    assert malformed.value.code == "delay-x-length"


def test_progress_and_output() -> None:
    seen: list[tuple[int, int]] = []
    outputs: list[bytes] = []
    group = ClassGroup("class-1024", sub_squarings=20_000)
    done = group.delay(X, 50_000, progress=lambda *at: seen.append(at), on_output=outputs.append)
    assert outputs == [done.y]
    assert seen[0][0] < 20_000 and seen[-1] == (50_000, 50_000)
    assert seen == sorted(seen) and {total for _, total in seen} == {50_000}
    assert {at // 20_000 for at, _ in seen} == {0, 1, 2}


def test_results_and_errors_can_be_pickled(honest: Delay) -> None:
    assert pickle.loads(pickle.dumps((GROUP, honest))) == (GROUP, honest)


def test_delay_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(groups._BY_NAME, "class-1024", CLASS_1024)
    done = CLASS_1024.delay(X, T)
    content = DelayFile("class-1024", bytes(32), done, 1.5)
    save_file(tmp_path / "delay.json", content)
    assert load_file(tmp_path / "delay.json", kept=True) == content


def test_calibration_counts_squarings() -> None:
    assert 1_000 < CLASS_1024.calibrate(0.2) < 10_000_000
