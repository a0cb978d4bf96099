"""Attacks on delays in class groups: each is refused with its exact error; where one rule is what refuses it,
the same attack is shown to succeed without that rule, against chiavdf itself or in plain integers.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from gmpy2 import is_prime, next_prime

from tests.vdf.classgroup import plain
from vdf.classgroup import ClassGroup
from vdf.classgroup import group as group_module
from vdf.classgroup.chain import Step, lengths, split
from vdf.classgroup.client import Worker
from vdf.classgroup.discriminant import Setting, hash_prime, setting
from vdf.classgroup.forms import GENERATOR, IDENTITY, NotCanonical, decode, encode
from vdf.errors import Malformed, Rejected, UsageError, VdfError
from vdf.group import Delay

chiavdf = pytest.importorskip("chiavdf")

GROUP, T = ClassGroup("class-1024", sub_squarings=300), 750  # three sub-delays, of 300, 300 and 150
FAR = 1 << 40  # eleven weeks, which the forgers of this file do not wait for
OTHER = b"\xff" * 32
OTHER_DELAY = GROUP.delay(OTHER, T)


def with_g() -> Delay:
    """A delay whose y has g > 1, as every third has: only then chiavdf overlooks that b is too large."""
    delays = (GROUP.delay(bytes([number]) * 32, T) for number in count())
    return next(delay for delay in delays if delay.y[1] == 0 and delay.y[98] > 1)


DELAY = with_g()
X, Y, PI = DELAY.x, DELAY.y, DELAY.pi
PLACE = setting(X, T)
D = PLACE.discriminant
PLACES = range(-1, 5)  # of a form: −1 is y, then the five of π


def placed(form: bytes, place: int) -> tuple[bytes, bytes]:
    """(y, π) with one form replaced."""
    if place < 0:
        return form, PI
    return Y, PI[: 100 * place] + form + PI[100 * place + 100 :]


def found(place: int) -> bytes:
    """The honest form there."""
    return Y if place < 0 else PI[100 * place : 100 * place + 100]


def refused(code: str, kind: type[VdfError], x: bytes, y: bytes, pi: bytes, squarings: int = T) -> None:
    """By `verify`, by `verify_each` and by `verify_run`, as the second of two delays."""
    with pytest.raises(VdfError) as caught:
        GROUP.verify(x, y, pi, squarings)
    assert (caught.value.code, type(caught.value)) == (code, kind)
    if squarings != T:
        return
    with pytest.raises(VdfError) as caught:
        GROUP.verify_each([OTHER_DELAY, Delay(x, y, pi, T)])
    assert (caught.value.code, type(caught.value)) == (code, kind)
    assert str(caught.value).startswith("delay 1: ")
    with pytest.raises(VdfError) as caught:
        GROUP.verify_run([OTHER_DELAY.x, x], [OTHER_DELAY.y, y], OTHER_DELAY.pi + pi, T)
    assert (caught.value.code, type(caught.value)) == (code, kind)


def range_code(place: int) -> str:
    return "delay-y-range" if place < 0 else "delay-pi-range"


def chiavdf_accepts(step: Step, discriminant: int = D) -> bool:
    """chiavdf's own verifier, on bytes as they are."""
    try:
        return bool(chiavdf.verify_wesolowski(str(discriminant), step.x, step.y, step.pi, step.squarings))
    except RuntimeError:
        return False


STEPS = split(PLACE.base, Y, PI, lengths(T, 300))


def test_the_honest_delay_is_accepted() -> None:
    GROUP.verify(X, Y, PI, T)
    GROUP.verify_each([OTHER_DELAY, DELAY])
    GROUP.verify_run([OTHER, X], [OTHER_DELAY.y, Y], OTHER_DELAY.pi + PI, T)
    assert all(chiavdf_accepts(step) for step in STEPS)


# --- other bytes for the same form: two outputs, and two seeds, of one delay ------------------------


