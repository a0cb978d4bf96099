"""What segment bundles carry of BN254, against py_ecc: generators, encodings, commitments, digests.

Fixed vectors: tests/vectors/segment.json (made by tests/segment/make_vectors.py) and
circuits/pedersen/tests/vectors/generators.json. The order of values inside a vector comes from the plain
reference (tests/segment/plain), which knows no curve there; points and sums come from py_ecc alone.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import _escapement
import numpy as np
import pytest
from py_ecc import optimized_bn128 as bn

from ivc import cache
from tests.independent.commitments import Q, commitment, generator, limbs, points, read, write
from tests.segment import tiny
from tests.segment.plain import training
from tests.segment.plain.dataset import block_count, widths
from tests.segment.plain.polynomials import multiplicities, pack_dataset, pack_trace, pack_weights
from tests.segment.plain.poseidon import hash_one
from tests.segment.plain.shape import Layer, Program, Shape
from tests.tiny_run import tiny_data
from tests.tiny_segment import segment_program
from zkml.program import Program as AnyProgram

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/segment.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"]}
GENERATORS = json.loads((ROOT / "circuits/pedersen/tests/vectors/generators.json").read_text("utf-8"))
POINT, DATASET, BLIND, BLIND2 = 19, 20, 4, 21  # domains, docs/segment.md §4 and docs/protocol.md §2


def number(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def test_generators() -> None:
    for index, text in VECTORS["generators"].items():
        assert write(generator(int(index))).hex() == text
    for row in GENERATORS:
        x, y = bn.normalize(generator(int(row["index"])))
        assert (x.n, y.n) == (int(row["x"]), int(row["y"]))


@pytest.mark.parametrize("name", CASES)
def test_every_point_is_canonical_and_on_the_curve(name: str) -> None:
    """All points of all proofs and accumulators, re-encoded to the same bytes."""
    case, shape = CASES[name], Shape(tiny.PROGRAMS[name]())
    encodings = [bytes.fromhex(case["C_W0"])]
    encodings += points(bytes.fromhex(case["dataset"]["proof"]), block_count(shape) + 1)
    encodings += points(bytes.fromhex(case["closing"]), 1 + 2 * shape.n_max)
    for fold in case["folds"]:
        encodings += points(bytes.fromhex(fold["proof"]), 3)
        encodings += [bytes.fromhex(fold["accumulator"][point]) for point in ("C_A", "C_S")]
    for data in encodings:
        assert write(read(data)) == data
    assert len(encodings) == 1 + block_count(shape) + 1 + 1 + 2 * shape.n_max + 2 * 5


@pytest.mark.parametrize("name", CASES)
def test_commitments_to_weights(name: str) -> None:
    """C_W0 and, after every fold, C_Wk."""
    case, shape = CASES[name], Shape(tiny.PROGRAMS[name]())
    assert write(commitment(pack_weights(shape, case["weights"]), 0)).hex() == case["C_W0"]
    for fold in case["folds"]:
        own = commitment(pack_weights(shape, fold["weights"]), number(fold["blinds"][0]))
        assert write(own).hex() == fold["proof"][:128]


def test_commitment_to_a_trace() -> None:
    """C_F of 2^11 values."""
    case, shape = CASES["two layers"], Shape(tiny.PROGRAMS["two layers"]())
    data = training.Dataset(case["features"], case["labels"])
    fold = case["folds"][0]
    W = pack_weights(shape, case["weights"])
    trace, _ = pack_trace(shape, training.execute(shape, data, fold["indices"], W, training.honest))
    encoded = b"".join(value.to_bytes(32, "little") for value in trace)
    assert hashlib.sha256(encoded).hexdigest() == fold["F"]
    assert write(commitment(trace, number(fold["blinds"][1]))).hex() == fold["proof"][128:256]


@pytest.mark.parametrize("name", CASES)
def test_commitments_to_rows_and_their_digest(name: str) -> None:
    case, shape = CASES[name], Shape(tiny.PROGRAMS[name]())
    rows = pack_dataset(shape, training.Dataset(case["features"], case["labels"]))
    own = row_commitments(shape, rows, [number(blind) for blind in case["dataset"]["blinds"]])
    data = bytes.fromhex(case["dataset"]["proof"])
    assert b"".join(map(write, own)) == data[: 64 * len(own)]
    digest = hash_one(DATASET, [shape.n, *[limb for point in own for limb in limbs(point)]])
    assert digest == number(case["dataset"]["root"])


def row_commitments(shape: Shape, rows: list[int], blinds: list[int]) -> list[Any]:
    """Of every block, then of the multiplicities."""
    count = block_count(shape)
    size = len(rows) // count
    mult = multiplicities(shape.program.input_bits, rows, widths(shape))
    tables = [*(rows[i * size : (i + 1) * size] for i in range(count)), mult]
    return [commitment(table, blind) for table, blind in zip(tables, blinds, strict=True)]


# --- the native module --------------------------------------------------------------------------------------


def native() -> tuple[bytes, Shape, _escapement.SegmentParameters]:
    """The tiny segment program."""
    program = segment_program()
    p = AnyProgram.decode(program)
    fields = {name: getattr(p, name) for name in ("k", "m", "max_segments", "f_x", "f_g", "kappa", "c")}
    inputs = {name: getattr(p, name) for name in ("features", "input_bits", "input_signed", "classes")}
    layers = tuple(Layer(**vars(layer)) for layer in p.layers)
    shape = Shape(Program(B=p.batch, n=p.rows, layers=layers, **fields, **inputs))
    assert shape.program.encode() == program
    return program, shape, cache.segment_parameters(program)


def matrices(shape: Shape, data: bytes) -> list[list[list[int]]]:
    """Weights per layer, the bias row last."""
    flat, made = np.frombuffer(data, "<i8").tolist(), []
    for layer in shape.layers:
        rows = layer.d_in + layer.bias
        made.append([flat[i * layer.d_out : (i + 1) * layer.d_out] for i in range(rows)])
        flat = flat[rows * layer.d_out :]
    assert not flat
    return made


def test_the_native_checkpoint_commitments() -> None:
    program, shape, parameters = native()
    nonce, key, log = bytes(range(32)), (123456789).to_bytes(32, "little"), (987654321).to_bytes(32, "little")
    weights = _escapement.genesis_weights(program, nonce)
    packed = pack_weights(shape, matrices(shape, weights))
    digest = hash_one(POINT, limbs(commitment(packed, 0)))
    assert parameters.genesis_commitment(nonce) == digest.to_bytes(32, "little")
    blind = hash_one(BLIND, [123456789, 987654321, shape.program.m - 1])
    digest = hash_one(POINT, limbs(commitment(packed, blind)))
    assert parameters.checkpoint_commitment(key, log, weights) == digest.to_bytes(32, "little")


def test_the_native_root_of_rows() -> None:
    _, shape, parameters = native()
    samples, labels = tiny_data()
    data = training.Dataset(
        np.frombuffer(samples, "<i4").reshape(shape.n, -1).tolist(), np.frombuffer(labels, "<i4").tolist()
    )
    rows, key = pack_dataset(shape, data), 123456789
    blinds = [hash_one(BLIND2, [key, 0, j, 3]) for j in range(block_count(shape))]
    own = row_commitments(shape, rows, [*blinds, hash_one(BLIND2, [key, 0, 0, 4])])
    root = hash_one(DATASET, [shape.n, *[limb for point in own for limb in limbs(point)]])
    native_rows = _escapement.SegmentRows(parameters, key.to_bytes(32, "little"), samples, labels)
    assert native_rows.root == root.to_bytes(32, "little")


def test_the_native_generators_digest() -> None:
    """What a policy states for a segment program, up to 2^n_o generators (docs/protocol.md §14)."""
    program, _, parameters = native()
    log = _escapement.segment_proof_sizes(program)["log_generators"]
    hasher = hashlib.sha256()
    for index in [*range(1 << log), 2**64 - 1, 2**64 - 2]:
        hasher.update(write(generator(index)))
    tag = b"escapement/v1/segment-key".ljust(32, b"\0")
    fields = hashlib.sha256(program).digest() + log.to_bytes(8, "big") + hasher.digest()
    assert parameters.digest == hashlib.sha256(tag + fields).digest()


@pytest.mark.parametrize("change", [lambda x: x + Q, lambda x: x + 1])
def test_another_encoding_of_a_point_is_none(change: Any) -> None:
    """What the native verifier refuses as well: tests/soundness."""
    data = bytes.fromhex(VECTORS["generators"]["0"])
    x = change(int.from_bytes(data[:32], "little"))
    with pytest.raises(AssertionError):
        read(x.to_bytes(32, "little") + data[32:])
