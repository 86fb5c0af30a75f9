"""The services; they speak only through Kafka and never import each other."""
