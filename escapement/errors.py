"""Errors of the command line, and the one place where any exception becomes an exit code.

Exit codes: 0 valid, 1 proof or run invalid, 2 usage, 3 unsupported model, 4 resources, 5 I/O or format,
70 a fault of this program, 130 interrupted.
"""

from dataclasses import dataclass

import typer


class EscapementError(Exception):
    """An error with a stable code; raised where the command line itself refuses.

    `code` is kebab-case and stable, `exit_code` one of the module's list, the message says where, what was
    expected, what came, and what to do.
    """

    def __init__(self, code: str, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code


class UsageError(EscapementError):
    """Options or a configuration that cannot be meant (exit 2)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, USAGE)


class ResourceError(EscapementError):
    """The machine is too small for what was asked (exit 4)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, RESOURCES)


class InputError(EscapementError):
    """A file that is missing, unreadable or not of its format (exit 5)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, FORMAT)


@dataclass(frozen=True)
class Failure:
    """What the user is told: a stable code, one message, the exit code, and whether it was foreseen."""

    code: str
    message: str
    exit_code: int
    expected: bool = True


def classify(error: BaseException) -> Failure:
    """The Failure for any exception: the rooms' own `code` and `exit_code` where they carry them."""
    code, exit_code = getattr(error, "code", None), getattr(error, "exit_code", None)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure("interrupted", "Interrupted.", INTERRUPTED)
    if isinstance(error, typer.TyperException):
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        return Failure("usage", message, USAGE)
    if type(error).__name__ == "NativeError" and len(error.args) == 2:
        return Failure(str(error.args[0]), str(error.args[1]), _NATIVE.get(str(error.args[0]), FORMAT))
    if isinstance(code, str) and isinstance(exit_code, int):
        return Failure(code, str(error), exit_code)
    if isinstance(error, MemoryError):
        return Failure(
            "out-of-memory", "Out of memory: `escapement plan` says how much is needed.", RESOURCES
        )
    if isinstance(error, OSError):
        return Failure("io", f"{error.strerror or error}: {error.filename or 'no file named'}", FORMAT)
    return Failure("internal", f"{type(error).__name__}: {error}", INTERNAL, expected=False)


OK, INVALID, USAGE, UNSUPPORTED, RESOURCES, FORMAT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 70, 130

# Codes of the native module that reach the command line without a room's own exception around them.
_NATIVE = {
    "program": UNSUPPORTED,
    "malformed": FORMAT,
    "rejected": INVALID,
    "witness": INVALID,
    "resources": RESOURCES,
    "io": FORMAT,
    "state": FORMAT,
}
