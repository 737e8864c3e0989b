"""What Grafana shows, over views and the figures of docs/metrics.md. Titles in Vietnamese, descriptions in English."""

from __future__ import annotations

from typing import Final, NamedTuple


class Panel(NamedTuple):
    """One panel; `query` is SQL or, if it is asked of Prometheus, PromQL with its legend."""

    title: str
    description: str
    kind: str
    query: str
    width: int = 12
    height: int = 8
    unit: str = "none"
    legend: str | None = None


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    since: str = "now-30d"
    refresh: str = "30s"
    with_ward: bool = False


WARD_VARIABLE: Final = "SELECT ward_name AS __text, ward AS __value FROM v_ward_status ORDER BY ward_name"

CITY: Final = Board(
    "dongbo-city",
    "Đồng Bộ: toàn thành phố",
    "The whole city: how far it is in step, its figures by day, its wards, its alerts.",
    (
        Panel("Số liệu tính đến", "Instant up to which all covered wards are complete.", "stat",
              "SELECT complete_at FROM v_city_cut ORDER BY number DESC LIMIT 1", 6, 4, "dateTimeAsLocal"),
        Panel("Phường, xã đủ số liệu", "Wards that the newest cut covers, of 126.", "stat",
              "SELECT covered FROM v_city_cut ORDER BY number DESC LIMIT 1", 6, 4),
        Panel("Cảnh báo đang mở", "Open alerts of the city.", "stat",
              "SELECT countIf(open) AS open FROM v_alerts", 6, 4),
        Panel("Sự kiện còn thiếu", "Events that wards have numbered and the city has not.", "stat",
              "SELECT sum(missing) AS missing FROM v_ward_status", 6, 4),
        Panel("Hồ sơ theo ngày", "Dossiers received, resolved and returned, by day.", "timeseries",
              "SELECT toDateTime(day) AS time, received AS `Tiếp nhận`, resolved AS `Giải quyết`,"
              " returned AS `Trả kết quả` FROM v_city_day WHERE $__dateFilter(day) ORDER BY day"),
        Panel("Đúng hạn và trực tuyến", "Share finished in time, and share received online, by day.", "timeseries",
              "SELECT toDateTime(day) AS time,"
              " (early + on_time) / nullIf(early + on_time + overdue, 0) AS `Đúng hạn`,"
              " online / nullIf(received, 0) AS `Trực tuyến`"
              " FROM v_city_day WHERE $__dateFilter(day) ORDER BY day", unit="percentunit"),
        Panel("Phường, xã theo trạng thái", "Wards by status: good, attention, bad, waiting.", "piechart",
              "SELECT status, count() AS wards FROM v_ward_status GROUP BY status ORDER BY status", 8),
        Panel("Phường, xã cần xem", "Wards that are not well, and why.", "table",
              "SELECT ward_name AS `Phường, xã`, status AS `Trạng thái`, reason_vi AS `Lý do`, since AS `Từ lúc`,"
              " missing AS `Thiếu` FROM v_ward_status WHERE status IN ('bad', 'attention')"
              " ORDER BY status = 'bad' DESC, since", 16),
        Panel("Khó khăn theo đơn vị xử lý", "Open difficulties by owner, with the oldest.", "table",
              "SELECT owner AS `Đơn vị`, open AS `Đang mở`, overdue AS `Quá hạn`, oldest_days AS `Cũ nhất (ngày)`"
              " FROM v_difficulties_by_owner ORDER BY open DESC, owner"),
        Panel("Cảnh báo", "Alerts that are open, the gravest first.", "table",
              "SELECT severity AS `Mức`, title_vi AS `Cảnh báo`, ward_name AS `Phường, xã`, started_at AS `Từ lúc`,"
              " what_vi AS `Việc gì` FROM v_alerts WHERE open ORDER BY severity = 'critical' DESC, started_at"),
    ),
)  # fmt: skip

