"""The figures of delays on this machine: squarings, proofs, verifications, memory.

Every way to square modulo the RSA-2048 number, interleaved over several rounds and timed by this thread's
processor time: the native kernels, GMP through gmpy2, OpenSSL through ctypes; and Chia's class groups. What a
proof adds to an evaluation, what verifying costs in every way there is, what is stored. Prints tables on
stderr and JSON on stdout, kept with a plot as benchmarks/results/vdf-<date>-<machine>.{json,svg}, and as
docs/delay-figures.md with --docs.

    python benchmarks/delays.py [--quick] [--rounds N] [--docs]
"""

import argparse
import ctypes
import ctypes.util
import datetime
import hashlib
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import _escapement
import gmpy2
from gmpy2 import gcd, mpz, powmod
from rich.table import Table

from escapement import console, kernels, machine
from ivc.memory import peak_memory
from vdf.classgroup import ClassGroup
from vdf.encoding import tag, u64
from vdf.group import Delay, Group
from vdf.groups import group
from vdf.rsa.elements import RSA2048, Elements
from vdf.rsa.layout import choose_layout


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int
    slot_seconds: float
    powers: tuple[int, ...]  # log2 T of evaluations and their proofs
    delays: tuple[int, ...]  # how many are verified
    class_power: int


FULL = Sizes(9, 0.25, (16, 18, 20, 22, 24), (1, 10, 100), 20)
QUICK = Sizes(3, 0.02, (12, 14), (1, 5), 12)


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description="Measure delays on this machine.")
    parser.add_argument("--quick", action="store_true", help="a smoke run: seconds, figures worth nothing")
    parser.add_argument("--rounds", type=int, help="rounds of every timing (default 9)")
    parser.add_argument("--docs", action="store_true", help="write docs/delay-figures.md, too")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory is not None:
        print(json.dumps(memory_here(arguments.memory)))
        return 0
    if arguments.quick and arguments.docs:
        parser.error("--docs: not with --quick, whose figures are worth nothing")
    sizes = QUICK if arguments.quick else FULL
    result = measure(sizes, arguments.rounds or sizes.rounds)
    for table in tables(result):
        console.stderr.print(table)
    print(json.dumps(result, indent=2))
    path = keep(result, arguments.quick)
    drawn = plot(result, path.with_suffix(".svg"))
    if arguments.docs:
        DOCS.write_text(as_markdown(result, path.with_suffix(".svg") if drawn else None), encoding="utf-8")
    return 0


def measure(sizes: Sizes, rounds: int) -> dict[str, Any]:
    """All of it."""
    load = os.getloadavg()[0]
    checked = {name: kernels.check_kernel(name) for name in kernels.kernels()}
    console.log(f"kernels agree with GMP: {', '.join(checked)}; timing squarings")
    squarings = squaring_times(sizes, rounds)
    console.log("timing evaluations and proofs")
    overheads = [best_overhead("rsa-2048", power) for power in sizes.powers]
    overheads += [best_overhead("class-1024", sizes.class_power)] if HAS_CLASS_GROUPS else []
    console.log("timing verifications")
    verifications = [verification_times(number, rounds) for number in sizes.delays]
    console.log("measuring memory")
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "load_before": load,
        "rounds": rounds,
        "gmp": kernels.gmp_version(),
        "openssl": openssl_version(),
        "kernel": RSA2048.native.kernel,
        "kernel_results_checked": checked,
        "squaring_nanoseconds": squarings,
        "overhead": overheads,
        "verification": verifications,
        "class_verification": class_verification(min(rounds, 5)) if HAS_CLASS_GROUPS else None,
        "memory": [memory_of(power) for power in sizes.powers],
    }


# --- squarings --------------------------------------------------------------------------------------------

# Squares for about so many seconds; returns squarings and the processor time they took.
Slot = Callable[[float], tuple[int, float]]


