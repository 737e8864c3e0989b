"""Figures of every process for Prometheus: the table, how they are served, how they are documented."""
