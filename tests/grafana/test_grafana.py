"""Grafana's files: SQL is asked of the real schema as the reader, PromQL names figures of the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana.make import CLICKHOUSE, PROMETHEUS, dashboard, files
from dashboards.grafana.panels import BOARDS, RULES, WARD_VARIABLE, Board, Panel
from ops.settings import REPOSITORY
from ops.stack.clickhouse import Endpoint
from streams.warehouse.store import Store
from tests.browser.city import City
from tests.metrics.test_metrics import known_names, names_in

GRAFANA = REPOSITORY / "dashboards" / "grafana"
DAYS = "toDate('2025-07-01')", "toDate('2025-07-31')"
TIMES = "toDateTime(1751300000)", "toDateTime(1753900000)"
PANELS = [(board, panel) for board in BOARDS for panel in board.panels]
SQL = [(board, panel) for board, panel in PANELS if panel.legend is None]


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    made.fill()
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(city: City) -> Iterator[Store]:
    with Store(city.reader) as store:
        yield store


def substituted(sql: str) -> str:
    """The statement that Grafana would send."""
    sql = re.sub(r"\$__dateFilter\((\w+)\)", rf"(\1 >= {DAYS[0]} AND \1 <= {DAYS[1]})", sql)
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"(\1 >= {TIMES[0]} AND \1 <= {TIMES[1]})", sql)
    sql = sql.replace("${ward}", "00070")
    assert "$" not in sql
    return sql


def name_of(value: object) -> str:
    return value.uid if isinstance(value, Board) else value.title if isinstance(value, Panel) else str(value)


@pytest.mark.parametrize(("board", "panel"), SQL, ids=name_of)
def test_sql_of_a_panel_is_answered_by_the_real_schema(reader: Store, board: Board, panel: Panel) -> None:
    sql = substituted(panel.query)
    names = [row[0] for row in reader.query(f"DESCRIBE ({sql})").rows]
    reader.query(sql)

    assert panel.kind != "timeseries" or names[0] == "time"
    assert panel.kind != "stat" or len(names) == 1
    assert board.with_ward == ("${ward}" in panel.query)


def test_sql_of_a_panel_has_rows_where_the_city_has(reader: Store) -> None:
    for board, title in ((BOARDS[0], "Hồ sơ theo ngày"), (BOARDS[1], "Hồ sơ theo ngày")):
        panel = next(each for each in board.panels if each.title == title)
        assert reader.query(substituted(panel.query)).rows


@pytest.mark.parametrize(("board", "panel"), SQL, ids=name_of)
def test_sql_of_a_panel_asks_views_only(board: Board, panel: Panel) -> None:
    assert set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", panel.query)) <= {
        path.stem for path in (REPOSITORY / "sql" / "views").glob("*.sql")
    }


def test_sql_of_the_ward_variable_gives_names_and_codes(reader: Store) -> None:
    answer = reader.query(WARD_VARIABLE)

    assert list(answer.names) == ["__text", "__value"]
    assert ("00070" in {row[1] for row in answer.rows}) == bool(answer.rows)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_rule_asks_what_is_there_and_gets_one_number(reader: Store, rule: Any) -> None:
    if rule.prometheus:
        assert names_in(rule.query) <= known_names()
    else:
        ((value,),) = reader.query(substituted(rule.query)).rows
        assert float(value) >= 0


@pytest.mark.parametrize(
    ("board", "panel"), [each for each in PANELS if each[1].legend is not None], ids=name_of
)
def test_promql_of_a_panel_names_figures_of_the_table(board: Board, panel: Panel) -> None:
    assert names_in(panel.query) <= known_names()
    assert names_in(panel.query) or re.search(r"\bup\b", panel.query)
    assert panel.query.count("(") == panel.query.count(")")
    # A counter is rated, a gauge is not.
    for name in names_in(panel.query):
        rated = bool(re.search(rf"rate\({name}\[", panel.query))
        assert rated == name.endswith(("_total", "_bucket")), name


@pytest.mark.parametrize("path", sorted(files()))
def test_generated_file_is_what_the_panels_say(path: str) -> None:
    assert (GRAFANA / path).read_text(encoding="utf-8") == files()[path], (
        "make it anew: .venv/bin/python -m dashboards.grafana"
    )


def test_no_file_is_left_that_nothing_makes() -> None:
    found = {str(path.relative_to(GRAFANA)) for path in GRAFANA.rglob("*.json")}
    assert found == set(files())


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboard_is_well_formed(board: Board) -> None:
    made = dashboard(board)
    known = {source["uid"] for source in _sources()}
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["datasource"]["uid"] in known
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= known
        assert panel["title"]
        assert panel["description"].endswith(".")
    ids = [panel["id"] for panel in made["panels"]]
    assert len(ids) == len(set(ids))


def test_uids_are_unique_and_sources_are_provisioned() -> None:
    uids = [board.uid for board in BOARDS] + [rule.uid for rule in RULES]
    assert len(uids) == len(set(uids))
    assert {source["uid"] for source in _sources()} == {CLICKHOUSE["uid"], PROMETHEUS["uid"]}
    assert all(len(uid) <= 40 for uid in uids)


def test_source_is_the_readers_and_its_names_come_from_compose() -> None:
    (source,) = [each for each in _sources() if each["uid"] == CLICKHOUSE["uid"]]
    assert source["jsonData"]["username"] == "$DONGBO_CLICKHOUSE_READER_USER"
    text = (GRAFANA / "provisioning" / "datasources" / "dongbo.yml").read_text(encoding="utf-8")
    grafana = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))["services"][
        "grafana"
    ]
    assert set(re.findall(r"\$(\w+)", text)) <= set(grafana["environment"])
    for volume in grafana["volumes"]:
        path = volume.partition(":")[0]
        assert not path.startswith("./") or (REPOSITORY / path).exists()


def test_rules_name_their_sources_and_their_threshold() -> None:
    (group,) = json.loads(files()["provisioning/alerting/dongbo.json"])["groups"]
    for rule in group["rules"]:
        asked, threshold = rule["data"]
        assert asked["datasourceUid"] in {source["uid"] for source in _sources()}
        assert (threshold["datasourceUid"], rule["condition"]) == ("__expr__", threshold["refId"])


def _sources() -> list[dict[str, Any]]:
    path = Path(GRAFANA / "provisioning" / "datasources" / "dongbo.yml")
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    return found
