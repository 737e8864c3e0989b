"""Goal: a setting is read once, typed, and a wrong one is named. Method: the real loader."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from ops.monitor_config import monitor_config
from ops.settings import PREFIX, Settings, load, table
from producers.contract.errors import Stop
from streams.domain.alive import Thresholds


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _, _ in table():
        monkeypatch.delenv(name, raising=False)


def test_load_without_environment_gives_the_documented_defaults() -> None:
    settings = load()
    assert settings.kafka_bootstrap == "127.0.0.1:19092"
    assert settings.clickhouse_port == 18123
    assert settings.data_dir.name == "var"


def test_load_reads_the_prefixed_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DONGBO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DONGBO_WORKER_COUNT", "3")
    settings = load()
    assert (settings.data_dir, settings.worker_count) == (tmp_path, 3)


def test_load_unknown_name_names_the_closest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONGBO_KAFKA_BOOTSTRAPS", "x:1")
    with pytest.raises(Stop, match="Did you mean DONGBO_KAFKA_BOOTSTRAP") as caught:
        load()
    assert caught.value.code == "unknown_setting"


def test_load_invalid_value_names_the_setting_and_hides_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DONGBO_CLICKHOUSE_PORT", "hemlig")
    with pytest.raises(Stop, match="DONGBO_CLICKHOUSE_PORT") as caught:
        load()
    assert "hemlig" not in str(caught.value)


def test_effective_masks_secrets_and_environment_carries_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DONGBO_CLICKHOUSE_PASSWORD", "bí-mật")
    settings = load()
    assert "bí-mật" not in str(settings.effective())
    assert "bí-mật" not in repr(settings)
    assert settings.environment()["DONGBO_CLICKHOUSE_PASSWORD"] == "bí-mật"


def test_environment_loads_to_equal_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, simulate_rate=7.5, kafka_external=True)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load() == settings


def test_table_explains_every_setting_in_one_sentence() -> None:
    rows = table()
    assert len(rows) == len(Settings.model_fields)
    for name, _, sentence in rows:
        assert name.startswith(PREFIX)
        assert sentence.endswith("."), name


def test_every_threshold_of_the_monitor_is_the_setting_of_its_name() -> None:
    unlike = {
        "ward_active_s": 1,
        "ward_silent_after_s": 12,
        "ward_behind_pending": 3,
        "hole_grace_s": 4,
        "hole_old_s": 5,
        "skew_max_s": 6,
        "declare_by_minute": 7,
        "recent_days": 8,
    }
    made = astuple(monitor_config(Settings.model_validate(unlike)).limits)
    assert made == tuple(unlike.values())
    assert all(one != default for one, default in zip(made, astuple(Thresholds()), strict=True))
