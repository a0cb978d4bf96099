"""Every error that zkml raises: a stable `code`, the command line's `exit_code`, a message with a remedy.

exit_code: 1 false, 2 usage, 3 unsupported model, 4 resources, 5 I/O or format.
"""

from __future__ import annotations


class ZkmlError(Exception):
    """Base of all errors of this package."""

    code: str = "zkml"
    exit_code: int = 1


class ProgramFormatError(ZkmlError):
    """The bytes are not the canonical encoding of a program: CBOR, structure, types or trailing bytes."""

    code = "program-malformed"
    exit_code = 5


class ProgramRangeError(ZkmlError):
    """A field of a program is outside its range of protocol §3."""

    code = "program-range"
    exit_code = 5


class ProgramOverflowError(ZkmlError):
    """The static analysis cannot exclude that a value wraps; names the tensor and the bits it needs."""

    code = "program-overflow"
    exit_code = 3


class ModelFileError(ZkmlError):
    """The ONNX file cannot be read or is not a valid ONNX model."""

    code = "model-file"
    exit_code = 5


class UnsupportedModelError(ZkmlError):
    """The graph uses something that has no translation; names node, op and the nearest supported rewrite."""

    code = "model-unsupported"
    exit_code = 3


class ModelShapeError(ZkmlError):
    """Shapes in the graph are dynamic, missing, or do not fit each other or the data."""

    code = "model-shape"
    exit_code = 3


class ConfigError(ZkmlError):
    """A value of the training configuration is outside its range."""

    code = "config"
    exit_code = 2


class LearningRateError(ConfigError):
    """learning_rate / batch is not c·2^−κ with c and κ in range; names the nearest rates that are."""

    code = "learning-rate"


class ScaleError(ZkmlError):
    """The chosen scales cannot hold the values that occur; names the tensor and the bits it needs."""

    code = "scale"
    exit_code = 3


class DataFileError(ZkmlError):
    """The dataset cannot be read, or lacks the arrays x and y."""

    code = "data-file"
    exit_code = 5


class DataShapeError(ZkmlError):
    """x and y have the wrong rank, type or length."""

    code = "data-shape"
    exit_code = 5


class DataNotFiniteError(ZkmlError):
    """x holds NaN or infinity; names the first row and column."""

    code = "data-not-finite"
    exit_code = 5


class DataLabelError(ZkmlError):
    """A label is not a class index; names the first row."""

    code = "data-label"
    exit_code = 5


class DataSizeError(ZkmlError):
    """The dataset, or one side of its split, has too few rows."""

    code = "data-too-small"
    exit_code = 5


class TensorError(ZkmlError):
    """Weights, samples, labels or nonce passed to the executor have the wrong shape, type or range."""

    code = "tensor"
    exit_code = 2


class ProverError(ZkmlError):
    """A step prover cannot do what was asked; base of the errors below."""

    code = "prover"
    exit_code = 4


class ProverUnknown(ProverError):
    """No prover has this name; names those there are."""

    code = "prover-unknown"
    exit_code = 2


class ProverSecret(ProverError):
    """The file of a prover's secret is damaged, open to others, or cannot be read or written."""

    code = "prover-secret"
    exit_code = 5


class ProverMissing(ProverError):
    """The prover is not installed, or in another version than the one it was written for; the remedy."""

    code = "prover-missing"


class ProverFailed(ProverError):
    """The prover panicked, was killed, or answered what it must not; what it said, in its own words."""

    code = "prover-failed"


class ProverMemory(ProverError):
    """The prover needs more memory than there is, or was killed for it."""

    code = "prover-memory"


class ProverUnsupported(ProverError):
    """The program has a shape that this prover cannot take; names the field."""

    code = "prover-unsupported"
    exit_code = 3


class ExportError(ProverError):
    """The step that torch exported is not the step that was asked for; names tensor and difference."""

    code = "export-differs"
    exit_code = 3


class SrsError(ProverError):
    """A structured reference string is damaged, inconsistent, or of another format; says where."""

    code = "srs-damaged"
    exit_code = 5


class SrsUnreadable(SrsError):
    """The file of a structured reference string does not exist or cannot be read; the system's words."""

    code = "srs-unreadable"


class SrsTooSmall(ProverError):
    """A structured reference string has too few powers; how many are needed."""

    code = "srs-too-small"


class ProofRejected(ProverError):
    """A proof is well-formed and false; names the segment and link."""

    code = "proof-rejected"
    exit_code = 1


class ProofMalformed(ProverError):
    """Bytes of a proof have the wrong form; names the segment and link."""

    code = "proof-malformed"
    exit_code = 5


class TermsMalformed(ZkmlError):
    """A file of terms is not one, or a field of it is out of range; names the field."""

    code = "terms-malformed"
    exit_code = 5


class TermsMismatch(ZkmlError):
    """What is at hand is not what the terms state: prover, rows or reference string."""

    code = "terms-mismatch"
    exit_code = 2
