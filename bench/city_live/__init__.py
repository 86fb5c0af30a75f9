"""The simulated city through the real services: the same people, calls and chances as services/dispatch/city draws,
but every call is registered, every offer answered and every arrival proven through the public API, over PostgreSQL
and Kafka, on a clock that steps. `make city-live` runs both and says where they differ."""
