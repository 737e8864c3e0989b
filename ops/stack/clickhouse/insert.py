"""Rows of a request into a table, so that whatever goes wrong is an error of the request.

The engine's own streaming insert (chdb 26.9: send_insert, insert_append, insert_done) hides errors behind
the parser: too many parts, a violated constraint, a failed materialized view or a full disk end in "ok" and
no row. So the data are handed over as a file in memory, in one statement, which raises like any other.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

# In an INSERT the file stands before the settings.
_SETTINGS: Final = re.compile(r"\s+SETTINGS\s+(?=\w+\s*=)", re.IGNORECASE)


def insert(connection: Any, sql: str, data_format: str, data: bytes) -> Any:
    """Run `sql`, an INSERT up to its FORMAT, with its data; raises what the engine raises."""
    found = _SETTINGS.search(sql)
    head, settings = (sql, "") if found is None else (sql[: found.start()], sql[found.start() :])
    with _as_file(data) as path:
        source = f"FROM INFILE '{path}' COMPRESSION 'none'"
        return connection.query(f"{head} {source}{settings} FORMAT {data_format}", "Null")


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A path that this process can open, gone afterwards; in memory where the system can do that."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name
        return
    with os.fdopen(os.memfd_create("dongbo-insert"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


__all__ = ["insert"]
