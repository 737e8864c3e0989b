"""Reference data: wards, procedures, words and reasons as the contract has them, for joins in SQL."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from producers.contract import difficulty_groups
from producers.contract.procedures import PROCEDURES
from producers.contract.reasons import REASONS, SIGNATURE_REASONS
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import (
    APPLICANT_WORDS,
    CHANNEL_WORDS,
    FIELD_WORDS,
    STATUS_WORDS,
    TIMELINESS_WORDS,
)
from producers.contract.wards import WARDS
from streams.warehouse import office_days, policies, view_versions
from streams.warehouse.store import Store

_VERSION: Final = ("version", "UInt64")
# What has a form as of a cut, each with what tells its rows apart (sql/relations/r_reference.sql).
VERSIONED: Final = {
    "wards": "code",
    "procedures": "code",
    "words": "kind, code",
    "reasons": "code",
    "difficulty_groups": "number",
    "office_days": "day",
    "policies": "policy",
    "index766": "part",
}
# A cut is published seconds after its instant: a row that holds from a minute after the statement began is
# there before any cut that may see it, or is not written at all.
NOTICE_MS: Final = 60_000
_REMEMBER: Final = """
INSERT INTO {table}_history ({columns}, version)
WITH
    (SELECT count() FROM {table}_history) AS known,
    if(known = 0, 0, toUnixTimestamp64Milli(now64(3)) + {notice_ms}) AS holds_from
SELECT {columns}, toUInt64(holds_from) AS version
FROM (SELECT {columns} FROM {table} FINAL)
WHERE ({columns}) NOT IN (SELECT {columns} FROM {table}_history ORDER BY version DESC LIMIT 1 BY {key})
SETTINGS max_execution_time = 30
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """One table of reference data, whole."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]

    def sha256(self) -> str:
        return hashlib.sha256(repr((self.columns, self.rows)).encode()).hexdigest()

    def fill(self, store: Store) -> None:
        """Write all rows under a new version. A row that the contract no longer has stays."""
        version = time.time_ns() // 1_000_000
        names, types = zip(*self.columns, _VERSION, strict=True)
        data = [list(column) for column in zip(*self.rows, strict=True)]
        store.insert(self.name, names, types, [*data, [version] * len(self.rows)])

    def remember(self, store: Store) -> None:
        """Write what has changed of it into its history; the same again writes nothing."""
        if self.name in VERSIONED:
            columns = ", ".join(name for name, _ in self.columns)
            store.command(
                _REMEMBER.format(
                    table=self.name, columns=columns, key=VERSIONED[self.name], notice_ms=NOTICE_MS
                )
            )


def tables(groups: Path | None = None) -> list[Reference]:
    """All reference data; `groups` is the user's own CSV of the groups of difficulties.

    :raises Refused: that file is not such a table
    """
    return [
        _wards(),
        _procedures(),
        _words(),
        _reasons(),
        _groups(groups),
        _office_days(),
        _policies(),
        _index766(),
        _view_versions(),
    ]


def _strings(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "String") for name in names)


def _office_days() -> Reference:
    return Reference("office_days", office_days.COLUMNS, list(office_days.office_days()))


def _policies() -> Reference:
    columns = (
        *_strings("policy", "name"),
        ("edition", "UInt16"),
        ("since", "Date32"),
        *_strings("vi", "en", "basis_vi", "basis_en", "status"),
    )
    return Reference("policies", columns, [(one.policy, *one) for one in policies.POLICIES])


def _index766() -> Reference:
    columns = (
        *_strings("part", "grp", "vi", "en"),
        ("max_score", "Float64"),
        *_strings("measure", "basis", "policy", "formula", "formula_status", "basis_vi", "basis_en"),
    )
    return Reference("index766", columns, [tuple(one) for one in policies.INDEX766])


def _view_versions() -> Reference:
    columns = (("view", "String"), ("edition", "UInt16"), ("columns", "Array(String)"))
    rows: list[tuple[Any, ...]] = [
        (view.name, view.version, [f"{name} {kind}" for name, kind in view.columns])
        for view in view_versions.load()
    ]
    return Reference("view_versions", columns, rows)


def _wards() -> Reference:
    columns = (*_strings("code", "name", "kind", "full_name", "slug"), ("partition", "UInt16"))
    rows = [
        (ward.code, ward.name, ward.kind, ward.full_name, ward.slug, PARTITION_OF_WARD[ward.code])
        for ward in WARDS.values()
    ]
    return Reference("wards", columns, rows)


def _procedures() -> Reference:
    columns = (
        *_strings("code", "name", "field"),
        ("time_limit", "UInt32"),
        *_strings("unit", "rule", "code_status", "limit_status"),
    )
    rows = [
        (p.code, p.name, p.field, p.limit, p.unit, p.rule, p.code_status, p.limit_status)
        for p in PROCEDURES.values()
    ]
    return Reference("procedures", columns, rows)


def _words() -> Reference:
    kinds = {
        "status": {str(int(status)): words for status, words in STATUS_WORDS.items()},
        "channel": {channel.value: words for channel, words in CHANNEL_WORDS.items()},
        "applicant": {applicant.value: words for applicant, words in APPLICANT_WORDS.items()},
        "timeliness": {timeliness.value: words for timeliness, words in TIMELINESS_WORDS.items()},
        "field": FIELD_WORDS,
    }
    rows = [
        (kind, code, words.vi, words.en) for kind, table in kinds.items() for code, words in table.items()
    ]
    return Reference("words", _strings("kind", "code", "vi", "en"), rows)


def _groups(path: Path | None) -> Reference:
    columns = (("number", "UInt8"), *_strings("vi", "en", "owner", "owner_kind"), ("placeholder", "Bool"))
    rows: list[tuple[Any, ...]] = [tuple(group) for group in difficulty_groups.load(path).values()]
    return Reference("difficulty_groups", columns, rows)


def _reasons() -> Reference:
    rows = [(r.code, r.vi, r.en, r.remedy_vi, r.remedy_en) for r in (REASONS | SIGNATURE_REASONS).values()]
    return Reference("reasons", _strings("code", "vi", "en", "remedy_vi", "remedy_en"), rows)
