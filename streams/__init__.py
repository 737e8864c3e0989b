"""The city's side: from Kafka to ClickHouse."""