def squaring_times(sizes: Sizes, rounds: int) -> dict[str, dict[str, Any]]:
    """Nanoseconds per squaring of every path, the paths taking turns."""
    paths: dict[str, Slot] = {f"kernel {name}": kernel_slot(name) for name in kernels.kernels()}
    paths |= {"gmpy2 powmod(x, 2^k, N)": powmod_slot, "gmpy2 x*x % N": loop_slot}
    if OPENSSL is not None:
        paths[OPENSSL_NAME] = openssl_slot(OPENSSL)
    if HAS_CLASS_GROUPS:
        paths[CLASS_NAME] = class_slot
    times: dict[str, list[float]] = {name: [] for name in paths}
    for round_ in range(rounds + 1):  # the first warms up
        for name, slot in paths.items():
            done, seconds = slot(sizes.slot_seconds)
            if round_ > 0:
                times[name].append(seconds * 1e9 / done)
    return {name: summary(values) for name, values in times.items()}


def kernel_slot(name: str) -> Slot:
    """The native chain, as an evaluation runs it, without stored elements."""
    elements = Elements(RSA2048.modulus, name)
    run = _escapement.Squarings(elements.native, RSA2048.encode(3), 1 << 62, 0)

    def slot(seconds: float) -> tuple[int, float]:
        begin = run.position

        def some() -> int:
            run.advance(run.position + CHUNK)
            return run.position - begin

        return timed(some, seconds)

    return slot


def powmod_slot(seconds: float) -> tuple[int, float]:
    """One exponent 2^CHUNK at a time."""
    x, done, exponent = mpz(3), 0, mpz(1) << CHUNK

    def some() -> int:
        nonlocal x, done
        x, done = powmod(x, exponent, N), done + CHUNK
        return done

    return timed(some, seconds)


def loop_slot(seconds: float) -> tuple[int, float]:
    """What a reader would write."""
    x, done = powmod(mpz(3), 1 << 64, N), 0

    def some() -> int:
        nonlocal x, done
        for _ in range(CHUNK):
            x = x * x % N
        done += CHUNK
        return done

    return timed(some, seconds)


def openssl_slot(crypto: ctypes.PyDLL) -> Slot:
    """BN_mod_mul_montgomery in a loop; the time of as many calls that do nothing is taken off."""
    words = RSA2048.modulus_encoded
    modulus = crypto.BN_bin2bn(words, len(words), None)
    context, mont = crypto.BN_CTX_new(), crypto.BN_MONT_CTX_new()
    crypto.BN_MONT_CTX_set(mont, modulus, context)
    x = crypto.BN_bin2bn(RSA2048.encode(powmod(3, 1 << 64, N)), len(words), None)
    multiply, nothing = crypto.BN_mod_mul_montgomery, crypto.BN_num_bits

    def loop(function: Any) -> float:
        start = time.thread_time()
        for _ in range(CHUNK):
            function(x, x, x, mont, context)
        return time.thread_time() - start

    def slot(seconds: float) -> tuple[int, float]:
        done, used, start = 0, 0.0, time.monotonic()
        while done == 0 or time.monotonic() - start < seconds:
            used += loop(multiply) - loop(nothing)
            done += CHUNK
        return done, used

    return slot


def class_slot(seconds: float) -> tuple[int, float]:
    """Chia's evaluation and proof in one call on one core, discriminant included."""
    import chiavdf

    squarings = max(10_000, round(seconds * 300_000))
    used = time.thread_time()
    chiavdf.prove(b"escapement vdf bench", b"\x08" + bytes(99), 1024, squarings, "")
    return squarings, time.thread_time() - used


def timed(some: Callable[[], int], seconds: float) -> tuple[int, float]:
    """Call `some`, which returns the squarings so far, for so long; squarings and this thread's time."""
    done, start, used = 0, time.monotonic(), time.thread_time()
    while done == 0 or time.monotonic() - start < seconds:
        done = some()
    return done, time.thread_time() - used


def summary(values: Sequence[float]) -> dict[str, float]:
    """Minimum, median, and (maximum − minimum)/median."""
    median = statistics.median(values)
    return {"min": min(values), "median": median, "spread": (max(values) - min(values)) / median}


