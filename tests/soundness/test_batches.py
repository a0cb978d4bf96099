"""Attacks on many delays at once: on the check of their own proofs in one equation, and on their one proof.

As in test_delay_attacks.py: where one rule is what refuses an attack, the attack succeeds against a verifier
without that rule. Those verifiers are tests/vdf/plain.py's equations, with other coefficients or another ℓ.
"""

import dataclasses
import hashlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import _escapement
import pytest
from gmpy2 import is_prime, next_prime
from hypothesis import given, settings
from hypothesis import strategies as st

import vdf
from tests.vdf import plain
from vdf import Delay
from vdf.errors import Malformed, Rejected, UsageError, VdfError
from vdf.rsa import RsaGroup, batch
from vdf.rsa.elements import RSA2048, Elements, hash_to_element
from vdf.rsa.evaluation import Evaluation
from vdf.rsa.kept import keep
from vdf.rsa.layout import Layout, layout_of
from vdf.rsa.power import COEFFICIENT_BITS

N = RSA2048.modulus
T = 300
FAR = 1 << 40  # what nobody here waits for
GROUP = vdf.group("rsa-2048")
QUICK = RsaGroup("quick", Elements((2**127 - 1) * (2**89 - 1)))


def delay(context: bytes, squarings: int = T, group: RsaGroup = GROUP) -> Delay:
    return group.delay(group.input(context, squarings), squarings)


DELAYS = [delay(bytes([index]) * 32) for index in range(8)]
XS, YS, PIS = ([getattr(done, name) for done in DELAYS] for name in ("x", "y", "pi"))
OTHER = delay(b"\xff" * 32)
PROOF = GROUP.prove_run(DELAYS)


def element(value: int) -> bytes:
    return value.to_bytes(256, "big")


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def power(base: bytes, exponent: int, modulus: int = N) -> bytes:
    return plain.power(base, exponent, modulus)


def times(*factors: bytes, modulus: int = N) -> bytes:
    return plain.product([(factor, 1) for factor in factors], modulus)


def changed(delays: Sequence[Delay], index: int, **fields: object) -> list[Delay]:
    """The delays with one of them changed."""
    made = list(delays)
    made[index] = dataclasses.replace(made[index], **fields)  # type: ignore[arg-type]
    return made


def triples(delays: Sequence[Delay]) -> list[tuple[bytes, bytes, bytes]]:
    return [(done.x, done.y, done.pi) for done in delays]


def pairs(delays: Sequence[Delay]) -> list[tuple[bytes, bytes]]:
    return [(done.x, done.y) for done in delays]


def refused(call: Callable[[], object], code: str, kind: type[VdfError], words: str = "") -> None:
    with pytest.raises(VdfError) as caught:
        call()
    assert (caught.value.code, type(caught.value)) == (code, kind)
    assert str(caught.value).startswith(words)


def each_refused(
    delays: Sequence[Delay], index: int, code: str = "delay-false", kind: type[VdfError] = Rejected
) -> None:
    """By the check of all, which names the first false one."""
    refused(lambda: GROUP.verify_each(delays), code, kind, f"delay {index}: ")


def run_refused(
    delays: Sequence[Delay], proof: bytes, code: str = "delay-false", kind: type[VdfError] = Rejected
) -> None:
    xs, ys = [done.x for done in delays], [done.y for done in delays]
    refused(lambda: GROUP.verify_run(xs, ys, proof, T), code, kind)


W = power(element(3), 98765)  # an element of large order that everybody knows


# --- many delays with their own proofs --------------------------------------------------------------------


@pytest.fixture(scope="module")
def hundred() -> list[Delay]:
    return [delay(index.to_bytes(32, "big")) for index in range(100)]


def test_true_delays_are_accepted(hundred: list[Delay]) -> None:
    GROUP.verify_each(hundred)
    GROUP.verify_each(hundred[:1])
    GROUP.verify_each([hundred[0]] * 3)
    GROUP.verify_each(hundred[::-1])
    betas = plain.coefficients(plain.batch_seed(triples(DELAYS), T), len(DELAYS))
    assert plain.batch_holds(triples(DELAYS), betas, T)


FALSE: dict[str, Callable[[Delay], dict[str, bytes]]] = {
    "y flipped": lambda d: {"y": d.y[:-1] + bytes([d.y[-1] ^ 1])},
    "π flipped": lambda d: {"pi": d.pi[:-1] + bytes([d.pi[-1] ^ 1])},
    "y = 1": lambda d: {"y": element(1)},
    "π = 1": lambda d: {"pi": element(1)},
    "y = x": lambda d: {"y": d.x},
    "y and π swapped": lambda d: {"y": d.pi, "pi": d.y},
    "another x": lambda d: {"x": OTHER.x},
    "another y": lambda d: {"y": OTHER.y},
    "another π": lambda d: {"pi": OTHER.pi},
    "another y and π": lambda d: {"y": OTHER.y, "pi": OTHER.pi},
    "y and π squared": lambda d: {"y": power(d.y, 2), "pi": power(d.pi, 2)},
    "y and π inverted": lambda d: {"y": power(d.y, -1), "pi": power(d.pi, -1)},
    "one squaring less": lambda d: {"y": power(d.x, 1 << (T - 1))},
}


