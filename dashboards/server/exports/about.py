"""What a file says of itself: which table, of what, as of which cut, in which language."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from dashboards.server.source import HANOI
from dashboards.server.tables.filters import Filters
from dashboards.server.tables.model import Table
from dashboards.server.tables.words import Lang
from dashboards.server.views.city.cuts import Cut
from producers.contract.vocabulary import Words
from producers.contract.wards import WARDS

_LABELS: Final = {
    "title": Words("Bảng", "Table"),
    "ward": Words("Phường, xã", "Ward or commune"),
    "days": Words("Các ngày", "Days"),
    "group": Words("Nhóm vướng mắc", "Group of difficulties"),
    "owner": Words("Nơi chịu trách nhiệm", "Responsible body"),
    "state": Words("Tình trạng vướng mắc", "Difficulties that are"),
    "cut": Words("Mốc đồng bộ", "Cut"),
    "at": Words("Gồm mọi điều nhận được đến", "Holds all that arrived by"),
    "complete_at": Words("Số liệu tính đến", "Figures complete up to"),
    "covered": Words("Phường, xã đủ số liệu", "Wards covered"),
    "lang": Words("Ngôn ngữ", "Language"),
    "views": Words("Nguồn trong cơ sở dữ liệu", "Views of the database"),
}
_ALL_WARDS: Final = Words("tất cả", "all")
_STATES: Final = {
    "all": Words("tất cả", "all"),
    "open": Words("chưa giải quyết", "open"),
    "overdue": Words("quá hạn", "overdue"),
}
_LANGS: Final = {"vi": "Tiếng Việt", "en": "English"}


def about(table: Table, filters: Filters, last: date, cut: Cut, lang: Lang) -> list[tuple[str, str]]:
    """Labels and values, in the reader's language; nothing that depends on when the file was asked for."""
    said = {"title": f"Đồng Bộ · {getattr(table.title, lang)}"} | _filters(table, filters, last, lang)
    said["cut"] = str(cut.number)
    said["at"] = _instant(cut.at)
    if cut.complete_at:
        said["complete_at"] = _instant(cut.complete_at)
    said["covered"] = f"{cut.covered}/{cut.wards_total}"
    said["lang"] = _LANGS[lang]
    said["views"] = ", ".join(table.views)
    return [(getattr(_LABELS[name], lang), value) for name, value in said.items()]


def _filters(table: Table, filters: Filters, last: date, lang: Lang) -> dict[str, str]:
    said: dict[str, str] = {}
    if "ward" in table.filters:
        ward = WARDS.get(filters.ward)
        said["ward"] = f"{ward.code} {ward.full_name}" if ward else getattr(_ALL_WARDS, lang)
    if "day" in table.filters:
        first = filters.bound(frozenset(), last)["first"] if "days" in table.filters else last
        said["days"] = _day(last) if first == last else f"{_day(first)} - {_day(last)}"
    if filters.group:
        said["group"] = str(filters.group)
    if filters.owner:
        said["owner"] = filters.owner
    if "state" in table.filters:
        said["state"] = getattr(_STATES[filters.state], lang)
    return said


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(HANOI):%d/%m/%Y %H:%M:%S} (+07)"
