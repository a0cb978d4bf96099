"""Build the 64-16-10 perceptron of the digits example in PyTorch and export its forward graph to ONNX.

    python examples/digits_mlp.py [OUT.onnx]

Only the graph and its shapes matter: training starts from the genesis weights that the verifier's nonce
dictates, so the weights in the file are ignored. Metadata is stripped, because the exporter writes local
paths and stack traces into it. Needs the `export` extra (torch, onnxscript).
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import torch


class DigitsMLP(torch.nn.Module):
    """64 pixels -> 16 hidden units, ReLU -> 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(64, 16)
        self.output = torch.nn.Linear(16, 10)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels: (B, 64) -> (B, 10)."""
        return self.output(torch.relu(self.hidden(pixels)))


def export(path: Path) -> None:
    """Write the forward graph, any batch size, to `path`."""
    torch.manual_seed(0)  # not zeros: the exporter's optimiser would drop biases that are all zero
    model = DigitsMLP().eval()
    exported = torch.onnx.export(
        model,
        (torch.zeros(8, 64),),
        dynamo=True,
        opset_version=20,
        input_names=["pixels"],
        output_names=["scores"],
        dynamic_shapes={"pixels": {0: torch.export.Dim("batch")}},
        optimize=True,
        verbose=False,
    )
    assert exported is not None
    path.write_bytes(stripped(exported.model_proto).SerializeToString(deterministic=True))


def stripped(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without anything that depends on the machine: documentation, metadata, value annotations."""
    clean = onnx.ModelProto()
    clean.CopyFrom(proto)
    clean.producer_name = clean.producer_version = clean.doc_string = ""
    for field in ("metadata_props", "functions"):
        clean.ClearField(field)
    graph = clean.graph
    graph.name = "digits_mlp"
    for field in ("doc_string", "metadata_props", "value_info"):
        graph.ClearField(field)
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        for field in ("doc_string", "metadata_props"):
            item.ClearField(field)
    return clean


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits_mlp.onnx")
    export(out)
    print(f"wrote {out}, {out.stat().st_size} bytes")
