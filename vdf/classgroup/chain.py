"""A delay as a chain of sub-delays, each with Chia's proof, and why that proves the delay.

    S = min(2^28, max(2^20, ⌈T/256⌉)), m = ⌈T/S⌉
    x_0 = base form,  x_{j+1} = y_j = x_j^(2^S), the last one x_j^(2^(T − (m−1)·S)),  y = y_{m−1}
    π = y_0 ‖ π_0 ‖ … ‖ y_{m−2} ‖ π_{m−2} ‖ π_{m−1}                              200·m − 100 bytes
    B_j = hash_prime(x_j ‖ y_j, 264, bit 263),   π_j^B_j · x_j^(2^length mod B_j) = y_j

Chia's challenge B leaves out D and the length. Here neither can be chosen after B:
- The length: T and j fix it, and T is hashed into D and base form. One group sees two lengths, so a query
  (x_j, y_j) has two elements y_j/x_j^(2^length) whose B-th root would forge, both fixed before B: a factor
  of 2 in the reduction to the adaptive root assumption.
- D: the base form names a prime of 256 bits hashed from the seed of D, so nobody queries it before that
  seed, but for 2^−245 per pair of query and seed. Squaring is a bijection (odd class number), so the true
  y_j are as unforeseeable, and the first false sub-delay starts from a true one. Were (2, 1) the base form,
  an element of every group, B could be known before D: already (2, 1)^n for n < 500 depends on few bits of
  D.
- hash_prime counts up from its seed, so strings that differ in their last two bytes (g and ⌊|b|/(a/g)⌋) may
  have one B, known before the choice among them: fewer than 2^13 strings in 2^80 queries, nearly all of them
  no form. A factor again.
The verifier is in `group`, the prover in `evaluation`; both ask the native code in `worker`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vdf.classgroup.forms import FORM_BYTES
from vdf.group import require_squarings as require_up_to


@dataclass(frozen=True)
class Step:
    """One sub-delay: encoded forms, and its length."""

    x: bytes
    y: bytes
    pi: bytes
    squarings: int


def require_squarings(squarings: int) -> None:
    """Require an int, not a bool, of 1..2^40; raises UsageError `delay-squarings`."""
    require_up_to(squarings, MOST_BITS)


def lengths(squarings: int, sub_squarings: int | None = None) -> list[int]:
    """The lengths of the sub-delays of T ≥ 1 squarings; another S than the formula's is for tests."""
    size = sub_squarings or min(MOST_SUB_SQUARINGS, max(LEAST_SUB_SQUARINGS, -(-squarings // FEW_SUB_DELAYS)))
    whole = (squarings - 1) // size
    return [size] * whole + [squarings - whole * size]


def proof_bytes(parts: Sequence[int]) -> int:
    """Length of π for these sub-delays."""
    return (2 * len(parts) - 1) * FORM_BYTES


def split(base: bytes, y: bytes, pi: bytes, parts: Sequence[int]) -> list[Step]:
    """The sub-delays that y and π of the right lengths claim."""
    forms = [pi[at : at + FORM_BYTES] for at in range(0, len(pi), FORM_BYTES)]
    forms.insert(len(forms) - 1, y)
    outputs, proofs = forms[::2], forms[1::2]
    return [Step(*fields) for fields in zip([base, *outputs], outputs, proofs, parts, strict=False)]


def join(steps: Sequence[Step]) -> tuple[bytes, bytes]:
    """(y, π) of finished sub-delays: the inverse of `split`."""
    before = b"".join(step.y + step.pi for step in steps[:-1])
    return steps[-1].y, before + steps[-1].pi


# Protocol §9.2: what sub-delays a delay has.
MOST_BITS = 40  # T ≤ 2^40: at most 4096 sub-delays
LEAST_SUB_SQUARINGS = 1 << 20  # six seconds of work, the least that is worth 200 bytes of proof
FEW_SUB_DELAYS = 256  # as long as S is below its bound: 51 KB of proof, a second of verification
MOST_SUB_SQUARINGS = 1 << 28  # half a gigabyte in chiavdf; a kill loses 25 minutes; m goes up to 4096
