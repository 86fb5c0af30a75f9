"""Command in, answer out; one file per screen."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from services.notify.handlers.office import Office
from shared.routes import service_of


def _office(request: Request) -> Office:
    office: Office = service_of(request).app.state.office
    return office


TheOffice = Annotated[Office, Depends(_office)]
"""What this process tells people with."""
