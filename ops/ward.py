"""A ward's tools on the command line: check a file of events, send it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Producer

from ops import console
from ops.identity import gateway_sign
from ops.settings import Settings, load
from producers.contract.errors import Refused, Unavailable
from producers.files import Line, read

REJECTED = 4
DELIVERY_S = 60.0


def validate(file: Path, *, as_json: bool) -> int:
    """Report every bad line with its number, code, member, and what to send instead in both languages."""
    lines = _read(file)
    bad = [line for line in lines if line.reject]
    if as_json:
        console.emit_json({"lines": len(lines), "bad": [_finding(line) for line in bad]})
    else:
        for line in bad:
            _explain(file, line)
    console.note(f"{len(lines)} events, {len(bad)} bad / {len(lines)} sự kiện, {len(bad)} sai")
    return REJECTED if bad else 0


def publish(
    file: Path | None, *, mapping: Path | None, example_mapping: bool, dry_run: bool, as_json: bool
) -> int:
    """Send a file whose every line is good; the same file twice is counted once."""
    from producers import sheets

    if example_mapping:
        console.out.print(sheets.EXAMPLE, markup=False, end="")
        return 0
    if file is None:
        raise Refused("no_file", "Cần tên tệp: dongbo publish TỆP", "Name a file: dongbo publish FILE")
    if mapping is not None or file.suffix.lower() in sheets.SUFFIXES:
        if mapping is None:
            raise Refused(
                "no_mapping",
                "CSV, XLSX cần tệp ánh xạ cột: xem dongbo publish --example-mapping, rồi thêm --mapping TỆP",
                "CSV and XLSX need a mapping: see dongbo publish --example-mapping, then add --mapping FILE",
            )
        from ops.sheet_publish import publish as send

        return send(file, mapping, dry_run=dry_run, as_json=as_json)
    return _publish_lines(file, dry_run=dry_run, as_json=as_json)


def _publish_lines(file: Path, *, dry_run: bool, as_json: bool) -> int:
    lines = _read(file)
    if dry_run or any(line.reject for line in lines):
        return validate(file, as_json=as_json)
    delivered = _send(load(), lines)
    if as_json:
        console.emit_json({"lines": len(lines), "delivered": delivered})
    console.note(f"{delivered} of {len(lines)} events are in Kafka")
    return 0 if delivered == len(lines) else 3


def _read(file: Path) -> list[Line]:
    with file.open("rb") as stream:
        return list(read(stream))


def _finding(line: Line) -> dict[str, Any]:
    reject = line.reject
    assert reject is not None
    reason = reject.reason
    return {
        "line": line.number,
        "code": reject.code,
        "member": reject.member,
        "detail": reject.detail,
        "vi": f"{reason.vi}. {reason.remedy_vi}",
        "en": f"{reason.en}. {reason.remedy_en}",
    }


def _explain(file: Path, line: Line) -> None:
    found = _finding(line)
    console.out.print(
        f"{file}:{line.number}: {found['code']} {found['member']} {found['detail']}", markup=False
    )
    console.out.print(f"    {found['vi']}\n    {found['en']}", markup=False)


def _send(settings: Settings, lines: list[Line]) -> int:
    delivered = 0

    def report(error: object, _message: object) -> None:
        nonlocal delivered
        delivered += error is None

    try:
        producer = Producer(_producer_settings(settings.kafka_bootstrap))
        producer.list_topics(settings.events_topic, timeout=5.0)
        sign = gateway_sign(settings)
        for line in lines:
            assert line.event is not None
            ward = line.event.data.ward
            headers: Any = sign(ward, line.value) if sign else None
            producer.produce(
                settings.events_topic, line.value, ward.encode(), headers=headers, on_delivery=report
            )
            producer.poll(0)
        producer.flush(DELIVERY_S)
    except (KafkaException, BufferError) as error:
        raise Unavailable("kafka", str(error), "The same file may be sent again without harm") from error
    return delivered


def _producer_settings(bootstrap: str) -> dict[str, Any]:
    # murmur2_random: librdkafka's own default would scatter a ward over the partitions.
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "message.timeout.ms": int(DELIVERY_S * 1000),
        "queue.buffering.max.messages": 2_000_000,
        "log_level": 0,
    }
