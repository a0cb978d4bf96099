"""Errors of the chain: each has a stable code, an exit code, and says where, what was expected and what came.

Exit codes: 1 well-formed but false or not what the policy says, 2 usage, 4 resources, 5 format or I/O.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import _escapement

import vdf.errors
from vdf.errors import VdfError


class IvcError(Exception):
    """Base of every error that ivc raises on purpose; `code` is kebab-case and stable."""

    exit_code = 1

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class Rejected(IvcError):
    """Well-formed, but false or not matching the policy."""

    exit_code = 1


class UsageError(IvcError):
    """The call lacks something that only its caller can give."""

    exit_code = 2


class Resources(IvcError):
    """The machine is too small for what was asked."""

    exit_code = 4


class Malformed(IvcError):
    """Bytes that are not of their format, or not in their one canonical form."""

    exit_code = 5


class StorageError(IvcError):
    """A file or folder that is missing, damaged, locked or cannot be written."""

    exit_code = 5


@contextmanager
def native_errors(subject: str) -> Iterator[None]:
    """Turn the native module's errors inside the block into this room's: code `<subject>-<native code>`.

    A program that the native module refuses is `program-invalid` whatever the subject. A native code may name
    a part first: `fold-rejected` is a rejection.
    """
    try:
        yield
    except _escapement.NativeError as error:
        code, message = error.args
        name = "program-invalid" if code == "program" else f"{subject}-{code}"
        raise _NATIVE.get(code.rpartition("-")[2], Rejected)(name, f"{subject}: {message}") from error
    except MemoryError as error:
        raise Resources("out-of-memory", f"{subject}: out of memory; use a machine with more") from error


@contextmanager
def unverifiable(subject: str) -> Iterator[None]:
    """Make whatever else happens inside the block a rejection, `<subject>-unverifiable`: only a normal end is

    acceptance.
    """
    try:
        yield
    except (Malformed, Rejected, Resources, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A Rust panic arrives as an exception that does not derive from Exception.
        raise Rejected(f"{subject}-unverifiable", f"{subject}: the verifier failed on it: {error}") from error


@contextmanager
def delay_errors(subject: str) -> Iterator[None]:
    """Turn vdf's errors inside the block into this room's, with the same code and exit code."""
    try:
        yield
    except VdfError as error:
        kind = next((ours for theirs, ours in _DELAY.items() if isinstance(error, theirs)), Rejected)
        raise kind(error.code, f"{subject}: {error}") from error


_DELAY: dict[type[VdfError], type[IvcError]] = {
    vdf.errors.UsageError: UsageError,
    vdf.errors.ResourceError: Resources,
    vdf.errors.Malformed: Malformed,
    vdf.errors.StorageError: StorageError,
}
_NATIVE: dict[str, type[IvcError]] = {
    "program": Malformed,
    "malformed": Malformed,
    "rejected": Rejected,
    "witness": Rejected,
    "resources": Resources,
    "io": StorageError,
    "state": StorageError,
}
