"""Removes what is older than the settings allow; `streams.warehouse.retention` says how."""

from __future__ import annotations

import logging
from typing import Final

from producers.contract.errors import Stop
from streams.monitor.jobs import Context, Facts
from streams.warehouse.retention import Policy, remove

# Whole months go at once, so an hour more or less is nothing.
EVERY_S: Final = 3_600.0
_log: Final = logging.getLogger(__name__)


class Retention:
    """The job; it remembers nothing."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def run(self, context: Context) -> Facts:
        """One removal, mostly of nothing.

        :raises Unavailable: ClickHouse is away
        """
        try:
            removed = remove(context.store, self._policy)
        except Stop as refused:
            # Books differ widely: the double entry says so already, and nothing was removed.
            _log.warning("nothing is removed: %s", refused)
            return {"refused": refused.code}
        for one in removed:
            _log.info(
                "removed %s before %s: %d rows, %d held", one.what, one.until, one.events, len(one.held)
            )
        return {
            one.what: {"until": str(one.until), "rows": one.events, "held": len(one.held)} for one in removed
        }