@pytest.mark.parametrize("index", [0, 1, 57, 99])
@pytest.mark.parametrize("how", FALSE)
def test_one_false_delay_among_a_hundred_is_named(hundred: list[Delay], how: str, index: int) -> None:
    each_refused(changed(hundred, index, **FALSE[how](hundred[index])), index)


def test_the_first_of_several_is_named(hundred: list[Delay]) -> None:
    two = changed(changed(hundred, 70, y=element(1)), 30, pi=element(1))
    each_refused(two, 30)
    each_refused([dataclasses.replace(done, y=element(1)) for done in hundred], 0)


ALTERED = {
    "negated": (lambda v: element(N - number(v)), "range"),
    "N": (lambda v: element(N), "range"),
    "zero": (lambda v: element(0), "range"),
    "truncated": (lambda v: v[1:], "length"),
    "appended": (lambda v: v + b"\0", "length"),
    "empty": (lambda v: b"", "length"),
}


@pytest.mark.parametrize("place", ["x", "y", "pi"])
@pytest.mark.parametrize("how", ALTERED)
def test_what_is_no_element_is_named(how: str, place: str) -> None:
    change, failure = ALTERED[how]
    bad = changed(DELAYS, 5, **{place: change(getattr(DELAYS[5], place))})
    each_refused(bad, 5, f"delay-{place}-{failure}", Malformed)
    if place != "pi":
        run_refused(bad, PROOF, f"delay-{place}-{failure}", Malformed)


@pytest.mark.parametrize("place", ["x", "y", "pi"])
@pytest.mark.parametrize("value", [None, "x", 1, bytearray(256), memoryview(bytes(256))], ids=repr)
def test_what_is_no_bytes_is_named(place: str, value: object) -> None:
    bad = changed(DELAYS, 2, **{place: value})
    each_refused(bad, 2, "delay-type", UsageError)
    if place != "pi":
        run_refused(bad, PROOF, "delay-type", UsageError)
    else:
        run_refused(DELAYS, value, "delay-type", UsageError)  # type: ignore[arg-type]


