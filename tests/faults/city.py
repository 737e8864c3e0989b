"""A city of the harness's own: the real supervisor with every process, senders, proxies between them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from ops.city.prepare import prepare, store
from ops.identity import registry_path
from ops.settings import REPOSITORY, Settings
from ops.stack import supervise
from ops.stack.process import free_port
from producers.contract.errors import DongBoError, Unavailable
from producers.contract.wards import WARDS
from producers.identity.tokens import Tokens
from streams.topics_setup import admin
from streams.warehouse.store import Store
from tests.faults.ledger import marks
from tests.faults.process import LISTENERS, OVERRIDES
from tests.faults.proxy import Proxy
from tests.faults.sender import Config

PROGRAMS: Final = ("kafka", "clickhouse", "worker", "loader", "monitor", "gateway")
_LISTENERS: Final = ("WARDS", "WORKERS", "LOADER")
_RESTART_S: Final = 1.0
_DISK: Final = "6g"
# Whatever ends the harness ends its processes.
_TIED: Final = (sys.executable, "-m", "ops.stack.process")


@dataclass(frozen=True)
class Plan:
    """What is sent, by whom, in what time. `each`: a ward's events; `own_disk`: ClickHouse's may fill up."""

    seed: int
    each: int
    seconds: float
    wards: int = len(WARDS)
    workers: int = 2
    own_disk: bool = False

    @property
    def events(self) -> int:
        return self.each * self.wards


@dataclass
class Poison:
    """A message that must be rejected, and where Kafka put it."""

    reason: str
    value: bytes | None
    key: bytes | None
    partition: int
    offset: int = -1


@dataclass
class Extra:
    """What faults have added: messages that must be rejected, seqs used again with other content."""

    poison: list[Poison] = field(default_factory=list)
    conflicts: set[tuple[str, int]] = field(default_factory=set)
    heartbeats: int = 0
    duplicates: int = 0


class City:
    """Started by `start`; whoever drives it calls `tick` often, which starts dead senders again."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan, self.extra = folder, plan, Extra()
        self.proxies = {name: Proxy(free_port()) for name in _LISTENERS}
        self.settings = Settings(
            data_dir=folder / "city",
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
            clickhouse_port=free_port(),
            gateway_port=free_port(),
            dashboard_port=free_port(),
            worker_health_port=min(free_port(), 60_000),
            loader_health_port=free_port(),
            monitor_health_port=free_port(),
            worker_count=plan.workers,
            hole_grace_s=10,
            hole_ask_after_s=5,
            hole_ask_again_s=5,
            gateway_rate_events_s=5_000,
        )
        self.proxies["clickhouse"] = Proxy(self.settings.clickhouse_port)
        self.proxies["gateway"] = Proxy(self.settings.gateway_port)
        self.kills: Counter[str] = Counter()
        self.log: list[str] = []
        self._overrides: dict[str, dict[str, str]] = {}
        self._stack: supervise.City | None = None
        self._senders: dict[str, Config] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, float] = {}
        self.held: set[str] = set()
        self.begun_s = 0.0
        self._mounted = False
        self.store = store(self.settings)

    # Start and end

    def start(self) -> None:
        """Everything up, topics and tables made, senders not yet."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.ledgers.mkdir(exist_ok=True)
        self._mounted = self.plan.own_disk and self._mount()
        listeners = {name: (self.proxies[name].target, self.proxies[name].port) for name in _LISTENERS}
        os.environ[LISTENERS] = json.dumps(listeners)
        os.environ[OVERRIDES] = str(self.folder / "overrides.json")
        for name in ("worker", "loader", "gateway"):
            listener = {"worker": "WORKERS", "loader": "LOADER"}.get(name, "WARDS")
            self.override(name, DONGBO_KAFKA_BOOTSTRAP=f"127.0.0.1:{self.proxies[listener].port}")
        self.override("loader", DONGBO_CLICKHOUSE_PORT=str(self.proxies["clickhouse"].port))
        self.boot()
        prepare(self.settings)

    def _mount(self) -> bool:
        """A file system of its own for ClickHouse, so that it can be full; only root may mount one."""
        self._disk.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "dongbo-faults", str(self._disk)]
        return os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0

    @property
    def _disk(self) -> Path:
        return self.settings.data_dir / "clickhouse"

    def fill_clickhouse(self, full: bool) -> bool:
        """Leave its file system no space, or give it back; whether that is possible here."""
        if not self._mounted:
            return False
        found = os.statvfs(self._disk)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        size = str(used) if full else _DISK
        return (
            subprocess.run(["mount", "-o", f"remount,size={size}", str(self._disk)], check=False).returncode
            == 0
        )

    def boot(self) -> None:
        """The supervisor and its processes."""
        self._stack = supervise.start(self.settings, PROGRAMS, entry=("-m", "tests.faults.process"))

    def stop(self) -> None:
        """Senders first, in order; then the city."""
        self._senders.clear()
        for sender in self._running.values():
            sender.send_signal(signal.SIGCONT)
            sender.terminate()
        for sender in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                sender.wait(20)
            sender.kill()
            sender.wait()
        if self._stack is not None:
            for process in (one for one in self.processes() if one.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)
            self._stack.stop()
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._disk)], check=False)
        self.store.close()
        for proxy in self.proxies.values():
            proxy.close()

    def reset(self) -> None:
        """The host's power: every process at once, the supervisor as well; then everything starts again."""
        assert self._stack is not None
        children = [process.pid for process in self.processes() if process.pid]
        # Stopped first, else it would start one anew that was killed a moment before itself.
        os.kill(self._stack.pid, signal.SIGSTOP)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name in self._running:
            self.kill(name)
        os.kill(self._stack.pid, signal.SIGKILL)
        self._stack.wait(20)
        self._stack.stop()
        self.kills["host"] += 1
        self.boot()

    # Processes

    def processes(self) -> list[supervise.Process]:
        """Those under the supervisor; none while it is away."""
        try:
            return supervise.processes(self.settings)
        except Unavailable:
            return []

    def pid(self, name: str) -> int:
        """0 if it does not run."""
        own = self._running.get(name)
        if own is not None:
            return own.pid if own.poll() is None else 0
        return next((p.pid for p in self.processes() if p.name == name), 0)

    def signal(self, name: str, number: int) -> bool:
        """Send a signal; whether there was a process to take it."""
        pid = self.pid(name)
        if not pid:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def kill(self, name: str) -> bool:
        """kill -9, counted."""
        done = self.signal(name, signal.SIGKILL)
        if done:
            self.counted_kill(name)
        return done

    def counted_kill(self, name: str) -> None:
        """A process died by SIGKILL."""
        self.kills["worker" if name.startswith("worker") else name] += 1

    def halt(self, *names: str) -> None:
        """Stop supervised processes as an operator does, and wait until they have ended."""
        for name in names:
            with contextlib.suppress(Unavailable):  # its answer may take longer than the client waits
                supervise.halt(self.settings, name)
            deadline = time.monotonic() + 90
            while self.pid(name.split(":")[-1]) and time.monotonic() < deadline:
                self.sleep(0.2)

    def unhalt(self, *names: str) -> None:
        """Start them again."""
        for name in names:
            with contextlib.suppress(Unavailable):
                supervise.begin(self.settings, name)

    def override(self, name: str, **values: str) -> None:
        """What the next life of a process finds in its environment."""
        self._overrides[name] = self._overrides.get(name, {}) | values
        self._write_overrides()

    def _write_overrides(self) -> None:
        path = self.folder / "overrides.json"
        path.with_suffix(".new").write_text(json.dumps(self._overrides))
        path.with_suffix(".new").replace(path)

    def spawn(self, name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Another process of the city beside the supervised ones; the caller ends it."""
        with (self.folder / f"{name}-extra.log").open("ab") as log:
            return subprocess.Popen(
                [*_TIED, sys.executable, "-m", "tests.faults.process", name],
                env=os.environ | self.settings.environment() | environment,
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
            )

    # Senders

    @property
    def ledgers(self) -> Path:
        return self.folder / "ledgers"

    @property
    def senders(self) -> list[str]:
        return list(self._senders)

    def begin(self) -> None:
        """Let the wards begin: most through outboxes, some through the gateway, some directly."""
        self.begun_s = time.time()
        codes = list(WARDS)[: self.plan.wards]
        gateway, direct = codes[::16][:6], codes[5::13][:9]
        others = [code for code in codes if code not in {*gateway, *direct}]
        tokens = Tokens(registry_path(self.settings))
        keys = {ward: tokens.issue(ward, "faults") for ward in gateway}
        tokens.close()
        for index in range(3):
            self._add(f"outbox-{index}", "outbox", others[index::3])
        self._add("gateway-wards", "gateway", gateway, keys)
        self._add("direct", "direct", direct)

    def _add(self, name: str, kind: str, wards: list[str], tokens: dict[str, str] | None = None) -> None:
        config = Config(
            name=name,
            kind=kind,
            seed=self.plan.seed,
            epoch=f"{name}-{self.plan.seed}",
            wards=wards,
            each=self.plan.each,
            rate=self.plan.each * len(wards) / self.plan.seconds,
            begun_s=self.begun_s,
            folder=str(self.ledgers),
            bootstrap=f"127.0.0.1:{self.proxies['WARDS'].port}",
            topic=self.settings.events_topic,
            gateway=f"http://127.0.0.1:{self.proxies['gateway'].port}",
            tokens=tokens or {},
        )
        (self.ledgers / f"{name}.json").write_bytes(msgspec.json.encode(config))
        self._senders[name] = config
        self._run(name)

    def config_of(self, name: str) -> Config:
        """A sender's."""
        return self._senders[name]

    def arm(self, name: str, point: str) -> None:
        """Restart a sender so that it dies at a crash point, and let it lie then."""
        self.held.add(name)
        self.kill(name)
        self._running[name].wait(10)
        self._run(name, {"FAULTS_CRASH_AT": point})

    def disarm(self, name: str) -> None:
        """A sender is started again when it ends."""
        self.held.discard(name)

    def _run(self, name: str, environment: dict[str, str] | None = None) -> None:
        with (self.ledgers / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*_TIED, sys.executable, "-m", "tests.faults.sender", str(self.ledgers / f"{name}.json")],
                env=os.environ | (environment or {}),
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
            )

    def tick(self) -> None:
        """Start senders that have ended, a second after that: what a ward's service manager does."""
        for name in self._senders:
            if self._running[name].poll() is None or name in self.held:
                self._ended.pop(name, None)
            elif time.monotonic() - self._ended.setdefault(name, time.monotonic()) > _RESTART_S:
                self._ended.pop(name)
                self._run(name)

    def sleep(self, seconds: float) -> None:
        """Let time pass, keeping the senders alive."""
        deadline = time.monotonic() + seconds
        while True:
            self.tick()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(0.2, left))

    # Where things stand

    def marks(self) -> dict[str, int]:
        """What each ward was promised so far."""
        return marks(self.ledgers)

    def counted(self) -> dict[str, int]:
        """How far each ward's books are without a hole, of the harness's epochs."""
        rows = self.store.query("SELECT ward, epochs, contiguous FROM ward_sync FINAL").rows
        own = {ward: config.epoch for config in self._senders.values() for ward in config.wards}
        return {
            ward: contiguous[epochs.index(own[ward])]
            for ward, epochs, contiguous in rows
            if ward in own and own[ward] in epochs
        }

    def loaded(self) -> dict[str, int]:
        """How many different seqs of each ward are in `events`."""
        rows = self.store.query("SELECT ward, uniqExact(epoch, seq) FROM events GROUP BY ward").rows
        return {str(ward): int(count) for ward, count in rows}

    def behind(self, promised: dict[str, int]) -> dict[str, tuple[int, int, int]]:
        """Wards that lack something that was promised: (promised, counted, loaded)."""
        counted = self.counted()
        late = {ward: seq for ward, seq in promised.items() if counted.get(ward, 0) < seq}
        loaded = {} if late else self.loaded()
        return {
            ward: (seq, counted.get(ward, 0), loaded.get(ward, 0))
            for ward, seq in promised.items()
            if ward in late or loaded.get(ward, 0) < seq
        }

    def settle(self, timeout_s: float) -> dict[str, tuple[int, int, int]]:
        """Wait until what was promised up to now is counted and loaded; what is not, after that time."""
        promised, deadline = self.marks(), time.monotonic() + timeout_s
        while True:
            late = tolerant(lambda: self.behind(promised))
            poison = tolerant(self.poison_loaded)
            if late == {} and poison:
                return {}
            if time.monotonic() > deadline:
                return late or {"?": (0, 0, 0)}
            self.sleep(0.3)

    def poison_loaded(self) -> bool:
        """Whether every bad message that was sent is in `rejects`."""
        count = self.store.value(
            "SELECT count() FROM rejects FINAL WHERE topic = {t:String}", {"t": self.settings.events_topic}
        )
        return int(count or 0) >= len(self.extra.poison)

    def patiently(self, sql: str) -> None:
        """A statement that takes a fault back: until ClickHouse takes it."""
        deadline = time.monotonic() + 90
        while True:
            try:
                self.store.command(sql)
                return
            except DongBoError:
                if time.monotonic() > deadline:
                    raise
                self.sleep(0.3)

    def hurry(self) -> None:
        """Every ward says the rest of what it has to say at once."""
        for name, config in self._senders.items():
            self._senders[name] = msgspec.structs.replace(config, begun_s=0.0)
            (self.ledgers / f"{name}.json").write_bytes(msgspec.json.encode(self._senders[name]))
            self.signal(name, signal.SIGTERM)

    def give_token(self, sender: str, ward: str, token: str) -> None:
        """A ward's system gets a new token, and is restarted to take it."""
        config = self._senders[sender]
        self._senders[sender] = msgspec.structs.replace(config, tokens=config.tokens | {ward: token})
        (self.ledgers / f"{sender}.json").write_bytes(msgspec.json.encode(self._senders[sender]))
        self.signal(sender, signal.SIGTERM)

    def admin(self) -> Any:
        """Kafka's admin client, past the proxies."""
        return admin(self.settings.kafka_bootstrap)

    def fresh_store(self) -> Store:
        """A store of the caller's own."""
        return store(self.settings)

    def well(self) -> bool:
        """Whether every supervised process runs."""
        running = {p.name for p in self.processes() if p.state == "RUNNING"}
        workers = {f"worker-{n}" for n in range(self.plan.workers)}
        return running >= {"kafka", "clickhouse", "loader", "monitor", "gateway"} | workers


def tolerant(check: Any) -> Any:
    """The answer, or None while a service is away."""
    try:
        return check()
    except DongBoError:
        return None
