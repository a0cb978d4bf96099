"""What every part of a run works with, loaded and checked once: program, manifest, secrets and rows.

The rows must give the request's root under the run's own key: a changed file is noticed before anything is
trained.
"""

from dataclasses import dataclass, field

import _escapement

from ivc.commitments import dataset_root, segment_rows
from ivc.errors import Malformed
from ivc.manifest import Manifest
from ivc.policy import Policy
from ivc.program import SEGMENT, ProgramInfo, program_info
from ivc.request import Request
from ivc.rundir import RunDirectory


@dataclass(frozen=True)
class Material:
    """A run's fixed inputs. `digest`: M; `samples`, `labels`: the rows as the native module takes them.

    `rows`: with their commitments, for the segment argument, where these take too long to be made twice.
    """

    directory: RunDirectory
    request: Request
    info: ProgramInfo
    policy: Policy
    manifest: Manifest
    digest: bytes
    key: bytes = field(repr=False)
    samples: bytes = field(repr=False)
    labels: bytes = field(repr=False)
    rows: _escapement.SegmentRows | None = field(repr=False)

    @property
    def program(self) -> bytes:
        """The program's canonical bytes."""
        return self.request.program


def load_material(directory: RunDirectory) -> Material:
    """Read and check it.

    Raises Rejected `policy-missing`, `manifest-mismatch`, `key-mismatch`; Malformed `dataset-damaged`;
    StorageError.
    """
    policy, manifest, key = directory.policy(), directory.manifest(), directory.blinding_key()
    samples, labels = directory.training_rows().to_native()
    info = program_info(directory.program)
    inputs = (directory.program, key, samples, labels)
    rows = segment_rows(*inputs) if info.arithmetisation == SEGMENT else None
    root = dataset_root(*inputs) if rows is None else rows.root
    if root != directory.request.root:
        raise Malformed(
            "dataset-damaged", f"{directory.path / 'data'}: not the rows that this run's request commits to"
        )
    return Material(
        directory=directory,
        request=directory.request,
        info=info,
        policy=policy,
        manifest=manifest,
        digest=manifest.digest(),
        key=key,
        samples=samples,
        labels=labels,
        rows=rows,
    )