def open_openssl() -> ctypes.PyDLL | None:
    """libcrypto with the functions declared that are called; None where there is none that fits."""
    found = ctypes.util.find_library("crypto")
    pointer, number = ctypes.c_void_p, ctypes.c_int
    functions: dict[str, tuple[Any, list[Any]]] = {
        "BN_bin2bn": (pointer, [ctypes.c_char_p, number, pointer]),
        "BN_CTX_new": (pointer, []),
        "BN_MONT_CTX_new": (pointer, []),
        "BN_MONT_CTX_set": (number, [pointer] * 3),
        "BN_mod_mul_montgomery": (number, [pointer] * 5),
        "BN_num_bits": (number, [pointer] * 5),  # reads one; the others cost what they cost in a real call
        "OpenSSL_version": (ctypes.c_char_p, [number]),
    }
    try:
        crypto = ctypes.PyDLL(found or "libcrypto.so.3")
        for name, (result, given) in functions.items():
            function = getattr(crypto, name)
            function.restype, function.argtypes = result, given
    except (OSError, AttributeError):
        return None
    return crypto


def openssl_version() -> str | None:
    """As libcrypto says."""
    return None if OPENSSL is None else OPENSSL.OpenSSL_version(0).decode()


# --- proofs -----------------------------------------------------------------------------------------------


def best_overhead(name: str, power: int) -> dict[str, Any]:
    """Wall time of a delay's evaluation and of its proof on all cores; short ones thrice, the best counts."""
    times = 1 if power > 20 or name != "rsa-2048" else 3
    made = [kernels.overhead(group(name), 1 << power) for _ in range(times)]
    return {"group": name, **min(made, key=lambda one: one["evaluation_seconds"] + one["proof_seconds"])}


# --- verification -----------------------------------------------------------------------------------------


def verification_times(number: int, rounds: int) -> dict[str, Any]:
    """Microseconds for `number` delays of rsa-2048, wall time, the ways taking turns."""
    rsa = group("rsa-2048")
    made = kernels.delays(rsa, SHORT, number)
    proof = rsa.prove_run(made)
    xs, ys = [delay.x for delay in made], [delay.y for delay in made]

    def one_by_one(verify: Callable[[bytes, bytes, bytes, int], None]) -> None:
        for delay in made:
            verify(delay.x, delay.y, delay.pi, SHORT)

    ways: dict[str, Callable[[], None]] = {
        "gmpy2 one by one": lambda: one_by_one(plain_verify),
        "native one by one": lambda: one_by_one(rsa.verify),
        "batch": lambda: rsa.verify_each(made),
        "one proof": lambda: rsa.verify_run(xs, ys, proof, SHORT),
    }
    return {"delays": number, "microseconds": taking_turns(ways, rounds)}


