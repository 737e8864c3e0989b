"""Bench: the gateway beside a bare aiohttp echo of the same bodies, on the same machine in one run.

Method: a real broker, the gateway and the load generator each in a process of their own, all on loopback.
The load are batches of 100 single events as JSON arrays, from 126 wards, on a few kept connections. First
the highest rate: every connection sends its next batch when the last is answered 202, which is only after
Kafka has it. Then the latency at the target's rate: batches are due at even times, and a latency counts
from the time when its batch was due, so that a stall is not hidden. The echo, which reads a body and
answers 202, gets the same bodies the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from ops.settings import Settings
from ops.stack import kafka
from ops.stack.process import free_port
from producers.contract import codec
from producers.contract.topics import topic_specs
from producers.contract.wards import WARDS
from producers.gateway import GatewayConfig, run_gateway
from streams.topics_setup import ensure_topics
from tests.bench.report import report, show
from tests.builders import status

RUNS: Final = 3
BATCH: Final = 100
CONNECTIONS: Final = 12
SECONDS: Final = 5.0
TARGET_EVENTS_S: Final = 20_000
TARGET_P99_MS: Final = 100.0
_TOPIC: Final = "dossier.events"
_REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
_BODIES: Final = 252


class Wards:
    """Tokens that name their ward."""

    def ward_of(self, token: str) -> str | None:
        return token if token in WARDS else None


def serve_gateway(port: int, bootstrap: str, folder: str) -> None:
    """The gateway, in a process of its own; limits wide enough not to be what is measured."""
    config = GatewayConfig(
        bootstrap=bootstrap,
        data_dir=Path(folder),
        topic=_TOPIC,
        port=port,
        rate_events_s=1e7,
        burst_events=10**7,
    )
    run_gateway(config, Wards())


def serve_echo(port: int) -> None:
    """What aiohttp alone does: read the body, answer."""

    async def echo(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=b'{"accepted": 100}', status=202, content_type="application/json")

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(body=b'{"state": "running"}')

    app = web.Application()
    app.router.add_post("/v1/events", echo)
    app.router.add_get("/healthz", healthz)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


def bodies() -> list[tuple[str, bytes]]:
    """Batches of every ward and their wards, made before the clock starts."""
    wards, made = list(WARDS), []
    for number in range(_BODIES):
        ward, first = wards[number % len(wards)], number // len(wards) * BATCH
        events = [codec.encode(status(first + seq, ward=ward)) for seq in range(1, BATCH + 1)]
        made.append((ward, b"[" + b",".join(events) + b"]"))
    return made


async def load(port: int, rate_s: float) -> dict[str, Any]:
    """Send for SECONDS; `rate_s` events a second, 0: as fast as they are answered."""
    made, latencies, refused = bodies(), [], 0
    numbers, begun = iter(range(10**9)), time.perf_counter() + 0.1
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal refused
        while True:
            number = next(numbers)
            due = begun + number * BATCH / rate_s if rate_s else max(begun, time.perf_counter())
            if due > begun + SECONDS:
                return
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            ward, body = made[number % len(made)]
            headers = {"Authorization": f"Bearer {ward}", "Content-Type": "application/json"}
            url = f"http://127.0.0.1:{port}/v1/events"
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                refused += response.status != 202
            latencies.append(time.perf_counter() - due)

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(client(session) for _ in range(CONNECTIONS)))
    took_s = time.perf_counter() - begun
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {
        "events_per_s": len(latencies) * BATCH / took_s,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "refused": refused,
    }


@contextlib.contextmanager
def server(peaks_mb: list[float], *arguments: str) -> Iterator[int]:
    """A server in a process of its own; yields its port once it takes events, notes its peak of memory."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.gateway", arguments[0], str(port), *arguments[1:]]
    process = subprocess.Popen(command, cwd=_REPOSITORY)
    try:
        asyncio.run(_ready(port))
        yield port
        peaks_mb.append(_peak_mb(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


async def _ready(port: int) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        state = ""
        while state != "running":
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                    state = json.loads(await response.read())["state"]
            await asyncio.sleep(0.1)


def measure(port: int, rate_s: float) -> dict[str, float]:
    """One run of the load generator, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.gateway", "load", str(port), str(rate_s)]
    done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, check=True, timeout=90)
    found: dict[str, float] = json.loads(done.stdout)
    if found["refused"]:
        raise SystemExit(f"{found['refused']:.0f} batches were not answered 202")
    return found


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A broker of the benchmark's own, with the topic."""
    started = kafka.start(Settings(data_dir=folder, kafka_bootstrap=f"127.0.0.1:{free_port()}"))
    try:
        ensure_topics(started.bootstrap, [topic_specs(_TOPIC, "bench")[0]])
        yield started.bootstrap
    finally:
        started.stop()


def main(*, as_json: bool) -> int:
    """Print the comparison; 1 when the target is missed."""
    peaks_mb: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        with broker(Path(folder)) as bootstrap, server(peaks_mb, "serve", bootstrap, folder) as port:
            measure(port, 0)  # warm-up: the broker compiles itself
            ours = [measure(port, 0) for _ in range(RUNS)]
            paced = [measure(port, TARGET_EVENTS_S) for _ in range(RUNS)]
        with server(peaks_mb, "echo") as port:
            echo = [measure(port, 0) for _ in range(RUNS)]
            echo_paced = [measure(port, TARGET_EVENTS_S) for _ in range(RUNS)]
    middle = {name: statistics.median(run[name] for run in paced) for name in paced[0]}
    alone = {name: statistics.median(run[name] for run in echo_paced) for name in echo_paced[0]}
    best = [run["events_per_s"] for run in ours]
    notes: dict[str, float | str] = {
        "events_per_s": round(statistics.median(best)),
        "p50_ms": round(middle["p50_ms"], 1),
        "p99_ms": round(middle["p99_ms"], 1),
        "at_events_per_s": TARGET_EVENTS_S,
        "p99_ms_at_full_rate": round(statistics.median(run["p99_ms"] for run in ours), 1),
        "echo_p50_ms": round(alone["p50_ms"], 1),
        "echo_p99_ms": round(alone["p99_ms"], 1),
        "peak_memory_mb": peaks_mb[0],
        "echo_peak_memory_mb": peaks_mb[1],
        "batch_events": BATCH,
        "connections": CONNECTIONS,
    }
    baseline = [run["events_per_s"] for run in echo]
    show([report("gateway", "events/s", best, baseline, notes=notes)], as_json=as_json)
    good = statistics.median(best) >= TARGET_EVENTS_S and middle["p99_ms"] < TARGET_P99_MS
    return 0 if good else 1


def child(name: str, port: int, *rest: str) -> None:
    """A process of the benchmark."""
    if name == "serve":
        serve_gateway(port, *rest)
    elif name == "echo":
        serve_echo(port)
    else:
        print(json.dumps(asyncio.run(load(port, float(rest[0])))))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        child(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    else:
        sys.exit(main(as_json="--json" in sys.argv))
