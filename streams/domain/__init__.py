"""The pure rules: no Faust, no Kafka, no ClickHouse, no clock. Same input, same result."""
