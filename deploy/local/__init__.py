"""The embedded default: PostgreSQL, Kafka, Caddy and the services on one machine, no root, no Docker.

`Stack` starts and stops them as a library (the demo and the tests do); `python -m deploy.local` is what make calls.
"""
