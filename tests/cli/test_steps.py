"""escapement steps: the whole way with each prover, exit codes, and what is said where."""

import hashlib
import json
import stat
from pathlib import Path

import cbor2
import pytest

from escapement import machine
from tests.cli.conftest import Call
from tests.tiny_steps import Hashes, HashSteps
from zkml.errors import ProverFailed
from zkml.provers import statement
from zkml.provers.interface import Estimate, Work
from zkml.provers.registry import PROVERS

COMMANDS = ("terms", "nonce", "prove", "verify")


@pytest.fixture(autouse=True)
def elsewhere(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written by default lies beside the configuration."""
    monkeypatch.chdir(tiny.parent)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prover that takes no time and says that it is insecure."""
    monkeypatch.setitem(PROVERS, "hashes", Hashes)


def agree(call: Call, tiny: Path, prover: str, *more: object) -> Path:
    """Terms of one segment, beside the configuration."""
    out = tiny.with_name("terms.toml")
    asked = ("--prover", prover, "--segments", 1, "--squarings", 200, "--out", out)
    answer = call("steps", "terms", tiny, *asked, *more)
    assert answer.code == 0, answer.err
    return out


def proven(call: Call, tiny: Path, terms: Path, *more: object) -> Path:
    """The file of the chain, beside the configuration."""
    out = tiny.with_name("steps.esc")
    answer = call("steps", "prove", tiny, "--terms", terms, "--out", out, *more)
    assert answer.code == 0, answer.err
    return out


def code(call: Call, *arguments: object) -> tuple[int, str]:
    """Exit code and error code."""
    answer = call("steps", *arguments, "--json")
    return answer.code, answer.json["error"]["code"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(call: Call, command: str) -> None:
    answer = call("steps", command, "--help")
    assert answer.code == 0
    for expected in ("Examples:", f"escapement steps {command}", "--json"):
        assert expected in answer.out
    assert "nonce" in call("steps", "terms", "--help").out
    assert "INSECURE" in call("steps", "verify", "--help").out


@pytest.mark.parametrize("prover", ["segment", "r1cs-nova"])
def test_the_whole_way(call: Call, tiny: Path, prover: str) -> None:
    terms = agree(call, tiny, prover)
    (secret,) = tiny.with_name("steps.keys").glob("blinding-*.key")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    agreed = tiny.with_name("agreed.toml")
    assert call("steps", "nonce", terms, "--out", agreed).code == 0
    answer = call("steps", "prove", tiny, "-t", agreed)
    assert answer.code == 0
    assert "Segment 1 of 1 proven" in answer.err
    assert "insecure" not in answer.out
    file = tiny.with_name("steps.esc")
    answer = call("steps", "verify", "--terms", agreed, file, "--json")
    assert answer.code == 0
    said = answer.json
    assert (said["prover"], said["segments"], said["steps"], said["squarings"]) == (prover, 1, 2, 200)
    assert said["insecure"] is None
    assert said["file_bytes"] == file.stat().st_size
    text = call("steps", "verify", "--terms", agreed, file)
    assert text.out.startswith("VERIFIED: the chain holds under these terms\n")
    for sentence in (*statement.SHOWN, *said["not_bound"], *said["not_shown"]):
        assert sentence in text.out
    assert "INSECURE" not in text.out + text.err
    # Under the terms with the trainer's own nonce nothing of it holds.
    assert code(call, "verify", "-t", terms, file) == (1, "proof-rejected")


def test_the_nonce_is_all_that_changes(call: Call, tiny: Path, hashes: None) -> None:
    terms, out = agree(call, tiny, "hashes"), tiny.with_name("own.toml")
    made = call("steps", "nonce", terms, "--out", out, "--json").json
    old, new = terms.read_text(encoding="utf-8"), out.read_text(encoding="utf-8")
    different = [line for line in new.splitlines() if line not in old.splitlines()]
    assert different == [f'nonce = "{made["nonce"]}"']
    for name in ("prover", "rows", "group", "segments"):
        assert f"{name} = {json.dumps(made[name])}" in new.splitlines()
    assert f"squarings = {made['squarings_per_delay']}" in new.splitlines()
    assert made["reference_string_sha256"] == "none"
    assert code(call, "nonce", terms, "--out", out) == (2, "exists")


def test_a_given_nonce(call: Call, tiny: Path, hashes: None) -> None:
    terms = agree(call, tiny, "hashes", "--nonce", "ab" * 32)
    assert f'nonce = "{"ab" * 32}"' in terms.read_text(encoding="utf-8")
    base = ("terms", tiny, "--prover", "hashes", "--segments", 1, "--squarings", 9)
    for nonce in ("ab" * 31, "zz" * 32, "ab" * 33):
        assert code(call, *base, "--out", tiny.with_name("b.toml"), "--nonce", nonce) == (2, "nonce")


def test_an_insecure_chain_says_so(call: Call, tiny: Path, hashes: None) -> None:
    terms = agree(call, tiny, "hashes")
    answer = call("steps", "prove", tiny, "-t", terms, "--out", tiny.with_name("steps.esc"))
    assert "INSECURE: it is a test double" in answer.err
    assert "insecure" in answer.out
    text = call("steps", "verify", "-t", terms, tiny.with_name("steps.esc"))
    assert text.code == 0
    assert text.out.startswith("INSECURE: it is a test double.\nThe equations hold, and show nothing.\n")
    assert "VERIFIED" not in text.out
    assert "INSECURE it is a test double" in text.err
    answer = call("steps", "verify", "-t", terms, tiny.with_name("steps.esc"), "--json")
    assert (answer.code, answer.json["insecure"]) == (0, "it is a test double")


class Local(Hashes):
    """Makes a reference string on the spot, as ezkl does where none is given."""

    def set_up(self, work: Work, folder: Path, srs: Path | None) -> HashSteps:
        """The same as without, but for the file."""
        steps = super().set_up(work, folder, srs)
        folder.mkdir(exist_ok=True)
        steps.srs = folder / "insecure.srs"
        steps.srs.write_bytes(b"made here")
        return steps


def test_a_reference_string_made_on_the_spot(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terms name it, the trainer has it, and whoever verifies is given it."""
    monkeypatch.setitem(PROVERS, "hashes", Local)
    terms = agree(call, tiny, "hashes")
    digest = hashlib.sha256(b"made here").hexdigest()
    assert f'srs = "{digest}"' in terms.read_text(encoding="utf-8")
    file, made = proven(call, tiny, terms), tiny.with_name("steps.keys") / "insecure.srs"
    assert code(call, "verify", "-t", terms, file) == (2, "terms-mismatch")
    answer = call("steps", "verify", "-t", terms, file, "--srs", made, "--json")
    assert (answer.code, answer.json["reference_string"]) == (0, digest)


def test_what_cannot_be_agreed_on(call: Call, tiny: Path) -> None:
    out = tiny.with_name("terms.toml")
    base = ("terms", tiny, "--squarings", 200, "--out", out)
    assert code(call, *base, "--segments", 1, "--prover", "nova") == (2, "prover-unknown")
    assert code(call, *base, "--segments", 3, "--prover", "segment") == (5, "terms-malformed")
    assert code(call, *base, "--segments", 1, "--group", "rsa-1024") == (5, "terms-malformed")
    powers = tiny.with_name("powers")
    srs = ("--segments", 1, "--srs", powers)
    assert code(call, *base, *srs, "--prover", "segment") == (5, "srs-damaged")
    powers.write_bytes(b"powers")
    assert code(call, *base, *srs, "--prover", "segment") == (2, "terms-mismatch")
    assert code(call, *base, *srs, "--prover", "r1cs-nova-hyperkzg") == (5, "srs-damaged")
    assert code(call, *base, "--segments", 1, "--prover", "r1cs-nova-hyperkzg") == (2, "terms-mismatch")
    assert code(call, "terms", tiny.with_name("none.toml"), "--segments", 1, "--squarings", 9) == (
        5,
        "config-unreadable",
    )
    assert call("steps", "terms", tiny).code == 2
    assert not out.exists()


def test_what_cannot_be_proven(call: Call, tiny: Path, hashes: None) -> None:
    terms, out = agree(call, tiny, "segment"), tiny.with_name("steps.esc")
    base = ("prove", tiny, "-t", terms, "--out", out)
    assert code(call, *base, "--keys", tiny.with_name("other")) == (2, "terms-mismatch")
    assert code(call, *base, "--srs", terms) == (2, "terms-mismatch")
    assert code(call, "prove", tiny, "-t", tiny.with_name("none"), "--out", out) == (5, "terms-malformed")
    config = tiny.read_text(encoding="utf-8")
    other = tiny.with_name("other.toml")
    other.write_text(config.replace("learning_rate = 0.5", "learning_rate = 0.25"), encoding="utf-8")
    assert code(call, "prove", other, "-t", terms, "--out", out) == (2, "terms-mismatch")
    assert not out.exists()
    out.write_bytes(b"mine")
    assert code(call, *base) == (2, "exists")
    assert code(call, "terms", tiny, "--segments", 1, "--squarings", 9, "--out", terms) == (2, "exists")
    assert out.read_bytes() == b"mine"


def test_what_cannot_be_verified(call: Call, tiny: Path, hashes: None) -> None:
    terms = agree(call, tiny, "hashes")
    file = proven(call, tiny, terms)
    good = file.read_bytes()
    assert code(call, "verify", "-t", terms, tiny.with_name("none.esc")) == (5, "steps-unreadable")
    assert code(call, "verify", "-t", tiny.with_name("none.toml"), file) == (5, "terms-malformed")
    assert code(call, "verify", "-t", terms, file, "--srs", file) == (2, "terms-mismatch")
    for data, expected in (
        (good + b"\0", (5, "proof-malformed")),
        (good[:-1], (5, "proof-malformed")),
        (b"", (5, "proof-malformed")),
        (bytes(1 << 20), (5, "proof-malformed")),
        (good[:-1] + bytes([good[-1] ^ 1]), (1, "proof-rejected")),
    ):
        file.write_bytes(data)
        assert code(call, "verify", "-t", terms, file) == expected
    items = cbor2.loads(good)
    items[3] = bytes(256)
    file.write_bytes(cbor2.dumps(items, canonical=True))
    assert code(call, "verify", "-t", terms, file) == (5, "proof-malformed")
    file.write_bytes(good)
    assert call("steps", "verify", "-t", terms, file).code == 0


def test_too_little_memory(call: Call, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: 1 << 20)
    out = tiny.with_name("terms.toml")
    asked = ("--prover", "segment", "--segments", 1, "--squarings", 200, "--out", out)
    assert code(call, "terms", tiny, *asked) == (4, "memory")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(ProverFailed("segment 1: killed"), (4, "prover-failed")), (KeyboardInterrupt(), (130, "interrupted"))],
)
def test_a_prover_that_stops_leaves_no_file(
    call: Call,
    tiny: Path,
    hashes: None,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    expected: tuple[int, str],
) -> None:
    def fail(*_: object) -> None:
        raise failure

    terms, out = agree(call, tiny, "hashes"), tiny.with_name("steps.esc")
    monkeypatch.setattr("tests.tiny_steps.HashProver.finish", fail)
    assert code(call, "prove", tiny, "-t", terms, "--out", out) == expected
    assert not out.exists()


def test_the_estimate_comes_first(
    call: Call, tiny: Path, hashes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hashes, "estimate", lambda self, program: Estimate(60.0, 5.0, 0, 0, "a guess"))
    terms = agree(call, tiny, "hashes")
    answer = call("steps", "prove", tiny, "-t", terms, "--out", tiny.with_name("steps.esc"))
    assert "Preparing hashes's keys, about 5.00 s" in answer.err
    assert "Proving 2 steps in 1 segments, about 2 min 00 s and 1 delays of 200 squarings" in answer.err


def test_a_folder_of_secrets_that_cannot_be_written(call: Call, tiny: Path) -> None:
    out = tiny.with_name("terms.toml")
    tiny.with_name("taken").write_bytes(b"")
    asked = ("--prover", "segment", "--segments", 1, "--squarings", 200, "--out", out)
    assert code(call, "terms", tiny, *asked, "--keys", tiny.with_name("taken")) == (5, "prover-secret")