def unreduced(form: bytes) -> Iterator[bytes]:
    """Equivalent forms (A, B) with A > C that fit into 100 bytes."""
    if form in (IDENTITY, GENERATOR):
        return
    a, b = decode(D, form)
    c = (b * b - D) // (4 * a)
    for k in range(-3, 4):
        other = a * k * k + b * k + c
        turned = -(b + 2 * a * k)
        turned -= 2 * other * ((turned + other) // (2 * other))
        if (other, turned) != (a, b) and other < 1 << 512:
            yield encode(other, turned)


def inflated(form: bytes) -> Iterator[bytes]:
    """b + 2a, b + 4a, …: only the last field changes."""
    for k in (1, 2, 3):
        multiple = form[99] + 2 * k * form[98]
        if form[1] == 0 and form[98] > 1 and multiple < 256:
            yield form[:99] + bytes([multiple])


def test_unreduced_forms_are_aliases_even_in_chiavdfs_strict_mode() -> None:
    aliases = [(place, alias) for place in PLACES for alias in unreduced(found(place))]
    assert len(aliases) > 3
    for place, alias in aliases:
        a, _ = chiavdf.bqfc_deserialize(str(D), alias, True)
        assert int.from_bytes(a[1:], "big") == decode(D, found(place))[0]
        refused(range_code(place), Malformed, X, *placed(alias, place))


def test_inflated_b_is_an_alias_unless_chiavdf_is_strict() -> None:
    """Its verifier is not strict."""
    aliases = [(place, alias) for place in PLACES for alias in inflated(found(place))]
    assert aliases
    for place, alias in aliases:
        a, _ = chiavdf.bqfc_deserialize(str(D), alias, False)
        assert int.from_bytes(a[1:], "big") == decode(D, found(place))[0]
        with pytest.raises(RuntimeError):
            chiavdf.bqfc_deserialize(str(D), alias, True)
        refused(range_code(place), Malformed, X, *placed(alias, place))


@pytest.mark.parametrize("kind", ["unreduced", "inflated"])
def test_chiavdfs_verifier_accepts_an_aliased_output(kind: str) -> None:
    """Without our decoder the trainer could pick among several outputs, that is, among several seeds."""
    last, accepted = STEPS[-1], 0
    for alias in unreduced(Y) if kind == "unreduced" else inflated(Y):
        accepted += chiavdf_accepts(dataclasses.replace(last, y=alias))
        refused("delay-y-range", Malformed, X, alias, PI)
    assert accepted


IDENTITY_ALIASES = {
    "garbage after the flag": IDENTITY[:1] + b"\xff" * 99,
    "one bit at the end": IDENTITY[:99] + b"\1",
    "with the sign of b": b"\x05" + IDENTITY[1:],
    "with the sign of t": b"\x06" + IDENTITY[1:],
    "with an unknown flag": b"\x14" + IDENTITY[1:],
    "with every other flag": b"\xf7" + IDENTITY[1:],
    "another form's bytes": IDENTITY[:1] + Y[1:],
    "in numbers": b"\0\0\1" + bytes(95) + b"\1\0",
}
GENERATOR_ALIASES = {
    "garbage after the flag": GENERATOR[:1] + b"\xff" * 99,
    "with the identity's flag": b"\x0c" + GENERATOR[1:],
    "with every other flag": b"\xff" + GENERATOR[1:],
    "in numbers": b"\0\0\2" + bytes(63) + b"\1" + bytes(31) + b"\1\0",
}


@pytest.mark.parametrize("how", IDENTITY_ALIASES)
def test_the_identity_has_one_spelling(how: str) -> None:
    """It is the true π_2: 2^150 < B. chiavdf takes every string with the flag for it."""
    alias = IDENTITY_ALIASES[how]
    assert found(4) == IDENTITY
    assert chiavdf_accepts(dataclasses.replace(STEPS[2], pi=alias)) == (how != "in numbers")
    for place in PLACES:
        refused(range_code(place), Malformed, X, *placed(alias, place))


@pytest.mark.parametrize("how", GENERATOR_ALIASES)
def test_the_generator_has_one_spelling(how: str) -> None:
    alias = GENERATOR_ALIASES[how]
    if how != "in numbers":
        assert chiavdf.bqfc_deserialize(str(D), alias, True)[0][-1] == 2
    for place in PLACES:
        refused(range_code(place), Malformed, X, *placed(alias, place))


# --- one honest delay, every form altered ----------------------------------------------------------------

RANGE: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda form: bytes(100),
    "all ones": lambda form: b"\xff" * 100,
    "reversed": lambda form: form[::-1],
    "another discriminant's base form": lambda form: setting(OTHER, T).base,
    "another delay's output": lambda form: OTHER_DELAY.y,
    "the base form of T + 1": lambda form: setting(X, T + 1).base,
    "even b": lambda form: encode_even(),
    "length of g impossible": lambda form: form[:1] + b"\x20" + form[2:],
    "unknown flag": lambda form: bytes([form[0] | 0x80]) + form[1:],
}


