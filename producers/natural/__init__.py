"""Seqs for systems that have none: an event is known by what it says, so a blind retry is a duplicate."""

from producers.natural.identity import content_of, key_of
from producers.natural.outbox import Given, NaturalOutbox, Step

__all__ = ["Given", "NaturalOutbox", "Step", "content_of", "key_of"]
