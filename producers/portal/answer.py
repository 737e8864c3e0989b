"""The answer in the portal's own form.

VERIFIED, from what two public systems do with it: an object with `error_code` and `message`; success is
`"00"` for OpenCPS, which sends an envelope (its newest version takes 0 in any spelling), and `"0"` with the
words "thành công" in `message` for the provincial system, which sends the bare array and, after a progress
message, looks for these words in the *whole* text; so they stand in no answer that refuses anything, and
"đã tồn tại", which makes it send again as an update, stands nowhere. Both read the body of HTTP 200 only.

Our choice: the numbers of refusals, `result` with one entry a record, `findings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from producers.portal.errors import Refused
from producers.portal.findings import Finding

Kind = Literal["accepted", "duplicate", "unchanged", "withheld"]

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "accepted": ("Đã nhận", "Taken"),
    "duplicate": ("Đã nhận trước đó", "Taken before"),
    "unchanged": ("Trạng thái không đổi, không tạo sự kiện mới", "No change of status, so no new event"),
    "withheld": ("Đã ghi nhận nhưng chưa tính trạng thái 9", "Noted, but the status 9 is not counted yet"),
}


class Outcome(NamedTuple):
    """What became of one record. `dossier` is empty unless it is a well-formed code; `seq` 0 is no event."""

    dossier: str
    kind: Kind = "accepted"
    seq: int = 0
    refused: Refused | None = None


class Answer(NamedTuple):
    """What the ward's system is told; `highest_seq` is what to wait for until Kafka has all of it."""

    outcomes: Sequence[Outcome]
    findings: Sequence[Finding]
    bare: bool = False
    refused: Refused | None = None

    @property
    def highest_seq(self) -> int:
        """The highest seq of this answer's events; 0 if there is none."""
        return max((outcome.seq for outcome in self.outcomes), default=0)

    @property
    def first_refusal(self) -> Refused | None:
        """Why the request, or its first refused record, was refused."""
        return self.refused or next((one.refused for one in self.outcomes if one.refused), None)

    def body(self) -> bytes:
        """The answer as it travels."""
        refused = self.first_refusal
        number = refused.problem.number if refused else ("0" if self.bare else "00")
        return msgspec.json.encode(
            {
                "error_code": number,
                **self._message(refused),
                "result": [self._result(outcome) for outcome in self.outcomes],
                "findings": [_finding(finding) for finding in self.findings],
            }
        )

    def _message(self, refused: Refused | None) -> dict[str, str]:
        if refused is not None:
            return _problem(refused)
        return {
            "message": f"Đồng bộ thành công {len(self.outcomes)} bản ghi",
            "message_en": f"{len(self.outcomes)} records taken",
        }

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        if outcome.refused is not None:
            problem = outcome.refused.problem
            return {
                "MaHoSo": outcome.dossier,
                "error_code": problem.number,
                **_problem(outcome.refused),
            }
        vi, en = _KINDS[outcome.kind]
        return {
            "MaHoSo": outcome.dossier,
            "error_code": "0" if self.bare else "00",
            "code": outcome.kind,
            "message": vi,
            "message_en": en,
            "seq": outcome.seq or None,
        }


def _problem(refused: Refused) -> dict[str, str]:
    vi, en = refused.problem.vi, refused.problem.en
    return {"code": refused.code, "member": refused.member, "message": vi, "message_en": en}


def _finding(finding: Finding) -> dict[str, str]:
    words = finding.words
    return {"code": finding.code, "MaHoSo": finding.dossier, "message": words.vi, "message_en": words.en}
