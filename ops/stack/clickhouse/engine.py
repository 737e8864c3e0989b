"""The embedded engine: one chdb in this process, and threads for each role.

Invariants:
- Readers, analysts and writers have threads of their own: slow readers never hold up the loader, analysts
  not the page.
- What is acknowledged is in the data folder (parts are renamed into place before the insert returns, and
  their files are compared with what the engine believes: `written`), so it is there after kill -9. It is not
  fsynced: losing the machine's power may lose the last seconds.
- A reading statement whose client has gone, or that is older than its limit, is stopped, also when it only
  waits for a client that takes its answer slowly; a writing one runs to its end.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from ops.settings import Settings
from ops.stack.clickhouse import faults
from ops.stack.clickhouse.accounts import Account, Role
from ops.stack.clickhouse.guard import Guard
from ops.stack.clickhouse.limits import bounds
from ops.stack.clickhouse.literals import identifier
from ops.stack.clickhouse.packs import Packs
from ops.stack.clickhouse.request import Manner
from ops.stack.clickhouse.running import Registry, kill
from ops.stack.clickhouse.sessions import Sessions
from ops.stack.clickhouse.turns import Bounds, Turns, too_many
from ops.stack.clickhouse.work import Result, Task, Worker
from ops.stack.clickhouse.written import Written
from producers.contract.errors import Stop

_KILL: Final = re.compile(rb"\s*KILL\s", re.IGNORECASE)
_STOP_AGAIN_S: Final = 0.2
_OVERTIME_S: Final = 5.0
_KILLERS: Final = 2
# One more of analysts' statements, if they are likely to be quick.
_QUICK: Final = 1


class Engine:
    """Runs tasks against the data in one folder. One for each process and folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.data_dir.absolute() / "clickhouse"
        self._lock = _lock(self._path)
        # The engine's own zone is this process's, read when the library is loaded.
        os.environ["TZ"] = settings.timezone
        time.tzset()
        from chdb import _chdb

        self._chdb: Any = _chdb
        # Held open, so that the engine lives as long as this object; statements have connections of their
        # own.
        self._keep: Any = self._chdb.connect(str(self._path))
        self._shut_the_file_system_out()
        self.version: str = self._text("SELECT version()")
        self.timezone: str = self._text("SELECT timezone()")
        self.content_types: Mapping[str, str] = self._content_types()
        self._keep.query(f"CREATE DATABASE IF NOT EXISTS {identifier(settings.clickhouse_database)}", "Null")
        self._let_views_read_as_the_asker()
        self._registry = Registry()
        self._sessions = Sessions(self._connect)
        self._written = Written(self._path, self._connect, settings.clickhouse_disk_reserve_mb << 20)
        self._worker = Worker(
            settings, self._connect, Guard(self._keep), self._sessions, self._registry, self._written.look
        )
        self._pools = {
            Role.WRITER: ThreadPoolExecutor(settings.clickhouse_writer_threads, "writer"),
            Role.READER: ThreadPoolExecutor(settings.clickhouse_reader_threads, "reader"),
            Role.ANALYST: ThreadPoolExecutor(settings.clickhouse_analyst_threads + _QUICK, "analyst"),
        }
        # KILL must not wait behind what it is to stop, nor the writer's behind an analyst's.
        self._killers = {role: ThreadPoolExecutor(_KILLERS, f"{role.value}-kill") for role in Role}
        self._stopper = ThreadPoolExecutor(1, "stop")
        self._pending = dict.fromkeys(Role, 0)
        self._turns, self._kill_turns = _turns(settings)
        self.packs = Packs()
        self._background: set[asyncio.Task[None]] = set()

    def _connect(self) -> Any:
        return self._chdb.connect(str(self._path))

    def _shut_the_file_system_out(self) -> None:
        """chdb's own `default` database shows every file as a table; put a plain one in its place."""
        self._keep.query("SET check_table_dependencies = 0", "Null")
        if any((self._path / "metadata" / "default").glob("*.sql")):
            self._keep.query("DETACH DATABASE default", "Null")
            self._keep.query("ATTACH DATABASE default", "Null")
        else:  # chdb cannot attach an empty one ("Cannot find UUID mapping"); there is nothing to lose
            self._keep.query("DROP DATABASE default", "Null")
            self._keep.query("CREATE DATABASE default ENGINE = Atomic", "Null")

    def _let_views_read_as_the_asker(self) -> None:
        """Views made before this rule (see `statement.as_invoker`)."""
        found = self._text(
            "SELECT concat('`', database, '`.`', name, '`') FROM system.tables"
            " WHERE engine = 'View' AND create_table_query LIKE '%SQL SECURITY DEFINER%'"
        )
        for name in found.splitlines():
            self._keep.query(f"ALTER TABLE {name} MODIFY SQL SECURITY INVOKER", "Null")

    def _content_types(self) -> Mapping[str, str]:
        lines = self._text(
            "SELECT lower(name), content_type FROM system.formats WHERE is_output"
        ).splitlines()
        return dict(line.split("\t") for line in lines)

    def _text(self, sql: str) -> str:
        return str(self._keep.query(sql, "TSVRaw").bytes().decode().strip())

    def in_hand(self, account: Account) -> AbstractContextManager[None]:
        """A request of an account, until its answer is sent. Raises `Fault` on too many of one analyst."""
        return self._turns.in_hand(account.name) if account.role is Role.ANALYST else nullcontext()

    async def begin(
        self,
        account: Account,
        manner: Manner,
        method: str,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        body: bytes,
    ) -> tuple[Task, asyncio.Future[Result]]:
        """Run a request on a thread of its role, an analyst's when its turn comes.

        The task must be left in the end. A `Fault` of the statement is the future's; one is raised if too
        many wait.
        """
        is_kill = _KILL.match(params.get("query", "").encode() or body) is not None
        turns = self._kill_turns if is_kill else self._turns
        turn = await turns.turn(account.name) if account.role is Role.ANALYST else None
        try:
            running = self._registry.begin(account, manner.query_id)
            task = Task(running, manner, method, headers, params, body, turn=turn)
            return task, self._submit(task, self._killers if is_kill else self._pools)
        except BaseException:
            if turn is not None:
                turn.ran()
                turn.answered()
            raise

    def _submit(self, task: Task, pools: Mapping[Role, ThreadPoolExecutor]) -> asyncio.Future[Result]:
        role = task.account.role
        if self._pending[role] >= self._settings.clickhouse_queue_max:
            self._registry.end(task.running)
            task.pipe.end()
            task.pipe.close()
            raise too_many("try again", "hãy thử lại")
        loop = asyncio.get_running_loop()
        self._pending[role] += 1
        future = loop.run_in_executor(pools[role], self._run, loop, task)
        future.add_done_callback(lambda done: self._finished(task, done))
        return future

    def _run(self, loop: asyncio.AbstractEventLoop, task: Task) -> Result:
        if task.running.stopped:
            self._registry.end(task.running)
            task.pipe.end()
            raise faults.fault(faults.QUERY_WAS_CANCELLED, "Query was cancelled.")
        if not task.account.writes:
            seconds = bounds(self._settings, task.account)[0] + _OVERTIME_S
            loop.call_soon_threadsafe(loop.call_later, seconds, self._overtime, task)
        return self._worker.run(task)

    def _finished(self, task: Task, done: asyncio.Future[Result]) -> None:
        self._pending[task.account.role] -= 1
        if task.turn is not None:
            task.turn.ran()
        if not done.cancelled():
            done.exception()  # seen, also when the client has gone and nobody awaits it

    def leave(self, task: Task) -> None:
        """The client has its answer or has gone. What still reads for it is stopped."""
        task.pipe.close()
        if task.turn is not None:
            task.turn.answered()
        if not task.running.ended.is_set() and (task.reads or not task.account.writes):
            self._stop_soon(task)

    def _overtime(self, task: Task) -> None:
        """The engine hears of KILL only when it has written what it writes; so nobody takes that any more."""
        if not task.running.ended.is_set():
            task.overdue = True
            task.pipe.close()
            self._stop_soon(task)

    def _stop_soon(self, task: Task) -> None:
        if task.running.ended.is_set():
            return
        stopping = asyncio.get_running_loop().create_task(self._stop(task))
        self._background.add(stopping)
        stopping.add_done_callback(self._background.discard)

    async def _stop(self, task: Task) -> None:
        """Again and again: the statement may not have come to the engine yet. A writing one is left alone."""
        task.running.stopped = not task.account.writes
        loop = asyncio.get_running_loop()
        while not task.running.ended.is_set() and (task.reads or not task.account.writes):
            if task.format is not None:
                await loop.run_in_executor(self._stopper, kill, self._keep, task.running)
            await asyncio.sleep(_STOP_AGAIN_S)

    def close(self) -> None:
        """Wait for what runs, then close the engine. Nothing may be run afterwards."""
        for pool in (*self._pools.values(), *self._killers.values(), self._stopper):
            pool.shutdown(wait=True, cancel_futures=True)
        self._written.close()
        self.packs.close()
        self._sessions.close()
        self._keep.close()
        self._lock.close()


def _turns(settings: Settings) -> tuple[Turns, Turns]:
    """Turns of analysts' statements, and of their KILLs, which have threads of their own."""
    waiting, wait_s = settings.clickhouse_analyst_waiting_max, settings.clickhouse_analyst_wait_seconds_max
    places, running = settings.clickhouse_analyst_threads, settings.clickhouse_analyst_running_max
    statements = Bounds(places, running, waiting, wait_s, _QUICK)
    return Turns(statements), Turns(Bounds(_KILLERS, 1, waiting, wait_s))


def _lock(path: Path) -> Any:
    """Two engines on one folder destroy it, so the second is refused."""
    path.mkdir(parents=True, exist_ok=True)
    handle = path.with_suffix(".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise Stop(
            "data_in_use",
            f"another process has {path} open",
            "Stop it first, or choose another DONGBO_DATA_DIR",
        ) from None
    return handle
