"""docs/metrics.md, made from the table: `python -m ops.metrics`."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from ops.metrics.table import EVERY, TABLE, Metric

_HEAD: Final = """\
# Figures for Prometheus

Made from `ops/metrics/table.py` by `python -m ops.metrics > docs/metrics.md`; a test compares the two.

Each process serves `/metrics` beside `/healthz`: workers at 8810 and above, the loader at 8805, the monitor
at 8806, the page at 8801, the gateway at 8820. They listen on loopback, or on `DONGBO_HEALTH_HOST`.
`ops/metrics/prometheus.yml` scrapes them all in Docker Compose. A counter only rises while its process lives:
use `rate()`; time divided by count is an average.

`docker compose --profile monitoring up -d` adds Prometheus, and Grafana at http://127.0.0.1:3000. Grafana's
sources, dashboards (city, ward, pipeline) and alert rules are in `dashboards/grafana/`, made from `panels.py`
there by `python -m dashboards.grafana`. It asks ClickHouse as the user who can only read. Its plugin for
ClickHouse sets `max_execution_time`: where the reader is `readonly = 1`, make that `CHANGEABLE_IN_READONLY`.

None is served by the simulated wards and the embedded ClickHouse, which are stand-ins for one machine and no
part of the production shape; Kafka and a ClickHouse server have exporters of their own. Not tried here: a
running Grafana or Prometheus. Tests run every panel's SQL as the reader and compare the rules' names with the
table.
"""
_TITLES: Final = {EVERY: "Every process"}


def document() -> str:
    """The whole file."""
    parts = [_HEAD]
    for process, rows in groupby(TABLE, key=lambda row: row.process):
        parts.append(f"\n## {_TITLES.get(process, process.capitalize())}\n\n{_table(list(rows))}")
    return "".join(parts)


def _table(rows: list[Metric]) -> str:
    head = "| name | kind | labels | unit | nghĩa | meaning |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.unit} |"
        f" {row.vi} | {row.en} |\n"
        for row in rows
    )
