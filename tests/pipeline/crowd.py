"""Analysts who ask without end for what must be stopped, in a process of their own.

    python -m tests.pipeline.crowd < CONFIG.json

They ask until the input ends; then every answer so far is told, one JSON list. The process is nice: in
earnest these are machines of others, which take no time from the city's.
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse.analysts import Analysts


class Kind(NamedTuple):
    """One way to ask too much: its text, settings, and the codes that may end it (202: it had no turn)."""

    sql: str
    params: str
    codes: frozenset[int]


def _kind(sql: str, *codes: int, params: str = "") -> Kind:
    return Kind(sql, params, frozenset(codes))


KINDS: Final = {
    "cross_join": _kind(
        "SELECT sum(a.received * c.number * d.number) FROM v_ward_day AS a, v_ward_day AS b,"
        " numbers(1000000) AS c, numbers(1000000) AS d",
        159,
        241,
    ),
    "rows": _kind("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 5", 159),
    "sleep": _kind("SELECT sleepEachRow(1) FROM numbers(1000000)", 159, params="max_block_size=1"),
    "memory": _kind("SELECT length(groupArray(number)) FROM numbers(100000000000)", 241),
    "download": _kind(
        "SELECT number, randomPrintableASCII(60) FROM numbers(1000000000000)",
        *(159, 241, 396),
        params="compress=1",
    ),
}
TURNED_AWAY: Final = 202
_CODE: Final = re.compile(rb"Code: (\d+)\.")
_TAIL_BYTES: Final = 4096
_AGAIN_S: Final = 0.2


class Asked(msgspec.Struct, frozen=True):
    """One answer: how it ended (0: not stopped at all), after how long, and how much came."""

    kind: str
    code: int
    seconds: float
    size: int


class Config(msgspec.Struct, frozen=True):
    """Where to ask and as whom: names and passwords."""

    host: str
    port: int
    passwords: dict[str, str]


class Crowd:
    """A running crowd; what it was answered is known when it has ended."""

    def __init__(self, settings: Settings, size: int) -> None:
        analysts = Analysts(settings.analysts_file())
        passwords = {name: analysts.add(name)[1] for name in (f"crowd{number}" for number in range(size))}
        self._config = Config(settings.clickhouse_host, settings.clickhouse_port, passwords)
        self.answers: list[Asked] = []

    @contextmanager
    def asking(self) -> Iterator[None]:
        """They ask until the block ends."""
        command = [sys.executable, "-m", "tests.pipeline.crowd"]
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode(self._config) + b"\n")
            yield
        finally:
            told, _ = process.communicate(timeout=60)
        self.answers = msgspec.json.decode(told, type=list[Asked])

    def codes(self, kind: str) -> dict[int, int]:
        """How often a kind of question ended with each code."""
        found = [each.code for each in self.answers if each.kind == kind]
        return {code: found.count(code) for code in sorted(set(found))}


def _ask(config: Config, name: str, kind: Kind) -> tuple[int, int]:
    """The code that ended it and the bytes that came."""
    connection = http.client.HTTPConnection(config.host, config.port, timeout=300)
    heads = {"X-ClickHouse-User": name, "X-ClickHouse-Key": config.passwords[name]}
    try:
        connection.request("POST", f"/?database=dongbo&{kind.params}", kind.sql.encode(), heads)
        return _read(connection.getresponse())
    finally:
        connection.close()


def _read(answer: http.client.HTTPResponse) -> tuple[int, int]:
    """An error on the way stands in the last bytes, packed or not; then the connection is broken off."""
    tail, size = b"", 0
    try:
        while piece := answer.read1(1 << 18):
            size += len(piece)
            tail = (tail + piece)[-_TAIL_BYTES:]
    except http.client.IncompleteRead as broken:
        tail += broken.partial
    except OSError:  # broken off more roughly; what came before tells why
        pass
    found = _CODE.search(tail)
    return int(found.group(1)) if found else 0, size


def _ask_without_end(config: Config, place: int, name: str, answers: list[Asked]) -> None:
    kinds = list(KINDS.items())
    for number in itertools.count(place):
        kind, question = kinds[number % len(kinds)]
        begun = time.monotonic()
        code, size = _ask(config, name, question)
        answers.append(Asked(kind, code, round(time.monotonic() - begun, 3), size))
        if code == TURNED_AWAY:
            time.sleep(_AGAIN_S)


def main() -> None:
    """The threads are daemons: what they still ask ends with the process."""
    os.nice(10)
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=Config)
    answers: list[Asked] = []
    for place, name in enumerate(config.passwords):
        threading.Thread(target=_ask_without_end, args=(config, place, name, answers), daemon=True).start()
    sys.stdin.buffer.read()
    sys.stdout.buffer.write(msgspec.json.encode(answers))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
