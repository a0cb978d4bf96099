"""Writes vectors/generators.json: the first generators, H and U, by big integers.

Run: python circuits/pedersen/tests/make_generators.py
"""

import hashlib
import json
from pathlib import Path

Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
TAG = b"escapement/v1/generator".ljust(32, b"\0")


def generator(index: int) -> tuple[int, int, int]:
    """(counter, x, y) of the first candidate that is a point."""
    counter = 0
    while True:
        block = TAG + index.to_bytes(8, "big") + counter.to_bytes(8, "big")
        h = int.from_bytes(hashlib.sha256(block).digest(), "little")
        sign, x = h >> 255, h & (2**254 - 1)
        y = pow(x**3 + 3, (Q + 1) // 4, Q)
        if x < Q and (y * y - x**3 - 3) % Q == 0:
            return counter, x, y if y % 2 == sign else Q - y
        counter += 1


def main() -> None:
    indices = [*range(16), 1000, 2**20, 2**64 - 2, 2**64 - 1]
    rows = [
        dict(zip(("index", "counter", "x", "y"), map(str, (i, *generator(i))), strict=True)) for i in indices
    ]
    path = Path(__file__).parent / "vectors" / "generators.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