def honest_quotients(delays: Sequence[Delay], ys: dict[int, bytes]) -> list[Delay]:
    """The delays with these outputs, each with π = x^⌊2^T/ℓ⌋ for the ℓ that its output gives."""
    made = list(delays)
    for index, y in ys.items():
        x = made[index].x
        made[index] = Delay(x, y, power(x, (1 << T) // plain.challenge(x, y, T)), T)
    return made


def cancelling(first: Delay, second: Delay) -> dict[str, list[Delay]]:
    """Two delays whose errors have product 1."""
    ells = [plain.challenge(done.x, done.y, T) for done in (first, second)]
    two, inverse = [first, second], power(W, -1)
    shifted = times(first.y, power(W, ells[1]))
    return {
        "outputs": honest_quotients(two, {0: times(first.y, W), 1: times(second.y, inverse)}),
        "proofs": changed(
            changed(two, 0, pi=times(first.pi, power(W, ells[1]))),
            1,
            pi=times(second.pi, power(W, -ells[0])),
        ),
        "an output and the other's proof": changed(
            honest_quotients(two, {0: shifted}), 1, pi=times(second.pi, W)
        ),
        "outputs swapped": honest_quotients(two, {0: second.y, 1: first.y}),
    }


@pytest.mark.parametrize("how", cancelling(DELAYS[0], DELAYS[1]))
@pytest.mark.parametrize("places", [(0, 1), (2, 7), (6, 7)])
def test_errors_that_cancel(how: str, places: tuple[int, int]) -> None:
    """Without coefficients the product of all equations holds."""
    first, second = places
    made = list(DELAYS)
    made[first], made[second] = cancelling(DELAYS[first], DELAYS[second])[how]
    assert plain.batch_holds(triples(made), [1] * len(made), T)
    each_refused(made, first)


def test_coefficients_known_before_the_proofs_forge() -> None:
    """β without π: choose the proofs' errors so that they cancel under β."""
    betas = plain.coefficients(plain.run_seed(pairs(DELAYS), T), len(DELAYS))
    ells = [plain.challenge(done.x, done.y, T) for done in DELAYS[:2]]
    made = changed(DELAYS, 0, pi=times(PIS[0], power(W, ells[1] * betas[1])))
    made = changed(made, 1, pi=times(PIS[1], power(W, -ells[0] * betas[0])))
    assert plain.batch_holds(triples(made), betas, T)
    each_refused(made, 0)


def test_coefficients_known_before_the_outputs_forge() -> None:
    """β without y: two false outputs, of whatever delays."""
    betas = plain.coefficients(hashlib.sha256(b"".join(XS)).digest(), len(DELAYS))
    ys = {0: times(YS[0], power(W, betas[1])), 1: times(YS[1], power(W, -betas[0]))}
    made = honest_quotients(DELAYS, ys)
    assert plain.batch_holds(triples(made), betas, T)
    each_refused(made, 0)


def test_every_part_of_a_batch_changes_its_coefficients() -> None:
    others = [
        changed(DELAYS, 3, x=W),
        changed(DELAYS, 3, y=W),
        changed(DELAYS, 3, pi=W),
        [*DELAYS[1:], DELAYS[0]],
        DELAYS[:-1],
        [*DELAYS, DELAYS[0]],
    ]
    seeds = {plain.batch_seed(triples(made), T) for made in (DELAYS, *others)}
    seeds |= {plain.batch_seed(triples(DELAYS), T + 1), plain.batch_seed(triples(DELAYS), T, N - 2)}
    assert len(seeds) == len(others) + 3


# --- calls that nobody can mean ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "squarings", [0, -T, (1 << 50) + 1, 1 << 64, True, float(T), str(T), None, [T]], ids=repr
)
def test_impossible_t(squarings: object) -> None:
    made = [dataclasses.replace(done, squarings=squarings) for done in DELAYS]  # type: ignore[arg-type]
    one = changed(DELAYS, 3, squarings=squarings)
    calls: list[Callable[[], object]] = [
        lambda: GROUP.verify_run(XS, YS, PROOF, squarings),  # type: ignore[arg-type]
        *(lambda ds=ds: GROUP.verify_each(ds) for ds in (made, one)),
        *(lambda ds=ds: GROUP.prove_run(ds) for ds in (made, one)),
    ]
    for call in calls:
        refused(call, "delay-squarings", UsageError)


@pytest.mark.parametrize("squarings", [1, T - 1, T + 1, 2 * T, FAR, 1 << 50])
def test_t_is_the_verifiers(squarings: int) -> None:
    refused(lambda: GROUP.verify_run(XS, YS, PROOF, squarings), "delay-false", Rejected)
    made = [dataclasses.replace(done, squarings=squarings) for done in DELAYS]
    refused(lambda: GROUP.verify_each(made), "delay-false", Rejected, "delay 0: ")


def test_unequal_t() -> None:
    mixed = [*DELAYS, delay(bytes(32), T + 1)]
    refused(lambda: GROUP.verify_each(mixed), "delay-batch", UsageError)
    refused(lambda: GROUP.prove_run(mixed), "delay-batch", UsageError)


def test_no_delay_and_lists_of_different_length() -> None:
    refused(lambda: GROUP.verify_each([]), "delay-batch", UsageError)
    refused(lambda: GROUP.prove_run([]), "delay-batch", UsageError)
    for xs, ys in (([], []), (XS, YS[:-1]), (XS[:-1], YS), (XS, []), ([], YS), (XS * 2, YS)):
        for proof in (PROOF, element(1)):
            refused(lambda a=xs, b=ys, p=proof: GROUP.verify_run(a, b, p, T), "delay-batch", UsageError)


# --- one proof for all ------------------------------------------------------------------------------------


def test_the_true_run_is_accepted() -> None:
    GROUP.verify_run(XS, YS, PROOF, T)
    GROUP.verify_run(tuple(XS), tuple(YS), PROOF, T)
    assert plain.prove_run(pairs(DELAYS), T) == PROOF
    assert plain.run_holds(pairs(DELAYS), PROOF, *plain.run_challenges(pairs(DELAYS), T), T)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=12), st.integers(1, 700), st.integers(1, 9))