def encode_even() -> bytes:
    """(a, a − b) for odd a: r² = t²·D mod a, but b² − D is not a multiple of 4a."""
    a, b = decode(D, PLACE.base)
    return encode(a, a - b)


@pytest.mark.parametrize("how", RANGE)
def test_forms_that_are_none_of_this_delays_group(how: str) -> None:
    for place in PLACES:
        refused(range_code(place), Malformed, X, *placed(RANGE[how](found(place)), place))


FALSE: dict[str, Callable[[bytes], bytes]] = {
    "inverse": lambda form: encode(*plain.inverse(decode(D, form))),
    "square": lambda form: encode(*plain.power(decode(D, form), 2, D)),
    "times the base form": lambda form: encode(*plain.compose(decode(D, form), decode(D, PLACE.base), D)),
    "base form": lambda form: PLACE.base,
    "identity": lambda form: IDENTITY,
    "generator": lambda form: GENERATOR,
}


@pytest.mark.parametrize("how", FALSE)
def test_other_forms_of_the_group(how: str) -> None:
    for place in PLACES:
        form = FALSE[how](found(place))
        if form != found(place):
            refused("delay-false", Rejected, X, *placed(form, place))


def test_every_byte_of_y_and_proof_counts() -> None:
    for place in PLACES:
        for at in (0, 1, 2, 33, 65, 66, 97, 98, 99):
            form = bytearray(found(place))
            form[at] ^= 1
            y, pi = placed(bytes(form), place)
            with pytest.raises(VdfError) as caught:
                GROUP.verify(X, y, pi, T)
            assert caught.value.code in ("delay-false", range_code(place))


LENGTHS: dict[str, tuple[bytes, bytes, bytes, str]] = {
    "x empty": (b"", Y, PI, "delay-x-length"),
    "x longer": (X + b"\0", Y, PI, "delay-x-length"),
    "y empty": (X, b"", PI, "delay-y-length"),
    "y as the flag alone": (X, IDENTITY[:1], PI, "delay-y-length"),
    "y longer": (X, Y + b"\0", PI, "delay-y-length"),
    "π empty": (X, Y, b"", "delay-pi-length"),
    "π shorter": (X, Y, PI[:-1], "delay-pi-length"),
    "π longer": (X, Y, PI + b"\0", "delay-pi-length"),
    "a sub-delay less": (X, Y, PI[200:], "delay-pi-length"),
    "a sub-delay more": (X, Y, PI[:200] + PI, "delay-pi-length"),
    "y in front of π": (X, Y, Y + PI, "delay-pi-length"),
    "a megabyte": (X, Y, PI * 2000, "delay-pi-length"),
}


