"""The process that calls chiavdf: `python -P worker.py`. It imports nothing of this package.

It says {"ready": true} or {"missing": why}; then, for every line of stdin, one line of stdout:

    {"prove": [seed, x, T]}          {"y": …, "pi": …, "seconds": processor time}       (bytes hexadecimal)
    {"verify": [D, x, y, pi, T]}     {"holds": true or false}                           (D decimal, a string)
                                     {"error": what chiavdf raised because it refuses the forms}

{"memory": text} and {"failed": text} answer both: memory ran out, anything else was raised. The process ends
with stdin, also from within a native call.
"""

import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from typing import Any


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    try:
        import chiavdf
    except ImportError as error:
        _say({"missing": str(error)})
        os._exit(0)  # the reading thread holds a lock that an orderly end would wait for
    _say({"ready": True})
    while True:
        _say(_answer(chiavdf, lines.get()))


def _answer(chiavdf: Any, line: bytes) -> dict[str, Any]:
    try:
        match json.loads(line):
            case {"prove": [str(seed), str(x), int(squarings)]}:
                return _prove(chiavdf, bytes.fromhex(seed), bytes.fromhex(x), squarings)
            case {"verify": [str(discriminant), str(x), str(y), str(pi), int(squarings)]}:
                forms = [bytes.fromhex(form) for form in (x, y, pi)]
                return _verify(chiavdf, discriminant, forms, squarings)
        return {"failed": "unknown request"}
    except MemoryError as error:
        return {"memory": _text(error)}
    except Exception as error:
        return {"failed": _text(error)}


def _prove(chiavdf: Any, seed: bytes, x: bytes, squarings: int) -> dict[str, Any]:
    started = time.thread_time()
    result = chiavdf.prove(seed, x, 1024, squarings, "")
    seconds = time.thread_time() - started
    return {"y": result[:100].hex(), "pi": result[100:].hex(), "seconds": seconds}


def _verify(chiavdf: Any, discriminant: str, forms: list[bytes], squarings: int) -> dict[str, Any]:
    try:
        return {"holds": chiavdf.verify_wesolowski(discriminant, *forms, squarings)}
    except (RuntimeError, ValueError) as error:
        return {"error": _text(error)}


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _read(lines: "queue.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _say(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
