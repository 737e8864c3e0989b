"""A process's figures for Prometheus, made from its report at each question, beside its health."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ops.health import HealthServer, Report
from ops.metrics.table import TABLE, Kind
from ops.settings import Settings


class ReportCollector(Collector):
    """The rows of one process, read from its report. A report that fails gives `up` 0 and nothing else."""

    def __init__(self, process: str, report: Report) -> None:
        self._rows = [row for row in TABLE if row.process == process and row.read is not None]
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """All families, those without samples too."""
        try:
            report = self._report()
        except Exception:  # whatever it is: the process is not well
            report = {"ok": False}
        for row in self._rows:
            made = CounterMetricFamily if row.kind is Kind.COUNTER else GaugeMetricFamily
            family = made(row.family, f"{row.en} / {row.vi}", labels=row.labels)
            for labels, value in row.read(report) if row.read else ():
                family.add_metric(labels, value)
            yield family

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask a process that has not begun."""
        return []


def serve(process: str, port: int, report: Report, settings: Settings) -> HealthServer:
    """Begin to answer `/healthz` and `/metrics`. Raises `Stop` if the port is taken."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(ReportCollector(process, report))
    return HealthServer(port, report, settings.health_host, registry).start()
