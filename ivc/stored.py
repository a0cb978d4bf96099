"""The chain as it lies on disk: every delay verified, every checkpoint opened against its commitment."""

import dataclasses

import vdf
from ivc import chain
from ivc.bundle import Segment
from ivc.chain import Head
from ivc.checkpoint import Checkpoint, load_checkpoint
from ivc.commitments import checkpoint_commitment
from ivc.delay import Task, load_delay
from ivc.errors import Malformed, Rejected, StorageError, delay_errors
from ivc.material import Material
from vdf import Delay


def delay_task(material: Material, index: int, head: Head) -> Task:
    """What delay `index` after `head` has to compute, and where its result belongs."""
    return Task(
        group=material.policy.group,
        squarings=material.policy.squarings,
        context=chain.delay_context(material.digest, index, head.checkpoint, head.seed).hex(),
        result=str(material.directory.delay_path(index)),
    )


def open_segment(material: Material, index: int, head: Head, y: bytes) -> Head:
    """Seed and log of the segment that delay `index` opens; its checkpoint is still empty."""
    return chain.advance(material.digest, index, head, y, checkpoint=b"")


def stored_checkpoint(material: Material, number: int, opened: Head) -> Checkpoint:
    """Checkpoint `number` from its file; raises Malformed `checkpoint-damaged` unless its weights open it."""
    path = material.directory.checkpoint_path(number)
    found = load_checkpoint(path, material.program, material.digest, number)
    try:
        commitment = commit(material, opened, found.weights)
    except Rejected as error:
        raise Malformed("checkpoint-damaged", f"{path}: {error}") from error
    if commitment != found.commitment:
        raise Malformed("checkpoint-damaged", f"{path}: its weights do not open its commitment")
    return found


def commit(material: Material, opened: Head, weights: bytes) -> bytes:
    """The commitment to the weights at the end of the segment that `opened` began."""
    return checkpoint_commitment(material.program, material.key, opened.log, weights)


def stored_chain(material: Material, segments: int) -> tuple[list[Head], tuple[Segment, ...], list[Delay]]:
    """Heads, bundle segments and delays of a complete chain; raises StorageError `run-incomplete`."""
    heads, made, delays = [chain.start(material.digest, material.manifest.genesis)], [], []
    for index in range(segments):
        try:
            delay = load_delay(delay_task(material, index, heads[-1]))
            opened = open_segment(material, index, heads[-1], delay.y)
            checkpoint = stored_checkpoint(material, index + 1, opened)
        except (Malformed, StorageError) as error:
            if isinstance(error, StorageError) and error.code != "missing-file":
                raise  # the machine's fault: running again would not repair it
            raise StorageError(
                "run-incomplete", f"segment {index + 1}: {error}; run it again, which repairs it"
            ) from error
        heads.append(dataclasses.replace(opened, checkpoint=checkpoint.commitment))
        made.append(Segment(delay.y, checkpoint.commitment))
        delays.append(delay)
    try:
        with delay_errors("delays"):
            vdf.group(material.policy.group).verify_each(delays)
    except (Malformed, Rejected) as error:
        if error.code == "delay-class-crashed":
            raise
        raise StorageError("run-incomplete", f"{error}; run it again, which repairs it") from error
    return heads, tuple(made), delays
