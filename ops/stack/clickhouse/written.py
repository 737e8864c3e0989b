"""Whether what the engine holds for written is in the data folder.

The embedded engine (chdb 26.9) does not hear of a write that fails: an insert or a merge on a disk without
space ends in "ok" and in a part whose files are empty or cut off, and the parts that a merge was made of go
some minutes later. So the files of each new part are compared with the size that the engine believes they
have: after each statement that writes, before it is acknowledged, and every second for merges.

Where a part is short, this process ends at once (SIGKILL: nothing may be written on the way out). When it is
started again the engine puts the broken part aside and takes the parts that it was made of, which are there
for eight minutes (`old_parts_lifetime`); an insert was not acknowledged and is made again. While there is
little space nothing is merged, and inserts are refused by ClickHouse's own setting.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_log: Final = logging.getLogger(__name__)
_EVERY_S: Final = 1.0
# Parts of the last minute: those that were looked at are remembered, so a look costs some milliseconds.
_NEW: Final = (
    "SELECT path, bytes_on_disk FROM system.parts"
    " WHERE active AND modification_time >= now() - INTERVAL 60 SECOND"
)


class Written:
    """Looks at new parts. `look` may be called by any thread; it does not return where a part is short."""

    def __init__(self, folder: Path, connect: Callable[[], Any], reserve_bytes: int) -> None:
        self._folder, self._connect, self._reserve_bytes = folder, connect, reserve_bytes
        self._seen: set[str] = set()
        self._merging = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="written", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; call it before the engine is closed."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Compare the new parts' files with what the engine believes of them."""
        found = dict(self._new())
        for path in found.keys() - self._seen:
            # Twice: a part that was dropped meanwhile loses one file after the other.
            if _short(path, found[path]) and path in dict(self._new()) and _short(path, found[path]):
                _end(path, found[path])
        self._seen = set(found)

    def _new(self) -> list[tuple[str, int]]:
        lines = self._ask(_NEW).splitlines()
        return [(path, int(size)) for path, size in (line.rsplit("\t", 1) for line in lines)]

    def _ask(self, sql: str) -> str:
        connection = self._connect()
        try:
            return (connection.query(sql, "TSVRaw").bytes() or b"").decode()
        finally:
            connection.close()

    def _work(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._spare()
                self.look()
            except Exception:  # the next look comes
                _log.exception("new parts could not be looked at")

    def _spare(self) -> None:
        """Merges begin only where there is space for what they write; inserts have a setting for that."""
        disk = os.statvfs(self._folder)
        roomy = disk.f_bavail * disk.f_frsize >= self._reserve_bytes * (1 if self._merging else 2)
        if roomy != self._merging:
            self._ask(f"SYSTEM {'START' if roomy else 'STOP'} MERGES")
            self._merging = roomy
            _log.warning("disk of %s: %s", self._folder, "merging again" if roomy else "no space to merge")


def _short(path: str, believed: int) -> bool:
    """Whether a part's files are smaller than the engine believes; not if it is gone."""
    try:
        return sum(entry.stat().st_size for entry in os.scandir(path)) < believed
    except FileNotFoundError:
        return False


def _end(path: str, believed: int) -> None:
    _log.critical(
        "part_not_written: %s is not of %d bytes: the disk took no more and the engine did not notice."
        " Ending; started again, it goes on with the parts that this one was made of. Make space on the disk",
        path,
        believed,
    )
    os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["Written"]
