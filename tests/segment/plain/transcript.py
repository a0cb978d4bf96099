"""Fiat–Shamir over Poseidon: the prover's messages are the proof, nothing else is.

    start(statement)            state = H(START; statement)
    exchange(domain, msg, q)    (c_1..c_q) = H(domain; state, msg → q), state = c_1

`extra` are values that the statement's readers hold as curve points in the proof's point section: absorbed
after msg, not part of the elements. A message's length and q are functions of the program, so no length is
absorbed besides the ones in the sponge's tag.
"""

from collections.abc import Sequence

from .field import P
from .poseidon import hash_many, hash_one

START, MESSAGE, ROUND, POINT, DATASET, BLIND = 16, 17, 18, 19, 20, 21  # domains


class Malformed(Exception):
    """The proof's bytes are not a proof of this program."""


class Rejected(Exception):
    """A well-formed proof of something false."""


def need(holds: bool, why: str) -> None:
    """A verifier's check."""
    if not holds:
        raise Rejected(why)


class ProverTranscript:
    """Writes `proof`; `log` has (domain, elements, challenges) of every exchange."""

    def __init__(self, statement: Sequence[int]) -> None:
        self.state = hash_one(START, [a % P for a in statement])
        self.proof: list[int] = []
        self.log: list[tuple[int, int, int]] = []

    def exchange(self, domain: int, message: Sequence[int], q: int, extra: Sequence[int] = ()) -> list[int]:
        """Sends `message`; the challenges that follow."""
        message = [m % P for m in message]
        self.proof += message
        self.log.append((domain, len(message) + len(extra), q))
        challenges = hash_many(domain, [self.state, *message, *extra], q)
        self.state = challenges[0]
        return challenges


class VerifierTranscript:
    """Reads a proof's elements in the same exchanges."""

    def __init__(self, statement: Sequence[int], proof: Sequence[int]) -> None:
        self.state = hash_one(START, [a % P for a in statement])
        self.proof, self.position = proof, 0

    def receive(
        self, domain: int, length: int, q: int, extra: Sequence[int] = ()
    ) -> tuple[list[int], list[int]]:
        """The next message of `length` elements and the challenges that follow."""
        message = list(self.proof[self.position : self.position + length])
        self.position += length
        if len(message) < length:
            raise Malformed("proof too short")
        if not all(0 <= m < P for m in message):
            raise Malformed("element not canonical")
        challenges = hash_many(domain, [self.state, *message, *extra], q)
        self.state = challenges[0]
        return message, challenges

    def finish(self) -> None:
        """The end of the proof."""
        if self.position != len(self.proof):
            raise Malformed("proof too long")
