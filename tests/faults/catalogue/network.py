"""Lines that are cut, silent, slow or torn, by the harness's own proxies."""

from __future__ import annotations

from typing import ClassVar

from tests.faults.catalogue.base import Fault, NoEffect


class _Line(Fault):
    group = "network"
    hold_s = (6.0, 12.0)
    line: ClassVar[str] = ""
    how: ClassVar[str] = "cut"

    def inject(self) -> str:
        proxy = self.city.proxies[self.line]
        self._before = proxy.hit
        if self.how == "cut":
            proxy.cut()
        elif self.how == "silent":
            proxy.silence()
        elif self.how == "delay":
            proxy.delay(self.rng.uniform(0.2, 1.0))
        elif self.how == "slow":
            proxy.slow(self.rng.uniform(50_000, 300_000))
        else:
            proxy.reset()
        return f"{self.line}: {self.how}"

    def heal(self) -> str:
        proxy = self.city.proxies[self.line]
        hit = proxy.hit - self._before
        proxy.heal()
        if not hit:
            raise NoEffect(f"{self.line}: {self.how}, and nothing went over it meanwhile")
        return f"{self.line}: {self.how}, {hit} pieces or connections hit"


class WardsCut(_Line):
    id, name, line = "F3", "wards-cut-off", "WARDS"
    hold_s = (8.0, 20.0)
    expectation = "outboxes fill and catch up in order; the gateway answers 503"


class WardsSlow(_Line):
    id, name, line, how = "F3w", "wards-on-a-slow-line", "WARDS", "slow"
    expectation = "outboxes fill, nothing expires"


class WardsTorn(_Line):
    id, name, line, how, hold_s = "F3r", "wards-connections-reset", "WARDS", "reset", (0.4, 0.4)
    expectation = "idempotent producers send again without a repetition that counts"


class WorkersCut(_Line):
    id, name, line = "F9c", "workers-cut-off", "WORKERS"
    names = ("worker-0", "worker-1")
    expectation = "workers say so, come back and recover"


class WorkersSilent(_Line):
    id, name, line, how = "F9s", "workers-line-half-open", "WORKERS", "silent"
    names = ("worker-0", "worker-1")
    expectation = "the group gives the wards away or waits; no chunk is committed unwritten"


class WorkersDelayed(_Line):
    id, name, line, how = "F9d", "workers-line-delayed", "WORKERS", "delay"
    expectation = "slower, and exact"


class LoaderCut(_Line):
    id, name, line = "F18c", "loader-cut-off-from-kafka", "LOADER"
    names = ("loader",)
    expectation = "the loader waits, says so and goes on where it was"


class LoaderSilent(_Line):
    id, name, line, how = "F18s", "loader-line-half-open", "LOADER", "silent"
    names = ("loader",)
    expectation = "the same"


class ClickHouseCut(_Line):
    id, name, line = "F8", "clickhouse-refuses", "clickhouse"
    names = ("loader",)
    expectation = "nothing is committed that is not stored; nothing goes to rejects"


class ClickHouseSilent(_Line):
    id, name, line, how = "F21", "clickhouse-half-open", "clickhouse", "silent"
    names = ("loader",)
    expectation = "an insert without an answer is made again; its rows replace themselves"


class ClickHouseDelayed(_Line):
    id, name, line, how = "F21d", "clickhouse-slow", "clickhouse", "delay"
    expectation = "the loader stays in its group and takes larger blocks"


class ClickHouseTorn(_Line):
    id, name, line, how, hold_s = "F21r", "clickhouse-resets", "clickhouse", "reset", (0.4, 0.4)
    expectation = "an insert of which nobody knows whether it was stored is made again"


class GatewayTorn(_Line):
    id, name, line, how, hold_s = "F3g", "gateway-connections-reset", "gateway", "reset", (0.4, 0.4)
    expectation = "an answer that got lost: the batch is posted again under the same ids"


class GatewaySilent(_Line):
    id, name, line, how = "F3h", "gateway-line-half-open", "gateway", "silent"
    expectation = "requests time out and are posted again"


FAULTS: tuple[type[Fault], ...] = (
    WardsCut,
    WardsSlow,
    WardsTorn,
    WorkersCut,
    WorkersSilent,
    WorkersDelayed,
    LoaderCut,
    LoaderSilent,
    ClickHouseCut,
    ClickHouseSilent,
    ClickHouseDelayed,
    ClickHouseTorn,
    GatewayTorn,
    GatewaySilent,
)