def taking_turns(ways: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, dict[str, float]]:
    """Wall time of each, in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):  # the first warms up
        for name, work in ways.items():
            kernels.forget()
            start = time.perf_counter()
            work()
            if round_ > 0:
                times[name].append((time.perf_counter() - start) * 1e6)
    return {name: summary(values) for name, values in times.items()}


def plain_verify(x: bytes, y: bytes, pi: bytes, squarings: int) -> None:
    """Protocol §9.1 by gmpy2 and hashlib alone, for comparison."""
    for data, least in ((x, 2), (y, 1), (pi, 1)):
        element = mpz(int.from_bytes(data, "big"))
        if len(data) != 256 or not least <= element <= (N - 1) // 2 or gcd(element, N) != 1:
            raise ValueError("not a canonical element")
    transcript = tag("escapement/v1/wesolowski") + RSA2048.modulus_encoded + x + y + u64(squarings)
    ell = plain_prime(hashlib.sha256(transcript).digest())
    left = powmod(int.from_bytes(pi, "big"), ell, N)
    left = left * powmod(int.from_bytes(x, "big"), powmod(2, squarings, ell), N) % N
    if int(min(left, N - left)).to_bytes(256, "big") != y:
        raise ValueError("false")


def plain_prime(transcript: bytes) -> mpz:
    """prime(t); one candidate in 89 is prime."""
    number = 256
    while True:
        stream = hashlib.shake_256(tag("escapement/v1/prime") + transcript).digest(32 * number)
        for at in range(0, len(stream), 32):
            candidate = mpz(int.from_bytes(stream[at : at + 32], "big")).bit_set(0).bit_set(255)
            if gcd(candidate, SMALL_PRIMES) > 1 or not gmpy2.is_strong_bpsw_prp(candidate):
                continue
            if all(gmpy2.is_strong_prp(candidate, base) for base in plain_bases(candidate)):
                return candidate
        number *= 4


def plain_bases(candidate: mpz) -> list[mpz]:
    """The bases of the 24 Miller–Rabin rounds."""
    data = tag("escapement/v1/prime-base") + int(candidate).to_bytes(32, "big")
    wide = hashlib.shake_256(data).digest(24 * 40)
    return [2 + mpz(int.from_bytes(wide[at : at + 40], "big")) % (candidate - 3) for at in range(0, 960, 40)]


def class_verification(rounds: int) -> dict[str, Any]:
    """Milliseconds for one delay of class-1024 in a new group, by its sub-delays, on one core."""
    made, ways = {}, {}
    for parts in (1, CLASS_PARTS):
        # Short sub-delays: what one costs the verifier does not depend on its length.
        chia = ClassGroup("class-1024", sub_squarings=SHORT)
        made[parts] = kernels.delays(chia, SHORT * parts, 1)[0]
        ways[str(parts)] = partial(verify_one, chia, made[parts])
    times = taking_turns(ways, rounds)
    one, many = (times[str(parts)]["median"] / 1000 for parts in made)
    return {
        "parts": CLASS_PARTS,
        "proof_bytes": {str(parts): len(delay.pi) for parts, delay in made.items()},
        "milliseconds": {"1": one, str(CLASS_PARTS): many},
        "milliseconds_per_part": (many - one) / (CLASS_PARTS - 1),
    }


def verify_one(chosen: Group, delay: Delay) -> None:
    """By its own proof."""
    chosen.verify(delay.x, delay.y, delay.pi, delay.squarings)


# --- memory -----------------------------------------------------------------------------------------------


def memory_of(power: int) -> dict[str, Any]:
    """`memory_here` in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--memory", str(power)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def memory_here(power: int) -> dict[str, Any]:
    """What one delay of 2^power squarings stores, in files and in memory."""
    rsa, squarings = group("rsa-2048"), 1 << power
    rsa.delay(rsa.input(bytes(32), 2), 2)
    before = peak_memory()
    with tempfile.TemporaryDirectory(prefix="escapement-bench-") as folder:
        state = Path(folder) / "a.state"
        delay = rsa.delay(rsa.input(bytes(32), squarings), squarings, state=state)
        return {
            "squarings": squarings,
            "stored_bytes": choose_layout(squarings).count * RSA2048.element_bytes,
            "state_bytes": state.stat().st_size,
            "kept_bytes": len(delay.kept),
            "peak_bytes": peak_memory(),
            "peak_bytes_before": before,
        }


# --- what is kept -----------------------------------------------------------------------------------------


def keep(result: dict[str, Any], quick: bool) -> Path:
    """Write the result under results/, one file per day and machine; a smoke run's to a temporary folder."""
    described = result["machine"]
    slug = re.sub(r"[^a-z0-9]+", "-", f"{described['cpu']} {described['cores']} cores".lower()).strip("-")
    folder = Path(tempfile.mkdtemp(prefix="escapement-bench-")) if quick else RESULTS
    path = folder / f"vdf-{result['date']}-{slug}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    console.log(f"kept in {path}")
    return path


