"""This project's folded proof as a step prover: R1CS over Nova, one compressed proof for a whole chain.

    rows = root ‖ K                     after = h_W at the segment's end; a link has no proofs of its own
    z_0  = (log_0, C_0, 0, 0, root, K)              log_0 = H(LOG_START; statement)
    z_N  = (log_N, C_N, fr(s_{N−1}), 0, root, K)    log_{i+1} = H(LOG; log_i, C_i, fr(s_i))
    last = the compressed proof of N·m folds from z_0 to z_N

The verifier builds both ends itself, so every coordinate is checked (docs/protocol.md §8, §15).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import _escapement

from vdf.quiet import quiet
from zkml import srs as reference
from zkml.errors import (
    ProofMalformed,
    ProverUnsupported,
    TermsMismatch,
)
from zkml.program import R1CS_NOVA, Program
from zkml.provers.interface import Emit, Estimate, Limits, Link, Progress, Work
from zkml.provers.native import (
    blinding_key,
    estimated,
    proof_errors,
    proving_errors,
    require_arithmetisation,
    row_bytes,
)
from zkml.provers.nova_key import log2_powers, verifying_key


class Nova:
    """`zkml.provers.interface.Backend`. scheme: "ipa", transparent; "hyperkzg" needs powers of tau (srs)."""

    def __init__(self, scheme: str = "ipa") -> None:
        """Raises ProverUnsupported for another scheme."""
        if scheme not in NAMES:
            raise ProverUnsupported(f"scheme: one of {', '.join(NAMES)} expected, got {scheme!r:.40}")
        self.scheme = scheme

    @property
    def name(self) -> str:
        """As of `--prover`."""
        return NAMES[self.scheme]

    @property
    def not_bound(self) -> tuple[str, ...]:
        """Nothing but the powers' secret, where there are any."""
        return () if self.scheme == "ipa" else (TAU,)

    def require(self) -> None:
        """It is part of this package."""

    def links_per_segment(self, program: Program) -> int:
        """1: all folds of a segment, and of all segments, are one proof."""
        return 1

    def limits(self, program: Program) -> Limits:
        """No proof per link; the compressed proof has at most 64 KiB (about 12)."""
        require_arithmetisation(program, R1CS_NOVA)
        return Limits(rows=64, proofs=0, proof=0, last=1 << 16)

    def estimate(self, program: Program) -> Estimate:
        """By `zkml.costs`; about a second, for the exact constraint counts. The last proof is not in it."""
        return estimated(program, R1CS_NOVA)

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> "NovaSteps":
        """Commitment keys and the circuit's shape, in memory; on disk only the blinding key."""
        require_arithmetisation(work.program, R1CS_NOVA)
        self._require_srs(work.program, folder, srs)
        rows = row_bytes(work)
        with self._set_up_errors(srs):
            parameters = _escapement.Parameters.setup(work.program.encode(), self.scheme, srs)
        key = blinding_key(folder, work.program, rows)
        with proving_errors("rows"):
            root = _escapement.dataset_root(work.program.encode(), key, *rows)
        return NovaSteps(work, parameters, key, root + _escapement.key_commitment(key), srs)

    def verifier(self, program: Program, folder: Path, srs: Path | None) -> "NovaVerifier":
        """The verifying key is derived at the first proof, and kept in the folder."""
        require_arithmetisation(program, R1CS_NOVA)
        self._require_srs(program, folder, srs)
        return NovaVerifier(self, program, folder, srs)

    def load_key(self, program: Program, folder: Path, srs: Path | None) -> _escapement.VerifyingKey:
        """The program's verifying key: from the folder, else derived (6 to 15 s)."""
        with self._set_up_errors(srs):
            return verifying_key(program.encode(), self.scheme, folder, srs)

    def _require_srs(self, program: Program, folder: Path, srs: Path | None) -> None:
        """A file exactly where the scheme needs one, and consistent by `zkml.srs`."""
        if (srs is None) != (self.scheme == "ipa"):
            wanted = (
                "a powers-of-tau file (--srs) expected" if srs is None else "no reference string expected"
            )
            raise TermsMismatch(f"{self.name}: {wanted}")
        if srs is not None:
            with proving_errors("program"):
                powers = log2_powers(program.encode())
            reference.require(srs, powers, remember=folder / "srs", expected=reference.PTAU)

    @contextmanager
    def _set_up_errors(self, srs: Path | None) -> Iterator[None]:
        silence: AbstractContextManager[None] = nullcontext() if srs is None else quiet()
        with silence, proving_errors("set-up"):
            yield


