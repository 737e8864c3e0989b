"""From panels to Grafana's JSON; pure."""

from __future__ import annotations

import json
from typing import Any, Final

from dashboards.grafana.panels import BOARDS, RULES, WARD_VARIABLE, Board, Panel, Rule

CLICKHOUSE: Final = {"type": "grafana-clickhouse-datasource", "uid": "dongbo-clickhouse"}
PROMETHEUS: Final = {"type": "prometheus", "uid": "dongbo-prometheus"}
_COLUMNS: Final = 24


def files() -> dict[str, str]:
    """Path below this folder and content of every generated file."""
    boards = {f"dashboards/{board.uid}.json": _text(dashboard(board)) for board in BOARDS}
    return boards | {"provisioning/alerting/dongbo.json": _text(alerting())}


def dashboard(board: Board) -> dict[str, Any]:
    """One dashboard."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["dongbo"],
        "timezone": "Asia/Ho_Chi_Minh",
        "editable": False,
        "schemaVersion": 39,
        "version": 1,
        "refresh": board.refresh,
        "time": {"from": board.since, "to": "now"},
        "templating": {"list": [_ward_variable()] if board.with_ward else []},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["dongbo"], "title": "Đồng Bộ", "asDropdown": True}],
        "panels": _placed(board.panels),
    }


def alerting() -> dict[str, Any]:
    """The file of alert rules."""
    group = {"orgId": 1, "name": "dongbo", "folder": "Đồng Bộ", "interval": "1m"}
    return {"apiVersion": 1, "groups": [{**group, "rules": [_rule(rule) for rule in RULES]}]}


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """Panels side by side, in rows of 24 columns."""
    made: list[dict[str, Any]] = []
    x = y = row_height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        made.append(
            _panel(number, panel) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}}
        )
        x, row_height = x + panel.width, max(row_height, panel.height)
    return made


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = CLICKHOUSE if panel.legend is None else PROMETHEUS
    custom = {"spanNulls": True, "fillOpacity": 10} if panel.kind == "timeseries" else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": custom}, "overrides": []},
        "options": _options(panel),
        "targets": [_target(panel)],
    }


def _options(panel: Panel) -> dict[str, Any]:
    # A stat shows every field, so that text and instants are shown too; a pie's slices are the rows.
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "/.*/", "values": False}}
    if panel.kind == "piechart":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": True}}
    return {}


def _target(panel: Panel) -> dict[str, Any]:
    if panel.legend is not None:
        instant = panel.kind == "stat"
        asked = {"expr": panel.query, "legendFormat": panel.legend, "instant": instant, "range": not instant}
        return {"refId": "A", "datasource": PROMETHEUS, "editorMode": "code"} | asked
    return {"refId": "A", "datasource": CLICKHOUSE} | _sql(panel.query, panel.kind == "timeseries")


def _sql(query: str, over_time: bool) -> dict[str, Any]:
    kind = "timeseries" if over_time else "table"
    return {"editorType": "sql", "rawSql": query, "queryType": kind, "format": 0 if over_time else 1}


def _ward_variable() -> dict[str, Any]:
    return {
        "name": "ward",
        "label": "Phường, xã",
        "type": "query",
        "datasource": CLICKHOUSE,
        "query": WARD_VARIABLE,
        "refresh": 1,
        "sort": 0,
        "includeAll": False,
        "multi": False,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    source = PROMETHEUS if rule.prometheus else CLICKHOUSE
    asked = {"expr": rule.query, "instant": True} if rule.prometheus else _sql(rule.query, over_time=False)
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "B",
        "for": f"{rule.minutes}m",
        "noDataState": "Alerting",
        "execErrState": "Alerting",
        "annotations": {"summary": rule.summary},
        "labels": {"severity": rule.severity},
        "data": [
            _step("A", source["uid"], {"refId": "A", **asked}),
            _step("B", "__expr__", _threshold(rule)),
        ],
    }


def _step(ref: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    window = {"from": 600, "to": 0}
    return {"refId": ref, "relativeTimeRange": window, "datasourceUid": source, "model": model}


def _threshold(rule: Rule) -> dict[str, Any]:
    evaluator = {"type": "gt", "params": [rule.above]}
    return {"refId": "B", "type": "threshold", "expression": "A", "conditions": [{"evaluator": evaluator}]}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
