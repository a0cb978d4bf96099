"""The step provers by name, as of `--prover`. Nothing of another maker is imported before it is asked for."""

import importlib
from collections.abc import Callable

from zkml.errors import ProverUnknown
from zkml.provers.interface import Backend
from zkml.provers.nova import Nova
from zkml.provers.segment import Segment


def backend(name: str) -> Backend:
    """The step prover of that name; raises ProverUnknown, ProverMissing."""
    if not isinstance(name, str) or name not in PROVERS:
        raise ProverUnknown(f"prover: one of {', '.join(PROVERS)} expected, got {name!r:.60}")
    return PROVERS[name]()


def _ezkl() -> Backend:
    made: Backend = importlib.import_module("zkml.provers.ezkl.backend").EzklBackend()
    return made


PROVERS: dict[str, Callable[[], Backend]] = {
    "r1cs-nova": Nova,
    "r1cs-nova-hyperkzg": lambda: Nova("hyperkzg"),
    "segment": Segment,
    "ezkl": _ezkl,
}