class NovaSteps:
    """`zkml.provers.interface.Steps`.

    With ipa the verifying key holds all generators and the matrices of both circuits, which is what proving
    reads, from memory: no keys of the prover's lie on disk.
    """

    insecure: str | None = None

    def __init__(
        self,
        work: Work,
        parameters: _escapement.Parameters,
        key: bytes,
        rows: bytes,
        srs: Path | None,
    ) -> None:
        """Use `Nova.set_up`."""
        self._work, self._parameters, self._key = work, parameters, key
        self.rows, self.srs = rows, srs

    @property
    def key_bytes(self) -> int:
        """The encoded verifying key's length, and the powers' where there are any; encodes it, which takes
        a second and some hundred megabytes."""
        powers = 0 if self.srs is None else self.srs.stat().st_size
        return len(self._parameters.verifying_key_bytes()) + powers

    def prover(self, nonce: bytes, statement: bytes) -> "NovaProver":
        """A prover at z_0."""
        program = self._work.program
        with proving_errors("prover"):
            native = _escapement.Prover.start(
                self._parameters, program.encode(), self._key, *row_bytes(self._work), nonce, statement
            )
        return NovaProver(program, native)


class NovaProver:
    """`zkml.provers.interface.StepProver`."""

    def __init__(self, program: Program, native: _escapement.Prover) -> None:
        """Use `NovaSteps.prover`."""
        self._program, self._native = program, native
        self.genesis = native.z()[1]

    def prove(self, seed: bytes, emit: Emit) -> tuple[Link, ...]:
        """m folds, each checked against its constraints before it is folded in."""
        for _ in range(self._program.m):
            start = time.perf_counter()
            with proving_errors(f"fold {self._native.folds + 1}"):
                times = self._native.prove_fold(seed)
            parts = {"check": times["check_seconds"], "fold": times["fold_seconds"]}
            emit(Progress(self._program.k, time.perf_counter() - start, parts))
        return (Link(self._native.z()[1], ()),)

    def finish(self) -> bytes:
        """The compressed proof; it alone may leave the machine."""
        with proving_errors("compression"):
            return self._native.compress()


class NovaVerifier:
    """`zkml.provers.interface.Verifier`."""

    insecure: str | None = None

    def __init__(self, backend: Nova, program: Program, folder: Path, srs: Path | None) -> None:
        """Use `Nova.verifier`."""
        self._backend, self._program, self._folder, self._srs = backend, program, folder, srs
        self._key: _escapement.VerifyingKey | None = None

    def genesis(self, nonce: bytes) -> bytes:
        """C_0, by the program and the nonce alone."""
        with proving_errors("genesis"):
            return _escapement.genesis_commitment(self._program.encode(), nonce)

    def verify(
        self,
        rows: bytes,
        nonce: bytes,
        statement: bytes,
        seeds: Sequence[bytes],
        segments: Sequence[tuple[Link, ...]],
        last: bytes,
    ) -> None:
        """N·m folds lead from z_0 to z_N."""
        if len(rows) != 64:
            raise ProofMalformed(f"rows: 64 bytes expected, got {len(rows)}")
        checkpoints = [checkpoint(i, links) for i, links in enumerate(segments)]
        root, key = rows[:32], rows[32:]
        log, before = _escapement.log_start(statement), self.genesis(nonce)
        start = [log, before, ZERO, ZERO, root, key]
        end = start
        for i, (seed, after) in enumerate(zip(seeds, checkpoints, strict=True)):
            with proof_errors(f"segment {i + 1}"):
                log = _escapement.log_absorb(log, before, seed)
                end = [log, after, _escapement.seed_field(seed), ZERO, root, key]
            before = after
        if self._key is None:
            self._key = self._backend.load_key(self._program, self._folder, self._srs)
        with proof_errors("last proof"):
            self._key.verify(len(seeds) * self._program.m, start, end, last)


def checkpoint(index: int, links: tuple[Link, ...]) -> bytes:
    """What the one link of segment `index` leads to; it has no proofs. Raises ProofMalformed."""
    if len(links) != 1:
        raise ProofMalformed(f"segment {index + 1}: 1 link expected, got {len(links)}")
    if links[0].proofs:
        raise ProofMalformed(f"segment {index + 1}, link 1: no proofs expected, got {len(links[0].proofs)}")
    return links[0].after


NAMES = {"ipa": "r1cs-nova", "hyperkzg": "r1cs-nova-hyperkzg"}
TAU = (
    "that nobody knows the secret exponent of the powers-of-tau file: whoever does can prove anything, and "
    "the file cannot show it"
)
ZERO = bytes(32)
