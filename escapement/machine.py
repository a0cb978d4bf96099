"""What this machine has: cores, memory, disk."""

import os
import platform
import shutil
from pathlib import Path
from typing import Any


def available_memory() -> int:
    """Bytes that can be had without swapping, a container's limit included; total memory where unknown."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *_meminfo("MemAvailable"), *_cgroup_headroom()])


def free_disk(path: Path) -> int:
    """Free bytes on the file system that holds `path`, or its nearest existing parent."""
    existing = next(place for place in [path.absolute(), *path.absolute().parents] if place.exists())
    return shutil.disk_usage(existing).free


def describe() -> dict[str, Any]:
    """The machine in a few words, for reports: cpu, cores, memory, system."""
    from vdf.cores import usable_cores

    return {
        "cpu": _cpu_name(),
        "cores": usable_cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _meminfo(field: str) -> list[int]:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")]


def _cgroup_headroom() -> list[int]:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
    except OSError:  # no container limit to see
        return []
    return [] if limit == "max" else [max(0, int(limit) - int(used))]


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
