"""What a statement may not do, decided by the engine's own parser and never by patterns over SQL text.

Why it is needed, measured on chdb 26.9 with readonly=1, where the engine thinks it serves its owner on a
command line: `file('/etc/passwd')` reads any file, also as `* APPLY(file)`; DESCRIBE opens what a table
function names; INTO OUTFILE writes; `python(x)` reads objects of this process; one text may
hold many statements.

So for everyone: no table function or engine that leaves the database, and one statement a request. For
readers also: only what the engine classifies as reading. Known limit: the writer is trusted with dictionaries
and backups.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.statement import READ_BYTES_MAX, Statement, too_long, words_of

# Table functions that stay inside the database.
_INSIDE: Final = frozenset(
    {
        "dictionary",
        "format",
        "generate_series",
        "generaterandom",
        "generateseries",
        "input",
        "merge",
        "mergetreeindex",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "sqlstandardvalues",
        "values",
        "view",
        "viewexplain",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    }
)
_FUNCTION: Final = re.compile(r"^ *Function (\S+)", re.MULTILINE)
_OUTSIDE_SCALAR: Final = re.compile(r"file|ai[A-Z]\w*|AI[A-Z]\w*")
# `file` stands in names of other functions too; APPLY hides which one it names.
_MUST_BE_PARSED: Final = ("\\", "file", "identifier")
_WORD: Final = re.compile(r"[a-z0-9_]+")
Seen = Callable[[str], None]
_TO_FILE: Final = re.compile(r"\bINTO\s+OUTFILE\b|\bFROM\s+INFILE\b", re.IGNORECASE)
_INTO_FUNCTION: Final = re.compile(r"\s*INSERT\s+(?:INTO\s+)?(?:TABLE\s+)?FUNCTION\b", re.IGNORECASE)


class Guard:
    """Judges statements. Made once, from the engine's own list of table functions."""

    def __init__(self, connection: Any) -> None:
        names = connection.query("SELECT name FROM system.table_functions", "TabSeparated")
        listed = names.bytes().decode().lower().split()
        self._outside: Final = frozenset(listed) - _INSIDE

    def check(
        self,
        connection: Any,
        statement: Statement,
        parameters: dict[str, str],
        *,
        reads_only: bool,
        seen: Seen | None = None,
    ) -> bool:
        """Raise `Fault` unless the statement is allowed. Returns whether it only reads, so has a result.

        `connection` must be the one the statement will run on: the parser sees its settings. `seen` judges
        the syntax tree further. Without it, a statement in which no such name stands is not parsed once more:
        that was a quarter of what the definition of a view cost.
        """
        if statement.data is not None:
            self._check_insert(statement, reads_only=reads_only)
            return False
        if reads_only and len(statement.sql.encode()) > READ_BYTES_MAX:
            raise too_long()
        classified = connection.classify_query(statement.sql)
        reading = classified["query_class"].name == "READ_ONLY"
        if reads_only and not reading:
            raise _readonly()
        if classified["statement_count"] > 1:
            raise faults.fault(faults.SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
        plain = classified["statement_count"] == 1 and self._is_plain(words_of(statement.sql, parameters))
        if seen is not None or not plain:
            tree = self._check_functions(connection, statement.sql, parameters)
            if seen is not None:
                seen(tree)
        return bool(reading)

    def _is_plain(self, words: str) -> bool:
        """Whether no function or engine that leaves the database can be named by these words.

        A name stands in the text as it is, unless it is written with escapes or told by a parameter.
        """
        text = words.lower()
        if any(mark in text for mark in _MUST_BE_PARSED):
            return False
        found = frozenset(_WORD.findall(text))
        return self._outside.isdisjoint(found) and not any(word.startswith("ai") for word in found)

    def _check_insert(self, statement: Statement, *, reads_only: bool) -> None:
        """An INSERT with data: its head is short and has only a target, columns and settings."""
        if reads_only:
            raise _readonly()
        if _INTO_FUNCTION.match(statement.sql) or _TO_FILE.search(statement.sql):
            raise _denied("INSERT INTO FUNCTION and INFILE")

    def _check_functions(self, connection: Any, sql: str, parameters: dict[str, str]) -> str:
        """Returns the syntax tree as the engine writes it."""
        if _TO_FILE.search(sql):
            raise _denied("INTO OUTFILE and FROM INFILE")
        tree = (
            connection.query(f"EXPLAIN AST {sql}", "TSVRaw", params=parameters)
            .bytes()
            .decode(errors="replace")
        )
        if tree.startswith("digraph"):
            raise faults.fault(faults.SYNTAX_ERROR, "Syntax error: not a statement")
        for name in _FUNCTION.findall(tree):
            if name.lower() in self._outside or _OUTSIDE_SCALAR.fullmatch(name):
                raise _denied(f"{name}()")
        # The tree does not show which function APPLY names, so there the text decides, broadly.
        if "ColumnsApplyTransformer" in tree and re.search(r"file|\\|\bai[A-Z]", sql, re.IGNORECASE):
            raise _denied("APPLY with such a function")
        return str(tree)


def _readonly() -> faults.Fault:
    return faults.fault(faults.READONLY, "Cannot execute query in readonly mode.")


def _denied(what: str) -> faults.Fault:
    return faults.fault(
        faults.ACCESS_DENIED,
        f"Not enough privileges: {what} would leave the database, which this endpoint does not allow.",
    )
