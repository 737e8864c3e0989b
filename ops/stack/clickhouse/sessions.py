"""Sessions: a connection that a writer keeps between requests, for temporary tables and SET.

A reader or analyst may name a session as well, as clients do by habit: it is known and timed, but nothing is
kept in it, since at readonly=1 nothing can be set or made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.accounts import Account
from ops.stack.clickhouse.request import SessionAsked

_SESSIONS_MAX: Final = 1_000


@dataclass(slots=True)
class _Session:
    ends_at: float
    busy: threading.Lock = field(default_factory=threading.Lock)
    connection: Any = None


class Sessions:
    """All sessions of one endpoint. Used from any thread."""

    def __init__(self, connect: Callable[[], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._connect, self._clock = connect, clock
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], _Session] = {}

    @contextmanager
    def connection(self, account: Account, asked: SessionAsked | None) -> Iterator[Any]:
        """The connection to run one statement on: the session's, or a fresh one that is closed afterwards.

        :raises Fault: the session is in use, or must be there and is not, or there are too many
        """
        session = None if asked is None else self._begun(account, asked)
        if session is None or not account.writes:
            fresh = self._connect()
            try:
                yield fresh
            finally:
                fresh.close()
            return
        if not session.busy.acquire(blocking=False):
            raise faults.fault(faults.SESSION_IS_LOCKED, "Session is locked by a concurrent client")
        try:
            session.connection = session.connection or self._connect()
            yield session.connection
        finally:
            session.busy.release()

    def _begun(self, account: Account, asked: SessionAsked) -> _Session:
        key, now = (account.name, asked.id), self._clock()
        with self._lock:
            self._forget(now)
            session = self._sessions.get(key)
            if session is None:
                if asked.check:
                    raise faults.fault(faults.SESSION_NOT_FOUND, "Session not found")
                if len(self._sessions) >= _SESSIONS_MAX:
                    raise faults.fault(
                        faults.TOO_MANY_SIMULTANEOUS_QUERIES, "Too many sessions; try again later"
                    )
                session = self._sessions[key] = _Session(now)
            session.ends_at = now + asked.seconds
            return session

    def _forget(self, now: float) -> None:
        """Close sessions whose time is over, unless a statement runs in them."""
        for key, session in list(self._sessions.items()):
            if session.ends_at < now and session.busy.acquire(blocking=False):
                self._sessions.pop(key)
                if session.connection is not None:
                    session.connection.close()

    def close(self) -> None:
        """Close all; no statement may be running."""
        with self._lock:
            self._forget(float("inf"))
