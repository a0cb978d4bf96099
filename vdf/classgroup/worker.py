"""The process that calls chiavdf: `python -P worker.py`. It imports nothing of this package.

It says {"ready": true} or {"missing": why}; then, for every line of stdin, one line of stdout:

    {"prove": [seed, x, T]}          {"y": …, "pi": …, "seconds": processor time}       (bytes hexadecimal)
    {"verify": [D, x, y, pi, T]}     {"holds": true or false}                           (D decimal, a string)

{"error": text} is what chiavdf raised. The process ends with stdin, also from within a native call.
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
        _say(_answer(chiavdf, json.loads(lines.get())))


def _answer(chiavdf: Any, request: dict[str, list[Any]]) -> dict[str, Any]:
    try:
        match request:
            case {"prove": [str(seed), str(x), int(squarings)]}:
                started = time.thread_time()
                result = chiavdf.prove(bytes.fromhex(seed), bytes.fromhex(x), 1024, squarings, "")
                seconds = time.thread_time() - started
                return {"y": result[:100].hex(), "pi": result[100:].hex(), "seconds": seconds}
            case {"verify": [str(discriminant), str(x), str(y), str(pi), int(squarings)]}:
                forms = (bytes.fromhex(form) for form in (x, y, pi))
                return {"holds": chiavdf.verify_wesolowski(discriminant, *forms, squarings)}
        return {"error": "unknown request"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _read(lines: "queue.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _say(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
