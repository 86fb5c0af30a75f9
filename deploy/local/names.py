"""The parts of the system, in the order in which they are started."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
STATE = PROJECT / ".yike"

SERVICES = ("registry", "intake", "dispatch", "escalation", "notify", "insight")
PARTS = ("postgres", "kafka", "caddy", *SERVICES)


def database_of(service: str) -> str:
    """The service's own database, and the role that owns it: nobody else may connect."""
    return f"yike_{service}"
