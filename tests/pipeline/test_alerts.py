"""Goal: an alert is kept, told once, acknowledged and ended, through restarts and receivers that fail.

Method: the real engine of ClickHouse, rules over a table of the test, real HTTP and SMTP servers.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Unavailable
from streams.monitor.alerts import ledger
from streams.monitor.alerts.channels import Mail, Webhook
from streams.monitor.alerts.config import AlertsConfig, MailConfig, WebhookConfig
from streams.monitor.alerts.engine import Engine
from streams.monitor.alerts.model import OPEN
from streams.warehouse.store import Address, Store
from tests.conftest import eventually, free_port
from tests.pipeline import receivers
from tests.pipeline.warehouse import SQL, database

RULE = """-- vi: Có chuyện
-- en: Trouble
-- severity: critical
-- for: {hold}
-- what-vi: {{n}} chuyện ở {{ward_name}}
-- what-en: {{n}} troubles at {{ward_name}} since {{since}}
-- impact-vi: ảnh hưởng
-- impact-en: impact
-- next-vi: Chạy: dongbo ward show {{ward}}
-- next-en: Run: dongbo ward show {{ward}}
-- param least UInt32 default 1
SELECT key, '00070' AS ward, toDateTime64('2025-07-01 08:00:00', 3, 'Asia/Ho_Chi_Minh') AS since, n
FROM trouble FINAL WHERE n >= {{least:UInt32}}
"""
# Some minutes ago, so that minutes can pass in a test, and all that is due is due.
T0 = time.time_ns() // 1_000_000 - 900_000


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        store.command(
            "CREATE TABLE trouble (key String, n UInt32) ENGINE = ReplacingMergeTree ORDER BY key"
            " COMMENT 'vi: thử | en: test'"
        )
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    for table in ("alerts", "alert_deliveries", "alert_acks", "trouble"):
        shared.command(f"TRUNCATE TABLE {table}")
    return shared


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "alerts"
    folder.mkdir()
    (folder / "trouble.sql").write_text(RULE.format(hold=0), encoding="utf-8")
    return folder


@contextmanager
def engine(rules: Path, *ways: Any, **members: Any) -> Iterator[Engine]:
    stop = threading.Event()
    made = Engine(AlertsConfig(rules, **{"first_wait_ms": 100} | members), stop, list(ways))
    try:
        yield made
    finally:
        stop.set()
        made.close()


def trouble(store: Store, **counts: int) -> None:
    store.command("TRUNCATE TABLE trouble")
    store.insert("trouble", ("key", "n"), ("String", "UInt32"), [list(counts), list(counts.values())])


def shown(store: Store) -> list[tuple[str, bool]]:
    return store.query("SELECT key, open FROM v_alerts ORDER BY started_at, key").rows


def test_alert_starts_goes_on_and_ends_in_the_view(store: Store, rules: Path) -> None:
    trouble(store, a=3)
    with engine(rules) as one:
        facts = one.tick(store, T0)
        assert (facts["open"], facts["critical"], facts["rules_failed"]) == (1, 1, {})
        (row,) = store.query("SELECT * FROM v_alerts").dicts()
        assert (row["rule"], row["severity"], row["ward_name"], row["open"]) == (
            "trouble",
            "critical",
            "Hoàn Kiếm",
            True,
        )
        assert row["what_vi"] == "3 chuyện ở Hoàn Kiếm"
        assert row["what_en"] == "3 troubles at Hoàn Kiếm since 2025-07-01 08:00:00"
        assert row["next_en"] == "Run: dongbo ward show 00070"
        assert row["values"]["n"] == "3"
        assert isinstance(row["since"], datetime)
        trouble(store, a=4)
        one.tick(store, T0 + 61_000)
        assert store.value("SELECT values['n'] FROM v_alerts") == "4"
        trouble(store, b=1)
        one.tick(store, T0 + 66_000)
        assert sorted(shown(store)) == [("a", False), ("b", True)]
        assert store.value("SELECT age_s FROM v_alerts WHERE key = 'a'") == 66


def test_alert_that_does_not_hold_for_its_time_never_shows(store: Store, rules: Path) -> None:
    (rules / "trouble.sql").write_text(RULE.format(hold=30), encoding="utf-8")
    trouble(store, a=1, b=1)
    with engine(rules) as one:
        one.tick(store, T0)
        trouble(store, b=1)
        one.tick(store, T0 + 10_000)
    with engine(rules) as two:  # what is pending survives a restart as well
        assert shown(store) == []
        two.tick(store, T0 + 30_000)
        assert shown(store) == [("b", True)]


def test_restarted_engine_goes_on_with_what_is_stored(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    with engine(rules) as one:
        one.tick(store, T0)
    before = ledger.alerts(store, T0)
    with engine(rules) as two:
        assert two.tick(store, T0 + 5_000)["open"] == 1
        assert [alert.id for alert in ledger.alerts(store, T0)] == [alert.id for alert in before]
        trouble(store)
        two.tick(store, T0 + 10_000)
    with engine(rules) as three:  # it returns within a minute of its end, over a restart
        trouble(store, a=1)
        three.tick(store, T0 + 15_000)
    (after,) = ledger.alerts(store, T0)
    assert (after.id, after.state, after.started_ms) == (before[0].id, OPEN, before[0].started_ms)


def test_two_engines_at_once_end_with_one_alert_that_ends(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    with engine(rules) as one, engine(rules) as two:
        two.tick(store, T0 - 1)
        trouble(store, a=1, b=1)
        one.tick(store, T0)  # has taken over `a`
        two.tick(store, T0 + 1)  # has found `b` on its own
        assert shown(store) == [("a", True), ("b", True), ("b", True)]
        for later in (60_000, 60_001):
            (one if later % 2 == 0 else two).tick(store, T0 + later)
        assert shown(store) == [("a", True), ("b", True)]
        trouble(store)
        two.tick(store, T0 + 65_000)
        one.tick(store, T0 + 66_000)
        assert shown(store) == [("a", False), ("b", False)]


def test_failing_rule_is_an_alert_and_ends_no_other(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    other = (rules / "trouble.sql").read_text(encoding="utf-8").replace("AS since, n", "AS since, n, 1 AS x")
    (rules / "other.sql").write_text(other, encoding="utf-8")
    with engine(rules) as one:
        one.tick(store, T0)
        good = (rules / "trouble.sql").read_text(encoding="utf-8")
        (rules / "trouble.sql").write_text(good.replace("FROM trouble", "FROM nowhere"), encoding="utf-8")
        for later in (5_000, 40_000, 300_000):
            one.tick(store, T0 + later)
        found = store.query("SELECT rule, key FROM v_alerts WHERE open ORDER BY rule, key").rows
        assert found == [("other", "a"), ("rule-failed", "trouble"), ("trouble", "a")]
        assert "nowhere" in store.value("SELECT what_en FROM v_alerts WHERE rule = 'rule-failed'")
        (rules / "trouble.sql").write_text(good, encoding="utf-8")
        one.tick(store, T0 + 305_000)
        one.tick(store, T0 + 370_000)
        assert store.value("SELECT count() FROM v_alerts WHERE open") == 2


def test_rule_that_is_asked_seldom_is_asked_again_at_once_after_a_failure(store: Store, rules: Path) -> None:
    good = (rules / "trouble.sql").read_text(encoding="utf-8").replace("-- for:", "-- every: 600\n-- for:")
    (rules / "trouble.sql").write_text(good.replace("FROM trouble", "FROM not_made_yet"), encoding="utf-8")
    trouble(store, a=1)
    with engine(rules) as one:
        one.tick(store, T0)
        (rules / "trouble.sql").write_text(good, encoding="utf-8")
        assert one.tick(store, T0 + 5_000)["open"] == 1
        trouble(store)
        assert one.tick(store, T0 + 604_000)["open"] == 1
        assert one.tick(store, T0 + 606_000)["open"] == 0
    assert shown(store) == [("a", False)]


def test_wrong_header_of_one_rule_leaves_the_others_at_work(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    (rules / "broken.sql").write_text("-- vi: x\nSELECT 1", encoding="utf-8")
    with engine(rules) as one:
        facts = one.tick(store, T0)
        assert list(facts["rules_failed"]) == ["broken"]
        assert one.tick(store, T0 + 31_000)["open"] == 2


def test_rule_with_an_odd_value_silences_itself_only(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    text = (rules / "trouble.sql").read_text(encoding="utf-8")
    (rules / "odd.sql").write_text(
        text.replace("AS since, n", "AS since, n, tuple(n, key) AS pair"), encoding="utf-8"
    )
    (rules / "two.sql").write_text(text.replace("SELECT key", "SELECT 1; SELECT key"), encoding="utf-8")
    with engine(rules) as one:
        facts = one.tick(store, T0)
        assert list(facts["rules_failed"]) == ["two"]
        assert store.value("SELECT values['pair'] FROM v_alerts WHERE rule = 'odd'") == "1, a"


def test_delivery_of_an_alert_that_ended_long_ago_is_still_sent(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    dead = Webhook(WebhookConfig(f"http://127.0.0.1:{free_port()}/"))
    with engine(rules, dead) as one:
        one.tick(store, T0)
        trouble(store)
        one.tick(store, T0 + 5_000)
        one.tick(store, T0 + 70_000)
        eventually(lambda: store.value("SELECT max(attempts) FROM v_alert_deliveries") >= 1)
    store.command(
        "ALTER TABLE alerts UPDATE ended_at = ended_at - INTERVAL 3 DAY WHERE 1 SETTINGS mutations_sync = 1"
    )
    with receivers.hook() as hook, engine(rules, Webhook(WebhookConfig(hook.url))) as two:
        two.tick(store, T0 + 75_000)
        eventually(lambda: sent(store) == 2)
        assert [body["kind"] for body in hook.bodies()] == ["start", "end"]


def test_rule_without_a_file_ends_its_alerts(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    text = (rules / "trouble.sql").read_text(encoding="utf-8")
    (rules / "other.sql").write_text(text, encoding="utf-8")
    with engine(rules) as one:
        one.tick(store, T0)
        (rules / "other.sql").unlink()
        one.tick(store, T0 + 5_000)
        assert store.query("SELECT rule FROM v_alerts WHERE open").rows == [("trouble",)]


def test_rule_may_not_write(store: Store, rules: Path) -> None:
    text = (rules / "trouble.sql").read_text(encoding="utf-8")
    head = "\n".join(line for line in text.splitlines() if line.startswith("--"))
    (rules / "trouble.sql").write_text(f"{head}\nTRUNCATE TABLE alerts", encoding="utf-8")
    trouble(store, a=1)
    store.command("INSERT INTO alerts (id, state) VALUES ('x', 'dropped')")
    with engine(rules) as one:
        assert list(one.tick(store, T0)["rules_failed"]) == ["trouble"]
    assert store.value("SELECT count() FROM alerts WHERE id = 'x'") == 1


def test_more_rows_than_can_be_are_said_and_the_rest_stands(store: Store, rules: Path) -> None:
    store.command("INSERT INTO trouble SELECT toString(number), 1 FROM numbers(1005)")
    with engine(rules) as one:
        facts = one.tick(store, T0)
        assert facts["open"] == 1_000
        assert "5 more rows" in facts["rules_failed"]["trouble"]


def test_webhook_gets_one_signed_message_for_start_and_end(store: Store, rules: Path) -> None:
    with receivers.hook() as hook, engine(rules, Webhook(WebhookConfig(hook.url, "khóa"))) as one:
        trouble(store, a=3)
        for second in range(0, 30, 5):
            one.tick(store, T0 + second * 1000)
        eventually(lambda: sent(store) == 1)
        trouble(store)
        for second in range(30, 120, 5):
            one.tick(store, T0 + second * 1000)
        eventually(lambda: sent(store) == 2)
        start, end = hook.bodies()
        assert [(body["kind"], body["alerts"][0]["event"]) for body in (start, end)] == [
            ("start", "start"),
            ("end", "end"),
        ]
        told = start["alerts"][0]
        assert told["what"]["vi"] == "3 chuyện ở Hoàn Kiếm"
        assert told["next"]["en"] == "Run: dongbo ward show 00070"
        assert (told["ward_name"], told["severity"], told["ended_at"]) == ("Hoàn Kiếm", "critical", None)
        assert end["alerts"][0]["ended_at"] > told["started_at"]
        headers, body = hook.received[0]
        assert headers["path"] == "/hook?to=desk"
        assert headers["Idempotency-Key"] == start["id"] != end["id"]
        assert documented_check("khóa", headers["X-Dongbo-Signature"], body)
        assert not documented_check("khoá", headers["X-Dongbo-Signature"], body)
        assert not documented_check("khóa", headers["X-Dongbo-Signature"], body + b" ")


def test_failing_webhook_gets_the_message_once_it_answers_over_a_restart(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    port = free_port()
    config = WebhookConfig(f"http://127.0.0.1:{port}/")
    with engine(rules, Webhook(config)) as one:
        one.tick(store, T0)
        eventually(lambda: store.value("SELECT max(attempts) FROM v_alert_deliveries") >= 2)
        row = store.query("SELECT state, error FROM v_alert_deliveries").rows[0]
        assert (row[0], "refused" in row[1]) == ("waiting", True)
    with receivers.hook(port) as hook, engine(rules, Webhook(config)) as two:
        hook.answers += [500, 503]
        two.tick(store, T0 + 5_000)
        eventually(lambda: sent(store) == 1)
        bodies = hook.bodies()
        assert len({body["id"] for body in bodies}) == 1
        assert len(bodies) == 3
        assert bodies[-1]["attempt"] >= 5
        two.tick(store, T0 + 10_000)
    with receivers.hook(port) as hook, engine(rules, Webhook(config)) as three:
        three.tick(store, T0 + 15_000)
        time.sleep(1.2)  # two looks of the sender
        assert hook.received == []


def test_lost_confirmation_sends_the_same_message_again(store: Store, rules: Path) -> None:
    """At least once: the receiver knows the second copy by its key."""
    trouble(store, a=1)
    with receivers.hook() as hook:
        with engine(rules, Webhook(WebhookConfig(hook.url))) as one:
            one.tick(store, T0)
            eventually(lambda: sent(store) == 1)
        store.command("ALTER TABLE alert_deliveries DELETE WHERE state = 'sent' SETTINGS mutations_sync = 1")
        with engine(rules, Webhook(WebhookConfig(hook.url))) as two:
            two.tick(store, T0 + 5_000)
            eventually(lambda: sent(store) == 1)
        assert len({headers["Idempotency-Key"] for headers, _ in hook.received}) == 1
        assert len(hook.received) == 2


def test_redirect_is_not_followed_and_a_refused_message_holds_up_no_other(store: Store, rules: Path) -> None:
    with receivers.hook() as hook:
        hook.answers += [302]
        with engine(rules, Webhook(WebhookConfig(hook.url)), first_wait_ms=3_000) as one:
            trouble(store, a=1, b=1)
            one.tick(store, T0)
            eventually(lambda: sent(store) == 1)
            assert store.value("SELECT max(error) FROM v_alert_deliveries") == "HTTP 302"
            assert {headers["path"] for headers, _ in hook.received} == {"/hook?to=desk"}


def test_slow_receiver_never_holds_up_evaluation(store: Store, rules: Path) -> None:
    with receivers.hook() as hook:
        hook.hold.clear()
        with engine(rules, Webhook(WebhookConfig(hook.url))) as one:
            began = time.monotonic()
            for second in range(5):
                trouble(store, **{f"k{second}": 1})
                one.tick(store, T0 + second * 1000)
            assert time.monotonic() - began < 8
            assert hook.received == []
            assert store.value("SELECT count() FROM v_alerts") == 5
            hook.hold.set()


def test_flood_goes_out_as_one_digest(store: Store, rules: Path) -> None:
    with receivers.hook() as hook, engine(rules, Webhook(WebhookConfig(hook.url)), digest_over=3) as one:
        trouble(store, **{f"k{number}": 1 for number in range(10)})
        one.tick(store, T0)
        eventually(lambda: sent(store) == 10)
        (body,) = hook.bodies()
        assert (body["kind"], len(body["alerts"])) == ("digest", 10)
        trouble(store, **{f"k{number}": 1 for number in range(8)})
        for later in (5_000, 70_000):
            one.tick(store, T0 + later)
        eventually(lambda: sent(store) == 12)
        assert [body["kind"] for body in hook.bodies()] == ["digest", "end", "end"]


def test_mail_says_all_in_both_languages_over_tls(
    store: Store, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = receivers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with receivers.letterbox(pem) as box:
        box.codes += [451]
        config = MailConfig(
            "127.0.0.1", "city@example.vn", ("a@example.vn", "b@example.vn"), box.port, "alerts", "hidden"
        )
        with engine(rules, Mail(config)) as one:
            trouble(store, a=2)
            one.tick(store, T0)
            eventually(lambda: sent(store) == 1)
        (mail,) = box.mails
        assert (box.encrypted, box.logins[-1]) == ([True], b"\0alerts\0hidden")
        assert "Có chuyện Hoàn Kiếm (00070) / START, critical: Trouble" in mail["Subject"]
        assert mail["To"] == "a@example.vn, b@example.vn"
        vi, en = mail.iter_parts()
        assert (vi["Content-Language"], en["Content-Language"]) == ("vi", "en")
        for part, what in ((vi, "2 chuyện ở Hoàn Kiếm"), (en, "2 troubles at Hoàn Kiếm")):
            text = part.get_content()
            assert what in text
            assert "dongbo ward show 00070" in text
            assert "01/07/2025 08:00:00" in text
        assert len(mail["Message-ID"]) > 20


def test_mail_to_a_server_nobody_vouches_for_is_not_sent(store: Store, rules: Path, tmp_path: Path) -> None:
    with receivers.letterbox(receivers.certificate(tmp_path)) as box:
        config = MailConfig("127.0.0.1", "city@example.vn", ("a@example.vn",), box.port)
        with engine(rules, Mail(config)) as one:
            trouble(store, a=1)
            one.tick(store, T0)
            eventually(
                lambda: "CERTIFICATE" in store.value("SELECT max(error) FROM v_alert_deliveries").upper()
            )
        assert box.mails == []


def test_alerts_go_on_and_out_while_clickhouse_is_away(store: Store, rules: Path) -> None:
    away = Store(Address("127.0.0.1", free_port(), "x", "x", "x"))
    trouble(store, a=1)
    with receivers.hook() as hook, engine(rules, Webhook(WebhookConfig(hook.url))) as one:
        one.tick(store, T0)
        eventually(lambda: len(hook.received) == 1)
        for later in (61_000, 100_000):
            with pytest.raises(Unavailable):
                one.tick(away, T0 + later)
        eventually(lambda: len(hook.received) == 2)
        assert hook.bodies()[-1]["alerts"][0]["rule"] == "rule-failed"
        assert store.query("SELECT rule FROM v_alerts").rows == [("trouble",)]
        one.tick(store, T0 + 105_000)
        assert shown(store) == [("a", True), ("trouble", False)]
        eventually(lambda: sent(store) == 2)
    away.close()


def test_acknowledgement_stays_with_the_alert(store: Store, rules: Path) -> None:
    trouble(store, a=1)
    with engine(rules) as one:
        one.tick(store, T0)
        (ident,) = store.query("SELECT id FROM v_alerts").rows[0]
        ledger.acknowledge(store, [ident], "operator", "đường truyền hỏng")
        one.tick(store, T0 + 61_000)
        trouble(store)
        one.tick(store, T0 + 66_000)
    row = store.query("SELECT open, acked_by, note, acked_at FROM v_alerts").dicts()[0]
    assert (row["open"], row["acked_by"], row["note"]) == (False, "operator", "đường truyền hỏng")
    assert row["acked_at"] is not None


def documented_check(secret: str, header: str, body: bytes) -> bool:
    """The very lines that docs/alerts.md gives to a receiver."""
    text = (SQL.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return bool(names["is_ours"](secret, header, body))


def sent(store: Store) -> int:
    return int(store.value("SELECT count() FROM v_alert_deliveries WHERE state = 'sent'"))
