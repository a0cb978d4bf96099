"""Protocol §9 for rsa-2048 written out in plain integers: no gmpy2, nothing of vdf, nothing native.

What the package and its native module are compared with. Elements are encoded, as the package has them;
`modulus` is there for tests over numbers whose factors they know.
"""

import hashlib
from itertools import count
from math import gcd, isqrt

REFERENCE = (
    "25195908475657893494027183240048398571429282126204032027777137836043662020707595556264018525880784"
    "40691829064124951508218929855914917618450280848912007284499268739280728777673597141834727026189637"
    "50149718246911650776133798590957000973304597488084284017974291006424586918171951187461215151726546"
    "32282216869987549182422433637259085141865462043576798423387184774447920739934236584823824281198163"
    "81501067481045166037730605620161967625613384414360383390441495263443219011465754445417842402092461"
    "65157233507787077498171257724679629263863563732899121548314381678998850404453640235273819513786365"
    "64391212010397122822120720357"
)
N = int(REFERENCE)
Statement = tuple[bytes, bytes]  # x, y


def tag(name: str) -> bytes:
    """The name with zero bytes up to 32."""
    return name.encode("ascii").ljust(32, b"\0")


def u64(value: int) -> bytes:
    """Eight bytes, big-endian."""
    return value.to_bytes(8, "big")


def shake(name: str, data: bytes, size: int) -> bytes:
    """`size` bytes of SHAKE-256."""
    return hashlib.shake_256(tag(name) + data).digest(size)


