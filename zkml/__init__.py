"""Training as exact integer arithmetic: ONNX forward graph -> program -> steps, with data and evaluation.

Nothing here proves anything and nothing here is on the verifier's path. The proving side knows a model
only as the canonical bytes of a `zkml.program.Program` (docs/protocol.md §3).
"""
