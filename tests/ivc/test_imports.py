"""The verifier's path loads nothing of the trainer's, in a process of its own."""

import subprocess
import sys

FORBIDDEN = (
    "zkml",
    "escapement",
    "torch",
    "onnx",
    "typer",
    "rich",
    "pydantic",
    "safetensors",
    "sklearn",
    "numpy",
)
# A literal, to be printed into the process.
PROVER = {
    "ivc.run",
    "ivc.finish",
    "ivc.rundir",
    "ivc.keys",
    "ivc.delay",
    "ivc.material",
    "ivc.proving",
    "ivc.running_proof",
    "ivc.nova_proving",
    "ivc.segment_proving",
}


def test_the_verifier_imports_no_trainer() -> None:
    script = f"""
import sys
import ivc.verify
loaded = sorted({{name.split(".")[0] for name in sys.modules}} & set({FORBIDDEN!r}))
assert not loaded, loaded
prover = sorted({PROVER!r} & set(sys.modules))
assert not prover, prover
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_module_is_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "ivc.verify"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--policy" in done.stderr
    assert "Warning" not in done.stderr
