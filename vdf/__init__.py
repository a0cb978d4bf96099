"""Delays: y = x^(2^T) over RSA-2048, which cannot be hurried, with Wesolowski's proof, quick to check.

Protocol §9 is the specification, docs/delay.md says why each rule is there. T and group always come from the
caller's policy. Everything here is a function of its arguments, and arguments, results and errors can be
pickled, so a delay may run in a process of its own, spawned or forked.
"""

from vdf.evaluation import Evaluation, calibrate, evaluate
from vdf.rsa import Group, group, hash_to_group
from vdf.wesolowski import prove, verify

__all__ = ["Evaluation", "Group", "calibrate", "evaluate", "group", "hash_to_group", "prove", "verify"]
