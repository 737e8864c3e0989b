"""The table of routes: what the application serves and what `openapi.py` publishes is one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from producers.contract.receipt import Receipt
from producers.contract.vocabulary import Words
from producers.gateway.problem import ProblemBody
from producers.gateway.shapes import BatchAnswer, DayTotals, HeartbeatBody, PortalBody, Requests

Body = Literal["none", "events", "heartbeat", "day-totals", "portal"]
BODY_TYPES: Final[Mapping[Body, type | None]] = {
    "none": None,
    "events": None,
    "heartbeat": HeartbeatBody,
    "day-totals": DayTotals,
    "portal": PortalBody,
}


BODY_EXAMPLES: Final[Mapping[Body, Any]] = {
    "heartbeat": {"epoch": "20250701T000000Z-5f3a9c1e", "last_seq": 4, "outbox_pending": 0},
    "day-totals": {"day": "2025-07-01", "counts": {"2": 5, "9": 3}},
    "portal": {
        "service": "DongBoHoSoMC",
        "isUpdating": "False",
        "data": [
            {
                "MaHoSo": "H26.00070-250701-0001",
                "MaTTHC": "2.000815",
                "KenhThucHien": "1",
                "TrangThaiHoSo": "2",
                "NgayTiepNhan": "20250701080500",
                "NgayHenTra": "20250701170000",
            }
        ],
    },
}
# What a system without sequence numbers sends: the gateway adds ward, epoch, seq and id.
SMALLEST_EVENT: Final = {
    "type": "dongbo.dossier.status-changed.v1",
    "time": "2025-07-01T09:30:00+07:00",
    "data": {
        "dossier": "H26.00070-250701-0001",
        "procedure": "2.000815",
        "field": "chung-thuc",
        "channel": "counter",
        "status": 2,
        "received_at": "2025-07-01T09:30:00+07:00",
    },
}


class Route(NamedTuple):
    """One path: `name` is the handler's, `answers` the type of each status; `token`: needs a ward's token."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    words: Words
    body: Body
    answers: Mapping[int, tuple[Any, ...]]
    token: bool = True


_REFUSED: Final[Mapping[int, tuple[Any, ...]]] = dict.fromkeys(
    (400, 401, 408, 413, 415, 429, 503), (ProblemBody,)
)
_READ: Final[Mapping[int, tuple[Any, ...]]] = dict.fromkeys((401, 503), (ProblemBody,))

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/v1/events",
        "events",
        Words(
            "Gửi sự kiện: một đối tượng, một mảng JSON hoặc NDJSON; có thể nén gzip. 202 chỉ khi Kafka đã "
            "lưu chắc chắn. Sự kiện không có id, epoch, seq được cổng đánh số. 422: có sự kiện bị từ chối, "
            "các sự kiện accepted vẫn đã nằm trong Kafka.",
            "Send events: one object, a JSON array or NDJSON, gzip if you like. 202 only once Kafka has them "
            "durably. Events without id, epoch and seq are numbered by the gateway. 422: some were rejected, "
            "the accepted ones are in Kafka all the same.",
        ),
        "events",
        {202: (BatchAnswer,), 422: (BatchAnswer, ProblemBody), **_REFUSED},
    ),
    Route(
        "POST",
        "/v1/events:validate",
        "validate",
        Words("Kiểm tra thử, không gửi gì", "Check only; nothing is sent"),
        "events",
        {200: (BatchAnswer,), 422: (BatchAnswer, ProblemBody), **_REFUSED},
    ),
    Route(
        "GET",
        "/v1/receipt",
        "receipt",
        Words(
            "Biên nhận: thành phố đã có gì, thiếu số nào, từ chối gì",
            "Receipt: what the city has, which seqs are missing, what it refused",
        ),
        "none",
        {200: (Receipt,), **_READ},
    ),
    Route(
        "GET",
        "/v1/requests",
        "requests",
        Words("Các số thứ tự thành phố xin gửi lại", "The seqs that the city asks for again"),
        "none",
        {200: (Requests,), **_READ},
    ),
    Route(
        "POST",
        "/v1/heartbeat",
        "heartbeat",
        Words(
            "Báo còn hoạt động; nội dung có thể để trống nếu cổng đánh số sự kiện",
            "Say that you are alive; the body may be empty if the gateway numbers your events",
        ),
        "heartbeat",
        {202: (BatchAnswer,), 422: (ProblemBody,), **_REFUSED},
    ),
    Route(
        "POST",
        "/v1/day-totals",
        "day_totals",
        Words("Số liệu chốt ngày", "A day's control totals"),
        "day-totals",
        {202: (BatchAnswer,), 422: (ProblemBody,), **_REFUSED},
    ),
    Route(
        "GET",
        "/healthz",
        "health",
        Words("Tình trạng của cổng", "How the gateway is"),
        "none",
        {200: (dict[str, Any],), 503: (dict[str, Any],)},
        token=False,
    ),
    Route(
        "GET",
        "/metrics",
        "metrics",
        Words("Số liệu Prometheus", "Figures"),
        "none",
        {200: (str,)},
        token=False,
    ),
    Route(
        "GET",
        "/openapi.json",
        "openapi",
        Words("Tài liệu này cho máy đọc", "This document, for programs"),
        "none",
        {200: (dict[str, Any],)},
        token=False,
    ),
    Route(
        "GET",
        "/docs",
        "docs",
        Words("Tài liệu này cho người đọc", "It, for people"),
        "none",
        {200: (str,)},
        token=False,
    ),
)

# Served where the gateway has the portal's registrar (`portal_routes`); answers are in the portal's own form.
_PORTAL: Final[Mapping[int, tuple[Any, ...]]] = dict.fromkeys(
    (200, 401, 408, 413, 429, 503), (dict[str, Any],)
)
PORTAL_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/portal/DongBoHoSoMC",
        "DongBoHoSoMC",
        Words(
            "Gói tin đồng bộ hồ sơ của Cổng dịch vụ công quốc gia, nguyên dạng; "
            "dữ liệu cá nhân bị bỏ trước khi lưu",
            "The national portal's payload of dossiers as it is; "
            "personal members go before anything is stored",
        ),
        "portal",
        _PORTAL,
    ),
    Route(
        "POST",
        "/portal/CapNhatTienDoHoSoMC",
        "CapNhatTienDoHoSoMC",
        Words(
            "Gói tin cập nhật tiến độ của Cổng dịch vụ công quốc gia, nguyên dạng",
            "The national portal's payload of progress as it is",
        ),
        "portal",
        _PORTAL,
    ),
)
PUBLISHED_ROUTES: Final = ROUTES + PORTAL_ROUTES
