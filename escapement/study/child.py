"""The measuring process of one cell: `python -P -m escapement.study.child`, spoken to by `study.process`.

Reads one line of JSON: {"prover", "program" (hex), "seed", "folder", "srs", "segments", "verifications",
"blocks", "block_seconds"}. Ends with {"measured": {…}} or {"error": {"code", "message"}}. Whatever libraries
print goes to standard error. When standard input ends, whoever asked is gone: the whole group ends at once.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from escapement.study.process import VERIFY


class Channel:
    """The line to whoever asked: a copy of standard output, which itself now leads to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, message: dict[str, Any]) -> None:
        """One object, at once."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def phase(self, name: str) -> None:
        """What comes next, and the most memory that this process had until now."""
        from ivc.memory import peak_memory

        self.send({"phase": name, "peak_bytes": peak_memory()})


def main() -> int:
    """Measure what standard input says; 0 whatever came of it, as long as it could be told."""
    channel = Channel()
    work = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        channel.send({"measured": measure(work, channel)})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of native code does not derive from Exception
        channel.send({"error": described(error)})
    return 0


def measure(work: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """The cell's "measured", but for what only the watcher knows. Raises whatever the prover raises."""
    from escapement.study import baselines
    from escapement.study.cells import PLAIN
    from escapement.study.proving import measure_prover
    from escapement.study.work import work as with_rows
    from zkml.program import Program

    program = Program.decode(bytes.fromhex(work["program"]))
    rows = with_rows(program, work["seed"])
    if work["prover"] in PLAIN:
        channel.phase("train")
        seconds = baselines.seconds_per_step(
            work["prover"], rows, work["seed"], work["blocks"], work["block_seconds"]
        )
        channel.phase(VERIFY)
        return {"seconds_per_step": seconds}
    srs = None if work["srs"] is None else Path(work["srs"])
    return measure_prover(work, rows, Path(work["folder"]), srs, channel.phase)


def described(error: BaseException) -> dict[str, Any]:
    """Code and message as the command line would show them; "kind" is the class, for the cell's status."""
    from escapement.errors import classify

    failure = classify(error)
    return {"kind": type(error).__name__, "code": failure.code, "message": failure.message}


def _end_with_parent() -> None:
    while os.read(0, 1 << 12):  # not through the buffer, whose lock would be held when Python ends
        pass
    if os.getpgid(0) == os.getpid():  # the leader of its own group, as `study.process` starts it
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
