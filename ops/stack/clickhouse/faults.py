"""ClickHouse's errors as its HTTP interface shows them: code, symbolic name, HTTP status.

The codes and the status of each are those of ClickHouse 26 (its exceptionCodeToHTTPStatus), so that a client
cannot tell which of the two it talks to.
"""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"Code: (\d+)\. DB::Exception: ")
_STATUSES: Final[dict[int, tuple[int, ...]]] = {
    400: (
        6,
        8,
        15,
        25,
        26,
        27,
        36,
        37,
        38,
        41,
        44,
        53,
        62,
        72,
        117,
        123,
        167,
        168,
        223,
        321,
        376,
        427,
        441,
        675,
        676,
    ),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (229,),
    415: (779,),
    501: (48,),
    503: (76, 209, 439),
}
_STATUS_OF: Final = {code: status for status, codes in _STATUSES.items() for code in codes}

SYNTAX_ERROR: Final = 62
UNKNOWN_FORMAT: Final = 73
UNKNOWN_COMPRESSION_METHOD: Final = 89
CANNOT_DECOMPRESS: Final = 271
CHECKSUM_DOESNT_MATCH: Final = 40
TIMEOUT_EXCEEDED: Final = 159
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
INVALID_SESSION_TIMEOUT: Final = 374
QUERY_WAS_CANCELLED: Final = 394
NO_DATA_TO_INSERT: Final = 108
READONLY: Final = 164
TOO_MANY_SIMULTANEOUS_QUERIES: Final = 202
TOO_LARGE: Final = 396
QUERY_IS_TOO_LARGE: Final = 229
NOT_IMPLEMENTED: Final = 48
ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
UNKNOWN_EXCEPTION: Final = 1002

_NAMES: Final[dict[int, str]] = {
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
    CHECKSUM_DOESNT_MATCH: "CHECKSUM_DOESNT_MATCH",
    TIMEOUT_EXCEEDED: "TIMEOUT_EXCEEDED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    INVALID_SESSION_TIMEOUT: "INVALID_SESSION_TIMEOUT",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    NO_DATA_TO_INSERT: "NO_DATA_TO_INSERT",
    READONLY: "READONLY",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    TOO_LARGE: "TOO_MANY_ROWS_OR_BYTES",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
}


class Fault(Exception):
    """A statement that failed, as the client is told. Not part of our own error tree: it crosses the wire."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)

    @property
    def status(self) -> int:
        return _STATUS_OF.get(self.code, 500)

    def told(self, version: str) -> str:
        """The text as the server ends it, on one line."""
        text = " ".join(self.text.split("\0"))
        return text if "(version " in text else f"{text} (version {version})"


def fault(code: int, detail: str) -> Fault:
    """A refusal of the endpoint's own, worded as the server words its."""
    return Fault(code, f"Code: {code}. DB::Exception: {detail} ({_NAMES[code]})")


def from_engine(error: Exception) -> Fault:
    """What the engine raised, with its own code. chdb puts words of its own before it, which are dropped."""
    text = str(error)
    found = _CODE.search(text)
    if found is None:
        return fault(UNKNOWN_EXCEPTION, text)
    return Fault(int(found.group(1)), text[found.start() :])
