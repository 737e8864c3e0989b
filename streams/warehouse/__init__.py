"""From Kafka to ClickHouse, and back out as figures: loader, migrations, double entry, questions."""
