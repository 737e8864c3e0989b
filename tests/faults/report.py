"""A campaign's report: Markdown for people, JSON for machines, a table of several for the documentation."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.settings import REPOSITORY


def commit() -> str:
    """The commit that was tested, with a mark if files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=8"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def write(found: dict[str, Any], path: Path) -> None:
    """PATH.json and PATH.md; a suffix of the path is dropped."""
    stamped = found | {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(
        json.dumps(stamped, ensure_ascii=False, indent=1, default=str) + "\n"
    )
    path.with_suffix(".md").write_text(markdown(stamped) + "\n", encoding="utf-8")


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """The few that matter."""
    times = sorted(found["recovered_s"])
    named = [one["named_s"] for one in found["faults"] if one["named_s"] is not None]
    said = [one["events"] for one in found["rounds"]]
    return {
        "seed": found["seed"],
        "events": found["verdict"]["events"],
        "wards": found["wards"],
        "kills": sum(found["kills"].values()),
        "kinds": found["kinds"],
        "attempts": found["attempts"],
        "effects": found["effects"],
        "lost": found["verdict"]["lost"],
        "counted_twice": found["verdict"]["counted_twice"],
        "recovered_p50_s": times[len(times) // 2] if times else 0,
        "recovered_max_s": times[-1] if times else 0,
        "named_max_s": round(max(named), 1) if named else 0,
        "least_events_of_a_round": min(said, default=0),
        "cuts": found["verdict"]["cuts"],
        "minutes": found["minutes"],
        "findings": len(found["findings"]) + len(found["verdict"]["findings"]),
    }


def table(reports: list[dict[str, Any]]) -> str:
    """One line a campaign."""
    rows = [figures(one) | {"date": one.get("date", ""), "commit": one.get("commit", "")} for one in reports]
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def markdown(found: dict[str, Any]) -> str:
    """The whole report."""
    lines = [
        f"# Faults, seed {found['seed']}: {'exact' if found['ok'] else 'NOT EXACT'}",
        "",
        *(f"- {name}: {value}" for name, value in figures(found).items()),
        f"- kills by process: {', '.join(f'{n} {c}' for n, c in sorted(found['kills'].items()))}",
        f"- compared: {found['verdict']['cells']} cells of {found['verdict']['books']} books,"
        f" {found['verdict']['rejects']} rejects, {found['verdict']['conflicts']} conflicts,"
        f" {found['verdict']['views']} views day by day,"
        f" {found['verdict']['cuts']} cuts ({found['verdict']['cuts_by_ledger']} against the ledger,"
        f" {found['verdict'].get('cuts_in_losses', 0)} of moments in which messages were destroyed)",
        f"- incidents that were told: {found['verdict']['incidents']}",
        f"- repeat: `{found['command']}`",
    ]
    wrong = found["findings"] + found["verdict"]["findings"]
    if wrong:
        lines += ["", "## Findings", "", *(f"- {one}" for one in wrong)]
    return "\n".join([*lines, "", *_kinds(found)])


def _kinds(found: dict[str, Any]) -> list[str]:
    often = Counter(one["name"] for one in found["faults"])
    hit = Counter(one["name"] for one in found["faults"] if one["effect"])
    head = ("id", "fault", "attempts", "effects", "named after (s)", "what was observed last", "must hold")
    lines = ["## Faults", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    last = {one["name"]: one for one in sorted(found["faults"], key=lambda one: one["effect"])}
    for name, one in sorted(last.items(), key=lambda item: item[1]["id"]):
        named = [f["named_s"] for f in found["faults"] if f["name"] == name and f["named_s"] is not None]
        shown = f"{max(named):.1f}" if named else "healed before" if one["named_by"] else "-"
        seen = (one["id"], name, often[name], hit[name], shown, one["what"], one["expectation"])
        lines.append("| " + " | ".join(str(part).replace("|", "/") for part in seen) + " |")
    return lines
