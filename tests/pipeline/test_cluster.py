"""Goal: one setting turns the schema into that of a cluster, all of it, in statements that ClickHouse parses.

Method: every statement of `sql/` is rendered, parsed by the engine, and compared with the tables that the
same files make on one server. No cluster is run here: docs/scale.md says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop
from streams.warehouse import migrate
from streams.warehouse.cluster import Cluster, profile
from streams.warehouse.store import Store
from tests.pipeline.warehouse import SQL, database

ON = "ON CLUSTER 'city'"


@pytest.fixture(scope="module")
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


def rendered() -> list[str]:
    return migrate.rendered(SQL, "city")


def test_without_a_cluster_the_statements_are_those_of_the_files() -> None:
    made = migrate.rendered(SQL)
    text = "".join(
        path.read_text()
        for folder in ("migrations", "relations", "views")
        for path in (SQL / folder).glob("*.sql")
    )
    assert len(made) > 100
    at = re.compile(r"CREATE OR REPLACE VIEW v_\w+_at\b")
    assert [statement[:60] for statement in made if statement not in text and not at.match(statement)] == []


def test_every_rendered_statement_is_parsed_by_the_engine(store: Store) -> None:
    refused = []
    for one in rendered():
        quoted = one.replace("\\", "\\\\").replace("'", "\\'")
        refused += [one] if store.value(f"SELECT formatQueryOrNull('{quoted}')") is None else []
    assert refused == []
    assert store.value("SELECT formatQueryOrNull('CREATE TABLE x ON ON CLUSTER c (a Int8)')") is None


def test_every_table_is_sharded_by_ward_or_whole_everywhere_with_its_own_engine(store: Store) -> None:
    made, cluster = rendered(), Cluster("city")
    for statement in migrate.rendered(SQL):
        cluster.render(statement)
    tables = store.query(
        "SELECT name, engine, has(groupArray(c.name), 'ward') FROM system.tables AS t"
        " INNER JOIN (SELECT table, name FROM system.columns WHERE database = currentDatabase()) AS c"
        " ON c.table = t.name WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        " AND t.name != 'migrations' GROUP BY t.name, engine"
    ).rows
    assert len(tables) > 30
    for name, engine, by_ward in tables:
        assert (name in cluster.sharded, name in cluster.whole) == (bool(by_ward), not by_ward), name
        local = f"{name}_local" if by_ward else name
        (create,) = [one for one in made if re.match(rf"CREATE TABLE IF NOT EXISTS {local} {ON}", one)]
        place = "{shard}" if by_ward else "all"
        assert f"ENGINE = Replicated{engine}('/clickhouse/tables/{place}/{{database}}/{{table}}'" in create
        over = f"ENGINE = Distributed('city', currentDatabase(), '{name}_local', cityHash64(ward))"
        assert sum(over in one for one in made) == by_ward


def test_feeds_go_from_local_to_local_and_changes_reach_both_tables() -> None:
    made, cluster = rendered(), Cluster("city")
    for statement in migrate.rendered(SQL):
        cluster.render(statement)
    assert any(
        "VIEW IF NOT EXISTS book_history_feed ON CLUSTER 'city' TO book_history_local AS" in one
        for one in made
    )
    feeds = [one for one in made if one.startswith("CREATE MATERIALIZED VIEW")]
    assert len(feeds) >= 10
    sources = {one: re.search(r"FROM (\w+)", one) for one in feeds}
    assert [one for one in feeds if ON not in one] == []
    assert [one for one, source in sources.items() if source and source[1] in cluster.sharded] == []
    (landed,) = [one for one in feeds if "landed_events_feed" in one]
    assert "TO landed_offsets AS" in landed
    assert "FROM events_local AS e" in landed
    added = [one for one in made if "ADD COLUMN IF NOT EXISTS known_at" in one]
    assert [one.split(" ON ")[0] for one in added] == ["ALTER TABLE ward_sync_local", "ALTER TABLE ward_sync"]
    ttl = [one for one in made if "MODIFY TTL" in one and "book_history" in one]
    assert [one.split(" ON ")[0] for one in ttl] == ["ALTER TABLE book_history_local"]
    assert all(ON in one for one in made if not one.startswith("INSERT"))


def test_what_cannot_be_rendered_is_refused_by_name() -> None:
    for name in ("a b", "x'; DROP", "-x", "1", "x" * 65):
        with pytest.raises(Stop, match="cluster_name"):
            Cluster(name)
    with pytest.raises(Stop, match="not_renderable"):
        Cluster("city").render("RENAME TABLE a TO b")
    with pytest.raises(Stop, match="not_renderable"):
        Cluster("city").render("CREATE TABLE IF NOT EXISTS a (b Int8)\nENGINE = Log")
    assert Cluster("").render("RENAME TABLE a TO b") == ["RENAME TABLE a TO b"]
    assert "distributed_foreground_insert = '1'" in profile("city")
