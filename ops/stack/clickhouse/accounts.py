"""Who may ask: the writer, the page's reader, and analysts, each with a password; and what each may see.

    WRITER    the pipeline: everything inside the database
    READER    the live page and the command line: reads all but original bytes, within limits
    ANALYST   a person: views and reference tables only, within narrower limits; perhaps of one ward only

Analysts stand in a file that `dongbo analyst` writes; it is looked at again at each request, so that adding
and revoking need no restart.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ops.settings import Settings
from ops.stack.clickhouse import faults
from ops.stack.clickhouse.analysts import Analysts
from ops.stack.clickhouse.request import Credentials


class Role(Enum):
    """Who runs a statement."""

    WRITER = "writer"
    READER = "reader"
    ANALYST = "analyst"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whose password was right. `ward` is set for an analyst who sees that ward only."""

    name: str
    role: Role
    ward: str | None = None

    @property
    def writes(self) -> bool:
        return self.role is Role.WRITER


class Accounts:
    """The users of one endpoint."""

    def __init__(self, settings: Settings) -> None:
        self._fixed: Final = {
            settings.clickhouse_reader_user: (settings.clickhouse_reader_password, Role.READER),
            settings.clickhouse_user: (settings.clickhouse_password, Role.WRITER),
        }
        self._analysts: Final = Analysts(settings.analysts_file())

    def check(self, claimed: Credentials) -> Account:
        """Raises `Fault` unless user and password are right; which of the two was wrong is not said."""
        password, role = self._fixed.get(claimed.user, (None, Role.READER))
        if password is not None:
            # A header may hold any bytes; what is no UTF-8 is a wrong password, not a fault of the server.
            said = claimed.password.encode("utf-8", "surrogateescape")
            if hmac.compare_digest(said, password.get_secret_value().encode()):
                return Account(claimed.user, role)
        elif (known := self._analysts.admitted(claimed.user, claimed.password)) is not None:
            return Account(known.name, Role.ANALYST, known.ward)
        raise faults.fault(
            faults.AUTHENTICATION_FAILED,
            f"{printable(claimed.user)}: Authentication failed: password is incorrect,"
            " or there is no user with such name.",
        )


def printable(text: str) -> str:
    """Text that a client sent, fit for a line of an answer: no line breaks, not long."""
    return "".join(each if each.isprintable() else "?" for each in text[:128])
