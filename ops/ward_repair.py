"""What the city's operator does about a ward's events: see what is missing, ask for it, take one back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops import console
from ops.city.prepare import reader, store
from ops.settings import Settings, load
from producers.contract.codec import decode
from producers.contract.envelope import RetractedEvent, StatusChangedEvent
from producers.contract.errors import Refused, Unavailable
from producers.contract.events import CITY_EPOCHS, Retracted, StatusChanged
from producers.contract.requests import Request
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox

OK, FINDING, USAGE, UNREACHABLE = range(4)
SEND_S: Final = 20.0
REQUESTS_MAX: Final = 10_000
_SEQS: Final = re.compile(r"([1-9][0-9]{0,15})(?:-([1-9][0-9]{0,15}))?")


class Gap(NamedTuple):
    """Seqs, both ends included, that the city knows of and does not have."""

    ward: str
    ward_name: str
    epoch: str
    first_seq: int
    last_seq: int
    missing: int


def gaps(*, ward: str | None, as_json: bool) -> int:
    """`dongbo ward gaps`: 1 if anything is missing."""
    _known(ward)
    found = _gaps(load(), ward)
    console.emit_rows(Gap._fields, found, as_json=as_json)
    total = sum(gap.missing for gap in found)
    console.note(f"{total} events missing in {len(found)} holes / thiếu {total} sự kiện ở {len(found)} chỗ")
    return FINDING if found else OK


def request(*, ward: str | None, seqs: str | None, epoch: str | None, as_json: bool) -> int:
    """`dongbo ward request`: ask a ward for seqs; without seqs for all that it is known to lack."""
    _known(ward)
    settings = load()
    wanted = _named(settings, ward, seqs, epoch) if ward and seqs else _holes(settings, ward, epoch)
    from producers.repair import ask, new_request

    requests = [new_request(*one) for one in wanted[:REQUESTS_MAX]]
    if requests:
        _record(settings, requests, "manual" if seqs else "gap")
        ask(settings.kafka_bootstrap, requests, settings.events_topic)
    columns = ("request", "ward", "epoch", "first_seq", "last_seq")
    rows = [[getattr(one, name) for name in columns] for one in requests]
    console.emit_rows(columns, rows, as_json=as_json)
    console.note(f"{len(requests)} requests sent / đã gửi {len(requests)} yêu cầu gửi lại")
    return OK


def _record(settings: Settings, requests: Sequence[Request], reason: str) -> None:
    """Write down what is asked for; a ClickHouse that is away does not keep anybody from asking."""
    from streams.warehouse import repairs

    asked = [
        repairs.Repair(
            one.request, repairs.REQUEST, "operator", one.ward, one.epoch, one.first_seq, one.last_seq, reason
        )
        for one in requests
    ]
    try:
        with store(settings) as writer:
            repairs.record(writer, asked)
    except Unavailable as error:
        console.note(f"not written down: {error} / không ghi lại được")


def retract(
    *, ward: str, seq: int, reason: str, epoch: str | None, outbox: Path | None, as_json: bool
) -> int:
    """`dongbo ward retract`: take a wrong status event back; the same event twice is taken back once."""
    _known(ward)
    settings = load()
    if outbox is not None:
        report = _retract_at_the_ward(settings, outbox, ward, seq, reason)
    else:
        report = _retract_at_the_city(settings, ward, epoch or _epoch_of(settings, ward), seq, reason)
    if as_json:
        console.emit_json(report)
    else:
        console.note("  ".join(f"{name}: {value}" for name, value in report.items()))
    return OK if report["in_kafka"] else UNREACHABLE


def _known(ward: str | None) -> None:
    if ward is not None and ward not in WARDS:
        raise Refused(
            "unknown_ward",
            f"{ward} không phải mã của 126 phường, xã: ghi đủ 5 chữ số, có số 0 ở đầu",
            f"{ward} is not one of the 126 wards: write all 5 digits, leading zeros included",
        )


def parse_seqs(text: str) -> list[tuple[int, int]]:
    """`17-19,25` as pairs of first and last.

    :raises Refused: it is none
    """
    pairs = []
    for part in text.split(","):
        found = _SEQS.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last or last > 2**53:
            raise Refused("seqs", "Viết số thứ tự như 17-19 hoặc 17-19,25", "Write seqs as 17-19 or 17-19,25")
        pairs.append((first, last))
    return pairs


def _gaps(settings: Settings, ward: str | None) -> list[Gap]:
    with reader(settings) as store:
        rows = store.query(_GAPS, {"ward": ward or ""}).rows
    return [Gap(*row) for row in rows]


def _holes(settings: Settings, ward: str | None, epoch: str | None) -> list[tuple[str, str, int, int]]:
    found = _gaps(settings, ward)
    return [(gap.ward, gap.epoch, gap.first_seq, gap.last_seq) for gap in found if epoch in (None, gap.epoch)]


def _named(settings: Settings, ward: str, seqs: str, epoch: str | None) -> list[tuple[str, str, int, int]]:
    pairs = parse_seqs(seqs)
    of = epoch or _epoch_of(settings, ward)
    return [(ward, of, first, last) for first, last in pairs]


def _epoch_of(settings: Settings, ward: str) -> str:
    """The ward's present epoch, as the city knows it."""
    with reader(settings) as store:
        found = store.value("SELECT epoch FROM v_ward_sync WHERE ward = {ward:String}", {"ward": ward})
    if not found:
        raise Refused(
            "unheard_ward",
            f"Thành phố chưa nhận gì của {ward}: ghi rõ --epoch",
            f"The city has heard nothing of {ward}: name the --epoch",
        )
    return str(found)


