"""A TCP proxy on loopback that can be told to be a bad line: cut, silent, slow, delayed, reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Final

from ops.stack.process import free_port

_CHUNK: Final = 65_536
_LOOK_S: Final = 0.05


@dataclass
class Line:
    """How the line is now; set by the harness, read by the proxy."""

    cut: bool = False
    silent: bool = False
    delay_s: float = 0.0
    bytes_s: float = 0.0


_GOOD: Final = Line()


class Proxy:
    """From a port of its own to another of this machine; one thread, started by the constructor."""

    def __init__(self, target_port: int, port: int = 0) -> None:
        self.target, self.port, self.line = target_port, port or free_port(), Line()
        # Connections torn or refused, pieces held up: whether a fault of the line met anybody.
        self.hit = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening,), daemon=True)
        self._thread.start()
        listening.wait(10)

    def cut(self) -> None:
        """Every connection ends, new ones are refused."""
        self.line = Line(cut=True)
        self.reset()

    def silence(self) -> None:
        """Half open: connections stay, new ones are accepted, and nothing comes through."""
        self.line = Line(silent=True)

    def delay(self, seconds: float) -> None:
        """Every piece comes so much later."""
        self.line = Line(delay_s=seconds)

    def slow(self, bytes_s: float) -> None:
        """A narrow line."""
        self.line = Line(bytes_s=bytes_s)

    def reset(self) -> None:
        """Every connection is torn (RST) once."""
        self._loop.call_soon_threadsafe(self._tear)

    def heal(self) -> None:
        """A good line again; those that were half open are torn, as a real line's would time out."""
        torn = self.line.silent
        self.line = Line()
        if torn:
            self.reset()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self, listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self.port))
        listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _tear(self) -> None:
        for writer in list(self._writers):
            sock = writer.get_extra_info("socket")
            self.hit += 1
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.line.cut:
            self.hit += 1
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, back)
        self._writers.update(both)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, back))
                group.create_task(self._pump(there, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in both:
                self._writers.discard(one)
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            self.hit += self.line != _GOOD
            while self.line.silent:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)  # set by another thread: looked at, not waited for
            if self.line.delay_s:
                await asyncio.sleep(self.line.delay_s)
            if self.line.bytes_s:
                await asyncio.sleep(len(data) / self.line.bytes_s)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
