"""The peer: ezkl 23.0.5 proving the whole training step as exported from torch, one proof per step.

`zkml.provers.ezkl.backend` is the way in. Inside this package `import ezkl` is the distribution of that name.
"""
