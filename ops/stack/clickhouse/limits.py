"""What a statement may use, by who runs it: settings in force before it is seen.

Everything else that a reader or analyst sends is dropped, as clients send settings nobody asked for; within
SQL (SELECT ... SETTINGS) the engine refuses all of them at readonly=1.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Final

from ops.settings import Settings
from ops.stack.clickhouse.accounts import Account, Role

_OWN_CHOICE: Final = frozenset(
    {
        "aggregate_functions_null_for_empty",
        "date_time_input_format",
        "date_time_output_format",
        "extremes",
        "final",
        "join_use_nulls",
        "max_block_size",
        "max_threads",
        "result_overflow_mode",
        "session_timezone",
    }
)
_PREFIXES: Final = ("output_format_", "format_csv_")
_LIMITS: Final = ("max_execution_time", "max_result_rows", "max_memory_usage")
_NICE: Final = 10
# Readers send statements, not data.
_READER_BODY_BYTES_MAX: Final = 1024 * 1024
_SPILL_BYTES: Final = 2 << 30
# No plan may put what the asker wrote before the filter of rows: a function that throws would tell other
# wards' values.
_ROWS_FIRST: Final = {"query_plan_merge_filters": "0", "output_format_write_statistics": "0"}


def limited(settings: Settings, account: Account, asked: Mapping[str, str]) -> dict[str, str]:
    """The settings in force: what was asked for, within what the account may ask."""
    if account.writes:
        return {
            "max_memory_usage": str(settings.clickhouse_memory_mb << 20),
            "min_free_disk_bytes_to_perform_insert": str(settings.clickhouse_disk_reserve_mb << 20),
            **asked,
        }
    chosen = {
        name: value for name, value in asked.items() if name in _OWN_CHOICE or name.startswith(_PREFIXES)
    }
    for name, bound in zip(_LIMITS, bounds(settings, account), strict=True):
        wanted = asked.get(name, "")
        is_number = wanted.isdecimal() and len(wanted) < 19
        chosen[name] = str(min(int(wanted), bound) if is_number and int(wanted) else bound)
    if account.role is Role.ANALYST:
        chosen |= {"max_threads": "1", "max_temporary_data_on_disk_size_for_query": str(_SPILL_BYTES)}
        if may_be_nice():
            chosen["os_threads_nice_value_query"] = str(_NICE)
    return chosen if account.ward is None else chosen | _ROWS_FIRST


def bounds(settings: Settings, account: Account) -> tuple[int, int, int]:
    """Seconds, rows of a result, and bytes of memory that the account's statement may take at most."""
    if account.role is Role.ANALYST:
        return (
            settings.clickhouse_analyst_seconds_max,
            settings.clickhouse_analyst_rows_max,
            settings.clickhouse_analyst_memory_mb << 20,
        )
    return (
        settings.clickhouse_reader_seconds_max,
        settings.clickhouse_reader_rows_max,
        settings.clickhouse_reader_memory_mb << 20,
    )


def body_bytes_max(settings: Settings, account: Account) -> int:
    """The largest body of the account, packed and unpacked: what comes small must not become large."""
    most = settings.clickhouse_body_bytes_max
    return most if account.writes else min(most, _READER_BODY_BYTES_MAX)


@cache
def may_be_nice() -> bool:
    """Whether this process may lower a thread's priority and raise it again.

    The engine's threads are shared: without the right to raise it, every thread that once served an analyst
    would be slow for the loader as well. Tried in a thread that ends.
    """
    found: list[bool] = []

    def attempt() -> None:
        own = threading.get_native_id()
        try:
            before = os.getpriority(os.PRIO_PROCESS, own)
            os.setpriority(os.PRIO_PROCESS, own, before + 1)
            os.setpriority(os.PRIO_PROCESS, own, before)
        except OSError:
            return
        found.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(found)
