"""Who a ward is: tokens for the gateway, public keys for direct Kafka producers, and the record of both."""
