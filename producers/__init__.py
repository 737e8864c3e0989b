"""The ward's side: from a ward's system to Kafka."""
