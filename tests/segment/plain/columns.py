"""Stage B, columns: the products of stage A at their row points, reduced to one column point w.

    z_l + c·q_l − one·real(r_t)·β_l        = Σ_i X_{l−1}(r_t,i)·W_l(i, r)      W_l: the fold's first weights
    K_l − [bias]·one²·real(σ‖r_b)·real(v)  = Σ_i X_{l−1}(σ‖r_b,i)·X_{l−1}(v,i)
    e_l + c·p_l                            = Σ_j G_l(r_t,j)·W_l(r, j)              l ≥ 2
    H_l                                    = Σ_j G_l(σ‖r_b,j)·G_l(v,j)             l ≥ 2

One sumcheck of degree 2, instances with coefficients γ_B^0, γ_B^1, … Message B' ends with the targets T at
every point where a claim on G_L stands: with them stage C splits G_L = up·(X_L − one·T).
"""

from .field import P, Table, below, evaluate, fix_columns, fix_rows, powers
from .polynomials import get
from .rows import Claims, Key, Points
from .shape import Shape
from .sumcheck import Instance, prove, verify
from .transcript import MESSAGE, ProverTranscript, VerifierTranscript, need


def names(shape: Shape) -> list[Key]:
    """Message B' without the targets: the two factors of each instance, in order."""
    out: list[Key] = []
    for l in range(1, shape.L + 1):
        out += [("X", l - 1, "rt", "w"), ("W", l, "w", "r"), ("X", l - 1, "s", "w"), ("X", l - 1, "v", "w")]
    for l in range(2, shape.L + 1):
        out += [("G", l, "rt", "w"), ("W", l, "r", "w"), ("G", l, "s", "w"), ("G", l, "v", "w")]
    return out


def gradient_claims(shape: Shape, l: int) -> list[Key]:
    """The claims on G_l, in order."""
    out: list[Key] = [("G", l, "v", "r"), ("G", l, "v", "j")]
    return out + [("G", l, row, "w") for row in ("rt", "s", "v")] * (l > 1)


def target_names(shape: Shape) -> list[Key]:
    """The targets at the points of G_L's claims."""
    return [("T", *key[1:]) for key in gradient_claims(shape, shape.L)]


def prove_columns(
    transcript: ProverTranscript,
    shape: Shape,
    points: Points,
    claims: Claims,
    gamma: int,
    tables: dict[Key, Table],
    before: Table,
) -> int:
    """tables: X, G and ("T", L). Adds w to points and B' to claims; returns γ_C."""
    # 1. sumcheck over columns
    factors: dict[Key, Table] = {}
    for key in names(shape):
        tensor, l, first, second = key
        if tensor == "W":
            layer, W = shape.layer(l), get(before, shape.w_slots["W", l])
            r = points.r
            factors[key] = fix_columns(W, r[: layer.b]) if second == "r" else fix_rows(W, r[: layer.a])
        else:
            factors[key] = fix_rows(tables[tensor, l], points.row(first))
    keys = names(shape)
    pairs = list(zip(keys[0::2], keys[1::2], strict=True))
    instances = [
        Instance(
            len(factors[left]).bit_length() - 1,
            [factors[left], factors[right]],
            lambda a, b, g=g: g * a * b % P,
        )
        for g, (left, right) in zip(powers(gamma, len(pairs)), pairs, strict=True)
    ]
    points.w = prove(transcript, 2, instances)
    # 2. the factors, and the targets
    for key in keys:
        claims[key] = evaluate(factors[key], points.w[: len(factors[key]).bit_length() - 1])
    for key in target_names(shape):
        row, column = points.claim(("G", *key[1:]))
        claims[key] = evaluate(tables["T", shape.L], row + column)
    (gamma,) = transcript.exchange(MESSAGE, [claims[key] for key in [*keys, *target_names(shape)]], 1)
    return gamma


def verify_columns(
    transcript: VerifierTranscript, shape: Shape, points: Points, claims: Claims, gamma: int
) -> int:
    """Adds w and B'; returns γ_C. Proves z, K, e, H; what B' says is unproven."""
    # 1. sumcheck over columns
    owed = products(shape, points, claims)
    coefficients = powers(gamma, len(owed))
    points.w, value = verify(
        transcript,
        2,
        [(g * claim, variables) for g, (claim, variables) in zip(coefficients, owed, strict=True)],
    )
    # 2. the factors, and the targets
    keys = [*names(shape), *target_names(shape)]
    message, (gamma,) = transcript.receive(MESSAGE, len(keys), 1)
    claims |= dict(zip(keys, message, strict=True))
    pairs = zip(message[0 : 2 * len(owed) : 2], message[1 : 2 * len(owed) : 2], strict=True)
    final = sum(g * a * b for g, (a, b) in zip(coefficients, pairs, strict=True)) % P
    need(final == value, "stage columns: final value of the sumcheck")
    return gamma


def products(shape: Shape, points: Points, v: Claims) -> list[tuple[int, int]]:
    """(claim, variables) of each instance."""
    real_t, real_s, real_v = (real(shape, points.row(row)) for row in ("rt", "s", "v"))
    out = []
    for l, layer in enumerate(shape.layers, 1):
        bias = shape.one * real_t * v["beta", l] if layer.bias else 0
        out.append((v["z", l] + shape.c * v["q", l] - bias, layer.a))
        out.append((v["K", l] - layer.bias * shape.one**2 * real_s * real_v, layer.a))
    for l in range(2, shape.L + 1):
        b = shape.layer(l).b
        out += [(v["e", l] + shape.c * v["p", l], b), (v["H", l], b)]
    return [(claim % P, variables) for claim, variables in out]


def real(shape: Shape, row: list[int]) -> int:
    """The mask of rows that exist, at a point."""
    return below(row[: shape.lk], shape.k) * below(row[shape.lk :], shape.B) % P
