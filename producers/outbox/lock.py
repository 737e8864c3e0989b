"""Who publishes an outbox: one process at a time, because two would mix their orders."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from producers.contract.errors import Stop


@contextmanager
def only_publisher(outbox: Path) -> Iterator[None]:
    """Hold the publishing of an outbox's file. The kernel frees it when a process dies.

    :raises Stop: another process holds it
    """
    with outbox.with_name(outbox.name + ".publisher").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            detail = f"Another process publishes {outbox}"
            raise Stop("outbox_in_use", detail, "Stop one of the two") from None
        yield