WARD: Final = Board(
    "dongbo-ward",
    "Đồng Bộ: phường, xã",
    "One ward: its state, its figures by day, what is late, what is missing.",
    (
        Panel("Trạng thái", "Status of the ward and the reason.", "stat",
              "SELECT reason_vi FROM v_ward_status WHERE ward = '${ward}'", 8, 4),
        Panel("Đủ số liệu đến", "All that happened up to here is in the city's hands.", "stat",
              "SELECT complete_at FROM v_ward_status WHERE ward = '${ward}'", 8, 4, "dateTimeAsLocal"),
        Panel("Sự kiện còn thiếu", "Events that the ward has numbered and the city has not.", "stat",
              "SELECT missing FROM v_ward_status WHERE ward = '${ward}'", 8, 4),
        Panel("Hồ sơ theo ngày", "Dossiers received, resolved and returned, by day.", "timeseries",
              "SELECT toDateTime(day) AS time, received AS `Tiếp nhận`, resolved AS `Giải quyết`,"
              " returned AS `Trả kết quả` FROM v_ward_day WHERE ward = '${ward}' AND $__dateFilter(day) ORDER BY day"),
        Panel("Kết quả theo ngày", "Finished early, on time and overdue, by day.", "timeseries",
              "SELECT toDateTime(day) AS time, early AS `Trước hạn`, on_time AS `Đúng hạn`, overdue AS `Quá hạn`"
              " FROM v_ward_day WHERE ward = '${ward}' AND $__dateFilter(day) ORDER BY day"),
        Panel("Hồ sơ quá hạn", "Overdue dossiers by code, the latest first.", "table",
              "SELECT dossier AS `Mã hồ sơ`, procedure AS `Thủ tục`, due_at AS `Hạn`, days_late AS `Trễ (ngày)`"
              " FROM v_overdue WHERE ward = '${ward}' ORDER BY days_late DESC, dossier LIMIT 100"),
        Panel("Tồn đọng theo lĩnh vực", "Open dossiers by field.", "table",
              "SELECT field AS `Lĩnh vực`, backlog AS `Tồn`, overdue AS `Quá hạn`, days_max AS `Lâu nhất (ngày)`"
              " FROM v_backlog WHERE ward = '${ward}' ORDER BY backlog DESC, field"),
        Panel("Lịch sử trạng thái", "Spells of the ward's status.", "table",
              "SELECT since AS `Từ lúc`, last_at AS `Đến`, status AS `Trạng thái`, reason_vi AS `Lý do`,"
              " missing_max AS `Thiếu nhiều nhất` FROM v_ward_status_history WHERE ward = '${ward}'"
              " ORDER BY since DESC LIMIT 100"),
        Panel("Số liệu điều chỉnh", "What changed of days that were over, newest first.", "table",
              "SELECT day AS `Ngày`, cause AS `Nguyên nhân`, arrived_at AS `Lúc`, dossier AS `Mã hồ sơ`, change AS `Thay đổi`"
              " FROM v_corrections WHERE ward = '${ward}' AND $__dateFilter(day) ORDER BY arrived_at DESC LIMIT 100"),
    ),
    with_ward=True,
)  # fmt: skip

