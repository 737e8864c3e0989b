"""The rules of `sql/alerts`: each a query of which every row is one alert, with a header that says the rest.

    -- vi: ...            title in Vietnamese        -- en: ...   in English
    -- severity: critical | warning
    -- for: 30            seconds that a row must hold before it is an alert (default 0)
    -- every: 60          seconds between two evaluations (default: each)
    -- history: no        it cannot be tried on history (what it is about leaves no trace in a cut)
    -- what-vi: ...       what happened, with {column} of the row; likewise what-en, impact-vi, impact-en,
    --                    next-vi, next-en: what it means, and the command that is the next step
    -- param days UInt32 default 7

A row has `key` (the same key is the same alert), `ward` (or ''), `since` and the figures that the words name.
One with `starts` false keeps an alert that is open and opens none.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producers.contract.errors import Stop
from streams.monitor.alerts.model import CRITICAL, WARNING
from streams.warehouse.questions import Parameter

WORDS: Final = ("vi", "en", "what-vi", "what-en", "impact-vi", "impact-en", "next-vi", "next-en")
_LINE: Final = re.compile(
    r"^-- (vi|en|severity|for|every|history|(?:what|impact|next)-(?:vi|en)): (.+?)\s*$", re.MULTILINE
)
_PARAM: Final = re.compile(r"^-- param (\w+) (\w+) default (?:'([^']*)'|(\S+))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One file. `words` has a template for each of WORDS."""

    name: str
    severity: str
    hold_s: int
    every_s: int
    words: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    sql: str
    on_history: bool = True


def read(path: Path) -> Rule:
    """One rule from its file.

    :raises Stop: `bad_rule`: its header is not complete
    """
    text = path.read_text(encoding="utf-8")
    said = dict(_LINE.findall(text))
    missing = [word for word in (*WORDS, "severity") if word not in said]
    if missing:
        raise _bad(path, f"has no line for: {', '.join(missing)}")
    if said["severity"] not in (WARNING, CRITICAL):
        raise _bad(path, f"has severity {said['severity']!r}, not {WARNING} or {CRITICAL}")
    seconds = {name: said.get(name, "0") for name in ("for", "every")}
    if not all(value.isdecimal() for value in seconds.values()):
        raise _bad(path, "has a `for` or `every` that is not a whole number of seconds")
    return Rule(
        name=path.stem,
        severity=said["severity"],
        hold_s=int(seconds["for"]),
        every_s=int(seconds["every"]),
        words={name: said[name] for name in WORDS},
        parameters=tuple(Parameter(name, kind, a or b) for name, kind, a, b in _PARAM.findall(text)),
        sql="\n".join(line for line in text.splitlines() if not line.startswith("--")).strip(),
        on_history=said.get("history") != "no",
    )


def load(folder: Path) -> dict[str, Rule]:
    """All rules of a folder by name.

    :raises Stop: `bad_rule`
    """
    return {path.stem: read(path) for path in sorted(folder.glob("*.sql"))}


def values_of(rule: Rule, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the rule's parameters are bound to.

    :raises Stop: `unknown_parameter`
    """
    known = {parameter.name: parameter.default for parameter in rule.parameters}
    for name in given or {}:
        if name not in known:
            raise Stop("unknown_parameter", f"{rule.name} has no parameter {name}", _near(name, known))
    return known | dict(given or {})


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else f"It takes: {', '.join(known) or 'none'}"


def _bad(path: Path, why: str) -> Stop:
    return Stop("bad_rule", f"{path.name} {why}", "Complete its header; the other rules show how")