def sha(name: str, *parts: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(tag(name) + b"".join(parts)).digest()


def length(modulus: int = N) -> int:
    """Bytes of an element."""
    return (modulus.bit_length() + 7) // 8


def number(data: bytes) -> int:
    """The integer of big-endian bytes."""
    return int.from_bytes(data, "big")


def encode(value: int, modulus: int = N) -> bytes:
    """The smaller of ±value mod N."""
    return min(value % modulus, -value % modulus).to_bytes(length(modulus), "big")


def power(base: bytes, exponent: int, modulus: int = N) -> bytes:
    """base^exponent, also for a negative exponent."""
    return encode(pow(number(base), exponent, modulus), modulus)


def product(powers: list[tuple[bytes, int]], modulus: int = N) -> bytes:
    """Π base^exponent."""
    result = 1
    for base, exponent in powers:
        result = result * pow(number(base), exponent, modulus) % modulus
    return encode(result, modulus)


def hash_to_element(context: bytes, modulus: int = N) -> bytes:
    """A delay's x."""
    bits = modulus.bit_length() + 128
    for j in count():
        wide = shake("escapement/v1/rsa-element", context + u64(j), (bits + 7) // 8)
        element = encode(number(wide), modulus)
        if number(element) not in (0, 1) and gcd(number(element), modulus) == 1:
            return element
    raise AssertionError


# --- primes -----------------------------------------------------------------------------------------------

ROUNDS, PRIME_BYTES, BASE_BYTES = 24, 32, 40
SMALL = [p for p in range(3, 1000) if all(p % q for q in range(2, isqrt(p) + 1))]


def hash_to_prime(transcript: bytes) -> int:
    """The first prime among the transcript's candidates."""
    return next(c for j in count() if is_prime(c := candidate(transcript, j)))


def candidate(transcript: bytes, index: int) -> int:
    """Candidate `index`: one stream for all of them, 32 bytes each."""
    stream = shake("escapement/v1/prime", transcript, PRIME_BYTES * (index + 1))
    return number(stream[-PRIME_BYTES:]) | 1 << 255 | 1


def is_prime(odd: int) -> bool:
    """Strong Baillie–PSW, then 24 Miller–Rabin rounds; for odd integers of 256 bits."""
    if any(odd % p == 0 for p in SMALL):
        return False
    return is_strong_bpsw(odd) and all(is_strong_to_base(odd, base) for base in bases(odd))


def bases(odd: int) -> list[int]:
    """The bases of the Miller–Rabin rounds, each in 2..odd−2."""
    wide = shake("escapement/v1/prime-base", odd.to_bytes(PRIME_BYTES, "big"), BASE_BYTES * ROUNDS)
    return [2 + number(wide[BASE_BYTES * r : BASE_BYTES * (r + 1)]) % (odd - 3) for r in range(ROUNDS)]


def is_strong_bpsw(odd: int) -> bool:
    """Base 2, and the strong Lucas test with Selfridge's parameters."""
    return is_strong_to_base(odd, 2) and is_strong_lucas(odd)


def is_strong_to_base(odd: int, base: int) -> bool:
    """One Miller–Rabin round."""
    twos = ((odd - 1) & (1 - odd)).bit_length() - 1
    value = pow(base, (odd - 1) >> twos, odd)
    if value in (1, odd - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % odd
        if value == odd - 1:
            return True
    return False


def is_strong_lucas(odd: int) -> bool:
    """Baillie and Wagstaff 1980, method A: P = 1, Q = (1 − D)/4, D first of 5, −7, 9, … with (D/n) = −1."""
    if isqrt(odd) ** 2 == odd:
        return False
    d = next(d for k in count() if jacobi(d := (5 + 2 * k) * (-1) ** k, odd) == -1)
    if gcd(d, odd) not in (1, odd):
        return False
    q = (1 - d) // 4
    twos = ((odd + 1) & -(odd + 1)).bit_length() - 1
    u, v, power_of_q = 0, 2, 1  # U_0, V_0, Q^0
    for bit in f"{(odd + 1) >> twos:b}":
        u, v, power_of_q = u * v % odd, (v * v - 2 * power_of_q) % odd, power_of_q * power_of_q % odd
        if bit == "1":
            u, v = half(u + v, odd), half(d * u + v, odd)
            power_of_q = power_of_q * q % odd
    if u == 0:
        return True
    for _ in range(twos):
        if v == 0:
            return True
        v, power_of_q = (v * v - 2 * power_of_q) % odd, power_of_q * power_of_q % odd
    return False


def half(value: int, odd: int) -> int:
    """value/2 mod odd."""
    return (value + odd * (value & 1)) // 2 % odd


def jacobi(a: int, n: int) -> int:
    """The Jacobi symbol (a/n) for odd n."""
    a, result = a % n, 1
    while a:
        while a % 2 == 0:
            a //= 2
            if n % 8 in (3, 5):
                result = -result
        a, n = n, a
        if a % 4 == 3 and n % 4 == 3:
            result = -result
        a %= n
    return result if n == 1 else 0


# --- one delay --------------------------------------------------------------------------------------------


def evaluate(x: bytes, squarings: int, modulus: int = N) -> bytes:
    """y."""
    return power(x, 1 << squarings, modulus)


def transcript(x: bytes, y: bytes, squarings: int, modulus: int = N) -> bytes:
    """t."""
    encoded = modulus.to_bytes(length(modulus), "big")
    return sha("escapement/v1/wesolowski", encoded, x, y, u64(squarings))


def challenge(x: bytes, y: bytes, squarings: int, modulus: int = N) -> int:
    """ℓ."""
    return hash_to_prime(transcript(x, y, squarings, modulus))


def prove(x: bytes, y: bytes, squarings: int, modulus: int = N) -> bytes:
    """π."""
    return power(x, (1 << squarings) // challenge(x, y, squarings, modulus), modulus)


def verify(x: bytes, y: bytes, pi: bytes, squarings: int, modulus: int = N) -> bool:
    """All of the verifier's checks."""
    elements = all(is_element(data, modulus) for data in (x, y, pi)) and number(x) != 1
    return elements and holds(x, y, pi, challenge(x, y, squarings, modulus), squarings, modulus)


def is_element(data: bytes, modulus: int = N) -> bool:
    """The one encoding of ±a for a unit a."""
    value = number(data)
    canonical = len(data) == length(modulus) and 1 <= value <= (modulus - 1) // 2
    return canonical and gcd(value, modulus) == 1


def holds(x: bytes, y: bytes, pi: bytes, ell: int, squarings: int, modulus: int = N) -> bool:
    """The equation alone."""
    return product([(pi, ell), (x, pow(2, squarings, ell))], modulus) == y


# --- many delays ------------------------------------------------------------------------------------------


def coefficients(seed: bytes, how_many: int) -> list[int]:
    """α or β: 128 bits each."""
    stream = shake("escapement/v1/coefficients", seed, 16 * how_many)
    return [number(stream[16 * i : 16 * (i + 1)]) for i in range(how_many)]


def batch_seed(delays: list[tuple[bytes, bytes, bytes]], squarings: int, modulus: int = N) -> bytes:
    """What β comes from, for (x, y, π) of every delay."""
    transcripts = b"".join(transcript(x, y, squarings, modulus) for x, y, _ in delays)
    proofs = b"".join(pi for _, _, pi in delays)
    return sha("escapement/v1/batch", u64(len(delays)), transcripts, proofs)


def batch_holds(
    delays: list[tuple[bytes, bytes, bytes]], betas: list[int], squarings: int, modulus: int = N
) -> bool:
    """The equation of all delays at once, with these coefficients."""
    left, right = [], []
    for (x, y, pi), beta in zip(delays, betas, strict=True):
        ell = challenge(x, y, squarings, modulus)
        left += [(pi, ell * beta), (x, pow(2, squarings, ell) * beta)]
        right.append((y, beta))
    return product(left, modulus) == product(right, modulus)


def run_seed(statements: list[Statement], squarings: int, modulus: int = N) -> bytes:
    """u, which α and ℓ come from."""
    transcripts = (transcript(x, y, squarings, modulus) for x, y in statements)
    return sha("escapement/v1/wesolowski-run", u64(len(statements)), *transcripts)


def run_challenges(statements: list[Statement], squarings: int, modulus: int = N) -> tuple[list[int], int]:
    """α and ℓ."""
    seed = run_seed(statements, squarings, modulus)
    return coefficients(seed, len(statements)), hash_to_prime(seed)


def prove_run(statements: list[Statement], squarings: int, modulus: int = N) -> bytes:
    """The one π."""
    alphas, ell = run_challenges(statements, squarings, modulus)
    base = product([(x, a) for (x, _), a in zip(statements, alphas, strict=True)], modulus)
    return power(base, (1 << squarings) // ell, modulus)


def run_holds(
    statements: list[Statement], pi: bytes, alphas: list[int], ell: int, squarings: int, modulus: int = N
) -> bool:
    """The equation of a run, with these coefficients and this ℓ."""
    base = product([(x, a) for (x, _), a in zip(statements, alphas, strict=True)], modulus)
    output = product([(y, a) for (_, y), a in zip(statements, alphas, strict=True)], modulus)
    return holds(base, output, pi, ell, squarings, modulus)
