"""The group "rsa-2048" as policies name it: delays in Z_N*/{±1}, one proof of 256 bytes for a whole run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vdf.errors import Rejected
from vdf.group import Delay, Group, Progress, Stop, require_squarings
from vdf.record import discard, proof_state, set_aside
from vdf.rsa import batch, wesolowski
from vdf.rsa.elements import Elements, hash_to_element
from vdf.rsa.evaluation import Evaluation, evaluate, measure
from vdf.rsa.kept import keep


@dataclass(frozen=True)
class RsaGroup(Group):
    """Delays over `elements`; x, y and π are elements. `Delay.kept`: see kept.py."""

    name: str
    elements: Elements

    @property
    def output_bytes(self) -> int:  # type: ignore[override]
        """The length of an element."""
        return self.elements.element_bytes

    def input(self, context: bytes, squarings: int) -> bytes:
        """The element that the context selects; T is bound by the challenge."""
        require_squarings(squarings)
        return hash_to_element(self.elements, context)

    def proof_bytes(self, squarings: int) -> int:
        """One element."""
        return self.elements.element_bytes

    def run_proof_bytes(self, squarings: int, delays: int) -> int:
        """One element, however many delays."""
        return self.elements.element_bytes

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
        """Evaluate on one core, prove on all; the proof's progress is beside `state` (record.proof_state)."""
        done = evaluate(self.elements, x, squarings, state=state, progress=progress, stop=stop)
        if on_output is not None:
            on_output(done.y)
        pi = self._prove(done, state, stop)
        return Delay(x, done.y, pi, squarings, keep(self.elements, done))

    def verify(self, x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
        """wesolowski.verify."""
        wesolowski.verify(self.elements, x, y, pi, squarings)

    def verify_each(self, delays: Sequence[Delay]) -> None:
        """batch.verify_each."""
        batch.verify_each(self.elements, delays)

    def prove_run(self, delays: Sequence[Delay]) -> bytes:
        """batch.prove_run."""
        return batch.prove_run(self.elements, delays)

    def verify_run(self, xs: Sequence[bytes], ys: Sequence[bytes], proof: bytes, squarings: int) -> None:
        """batch.verify_run."""
        batch.verify_run(self.elements, xs, ys, proof, squarings)

    def calibrate(self, seconds: float) -> float:
        """evaluation.measure."""
        return measure(self.elements, seconds)

    def _prove(self, done: Evaluation, state: Path | None, stop: Stop | None) -> bytes:
        """π; a false one is made once more from the start; if that is false too, so was the evaluation."""
        place = None if state is None else proof_state(state)
        try:
            return wesolowski.prove(self.elements, done, state=place, stop=stop)
        except Rejected:
            if place is not None:
                discard(place)
            try:
                return wesolowski.prove(self.elements, done, state=place, stop=stop)
            except Rejected as error:
                if state is not None:
                    set_aside(state, str(error))  # the same call must not meet the fault again
                raise
