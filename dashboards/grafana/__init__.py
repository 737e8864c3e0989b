"""Grafana for those who run it: `python -m dashboards.grafana` makes its files from `panels.py`."""
