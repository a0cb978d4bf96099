"""The bytes of one link's proof, and what a link says.

    proof = hash of each weight tensor after the step (32 bytes each, little-endian, below r) ‖ halo2 proof

All other instances are the verifier's own: hashes of the weights before, and of the batch's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.errors import ProofMalformed
from zkml.provers.ezkl.field import is_canonical, weights_hash
from zkml.provers.ezkl.layout import Layout
from zkml.provers.interface import Link


@dataclass(frozen=True)
class Step:
    """Hashes of the weight tensors after a step, and halo2's bytes."""

    after: tuple[bytes, ...]
    proof: bytes


def link(step: Step) -> Link:
    """The link of one proven step."""
    return Link(weights_hash(step.after), (b"".join(step.after) + step.proof,))


def parse(link: Link, layout: Layout, where: str) -> Step:
    """What a link claims of a step of that layout. Raises ProofMalformed, naming `where`."""
    if len(link.proofs) != 1:
        raise ProofMalformed(f"{where}: one proof expected, got {len(link.proofs)}")
    data, head, most = link.proofs[0], 32 * len(layout.weights), layout.most_proof
    if not head < len(data) <= head + most or len(data) % 32:
        raise ProofMalformed(
            f"{where}: {len(data)} bytes; {head} of hashes and a multiple of 32, up to {most}, expected"
        )
    after = tuple(data[i : i + 32] for i in range(0, head, 32))
    for i, element in enumerate(after):
        if not is_canonical(element):
            raise ProofMalformed(f"{where}: hash {i} is not a canonical field element")
    if link.after != weights_hash(after):
        raise ProofMalformed(f"{where}: it is not the hash of the weights that its proof names")
    return Step(after, data[head:])


def instances(before: Sequence[bytes], batch: Sequence[bytes], after: Sequence[bytes]) -> list[str]:
    """A step's instances in ezkl's order and hex."""
    return [element.hex() for element in (*before, *batch, *after)]