def _retract_at_the_city(settings: Settings, ward: str, epoch: str, seq: int, reason: str) -> dict[str, Any]:
    """With an epoch of the city's own: the ward's seqs are the ward's to give."""
    from streams.warehouse.originals import find

    with reader(settings) as store:
        original = find(store, ward, epoch, seq)
    if original is None:
        raise _not_there(ward, epoch, seq)
    report = {"ward": ward, "epoch": epoch, "seq": seq, "reason": reason}
    if original.retracted_by:
        return report | {"retraction": original.retracted_by[0], "already": True, "in_kafka": True}
    with _corrections(settings) as outbox:
        return report | _send(settings, outbox, original.payload, original.time, reason)


def _retract_at_the_ward(settings: Settings, path: Path, ward: str, seq: int, reason: str) -> dict[str, Any]:
    """With the ward's own next seq; the event may not have arrived yet."""
    with Outbox(path) as outbox:
        rows = outbox.kept(ward, range(seq, seq + 1))
        event = decode(rows[0].value) if rows else None
        if not isinstance(event, StatusChangedEvent):
            raise _not_there(ward, outbox.epoch, seq)
        report = {"ward": ward, "epoch": outbox.epoch, "seq": seq, "reason": reason}
        already = _retraction_in(outbox, ward, seq)
        if already:
            return report | {"retraction": already, "already": True, "in_kafka": True}
        return report | _send(settings, outbox, event.data, event.time, reason)


def _retraction_in(outbox: Outbox, ward: str, seq: int) -> str:
    """The id of the retraction of a seq that an outbox has; it can only be behind it."""
    at = seq + 1
    while rows := outbox.kept(ward, range(at, 2**53)):
        for row in rows:
            event = decode(row.value)
            if isinstance(event, RetractedEvent) and (event.data.of.epoch, event.data.of.seq) == (
                outbox.epoch,
                seq,
            ):
                return event.id
        at = rows[-1].seq + 1
    return ""


def _send(
    settings: Settings, outbox: Outbox, of: StatusChanged, of_time: datetime, reason: str
) -> dict[str, Any]:
    from ops.identity import gateway_sign
    from producers.publisher import Publisher

    draft = Draft(RetractedEvent, partial(_retraction, of, of_time, reason), datetime.now(UTC), of.ward)
    seq = outbox.append(of.ward, [draft])[0]
    sign = gateway_sign(settings)  # the city vouches for what it corrects
    publisher = Publisher(outbox, settings.kafka_bootstrap, settings.events_topic, sign=sign)
    in_kafka = publisher.run_until_empty(SEND_S)
    return {"retraction": f"{of.ward}/{outbox.epoch}/{seq}", "already": False, "in_kafka": in_kafka}


def _retraction(of: StatusChanged, of_time: datetime, reason: str, epoch: str, seq: int) -> Retracted:
    return Retracted(ward=of.ward, epoch=epoch, seq=seq, of=of, of_time=of_time, reason=reason)


def _corrections(settings: Settings) -> Outbox:
    """The city's own outbox of corrections; a lost file begins a new epoch."""
    folder = settings.data_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "city-corrections.sqlite"
    return Outbox(path, None if path.exists() else f"{CITY_EPOCHS}corrections-{secrets.token_hex(4)}")


def _not_there(ward: str, epoch: str, seq: int) -> Refused:
    return Refused(
        "no_such_event",
        f"Không có sự kiện trạng thái {ward}/{epoch}/{seq}: xem lại số thứ tự và --epoch",
        f"There is no status event {ward}/{epoch}/{seq}: check the seq and the --epoch",
    )


_GAPS: Final = """
SELECT ward, ward_name, hole.1 AS epoch, hole.2 AS first_seq, hole.3 AS last_seq,
    last_seq - first_seq + 1 AS missing
FROM v_ward_sync
ARRAY JOIN arrayZip(hole_epoch, hole_first, hole_last) AS hole
WHERE {ward:String} = '' OR ward = {ward:String}
ORDER BY ward, epoch, first_seq
"""
