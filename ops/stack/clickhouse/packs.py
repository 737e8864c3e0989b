"""Native blocks (`compress=1`) packed in a process of their own, which is nice.

Their checksum is pure Python (`cityhash`), so one download would hold the endpoint's interpreter nearly all
the time, and each statement of the loader and the page needs it a dozen times. One process packs for all, in
turns of a piece: all downloads together never take more than one core.

    python -m ops.stack.clickhouse.packs    pieces from stdin to stdout, each behind its size
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from typing import BinaryIO, Final

from ops.settings import REPOSITORY
from ops.stack.clickhouse.packing import NATIVE, packer
from ops.stack.process import die_with_parent

_SIZE: Final = struct.Struct("<I")
_READ_AHEAD_BYTES: Final = 1 << 20
_NICE: Final = 10


class Packs:
    """The packing process of one endpoint: started when it is needed first, and again if it has ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def pack(self, data: bytes) -> bytes:
        """Native blocks of the data. One that is begun is finished, though its client may have gone."""
        return await asyncio.shield(asyncio.ensure_future(self._pack(data)))

    async def _pack(self, data: bytes) -> bytes:
        async with self._turn:
            try:
                return await self._exchange(data)
            except (OSError, asyncio.IncompleteReadError):  # it was killed; the next piece starts another
                self.close()
        return await asyncio.to_thread(packer(NATIVE).feed, data)

    async def _exchange(self, data: bytes) -> bytes:
        if self._process is None:
            self._process = await _start()
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None
        assert sink is not None
        sink.write(_SIZE.pack(len(data)) + data)
        await sink.drain()
        (size,) = _SIZE.unpack(await source.readexactly(_SIZE.size))
        return await source.readexactly(size)

    def close(self) -> None:
        """End the process if there is one."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops.stack.clickhouse.packs"),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_READ_AHEAD_BYTES,
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Pack piece after piece until the input ends."""
    while len(head := source.read(_SIZE.size)) == _SIZE.size:
        packed = packer(NATIVE).feed(source.read(_SIZE.unpack(head)[0]))
        sink.write(_SIZE.pack(len(packed)) + packed)
        sink.flush()


if __name__ == "__main__":
    die_with_parent(signal.SIGKILL)
    os.nice(_NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
