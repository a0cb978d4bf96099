"""Commitments to weights and rows, by the arithmetisation of the program that they belong to.

    r1cs-nova   C = H(WEIGHTS; blind, packed weights)          root: Merkle tree over salted rows (§4, §5)
    segment     C = H(POINT; Pedersen commitment)              root: H(DATASET; n, Pedersen commitments) (§14)

All are field elements of 32 bytes. With `segment` they need the program's generators: derived once, then read
from the cache.
"""

import _escapement

from ivc import cache
from ivc.errors import native_errors
from ivc.program import SEGMENT, program_info


def genesis_commitment(program: bytes, nonce: bytes) -> bytes:
    """C_0: the commitment to the weights that `nonce` gives (protocol §4), blind 0."""
    if is_segment(program):
        parameters = cache.segment_parameters(program)
        with native_errors("genesis"):
            return parameters.genesis_commitment(nonce)
    with native_errors("genesis"):
        return _escapement.genesis_commitment(program, nonce)


def checkpoint_commitment(program: bytes, key: bytes, log: bytes, weights: bytes) -> bytes:
    """C_i of the weights at the end of the segment whose log is `log`, under the derived blind."""
    if is_segment(program):
        parameters = cache.segment_parameters(program)
        with native_errors("checkpoint"):
            return parameters.checkpoint_commitment(key, log, weights)
    with native_errors("checkpoint"):
        return _escapement.checkpoint_commitment(program, key, log, weights)


def dataset_root(program: bytes, key: bytes, samples: bytes, labels: bytes) -> bytes:
    """The root over all training rows (int32 little-endian), under salts or blinds derived from the key."""
    if is_segment(program):
        return segment_rows(program, key, samples, labels).root
    with native_errors("dataset"):
        return _escapement.dataset_root(program, key, samples, labels)


def segment_rows(program: bytes, key: bytes, samples: bytes, labels: bytes) -> _escapement.SegmentRows:
    """The rows of a segment program with their commitments: the native prover's view of them."""
    parameters = cache.segment_parameters(program)
    with native_errors("dataset"):
        return _escapement.SegmentRows(parameters, key, samples, labels)


def is_segment(program: bytes) -> bool:
    """Whether the program is proven by the segment argument; raises Malformed `program-invalid`."""
    return program_info(program).arithmetisation == SEGMENT
