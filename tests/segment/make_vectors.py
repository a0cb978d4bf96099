"""Makes tests/vectors/segment.json with the plain reference; the native code is compared with it.

python tests/segment/make_vectors.py            compares, changes nothing (about two minutes)
python tests/segment/make_vectors.py --write    replaces the file: only after the protocol has changed
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.segment import tiny
from tests.segment.plain import encoding
from tests.segment.plain.curve import Affine, generator
from tests.segment.plain.fold import Accumulator
from tests.segment.plain.polynomials import pack_trace
from tests.segment.plain.poseidon import hash_many
from tests.segment.plain.shape import Program, Shape

VECTORS = Path(__file__).parents[1] / "vectors" / "segment.json"
FORMAT = {
    "elements": "32 bytes little-endian, hex; points x then y, 64 bytes, the identity as 64 zero bytes",
    "poseidon": "H(domain; a_1..a_L -> q) with a_i = (i + 6)^2 + domain, i = 1..L",
    "generators": "G_i by index; H and U are those of 2^64 - 1 and 2^64 - 2",
    "program": "the fields of docs/protocol.md §3, its canonical bytes and their SHA-256",
    "shape": "sizes of docs/segment.md",
    "features, labels": "the dataset, n rows",
    "weights": "per layer d_in rows of d_out integers, then the bias row if there is one",
    "dataset": "blinds of D's blocks and of mult, root, proof, and the claim (x_D, d, m) it leaves",
    "C_W0": "commitment to the first weights, blind 0",
    "folds": "indices; blinds of W_k, F, S; SHA-256 of F's elements; weights, accumulator after; proof",
    "mask_seed": "K's coefficients, then its blind: SHAKE-256 of these, 64 bytes each, little-endian mod p",
    "closing": "proof",
}
POSEIDON = [
    (7, 1, 1),
    (7, 4, 1),
    (17, 4, 4),
    (18, 5, 1),
    (16, 8, 8),
    (19, 9, 1),
    (20, 24, 1),
    (21, 25, 3),
    (17, 3, 30),
    (17, 48, 49),
]
SIZES = (
    "lk",
    "lB",
    "lR",
    "lN",
    "lC",
    "loff",
    "lcl",
    "cmax",
    "q",
    "n1",
    "n_F",
    "n_W",
    "n_S",
    "n_D",
    "n_m",
    "n_max",
)


def text() -> str:
    """The whole file."""
    cases = [case(name, make(), seed) for seed, (name, make) in enumerate(tiny.PROGRAMS.items(), 1)]
    poseidon = [
        {
            "domain": d,
            "inputs": n,
            "outputs": elements(hash_many(d, [(i + 6) ** 2 + d for i in range(1, n + 1)], q)),
        }
        for d, n, q in POSEIDON
    ]
    points = {str(i): point(generator(i)) for i in (0, 1, 2, 1000, 2047, (1 << 64) - 1, (1 << 64) - 2)}
    return lines({"format": FORMAT, "poseidon": poseidon, "generators": points, "cases": cases}) + "\n"


def case(name: str, program: Program, seed: int) -> dict[str, object]:
    """A run of two folds, with everything that decides its bytes."""
    run = tiny.run(program, seed)
    data = encoding.proof([*run.data_proof.blocks, run.data_proof.C_m], run.data_proof.elements)
    claim = run.data_claim
    out = {
        "name": name,
        "program": described(program),
        "shape": {size: getattr(run.shape, size) for size in SIZES} | {"tensors": tensors(run.shape)},
        "features": run.data.features,
        "labels": run.data.labels,
        "weights": run.weights,
        "dataset": {
            "blinds": elements(run.data_blinds),
            "root": encoding.element(run.root).hex(),
            "proof": data.hex(),
            "x": elements(claim.x),
            "d": encoding.element(claim.d).hex(),
            "m": encoding.element(claim.m).hex(),
        },
        "C_W0": point(run.W.commitment),
        "folds": [folded(run, number) for number in range(2)],
        "mask_seed": name.encode().hex(),
    }
    proof = run.close(name.encode())
    points = [proof.C_K, *[side for pair in proof.rounds for side in pair]]
    return out | {"closing": encoding.proof(points, proof.elements).hex()}


def folded(run: tiny.Run, number: int) -> dict[str, object]:
    """One fold."""
    trace = run.trace(number)
    F = b"".join(map(encoding.element, pack_trace(run.shape, trace)[0]))
    proof, acc, blinds = run.prove(number, trace)
    return {
        "indices": run.indices[number],
        "blinds": elements(blinds),
        "F": hashlib.sha256(F).hexdigest(),
        "weights": run.plain_weights(),
        "proof": encoding.proof([proof.C_Wk, proof.C_F, proof.C_S], proof.elements).hex(),
        "accumulator": accumulator(acc),
    }


def accumulator(acc: Accumulator) -> dict[str, object]:
    """What is owed."""
    return {
        "C_A": point(acc.C_A),
        "x": elements(acc.x),
        "v": encoding.element(acc.v).hex(),
        "omega": elements(acc.omega),
        "u": encoding.element(acc.u).hex(),
        "C_S": point(acc.C_S),
    }


def described(program: Program) -> dict[str, object]:
    """Fields, bytes, digest."""
    data = program.encode()
    fields = {**vars(program), "layers": [vars(layer) for layer in program.layers]}
    return {"fields": fields, "bytes": data.hex(), "digest": hashlib.sha256(data).hexdigest()}


def tensors(shape: Shape) -> list[list[list[object]]]:
    """Per layer [name, width] of the committed tensors."""
    return [[list(tensor) for tensor in layer.tensors] for layer in shape.layers]


def elements(values: object) -> list[str]:
    """Field elements."""
    return [encoding.element(value).hex() for value in values]


def point(value: Affine) -> str:
    """A point; here the identity has an encoding."""
    return (encoding.point(value) if value else bytes(64)).hex()


def lines(content: object, depth: int = 0) -> str:
    """JSON with a line for each field, so that a change shows where it is."""
    if isinstance(content, dict):
        items = [f"{json.dumps(key)}: {lines(value, depth + 1)}" for key, value in content.items()]
    elif isinstance(content, list) and content and isinstance(content[0], dict):
        items = [lines(value, depth + 1) for value in content]
    else:
        return json.dumps(content, ensure_ascii=False)
    open_, close = "{}" if isinstance(content, dict) else "[]"
    pad = " " * (depth + 1)
    return f"{open_}\n" + ",\n".join(pad + item for item in items) + f"\n{pad[1:]}{close}"


if __name__ == "__main__":
    new = text()
    if "--write" in sys.argv:
        VECTORS.write_text(new, encoding="utf-8")
    elif VECTORS.read_text(encoding="utf-8") != new:
        sys.exit("segment.json differs from what the reference makes")
