"""Delays in class groups of 1024-bit discriminants (protocol §9): no set-up, a group of its own per delay.

Squarings and proofs are Chia's (package chiavdf, the extra `classgroup`), in a process of their own. Which
group, which form to start from and which bytes are an element, this package decides itself.
"""

from vdf.classgroup.group import ClassGroup

CLASS_1024 = ClassGroup("class-1024")

__all__ = ["CLASS_1024", "ClassGroup"]
