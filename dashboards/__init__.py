"""From ClickHouse to people: the live page (`server`, `web`)."""
