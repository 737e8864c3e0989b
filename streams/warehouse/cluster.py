"""The same schema on a cluster: every statement of `sql/`, rendered for Replicated and Distributed tables.

A table with a column `ward` is sharded by it: rows live in `x_local` (replicated within its shard), and
`x` is the Distributed table over them, so whoever asks or inserts uses the same name as on one server. All
rows of a ward are in one shard, so joins, IN and FINAL by ward are right within it. Every other table is
small and whole on every server: one replicated table whose path does not name the shard. Materialized views
go from local to local.

Pure: text in, text out. Without a cluster's name the statements are the files' own, byte for byte.
"""

from __future__ import annotations

import re
from typing import Final

from producers.contract.errors import Stop

# What every user of a cluster must have. IN and JOIN within a shard; an insert is acknowledged once it is in
# the shards and in a majority of replicas, since the loader commits its offsets then; shards without the ward
# are left out of a question.
SETTINGS: Final = {
    "distributed_product_mode": "local",
    "distributed_foreground_insert": "1",
    "insert_quorum": "auto",
    "insert_quorum_parallel": "1",
    "optimize_skip_unused_shards": "1",
    "optimize_distributed_group_by_sharding_key": "1",
    "enable_shared_storage_snapshot_in_query": "1",
    "distributed_ddl_task_timeout": "600",
}
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)(?: AS (\w+))?\b")
_ENGINE: Final = re.compile(r"^ENGINE = (\w*MergeTree)(?:\(([^)\n]*)\))?", re.MULTILINE)
_WARD: Final = re.compile(r"^ +ward (?:LowCardinality\(String\)|String\b)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^COMMENT '(?:[^'\\]|\\.|'')*'\Z", re.MULTILINE)
_FEED: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)\b")
_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
_ALTER: Final = re.compile(r"ALTER TABLE (\w+)")
_DROP: Final = re.compile(r"DROP (TABLE|VIEW) IF EXISTS (\w+)")
_READ: Final = re.compile(r"\b(FROM|JOIN)(\s+)(\w+)\b(?!\s*\()")
_COLUMNS: Final = re.compile(r"\b(?:ADD|DROP|RENAME) COLUMN\b")


class Cluster:
    """Renders statements in the order in which they are applied; remembers which tables are sharded."""

    def __init__(self, name: str) -> None:
        """`name` as in the servers' `remote_servers`.

        :raises Stop: `cluster_name`: it is not a name
        """
        if name and not NAME.fullmatch(name):
            raise Stop(
                "cluster_name",
                f"{name!r} is not the name of a cluster / không phải tên cụm",
                "Letters, digits, _ and - only / chỉ chữ, số, _ và -",
            )
        self._on = f"ON CLUSTER '{name}'"
        self._name = name
        self.sharded: set[str] = set()
        self.whole: set[str] = set()

    def render(self, statement: str) -> list[str]:
        """What takes the place of a statement of `sql/`.

        :raises Stop: `not_renderable`: a statement of a kind that is not known here
        """
        if not self._name:
            return [statement]
        for pattern, make in (
            (_TABLE, self._table),
            (_FEED, self._feed),
            (_VIEW, self._view),
            (_ALTER, self._alter),
            (_DROP, self._drop),
        ):
            found = pattern.match(statement)
            if found is not None:
                return make(statement, found)
        if statement.startswith("INSERT INTO "):
            return [statement]
        raise Stop(
            "not_renderable", statement[:80], "Teach streams/warehouse/cluster.py this kind of statement"
        )

    def _table(self, statement: str, found: re.Match[str]) -> list[str]:
        name, like = found[1], found[2]
        if _WARD.search(statement) or like in self.sharded:
            self.sharded.add(name)
            source = f" AS {like}_local" if like else ""
            head = f"CREATE TABLE IF NOT EXISTS {name}_local {self._on}{source}"
            local = head + self._engine(statement[found.end() :], "{shard}", "{replica}")
            return [local, self._distributed(name, statement)]
        self.whole.add(name)
        head = f"CREATE TABLE IF NOT EXISTS {name} {self._on}" + (f" AS {like}" if like else "")
        return [head + self._engine(statement[found.end() :], "all", "{shard}-{replica}")]

    def _engine(self, rest: str, shard: str, replica: str) -> str:
        path = f"'/clickhouse/tables/{shard}/{{database}}/{{table}}', '{replica}'"

        def replicated(found: re.Match[str]) -> str:
            return f"ENGINE = Replicated{found[1]}({path}{', ' + found[2] if found[2] else ''})"

        made, count = _ENGINE.subn(replicated, rest)
        if count != 1:
            raise Stop("not_renderable", rest[-80:], "Name one MergeTree engine at the beginning of a line")
        return made

    def _distributed(self, name: str, statement: str) -> str:
        comment = _COMMENT.search(statement)
        return (
            f"CREATE TABLE IF NOT EXISTS {name} {self._on} AS {name}_local\n"
            f"ENGINE = Distributed('{self._name}', currentDatabase(), '{name}_local', cityHash64(ward))"
            + (f"\n{comment[0]}" if comment else "")
        )

    def _feed(self, statement: str, found: re.Match[str]) -> list[str]:
        name, target = found[1], found[2]
        rest, reads = statement[found.end() :], False

        def local(read: re.Match[str]) -> str:
            nonlocal reads
            reads = reads or read[3] in self.sharded
            return f"{read[1]}{read[2]}{read[3]}_local" if read[3] in self.sharded else read[0]

        rest = _READ.sub(local, rest)
        # What is whole everywhere and feeds what is sharded goes by the Distributed table, to its shard.
        to = f"{target}_local" if reads and target in self.sharded else target
        return [f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} {self._on} TO {to}{rest}"]

    def _view(self, statement: str, found: re.Match[str]) -> list[str]:
        return [f"{found[0]} {self._on}{statement[found.end() :]}"]

    def _alter(self, statement: str, found: re.Match[str]) -> list[str]:
        name, rest = found[1], statement[found.end() :]
        if name not in self.sharded:
            return [f"ALTER TABLE {name} {self._on}{rest}"]
        made = [f"ALTER TABLE {name}_local {self._on}{rest}"]
        if _COLUMNS.search(rest):
            made.append(f"ALTER TABLE {name} {self._on}{rest}")
        return made

    def _drop(self, _: str, found: re.Match[str]) -> list[str]:
        kind, name = found[1], found[2]
        locals_ = [f"DROP TABLE IF EXISTS {name}_local {self._on}"] if name in self.sharded else []
        return [f"DROP {kind} IF EXISTS {name} {self._on}", *locals_]


def profile(name: str) -> str:
    """The statement that makes the settings profile of a cluster's users."""
    listed = ", ".join(f"{setting} = '{value}'" for setting, value in SETTINGS.items())
    return f"CREATE SETTINGS PROFILE IF NOT EXISTS dongbo_cluster ON CLUSTER '{name}' SETTINGS {listed}"
