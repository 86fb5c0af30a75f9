"""What intake's endpoints may ask for, beside what every service has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from services.intake.registration.batches import Registrar
from services.intake.registration.desk import Desk
from shared.files import Files
from shared.routes import service_of
from shared.sealing import Sealer
from shared.who_comes import AskWhoComes

NO_STORE = {"Cache-Control": "no-store"}
"""On every answer with personal data: no cache keeps it, nor does the store of repeatable answers."""


def _registrar(request: Request) -> Registrar:
    registrar: Registrar = request.app.state.registrar
    return registrar


def _desk(request: Request) -> Desk:
    service = service_of(request)
    return Desk(service.directory, service.database, _registrar(request), service.sealer)


def _sealer(request: Request) -> Sealer:
    return service_of(request).sealer


def _public_url(request: Request) -> str:
    return service_of(request).settings.public_url


def _files(request: Request) -> Files:
    return service_of(request).files


def _comings(request: Request) -> AskWhoComes:
    return service_of(request).who_comes


AtDesk = Annotated[Desk, Depends(_desk)]
Seals = Annotated[Sealer, Depends(_sealer)]
PublicUrl = Annotated[str, Depends(_public_url)]
Store = Annotated[Files, Depends(_files)]
IfMatch = Annotated[
    str | None, Header(description="act only on the case as this ETag has it; 412 if it changed since")
]
Comings = Annotated[AskWhoComes, Depends(_comings)]