def plot(result: dict[str, Any], path: Path) -> bool:
    """Draw the squarings and the verifications; False, and the remedy on stderr, without matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        console.log("No plot: matplotlib is missing; `make bench` installs it (extra `bench`).")
        return False
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "escapement"
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), width_ratios=(3, 2), layout="constrained")
    times = {name: one for name, one in result["squaring_nanoseconds"].items() if name != CLASS_NAME}
    bars = left.barh(list(times), [times[name]["median"] for name in times], color="#35618f")
    left.bar_label(bars, fmt="%.0f", padding=3)
    left.invert_yaxis()
    left.margins(x=0.1)
    left.set_title("ns per squaring modulo RSA-2048 (median)")
    numbers = [one["delays"] for one in result["verification"]]
    for way in result["verification"][0]["microseconds"]:
        medians = [one["microseconds"][way]["median"] / 1000 for one in result["verification"]]
        right.plot(numbers, medians, marker="o", label=way)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xticks(numbers, [str(number) for number in numbers])
    right.minorticks_off()
    right.set_xlabel("delays")
    right.set_title("ms to verify all of them")
    right.legend(frameon=False)
    figure.suptitle(f"{result['machine']['cpu']}, {result['date']}", fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    console.log(f"drawn in {path}")
    return True


Rows = list[list[str]]  # the first is the head


def sections(result: dict[str, Any]) -> dict[str, Rows]:
    """Every table by its title."""
    times = result["squaring_nanoseconds"]
    squarings = [["path", "median ns", "least ns", "spread", "squarings/s"]]
    for name, one in times.items():
        numbers = [f"{one['median']:,.0f}", f"{one['min']:,.0f}", f"{one['spread']:.1%}"]
        squarings.append([name, *numbers, f"{1e9 / one['median']:,.0f}"])
    overhead = [["group", "T", "evaluation s", "proof s", "proof / evaluation"]]
    for one in result["overhead"]:
        cells = [f"{one['evaluation_seconds']:.3f}", "in it", "in it"]
        if one["group"] == "rsa-2048":
            cells[1:] = [f"{one['proof_seconds']:.3f}", f"{one['proof_over_evaluation']:.3f}"]
        overhead.append([one["group"], _power(one["squarings"]), *cells])
    ways = list(result["verification"][0]["microseconds"])
    verification = [["delays", *(f"{way}, µs" for way in ways)]]
    for one in result["verification"]:
        medians = [f"{one['microseconds'][way]['median']:,.0f}" for way in ways]
        verification.append([str(one["delays"]), *medians])
    memory = [["T", "stored", "state file", "kept", "peak memory", "before"]]
    for one in result["memory"]:
        names = ("stored_bytes", "state_bytes", "kept_bytes", "peak_bytes", "peak_bytes_before")
        memory.append([_power(one["squarings"]), *(console.human_bytes(one[name]) for name in names)])
    made = {
        "Squaring modulo the RSA-2048 number": squarings,
        "A proof beside its evaluation": overhead,
        "Verification": verification,
        "What an evaluation of rsa-2048 stores": memory,
    }
    chia = result["class_verification"]
    if chia is not None:
        rows = [["sub-delays", "proof", "ms"]]
        for parts, milliseconds in chia["milliseconds"].items():
            rows.append([parts, console.human_bytes(chia["proof_bytes"][parts]), f"{milliseconds:,.0f}"])
        rows.append(["one more", "200 B", f"{chia['milliseconds_per_part']:.1f}"])
        made["Verification of a class group's delay"] = rows
    return made


def tables(result: dict[str, Any]) -> list[Table]:
    """For a terminal."""
    made = []
    for title, rows in sections(result).items():
        table = Table(title=title, title_justify="left")
        for column in rows[0]:
            table.add_column(column)
        for row in rows[1:]:
            table.add_row(*row)
        made.append(table)
    return made


def as_markdown(result: dict[str, Any], drawing: Path | None) -> str:
    """The page docs/delay-figures.md."""
    described = result["machine"]
    lines = [
        "# Figures of delays",
        "",
        "Written by `make bench` (benchmarks/delays.py); edit nothing here. "
        f"{result['date']}, {described['cpu']}, {described['cores']} cores, {result['gmp']}, "
        f"{result['openssl'] or 'no OpenSSL'}.",
        "",
        f"Squarings: processor time of one core, {result['rounds']} rounds, all paths taking turns (chiavdf: "
        "proof included; OpenSSL: the cost of a call from Python taken off). The kernel in use is "
        f"`{result['kernel']}`. All else: wall time on all cores; load average before: "
        f"{result['load_before']:.1f}. Verification does not depend on T.",
        "",
    ]
    if drawing is not None:
        lines += [f"![ns per squaring, ms per verification](../benchmarks/results/{drawing.name})", ""]
    for title, rows in sections(result).items():
        lines += [f"## {title}", "", f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in rows[1:]] + [""]
    return "\n".join(lines)


def _power(squarings: int) -> str:
    return f"2^{squarings.bit_length() - 1}"


N = mpz(RSA2048.modulus)
SMALL_PRIMES = gmpy2.primorial(1000)
CHUNK = 4096  # squarings per call
SHORT = 1 << 10  # T of the delays that are verified
CLASS_PARTS = 16
OPENSSL = open_openssl()
OPENSSL_NAME = "OpenSSL BN_mod_mul_montgomery"
CLASS_NAME = "chiavdf (class group)"
HAS_CLASS_GROUPS = importlib.util.find_spec("chiavdf") is not None
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs" / "delay-figures.md"

if __name__ == "__main__":
    sys.exit(main())
