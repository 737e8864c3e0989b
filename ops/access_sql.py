"""`sql/access.sql` for a ClickHouse server of one's own, filled in: roles, limits, rows of a ward, users.

Which of its statements are meant follows from the names that are left to fill in: `{user}` makes a person,
`{ward}` the role of a ward, any other the installation. Nothing is run here: an administrator reads it first.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from ops.city.prepare import SQL_FOLDER
from ops.stack.clickhouse.analysts import BAD_NAME, NAME
from producers.contract.errors import Refused, Reject
from producers.contract.wards import WARDS
from streams.warehouse.migrate import Script

FILE: Final = SQL_FOLDER / "access.sql"


def for_city(database: str) -> list[str]:
    """The roles of the installation and of the city's analysts."""
    return [_filled(one, database=database) for one in _statements() if not _is_of(one, "ward", "user")]


def for_ward(database: str, ward: str) -> list[str]:
    """The role of one ward's analysts: its rows, and what it may read.

    :raises Reject: unknown_ward
    """
    _check(ward)
    return [_filled(one, database=database, ward=ward) for one in _statements() if _is_of(one, "ward")]


def for_user(database: str, user: str, ward: str | None) -> tuple[list[str], str]:
    """One analyst, and the password, which stands nowhere else.

    :raises Refused: the name is malformed
    :raises Reject: unknown_ward
    """
    if not NAME.fullmatch(user):
        raise Refused(*BAD_NAME)
    if ward is not None:
        _check(ward)
    password = secrets.token_urlsafe(32)
    words = {
        "database": database,
        "user": user,
        "role": "dongbo_analyst" if ward is None else f"dongbo_ward_{ward}",
        "hash": hashlib.sha256(password.encode()).hexdigest(),
    }
    return [_filled(one, **words) for one in _statements() if _is_of(one, "user")], password


def _statements() -> tuple[str, ...]:
    return Script.read(FILE).statements


def _is_of(statement: str, *names: str) -> bool:
    return any(f"{{{name}}}" in statement for name in names)


def _check(ward: str) -> None:
    if ward not in WARDS:
        raise Reject("unknown_ward", "not one of the 126 codes")


def _filled(statement: str, **words: str) -> str:
    for name, word in words.items():
        statement = statement.replace(f"{{{name}}}", word)
    return statement
