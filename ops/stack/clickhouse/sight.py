"""What an analyst may look at: views, the instant, reference tables, the engine's catalogue; nothing else.
And what the page's reader may not: original bytes.

Judged on the engine's own syntax tree, by lists of what is allowed. The rows of a ward are not guarded here
but beneath every view (`ward`): this keeps base tables, original bytes and the engine's insides out of reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.accounts import Account, printable
from ops.stack.clickhouse.literals import literal

REFERENCE: Final = (
    "difficulty_groups",
    "index766",
    "office_days",
    "policies",
    "procedures",
    "reasons",
    "wards",
    "words",
)
# Questions name the instant and the reference tables as relations, so that they can be asked as of a cut.
_RELATIONS: Final = tuple(f"r_{name}{form}" for name in ("now", *REFERENCE) for form in ("", "_at"))
_VIEW: Final = re.compile(rf"v_\w+|{'|'.join(_RELATIONS)}")
# Figures of the whole city in one row, which no filter of rows can cut.
_CITY_ONLY: Final = frozenset({"v_city_cut", "v_city_cut_at"})
_CATALOGUE: Final = frozenset(
    {
        "build_options",
        "collations",
        "columns",
        "completions",
        "contributors",
        "data_type_families",
        "databases",
        "formats",
        "functions",
        "keywords",
        "licenses",
        "numbers",
        "numbers_mt",
        "one",
        "processes",
        "settings",
        "table_engines",
        "table_functions",
        "tables",
        "time_zones",
        "zeros",
        "zeros_mt",
    }
)
_TABLE_FUNCTIONS: Final = frozenset(
    {"generate_series", "generateseries", "null", "numbers", "numbers_mt", "values", "zeros", "zeros_mt"}
)
_ROOTS: Final = re.compile(
    r"SelectWithUnionQuery|SelectIntersectExceptQuery|DescribeQuery"
    r"|Show(?:Tables|Columns|Functions|Settings?|ProcesslistQuery)"
    r"|Exists\w+|ShowCreate(?:Table|View)Query|Explain EXPLAIN(?: AST| SYNTAX| QUERY TREE)?(?: \(|$)"
)
# A plan tells how many parts and granules there are, of every ward.
_PLAN: Final = re.compile(r"Explain (?!EXPLAIN (?:AST|SYNTAX|QUERY TREE)\b)")
_TABLE: Final = re.compile(r"^ *TableIdentifier (.+?)(?: \(alias .*)?$", re.MULTILINE)
_FROM_FUNCTION: Final = re.compile(r"^( *)TableExpression.*\n\1 Function (\S+)", re.MULTILINE)
_NAMED: Final = re.compile(
    r"^(?:ShowCreate|Exists)\w+ .*\n(?: Identifier (\S+)\n)? Identifier (\S+)", re.MULTILINE
)
_IN: Final = re.compile(r" *Function (?:global)?(?:not)?(?:null)?in(?:ignoreset)? \(", re.IGNORECASE)
_IDENTIFIER: Final = re.compile(r"^ *Identifier (\S+)", re.MULTILINE)
# Original bytes and keys of rejected messages may hold personal data: they are the pipeline's own. What the
# page and the command line tell of a rejected message comes from `v_rejects`.
_ORIGINALS: Final = re.compile(r"(?:.*\.)?rejects")
_MAY_NAME_ORIGINALS: Final = re.compile(r"rejects|merge|identifier|\\", re.IGNORECASE)
_TABLES_BY_PATTERN: Final = frozenset({"merge", "mergetreeindex"})
_READS_BY_NAME: Final = re.compile(
    r"^ *Function (?:joinGet\w*|dict[A-Z]\w*|hasColumnInTable\w*|getServerSetting)\b", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one analyst may see of one database.

    `exists` says whether there is a table of a name in a database, also one that the analyst may not see.
    """

    account: Account
    database: str
    exists: Callable[[str, str], bool]

    def filters(self) -> dict[str, str]:
        """Conditions on the engine's catalogue: the analyst's tables and views, and its own statements."""
        names = ", ".join(literal(name) for name in (*_RELATIONS, *REFERENCE))
        for_name = f"(database = 'system' OR (database = {literal(self.database)} AND (%s)))"
        seen = "startsWith({0}, 'v_') OR {0} IN (" + names + ")"
        own = f"JSONExtractString(Settings['log_comment'], 'user') = {literal(self.account.name)}"
        return {
            "system.tables": for_name % seen.format("name"),
            "system.columns": for_name % seen.format("table"),
            "system.processes": own,
        }

    def check(self, tree: str, current: str) -> None:
        """Raise `Fault` unless everything that the statement of this syntax tree names may be seen.

        `current` is the database of names that have none.
        """
        root = tree.split("\n", 1)[0]
        if not _ROOTS.match(root) or (self.account.ward is not None and _PLAN.match(root)):
            raise _denied(root.split(" (")[0])
        if (found := _READS_BY_NAME.search(tree)) is not None:
            raise _denied(found.group().strip())
        for name in _TABLE.findall(tree):
            self._check_table(name, current)
        for database, name in _NAMED.findall(tree):
            self._check_table(f"{database}.{name}" if database else name, current)
        for _, name in _FROM_FUNCTION.findall(tree):
            if name.lower() not in _TABLE_FUNCTIONS and not self._is_seen(*self._split(name, current)):
                raise _denied(f"{printable(name)}()")
        if _in_a_name(tree):
            for name in _IDENTIFIER.findall(tree):
                self._check_in(name, current)

    def _split(self, name: str, current: str) -> tuple[str, str]:
        database, dot, table = name.partition(".")
        return (database, table) if dot else (current, name)

    def _is_seen(self, database: str, table: str) -> bool:
        if database == "system":
            return table in _CATALOGUE
        if database != self.database or (self.account.ward is not None and table in _CITY_ONLY):
            return False
        return table in REFERENCE or _VIEW.fullmatch(table) is not None

    def _check_table(self, name: str, current: str) -> None:
        """A name without a database that is no table's is a name that the statement gave itself (WITH)."""
        database, table = self._split(name, current)
        if not self._is_seen(database, table) and ("." in name or self.exists(database, table)):
            raise _denied(f"SELECT on {printable(name)}")

    def _check_in(self, name: str, current: str) -> None:
        """`x IN name`: the name may be a table's, a column's or an alias's."""
        database, table = self._split(name, current)
        if not self._is_seen(database, table) and self.exists(database, table):
            raise _denied(f"SELECT on {printable(name)}")


