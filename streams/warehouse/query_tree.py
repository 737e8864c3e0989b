"""Where the columns of a SELECT come from, read off ClickHouse's own analysis of it (`EXPLAIN QUERY TREE`).

The engine resolves names, aliases, stars and joins; what is left for us is to follow its nodes. Values
only: what merely filters, joins, groups or orders is no source of a value, wherever it stands: being IN a
relation filters. `count()` comes from (name, "*").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

EXPLAIN: Final = "EXPLAIN QUERY TREE run_passes = 1, dump_passes = 0 "
Place = tuple[str, str]
"""An object's name without its database, and the name of a column in it."""

_INDENT: Final = 2
_ID: Final = re.compile(r"\bid: (\d+)")
_SOURCE: Final = re.compile(r"\bsource_id: (\d+)")
_COLUMN: Final = re.compile(r"\bcolumn_name: (.+?), result_type: ")
_TABLE: Final = re.compile(r"\btable_name: (?:[^\s,]+\.)?([^\s,]+)")
_COUNT: Final = re.compile(r"\bfunction_name: count,")
_MEMBER: Final = re.compile(r"\bfunction_name: (?:in|notIn|globalIn|globalNotIn),")
_ELEMENT: Final = re.compile(r"\bfunction_name: tupleElement,")
_NEWEST: Final = re.compile(r"\bfunction_name: argM(?:ax|in)(?:If)?,")
_NUMBER: Final = re.compile(r"\bconstant_value: UInt64_(\d+)")
_KIND: Final = re.compile(r"[A-Z_]+(?: [A-Z_]+)*")


@dataclass(slots=True)
class Node:
    """One line of the dump, with the lines that are indented below it."""

    text: str
    children: list[Node] = field(default_factory=list)

    @property
    def kind(self) -> str:
        found = _KIND.match(self.text)
        return found[0].split(" id")[0] if found else ""

    def child(self, kind: str) -> Node | None:
        return next((one for one in self.children if one.kind == kind), None)

    def walk(self) -> Iterator[Node]:
        yield self
        for one in self.children:
            yield from one.walk()


def sources(lines: Sequence[str]) -> dict[str, frozenset[Place]]:
    """For each column of the statement, the columns that its value is made of.

    :param lines: what `EXPLAIN` says of the statement
    """
    tree = _Tree(_parse(lines))
    return {name.split(" ", 1)[0]: places for name, places in tree.columns(tree.root)}


def _parse(lines: Sequence[str]) -> Node:
    top = Node("")
    open_nodes = [top]
    for line in lines:
        text = line.strip()
        if not text:
            continue
        depth = (len(line) - len(line.lstrip())) // _INDENT
        del open_nodes[depth + 1 :]
        node = Node(text)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)
    return top.children[0]


