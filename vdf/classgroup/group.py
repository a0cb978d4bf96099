"""The group "class-1024" as policies name it: a proof per sub-delay, and a run's proof is all of them.

    verify: T; all lengths; then, some delays at a time, every form canonical in its own group, every equation

Of many delays the first that is malformed or false is named, and none after its chunk is looked at.

One proof for many delays, as in RSA, is impossible: each is in a group of its own, and elements of two
groups do not multiply. Cost: 4 ms per sub-delay on one core, shared among all cores; 20 ms per delay for its
group.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vdf.classgroup.chain import join, lengths, proof_bytes, require_squarings, split
from vdf.classgroup.checking import Checker, Claim
from vdf.classgroup.client import Worker, WorkerDied
from vdf.classgroup.discriminant import Setting, setting
from vdf.classgroup.evaluation import evaluate
from vdf.classgroup.forms import FORM_BYTES, NotCanonical, decode
from vdf.errors import Malformed, ResourceError, UsageError
from vdf.group import (
    CONTEXT_BYTES,
    Delay,
    Group,
    Progress,
    Stop,
    common_squarings,
    require_context,
    require_pairs,
)


@dataclass(frozen=True)
class ClassGroup(Group):
    """`sub_squarings`: another S than the formula's (`chain`), for tests only."""

    name: str
    sub_squarings: int | None = None
    output_bytes = FORM_BYTES

    def input(self, context: bytes, squarings: int) -> bytes:
        """The context itself: discriminant and base form are hashed from x and T (`discriminant`)."""
        require_squarings(squarings)
        require_context(context)
        return context

    def proof_bytes(self, squarings: int) -> int:
        """200 for every sub-delay, less the 100 of y."""
        require_squarings(squarings)
        return proof_bytes(self._parts(squarings))

    def run_proof_bytes(self, squarings: int, delays: int) -> int:
        """All delays' proofs."""
        return delays * self.proof_bytes(squarings)

    def delay(
        self,
        x: bytes,
        squarings: int,
        *,
        state: Path | None = None,
        on_output: Callable[[bytes], None] | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Delay:
        """evaluation.evaluate; evaluation and proof come together, so `on_output` is called at the end."""
        require_squarings(squarings)
        _check_length("x", "x", x, CONTEXT_BYTES)
        y, pi = join(evaluate(x, self._parts(squarings), state=state, progress=progress, stop=stop))
        if on_output is not None:
            on_output(y)
        return Delay(x, y, pi, squarings)

    def verify(self, x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
        """Check that y is x's base form after T squarings; returns nothing, raises if it is not shown.

        Raises UsageError `delay-squarings`, `delay-type`; Malformed `delay-x-length`, `delay-y-length`,
        `delay-pi-length`, then `delay-y-range`, `delay-pi-range`; Rejected `delay-false`,
        `delay-class-crashed`; ResourceError `delay-class-missing`, `-died`, `-timeout`.
        """
        require_squarings(squarings)
        self._verify([(x, y, pi)], squarings, [""])

    def verify_each(self, delays: Sequence[Delay]) -> None:
        """`verify` for all of them; UsageError `delay-batch` for no delay or unequal T."""
        squarings = common_squarings(delays)
        require_squarings(squarings)
        self._verify([(delay.x, delay.y, delay.pi) for delay in delays], squarings, _named(len(delays)))

    def prove_run(self, delays: Sequence[Delay]) -> bytes:
        """Their proofs, one after the other; lengths are checked here, all else by `verify_each`."""
        size = self.proof_bytes(common_squarings(delays))
        for where, delay in zip(_named(len(delays)), delays, strict=True):
            _check_length("pi", f"{where}pi", delay.pi, size)
        return b"".join(delay.pi for delay in delays)

    def verify_run(self, xs: Sequence[bytes], ys: Sequence[bytes], proof: bytes, squarings: int) -> None:
        """`verify` for all of them, with the proofs that `proof` consists of."""
        require_squarings(squarings)
        require_pairs(xs, ys)
        _check_length("pi", "the run's proof", proof, self.run_proof_bytes(squarings, len(xs)))
        size = self.proof_bytes(squarings)
        proofs = [proof[at : at + size] for at in range(0, len(proof), size)]
        self._verify(list(zip(xs, ys, proofs, strict=True)), squarings, _named(len(xs)))

    def calibrate(self, seconds: float) -> float:
        """Squarings per second of one core, with their proof, by processor time."""
        place, squarings = setting(bytes(CONTEXT_BYTES), 1), FIRST_SQUARINGS
        try:
            with Worker() as worker:
                _, _, taken = worker.prove(place.seed, place.base, squarings, _nothing)
                if seconds > 2 * taken > 0:
                    squarings = int(squarings * (seconds / taken - 1))
                    _, _, taken = worker.prove(place.seed, place.base, squarings, _nothing)
        except WorkerDied as error:
            raise ResourceError(
                "delay-class-died", f"the process that computes delays failed: {error}"
            ) from error
        return squarings / taken

    def _parts(self, squarings: int) -> list[int]:
        return lengths(squarings, self.sub_squarings)

    def _verify(
        self, delays: Sequence[tuple[bytes, bytes, bytes]], squarings: int, names: Sequence[str]
    ) -> None:
        parts = self._parts(squarings)
        for where, (x, y, pi) in zip(names, delays, strict=True):
            _check_length("x", f"{where}x", x, CONTEXT_BYTES)
            _check_length("y", f"{where}y", y, FORM_BYTES)
            _check_length("pi", f"{where}pi", pi, proof_bytes(parts))
        chunk = min(CHUNK_DELAYS, max(1, CHUNK_SUB_DELAYS // len(parts)))
        with Checker(len(delays) * len(parts)) as checker:
            for at in range(0, len(delays), chunk):
                claims: list[Claim] = []
                try:
                    for where, (x, y, pi) in zip(
                        names[at : at + chunk], delays[at : at + chunk], strict=True
                    ):
                        claims += _claims(where, setting(x, squarings), y, pi, parts)
                except Malformed:
                    checker.check(claims)  # a delay before this one may be false
                    raise
                checker.check(claims)


def _claims(where: str, place: Setting, y: bytes, pi: bytes, parts: Sequence[int]) -> list[Claim]:
    """What a delay claims; raises Malformed unless all its forms are canonical."""
    _check_form("y", f"{where}y", place, y)
    for at in range(0, len(pi), FORM_BYTES):
        _check_form("pi", f"{where}pi, byte {at}", place, pi[at : at + FORM_BYTES])
    steps = enumerate(split(place.base, y, pi, parts))
    return [Claim(f"{where}sub-delay {n} of {len(parts)}", place.discriminant, step) for n, step in steps]


def _check_length(name: str, where: str, data: bytes, expected: int) -> None:
    if not isinstance(data, bytes):
        raise UsageError("delay-type", f"{where}: expected bytes, got {type(data).__name__}")
    if len(data) != expected:
        raise Malformed(f"delay-{name}-length", f"{where}: expected {expected} bytes, got {len(data)}")


def _check_form(name: str, where: str, place: Setting, data: bytes) -> None:
    try:
        decode(place.discriminant, data)
    except NotCanonical as error:
        raise Malformed(f"delay-{name}-range", f"{where}: not the canonical form: {error}") from error


def _named(number: int) -> list[str]:
    return [f"delay {index}: " for index in range(number)]


def _nothing() -> None:
    """Calibration is not interrupted."""


CHUNK_DELAYS = 16  # a third of a second for their groups
CHUNK_SUB_DELAYS = 1024  # fewer delays if each has many sub-delays: four seconds of one core
FIRST_SQUARINGS = 1 << 14  # a tenth of a second
