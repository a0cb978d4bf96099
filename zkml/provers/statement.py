"""What a verified chain of steps shows, and what not, in words and as one JSON object.

The lists are complete, in the terms of docs/threat-model.md; what one prover leaves open besides comes from
its backend (`not_bound`).
"""

from typing import Any

from zkml.provers.chain import Verified


def to_dict(verified: Verified) -> dict[str, Any]:
    """All figures and sentences; byte strings as hexadecimal."""
    terms = verified.terms
    return {
        "schema": SCHEMA,
        "insecure": verified.insecure,
        "prover": terms.prover,
        "terms": verified.statement.hex(),
        "program": terms.decoded.digest().hex(),
        "rows": terms.rows.hex(),
        "nonce": terms.nonce.hex(),
        "reference_string": terms.srs.hex() if any(terms.srs) else None,
        "segments": terms.segments,
        "links": verified.links,
        "steps": verified.steps,
        "group": terms.group,
        "squarings_per_delay": terms.squarings,
        "squarings": verified.squarings,
        "checkpoints": [checkpoint.hex() for checkpoint in verified.checkpoints],
        "file_bytes": verified.file_bytes,
        "proof_bytes": verified.proof_bytes,
        "shown": list(SHOWN),
        "not_bound": list(verified.not_bound),
        "not_shown": list(NOT_SHOWN),
    }


def words(verified: Verified) -> str:
    """The same for a person; an insecure chain says so in its first line."""
    terms, program = verified.terms, verified.terms.decoded
    layers = "-".join(map(str, program.widths))
    lines = [
        "VERIFIED: the chain holds under these terms"
        if verified.insecure is None
        else f"INSECURE: {verified.insecure}.\nThe equations hold, and show nothing.",
        "",
        f"Prover               {terms.prover}",
        f"Terms                {verified.statement.hex()}",
        f"Program              {program.digest().hex()}",
        f"                     layers {layers}, batch {program.batch}, {program.rows} rows",
        f"Steps                {verified.steps:,} in {terms.segments} segments, {verified.links:,} links",
        f"Delays               {verified.squarings:,} squarings one after the other, {terms.squarings:,} "
        f"before each segment, in {terms.group}",
        *([f"Reference string     SHA-256 {terms.srs.hex()}"] if any(terms.srs) else []),
        f"First weights        {verified.checkpoints[0].hex()}",
        f"Last weights         {verified.checkpoints[-1].hex()}",
        f"File                 {verified.file_bytes:,} bytes, of which proofs {verified.proof_bytes:,}",
        *_list("It shows, up to what this prover leaves open:", SHOWN),
        *_list(f"What {terms.prover} leaves open:", verified.not_bound or ("nothing of the above",)),
        *_list("No chain of steps shows:", NOT_SHOWN),
    ]
    return "\n".join(lines)


def _list(title: str, sentences: tuple[str, ...]) -> list[str]:
    return ["", title, *(f"  - {sentence}" for sentence in sentences)]


SCHEMA = "escapement/steps-statement/1"
SHOWN = (
    "the weights behind each hash follow from those behind the hash before it by this program's steps, as "
    "the prover carries them out",
    "the steps of each segment ran on the batches that the seed of the delay before it gives, of the rows "
    "agreed on",
    "the first weights are those that program and nonce give: no model trained beforehand",
    "from when the nonce was known until this file existed, at least the stated squarings ran one after the "
    "other; and, unless batches can be guessed, until the last weights existed",
)
NOT_SHOWN = (
    "when anything happened, or how long it took: the terms state squarings, and no rate",
    "that the nonce was drawn after the rows were committed to: true only if you drew it then yourself",
    "that this is the only chain: of several terms, or several nonces, a trainer may show one",
    "that nothing else was computed elsewhere or on a fork, and who computed this: it has no licence and no "
    "signature",
    "that training waited for the delays where batches can be guessed: few distinct rows, or weights that "
    "start at zero",
    "that the trainer still has the weights",
    "that the rows are diverse, correct, lawful or of any origin, or that none distils another model",
    "how well the model performs",
)
