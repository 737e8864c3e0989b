"""Alerts: rules in SQL, folded into starts and ends, kept in ClickHouse, told over webhook and e-mail."""
