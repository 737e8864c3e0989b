"""Every setting of an installation: one table, read from the environment in one place (`load`).

A name is `DONGBO_` plus the field's name in capitals. A `DONGBO_` name that is not in the table is refused,
because a misspelt setting that is silently ignored is found out only when it was needed.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from ops.engine_settings import EngineSettings
from producers.contract.errors import Stop
from producers.contract.topics import EVENTS_TOPIC

PREFIX: Final = "DONGBO_"
REPOSITORY: Final = Path(__file__).resolve().parent.parent


def _default_data_dir() -> Path:
    """`var` beside the checkout; for an installed package, `var` in the current directory."""
    home = REPOSITORY if (REPOSITORY / "pyproject.toml").is_file() else Path.cwd()
    return home / "var"


def _default_cache_dir() -> Path:
    """Where the user's caches live (XDG); holds only what can be made again."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "dongbo"


class Settings(EngineSettings):
    """All settings, typed and bounded. Frozen: a process never changes its own settings."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Where things are kept
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Folder of all data and logs of this installation.",
    )
    cache_dir: Path = Field(
        default_factory=_default_cache_dir,
        description="Folder of what can be made again: the broker's start-up cache.",
    )
    log_json: bool = Field(default=False, description="Write logs as one JSON object a line.")
    # Must be a setting, because the embedded engine's own zone is the process's.
    timezone: str = Field(default="Asia/Ho_Chi_Minh", description="Zone of the embedded engine.")

    # Kafka
    kafka_bootstrap: str = Field(
        default="127.0.0.1:19092", description="Kafka's address; our own broker listens here."
    )
    kafka_external: bool = Field(
        default=False, description="Use the Kafka at kafka_bootstrap; start no broker of our own."
    )
    kafka_version: str = Field(default="4.4.0", description="Apache Kafka's version for our own broker.")
    kafka_heap_mb: int = Field(default=512, ge=256, le=65_536, description="Heap of our own broker, in MB.")
    kafka_retention_hours: int = Field(
        default=720, ge=1, description="Our own broker's default retention of messages, in hours."
    )
    kafka_message_bytes_max: int = Field(
        default=8 * 1024 * 1024, ge=1024 * 1024, description="Largest message our own broker accepts."
    )
    app_id: str = Field(
        default="dongbo",
        pattern=r"^[a-zA-Z0-9._-]{1,100}$",
        description="Faust's application id and the prefix of its topics and groups.",
    )
    events_topic: str = Field(
        default=EVENTS_TOPIC,
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="Topic of the wards' events.",
    )

    # ClickHouse
    clickhouse_external: bool = Field(
        default=False, description="Use the ClickHouse at clickhouse_host; start no endpoint of our own."
    )
    clickhouse_host: str = Field(default="127.0.0.1", description="ClickHouse's host (HTTP).")
    clickhouse_port: int = Field(default=18123, ge=1, le=65_535, description="ClickHouse's HTTP port.")
    clickhouse_database: str = Field(
        default="dongbo", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$", description="Database of our tables."
    )
    clickhouse_cluster: str = Field(
        default="",
        pattern=r"^([A-Za-z][A-Za-z0-9_-]{0,63})?$",
        description="Name of a ClickHouse cluster: replicated and sharded tables; empty: one server.",
    )
    clickhouse_user: str = Field(default="dongbo", min_length=1, description="User who writes and migrates.")
    clickhouse_password: SecretStr = Field(default=SecretStr("dongbo"), description="Its password.")
    clickhouse_reader_user: str = Field(
        default="reader", min_length=1, description="User who can only read: the page and the command line."
    )
    clickhouse_reader_password: SecretStr = Field(default=SecretStr("reader"), description="Its password.")

    # Processes
    dashboard_host: str = Field(default="127.0.0.1", description="Address the live page listens on.")
    dashboard_port: int = Field(default=8800, ge=1, le=65_535, description="Port of the live page.")
    dashboard_health_port: int = Field(
        default=8801, ge=1, le=65_535, description="Health and metrics port of the live page."
    )
    dashboard_token: SecretStr | None = Field(
        default=None, description="Shared token of the city's viewers; without it and OIDC only loopback."
    )
    dashboard_public_url: str = Field(
        default="", description="The page as browsers reach it, e.g. https://dongbo.example."
    )
    dashboard_proxies: int = Field(
        default=0, ge=0, le=10, description="Own proxies before the page, whose X-Forwarded-For is believed."
    )
    dashboard_session_hours: float = Field(
        default=12.0, gt=0.0, le=720.0, description="A viewer logs in again after so long."
    )
    dashboard_rate_requests_s: float = Field(
        default=50.0, gt=0.0, description="Lasting rate of one address, in requests a second."
    )
    dashboard_burst_requests: int = Field(
        default=500, ge=10, description="Requests that one address may send at once."
    )
    dashboard_streams_max: int = Field(
        default=2_000, ge=1, description="Most open pages, over all addresses."
    )
    dashboard_streams_client_max: int = Field(
        default=200, ge=1, description="Most open pages of one address."
    )
    dashboard_oidc_issuer: str = Field(
        default="", description="OpenID provider for logging in; its address, as in its configuration."
    )
    dashboard_oidc_client_id: str = Field(default="", description="The page's client id at the provider.")
    dashboard_oidc_client_secret: SecretStr | None = Field(
        default=None, description="Its client secret, if it has one; PKCE is always used."
    )
    dashboard_oidc_claim: str = Field(
        default="groups", min_length=1, description="Claim of the ID token that gives the role."
    )
    dashboard_oidc_city: str = Field(
        default="dongbo-city", min_length=1, description="Value of that claim for a viewer of the city."
    )
    dashboard_oidc_ward_prefix: str = Field(
        default="dongbo-ward-", min_length=1, description="A ward's viewer: this, then the ward's code."
    )
    gateway_host: str = Field(default="127.0.0.1", description="Address the wards' gateway listens on.")
    gateway_port: int = Field(default=8820, ge=1, le=65_535, description="Port of the wards' gateway.")
    gateway_body_bytes_max: int = Field(
        default=4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="Largest request body, unpacked."
    )
    gateway_batch_events_max: int = Field(
        default=2_000, ge=1, le=100_000, description="Most events in one request."
    )
    gateway_json_depth_max: int = Field(default=16, ge=4, le=500, description="Deepest JSON in an event.")
    gateway_in_flight_bytes_max: int = Field(
        default=128 * 1024 * 1024,
        ge=1024 * 1024,
        description="Most bytes of bodies in hand at the same time.",
    )
    gateway_connections_max: int = Field(
        default=1_000, ge=1, le=100_000, description="Most connections at the same time."
    )
    gateway_rate_events_s: float = Field(
        default=500.0, gt=0, description="Lasting rate of one ward, in events a second."
    )
    gateway_burst_events: int = Field(
        default=20_000, ge=1, description="Events that one ward may send at once, above the lasting rate."
    )
    gateway_idle_timeout_s: float = Field(
        default=15.0, ge=0.1, le=3600.0, description="A connection with no complete request head ends then."
    )
    gateway_body_timeout_s: float = Field(
        default=30.0, ge=0.1, le=600.0, description="Longest that a request's body may take to arrive."
    )
    gateway_send_timeout_s: float = Field(
        default=10.0,
        ge=0.1,
        le=120.0,
        description="Longest that a request waits for Kafka to have its events.",
    )
    worker_count: int = Field(default=1, ge=1, le=64, description="Stream workers to run.")
    worker_index: int = Field(default=0, ge=0, le=63, description="Which of the workers this process is.")
    health_host: str = Field(
        default="127.0.0.1", description="Address of the health and metrics ports; never open to a network."
    )
    worker_health_port: int = Field(
        default=8810, ge=1, le=65_000, description="Health port of worker 0; worker i listens i above it."
    )
    loader_health_port: int = Field(default=8805, ge=1, le=65_535, description="Health port of the loader.")
    monitor_health_port: int = Field(default=8806, ge=1, le=65_535, description="Health port of the monitor.")
    # How the city's picture is judged
    wards_every_s: float = Field(
        default=5.0, ge=0.5, le=60.0, description="How often the monitor judges every ward, in seconds."
    )
    cut_every_s: int = Field(
        default=10, ge=10, le=3600, multiple_of=10, description="Seconds between the city's cuts, by tens."
    )
    cut_settle_s: float = Field(
        default=2.0,
        ge=0.5,
        le=60.0,
        description="A cut is begun so long after its instant: more than clocks of brokers differ.",
    )
    ward_active_s: int = Field(
        default=900, ge=1, description="A ward with an event within so many seconds is active."
    )
    ward_silent_after_s: int = Field(
        default=900,
        ge=10,
        description="A ward with an open office and no sign of life for so long is silent.",
    )
    ward_behind_pending: int = Field(
        default=20, ge=1, description="A ward with so many events in its outbox is behind."
    )
    hole_grace_s: int = Field(
        default=60, ge=0, description="Missing events are no cause for attention for so long."
    )
    hole_old_s: int = Field(
        default=900, ge=1, description="Missing events are a fault after so long, in seconds."
    )
    hole_ask_after_s: int = Field(
        default=120, ge=5, description="Age of a hole at which its ward is asked by itself, in seconds."
    )
    hole_ask_again_s: int = Field(
        default=600, ge=5, description="Rest until it is asked for the same again, in s; doubles each time."
    )
    skew_max_s: int = Field(
        default=120, ge=1, description="How far a ward's clock may be off before it is shown."
    )
    declare_by_minute: int = Field(
        default=540,
        ge=0,
        le=1439,
        description="Minute of the next working day by which a day's totals should be declared.",
    )
    recent_days: int = Field(
        default=7,
        ge=1,
        le=40,
        description="Days for which conflicts and mismatches count in a ward's status.",
    )
    session_timeout_s: float = Field(
        default=6.0, ge=2.0, le=300.0, description="Silence after which Kafka gives a worker's wards away."
    )
    heartbeat_s: float = Field(
        default=2.0, ge=0.5, le=60.0, description="How often a worker tells Kafka that it lives."
    )
    poll_records_max: int = Field(
        default=5000, ge=1, le=100_000, description="Most records a worker takes from Kafka at once."
    )
    # Alerts. The webhook's address is masked: many carry their secret in it.
    alert_webhook_url: SecretStr = Field(
        default=SecretStr(""), description="Where alerts are posted as JSON; empty: nowhere."
    )
    alert_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Key of the signature (HMAC-SHA256) of what is posted."
    )
    alert_smtp_host: str = Field(default="", description="Mail server for alerts; empty: no mail.")
    alert_smtp_port: int = Field(default=587, ge=1, le=65_535, description="Its port.")
    alert_smtp_user: str = Field(default="", description="Its user; empty: no log-in.")
    alert_smtp_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    alert_smtp_starttls: bool = Field(default=True, description="Encrypt the way to the mail server.")
    alert_mail_from: str = Field(default="", description="Sender of alert mails.")
    alert_mail_to: str = Field(default="", description="Receivers of alert mails, separated by commas.")
    alert_digest_over: int = Field(
        default=20, ge=1, le=100_000, description="More alerts than this at once go out as one message."
    )
    # Who a ward is
    identity_path: Path | None = Field(
        default=None,
        description="File of tokens and public keys; default: identity/wards.sqlite in data_dir.",
    )
    keyring_path: Path | None = Field(
        default=None,
        description="Public keys that workers and loaders read; default: identity/keyring.json in data_dir.",
    )
    signature_policy: str = Field(
        default="off",
        description="off, accept-unsigned or require; a change names its time: require@2027-01-01T00:00:00Z.",
    )
    gateway_key_path: Path | None = Field(
        default=None, description="Private key that the gateway signs with, where signatures are asked for."
    )
    # How long data is kept (days, 0: for ever)
    retention_raw_days: int = Field(
        default=0,
        ge=0,
        le=20_000,
        description="Raw events and steps of ended dossiers, from 62 on; removed under seals. 0: for ever.",
    )
    retention_history_days: int = Field(
        default=400,
        ge=0,
        le=20_000,
        description="What earlier cuts are asked from: wards at each cut, revisions of books. 0: for ever.",
    )
    retention_heartbeats_days: int = Field(default=7, ge=0, le=20_000, description="Raw heartbeats.")
    retention_loads_days: int = Field(default=7, ge=0, le=20_000, description="Blocks that were loaded.")
    retention_conservation_days: int = Field(
        default=90, ge=0, le=20_000, description="Conservation, from its second day on one row an hour."
    )
    retention_alerts_days: int = Field(default=0, ge=0, le=20_000, description="Ended alerts.")
    retention_double_entry_days: int = Field(
        default=0, ge=0, le=20_000, description="Runs of the double entry and healed findings."
    )
    analysts_path: Path | None = Field(
        default=None, description="File of analysts; default: identity/analysts.json in data_dir."
    )
    difficulty_groups_path: Path | None = Field(
        default=None,
        description="CSV of the groups of difficulties, read by migrate; default: placeholders.",
    )
    simulate_rate: float = Field(
        default=5.0, gt=0.0, le=100_000.0, description="Events a second of the simulated city."
    )
    simulate_seed: int = Field(default=126, ge=0, le=99_999_999, description="Seed of the simulated city.")

    def analysts_file(self) -> Path:
        """Where analysts and the hashes of their passwords stand."""
        return self.analysts_path or self.data_dir / "identity" / "analysts.json"

    def effective(self) -> dict[str, str]:
        """Name and value of every setting as it is in force; secrets are masked."""
        return {f"{PREFIX}{name.upper()}": str(getattr(self, name)) for name in _names()}

    def environment(self) -> dict[str, str]:
        """The same for a child process: secrets in the clear, so never log or show it."""
        values = {name: getattr(self, name) for name in _names()}
        # None is the absence of a setting; as a word it would be read as a value.
        return {
            f"{PREFIX}{name.upper()}": _plain(value) for name, value in values.items() if value is not None
        }


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _names() -> list[str]:
    return list(Settings.model_fields)


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in _names()}
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.0)[0]
            raise Stop("unknown_setting", f"{name} is not a setting", f"Did you mean {near}? Else unset it")


def _refuse_invalid(error: ValidationError) -> Stop:
    """Names only, never values: a value may be a secret."""
    faults = "; ".join(
        f"{PREFIX}{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )
    return Stop("invalid_setting", faults, "Correct the value, or unset it to take the default")


def load() -> Settings:
    """The settings of this process, from its environment. Raises `Stop` on a name or value we do not know."""
    _refuse_unknown(os.environ)
    try:
        return Settings()
    except ValidationError as error:
        raise _refuse_invalid(error) from None


def table() -> list[tuple[str, str, str]]:
    """Name, default and help of every setting, for `--help` and the documentation."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory else str(field.default)
        rows.append((f"{PREFIX}{name.upper()}", default, field.description or ""))
    return rows


__all__ = ["PREFIX", "Settings", "load", "table"]
