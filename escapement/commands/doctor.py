"""`escapement doctor`: is this machine ready, and how fast is it?"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from escapement import __version__, console, machine
from escapement.calibration import native_kernel
from escapement.errors import RESOURCES


def doctor(
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="How long to measure squarings.")] = 1.0,
    as_json: console.JsonOption = False,
) -> None:
    """Check the installation and measure this machine; exit 4 when something is missing.

    \b
    Examples:
      escapement doctor
      escapement doctor --json
    """
    report: dict[str, Any] = {"escapement": __version__, **machine.describe()}
    report["memory_available_bytes"] = machine.available_memory()
    report["disk_free_bytes"] = machine.free_disk(Path.cwd())
    report["packages"] = {name: _version(name) for name in PACKAGES}
    report["class_groups"] = _class_groups()
    missing = [name for name in (*ROOMS, "_escapement") if not _imports(name, report)]
    if not missing:
        report |= _measure(seconds)
    report["ready"] = not missing
    console.emit(as_json, report)
    if missing:
        console.log(f"Cannot import {', '.join(missing)}: run `make demo` in the checkout.")
        raise typer.Exit(RESOURCES)


def _measure(seconds: float) -> dict[str, Any]:
    from ivc import cache
    from vdf.groups import group

    folder = cache.folder()
    return {
        "squarings_per_second": round(group("rsa-2048").calibrate(seconds)),
        "squaring_kernel": native_kernel("rsa-2048"),
        "cache": folder,
        "cache_bytes": sum(path.stat().st_size for path in folder.glob("**/*") if path.is_file()),
    }


def _class_groups() -> str:
    """Whether delays in class groups can be computed and verified here."""
    found = _version("chiavdf")
    return "not installed: `make classgroup` adds them" if found == "missing" else f"chiavdf {found}"


def _imports(name: str, report: dict[str, Any]) -> bool:
    try:
        importlib.import_module(name)
    except ImportError as error:
        report.setdefault("import_errors", {})[name] = str(error)
        return False
    return True


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


ROOMS = ("zkml", "ivc", "vdf")
PACKAGES = ("cbor2", "cryptography", "gmpy2", "numpy", "onnx", "safetensors", "scikit-learn")
