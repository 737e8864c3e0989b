"""A door in front of a service: a test closes it, and the service is away as if its machine had died."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Final

from tests.conftest import free_port

_CHUNK_BYTES: Final = 65_536


class Gate:
    """Forwards 127.0.0.1:`port` to another port while it is open; counts the bytes asked."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.bytes_asked = 0
        # How much later each piece of an answer comes: a service on a busy machine.
        self.drag_s = 0.0
        self._target = ("127.0.0.1", target_port)
        self._lock = threading.Lock()
        self._pairs: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._flowing = threading.Event()
        self.open()

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Let connections in."""
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def freeze(self) -> None:
        """Keep connections and let nothing through: a service that hangs."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again, what was held back first."""
        self._flowing.set()

    def close(self) -> None:
        """Cut all connections and refuse new ones."""
        self._flowing.set()
        with self._lock:
            listener, self._listener = self._listener, None
            pairs, self._pairs = self._pairs, []
        if listener is not None:
            # A blocked accept is woken by shutdown, not by close.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in pairs:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                inside, _ = listener.accept()
            except OSError:
                return
            outside = socket.create_connection(self._target)
            with self._lock:
                if self._listener is not listener:  # closed meanwhile: this one would outlive it
                    inside.close()
                    outside.close()
                    return
                self._pairs += [inside, outside]
            threading.Thread(target=self._pump, args=(inside, outside, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(outside, inside, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, asking: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                self._flowing.wait()
                time.sleep(0.0 if asking else self.drag_s)
                target.sendall(data)
                self.bytes_asked += len(data) if asking else 0
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
