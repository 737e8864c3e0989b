"""Every figure that a process gives Prometheus: its name, meaning, unit and where it is read.

A process keeps plain counts and tells them with its health; `read` finds a row's samples in that report. So
no process knows of Prometheus but the gateway, whose own registry is described here and read by nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ops.metrics import read

Report = Mapping[str, Any]
Sample = tuple[tuple[str, ...], float]
Read = Callable[[Report], Iterable[Sample]]


class Kind(StrEnum):
    """What may be done with a figure: a counter only rises (rate it), a gauge is as it is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One row. `name` is as it is asked for in Prometheus; `process` is who serves it."""

    process: str
    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    vi: str
    en: str
    read: Read | None = None

    @property
    def family(self) -> str:
        """The name without a counter's `_total`."""
        return self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name


EVERY: Final = "every"
_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_of, _nested, _by, _jobs = read.member, read.nested, read.by_key, read.jobs

_WORKER: Final = (
    ("up", _G, (), "", "1 khi tiến trình khỏe mạnh", "1 while the process is well", read.well),
    ("events_total", _C, ("result",), "sự kiện · events", "Sự kiện đã xử lý: counted, repeated, rejected",
     "Events taken: counted, repeated, rejected", _by("counts", ("counted", "repeated", "rejected"))),
    ("chunks_total", _C, (), "", "Số lô đã xử lý xong", "Chunks completed", _nested("counts", "chunks")),
    ("chunks_dropped_total", _C, (), "", "Số lô bỏ vì phân vùng chuyển đi", "Chunks dropped: partition moved",
     _nested("counts", "dropped_chunks")),
    ("chunk_seconds_total", _C, (), "s", "Thời gian xử lý các lô", "Time spent on chunks",
     _nested("counts", "chunk_s_sum")),
    ("changelog_seconds_total", _C, (), "s", "Trong đó: ghi nhật ký thay đổi", "Of it: writing the changelog",
     _nested("counts", "changelog_s_sum")),
    ("records_total", _C, (), "", "Bản ghi đã ghi vào nhật ký thay đổi", "Records written to the changelog",
     _nested("counts", "records")),
    ("table_records", _G, (), "", "Bản ghi trong bộ nhớ", "Records in memory", _of("records")),
    ("rebalances_total", _C, (), "", "Số lần chia lại phân vùng", "Rebalances", _of("rebalances")),
    ("lag_messages", _G, ("partition",), "", "Thông điệp chưa xử lý", "Messages not yet processed",
     read.partition("lag")),
    ("standing_seconds", _G, ("partition",), "s", "Thời gian không tiến", "Time without progress",
     read.partition("still_s")),
)  # fmt: skip
_LOADER: Final = (
    ("up", _G, (), "", "1 khi tiến trình khỏe mạnh", "1 while the process is well", read.well),
    ("rows_total", _C, (), "", "Dòng đã ghi vào ClickHouse", "Rows written to ClickHouse", _of("rows")),
    ("events_total", _C, (), "", "Trong đó: sự kiện", "Of them: events", _of("events")),
    ("rejects_total", _C, (), "", "Trong đó: bị từ chối", "Of them: rejected messages", _of("rejects")),
    ("blocks_total", _C, (), "", "Số khối đã ghi", "Blocks written", _of("blocks")),
    ("insert_seconds_total", _C, (), "s", "Thời gian ghi các khối", "Time spent on inserting blocks",
     _of("insert_s_sum")),
    ("incidents_total", _C, (), "", "Số lần mất vị trí đọc", "Reading positions lost", _of("incidents")),
    ("held_messages", _G, (), "", "Thông điệp đang giữ chờ ghi", "Messages held until they are written",
     _nested("held", "messages")),
    ("lag_messages", _G, ("topic",), "", "Thông điệp chưa đọc", "Messages not yet read", _by("lag")),
)  # fmt: skip
_MONITOR: Final = (
    ("up", _G, (), "", "1 khi tiến trình khỏe mạnh", "1 while the process is well", read.well),
    ("wards", _G, ("status",), "phường, xã · wards", "Theo trạng thái: good, attention, bad, waiting",
     "Wards by status: good, attention, bad, waiting", read.ward_statuses),
    ("cut_number", _G, (), "", "Số của mốc số liệu mới nhất", "Number of the newest cut", read.cut_number),
    ("cut_age_seconds", _G, (), "s", "Tuổi của mốc mới nhất", "Age of the newest cut", read.cut_age_s),
    ("cut_wards_covered", _G, (), "phường, xã · wards", "Phường, xã đủ số liệu ở mốc mới nhất",
     "Wards that the newest cut covers", _jobs("cut", "covered")),
    ("alerts_open", _G, ("severity",), "", "Cảnh báo đang mở: critical, warning",
     "Open alerts: critical, warning", read.alerts),
    ("conservation_broken", _G, (), "", "Chặng đường mất hoặc thừa sự kiện", "Hops that lose or gain events",
     _jobs("conservation", "broken")),
    ("differences_open", _G, (), "", "Sổ lệch so với dữ liệu gốc", "Books that differ from the raw rows",
     _jobs("double_entry", "open")),
    ("job_up", _G, ("job",), "", "1 khi việc định kỳ chạy tốt", "1 while a job's runs end well", read.job_up),
    ("job_runs_total", _C, ("job",), "", "Số lần chạy", "Runs", read.job_member("runs")),
    ("job_failures_total", _C, ("job",), "", "Trong đó: không thành công", "Of them: not ended well",
     read.job_member("failures")),
    ("job_seconds", _G, ("job",), "s", "Thời gian của lần chạy tốt gần nhất", "Time of the last good run",
     read.job_seconds),
)  # fmt: skip
_DASHBOARD: Final = (
    ("up", _G, (), "", "1 khi lần đọc gần nhất thành công", "1 while reading succeeds", read.well),
    ("clients", _G, (), "", "Trang đang mở", "Open pages", _of("clients")),
    ("reads_total", _C, (), "", "Số lần đọc ClickHouse", "Reads of ClickHouse", _of("reads")),
    ("read_failures_total", _C, (), "", "Trong đó: không thành công", "Of them: failed", _of("failures")),
    ("read_seconds_total", _C, (), "s", "Thời gian đọc", "Time spent on reading", _of("read_s_sum")),
    ("read_age_seconds", _G, (), "s", "Tuổi của lần đọc tốt gần nhất", "Age of the last good read",
     _of("read_age_s")),
)  # fmt: skip
_GATEWAY: Final = (
    ("requests_total", _C, ("path", "status"), "", "Yêu cầu đã trả lời", "Requests answered"),
    ("events_total", _C, ("outcome", "code"), "sự kiện · events", "Sự kiện đã trả lời", "Events answered"),
    ("request_seconds", _H, ("path",), "s", "Thời gian trả lời", "From a request's head to its answer"),
    ("connections", _G, (), "", "Kết nối đang mở", "Open connections"),
    ("connections_refused", _G, (), "", "Kết nối bị từ chối", "Connections refused since the start"),
    ("body_bytes", _G, (), "byte", "Dữ liệu yêu cầu đang giữ", "Bytes of bodies in hand"),
    ("queued_events", _G, (), "sự kiện · events", "Sự kiện chờ xác nhận", "Events without a delivery report"),
    ("kafka_there", _G, (), "", "1 khi Kafka nhận sự kiện", "1 while Kafka takes events"),
)  # fmt: skip
_DOUBTS_VI: Final = "Nghi vấn trong bản ghi của cổng"
_PROCESS: Final = (
    ("cpu_seconds_total", _C, (), "s", "Thời gian CPU", "CPU time"),
    ("resident_memory_bytes", _G, (), "byte", "Bộ nhớ đang dùng", "Memory in use"),
    ("virtual_memory_bytes", _G, (), "byte", "Bộ nhớ ảo", "Virtual memory"),
    ("start_time_seconds", _G, (), "s", "Thời điểm khởi động", "When it started, since 1970"),
    ("open_fds", _G, (), "", "Tệp đang mở", "Open files"),
    ("max_fds", _G, (), "", "Số tệp mở tối đa", "Most open files"),
)  # fmt: skip

TABLE: Final[tuple[Metric, ...]] = (
    *(Metric("worker", f"dongbo_worker_{row[0]}", *row[1:]) for row in _WORKER),
    *(Metric("loader", f"dongbo_loader_{row[0]}", *row[1:]) for row in _LOADER),
    *(Metric("monitor", f"dongbo_monitor_{row[0]}", *row[1:]) for row in _MONITOR),
    *(Metric("dashboard", f"dongbo_dashboard_{row[0]}", *row[1:]) for row in _DASHBOARD),
    *(Metric("gateway", f"dongbo_gateway_{row[0]}", *row[1:]) for row in _GATEWAY),
    Metric(
        "gateway",
        "dongbo_portal_findings_total",
        _C,
        ("code",),
        "",
        _DOUBTS_VI,
        "Doubts about portal records",
    ),
    *(Metric(EVERY, f"process_{row[0]}", *row[1:]) for row in _PROCESS),
)
