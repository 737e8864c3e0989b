"""The portal's codes as words of the contract: field, channel, applicant and the yes-or-no members."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from producers.contract.procedures import PROCEDURES
from producers.contract.vocabulary import FIELD_WORDS, Applicant, Channel
from producers.portal.payload import Loose, number

OTHER_FIELD: Final = "khac"
# Grave, acute, hook, tilde, dot below: the tones, which spellings put on different letters (hoà, hòa).
_TONES: Final = re.compile("[\u0300\u0301\u0309\u0303\u0323]")
_CHANNELS: Final = {1: Channel.COUNTER, 2: Channel.ONLINE, 3: Channel.POST}
_APPLICANTS: Final = {
    1: Applicant.CITIZEN,
    2: Applicant.BUSINESS,
    3: Applicant.AGENCY,
    4: Applicant.OTHER,
}
# 1 the national portal, 2 a local gateway; 0 none; 3 was seen for payment on the spot.
_PAID_ONLINE: Final = {0: False, 1: True, 2: True, 3: False}


def plain(name: str) -> str:
    """A name by which spellings are compared: letters in lower case, each word's tone at its end."""
    letters = unicodedata.normalize("NFD", name).casefold()
    letters = unicodedata.normalize("NFD", letters)
    return " ".join(_tone_last(word) for word in _words(letters))


def _words(letters: str) -> list[str]:
    return re.findall(r"(?:[^\W\d_]|[\u0300-\u036f])+", letters)


def _tone_last(word: str) -> str:
    return _TONES.sub("", word) + "".join(sorted(_TONES.findall(word)))


def _names(name: str) -> set[str]:
    """A field's name with and without what stands in brackets."""
    return {plain(name), plain(re.sub(r"\(.*?\)", "", name))}


_SLUGS: Final = {name: slug for slug, words in FIELD_WORDS.items() for name in _names(words.vi)}


def field_of(name: str, procedure: str) -> str | None:
    """The field's slug by its name, otherwise by the procedure; None if both are unknown."""
    known = PROCEDURES.get(procedure[:8])
    return _SLUGS.get(plain(name[:200])) or (known.field if known else None)


def channel_of(value: Loose) -> Channel | None:
    """The channel; none given means at the counter, None means that the code is unknown."""
    if value is None or value == "":
        return Channel.COUNTER
    return _CHANNELS.get(number(value) or 0)


def applicant_of(value: Loose) -> Applicant | None:
    """Who applies, if it is told."""
    return _APPLICANTS.get(number(value) or 0)


def paid_online_of(value: Loose) -> bool | None:
    """Whether it was paid online, if it is told."""
    found = number(value)
    return None if found is None else _PAID_ONLINE.get(found)


def yes_of(value: Loose) -> bool | None:
    """A yes or no, if it is told."""
    found = number(value)
    return None if found not in (0, 1) else bool(found)


def level_of(value: Loose) -> int | None:
    """The service level 2..4, if it is told."""
    found = number(value)
    return found if found in (2, 3, 4) else None
