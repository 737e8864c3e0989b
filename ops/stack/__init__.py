"""Real Kafka, real ClickHouse and a supervisor, from Python packages only."""
