"""BN254 as far as sums of points need it: affine points with the textbook law, on GMP's integers.

    G1: y² = x³ + 3 over F_q, of prime order p
    G2: y² = x³ + 3/(9 + u) over F_q² = F_q[u]/(u² + 1), its subgroup of order p; cofactor 2q − p

None is the identity. py_ecc has all of this, at 20 times the time per sum; tests compare the two. Only sums
are made here: generators, pairings and multiplication by the order are py_ecc's. No code is shared with the
provers (halo2curves).
"""

from gmpy2 import invert, mpz

Fq2 = tuple[mpz, mpz]
G1Affine = tuple[mpz, mpz]
G2Affine = tuple[Fq2, Fq2]
G1Point = G1Affine | None
G2Point = G2Affine | None


def add_g1(a: G1Point, b: G1Point) -> G1Point:
    """A + B in G1."""
    if a is None:
        return b
    if b is None:
        return a
    ax, ay = a
    bx, by = b
    if ax == bx:
        if ay != by or not ay:
            return None
        slope = 3 * ax * ax * invert(2 * ay, _Q) % _Q
    else:
        slope = (by - ay) * invert(bx - ax, _Q) % _Q
    x = (slope * slope - ax - bx) % _Q
    return x, (slope * (ax - x) - ay) % _Q


def add_g2(a: G2Point, b: G2Point) -> G2Point:
    """A + B on the curve of G2, in the subgroup or not."""
    if a is None:
        return b
    if b is None:
        return a
    (ax, ay), (bx, by) = a, b
    if ax == bx:
        if ay != by or ay == (0, 0):
            return None
        square = multiply_fq2(ax, ax)
        top, bottom = (3 * square[0], 3 * square[1]), (2 * ay[0], 2 * ay[1])
    else:
        top, bottom = (by[0] - ay[0], by[1] - ay[1]), (bx[0] - ax[0], bx[1] - ax[1])
    slope = multiply_fq2(top, invert_fq2(bottom))
    square = multiply_fq2(slope, slope)
    x = ((square[0] - ax[0] - bx[0]) % _Q, (square[1] - ax[1] - bx[1]) % _Q)
    run = multiply_fq2(slope, (ax[0] - x[0], ax[1] - x[1]))
    return x, ((run[0] - ay[0]) % _Q, (run[1] - ay[1]) % _Q)


def on_curve_g1(x: mpz, y: mpz) -> bool:
    """y² = x³ + 3."""
    return bool((y * y - x * x % _Q * x - 3) % _Q == 0)


def on_curve_g2(x: Fq2, y: Fq2) -> bool:
    """y² = x³ + 3/(9 + u)."""
    cube, square = multiply_fq2(multiply_fq2(x, x), x), multiply_fq2(y, y)
    return all((s - c - b) % _Q == 0 for s, c, b in zip(square, cube, B2, strict=True))


def multiply_fq2(a: Fq2, b: Fq2) -> Fq2:
    """a·b with u² = −1."""
    return (a[0] * b[0] - a[1] * b[1]) % _Q, (a[0] * b[1] + a[1] * b[0]) % _Q


def invert_fq2(a: Fq2) -> Fq2:
    """1/a, a ≠ 0: the conjugate over the norm."""
    inverse = invert(a[0] * a[0] + a[1] * a[1], _Q)
    return a[0] * inverse % _Q, -a[1] * inverse % _Q


P = 21888242871839275222246405745257275088548364400416034343698204186575808495617  # order of the groups
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583  # field of coordinates
_Q = mpz(Q)
B2 = multiply_fq2((mpz(3), mpz(0)), invert_fq2((mpz(9), mpz(1))))
