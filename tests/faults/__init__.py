"""The fault harness: a city of its own, a ledger of what it sent, faults from a catalogue, and an oracle."""
