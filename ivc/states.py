"""Saved running proofs: one file after every fold, the last two kept; they hold weights and are mode 0600.

With arithmetisation segment also each fold's own proof, a file that is written before the state behind that
fold and never dropped.

The bytes are the native module's, which carry their own SHA-256 and are checked by it when restored. File
names carry the number of folds, so the newest is known without opening any.
"""

import re
from pathlib import Path

from ivc.storage import save, writing


def save_state(folder: Path, folds: int, data: bytes) -> None:
    """Write the running proof after `folds` folds, then drop all but KEPT; raises Resources, StorageError."""
    save(folder / f"fold-{folds:08d}.state", data, mode=0o600)
    for path in saved_states(folder)[KEPT:]:
        with writing(path):
            path.unlink()


def saved_states(folder: Path) -> list[Path]:
    """The saved running proofs, newest first."""
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=folds_of, reverse=True)


def fold_proof_path(folder: Path, fold: int) -> Path:
    """The proof of one fold of the run, from 1."""
    return folder / f"fold-{fold:08d}.proof"


def folds_of(path: Path) -> int:
    """How many folds a saved running proof has, by its name."""
    return int(path.stem.removeprefix("fold-"))


KEPT = 2
_NAME = re.compile(r"fold-\d{8,}\.state")
