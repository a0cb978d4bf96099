"""Another program, dataset, key or device than the one that was proven, and verifying keys from the prover.

`foreign` is proven with twice the learning rate, and sized for half the segments so that widths and packing
stay: both states are what the honest program's verifier expects, and only the verifying key tells the two
programs apart.
"""

import dataclasses
from pathlib import Path

import _escapement
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivc import cache, chain
from ivc.verify import verify
from tests.soundness.attacks import (
    altered,
    checkpoints,
    encoded,
    expected,
    followed,
    following,
    redelayed,
    refused,
)
from tests.tiny_run import Run, resigned, tiny_data, tiny_program, train

FASTER = tiny_program(rate=2, max_segments=2)


@pytest.fixture(scope="module")
def other_parameters(own_cache: Path) -> _escapement.Parameters:
    return cache.parameters(FASTER, "ipa")


@pytest.fixture(scope="module")
def foreign(
    honest: Run,
    parameters: _escapement.Parameters,
    other_parameters: _escapement.Parameters,
) -> Run:
    """The honest request and policy; folds of the other program."""

    def start(prover: _escapement.Prover) -> _escapement.Prover:
        key, nonce, digest = honest.key, honest.policy.nonce, prover.manifest_digest
        return _escapement.Prover.start(other_parameters, FASTER, key, *tiny_data(), nonce, digest)

    return train(parameters, honest.request, honest.policy, honest.device, honest.key, start=start)


def test_another_learning_rate(foreign: Run, other_parameters: _escapement.Parameters) -> None:
    manifest = foreign.manifest
    start = chain.initial_state(manifest, foreign.request)
    assert start == foreign.states[0]
    head = chain.check_delays(manifest, foreign.bundle.segments, foreign.bundle.delays)
    end = chain.final_state(head, foreign.request)
    assert end == foreign.states[-1]
    other_key = _escapement.VerifyingKey.from_bytes("ipa", other_parameters.verifying_key_bytes())
    other_key.verify(4, start, end, foreign.bundle.proof)
    assert refused(foreign.policy, foreign.bundle) == ("proof-rejected", 1)


def test_a_cache_poisoned_with_the_provers_key(
    honest: Run,
    foreign: Run,
    other_parameters: _escapement.Parameters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key in the right place is used only if its SHA-256 is the policy's; else it is derived anew."""
    monkeypatch.setenv("ESCAPEMENT_CACHE", str(tmp_path))
    path = cache._path(honest.request.program, "ipa", honest.policy.verifying_key)
    path.parent.mkdir(parents=True)
    path.write_bytes(other_parameters.verifying_key_bytes())
    assert refused(foreign.policy, foreign.bundle) == ("proof-rejected", 1)
    assert path.with_name(path.name + ".damaged").read_bytes() == other_parameters.verifying_key_bytes()
    verify(honest.policy, honest.bundle.encode())


def test_a_verifying_key_in_the_bundle(honest: Run, parameters: _escapement.Parameters) -> None:
    """There is no place for one, of whatever size."""
    key, data = parameters.verifying_key_bytes(), honest.bundle.encode()
    items = cbor2.loads(data)
    digest = honest.policy.verifying_key
    assert refused(honest.policy, encoded([*items, key])) == ("too-long", 5)
    assert refused(honest.policy, encoded([*items, digest])) == ("wrong-length", 5)
    assert refused(honest.policy, altered(data, (3, 0), "replaced", [*items[3][0], digest])) == (
        "wrong-length",
        5,
    )
    longer = {
        name: encoded([*cbor2.loads(getattr(honest.bundle, name)), digest])
        for name in ("request", "manifest")
    }
    for name, value in longer.items():
        attack = dataclasses.replace(honest.bundle, **{name: value})  # type: ignore[arg-type]
        assert refused(honest.policy, attack) == (f"{name}-mismatch", 1)
    assert refused(*followed(honest, longer["request"])) == ("wrong-length", 5)


@pytest.mark.parametrize(
    ("field", "value"),
    [("kappa", 4), ("max_segments", 8), ("m", 1), ("k", 2)],
    ids=["scale", "sized for more", "folds per segment", "steps per fold"],
)
def test_proven_for_one_program_and_claimed_for_another(honest: Run, field: str, value: int) -> None:
    """The verifier accepted the other program and has its true key; N counts what the bundle would claim."""
    program = tiny_program(**{field: value})
    policy, bundle = following(honest, program=program)
    key = cache.verifying_key(program, "ipa", None)
    policy = dataclasses.replace(policy, verifying_key=cache.key_digest(key))
    run = dataclasses.replace(
        honest, policy=policy, request=dataclasses.replace(honest.request, program=program)
    )
    ends = checkpoints(honest) * (2 if field == "m" else 1)
    claimed = dataclasses.replace(redelayed(bundle, run.manifest, ends), manifest=run.manifest.encode())
    assert refused(policy, resigned(run, claimed)) == expected("proof-rejected")


@pytest.mark.parametrize(
    "field",
    ["root", "key_commitment", "device_key", "dataset_name", "split_seed", "test_rows", "test_digest"],
)
def test_proven_for_one_request_and_claimed_for_another(honest: Run, claimed: Run, field: str) -> None:
    """Everything else of the attack is right: manifest, delays and signature follow the other request."""
    device = claimed.device if field == "device_key" else honest.device
    values = {
        **{name: getattr(claimed.request, name) for name in ("root", "key_commitment", "device_key")},
        **{"dataset_name": "other", "split_seed": 2, "test_rows": 3, "test_digest": bytes(32)},
    }
    policy, bundle = following(honest, **{field: values[field]})
    request = dataclasses.replace(honest.request, **{field: values[field]})
    run = dataclasses.replace(honest, policy=policy, request=request, device=device)
    attack = redelayed(bundle, run.manifest, checkpoints(honest))
    assert refused(policy, resigned(run, attack)) == ("proof-rejected", 1)


@pytest.mark.parametrize("field", ["kappa", "f_g", "f_x", "max_segments", "m", "k", "batch", "rows", "rate"])
def test_another_program_than_the_policys(honest: Run, field: str) -> None:
    """k, m, N and everything else that counts are in the request, and the request is the policy's."""
    value = {"kappa": 4, "f_g": 7, "f_x": 5, "max_segments": 8, "rows": 8, "rate": 2, "batch": 3}.get(
        field, 3
    )
    request = dataclasses.replace(honest.request, program=tiny_program(**{field: value}))
    attack = dataclasses.replace(honest.bundle, request=request.encode())
    assert refused(honest.policy, attack) == ("request-mismatch", 1)
    assert refused(honest.policy, following(honest, program=request.program)[1]) == ("request-mismatch", 1)


def test_a_device_that_takes_over_a_bundle(honest: Run) -> None:
    """Another device may sign, but the request names whose signature counts."""
    stolen = resigned(honest, honest.bundle, Ed25519PrivateKey.generate())
    assert refused(honest.policy, stolen) == ("signature-invalid", 1)