PIPELINE: Final = Board(
    "dongbo-pipeline",
    "Đồng Bộ: đường ống dữ liệu",
    "The pipeline: processes, delay, loading, conservation.",
    (
        Panel("Tiến trình trả lời", "1 while Prometheus reaches the process.", "stat",
              "min by (job) (up)", 12, 4, legend="{{job}}"),
        Panel("Tiến trình khỏe", "1 while the process says that it is well.", "stat",
              "dongbo_worker_up or dongbo_loader_up or dongbo_monitor_up or dongbo_dashboard_up", 12, 4,
              legend="{{job}}"),
        Panel("Sự kiện mỗi giây", "Events that workers take, by result.", "timeseries",
              "sum by (result) (rate(dongbo_worker_events_total[1m]))", unit="ops", legend="{{result}}"),
        Panel("Chưa xử lý", "Messages that the workers have not processed yet.", "timeseries",
              "sum by (partition) (dongbo_worker_lag_messages)", legend="{{partition}}"),
        Panel("Chưa đọc, đang giữ", "Messages that the loader has not read, and holds.", "timeseries",
              "sum by (topic) (dongbo_loader_lag_messages) or dongbo_loader_held_messages", legend="{{topic}}"),
        Panel("Thời gian mỗi lô", "Average time of a worker's chunk.", "timeseries",
              "rate(dongbo_worker_chunk_seconds_total[5m]) / rate(dongbo_worker_chunks_total[5m])", unit="s",
              legend="{{instance}}"),
        Panel("Thời gian ghi mỗi khối", "Average time of an insert into ClickHouse.", "timeseries",
              "rate(dongbo_loader_insert_seconds_total[5m]) / rate(dongbo_loader_blocks_total[5m])", unit="s",
              legend="{{instance}}"),
        Panel("Tuổi mốc số liệu", "Age of the newest cut.", "timeseries",
              "dongbo_monitor_cut_age_seconds", unit="s", legend="{{instance}}"),
        Panel("Cổng nhận: yêu cầu", "Requests of the gateway by status.", "timeseries",
              "sum by (status) (rate(dongbo_gateway_requests_total[1m]))", unit="reqps", legend="{{status}}"),
        Panel("Cổng nhận: thời gian trả lời p99", "99th percentile of the gateway's answers.", "timeseries",
              "histogram_quantile(0.99, sum by (le) (rate(dongbo_gateway_request_seconds_bucket[5m])))", unit="s",
              legend="p99"),
        Panel("Trang đang mở", "Open pages.", "timeseries", "dongbo_dashboard_clients", legend="{{instance}}"),
        Panel("Bộ nhớ", "Memory of each process.", "timeseries", "process_resident_memory_bytes", unit="bytes",
              legend="{{job}}"),
        Panel("Độ trễ của khối đã ghi", "Longest way from Kafka to ClickHouse of the loader's blocks.", "timeseries",
              "SELECT stored_at AS time, delay_ms_max AS `Lâu nhất` FROM v_loads"
              " WHERE $__timeFilter(stored_at) ORDER BY stored_at", unit="ms"),
        Panel("Bảo toàn sự kiện", "Every hop: what should be there and what is.", "table",
              "SELECT hop_vi AS `Chặng`, sum(expected) AS `Cần có`, sum(found) AS `Có`, sum(in_flight) AS `Đang đi`,"
              " sum(broken) AS `Hỏng` FROM v_conservation GROUP BY hop, hop_vi ORDER BY hop"),
        Panel("Mốc số liệu", "Cuts: how long after their instant they were published.", "timeseries",
              "SELECT at AS time, lag_ms AS `Trễ`, wards_total - covered AS `Chưa đủ` FROM v_city_cut"
              " WHERE $__timeFilter(at) ORDER BY at", unit="ms"),
    ),
    since="now-6h",
    refresh="10s",
)  # fmt: skip

BOARDS: Final = (CITY, WARD, PIPELINE)


class Rule(NamedTuple):
    """One alert rule: it fires while the query's one number is above `above` for `minutes`."""

    uid: str
    title: str
    summary: str
    query: str
    prometheus: bool
    above: float
    minutes: int
    severity: str


# Grafana's own channels for what is told nowhere else, and one rule that passes the city's gravest alerts on.
RULES: Final = (
    Rule("dongbo-critical", "Đồng Bộ: cảnh báo nghiêm trọng",
         "The city has open critical alerts; `dongbo alerts` lists them.",
         "SELECT countIf(open AND severity = 'critical') AS open FROM v_alerts", False, 0, 1, "critical"),
    Rule("dongbo-process-down", "Đồng Bộ: tiến trình không trả lời",
         "A process does not answer Prometheus.", "count(up == 0) or vector(0)", True, 0, 1, "critical"),
    Rule("dongbo-cut-old", "Đồng Bộ: mốc số liệu đã cũ",
         "No cut for five minutes; `dongbo status` says what waits.",
         "max(dongbo_monitor_cut_age_seconds)", True, 300, 2, "warning"),
)  # fmt: skip
