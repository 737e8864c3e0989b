"""Who notices: every two seconds what `dongbo status` says, the incidents, and each new cut asked once."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field

from ops.watch.status import Line, collect
from tests.faults.city import City
from tests.faults.cuts import Asked, ask, newest

_EVERY_S = 1.5


@dataclass
class Look:
    """One look: which lines of `dongbo status` are not well, incidents so far, events that wards lack."""

    at: float
    unwell: dict[str, str]
    incidents: int
    missing: int


@dataclass
class Watch:
    """A thread beside the campaign."""

    city: City
    cuts_max: int = 40
    looks: list[Look] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        store = self.city.fresh_store()
        while not self._stop.wait(_EVERY_S):
            began = time.monotonic()
            incidents = missing = 0
            lines: list[Line] = []
            try:
                lines = collect(self.city.settings)
                incidents = int(store.value("SELECT count() FROM incidents FINAL") or 0)
                missing = int(store.value("SELECT sum(missing) FROM ward_sync FINAL") or 0)
                number = newest(store)
                if number and len(self.asked) < self.cuts_max and self._is_new(number):
                    self.asked.append(ask(store, number))
            except Exception as error:  # whatever it is, the next look comes
                note_error(error)
            unwell = {
                line.process: f"{line.state} {line.detail}"
                for line in lines
                if not line.ok and line.process != "dashboard"
            }
            self.looks.append(Look(began, unwell, incidents, missing))
        store.close()

    def _is_new(self, number: int) -> bool:
        """The first ones, then every third."""
        if not self.asked:
            return True
        return number >= self.asked[-1].number + (1 if len(self.asked) < 5 else 3)

    def named(self, names: tuple[str, ...], since: float, until: float, holes: bool) -> float | None:
        """Seconds until a look between two moments told of one of these, of an incident, or of `holes`."""
        before = next((look.incidents for look in reversed(self.looks) if look.at < since), 0)
        for look in self.looks:
            told = look.unwell.keys() & set(names) or look.incidents > before or (holes and look.missing)
            if since <= look.at <= until and told:
                return look.at - since
        return None

    def well(self, since: float) -> bool:
        """Whether the newest look, begun after a moment, found everything well."""
        return bool(self.looks) and self.looks[-1].at >= since and not self.looks[-1].unwell


def note_error(error: Exception) -> None:
    """A look that failed, for whoever reads the log of a run."""
    sys.stderr.write(f"faults: a look failed: {' '.join(str(error).split())[:150]}\n")
