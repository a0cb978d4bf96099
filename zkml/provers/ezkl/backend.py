"""`--prover ezkl`: the peer behind the interface of `zkml.provers.interface`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from zkml.errors import ProverMissing, TermsMismatch
from zkml.program import Program
from zkml.provers.ezkl.child import REMEDY
from zkml.provers.ezkl.estimate import estimate
from zkml.provers.ezkl.layout import layout
from zkml.provers.ezkl.prover import EzklSteps, make_steps
from zkml.provers.ezkl.setup import PROVING, VERIFYING, set_up
from zkml.provers.ezkl.verifier import EzklVerifier
from zkml.provers.interface import Estimate, Limits, Work

VERSION = "23.0.5"


class EzklBackend:
    """One proof and one link per step; a program's k is only a factor of the steps per segment."""

    name = "ezkl"

    @property
    def not_bound(self) -> tuple[str, ...]:
        """What ezkl's proofs leave open."""
        return NOT_BOUND

    def require(self) -> None:
        """Require ezkl 23.0.5, torch and onnxscript. Raises ProverMissing."""
        for module in ("ezkl", "torch", "onnxscript"):
            if importlib.util.find_spec(module) is None:
                raise ProverMissing(f"ezkl: the module {module} is not installed; {REMEDY}")
        found = importlib.metadata.version("ezkl")
        if found != VERSION:
            raise ProverMissing(f"ezkl: version {found} is installed, {VERSION} is needed; {REMEDY}")

    def links_per_segment(self, program: Program) -> int:
        """m·k: one per step."""
        return layout(program).steps

    def limits(self, program: Program) -> Limits:
        """A hash per row, and one proof per link behind the hashes of its tensors."""
        shape = layout(program)
        proof = 32 * len(shape.weights) + shape.most_proof
        return Limits(rows=32 * program.rows, proofs=1, proof=proof, last=0)

    def estimate(self, program: Program) -> Estimate:
        """From a model of rows and columns; see `zkml.provers.ezkl.estimate`."""
        return estimate(program)

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> EzklSteps:
        """Export, compile and make keys, or take the kept ones; hash the rows."""
        self.require()
        return make_steps(set_up(work.program, folder, srs, PROVING), work)

    def verifier(self, program: Program, folder: Path, srs: Path | None) -> EzklVerifier:
        """The verifier's own keys. To check proofs made with a local reference string, give that file."""
        self.require()
        if srs is None:
            raise TermsMismatch("ezkl: a verifier needs the reference string that the proofs were made with")
        return EzklVerifier(set_up(program, folder, srs, VERIFYING))


NOT_BOUND = (
    "Training is ezkl's fixed point at 16 fractional bits, not the exact integer step of the program: "
    "no clamping of activations and gradients to their widths, the gradient of ReLU at exactly 0 is 0, "
    "and the first weights are the genesis rounded to that precision.",
    "Rounding is the prover's choice: as its source reads, ezkl's division accepts both integers next "
    "to a quotient, so whoever proves can pick among very many next weights, and grind what follows "
    "from their hash.",
    "Rows are hashed without salt and weights without blinding: whoever guesses a row, or all weights, "
    "can confirm the guess, and equal rows or tensors show as equal.",
    "Rows are not shown to be in range when they are hashed: a step clamps its pixels to the input "
    "range, and one whose pixels are too large for ezkl's digits cannot be proven. A class index may be "
    "any number, a fraction too; one that is none of the classes trains towards all zeros.",
    "Weights are not range-checked: ezkl skips that for hashed inputs and outputs. They are small "
    "because genesis is and every update is bounded.",
    "What was agreed on beforehand enters a proof only through the batches that the seeds give: the same "
    "proofs serve whatever has the same circuit, first weights, rows and batches, whatever else its terms "
    "say. A proof says nothing of who made it, and anyone can copy it.",
    "A proof for every step, none of them aggregated: size and verification time grow with the steps, "
    "and their number and the batches' row indices are visible.",
    "Proofs hold only if nobody knows the secret of the reference string (KZG over BN254, about 100 "
    "bits by current estimates). Nothing in the file shows who made it, and one made on the spot is "
    "recognised by its name alone: compare the SHA-256 with a ceremony's.",
    "The circuit is what ezkl 23.0.5 makes of a graph that torch exported. Verifier and prover need "
    "versions of both that make the same keys; export and circuit are compared with torch on random "
    "steps, not proven equal.",
    "ezkl's soundness is taken on trust: version 21.0.0 was audited (Trail of Bits, March 2025: missing "
    "multiplicities in shuffles, free signs of zero, missing range checks in division, addressed since); "
    "no audit of 23.0.5 is known. Its default way to check products is not used here, because nothing "
    "ties the result that it checks to the result that later operations read.",
)
