"""H(d; a_1..a_L → q): Poseidon over Fr as nova-snark 0.76 has it, with every constant derived here.

Permutation (ePrint 2019/458) of width t = rate + 1, x^5, R_F full and R_P partial rounds: add a round's
constants, S-box (all elements, or the first), multiply by the Cauchy matrix M[i][j] = 1/(i + t + j).
Sponge: element 0 is the capacity and starts as the tag of the lengths and the domain; inputs are added to
elements 1..rate, a permutation before each further block and before the first of each `rate` outputs.

    tag = −159·(2^31 + L) + 159²·q − 159³·d·2^20 mod 2^128          (the IO pattern [Absorb(L), Squeeze(q)])

Constants: Grain LFSR with 254-bit field, rounds by the paper's inequalities for 128 bits of security and a
prime of 256 bits, with its margin (2 more full rounds, 7.5 % more partial ones).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count, islice
from math import ceil, log2

from .field import P

FIELD_BITS, SECURITY, PRIME_BITS = 254, 128, 256


def hash_many(domain: int, inputs: Sequence[int], outputs: int) -> list[int]:
    """`outputs` field elements."""
    rate = next(r for r in (4, 8, 24) if max(len(inputs), outputs) <= r or r == 24)
    state = [tag(domain, len(inputs), outputs)] + [0] * rate
    for start in range(0, len(inputs), rate):
        if start:
            state = permute(state)
        block = inputs[start : start + rate]
        state[1 : 1 + len(block)] = [(s + a) % P for s, a in zip(state[1:], block, strict=False)]
    out: list[int] = []
    while len(out) < outputs:
        state = permute(state)
        out += state[1:]
    return out[:outputs]


def hash_one(domain: int, inputs: Sequence[int]) -> int:
    """One field element."""
    return hash_many(domain, inputs, 1)[0]


def tag(domain: int, inputs: int, outputs: int) -> int:
    """The capacity's first value: a polynomial hash of the lengths that are not zero, then the separator."""
    x, power, value = -159, 1, 0
    operations = [length + start for length, start in ((inputs, 1 << 31), (outputs, 0)) if length]
    for operation in [*operations, domain << 20]:
        power = power * x
        value = value + power * operation
    return value % (1 << 128)


def permute(state: list[int]) -> list[int]:
    """One permutation."""
    constants, matrix, full, partial = parameters(len(state))
    for r, round_constants in enumerate(constants):
        state = [(s + c) % P for s, c in zip(state, round_constants, strict=True)]
        if full // 2 <= r < full // 2 + partial:
            state[0] = pow(state[0], 5, P)
        else:
            state = [pow(s, 5, P) for s in state]
        state = [sum(m * s for m, s in zip(row, state, strict=True)) % P for row in matrix]
    return state


@cache
def parameters(t: int) -> tuple[list[list[int]], list[list[int]], int, int]:
    """Constants of every round, matrix, R_F, R_P."""
    full, partial = round_numbers(t)
    stream = field_elements(grain(t, full, partial))
    constants = [list(islice(stream, t)) for _ in range(full + partial)]
    matrix = [[pow(i + t + j, -1, P) for j in range(t)] for i in range(t)]
    return constants, matrix, full, partial


def round_numbers(t: int) -> tuple[int, int]:
    """(R_F, R_P) with the fewest S-boxes t·R_F + R_P, fewer full rounds first among equals."""
    candidates = []
    for full in range(2, 21, 2):
        for partial in range(4, 200):
            statistical = 6 if (PRIME_BITS - 3) * (t + 1) >= SECURITY else 10
            interpolation = ceil(0.43 * SECURITY + log2(t) - partial)
            groebner_1 = ceil(0.21 * PRIME_BITS - partial)
            groebner_2 = ceil((0.14 * PRIME_BITS - 1 - partial) / (t - 1))
            if full >= max(statistical, interpolation, groebner_1, groebner_2):
                candidates.append((full + 2, ceil(1.075 * partial)))
    return min(candidates, key=lambda rounds: (t * rounds[0] + rounds[1], rounds[0]))


def grain(t: int, full: int, partial: int) -> Iterator[int]:
    """The self-shrinking Grain LFSR, seeded with the instance's parameters."""
    fields = [(1, 2), (1, 4), (FIELD_BITS, 12), (t, 12), (full, 10), (partial, 10), ((1 << 30) - 1, 30)]
    state = [(value >> i) & 1 for value, width in fields for i in reversed(range(width))]

    def step() -> int:
        new = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        del state[0]
        state.append(new)
        return new

    for _ in range(160):
        step()
    for _ in count():
        keep, bit = step(), step()
        if keep:
            yield bit


def field_elements(stream: Iterator[int]) -> Iterator[int]:
    """Integers of 254 bits, first bit most significant; those that are not below p are dropped."""
    while True:
        value = int("".join(str(bit) for bit in islice(stream, FIELD_BITS)), 2)
        if value < P:
            yield value
