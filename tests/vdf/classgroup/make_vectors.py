"""Makes our own cases in tests/vectors/classgroup.json; test_vectors.py checks them without chiavdf.

python tests/vdf/classgroup/make_vectors.py            compares, changes nothing
python tests/vdf/classgroup/make_vectors.py --write    replaces them: only after the protocol has changed

What the file has of Chia's own test data is kept as it is.
"""

import json
import sys
from pathlib import Path

from vdf.classgroup import ClassGroup
from vdf.classgroup.chain import lengths, split
from vdf.classgroup.discriminant import setting
from vdf.classgroup.forms import decode

VECTORS = Path(__file__).parents[2] / "vectors" / "classgroup.json"
CASES = [(0, 1, None), (0, 2, None), (1, 263, None), (2, 264, None), (3, 1000, None), (4, 5000, None)]
CHAINS = [(5, 100, 100), (6, 101, 100), (7, 350, 100), (8, 12, 1)]
FORMAT = {
    "chiavdf": "test data of chiavdf: origin in each; D hexadecimal without sign, other bytes hexadecimal",
    "cases": "delays of this package",
    "context": "d_i, which is x, 32 bytes, hex",
    "squarings": "T",
    "sub_squarings": "length of a sub-delay; null: the formula of protocol §9",
    "seed": "SHA-256 of tag, x and T, hex",
    "discriminant": "−D, 128 bytes big-endian, hex",
    "base": "the base form's a, 32 bytes big-endian, hex",
    "y": "the output, 100 bytes, hex",
    "pi": "the proof, 200 bytes for every sub-delay less 100, hex",
}


def text() -> str:
    """The whole file."""
    chia = json.loads(VECTORS.read_text())["chiavdf"]
    cases = [case(bytes([number]) * 32, *rest) for number, *rest in CASES + CHAINS]
    return json.dumps({"format": FORMAT, "chiavdf": chia, "cases": cases}, indent=1) + "\n"


def case(context: bytes, squarings: int, sub_squarings: int | None) -> dict[str, object]:
    """One delay."""
    group = ClassGroup("class-1024", sub_squarings)
    done = group.delay(group.input(context, squarings), squarings)
    place = setting(done.x, squarings)
    steps = split(place.base, done.y, done.pi, lengths(squarings, sub_squarings))
    assert len(steps) == len(lengths(squarings, sub_squarings))
    return {
        "context": context.hex(),
        "squarings": squarings,
        "sub_squarings": sub_squarings,
        "seed": place.seed.hex(),
        "discriminant": f"{-place.discriminant:0256x}",
        "base": f"{decode(place.discriminant, place.base)[0]:064x}",
        "y": done.y.hex(),
        "pi": done.pi.hex(),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        VECTORS.write_text(text())
    elif sys.argv[1:] or VECTORS.read_text() != text():
        sys.exit("the vectors differ from the package, or an unknown argument was given; see the header")
