"""A pool of daemon threads: a query that hangs must not hold up the end of the process.

The standard library's pool is joined when the interpreter ends, however long its work takes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool(Executor):
    """Runs what it is given in the order in which it was given, on so many threads."""

    def __init__(self, threads: int, name: str) -> None:
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._closed = False
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function soon. Raises `RuntimeError` after `shutdown`."""
        if self._closed:
            raise RuntimeError("the pool is closed")
        future: Future[T] = Future()
        self._queue.put((future, lambda: function(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; what runs is left alone and ends with the process."""
        _ = wait
        self._closed = True
        while cancel_futures and not self._queue.empty():
            self._queue.get()[0].cancel()

    def _work(self) -> None:
        while True:
            future, run = self._queue.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(run())
            except BaseException as error:
                future.set_exception(error)
