"""Numbers as a person reads them: three significant digits, with their unit."""

from escapement import console
from escapement.study.report.figures import Spread


def digits(value: float) -> str:
    """Three significant digits without exponent: 0.123, 12.3, 12,300."""
    rounded = float(f"{value:.3g}")
    if rounded == 0 or abs(rounded) >= 100:
        return f"{rounded:,.0f}"
    places = 2 if abs(rounded) >= 1 else 3
    if abs(rounded) >= 10:
        places = 1
    return f"{rounded:.{places}f}" if abs(rounded) >= 0.1 else f"{rounded:.3g}"


def seconds(value: float) -> str:
    """A duration, from "0 s" and "4.20 µs" to days."""
    if value == 0:
        return "0 s"
    for limit, scale, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms"), (600, 1, "s")):
        if value < limit:
            return f"{digits(value * scale)} {unit}"
    return console.human_seconds(value)


def times(value: float) -> str:
    """A ratio: "12.3×"."""
    return f"{digits(value)}×"


def quartiles(spread: Spread) -> str:
    """Of seconds; the unit once where it is the same. One repetition has none."""
    if spread.count == 1:
        return "one only"
    low, high = seconds(spread.q1), seconds(spread.q3)
    number, _, unit = low.partition(" ")
    return f"{number} to {high}" if high.partition(" ")[2] == unit else f"{low} to {high}"


def share(value: float) -> str:
    """A part of the whole, in percent."""
    return "under 1%" if 0 < value < 0.01 else f"{value:.0%}"


def slope(value: float) -> str:
    """On logarithmic axes, with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def size(count: float) -> str:
    """Bytes in binary units."""
    return console.human_bytes(count)
