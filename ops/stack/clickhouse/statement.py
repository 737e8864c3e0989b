"""A statement's outer shape: is it an INSERT with data behind it, which format, where do the data begin.

Only as much of the SQL is read as the wire needs: comments and quoted text are skipped as ClickHouse's lexer
does. What a statement may do is never decided here but by the engine's own parser (`guard`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ops.stack.clickhouse import faults

# Every alternative takes what it begins, also what is never closed, and gives nothing back: linear in
# whatever comes.
_TOKEN: Final = re.compile(
    rb"""
    (?P<skip>\s++ | --[^\n]*+ | \#[\x20!][^\n]*+ | /\*.*?(?:\*/|\Z))
  | (?P<quoted>'(?:[^'\\]|\\.|'')*+(?:'|\\?\Z) | "(?:[^"\\]|\\.|"")*+(?:"|\\?\Z) |
  `(?:[^`\\]|\\.|``)*+(?:`|\\?\Z)) | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>\d[A-Za-z0-9_.]*)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HEAD_BYTES_MAX: Final = 256 * 1024
READ_BYTES_MAX: Final = 262_144  # the engine's own max_query_size
_AFTER_FORMAT: Final = re.compile(rb"[ \t\f]*\r?\n?")


class Token(NamedTuple):
    """One word or mark outside comments and quotes, with where it stands and how deep in brackets."""

    text: bytes
    start: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the engine takes it. `data` is an INSERT's payload in `format`; None when there is none.

    `format_at` is where the last outer FORMAT begins in `sql`, in characters.
    """

    sql: str
    format: str | None
    data: bytes | None = None
    format_at: int | None = None

    def into(self, path: str, default_format: str) -> str:
        """The same SQL with its result written to `path`, in its own format or the default one."""
        place = f"INTO OUTFILE '{path}' TRUNCATE"
        if self.format_at is None:  # on a line of its own: the last one may be a comment
            return f"{self.sql}\n{place} FORMAT {default_format}"
        return f"{self.sql[: self.format_at]}\n{place}\n{self.sql[self.format_at :]}"


def tokens(sql: bytes) -> Iterator[Token]:
    """The words and marks of SQL, in order, without comments."""
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


def words_of(sql: str, parameters: Mapping[str, str]) -> str:
    """All text in which a statement's names stand: a parameter may be a name too (`{t:Identifier}`)."""
    return "\n".join((sql, *parameters.values()))


def with_table(sql: str, name: bytes, shown: str) -> str:
    """The same SQL with `shown` for the table `name` (upper case), but in comments and quotes."""
    raw, parts, end = sql.encode(), list[bytes](), 0
    found = list(tokens(raw))
    for first, mark, last in zip(found, found[1:], found[2:], strict=False):
        if first.text + mark.text + last.text == name and last.end - first.start == len(name):
            parts += [raw[end : first.start], shown.encode()]
            end = last.end
    return b"".join([*parts, raw[end:]]).decode()


def parse(query: bytes, body: bytes) -> Statement:
    """The statement of one request: `query` is the SQL, `body` what came besides it (empty if nothing).

    Raises ValueError on bytes that are not UTF-8.
    """
    found = tokens(query[:_HEAD_BYTES_MAX])
    first = next(found, None)
    if first is not None and first.text == b"INSERT":
        return _parse_insert(query, body, found)
    # The server reads the query on from the URL into the body.
    whole = query + body if query.rstrip() else body
    return _whole(whole)


def too_long() -> faults.Fault:
    """A reader's statement is over the limit; a writer's may carry rows."""
    return faults.fault(faults.SYNTAX_ERROR, f"Max query size exceeded: {READ_BYTES_MAX} bytes")


def _whole(query: bytes) -> Statement:
    """A statement without data: up to its closing semicolon, with the name after the last outer FORMAT.

    `SELECT 1 FORMAT JSON SETTINGS x = 1` has its FORMAT in the middle.
    """
    name: str | None = None
    at = end = start = 0
    before: Token | None = None
    for token in tokens(query):
        start = token.start if before is None else start
        if token.depth == 0 and before is not None and before.text == b"FORMAT":
            name, at = query[token.start : token.end].decode(), before.start
        if token.text != b";":
            end = token.end
        before = token
    sql = query[start:end].decode()
    return Statement(sql, name, format_at=None if name is None else len(query[start:at].decode()))


def _parse_insert(query: bytes, body: bytes, found: Iterator[Token]) -> Statement:
    """Cut an INSERT at its data: `INSERT INTO t (a) FORMAT Native <data>`, `INSERT INTO t VALUES <data>`."""
    before: Token | None = None
    for token in found:
        if token.depth == 0 and before is not None and before.text == b"FORMAT":
            start = token.end
            after = _AFTER_FORMAT.match(query, start)
            assert after is not None, "the pattern matches the empty string"
            head = query[: before.start].decode().strip()
            name = query[token.start : token.end].decode()
            return Statement(head, name, query[after.end() :] + body)
        if token.depth == 0 and token.text in (b"SELECT", b"WITH", b"WATCH"):
            break
        if token.depth == 0 and token.text == b"VALUES":
            head = query[: token.start].decode().strip()
            return Statement(head, "Values", query[token.end :] + body)
        before = token
    return Statement((query + body).decode().strip().rstrip(";"), None)


_SECURITY: Final = (b"SQL", b"SECURITY", b"DEFINER")


def as_invoker(sql: str) -> str:
    """The same DDL with its views reading as whoever asks: `DEFINER = x SQL SECURITY DEFINER` is taken out.

    The engine has one user, so its rights are the same; but a definer's view would leave the asker's row
    filters behind.
    """
    raw = sql.encode()
    if b"DEFINER" not in raw.upper():
        return sql
    found = list(tokens(raw))
    cuts: list[tuple[int, int, bytes]] = []
    for place, token in enumerate(found):
        following = found[place + 1 : place + 3]
        if token.text == b"DEFINER" and len(following) == 2 and following[0].text == b"=":
            cuts.append((token.start, following[1].end, b""))
        if tuple(each.text for each in found[place : place + 3]) == _SECURITY:
            cuts.append((token.start, following[1].end, b"SQL SECURITY INVOKER"))
    for start, end, instead in reversed(cuts):
        raw = raw[:start] + instead + raw[end:]
    return raw.decode()
