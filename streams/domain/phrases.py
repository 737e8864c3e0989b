"""A ward's reason in words, Vietnamese and English, with the figures that an operator acts on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from producers.contract.vocabulary import STATUS_WORDS, Status, Words
from streams.domain.certificate import Certificate, Findings, Hole
from streams.domain.days import HANOI

_RANGES_MAX: Final = 3


_PLAIN: Final = {
    "never": Words("Chưa từng nhận được gì", "Nothing was ever heard"),
    "active": Words("Đang hoạt động", "Active"),
    "quiet": Words("Yên lặng, vẫn còn nhịp tim", "Quiet, its heartbeats come"),
    "closed": Words("Ngoài giờ làm việc", "Office closed"),
}


def phrase(reason: str, certificate: Certificate, findings: Findings, due: date | None, at_ms: int) -> Words:
    """The words of a reason."""
    if reason in _PLAIN:
        return _PLAIN[reason]
    if reason in ("missing", "in_flight"):
        return _holes(reason, certificate, at_ms)
    if reason == "silent":
        heard = moment(certificate.heard_ms, at_ms)
        return Words(f"Im lặng: không nhận được gì từ {heard}", f"Silent: nothing heard since {heard}")
    if reason == "silent_before_closing":
        heard = moment(certificate.heard_ms, at_ms)
        return Words(
            f"Ngoài giờ, đã im lặng từ trước: không nhận được gì từ {heard}",
            f"Office closed, and silent before it: nothing heard since {heard}",
        )
    if reason == "unproven":
        return _unproven(certificate, at_ms)
    if reason == "behind":
        waits = number(certificate.pending)
        return Words(f"{waits} sự kiện còn chờ gửi ở phường, xã", f"{waits} events wait in the ward's outbox")
    if reason == "clock_skew":
        return _skew(certificate.skew_ms or 0)
    return _finding(reason, findings, due)


def _unproven(certificate: Certificate, at_ms: int) -> Words:
    if not certificate.proven_ms:
        vi, en = "Chưa chắc đủ đến lúc nào", "Not known to be complete up to any instant"
    else:
        proven = moment(certificate.proven_ms, at_ms)
        vi, en = f"Chỉ chắc đủ đến {proven}", f"Known to be complete up to {proven} only"
    if certificate.pending:
        waits = number(certificate.pending)
        vi, en = f"{vi}; {waits} sự kiện còn chờ gửi", f"{en}; {waits} pending in the ward's outbox"
    return Words(vi, en)


def _finding(reason: str, findings: Findings, due: date | None) -> Words:
    if reason == "mismatch":
        return _mismatch(findings)
    if reason == "difference":
        cells = number(findings.differences)
        return Words(f"Sổ khác sự kiện thô ở {cells} ô", f"Book and raw events differ in {cells} cells")
    if reason == "conflict":
        seqs, noun = number(findings.conflicts), "seq" if findings.conflicts == 1 else "seqs"
        return Words(
            f"{seqs} số thứ tự bị dùng lại với nội dung khác", f"{seqs} {noun} used again with other content"
        )
    name = day_name(due) if due else ""
    return Words(f"Chưa chốt số ngày {name}", f"The totals of {name} are not declared")


def _mismatch(findings: Findings) -> Words:
    newest = max(findings.mismatches)
    words, day = STATUS_WORDS[Status(newest.status)], day_name(newest.day)
    declared, counted = number(newest.declared), number(newest.counted)
    vi = f"Ngày {day}, {words.vi}: kê khai {declared}, sổ có {counted}"
    en = f"{day}, {words.en}: {declared} declared, {counted} counted"
    more = len(findings.mismatches) - 1
    if more > 0:
        vi, en = f"{vi}; thêm {more} ngày không khớp", f"{en}; {more} more days do not match"
    return Words(vi, en)


def _holes(reason: str, certificate: Certificate, at_ms: int) -> Words:
    oldest = certificate.oldest_hole
    since = moment(oldest.since_ms, at_ms) if oldest else ""
    count, seqs = number(certificate.missing), ranges(certificate.holes)
    noun = "event" if certificate.missing == 1 else "events"
    if reason == "missing":
        return Words(
            f"Thiếu {count} sự kiện (số {seqs}) từ {since}", f"Missing {count} {noun} ({seqs}) since {since}"
        )
    return Words(
        f"Đang chờ {count} sự kiện (số {seqs}) từ {since}",
        f"Waiting for {count} {noun} ({seqs}) since {since}",
    )


def _skew(skew_ms: int) -> Words:
    size = span(abs(skew_ms))
    if skew_ms > 0:
        return Words(f"Đồng hồ phường, xã nhanh {size.vi}", f"The ward's clock is {size.en} ahead")
    return Words(f"Đồng hồ phường, xã chậm {size.vi}", f"The ward's clock is {size.en} behind")


def ranges(holes: Sequence[Hole]) -> str:
    """Missing seqs as `17-19, 25`, the first few of them."""
    shown = [
        str(hole.first) if hole.size == 1 else f"{hole.first}-{hole.last}" for hole in holes[:_RANGES_MAX]
    ]
    return ", ".join(shown) + (", …" if len(holes) > _RANGES_MAX else "")


def span(length_ms: int) -> Words:
    """A length of time in its two largest units at most."""
    seconds = length_ms // 1000
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "ngày", "d"), (hours, "giờ", "h"), (minutes, "phút", "min"), (seconds % 60, "giây", "s")]
    used = [part for part in parts if part[0]][:2] or [parts[-1]]
    return Words(
        " ".join(f"{amount} {vi}" for amount, vi, _ in used),
        " ".join(f"{amount} {en}" for amount, _, en in used),
    )


def moment(moment_ms: int, at_ms: int) -> str:
    """The time in Hanoi, with its day unless that is the day of `at_ms`."""
    when = datetime.fromtimestamp(moment_ms / 1000, HANOI)
    today = datetime.fromtimestamp(at_ms / 1000, HANOI).date()
    return f"{when:%H:%M}" if when.date() == today else f"{when:%H:%M %d/%m/%Y}"


def day_name(day: date) -> str:
    """DD/MM/YYYY."""
    return f"{day:%d/%m/%Y}"


def number(value: int) -> str:
    """66.000, as it is written in Viet Nam."""
    return f"{value:,}".replace(",", ".")


LABELS: Final = {
    "good": Words("tốt", "good"),
    "waiting": Words("chờ", "waiting"),
    "attention": Words("chú ý", "attention"),
    "bad": Words("xấu", "bad"),
    "active": Words("đang hoạt động", "active"),
    "quiet": Words("yên lặng", "quiet"),
    "closed": Words("ngoài giờ", "closed"),
    "behind": Words("gửi chậm", "behind"),
    "silent": Words("im lặng", "silent"),
    "silent_before_closing": Words("im lặng từ trước giờ đóng cửa", "silent before closing"),
    "unproven": Words("chưa chắc đủ", "not known to be complete"),
    "never": Words("chưa từng gửi", "never heard"),
    "complete": Words("đủ", "complete"),
    "missing": Words("thiếu", "missing"),
    "in_flight": Words("đang trên đường", "in flight"),
    "unknown": Words("chưa biết", "unknown"),
    "matched": Words("khớp", "matched"),
    "open": Words("chưa chốt", "not declared"),
    "mismatch": Words("không khớp", "mismatch"),
}


def label(code: str) -> str:
    """A code as people read it, Vietnamese first."""
    words = LABELS.get(code)
    return f"{words.vi} / {words.en}" if words else code
