"""Goal: an analyst reads views and reference tables only; a ward's analyst never another ward's rows.

Method: an endpoint with the city's own schema, one row of each of two wards in every table that has a ward;
every text of the other ward's rows is a secret that no answer to the ward's analyst may hold.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.stack.clickhouse.analysts import Analysts
from producers.contract.errors import Refused
from tests.pipeline.analysts import OTHER, OWN, SECRET, City, begin


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = begin(tmp_path_factory.mktemp("analysts"))
    yield city
    city.endpoint.stop()


def views(city: City, suffix: str = "") -> list[str]:
    named = city.ask(
        "SELECT name FROM system.tables WHERE database = 'dongbo' AND name LIKE 'v\\_%' ORDER BY name",
        "dongbo",
    )
    return [name for name in named.text.split() if name.endswith("_at") == bool(suffix)]


def leaks(text: str) -> bool:
    return SECRET in text or OTHER in text


# One ward's rows


def test_every_view_of_a_ward_shows_its_own_rows_only(city: City) -> None:
    leaking, failed, leaky_for_all = [], [], 0
    for name in views(city):
        sql = f"SELECT * FROM {name} FORMAT JSONEachRow"
        leaky_for_all += leaky_for_all < 10 and leaks(city.ask(sql, "reader").text)
        answer = city.ask(sql)
        failed += [(name, answer.text)] if answer.status != 200 and name != "v_city_cut" else []
        leaking += [name] if leaks(answer.text) else []
    assert leaky_for_all >= 10, "the rows of the other ward are there for those who may see them"
    assert (leaking, failed) == ([], [])


def test_every_view_as_of_a_cut_shows_a_ward_its_own_rows_only(city: City) -> None:
    leaking, failed = [], []
    for name in views(city, "_at"):
        answer = city.ask(f"SELECT * FROM {name}(as_of = '4000000') FORMAT JSONEachRow")
        failed += [(name, answer.text)] if answer.status != 200 and name != "v_city_cut_at" else []
        leaking += [name] if leaks(answer.text) else []
    assert (leaking, failed) == ([], [])


def test_a_ward_sees_its_own_rows(city: City) -> None:
    seen = city.ask("SELECT DISTINCT ward FROM v_ward_day")
    assert seen.text == f"{OWN}\n"
    assert city.ask("SELECT code FROM wards").text == f"{OWN}\n"


TRICKS = [
    f"SELECT (SELECT count() FROM v_ward_day WHERE ward = '{OTHER}')",
    "SELECT count() FROM v_ward_day AS a, v_ward_day AS b WHERE a.ward != b.ward",
    f"SELECT '{OTHER[:3]}', count() FROM v_ward_day WHERE ward NOT IN ('{OWN}')",
    "SELECT count() FROM (SELECT * FROM v_ward_day) WHERE ward = concat('000', '04')",
    "WITH w AS (SELECT ward FROM v_ward_day) SELECT count() FROM w WHERE ward = concat('000', '04')",
    "SELECT has(groupArray(ward), concat('000', '04')) FROM v_ward_day",
    "SELECT concat('000', '04') IN (SELECT ward FROM v_ward_day)",
    "SELECT count() FROM v_rejects WHERE detail LIKE 'bi-mat%'",
]


@pytest.mark.parametrize("sql", TRICKS)
def test_other_wards_rows_count_for_nothing(city: City, sql: str) -> None:
    answer = city.ask(sql)
    assert answer.status == 200, answer.text
    assert answer.text.rstrip("\n").split("\t")[-1] == "0", answer.text
    assert city.ask(sql, "reader").text.rstrip("\n").split("\t")[-1] != "0", "it is there for others"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT throwIf(ward != '{OWN}', 'foreign row') FROM v_ward_day",
        f"SELECT * FROM v_ward_day WHERE throwIf(ward != '{OWN}', 'foreign row') = 0",
        f"SELECT * FROM v_rejects WHERE throwIf(ward != '{OWN}', 'foreign row') = 0",
        "SELECT * FROM v_rejects WHERE toUInt8(if(detail LIKE 'bi%', detail, '1')) = 1",
        "SELECT * FROM v_ward_day AS a JOIN v_dossiers AS b ON a.ward = b.ward"
        f" WHERE throwIf(b.ward != '{OWN}', 'foreign row') = 0",
        f"SELECT ward FROM v_dossiers GROUP BY ward HAVING throwIf(ward != '{OWN}', 'foreign row') = 0",
        f"SELECT count() FROM v_dossiers WHERE throwIf(ward != '{OWN}', 'foreign row') = 0 AND dossier != ''",
    ],
)
def test_no_expression_is_computed_of_another_wards_rows(city: City, sql: str) -> None:
    answer = city.ask(sql)
    assert answer.status == 200, answer.text
    assert not leaks(answer.text)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM v_ward_day SETTINGS additional_table_filters = {}",
        "SELECT * FROM v_ward_day SETTINGS query_plan_merge_filters = 1",
        "SET additional_table_filters = {}",
        "SELECT * FROM merge('dongbo', '^book$')",
        "SELECT * FROM merge(currentDatabase(), 'rejects')",
        "SELECT * FROM mergeTreeIndex('dongbo', 'book')",
        "SELECT * FROM view(SELECT * FROM book)",
        "SELECT * FROM viewIfPermitted(SELECT * FROM book ELSE null('a UInt8'))",
        "SELECT * FROM loop(dongbo.book)",
        "SELECT * FROM dictionary('x')",
        "SELECT hasColumnInTable('dongbo', 'book', 'ward')",
        "SELECT joinGet('book', 'ward', 1)",
        "SELECT 1 IN book",
        "SELECT 1 IN (dongbo.book)",
        "SELECT in(1, dongbo.book)",
        "WITH dongbo.book AS b SELECT 1 IN b",
        "SELECT * FROM book",
        "SELECT * FROM dongbo.book",
        'SELECT * FROM "dongbo"."book"',
        "WITH book AS (SELECT 1) SELECT * FROM (SELECT * FROM book) AS a, book",
        "SELECT value FROM rejects",
        "SELECT * FROM r_book",
        "SELECT * FROM r_rejects_at(as_of = '1')",
        "DESCRIBE TABLE rejects",
        "SHOW CREATE TABLE rejects",
        "EXISTS TABLE rejects",
        "CHECK TABLE book",
        "SHOW INDEX FROM book",
        "SHOW GRANTS",
        "EXPLAIN ESTIMATE SELECT * FROM v_ward_day",
        "EXPLAIN indexes = 1 SELECT * FROM v_ward_day",
        "EXPLAIN PIPELINE SELECT * FROM v_ward_day",
        "SELECT * FROM v_city_cut",
        *(
            f"SELECT * FROM system.{name}"
            for name in (
                "parts",
                "parts_columns",
                "query_log",
                "users",
                "user_processes",
                "query_cache",
                "errors",
                "mutations",
                "server_settings",
                "data_skipping_indices",
                "projections",
                "session_query_ids",
                "statements",
                "user_query_log",
                "stack_trace",
                "named_collections",
            )
        ),
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM INFORMATION_SCHEMA.COLUMNS",
    ],
)
def test_what_a_ward_may_not_ask_is_refused(city: City, sql: str) -> None:
    answer = city.ask(sql)
    assert answer.status != 200, answer.text
    assert answer.code in (60, 62, 81, 164, 497), answer.text
    assert not leaks(answer.text)


def test_settings_of_a_subquery_do_not_lift_the_filter(city: City) -> None:
    subquery = "SELECT * FROM v_rejects SETTINGS additional_table_filters = {}, query_plan_merge_filters = 1"
    for sql in (f"SELECT * FROM ({subquery})", f"SELECT 1 IN (SELECT ward FROM ({subquery}))"):
        assert not leaks(city.ask(sql).text)


def test_the_same_holds_in_another_current_database(city: City) -> None:
    for database in ("system", "default", "information_schema"):
        for table in ("parts", "tables", "book", "columns"):
            answer = city.ask(f"SELECT * FROM {table} FORMAT JSONEachRow", params={"database": database})
            assert not leaks(answer.text)
            assert answer.status != 200 or (database, table) in {("system", "tables"), ("system", "columns")}


def test_catalogue_shows_no_base_tables_and_no_counts(city: City) -> None:
    names = city.ask("SHOW TABLES").text.split()
    assert {"v_ward_day", "wards", "words"} <= set(names)
    assert not {"book", "events", "rejects", "r_book"} & set(names)
    assert "book" not in city.ask("SELECT DISTINCT table FROM system.columns").text.split()


def test_row_counts_of_all_wards_are_not_told(city: City) -> None:
    answer = city.ask("SELECT * FROM v_ward_day FORMAT JSON", params={"send_progress_in_http_headers": "1"})
    assert '"read_rows": "0"' in answer.headers["X-ClickHouse-Summary"]
    assert "rows_read" not in answer.text
    assert "X-ClickHouse-Progress" not in answer.headers


def test_other_peoples_statements_are_not_shown(city: City) -> None:
    shown = "SELECT count(), countIf(user = 'ward') FROM system.processes"
    assert city.ask(shown).text == "1\t1\n"


def test_a_table_that_comes_later_is_closed_to_wards(city: City) -> None:
    city.ask("CREATE TABLE later (a String) ENGINE = MergeTree ORDER BY a", "dongbo")
    city.ask(f"INSERT INTO later VALUES ('{SECRET}')", "dongbo")
    city.ask(
        "CREATE VIEW v_later DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT * FROM later", "dongbo"
    )
    assert city.ask("SELECT * FROM v_later", "city").text == f"{SECRET}\n"
    assert city.ask("SELECT * FROM v_later").text == ""
    city.ask("DROP VIEW v_later", "dongbo")


# The city's analyst


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT value FROM rejects",
        "SELECT * FROM events",
        "SELECT * FROM r_events",
        "SELECT 1 IN (dongbo.events)",
        "SELECT * FROM merge('dongbo', 'events')",
        "SELECT * FROM system.query_log",
        "SELECT * FROM system.users",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT file('/etc/passwd')",
        "INSERT INTO words VALUES ('a')",
        "DROP VIEW v_ward_day",
        "SELECT 1 SETTINGS max_execution_time = 0",
    ],
)
def test_the_citys_analyst_reads_views_only(city: City, sql: str) -> None:
    answer = city.ask(sql, "city")
    assert answer.code in (164, 497), answer.text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(DISTINCT ward) FROM v_ward_day",
        "SELECT ward, sum(events) AS events FROM v_ward_day WHERE ward IN ('00070', '00004') GROUP BY ward",
        "SELECT number, at FROM v_city_cut LIMIT 1",
        "SELECT * FROM v_ward_day_at(as_of = '4000000') LIMIT 1",
        "WITH days AS (SELECT * FROM v_ward_day) SELECT count() FROM days",
        "SELECT w.name, d.events FROM v_ward_day AS d JOIN wards AS w ON w.code = d.ward LIMIT 1",
        "SELECT * FROM v_ward_day WHERE ward IN (SELECT code FROM wards) LIMIT 1",
        "SELECT number FROM numbers(3) WHERE number IN (1, 2)",
        "DESCRIBE TABLE v_ward_day",
        "SHOW CREATE VIEW v_ward_day",
        "EXISTS TABLE v_ward_day",
        "SHOW COLUMNS FROM v_ward_day",
        "SHOW DATABASES",
        "SHOW PROCESSLIST",
        "EXPLAIN SELECT * FROM v_ward_day",
        "SELECT name FROM system.settings LIMIT 1",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT 1 INTERSECT SELECT 1",
    ],
)
def test_what_analysts_ask_every_day_works(city: City, sql: str) -> None:
    answer = city.ask(sql, "city")
    assert answer.status == 200, answer.text
    if not sql.startswith("EXPLAIN") and "v_city_cut" not in sql:
        assert city.ask(sql).status == 200, city.ask(sql).text


# The page's reader


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT value FROM rejects",
        "SELECT count() FROM dongbo.rejects",
        'SELECT key FROM "dongbo"."rejects" AS r',
        "SELECT * FROM (SELECT * FROM rejects FINAL)",
        "SELECT * FROM view(SELECT value FROM rejects)",
        "SELECT * FROM merge('dongbo', 'reject')",
        "SELECT * FROM mergeTreeIndex('dongbo', 'rejects')",
        "SELECT ('a', 1) IN dongbo.rejects",
        'SELECT value FROM "\\x72ejects"',
        "SELECT value FROM dongbo.`re\\x6aects`",
        "WITH (SELECT max(value) FROM rejects) AS v SELECT v",
        "SELECT * FROM v_ward_day WHERE ward IN (SELECT key FROM rejects)",
        "EXPLAIN SELECT value FROM rejects",
        "DESCRIBE (SELECT value FROM rejects)",
    ],
)
def test_original_bytes_are_not_the_readers(city: City, sql: str) -> None:
    assert city.ask(sql, "reader").code == 497, city.ask(sql, "reader").text


# The engine takes a parameter's escapes as they are written: no table is named so.
@pytest.mark.parametrize(("name", "code"), [("rejects", 497), ("\\x72ejects", 60)])
def test_original_bytes_by_a_parameter_that_names_the_table_are_not_the_readers(
    city: City, name: str, code: int
) -> None:
    answer = city.ask("SELECT * FROM {t:Identifier}", "reader", params={"param_t": name})
    assert answer.code == code, answer.text
    assert city.ask("SELECT count() FROM rejects", "dongbo").text != "0\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT reason, detail FROM v_rejects",
        "SELECT reason FROM r_rejects",
        "SELECT number AS rejects FROM numbers(1) WHERE rejects IN (0)",
        "SELECT count() FROM book WHERE ward IN (SELECT ward FROM events)",
        "SELECT 'rejects' IN ('rejects', 'events')",
    ],
)
def test_the_reader_reads_all_else(city: City, sql: str) -> None:
    assert city.ask(sql, "reader").status == 200, city.ask(sql, "reader").text


# Coming and going


def test_an_analyst_who_is_revoked_or_expired_is_refused_without_a_restart(city: City) -> None:
    now = [1_700_000_000.0]
    path = city.endpoint.settings.analysts_file()
    analysts = Analysts(path, clock=lambda: now[0])
    _, password = analysts.add("lan")
    city.passwords["lan"] = password
    assert city.ask("SELECT 1", "lan").text == "1\n"
    analysts.revoke("lan")
    assert city.ask("SELECT 1", "lan").code == 516
    _, again = analysts.add("lan", days=1)
    city.passwords["lan"] = again
    assert city.ask("SELECT 1", "lan").code == 516, "it ended long ago"
    assert analysts.admitted("lan", again) is not None
    assert password.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_names_that_could_be_something_else_are_refused(city: City) -> None:
    analysts = Analysts(city.endpoint.settings.analysts_file())
    for name in ("", "A", "a b", "a'b", "a\nb", "x" * 64, "ward"):
        with pytest.raises(Refused):
            analysts.add(name)