class _Tree:
    def __init__(self, root: Node) -> None:
        self.root = root
        self._known: dict[int, list[tuple[str, frozenset[Place]]]] = {}
        # A node is written out wherever it is used; its first writing has all of it.
        self._nodes: dict[str, Node] = {}
        for node in root.walk():
            found = _ID.search(node.text)
            if found and node.kind in ("QUERY", "UNION", "TABLE", "ARRAY_JOIN", "JOIN"):
                self._nodes.setdefault(found[1], node)

    def columns(self, query: Node) -> list[tuple[str, frozenset[Place]]]:
        """Name (with its type behind it) and sources of each column of a QUERY or UNION, in order."""
        if id(query) not in self._known:
            self._known[id(query)] = self._of_union(query) if query.kind == "UNION" else self._of_query(query)
        return self._known[id(query)]

    def _of_query(self, query: Node) -> list[tuple[str, frozenset[Place]]]:
        expressions = _listed(query.child("PROJECTION"))
        return [
            (name, self._of(one) | self._counted(one, query))
            for name, one in zip(_declared(query), expressions, strict=True)
        ]

    def _of_union(self, union: Node) -> list[tuple[str, frozenset[Place]]]:
        branches = [self.columns(one) for one in _listed(union.child("QUERIES"))]
        return [
            (columns[0][0], _together(places for _, places in columns))
            for columns in zip(*branches, strict=True)
        ]

    def _counted(self, expression: Node, query: Node) -> frozenset[Place]:
        """The rows that `count()` in the expression counts, if it has one."""
        counts = any(_COUNT.search(one.text) and not one.children for one in expression.walk())
        joined = query.child("JOIN TREE")
        return self._rows(joined.children[0]) if counts and joined is not None else frozenset()

    def _rows(self, source: Node) -> frozenset[Place]:
        if source.kind == "TABLE":
            return frozenset({(_table(source), "*")})
        if source.kind == "QUERY":
            inner = source.child("JOIN TREE")
            return self._rows(inner.children[0]) if inner is not None else frozenset()
        if source.kind == "UNION":
            return _together(self._rows(one) for one in _listed(source.child("QUERIES")))
        # A join or ARRAY JOIN: what stands first gives the rows.
        return self._rows(source.children[0].children[0]) if source.children else frozenset()

    def _of(self, expression: Node) -> frozenset[Place]:
        if expression.kind == "COLUMN":
            return self._of_column(expression)
        if _is_member_of_a_relation(expression):
            return frozenset()
        if (newest := _element_of_newest(expression)) is not None:
            return _together(self._of(one) for one in newest)
        if expression.kind in ("QUERY", "UNION"):
            return _together(places for _, places in self.columns(expression))
        return _together(self._of(one) for one in expression.children)

    def _of_column(self, column: Node) -> frozenset[Place]:
        name, source = _COLUMN.search(column.text), _SOURCE.search(column.text)
        behind = _together(self._of(one) for one in column.children)
        node = self._nodes.get(source[1]) if source else None
        if name is None or node is None:  # a lambda's own argument
            return behind
        if node.kind == "TABLE":
            return behind or frozenset({(_table(node), name[1])})
        if node.kind in ("QUERY", "UNION"):
            return next(places for one, places in self.columns(node) if one.startswith(f"{name[1]} "))
        if node.kind == "ARRAY_JOIN" and not behind:
            return self._of_array(node, name[1])
        return behind

    def _of_array(self, join: Node, name: str) -> frozenset[Place]:
        made = _listed(join.child("JOIN EXPRESSIONS"))
        return _together(
            self._of(one) for array in made if f"column_name: {name}," in array.text for one in array.children
        )


def _is_member_of_a_relation(expression: Node) -> bool:
    if not _MEMBER.search(expression.text):
        return False
    return any(one.kind in ("QUERY", "UNION", "TABLE") for one in _listed(expression.child("ARGUMENTS")))


def _element_of_newest(expression: Node) -> list[Node] | None:
    """What `argMax((a, b, ...), key).n` reads: one of its columns and the key, not the columns beside it."""
    if not _ELEMENT.search(expression.text):
        return None
    whole, number = _listed(expression.child("ARGUMENTS"))
    found = _NUMBER.search(number.text)
    if found is None or not _NEWEST.search(whole.text):
        return None
    columns, *key = _listed(whole.child("ARGUMENTS"))
    return [_listed(columns.child("ARGUMENTS"))[int(found[1]) - 1], *key] if columns.children else None


def _declared(query: Node) -> list[str]:
    columns = query.child("PROJECTION COLUMNS")
    assert columns is not None, query.text
    return [one.text for one in columns.children]


def _together(places: Iterable[frozenset[Place]]) -> frozenset[Place]:
    return frozenset[Place]().union(*places)


def _listed(holder: Node | None) -> list[Node]:
    assert holder is not None
    return holder.children[0].children


def _table(node: Node) -> str:
    found = _TABLE.search(node.text)
    assert found is not None, node.text
    return found[1]
