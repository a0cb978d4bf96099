"""A run directory: everything the trainer has of one run, used by one process at a time.

    run.json                      format and version         lock   held while in use, names the process
    request.cbor config.toml      what was asked for         policy.toml manifest.cbor   the policy adopted
    blinding.key device.key       secrets, mode 0600         data/*.npy         quantised rows, mode 0600
    checkpoints/NNNN.safetensors  weights, mode 0600         delays/NNNN.json   outputs with proofs
    proof/fold-NNNNNNNN.state     running proof, mode 0600   proof/fold-NNNNNNNN.proof   of one fold (segment)
    metrics.jsonl run.log

Whoever copies a run directory has its secrets. Folders are mode 0700.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import _escapement
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc import chain, keys
from ivc.checkpoint import Weights, arrays, load_checkpoint
from ivc.commitments import dataset_root
from ivc.dataset import Rows, load_rows, make_rows, save_rows, test_digest
from ivc.errors import Rejected, UsageError, native_errors
from ivc.folder import acquire_lock, new_folder, require_marker
from ivc.manifest import Manifest
from ivc.policy import Policy, load_policy, require_capacity
from ivc.program import program_info
from ivc.request import Request
from ivc.storage import append_line, read, save


class RunDirectory:
    """An open run directory; a context manager that lets go of its lock. Paths are attributes.

    Methods raise StorageError `missing-file` when a file of the run is gone.
    """

    def __init__(self, path: Path, lock: int | None) -> None:
        """Use `create` or `open`."""
        self.path, self._lock = path, lock
        self.request_path, self.policy_path = path / "request.cbor", path / "policy.toml"
        self.manifest_path, self.bundle_path = path / "manifest.cbor", path / "bundle.esc"
        self.log_path, self.metrics_path = path / "run.log", path / "metrics.jsonl"
        self.blinding_key_path, self.proofs = path / "blinding.key", path / "proof"
        self.delays_lock = path / "delays" / "lock"
        self.request = Request.decode(read(self.request_path, "request"))
        self.program = self.request.program

    @staticmethod
    def create(
        path: Path,
        *,
        program: bytes,
        x: npt.NDArray[Any],
        labels: npt.NDArray[Any],
        test_x: npt.NDArray[Any],
        test_labels: npt.NDArray[Any],
        dataset_name: str,
        split_seed: int,
        scheme: str = "ipa",
        config: str = "",
    ) -> "RunDirectory":
        """Draw both keys, commit to the training rows, write the request; all of it or nothing.

        `x`, `test_x`: quantised features (rows, features), integers as the program has them; labels: class
        indices. Raises UsageError `run-exists`, Malformed `program-invalid`, `dataset-shape`, Rejected
        `dataset-witness` for a row outside the program's ranges, Resources `disk-full`, StorageError.
        """
        if path.exists():
            raise UsageError("run-exists", f"{path} exists: choose another folder, or continue that run")
        features = program_info(program).layers[0].d_in
        train, test = (
            make_rows(x, labels, features, "training rows"),
            make_rows(test_x, test_labels, features, "test rows"),
        )
        key, device = keys.new_blinding_key(), Ed25519PrivateKey.generate()
        request = Request(
            program=program,
            root=dataset_root(program, key, *train.to_native()),
            key_commitment=_escapement.key_commitment(key),
            device_key=device.public_key().public_bytes_raw(),
            scheme=scheme,
            dataset_name=dataset_name,
            split_seed=split_seed,
            test_rows=len(test.labels),
            test_digest=test_digest(program, test),
        )
        with new_folder(path) as folder:
            save(folder / "request.cbor", request.encode())
            save(folder / "config.toml", config.encode())
            keys.save_blinding_key(folder / "blinding.key", key)
            keys.save_device_key(folder / "device.key", device)
            save_rows(folder / "data", "train", train)
            save_rows(folder / "data", "test", test)
        return RunDirectory.open(path)

    @staticmethod
    def open(path: Path, *, lock: bool = True) -> "RunDirectory":
        """An existing run; without `lock` only to read from.

        Raises StorageError `not-a-run`, `run-version`, `run-in-use` (with the other process's number).
        """
        require_marker(path)
        handle = acquire_lock(path) if lock else None
        try:
            return RunDirectory(path, handle)
        except BaseException:
            if handle is not None:
                os.close(handle)
            raise

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def config(self) -> str:
        """The configuration text that the run was created with."""
        return read(self.path / "config.toml", "configuration").decode()

    def adopt_policy(self, source: Path) -> Policy:
        """Take the verifier's policy for this run and fix the manifest; the same one again changes nothing.

        Raises Rejected `request-mismatch`, `policy-exceeds-program`, `policy-already-adopted`, and what
        `load_policy` raises.
        """
        policy = load_policy(source)
        manifest = chain.build_manifest(self.request.encode(), policy)
        require_capacity(policy.max_segments, program_info(self.program).max_segments)
        if self.policy_path.exists():
            if load_policy(self.policy_path) != policy:
                raise Rejected(
                    "policy-already-adopted",
                    f"{source}: this run is bound to another policy, {self.policy_path}; a request has one "
                    "nonce, so begin a new run for a new policy",
                )
            return policy
        save(self.manifest_path, manifest.encode())
        save(self.policy_path, policy.to_toml().encode())
        return policy

    def policy(self) -> Policy:
        """The adopted policy; raises Rejected `policy-missing`."""
        if not self.policy_path.exists():
            raise Rejected(
                "policy-missing",
                f"{self.path}: no policy yet; send {self.request_path} to the verifier and adopt the policy "
                "made for it",
            )
        return load_policy(self.policy_path)

    def manifest(self) -> Manifest:
        """The manifest of request and policy; raises Rejected `policy-missing`, `manifest-mismatch`."""
        manifest = chain.build_manifest(self.request.encode(), self.policy())
        if read(self.manifest_path, "manifest") != manifest.encode():
            raise Rejected(
                "manifest-mismatch", f"{self.manifest_path}: not the manifest of this request and policy"
            )
        return manifest

    def blinding_key(self) -> bytes:
        """The blinding key; raises Rejected `key-mismatch` for another run's, and as `load_blinding_key`."""
        key = keys.load_blinding_key(self.blinding_key_path)
        self._require_key(key)
        return key

    def replace_blinding_key(self, key: bytes) -> None:
        """Put a recovered key back; raises Rejected `key-mismatch`."""
        self._require_key(key)
        keys.save_blinding_key(self.blinding_key_path, key)

    def device_key(self) -> Ed25519PrivateKey:
        """The device key; raises Rejected `key-mismatch`, and as `load_device_key`."""
        key = keys.load_device_key(self.path / "device.key")
        if key.public_key().public_bytes_raw() != self.request.device_key:
            raise Rejected("key-mismatch", f"{self.path / 'device.key'}: not the request's device key")
        return key

    def training_rows(self) -> Rows:
        """Features (rows, features) and labels (rows,), int32; raises Malformed `dataset-damaged`."""
        return load_rows(self.path / "data", "train")

    def test_rows(self) -> Rows:
        """As `training_rows`."""
        return load_rows(self.path / "data", "test")

    def checkpoint_path(self, index: int) -> Path:
        """Checkpoint `index`; 0 is the genesis and has no file."""
        return self.path / "checkpoints" / f"{index:04d}.safetensors"

    def delay_path(self, index: int) -> Path:
        """Output and proof of delay `index`."""
        return self.path / "delays" / f"{index:04d}.json"

    def trained_segments(self) -> int:
        """How many checkpoints follow the genesis without a gap."""
        index = 0
        while self.checkpoint_path(index + 1).exists():
            index += 1
        return index

    def weights(self, index: int) -> Weights:
        """Weights of checkpoint `index` (0: genesis), one matrix per layer; raises as `load_checkpoint`."""
        manifest = self.manifest()
        if index == 0:
            with native_errors("genesis"):
                return arrays(self.program, _escapement.genesis_weights(self.program, manifest.nonce))
        found = load_checkpoint(self.checkpoint_path(index), self.program, manifest.digest(), index)
        return arrays(self.program, found.weights)

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl."""
        append_line(self.metrics_path, json.dumps(record))

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl that are whole; a crash may tear one, and it is no loss."""
        if not self.metrics_path.exists():
            return
        for line in self.metrics_path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:  # torn by a crash
                continue

    def _require_key(self, key: bytes) -> None:
        with native_errors("key"):
            commitment = _escapement.key_commitment(key)
        if commitment != self.request.key_commitment:
            raise Rejected(
                "key-mismatch", f"{self.blinding_key_path}: not the key that this run's request commits to"
            )
