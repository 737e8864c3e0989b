"""Every error of ours, in one tree.

DongBoError
├── Reject        the record is wrong: store it in `rejects` with its reason, go on
├── Unavailable   a service is away: wait and try again, lose nothing
├── OutboxFull    the ward's outbox has reached its bound: stop accepting, tell the ward
├── Refused       what was asked for cannot be done: tell the caller, in vi and en; nothing was changed
└── Stop          we are wrong or misconfigured: end the process, a person must act
"""

from __future__ import annotations

from producers.contract.reasons import EVERY_REASON, Reason


class DongBoError(Exception):
    """Base of all errors that Đồng Bộ raises on purpose."""


class Reject(DongBoError):
    """A record that breaks the contract.

    `code` is one of `EVERY_REASON`, `member` the path of the offending member (`$.data.status`) and `detail`
    what was found there. Details never repeat a value that could be personal data.
    The operator does nothing: the ward reads the reason and sends a corrected event.
    """

    def __init__(self, code: str, detail: str = "", member: str = "$") -> None:
        self.reason: Reason = EVERY_REASON[code]
        self.code = code
        self.detail = detail
        self.member = member
        super().__init__(f"{code} at {member}: {detail}" if detail else f"{code} at {member}")


class Unavailable(DongBoError):
    """A service does not answer. Nothing is lost: the caller waits and tries again.

    The operator reads `remedy`.
    """

    def __init__(self, service: str, detail: str, remedy: str) -> None:
        self.service, self.detail, self.remedy = service, detail, remedy
        super().__init__(f"{service}: {detail}. {remedy}")


class OutboxFull(DongBoError):
    """The outbox holds `pending` unsent events, its bound. Nothing was added.

    The ward's operator restores the line to the city, or raises the bound; the caller keeps the events.
    """

    def __init__(self, pending: int, pending_max: int) -> None:
        self.pending, self.pending_max = pending, pending_max
        super().__init__(
            f"outbox_full: {pending} events wait to be sent, the bound is {pending_max}. "
            "Nothing was added: check the line to the city, then add them again. / "
            f"Hộp gửi đã đầy: {pending} sự kiện chưa gửi, giới hạn là {pending_max}. "
            "Chưa có gì được thêm: kiểm tra đường truyền tới thành phố rồi thêm lại."
        )


class Refused(DongBoError):
    """A caller asked for what cannot be done. `code` is stable; `vi` and `en` say why and what to do."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        self.code, self.vi, self.en = code, vi, en
        super().__init__(f"{code}: {vi} / {en}")


class Stop(DongBoError):
    """The process cannot go on safely. `code` is stable, `remedy` is what a person does."""

    def __init__(self, code: str, detail: str, remedy: str) -> None:
        self.code, self.detail, self.remedy = code, detail, remedy
        super().__init__(f"{code}: {detail}. {remedy}")