def may_name_originals(words: str) -> bool:
    """Whether a statement must be judged by its tree: a name may be written with escapes, or told elsewhere.

    `words` are its text and the values of its parameters.
    """
    return _MAY_NAME_ORIGINALS.search(words) is not None


def keep_originals(tree: str) -> None:
    """Raise `Fault` if the statement of this syntax tree names the table of rejected messages.

    For the page's reader, who may name any other table. A name that the statement gave itself is refused as
    well: whoever asks can choose another.
    """
    names = _TABLE.findall(tree)
    if _in_a_name(tree):
        names += _IDENTIFIER.findall(tree)
    if any(_ORIGINALS.fullmatch(name) for name in names):
        raise faults.fault(faults.ACCESS_DENIED, f"Not enough privileges: SELECT on rejects. {_INSTEAD}")
    for _, name in _FROM_FUNCTION.findall(tree):
        if name.lower() in _TABLES_BY_PATTERN:
            raise faults.fault(
                faults.ACCESS_DENIED, f"Not enough privileges: {printable(name)}(). {_INSTEAD}"
            )


def _in_a_name(tree: str) -> bool:
    """Whether a name stands right of an IN, where it may be a table's."""
    lines = tree.split("\n")
    for place, line in enumerate(lines):
        if not _IN.match(line):
            continue
        inner = len(line) - len(line.lstrip()) + 2
        children = (each for each in lines[place + 2 :] if len(each) - len(each.lstrip()) <= inner)
        next(children, None)
        if next(children, "").startswith(" " * inner + "Identifier "):
            return True
    return False


_INSTEAD: Final = "Original bytes may hold personal data; see v_rejects."


def _denied(what: str) -> faults.Fault:
    return faults.fault(
        faults.ACCESS_DENIED,
        f"Not enough privileges: {what}. An analyst reads the views v_* and the reference tables;"
        " to see them: SHOW TABLES.",
    )