@pytest.mark.parametrize("how", LENGTHS)
def test_lengths(how: str) -> None:
    x, y, pi, code = LENGTHS[how]
    with pytest.raises(Malformed) as caught:
        GROUP.verify(x, y, pi, T)
    assert caught.value.code == code


def test_lengths_come_before_ranges_before_the_equation() -> None:
    bad = b"\xff" * 100
    for x, y, pi, code in (
        (b"", bad, b"", "delay-x-length"),
        (X, b"", b"", "delay-y-length"),
        (X, bad, b"", "delay-pi-length"),
        (X, bad, bad * 5, "delay-y-range"),
        (X, PLACE.base, bad * 5, "delay-pi-range"),
    ):
        with pytest.raises(Malformed) as caught:
            GROUP.verify(x, y, pi, T)
        assert caught.value.code == code
    refused("delay-squarings", UsageError, b"", b"", b"", 0)


# --- other statements --------------------------------------------------------------------------------


def swapped(first: int, second: int) -> bytes:
    forms = [PI[at : at + 100] for at in range(0, 500, 100)]
    forms[first], forms[second] = forms[second], forms[first]
    return b"".join(forms)


CHAINS: dict[str, tuple[bytes, bytes]] = {
    "sub-delays swapped": (Y, PI[200:400] + PI[:200] + PI[400:]),
    "outputs swapped": (Y, swapped(0, 2)),
    "proofs swapped": (Y, swapped(1, 3)),
    "output and proof swapped": (Y, swapped(0, 1)),
    "y and its proof swapped": (PI[400:], PI[:400] + Y),
    "a sub-delay twice": (Y, PI[:200] * 2 + PI[400:]),
    "the last output before its time": (PI[200:300], PI[:400] + PI[300:400]),
    "nothing happened": (PLACE.base, (PLACE.base + IDENTITY) * 2 + IDENTITY),
    "all identities": (IDENTITY, IDENTITY * 5),
    "the identity proves itself": (Y, PI[:200] + IDENTITY * 2 + PI[400:]),
}


@pytest.mark.parametrize("how", CHAINS)
def test_chains_put_together_otherwise(how: str) -> None:
    y, pi = CHAINS[how]
    if (y, pi) != (Y, PI):
        refused("delay-false", Rejected, X, y, pi)


@pytest.mark.parametrize("squarings", [T - 1, T + 1, 601, 900])
def test_t_is_the_verifiers(squarings: int) -> None:
    """Same number of sub-delays, another group."""
    refused("delay-y-range", Malformed, X, Y, PI, squarings)


@pytest.mark.parametrize("squarings", [1, 600, 901, FAR])
def test_t_of_another_chain(squarings: int) -> None:
    with pytest.raises(Malformed) as caught:
        ClassGroup("class-1024", None if squarings > 1000 else 300).verify(X, Y, PI, squarings)
    assert caught.value.code == "delay-pi-length"


def test_delays_of_another_context() -> None:
    refused("delay-y-range", Malformed, OTHER, Y, PI)
    refused("delay-y-range", Malformed, X, OTHER_DELAY.y, OTHER_DELAY.pi)
    refused("delay-y-range", Malformed, X, OTHER_DELAY.y, PI)
    refused("delay-pi-range", Malformed, X, Y, OTHER_DELAY.pi)


def test_delays_of_a_run_in_another_order() -> None:
    with pytest.raises(Malformed) as caught:
        GROUP.verify_run([X, OTHER], [OTHER_DELAY.y, Y], OTHER_DELAY.pi + PI, T)
    assert caught.value.code == "delay-y-range"
    with pytest.raises(Malformed) as caught:
        GROUP.verify_run([X, OTHER], [Y, OTHER_DELAY.y], OTHER_DELAY.pi + PI, T)
    assert caught.value.code == "delay-pi-range"


