"""Goal: a certificate says what is here and since when the rest is missing. Method: by hand."""

from __future__ import annotations

from streams.domain.certificate import Certificate, Epoch, Hole, inherited, present_epoch


def test_present_epoch_is_that_of_the_heartbeat_else_the_fullest() -> None:
    epochs = (Epoch("old", 90, 90, 90), Epoch("new", 5, 4, 6))
    assert present_epoch("new", epochs) == "new"
    assert present_epoch("", epochs) == "old"
    assert present_epoch("", ()) == ""


def test_figures_are_those_of_the_present_epoch() -> None:
    epochs = (Epoch("old", 90, 90, 90), Epoch("new", 5, 4, 6))
    assert Certificate(ward="00070", epochs=epochs, epoch="new").present.contiguous == 4
    # A heartbeat may name an epoch of which no event has come.
    assert Certificate(ward="00070", epochs=epochs, epoch="newer").present == Epoch("newer", 0, 0, 0)


def test_heard_is_the_later_of_event_and_heartbeat() -> None:
    assert Certificate(ward="00070", arrived_ms=5, beat_ms=7).heard_ms == 7
    assert Certificate(ward="00070", arrived_ms=9, beat_ms=7).heard_ms == 9
    assert not Certificate(ward="00070").known


def test_hole_that_shrinks_splits_or_grows_keeps_its_beginning() -> None:
    known = (Hole("e", 17, 19, 1000), Hole("e", 30, 30, 2000))
    assert inherited(("e", 17, 17), known) == 1000
    assert inherited(("e", 19, 19), known) == 1000
    assert inherited(("e", 19, 40), known) == 1000  # of two it takes the older
    assert inherited(("e", 20, 29), known) == 0
    assert inherited(("other", 17, 19), known) == 0
    assert inherited(("e", 17, 19), ()) == 0


def test_oldest_hole_is_the_one_known_for_longest() -> None:
    holes = (Hole("e", 1, 2, 3000), Hole("e", 9, 9, 1000))
    assert Certificate(ward="00070", holes=holes).oldest_hole == holes[1]
    assert holes[0].size == 2
    assert Certificate(ward="00070").oldest_hole is None
