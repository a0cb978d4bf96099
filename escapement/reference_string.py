"""A reference string checked for a person: progress on stderr, results kept in the user's cache folder."""

from pathlib import Path

from rich.progress import BarColumn, TaskID, TextColumn

from escapement import console
from zkml import srs


def checked(path: Path, log2_size: int | None = None, expected: str | None = None) -> srs.Srs:
    """The result of `zkml.srs.require`, remembered in <cache>/srs; raises what that raises."""
    from ivc import cache

    with _Watcher() as watcher:
        return srs.require(path, log2_size, watcher, cache.folder() / "srs", expected)


class _Watcher:
    """One bar per stage on a terminal, one line per stage elsewhere."""

    def __init__(self) -> None:
        self._bars = console.bars(
            TextColumn("{task.description:16}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  of {task.total:,.0f}"),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Watcher":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, progress: srs.Progress) -> None:
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(progress.stage, total=progress.total)
            if self._bars.disable:
                console.log(f"{progress.stage}: {progress.total:,}")
        self._bars.update(self._tasks[progress.stage], completed=progress.done)
