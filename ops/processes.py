"""The processes of the city, each started from its settings: `dongbo run NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from ops import logging
from ops.settings import Settings, load
from producers.contract.errors import DongBoError

NEEDS_A_PERSON: Final = 78  # EX_CONFIG: the supervisor tries again, but somebody should look


def run(name: str) -> None:
    """Run a process until it is told to stop.

    :raises SystemExit: 2 for a name that is none of PROCESSES
    """
    if name not in PROCESSES:
        sys.stderr.write(f"dongbo: no process {name!r}; there are {', '.join(PROCESSES)}\n")
        sys.exit(2)
    settings = load()
    logging.configure(as_json=settings.log_json)
    try:
        PROCESSES[name](settings)
    except DongBoError as error:
        sys.stderr.write(f"dongbo {name}: {error}\n")
        sys.exit(NEEDS_A_PERSON)


def fetch() -> None:
    """Fetch what the first start would fetch: Kafka's jars."""
    settings = load()
    if not settings.kafka_external:
        from ops.stack import jars
        from ops.stack.warmup import warm_up

        jars.ready(settings)
        warm_up(settings)


def _kafka(settings: Settings) -> None:
    from ops.stack.kafka import run as broker

    broker(settings)


def _clickhouse(settings: Settings) -> None:
    from ops.stack.clickhouse import run as endpoint

    endpoint(settings)


def _worker(settings: Settings) -> None:
    from ops.identity import verifier
    from ops.metrics.serve import serve
    from streams.app import Worker, WorkerConfig, run_worker

    config = WorkerConfig(
        bootstrap=settings.kafka_bootstrap,
        app_id=settings.app_id,
        events_topic=settings.events_topic,
        data_dir=settings.data_dir / "workers" / str(settings.worker_index),
        session_timeout_s=settings.session_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        poll_records_max=settings.poll_records_max,
        verify=verifier(settings),
    )
    running: list[Worker] = []

    def report() -> dict[str, Any]:
        if running:
            return _well(running[0].health())
        return {"ok": False, "state": f"waiting for Kafka at {settings.kafka_bootstrap} and its topics"}

    serve("worker", settings.worker_health_port + settings.worker_index, report, settings)
    run_worker(config, on_ready=running.append)


def _well(report: dict[str, Any]) -> dict[str, Any]:
    return {"ok": bool(report["broker_answers"]) and not report["fault"]} | report


def _loader(settings: Settings) -> None:
    import signal
    import threading

    from ops.city.prepare import address
    from ops.identity import verifier
    from ops.metrics.serve import serve
    from streams.warehouse.loader import Loader, LoaderConfig, run_loader

    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    config = LoaderConfig(
        bootstrap=settings.kafka_bootstrap,
        app_id=settings.app_id,
        events_topic=settings.events_topic,
        store=address(settings),
        verify=verifier(settings),
    )

    def serve_health(loader: Loader) -> None:
        serve("loader", settings.loader_health_port, loader.health, settings)

    run_loader(config, stop, serve_health)


def _monitor(settings: Settings) -> None:
    import signal
    import threading

    from ops.metrics.serve import serve
    from ops.monitor_config import monitor_config
    from streams.monitor.monitor import Monitor, run_monitor

    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    config = monitor_config(settings)

    def serve_health(monitor: Monitor) -> None:
        serve("monitor", settings.monitor_health_port, monitor.health, settings)

    run_monitor(config, stop, serve_health)


def _dashboard(settings: Settings) -> None:
    from dashboards.server import run_dashboard
    from ops.dashboard_config import dashboard_config
    from ops.metrics.serve import serve

    run_dashboard(
        dashboard_config(settings),
        lambda report: serve("dashboard", settings.dashboard_health_port, report, settings),
    )


def _gateway(settings: Settings) -> None:
    from ops.city.gateway import run

    run(settings)


def _city(settings: Settings) -> None:
    from ops.city.live import city

    city(settings)


PROCESSES: Final[dict[str, Callable[[Settings], None]]] = {
    "kafka": _kafka,
    "clickhouse": _clickhouse,
    "worker": _worker,
    "loader": _loader,
    "monitor": _monitor,
    "dashboard": _dashboard,
    "gateway": _gateway,
    "city": _city,
}
