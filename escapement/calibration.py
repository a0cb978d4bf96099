"""How fast this machine squares, measured more than once, and what a number of squarings is to others."""

import os
import statistics
import time
from dataclasses import dataclass

from escapement.errors import UsageError


@dataclass(frozen=True)
class Bound:
    """Squarings per second that nobody is taken to exceed, and who says so."""

    squarings_per_second: int
    source: str

    def least_seconds(self, squarings: int) -> float:
        """What so many squarings take anybody at least, if the bound holds."""
        return squarings / self.squarings_per_second


def bound(group: str, rate: int | None = None, source: str | None = None) -> Bound | None:
    """The stated bound, or the group's default; None if it has none.

    Raises UsageError `fastest-source` for a rate without a source, or a source without a rate, and
    `delay-group` for a group that does not exist.
    """
    from vdf.groups import group as by_name

    by_name(group)
    if (rate is None) != (source is None):
        raise UsageError(
            "fastest-source", "--fastest and --fastest-source go together: a rate needs its source."
        )
    return FASTEST.get(group) if rate is None or source is None else Bound(rate, source)


def required_bound(group: str, rate: int | None = None, source: str | None = None) -> Bound:
    """`bound`, where one is needed; raises UsageError `fastest-missing` for a group without a default."""
    found = bound(group, rate, source)
    if found is None:
        raise UsageError(
            "fastest-missing",
            f"{group} has no default for --fastest: the published figure, up to 1,000,000 squarings/s "
            "(Chia Network, 2023), is what a chip does that was built, not a bound on chips to come. "
            "State your own with --fastest and --fastest-source.",
        )
    return found


@dataclass(frozen=True)
class Calibration:
    """Squarings per second of one core, several times. `kernel`: what computed them.

    `load`: the load average before, or None; `taken`: the largest share of a measurement's wall time that
    other programs had, or None where it cannot be told.
    """

    group: str
    kernel: str
    rates: tuple[float, ...]
    cores: int
    load: float | None
    taken: float | None

    @property
    def median(self) -> float:
        """The rate to count with."""
        return statistics.median(self.rates)

    @property
    def spread(self) -> float:
        """(max − min)/median."""
        return (max(self.rates) - min(self.rates)) / self.median

    def squarings(self, seconds: float) -> int:
        """T, at least 1, that takes about so long here."""
        return max(1, round(self.median * seconds))

    def warnings(self) -> list[str]:
        """Why these rates may not be this machine's."""
        made = []
        if self.load is not None and self.load + 1 > self.cores + 0.5:
            made.append(f"the load average was {self.load:.1f} on {self.cores} cores: other programs compute")
        if self.taken is not None and self.taken > MOST_TAKEN:
            made.append(
                f"other programs had {self.taken:.0%} of the measured core; the rates count this program's "
                "own time, so a delay takes longer than they say while those run"
            )
        if self.spread > MOST_SPREAD:
            made.append(f"the rates differ by {self.spread:.1%}: measure again on a quiet machine")
        return made


def calibrate(name: str, runs: int, seconds: float) -> Calibration:
    """Measure the group `runs` times, each for about `seconds`."""
    from vdf.cores import usable_cores
    from vdf.groups import group

    chosen = group(name)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    rates, taken = [], []
    for _ in range(runs):
        start, used = time.perf_counter(), time.thread_time()
        rates.append(chosen.calibrate(seconds))
        taken.append(1 - (time.thread_time() - used) / (time.perf_counter() - start))
    ours = native_kernel(name)  # a class group computes in threads or processes whose time is not ours
    return Calibration(
        name,
        ours or "chiavdf",
        tuple(rates),
        usable_cores(),
        load,
        max(taken) if ours is not None else None,
    )


def native_kernel(name: str) -> str | None:
    """The kernel of the native module that this group uses here; None for a group that has none."""
    from vdf.groups import group
    from vdf.rsa import RsaGroup

    chosen = group(name)
    return chosen.elements.native.kernel if isinstance(chosen, RsaGroup) else None


MOST_SPREAD = 0.05
MOST_TAKEN = 0.05
# Security: how seconds are claimed. Nobody has shown such a chip; a policy may state another rate.
FASTEST = {
    "rsa-2048": Bound(
        500_000_000, "RSA-2048 ASIC design target, 2 ns per squaring, never shown in silicon; as of 2026-11"
    )
}
