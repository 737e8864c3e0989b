"""The ward's durable queue: gives every event its seq, keeps it until Kafka has it, and after."""

from producers.outbox.outbox import Batch, Counts, Draft, Outbox, Stored, WardPosition
from producers.outbox.storage import new_epoch

__all__ = ["Batch", "Counts", "Draft", "Outbox", "Stored", "WardPosition", "new_epoch"]
