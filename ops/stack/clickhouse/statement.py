"""A statement's outer shape: is it an INSERT with data behind it, which format, where do the data begin.

Only as much of the SQL is read as the wire needs: comments and quoted text are skipped as ClickHouse's lexer
does. What a statement may do is never decided here but by the engine's own parser (`guard`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    rb"""
    (?P<skip>\s+ | --[^\n]*(?:\n|\Z) | \#[\x20!][^\n]*(?:\n|\Z) | /\*.*?\*/)
  | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>\d[A-Za-z0-9_.]*)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HEAD_BYTES_MAX: Final = 256 * 1024
_AFTER_FORMAT: Final = re.compile(rb"[ \t\f]*\r?\n?")


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark outside comments and quotes, with where it stands and how deep in brackets."""

    text: bytes
    start: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the engine takes it. `data` is an INSERT's payload in `format`; None when there is none."""

    sql: str
    format: str | None
    data: bytes | None = None
    is_insert: bool = False


def _tokens(sql: bytes) -> Iterator[Token]:
    depth = 0
    for found in _TOKEN.finditer(sql):
        if found.lastgroup == "skip":
            continue
        text = found.group().upper() if found.lastgroup == "word" else found.group()
        if text in (b")", b"]", b"}"):
            depth -= 1
        yield Token(text, found.start(), found.end(), depth)
        if text in (b"(", b"[", b"{"):
            depth += 1


def parse(query: bytes, body: bytes) -> Statement:
    """The statement of one request: `query` is the SQL, `body` what came besides it (empty if nothing).

    Raises ValueError on bytes that are not UTF-8.
    """
    tokens = _tokens(query[:_HEAD_BYTES_MAX])
    first = next(tokens, None)
    if first is not None and first.text == b"INSERT":
        return _parse_insert(query, body, tokens)
    # The server reads the query on from the URL into the body.
    whole = query + body if query.rstrip() else body
    return Statement(whole.decode().strip().rstrip(";").rstrip(), _trailing_format(whole))


def _parse_insert(query: bytes, body: bytes, tokens: Iterator[Token]) -> Statement:
    """Cut an INSERT at its data: `INSERT INTO t (a) FORMAT Native <data>`, `INSERT INTO t VALUES <data>`."""
    before: Token | None = None
    for token in tokens:
        if token.depth == 0 and before is not None and before.text == b"FORMAT":
            start = token.end
            after = _AFTER_FORMAT.match(query, start)
            assert after is not None, "the pattern matches the empty string"
            head = query[: before.start].decode().strip()
            name = query[token.start : token.end].decode()
            return Statement(head, name, query[after.end() :] + body, is_insert=True)
        if token.depth == 0 and token.text in (b"SELECT", b"WITH", b"WATCH"):
            break
        if token.depth == 0 and token.text == b"VALUES":
            head = query[: token.start].decode().strip()
            return Statement(head, "Values", query[token.end :] + body, is_insert=True)
        before = token
    return Statement((query + body).decode().strip().rstrip(";"), None, None, is_insert=True)


def _trailing_format(sql: bytes) -> str | None:
    """The name after the last outer FORMAT, as in `SELECT 1 FORMAT JSON SETTINGS x = 1`."""
    found: str | None = None
    before: Token | None = None
    for token in _tokens(sql):
        if token.depth == 0 and before is not None and before.text == b"FORMAT":
            found = sql[token.start : token.end].decode()
        before = token
    return found
