"""What a message says: JSON for programs, a subject and text in both languages for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.monitor.alerts.model import CRITICAL, END, Alert
from streams.monitor.alerts.outbox import Message

_SUBJECT_MAX: Final = 200
_VI: Final = {
    "start": "BẮT ĐẦU",
    "end": "ĐÃ HẾT",
    "critical": "nghiêm trọng",
    "warning": "cần chú ý",
}
_LABELS: Final = {
    "vi": ("Sự việc", "Có từ", "Thành cảnh báo", "Hết lúc", "Ảnh hưởng", "Việc cần làm"),
    "en": ("What happened", "Since", "Alert started", "Ended", "Impact", "Next step"),
}


def as_json(message: Message) -> dict[str, Any]:
    """One form for all kinds: a digest has more `alerts`."""
    return {
        "id": message.id,
        "kind": message.kind,
        "attempt": message.attempts + 1,
        "alerts": [_alert(event, alert) for event, alert in message.parts],
    }


def _alert(event: str, alert: Alert) -> dict[str, Any]:
    words = alert.words
    return {
        "id": alert.id,
        "event": event,
        "rule": alert.rule,
        "key": alert.key,
        "severity": alert.severity,
        "ward": alert.ward,
        "ward_name": ward_name(alert),
        "since": iso(alert.since_ms),
        "started_at": iso(alert.started_ms),
        "ended_at": iso(alert.ended_ms) if event == END else None,
        "title": {"vi": words.title_vi, "en": words.title_en},
        "what": {"vi": words.what_vi, "en": words.what_en},
        "impact": {"vi": words.impact_vi, "en": words.impact_en},
        "next": {"vi": words.next_vi, "en": words.next_en},
        "values": dict(alert.values),
    }


def subject(message: Message) -> str:
    """Vietnamese, then English, in one line."""
    if message.kind == "digest":
        starts = sum(event != END for event, _ in message.parts)
        ends = len(message.parts) - starts
        line = f"[Đồng Bộ] {starts} cảnh báo mới, {ends} đã hết / {starts} new alerts, {ends} ended"
    else:
        ((event, alert),) = message.parts
        where = f" {ward_name(alert)} ({alert.ward})" if alert.ward else ""
        vi = f"{_VI[event]}, {_VI[alert.severity]}: {alert.words.title_vi}{where}"
        line = f"[Đồng Bộ] {vi} / {event.upper()}, {alert.severity}: {alert.words.title_en}"
    return " ".join(line.split())[:_SUBJECT_MAX]


def as_text(message: Message, language: str) -> str:
    """All of it for a person, critical alerts first."""
    parts = sorted(message.parts, key=lambda part: (part[0] == END, part[1].severity != CRITICAL))
    return "\n\n".join(_text(event, alert, language) for event, alert in parts) + "\n"


def _text(event: str, alert: Alert, language: str) -> str:
    words, labels = alert.words._asdict(), _LABELS[language]
    state = (
        f"{_VI[event]}, {_VI[alert.severity]}" if language == "vi" else f"{event.upper()}, {alert.severity}"
    )
    lines = [f"{state}: {words[f'title_{language}']}"]
    if alert.ward:
        lines.append(f"{ward_name(alert)} ({alert.ward})")
    lines.append(f"{labels[0]}: {words[f'what_{language}']}")
    lines.append(f"{labels[1]}: {shown(alert.since_ms)}")
    lines.append(f"{labels[2]}: {shown(alert.started_ms)}")
    if event == END:
        lines.append(f"{labels[3]}: {shown(alert.ended_ms)}")
        return "\n".join(lines)
    lines.append(f"{labels[4]}: {words[f'impact_{language}']}")
    lines.append(f"{labels[5]}: {words[f'next_{language}']}")
    return "\n".join(lines)


def ward_name(alert: Alert) -> str:
    """The ward's name, or nothing."""
    return WARDS[alert.ward].name if alert.ward in WARDS else ""


def iso(moment_ms: int | None) -> str | None:
    """An instant for programs."""
    if moment_ms is None:
        return None
    return datetime.fromtimestamp(moment_ms / 1000, HANOI).isoformat(timespec="milliseconds")


def shown(moment_ms: int | None) -> str:
    """An instant for people, in Hanoi's time."""
    if moment_ms is None:
        return "-"
    return datetime.fromtimestamp(moment_ms / 1000, HANOI).strftime("%d/%m/%Y %H:%M:%S")
