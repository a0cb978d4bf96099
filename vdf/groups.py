"""The groups that a policy may name; no other is ever used, whatever a file says."""

from vdf.classgroup import CLASS_1024
from vdf.errors import UsageError
from vdf.group import Group
from vdf.rsa import RSA_2048

_BY_NAME: dict[str, Group] = {group.name: group for group in (RSA_2048, CLASS_1024)}
GROUPS = tuple(_BY_NAME)


def group(name: str) -> Group:
    """The group of that name; raises UsageError `delay-group` if there is none."""
    if not isinstance(name, str) or name not in _BY_NAME:
        raise UsageError("delay-group", f"group: expected one of {', '.join(GROUPS)}, got {name!r:.40}")
    return _BY_NAME[name]
