"""Figures for Prometheus: every process of a real city serves exactly what the table says."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ops.metrics.document import document
from ops.metrics.serve import ReportCollector
from ops.metrics.table import EVERY, TABLE, Metric
from ops.settings import REPOSITORY, Settings
from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(700)

PROMETHEUS = REPOSITORY / "ops" / "metrics"
# Families whose samples come with something that this small city does not do.
_RARE = {
    "dongbo_gateway_requests",
    "dongbo_gateway_events",
    "dongbo_gateway_request_seconds",
    "dongbo_portal_findings",
}

Families = dict[str, tuple[str, frozenset[str], str, list[float]]]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    cli = Cli(tmp_path_factory.mktemp("metrics"))
    with cli.up():
        yield cli


def ports(settings: Settings) -> dict[str, int]:
    return {
        "worker": settings.worker_health_port,
        "loader": settings.loader_health_port,
        "monitor": settings.monitor_health_port,
        "dashboard": settings.dashboard_health_port,
        "gateway": settings.gateway_port,
    }


def scrape(port: int) -> Families:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        family.name: (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels if label != "le"),
            family.documentation,
            [sample.value for sample in family.samples],
        )
        for family in text_string_to_metric_families(text)
    }


def rows_of(process: str) -> dict[str, Metric]:
    return {row.family: row for row in TABLE if row.process in (process, EVERY)}


@pytest.mark.parametrize("process", ["worker", "loader", "monitor", "dashboard", "gateway"])
def test_process_of_a_city_serves_exactly_its_rows_of_the_table(cli: Cli, process: str) -> None:
    port, rows = ports(cli.settings)[process], rows_of(process)

    def complete() -> Families:
        if process == "dashboard":  # what it reads is measured while somebody looks
            page = f"http://127.0.0.1:{cli.settings.dashboard_port}/api/snapshot"
            urllib.request.urlopen(page, timeout=30).close()
        served = scrape(port)
        assert set(served) == set(rows)
        empty = {name for name, family in served.items() if not family[3]} - _RARE
        assert empty == set()
        return served

    for name, (kind, labels, words, values) in eventually(complete, timeout=120, interval=0.5).items():
        assert kind == rows[name].kind
        assert labels == frozenset(rows[name].labels) or not values
        assert words


def test_figures_of_a_city_are_what_happened(cli: Cli) -> None:
    def counted() -> bool:
        worker, loader = (scrape(ports(cli.settings)[name]) for name in ("worker", "loader"))
        return sum(worker["dongbo_worker_events"][3]) > 0 and sum(loader["dongbo_loader_events"][3]) > 0

    assert eventually(counted, timeout=120, interval=0.5)
    wards = scrape(ports(cli.settings)["monitor"])["dongbo_monitor_wards"][3]
    assert sum(wards) == 126


def test_name_in_the_table_is_unique_and_well_formed() -> None:
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names))
    for row in TABLE:
        assert re.fullmatch(r"(dongbo|process)_[a-z_]+", row.name)
        assert (row.kind == "counter") == row.name.endswith("_total")
        assert row.vi
        assert row.en


def test_document_is_what_the_table_says() -> None:
    assert (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8") == document(), (
        "make it anew: .venv/bin/python -m ops.metrics > docs/metrics.md"
    )


def test_report_that_fails_says_that_the_process_is_not_well() -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("broken")

    found = {family.name: family.samples for family in ReportCollector("worker", broken).collect()}
    assert found["dongbo_worker_up"][0].value == 0.0
    assert found["dongbo_worker_events"] == []


def test_scraping_reaches_every_process_of_the_compose_file() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        job["job_name"]: target
        for job in config["scrape_configs"]
        for kind in ("static_configs", "dns_sd_configs")
        for each in job.get(kind, [])
        for target in each.get("targets", each.get("names", []))
    }
    assert set(targets) == {"worker", "loader", "monitor", "dashboard", "gateway"}
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, target in targets.items():
        assert target.partition(":")[0] == name
        assert name in services


def names_in(expression: str) -> set[str]:
    """The metrics of a PromQL expression."""
    return set(re.findall(r"\b(?:dongbo|process)_[a-z_]+", expression))


def known_names() -> set[str]:
    """Every name that may be asked for; a histogram has three."""
    made = {row.name for row in TABLE}
    histograms = [row.name for row in TABLE if row.kind == "histogram"]
    return made | {f"{name}_{end}" for name in histograms for end in ("bucket", "sum", "count")}


@pytest.mark.parametrize("path", sorted(PROMETHEUS.glob("*rules*.yml")), ids=lambda path: Path(path).name)
def test_rule_asks_for_figures_of_the_table(path: Path) -> None:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    for rule in rules:
        assert names_in(rule["expr"]) <= known_names(), rule["alert"]
        assert {"summary", "summary_vi"} <= set(rule["annotations"])
