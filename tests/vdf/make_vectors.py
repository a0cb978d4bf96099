"""Makes tests/vectors/delay.json with the package; test_vectors.py checks it without.

python tests/vdf/make_vectors.py            compares, changes nothing
python tests/vdf/make_vectors.py --write    replaces the file: only after the protocol has changed
"""

import json
import sys
from pathlib import Path

import vdf
from vdf.rsa import RSA2048
from vdf.wesolowski import challenge

VECTORS = Path(__file__).parents[1] / "vectors" / "delay.json"
CASES = [(0, 1), (0, 2), (1, 255), (2, 256), (3, 257), (4, 1000), (5, 4096), (6, 20000)]
FORMAT = {
    "context": "d_i, 32 bytes, hex",
    "squarings": "T",
    "x": "hash_to_group(context), 256 bytes, hex",
    "y": "canonical x^(2^T), 256 bytes, hex",
    "challenge": "the prime of (N, x, y, T), 32 bytes big-endian, hex",
    "pi": "canonical x^(2^T div challenge), 256 bytes, hex",
}


def text() -> str:
    """The whole file."""
    cases = [case(bytes([number]) * 32, squarings) for number, squarings in CASES]
    content = {"group": RSA2048.name, "format": FORMAT, "cases": cases}
    return json.dumps(content, indent=1) + "\n"


def case(context: bytes, squarings: int) -> dict[str, object]:
    """One delay with its proof."""
    x = vdf.hash_to_group(RSA2048, context)
    done = vdf.evaluate(RSA2048, x, squarings)
    return {
        "context": context.hex(),
        "squarings": squarings,
        "x": x.hex(),
        "y": done.y.hex(),
        "challenge": challenge(RSA2048, x, done.y, squarings).to_bytes(32, "big").hex(),
        "pi": vdf.prove(RSA2048, done).hex(),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        VECTORS.write_text(text())
    elif sys.argv[1:] or VECTORS.read_text() != text():
        sys.exit("the vectors differ from the package, or an unknown argument was given; see the header")
