"""`./dev fuzz [TARGET] [--inputs N] [--seed N] [--keep] [--json]`: damaged inputs in great number."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.run import Outcome, fuzz
from tests.fuzz.targets import TARGETS


def _told(found: Outcome) -> dict[str, Any]:
    return {
        "target": found.target,
        "seed": found.seed,
        "inputs": found.inputs,
        "seconds": round(found.seconds, 1),
        "slowest_ms": round(found.slowest_ms, 1),
        "slowest_cpu_ms": round(found.slowest_cpu_ms, 1),
        "memory_growth_mb": round(found.growth_mb, 1),
        "memory_growth_mb_of_one": round(found.growth_mb_once, 1),
        "kinds_of_answer": len(found.did),
        "wrong": [{"input": repr(text[:2000]), "what": what} for text, what in found.wrong[:20]],
        "most": dict(found.did.most_common(12)),
    }


def main() -> int:
    """0: nothing wrong; 1: something was."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep inputs that did something new")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    results = []
    for name in TARGETS if given.target == "all" else [given.target]:
        found = fuzz(name, given.inputs, given.seed)
        results.append(_told(found))
        if given.keep:
            for text in found.new:
                corpus.keep(name, text)
        if not given.json:
            sys.stdout.write(json.dumps(results[-1], ensure_ascii=False, indent=1) + "\n")
    if given.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False) + "\n")
    return 1 if any(one["wrong"] for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
