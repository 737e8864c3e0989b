"""The city on one machine: start it, feed it, replay July 2025 through it."""
