"""What a run leaves to be read: metrics.jsonl has every event but progress, run.log what a person needs."""

import datetime
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ivc.errors import IvcError
from ivc.events import BundleWritten, ClampWarning, Damaged, Event, RunDone, RunStarted
from ivc.rundir import RunDirectory
from ivc.storage import append_line


@contextmanager
def journal(directory: RunDirectory, listener: Callable[[Event], None]) -> Iterator[Callable[[Event], None]]:
    """An `emit` that records each event and passes it on; what ends the block early is logged, too."""

    def emit(event: Event) -> None:
        if event.kept:
            directory.append_metrics(event.record())
        if isinstance(event, LOGGED):
            _log(directory, str(event))
        listener(event)

    try:
        yield emit
    except (IvcError, KeyboardInterrupt) as error:
        # A full disk would refuse the log as well; the error itself says so.
        if getattr(error, "code", "") != "disk-full":
            _log(directory, f"{getattr(error, 'code', 'interrupted')}: {error}")
        raise


def _log(directory: RunDirectory, text: str) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    append_line(directory.log_path, f"{now} [{os.getpid()}] {text}")


LOGGED = (RunStarted, ClampWarning, Damaged, RunDone, BundleWritten)
