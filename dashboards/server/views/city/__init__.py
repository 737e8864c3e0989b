"""The city at a glance: totals, the wards' standing, alerts, quality, the pipeline's own health."""
