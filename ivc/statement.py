"""What a valid bundle shows: an immutable record with a versioned schema, as JSON or in words.

seconds = N·T / fastest_squarings_per_second, the policy's absolute rate; no other conversion is made.
`shown`, `not_shown` and `learned` are complete lists, in the terms of docs/threat-model.md (`ivc.limits`).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from ivc import limits
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.program import NOVA, SEGMENT, Layer, ProgramInfo
from ivc.request import Request
from ivc.verifying import AnyBundle


@dataclass(frozen=True)
class Statement:
    """The verified facts. Digests and commitments: 32 bytes; `checkpoints`: C_0..C_N; `squarings`: N·T.

    `steps` = `folds`·`steps_per_fold`, `folds` = `segments`·`folds_per_segment`; `seconds` is at least how
    long N·T squarings take at `fastest_squarings_per_second`. `dataset_name`, `split_seed`, `test_rows` and
    `test_digest` are claims of the request that no proof covers.
    """

    schema: str
    arithmetisation: str
    program: bytes
    request: bytes
    manifest: bytes
    verifying_key: bytes
    nonce: bytes
    device_key: bytes
    scheme: str
    layers: tuple[Layer, ...]
    weights: int
    batch: int
    steps_per_fold: int
    folds_per_segment: int
    segments: int
    folds: int
    steps: int
    checkpoints: tuple[bytes, ...]
    dataset_root: bytes
    training_rows: int
    dataset_name: str
    split_seed: int
    test_rows: int
    test_digest: bytes
    group: str
    squarings_per_delay: int
    squarings: int
    fastest_squarings_per_second: int
    fastest_source: str
    seconds: float
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    learned: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON's types only: bytes as lower-case hexadecimal, tuples as lists."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def words(self) -> str:
        """The statement as text for people; ASCII apart from the policy's own source line."""
        shape = " > ".join([str(self.layers[0].d_in), *(str(layer.d_out) for layer in self.layers)])
        lines = [
            "VERIFIED: this bundle is what its policy asks for.",
            "",
            f"Training   {self.steps} steps of the program {self.program.hex()}",
            f"           layers {shape}, {self.weights} weights, {self.batch} samples per step",
            f"           segments {self.segments}, folds per segment {self.folds_per_segment},"
            f" steps per fold {self.steps_per_fold}",
            f"Model      from C_0 {self.checkpoints[0].hex()} (weights that the nonce determines)",
            f"           to   C_{self.segments} {self.checkpoints[-1].hex()}",
            f"Dataset    root {self.dataset_root.hex()} over {self.training_rows} rows",
            f"           claimed: {self.dataset_name}, split seed {self.split_seed},"
            f" {self.test_rows} test rows",
            f"Delay      at least {self.squarings} squarings one after the other in {self.group}",
            f"           ({self.segments} delays of {self.squarings_per_delay}), which take at least",
            f"           {_duration(self.seconds)}"
            f" at {self.fastest_squarings_per_second} squarings per second",
            f"           ({self.fastest_source})",
            f"Proof      {_PROOFS[self.arithmetisation]},",
            f"           {self.scheme} ({_SCHEMES[self.scheme]})",
            f"Request    {self.request.hex()}",
            f"Manifest   {self.manifest.hex()}",
            f"Device     {self.device_key.hex()}",
        ]
        for title, items in (
            ("Shown, under the assumptions of docs/threat-model.md", self.shown),
            ("NOT shown", self.not_shown),
            ("You learn", self.learned),
        ):
            lines += ["", f"{title}:", *(f"  - {item}" for item in items)]
        return "\n".join(lines)


def make_statement(
    policy: Policy, request: Request, program: ProgramInfo, manifest: Manifest, bundle: AnyBundle
) -> Statement:
    """The statement of a bundle that has passed every check of protocol §10; checks nothing itself."""
    segments = len(bundle.segments)
    folds = segments * program.folds_per_segment
    squarings = segments * policy.squarings
    return Statement(
        schema=SCHEMA,
        arithmetisation=program.arithmetisation,
        program=program.digest,
        request=policy.request,
        manifest=manifest.digest(),
        verifying_key=policy.verifying_key,
        nonce=policy.nonce,
        device_key=request.device_key,
        scheme=request.scheme,
        layers=program.layers,
        weights=program.weights,
        batch=program.batch,
        steps_per_fold=program.steps_per_fold,
        folds_per_segment=program.folds_per_segment,
        segments=segments,
        folds=folds,
        steps=folds * program.steps_per_fold,
        checkpoints=(manifest.genesis, *(segment.checkpoint for segment in bundle.segments)),
        dataset_root=request.root,
        training_rows=program.rows,
        dataset_name=request.dataset_name,
        split_seed=request.split_seed,
        test_rows=request.test_rows,
        test_digest=request.test_digest,
        group=policy.group,
        squarings_per_delay=policy.squarings,
        squarings=squarings,
        fastest_squarings_per_second=policy.fastest_squarings_per_second,
        fastest_source=policy.fastest_source,
        seconds=squarings / policy.fastest_squarings_per_second,
        shown=limits.SHOWN,
        not_shown=limits.not_shown(program.arithmetisation),
        learned=limits.learned(program.arithmetisation),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Layer):
        return dataclasses.asdict(value)
    return value


def _duration(seconds: float) -> str:
    """Seconds with the largest unit that they fill, never rounded up: this is a lower bound."""
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds)} seconds ({seconds // (length / 10) / 10:.1f} {name})"
    digits = int(seconds * 1000)
    if digits:
        return f"{digits / 1000:.3f} seconds"
    small = f"{int(seconds * 10**9) / 10**9:.9f}".rstrip("0").rstrip(".")
    return f"{small} seconds"


SCHEMA = "escapement/statement/1"
_PROOFS = {
    NOVA: "one for all folds (arithmetisation r1cs-nova)",
    SEGMENT: "one for each fold (arithmetisation segment)",
}
_SCHEMES = {
    "ipa": "transparent: no trusted set-up",
    "hyperkzg": "rests on the powers-of-tau ceremony of your own file",
}