def test_the_last_sub_delay_has_its_own_length() -> None:
    """A proof of 150 squarings is none of 300, and the reverse; T + 150 squarings do not pass for T."""
    for step, length in ((STEPS[2], 300), (STEPS[0], 150)):
        assert not chiavdf_accepts(dataclasses.replace(step, squarings=length))
    with Worker() as worker:
        y, pi, _ = worker.prove(PLACE.seed, STEPS[2].x, 300, lambda: None)
    refused("delay-false", Rejected, X, y, PI[:400] + pi)


# --- many delays --------------------------------------------------------------------------------------------

JUNK = Delay(X, b"\xff" * 100, b"\xff" * 500, T)
FALSE_DELAY = Delay(X, PLACE.base, PI, T)


@pytest.fixture
def groups_set_up(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The x of every delay whose group was set up."""
    seen: list[bytes] = []

    def counted(x: bytes, squarings: int) -> Setting:
        seen.append(x)
        return setting(x, squarings)

    monkeypatch.setattr(group_module, "setting", counted)
    return seen


MANY: dict[str, tuple[list[Delay], int, str, int]] = {
    "all false": ([FALSE_DELAY] * (1 << 16), 0, "delay-false", 16),
    "all junk": ([JUNK] * (1 << 16), 0, "delay-y-range", 1),
    "one false, then junk": ([FALSE_DELAY] + [JUNK] * 1000, 0, "delay-false", 2),
    "twenty, one false, junk": ([DELAY] * 20 + [FALSE_DELAY] + [JUNK] * 1000, 20, "delay-false", 22),
    "a chunk, then junk": ([DELAY] * 16 + [JUNK] * 1000, 16, "delay-y-range", 17),
    "false before false": ([DELAY, FALSE_DELAY, FALSE_DELAY, DELAY], 1, "delay-false", 4),
    "junk before false": ([DELAY, JUNK, FALSE_DELAY, DELAY], 1, "delay-y-range", 2),
    "the last one of two chunks": ([DELAY] * 31 + [FALSE_DELAY], 31, "delay-false", 32),
}


@pytest.mark.parametrize("how", MANY)
def test_many_false_delays_cost_no_more_than_a_chunk(groups_set_up: list[bytes], how: str) -> None:
    """65536 delays would take 25 minutes; the first false one is named, whatever comes after it."""
    delays, index, code, set_up = MANY[how]
    calls = [
        lambda: GROUP.verify_each(delays),
        lambda: GROUP.verify_run([d.x for d in delays], [d.y for d in delays], GROUP.prove_run(delays), T),
    ]
    for call in calls:
        groups_set_up.clear()
        with pytest.raises(VdfError, match=f"^delay {index}: ") as caught:
            call()
        assert caught.value.code == code
        assert len(groups_set_up) == set_up


def test_a_wrong_length_at_the_end_comes_before_any_work(groups_set_up: list[bytes]) -> None:
    for last, code in (
        (Delay(X[1:], Y, PI, T), "delay-x-length"),
        (Delay(X, Y[1:], PI, T), "delay-y-length"),
        (Delay(X, Y, PI[1:], T), "delay-pi-length"),
    ):
        with pytest.raises(Malformed, match=r"^delay 1000: ") as caught:
            GROUP.verify_each([JUNK] * 1000 + [last])
        assert caught.value.code == code
    assert groups_set_up == []


# --- what Chia's challenge leaves out -----------------------------------------------------------------------


def test_without_t_in_the_discriminant_a_short_delay_passes_for_a_longer_one() -> None:
    """B does not know T, and 2^T mod B repeats. Here T is in D and base form, and at most 2^40."""
    step = STEPS[0]
    x, y, pi = (decode(D, form) for form in (step.x, step.y, step.pi))
    ell = plain.challenge(step.x, step.y)
    assert plain.holds(D, x, y, pi, ell, step.squarings)
    assert plain.holds(D, x, y, pi, ell, step.squarings + ell - 1)
    assert setting(X, T).discriminant != setting(X, T + 1).discriminant
    assert setting(X, T).base[2:34] != setting(X, T + 1).base[2:34]


def test_with_a_common_base_form_challenges_are_known_before_the_discriminant() -> None:
    """(2, 1)^3 depends on five bits of D: for one D in a few x, y and B are the same, known before it.
    Our base forms name a prime of their own each, so what B is hashed from comes after D.
    """
    known: dict[bytes, int] = {}
    for number in count():
        d = -hash_prime(bytes([number]) * 32, 1024, (1, 2, 1023))
        y = encode(*plain.power((2, 1), 3, d))
        if known.setdefault(y, d) != d:
            break
    assert plain.challenge(GENERATOR, y) == plain.challenge(
        GENERATOR, encode(*plain.power((2, 1), 3, known[y]))
    )
    bases = {setting(bytes([number]) * 32, T).base for number in range(10)}
    assert len({base[2:34] for base in bases}) == 10
    for base in bases - {PLACE.base}:
        refused("delay-y-range", Malformed, X, base, PI)


def test_challenges_of_neighbouring_strings_coincide() -> None:
    """hash_prime counts up: of the strings that share a B, none but the form itself is canonical."""
    step, same = STEPS[0], 0
    ell = plain.challenge(step.x, step.y)
    whole = int.from_bytes(step.x + step.y, "big")
    for distance in range(2, 200, 2):
        for neighbour in (whole + distance, whole - distance):
            data = neighbour.to_bytes(200, "big")
            if plain.challenge(data[:100], data[100:]) == ell:
                same += 1
                with pytest.raises(NotCanonical):
                    decode(D, data[100:])
    assert same > 0


def class_number(discriminant: int) -> int:
    """By counting reduced forms."""
    number = 0
    for a in range(1, math.isqrt(-discriminant // 3) + 1):
        for b in range(1 - a, a + 1):
            c, rest = divmod(b * b - discriminant, 4 * a)
            number += rest == 0 and (a < c or (a == c and b >= 0))
    return number


def test_one_class_number_breaks_every_delay_of_its_group_and_no_other() -> None:
    """Why every delay has a discriminant of its own: with the order known, weeks take a moment."""
    toys = [d for p in range(4007, 9000) if p % 8 == 7 and is_prime(p) for d in [-p]]
    toy = next(d for d in toys if class_number(d) > 40)
    order = class_number(toy)
    for x in [(2, 1), plain.power((2, 1), 5, toy)]:
        y = plain.power(x, pow(2, FAR, order), toy)
        ell = 2**61 - 1
        quotient = (pow(2, FAR, order * ell) - pow(2, FAR, ell)) // ell
        assert plain.holds(toy, x, y, plain.power(x, quotient, toy), ell, FAR)
    other = next(d for d in toys if d < toy and class_number(d) != order)
    assert plain.power((2, 1), order, other) != plain.IDENTITY


def test_a_composite_discriminant_has_false_twins() -> None:
    """Who factors −D = p·q knows a form of order 2; B is odd, so the twin's proof is the proof's twin."""
    p = next(n for n in count(2**511 + 3, 4) if n % 8 == 3 and is_prime(n))
    q = int(next_prime(3 * 2**510))
    while q % 8 != 5:
        q = int(next_prime(q))
    composite = -p * q
    assert composite % 8 == 1
    twin = plain.reduced(min(p, q), min(p, q), composite)
    assert plain.compose(twin, twin, composite) == plain.IDENTITY != twin
    x = (2, 1)
    y = plain.compose(plain.power(x, 1 << 300, composite), twin, composite)
    ell = plain.challenge(encode(*x), encode(*y))
    pi = plain.compose(plain.power(x, (1 << 300) // ell, composite), twin, composite)
    assert chiavdf_accepts(Step(encode(*x), encode(*y), encode(*pi), 300), composite)
    for number in range(5):
        assert is_prime(-setting(bytes([number]) * 32, T).discriminant, 64)
