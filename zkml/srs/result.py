"""What is known of a reference string once it is checked."""

from dataclasses import dataclass
from pathlib import Path

from zkml.srs.layout import Layout


@dataclass(frozen=True)
class Srs:
    """A consistent reference string.

    `format`: ptau or halo2; `sha256`: of the whole file, 32 bytes; `powers` in G1 and `g2_powers` are in the
    file, the first `checked` and `g2_checked` of them are checked; `skipped`: sections of a ptau file that
    neither nova-snark nor the check reads. `remembered`: the check was made earlier.
    """

    path: Path
    format: str
    sha256: bytes
    powers: int
    checked: int
    g2_powers: int
    g2_checked: int
    skipped: tuple[int, ...]
    remembered: bool = False

    @property
    def log2_size(self) -> int:
        """The largest n with 2^n checked powers."""
        return self.checked.bit_length() - 1

    def covers(self, layout: Layout, powers: int, g2_powers: int) -> bool:
        """Whether it is of this layout and as much was checked."""
        same = (self.format, self.powers, self.g2_powers, self.skipped) == (
            layout.format,
            layout.g1.count,
            layout.g2.count,
            layout.skipped,
        )
        return same and self.checked >= powers and self.g2_checked >= g2_powers
