"""What a valid bundle shows, what it does not, and what its reader learns: the texts of every statement.

Complete lists, in the terms of docs/threat-model.md. A segment bundle shows the same training, does not show
what only a proof of derived blinds would, and hides less: its messages are not masked.
"""

from ivc.program import SEGMENT


def not_shown(arithmetisation: str) -> tuple[str, ...]:
    """What no bundle of this arithmetisation shows."""
    return _NOT_SHOWN + (_SEGMENT_NOT_SHOWN if arithmetisation == SEGMENT else ())


def learned(arithmetisation: str) -> tuple[str, ...]:
    """What whoever has a bundle of this arithmetisation learns."""
    return _LEARNED + (_SEGMENT_LEARNED if arithmetisation == SEGMENT else _NOTHING_ELSE)


SHOWN = (
    "C_1 to C_N follow from C_0 by exactly the stated steps of exactly this program, in integers",
    "every batch was drawn from the rows under the dataset root, by the seed of the delay before its segment",
    "C_0 commits to the initial weights that program and nonce give: it is no model trained beforehand",
    "from when the nonce was known until C_N existed, at least the stated squarings ran one after the other",
    "whoever can sign for the device key signed this bundle",
)
_NOT_SHOWN = (
    "when anything happened: the seconds are a least duration by the policy's rate, not a date",
    "that nothing else was computed, elsewhere or on a fork of this run; no licences are checked",
    "that this is the trainer's only run: of several requests it may submit one",
    "that training waited for the delays where batches can be guessed: few distinct rows, or weights that "
    "start at zero",
    "that the trainer still has the weights",
    "that the rows are diverse (rows never drawn may be anything), correct, lawful or the dataset that the "
    "request names",
    "that no other model was distilled into this one through crafted rows",
    "how well the model performs: test rows are named by a digest only, no accuracy is proven",
    "that the device key is held by one machine, or by the one registered",
)
_LEARNED = (
    "the program: layers, widths, learning rate, formats, batch size, number of training rows",
    "the initial weights, which the nonce gives to anybody who has it",
    "number of segments; which row numbers were in which batch, from the seeds (not the rows)",
    "one hiding commitment per checkpoint and to the blinding key; a hiding root over the rows",
    "dataset name, split seed, number of test rows, and an unsalted digest of the test rows, by which a "
    "guess of them can be confirmed",
    "the device key, the delays' outputs and proofs, sizes of proof and file",
)
_NOTHING_ELSE = ("nothing else of weights, rows and labels, under the assumptions of docs/threat-model.md",)

# Only of arithmetisation segment.
_SEGMENT_NOT_SHOWN = (
    "that the blinds of the checkpoints are the derived ones: a trainer may have tried many blinds, run "
    "their delays side by side, and kept the seed that it liked best",
    "anything in constant size: proofs and time of verification grow with the number of folds",
)
_SEGMENT_LEARNED = (
    "of every fold some hundred field elements that are not masked: equations with public coefficients in "
    "weights, rows, labels, activations and gradients; commitments and the last opening hide, these do not",
    "so this proof is not zero-knowledge: every guess of rows or weights can be confirmed, what is small "
    "(biases, labels of a small fold) follows outright, and a long run gives more equations than unknowns; "
    "for a reader who must not learn rows or weights, use arithmetisation r1cs-nova",
)
