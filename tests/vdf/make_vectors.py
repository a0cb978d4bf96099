"""Makes tests/vectors/delay.json with the package; test_vectors.py checks it without.

python tests/vdf/make_vectors.py            compares, changes nothing
python tests/vdf/make_vectors.py --write    replaces the file: only after the protocol has changed
"""

import json
import sys
from pathlib import Path
from unittest.mock import patch

import vdf
from vdf import Delay
from vdf.rsa import batch
from vdf.rsa.elements import RSA2048
from vdf.rsa.wesolowski import challenge

VECTORS = Path(__file__).parents[1] / "vectors" / "delay.json"
GROUP = vdf.group("rsa-2048")
CASES = [(0, 1), (0, 2), (1, 255), (2, 256), (3, 257), (4, 1000), (5, 4096), (6, 20000)]
RUNS = [([7], 1), ([8], 300), ([9, 10, 11], 257), ([12, 12], 500), (list(range(13, 23)), 1000)]
FORMAT = {
    "context": "d_i, 32 bytes, hex",
    "squarings": "T",
    "x": "hash_to_element(context), 256 bytes, hex",
    "y": "canonical x^(2^T), 256 bytes, hex",
    "challenge": "the prime of (N, x, y, T), 32 bytes big-endian, hex",
    "pi": "canonical x^(2^T div challenge), 256 bytes, hex",
    "runs": "delays of one T: their contexts, outputs and own proofs, in order",
    "betas": "the coefficients of their own proofs together, 16 bytes big-endian each, hex",
    "alphas": "the coefficients of their one proof, 16 bytes big-endian each, hex",
    "run_challenge": "the prime of their one proof, 32 bytes big-endian, hex",
    "proof": "their one proof, 256 bytes, hex",
}


def text() -> str:
    """The whole file."""
    cases = [case(bytes([number]) * 32, squarings) for number, squarings in CASES]
    runs = [run([bytes([number]) * 32 for number in numbers], squarings) for numbers, squarings in RUNS]
    content = {"group": GROUP.name, "format": FORMAT, "cases": cases, "runs": runs}
    return json.dumps(content, indent=1) + "\n"


def delay(context: bytes, squarings: int) -> Delay:
    """One delay with its proof."""
    return GROUP.delay(GROUP.input(context, squarings), squarings)


def case(context: bytes, squarings: int) -> dict[str, object]:
    """One delay, as the file has it."""
    done = delay(context, squarings)
    return {
        "context": context.hex(),
        "squarings": squarings,
        "x": done.x.hex(),
        "y": done.y.hex(),
        "challenge": challenge(RSA2048, done.x, done.y, squarings).to_bytes(32, "big").hex(),
        "pi": done.pi.hex(),
    }


def run(contexts: list[bytes], squarings: int) -> dict[str, object]:
    """Several delays with their one proof, and with their own."""
    delays = [delay(context, squarings) for context in contexts]
    xs, ys = [done.x for done in delays], [done.y for done in delays]
    alphas, ell = batch._challenges(RSA2048, xs, ys, squarings)
    return {
        "contexts": [context.hex() for context in contexts],
        "squarings": squarings,
        "ys": [y.hex() for y in ys],
        "pis": [done.pi.hex() for done in delays],
        "betas": [beta.to_bytes(16, "big").hex() for beta in betas(delays)],
        "alphas": [alpha.to_bytes(16, "big").hex() for alpha in alphas],
        "run_challenge": ell.to_bytes(32, "big").hex(),
        "proof": GROUP.prove_run(delays).hex(),
    }


def betas(delays: list[Delay]) -> list[int]:
    """The coefficients that `verify_each` uses, overheard."""
    heard: list[list[int]] = []
    coefficients = batch.coefficients
    with patch.object(batch, "coefficients", lambda *seed: heard.append(coefficients(*seed)) or heard[-1]):
        GROUP.verify_each(delays)
    return heard[0]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        VECTORS.write_text(text())
    elif sys.argv[1:] or VECTORS.read_text() != text():
        sys.exit("the vectors differ from the package, or an unknown argument was given; see the header")