def test_runs_are_the_plain_ones(contexts: list[int], squarings: int, most: int) -> None:
    """Of few or many, some of them twice, also where only some of the stored elements are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vdf.rsa.layout.MOST_KEPT", most)
        delays = [delay(bytes([context]) * 32, squarings, QUICK) for context in contexts]
        proof = QUICK.prove_run(delays)
    modulus, statements = QUICK.elements.modulus, pairs(delays)
    assert proof == plain.prove_run(statements, squarings, modulus)
    QUICK.verify_run([x for x, _ in statements], [y for _, y in statements], proof, squarings)
    QUICK.verify_each(delays)
    index = contexts[0] % len(contexts)
    false = changed(delays, index, y=plain.encode(number(delays[index].y) * 2, modulus))
    challenges = plain.run_challenges(pairs(false), squarings, modulus)
    assert not plain.run_holds(pairs(false), proof, *challenges, squarings, modulus)
    for call in (
        lambda: QUICK.verify_run([d.x for d in false], [d.y for d in false], proof, squarings),
        lambda: QUICK.verify_each(false),
    ):
        refused(call, "delay-false", Rejected)


@pytest.mark.parametrize("index", range(len(DELAYS)))
@pytest.mark.parametrize("how", [name for name in FALSE if "π" not in name])
def test_one_false_output(how: str, index: int) -> None:
    made = changed(DELAYS, index, **FALSE[how](DELAYS[index]))
    run_refused(made, PROOF)
    refused(lambda: GROUP.prove_run(made), "delay-miscomputed", Rejected)


PROOFS: dict[str, Callable[[], bytes]] = {
    "flipped": lambda: PROOF[:-1] + bytes([PROOF[-1] ^ 1]),
    "1": lambda: element(1),
    "inverted": lambda: power(PROOF, -1),
    "squared": lambda: power(PROOF, 2),
    "times another element": lambda: times(PROOF, W),
    "one delay's own": lambda: PIS[0],
    "the product of their own": lambda: times(*PIS),
    "of the others": lambda: GROUP.prove_run(DELAYS[1:]),
    "of one more": lambda: GROUP.prove_run([*DELAYS, DELAYS[0]]),
    "of another order": lambda: GROUP.prove_run(DELAYS[::-1]),
    "of two swapped": lambda: GROUP.prove_run([DELAYS[1], DELAYS[0], *DELAYS[2:]]),
    "of other delays": lambda: GROUP.prove_run([delay(bytes([50 + i]) * 32) for i in range(8)]),
    "of one squaring more": lambda: GROUP.prove_run([delay(bytes([i]) * 32, T + 1) for i in range(8)]),
    "an output": lambda: YS[0],
    "an input": lambda: XS[0],
}


@pytest.mark.parametrize("how", PROOFS)
def test_another_proof(how: str) -> None:
    run_refused(DELAYS, PROOFS[how]())


@pytest.mark.parametrize("how", ALTERED)
def test_proofs_have_one_form(how: str) -> None:
    change, failure = ALTERED[how]
    run_refused(DELAYS, change(PROOF), f"delay-pi-{failure}", Malformed)


def test_proofs_share_no_factor_with_n() -> None:
    toy = RsaGroup("toy", TOY)
    delays = [delay(bytes([index]) * 32, T, toy) for index in range(3)]
    xs, ys = [done.x for done in delays], [done.y for done in delays]
    proof = toy.prove_run(delays)
    toy.verify_run(xs, ys, proof, T)
    for factor in (P, Q):
        bad = TOY.encode(factor * 12345)
        refused(lambda b=bad: toy.verify_run(xs, ys, b, T), "delay-pi-unit", Rejected)
        refused(
            lambda b=bad: toy.verify_run(xs, [*ys[:2], b], proof, T), "delay-y-unit", Rejected, "delay 2: "
        )
        refused(
            lambda b=bad: toy.verify_run([b, *xs[1:]], ys, proof, T), "delay-x-unit", Rejected, "delay 0: "
        )
        each = changed(delays, 1, pi=bad)
        refused(lambda e=each: toy.verify_each(e), "delay-pi-unit", Rejected, "delay 1: ")
    both = [*ys[:1], TOY.encode(P * 3), TOY.encode(Q * 5)]  # together a multiple of N
    refused(lambda: toy.verify_run(xs, both, proof, T), "delay-y-unit", Rejected, "delay 1: ")


def test_a_proof_is_for_its_delays_in_their_order() -> None:
    """Replayed for some of them, for more, permuted in both lists or in one, or with one twice."""
    choose = random.Random(0)
    for length in range(1, len(DELAYS)):
        some = sorted(choose.sample(range(len(DELAYS)), length))
        run_refused([DELAYS[i] for i in some], PROOF)
    permuted = [DELAYS[i] for i in (1, 0, 2, 3, 4, 5, 6, 7)]
    run_refused(permuted, PROOF)
    GROUP.verify_run([d.x for d in permuted], [d.y for d in permuted], GROUP.prove_run(permuted), T)
    for xs, ys in ((XS, YS[::-1]), (XS[::-1], YS), (XS, [*YS[1:], YS[0]])):
        refused(lambda a=xs, b=ys: GROUP.verify_run(a, b, PROOF, T), "delay-false", Rejected)
    for more in ([*DELAYS, DELAYS[0]], [DELAYS[0], *DELAYS], [*DELAYS[:-1], DELAYS[0]], DELAYS * 2):
        run_refused(more, PROOF)
    twice = GROUP.prove_run([DELAYS[0]] * 2)
    GROUP.verify_run([XS[0]] * 2, [YS[0]] * 2, twice, T)
    run_refused([DELAYS[0]], twice)
    run_refused([DELAYS[0]] * 3, twice)


def test_a_single_proof_is_no_run_of_one() -> None:
    run_refused(DELAYS[:1], PIS[0])
    one = GROUP.prove_run(DELAYS[:1])
    run_refused(DELAYS[1:2], one)
    each_refused(changed(DELAYS, 0, pi=one), 0)


def test_every_part_of_a_run_changes_its_challenges() -> None:
    others = [
        changed(DELAYS, 3, x=W),
        changed(DELAYS, 3, y=W),
        [*DELAYS[1:], DELAYS[0]],
        DELAYS[:-1],
        [*DELAYS, DELAYS[0]],
    ]
    found = set()
    for made, squarings, elements in [
        *((made, T, RSA2048) for made in (DELAYS, *others)),
        (DELAYS, T + 1, RSA2048),
        (DELAYS, T, Elements(N - 2)),
    ]:
        xs, ys = [done.x for done in made], [done.y for done in made]
        alphas, ell = batch._challenges(elements, xs, ys, squarings)
        assert (alphas, ell) == plain.run_challenges(pairs(made), squarings, elements.modulus)
        assert ell.bit_length() == 256 and is_prime(ell, 50)
        assert len(set(alphas)) == len(made) and max(alphas).bit_length() > 120
        found.add((alphas[0], ell))
    assert len(found) == len(others) + 3


# --- errors that cancel -----------------------------------------------------------------------------------


def plain_run_proof(xs: Sequence[bytes], alphas: Sequence[int], ell: int) -> bytes:
    """X^⌊2^T/ℓ⌋ of the true inputs: what a trainer can compute, whatever the outputs are said to be."""
    return power(plain.product(list(zip(xs, alphas, strict=True))), (1 << T) // ell)


@pytest.mark.parametrize("how", ["times w", "swapped"])
@pytest.mark.parametrize("places", [(0, 1), (2, 7), (6, 7)])
def test_outputs_that_cancel(how: str, places: tuple[int, int]) -> None:
    """y_i·w and y_j/w: the plain product of the outputs is true, and so is its proof."""
    i, j = places
    ys = list(YS)
    ys[i], ys[j] = (times(YS[i], W), times(YS[j], power(W, -1))) if how == "times w" else (YS[j], YS[i])
    statements = list(zip(XS, ys, strict=True))
    alphas, ell = plain.run_challenges(statements, T)
    ones = [1] * len(ys)
    proof = plain_run_proof(XS, ones, ell)
    assert plain.run_holds(statements, proof, ones, ell, T)
    for tried in (proof, plain_run_proof(XS, alphas, ell), PROOF):
        refused(lambda p=tried: GROUP.verify_run(XS, ys, p, T), "delay-false", Rejected)


def test_coefficients_without_the_outputs_forge() -> None:
    """α from the inputs alone, ℓ from everything: outputs that cancel under α."""
    alphas = plain.coefficients(hashlib.sha256(b"".join(XS)).digest(), len(XS))
    ys = [times(YS[0], power(W, alphas[1])), times(YS[1], power(W, -alphas[0])), *YS[2:]]
    statements = list(zip(XS, ys, strict=True))
    _, ell = plain.run_challenges(statements, T)
    proof = plain_run_proof(XS, alphas, ell)
    assert plain.run_holds(statements, proof, alphas, ell, T)
    refused(lambda: GROUP.verify_run(XS, ys, proof, T), "delay-false", Rejected)


def test_coefficients_without_the_outputs_sell_two_delays_for_one() -> None:
    """D = (x_0^α_0·x_1^α_1)^(2^T) is one delay; with aα_0 + bα_1 = 1, D^a and D^b pass for two."""
    seeds = (hashlib.sha256(b"".join(XS[:2]) + bytes([salt])).digest() for salt in count())
    alphas = next(a for seed in seeds if math.gcd(*(a := plain.coefficients(seed, 2))) == 1)
    combined = power(plain.product(list(zip(XS[:2], alphas, strict=True))), 1 << T)
    a = pow(alphas[0], -1, alphas[1])
    b = (1 - a * alphas[0]) // alphas[1]
    ys = [power(combined, a), power(combined, b)]
    statements = list(zip(XS[:2], ys, strict=True))
    _, ell = plain.run_challenges(statements, T)
    proof = plain_run_proof(XS[:2], alphas, ell)
    assert ys != YS[:2]
    assert plain.run_holds(statements, proof, alphas, ell, T)
    refused(lambda: GROUP.verify_run(XS[:2], ys, proof, T), "delay-false", Rejected)


def test_an_output_missing_from_the_challenges_forges_both() -> None:
    """α and ℓ without y_1: y_0 is any power of x_0, π = x_0^t with α_1 | tℓ + α_0(r − s), and y_1 takes up
    what is left. No delay is computed, however long.
    """
    (x0, x1), s = XS[:2], 1234567
    y0 = power(x0, s)
    seed = plain.sha("weak", x0, x1, y0, plain.u64(FAR))
    (alpha0, alpha1), ell = plain.coefficients(seed, 2), plain.hash_to_prime(seed)
    r = pow(2, FAR, ell)
    shared = math.gcd(alpha0, alpha1)
    t = -alpha0 * (r - s) * pow(ell, -1, alpha1) % alpha1
    assert math.gcd(ell, alpha1) == 1 and shared >= 1
    y1 = times(power(x1, r), power(x0, (t * ell + alpha0 * (r - s)) // alpha1))
    proof = power(x0, t)
    assert plain.run_holds([(x0, y0), (x1, y1)], proof, [alpha0, alpha1], ell, FAR)
    refused(lambda: GROUP.verify_run([x0, x1], [y0, y1], proof, FAR), "delay-false", Rejected)


def test_challenge_known_before_the_coefficients_outputs_forges() -> None:
    """ℓ without the outputs, α from everything: choose π first, and one output to fit; a run of one delay."""
    x = XS[0]
    ell = plain.hash_to_prime(plain.sha("weak", x, plain.u64(FAR)))
    root = power(W, 77)
    y = times(power(root, ell), power(x, pow(2, FAR, ell)))
    (alpha,), _ = plain.run_challenges([(x, y)], FAR)
    proof = power(root, alpha)
    assert plain.run_holds([(x, y)], proof, [alpha], ell, FAR)
    refused(lambda: GROUP.verify_run([x], [y], proof, FAR), "delay-false", Rejected)


def test_short_coefficients_are_met_by_trying() -> None:
    """With 8 bits, w and 1/w cancel where two coefficients are equal: some 256 hashes, not 2^128."""
    for exponent in count(1):
        w = power(W, exponent)
        ys = [times(YS[0], w), times(YS[1], power(w, -1)), *YS[2:]]
        statements = list(zip(XS, ys, strict=True))
        seed = plain.run_seed(statements, T)
        short = [alpha & 255 for alpha in plain.coefficients(seed, len(ys))]
        if short[0] == short[1]:
            break
    ell = plain.hash_to_prime(seed)
    proof = plain_run_proof(XS, short, ell)
    assert plain.run_holds(statements, proof, short, ell, T)
    refused(lambda: GROUP.verify_run(XS, ys, proof, T), "delay-false", Rejected)
    assert COEFFICIENT_BITS == 128


# --- elements of low order: the limit that single proofs have as well -------------------------------------

P = next(p for p in count(2**128 + 1) if p % 3 == 1 and is_prime(p))
Q = int(next_prime(2**130))
TOY = Elements(P * Q)


def cube_root_of_one() -> int:
    """w of order 3 modulo P·Q, which takes P."""
    w = next(w for a in count(2) if (w := pow(a, (P - 1) // 3, P)) != 1)
    return (w * Q * pow(Q, -1, P) + P * pow(P, -1, Q)) % TOY.modulus


def test_an_element_of_low_order_forges_runs_and_batches() -> None:
    """Who knows w of order 3 proves y·w for y, with π·w^(α/ℓ mod 3), or w^(1/ℓ mod 3) in its own proof."""
    toy, w = RsaGroup("toy", TOY), cube_root_of_one()
    delays = [delay(bytes([index]) * 32, T, toy) for index in range(3)]
    xs = [done.x for done in delays]
    false = changed(delays, 0, y=TOY.encode(number(delays[0].y) * w))
    ys = [done.y for done in false]
    assert ys[0] != delays[0].y
    alphas, ell = plain.run_challenges(pairs(false), T, TOY.modulus)
    base = plain.product(list(zip(xs, alphas, strict=True)), TOY.modulus)
    twist = pow(w, alphas[0] * pow(ell, -1, 3), TOY.modulus)
    proof = TOY.encode(number(power(base, (1 << T) // ell, TOY.modulus)) * twist)
    toy.verify_run(xs, ys, proof, T)
    own = plain.challenge(xs[0], ys[0], T, TOY.modulus)
    single = number(plain.power(xs[0], (1 << T) // own, TOY.modulus)) * pow(w, pow(own, -1, 3), TOY.modulus)
    toy.verify(xs[0], ys[0], TOY.encode(single), T)
    toy.verify_each(changed(false, 0, pi=TOY.encode(single)))


def test_an_error_of_low_order_passes_by_chance_only_as_often_as_its_order_allows() -> None:
    """y·w with the true run's quotient passes where 3 divides α, and nowhere else."""
    toy, w = RsaGroup("toy", TOY), cube_root_of_one()
    passed = 0
    for index in range(40):
        done = delay(bytes([index]) * 32, T, toy)
        y = TOY.encode(number(done.y) * w)
        (alpha,), ell = plain.run_challenges([(done.x, y)], T, TOY.modulus)
        proof = power(done.x, alpha * ((1 << T) // ell), TOY.modulus)
        base = power(done.x, alpha, TOY.modulus)
        assert power(base, (1 << T) // ell, TOY.modulus) == proof
        if alpha % 3 == 0:
            toy.verify_run([done.x], [y], proof, T)
            passed += 1
        else:
            refused(lambda d=done, o=y, p=proof: toy.verify_run([d.x], [o], p, T), "delay-false", Rejected)
    assert 4 < passed < 25


def test_minus_one_does_not_forge() -> None:
    """−1 is known for every modulus: −y is no output, and −π no proof."""
    negated = [element(N - number(y)) for y in YS]
    for index in range(2):
        ys = [*YS[:index], negated[index], *YS[index + 1 :]]
        refused(
            lambda o=ys: GROUP.verify_run(XS, o, PROOF, T), "delay-y-range", Malformed, f"delay {index}: "
        )
    run_refused(DELAYS, element(N - number(PROOF)), "delay-pi-range", Malformed)


def test_known_factors_forge_runs() -> None:
    """Two delays that would take weeks, at once. Hence no group but those of vdf.GROUPS."""
    toy, order = RsaGroup("toy", TOY), math.lcm(P - 1, Q - 1)
    xs = [hash_to_element(TOY, bytes([index]) * 32) for index in range(2)]
    ys = [power(x, pow(2, FAR, order), TOY.modulus) for x in xs]
    alphas, ell = plain.run_challenges(list(zip(xs, ys, strict=True)), FAR, TOY.modulus)
    quotient = (pow(2, FAR, order * ell) - pow(2, FAR, ell)) // ell
    base = plain.product(list(zip(xs, alphas, strict=True)), TOY.modulus)
    toy.verify_run(xs, ys, power(base, quotient, TOY.modulus), FAR)
    with pytest.raises(UsageError) as caught:
        vdf.group("toy")
    assert caught.value.code == "delay-group"


# --- what the prover keeps --------------------------------------------------------------------------------

SIZE, HEAD = 256, 8  # an element; the interval before them
KEPT: dict[str, Callable[[bytes, bytes], bytes]] = {
    "a bit of the first": lambda k, _: k[:255] + bytes([k[255] ^ 1]) + k[256:],
    "a bit in the middle": lambda k, _: k[:1500] + bytes([k[1500] ^ 64]) + k[1501:],
    "two next to each other": lambda k, _: k[: 5 * SIZE] + power(k[5 * SIZE : 6 * SIZE], 3) + k[6 * SIZE :],
    "all cubed": lambda k, _: b"".join(power(k[at : at + SIZE], 3) for at in range(0, len(k), SIZE)),
    "all but the first cubed": lambda k, _: (
        k[:SIZE] + b"".join(power(k[at : at + SIZE], 3) for at in range(SIZE, len(k), SIZE))
    ),
    "a bit of the last": lambda k, _: k[:-1] + bytes([k[-1] ^ 1]),
    "the first 0": lambda k, _: bytes(SIZE) + k[SIZE:],
    "all 0": lambda k, _: bytes(len(k)),
    "the first N": lambda k, _: element(N) + k[SIZE:],
    "all ones": lambda k, _: b"\xff" * len(k),
    "all 1": lambda k, _: element(1) * (len(k) // SIZE),
    "two swapped": lambda k, _: k[SIZE : 2 * SIZE] + k[:SIZE] + k[2 * SIZE :],
    "another delay's": lambda _, other: other,
    "moved by one": lambda k, _: k[SIZE:] + k[:SIZE],
}


@pytest.fixture(scope="module")
def layout() -> Iterator[None]:
    """One in which every stored element counts, whatever the knobs: 64 bits are not all 0 by chance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda _: Layout(64, 12, 8))
        yield


@pytest.fixture(scope="module")
def keeping(layout: None) -> list[Delay]:
    """Delays of 1000 squarings, 12 elements kept of each."""
    return [delay(bytes([index]) * 32, 1000) for index in range(3)]


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("how", KEPT)
def test_damaged_kept_elements_give_no_proof(keeping: list[Delay], how: str, index: int) -> None:
    GROUP.prove_run(keeping)
    true = keeping[index].load_kept()
    kept = true[:HEAD] + KEPT[how](true[HEAD:], keeping[1].load_kept()[HEAD:])
    assert len(kept) == HEAD + 12 * SIZE and kept != true
    made = changed(keeping, index, kept=kept)
    refused(lambda: GROUP.prove_run(made), "delay-miscomputed", Rejected, f"delay {index}: ")


@pytest.mark.parametrize("elements", [0, 1, 11, 13, 24])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("index", [0, 2])
def test_kept_elements_of_another_number_are_refused(
    keeping: list[Delay], elements: int, more: int, index: int
) -> None:
    kept = (keeping[2].load_kept() * 3)[: max(0, HEAD + elements * SIZE + more)]
    made = changed(keeping, index, kept=kept)
    refused(lambda: GROUP.prove_run(made), "delay-batch", UsageError, "delays 0 to 2: ")
    alone = [made[index]]
    refused(lambda: GROUP.prove_run(alone), "delay-batch", UsageError, "delays 0 to 0: ")


@pytest.mark.parametrize("interval", [0, 1, 63, 65, 128, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("index", [0, 2])
def test_kept_elements_under_another_interval_are_refused(
    keeping: list[Delay], interval: int, index: int
) -> None:
    """Of one delay, or of all of them: then it is the elements that do not follow from each other."""
    spoilt = [interval.to_bytes(HEAD, "big") + done.load_kept()[HEAD:] for done in keeping]
    made = changed(keeping, index, kept=spoilt[index])
    refused(lambda: GROUP.prove_run(made), "delay-batch", UsageError)
    made = [dataclasses.replace(done, kept=kept) for done, kept in zip(keeping, spoilt, strict=True)]
    if interval and layout_of(1000, interval).count == 12:
        refused(lambda: GROUP.prove_run(made), "delay-miscomputed", Rejected, "delay 0: ")
    else:
        refused(lambda: GROUP.prove_run(made), "delay-batch", UsageError)


def test_a_false_interval_asks_for_no_memory() -> None:
    """2^40 elements of it would be 8 TB of pointers."""
    made = [Delay(XS[0], YS[0], PIS[0], FAR, bytes(7) + b"\1" + XS[0])]
    refused(lambda: GROUP.prove_run(made), "delay-batch", UsageError)


@pytest.mark.parametrize("interval", [1, 5, 100, 745, 1000, 5000])
def test_delays_made_with_other_knobs(keeping: list[Delay], interval: int) -> None:
    """If all of them were, their proof is the same; if some were, it cannot be made."""
    layout = layout_of(1000, interval)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vdf.rsa.evaluation.choose_layout", lambda _: layout)
        made = [delay(bytes([index]) * 32, 1000) for index in range(3)]
    assert [len(done.load_kept()) for done in made] == [HEAD + layout.count * SIZE] * 3
    assert pairs(made) == pairs(keeping) and made[0].pi == keeping[0].pi
    assert GROUP.prove_run(made) == GROUP.prove_run(keeping)
    for index in range(3):
        mixed = [*keeping[:index], made[index], *keeping[index + 1 :]]
        refused(lambda d=mixed: GROUP.prove_run(d), "delay-batch", UsageError, "delays 0 to 2: ")


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 5, 8, 9])
def test_delays_are_read_in_parts(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """However many at once: the same proof, the same delay named, the same refusals."""
    monkeypatch.setattr("vdf.rsa.kept.CHUNK", chunk)
    assert GROUP.prove_run(DELAYS) == PROOF
    spoilt = bytearray(DELAYS[6].load_kept())
    spoilt[-1] ^= 1
    made = changed(DELAYS, 6, kept=bytes(spoilt))
    refused(lambda: GROUP.prove_run(made), "delay-miscomputed", Rejected, "delay 6: ")
    short = changed(DELAYS, 6, kept=bytes(spoilt[:-1]))
    first = 6 // chunk * chunk
    words = f"delays {first} to {min(first + chunk, len(DELAYS)) - 1}: "
    refused(lambda: GROUP.prove_run(short), "delay-batch", UsageError, words)


@pytest.mark.parametrize("place", [255, 700, -1])
def test_an_element_that_changes_before_it_is_kept(
    layout: None, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Between the delay's own proof and what is kept of it: found when it is made, not when all are."""
    monkeypatch.setattr("vdf.rsa.group.keep", lambda elements, done: keep(elements, spoilt(done, place)))
    refused(lambda: delay(bytes(32), 1000), "delay-miscomputed", Rejected)


def spoilt(done: Evaluation, place: int) -> Evaluation:
    """The evaluation with one bit of what it stored changed."""
    stored = bytearray(done.stored.encode())
    stored[place] ^= 1
    return dataclasses.replace(done, stored=_escapement.Stored.decode(RSA2048.native, bytes(stored)))


def test_a_run_proof_that_a_fault_spoils_names_no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that it is made from is right."""
    honest, wrong = batch.quotient_power, iter([W])
    monkeypatch.setattr(batch, "quotient_power", lambda *given: next(wrong, None) or honest(*given))
    refused(lambda: GROUP.prove_run(DELAYS), "delay-miscomputed", Rejected, "the proof of all delays")
    assert GROUP.prove_run(DELAYS) == PROOF


def test_the_single_proofs_do_not_lean_on_what_is_kept() -> None:
    GROUP.verify_each([dataclasses.replace(done, kept=b"") for done in DELAYS])
