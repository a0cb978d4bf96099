"""The challenge prime ℓ: 256 bits, a function of the transcript alone, no nonce of the prover (protocol §9).

    candidate_j = 256 bits of expand("escapement/v1/prime", t ‖ u64(j)), highest and lowest bit set
    ℓ = the first candidate that is prime

Prime means: strong Baillie–PSW, then 24 Miller–Rabin rounds with bases
2 + (320 bits of expand("escapement/v1/prime-base", candidate ‖ u64(r)) mod (candidate − 3)).

Error, with SHAKE-256 as random oracle and Baillie–PSW counted as nothing: candidates are uniform odd 256-bit
integers, so ℓ is composite with probability p_{256,24} < 256^1.5·2^24·24^−0.5·4^(2−√(24·256)) < 2^−119 per
transcript (Damgård, Landrock, Pomerance, Math. Comp. 61, 1993); who tries Q transcripts gets a composite with
probability < Q·2^−119. For one given composite the bound is the weaker 4^−24 = 2^−48.
Cost: about 89 candidates, 0.5 ms.
"""

from gmpy2 import gcd, is_strong_bpsw_prp, is_strong_prp, mpz, primorial

from vdf.encoding import expand, u64


def hash_to_prime(transcript: bytes) -> int:
    """ℓ for a transcript of 32 bytes; 2^255 < ℓ < 2^256."""
    attempt = 0
    while True:
        found = candidate(transcript, attempt)
        if is_prime(found):
            return found
        attempt += 1


def candidate(transcript: bytes, attempt: int) -> int:
    """The odd 256-bit integer number `attempt` of a transcript."""
    data = expand(PRIME_TAG, transcript + u64(attempt), PRIME_BITS)
    return int.from_bytes(data, "big") | (1 << (PRIME_BITS - 1)) | 1


def is_prime(odd: int) -> bool:
    """Whether an odd integer of exactly 256 bits is prime; the error is in the module's header.

    All primes are accepted, so two implementations can differ only by an error of that size.
    """
    number = mpz(odd)
    if gcd(number, SMALL_PRIMES) != 1 or not is_strong_bpsw_prp(number):
        return False
    data = odd.to_bytes(PRIME_BITS // 8, "big")
    return all(is_strong_prp(number, _base(data, number, r)) for r in range(ROUNDS))


def _base(data: bytes, number: mpz, index: int) -> mpz:
    """Base `index` of the Miller–Rabin rounds, in 2..number−2."""
    wide = expand(BASE_TAG, data + u64(index), PRIME_BITS + BASE_EXTRA_BITS)
    return mpz(int.from_bytes(wide, "big")) % (number - 3) + 2


PRIME_TAG = "escapement/v1/prime"
BASE_TAG = "escapement/v1/prime-base"
PRIME_BITS = 256  # security: 2λ for λ = 128, Boneh, Bünz, Fisch, ePrint 2018/712, §6
BASE_EXTRA_BITS = 64  # security: bias of a base ≤ 2^−64, changes the error by a factor < 1 + 2^−58
ROUNDS = 24  # security: derivation in the header
SMALL_PRIMES = primorial(1000)  # knob: most candidates fall here
