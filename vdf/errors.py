"""Errors of delays: each has a stable code, an exit code, and says where, what was expected and what came.

Exit codes: 1 well-formed but false, 2 usage, 4 resources, 5 format or I/O, 130 interrupted. Codes:

    2    delay-squarings, -group, -type, -context, -seconds   the call cannot be meant
    2    delay-batch                                          no delays, or not of one T
    5    delay-x-length, delay-y-length, delay-pi-length      not the group's length
    5    delay-x-range, delay-y-range, delay-pi-range         not the canonical element
    1    delay-x-unit, delay-y-unit, delay-pi-unit            shares a factor with N
    1    delay-false                                          the equation does not hold
    1    delay-miscomputed                                    the prover's own proof fails: hardware
    1    delay-class-crashed                                  the native code died on the given bytes, twice
    4    delay-class-missing, -timeout, -died                 no chiavdf; it hangs; the machine ended it
    5    delay-state-foreign, -unreadable, -unwritable        the state file
    5    delay-file, delay-file-unreadable, -unwritable       a delay as a file, and delays-file likewise
    130  delay-interrupted                                    `stop` said so
"""


class VdfError(Exception):
    """Base of every error that vdf raises on purpose; `code` is kebab-case and stable."""

    exit_code = 1

    def __init__(self, code: str, message: str) -> None:
        # Both go into args, so that the error survives the way out of a child process.
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class Rejected(VdfError):
    """Well-formed, but false."""

    exit_code = 1


class UsageError(VdfError):
    """An argument that no caller can mean: type or range of T, unknown group."""

    exit_code = 2


class Malformed(VdfError):
    """Bytes that are not the one canonical encoding of a group element."""

    exit_code = 5


class StorageError(VdfError):
    """A state file of another delay, or one that cannot be read or written."""

    exit_code = 5


class Interrupted(VdfError):
    """The `stop` callback returned true; the same call with the same state file continues."""

    exit_code = 130


class ResourceError(VdfError):
    """This machine lacks what the call needs: a package, time or memory. It says nothing about the delay."""

    exit_code = 4
