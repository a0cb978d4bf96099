"""Delays: T squarings one after the other, which cannot be hurried, with a proof that is quick to check.

Protocol §9 is the specification, docs/delay.md says why each rule is there. T and group always come from the
caller's policy. `group(name)` gives the group; everything else is its methods (`vdf.group.Group`).
"""

from vdf.group import Delay, Group
from vdf.groups import GROUPS, group

__all__ = ["GROUPS", "Delay", "Group", "group"]
