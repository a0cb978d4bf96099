"""Peak memory of this process: the high-water mark of its own resident size."""

import resource
import sys
from pathlib import Path


def peak_memory() -> int:
    """Bytes. On Linux from /proc, because getrusage starts a child at its parent's peak."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
