"""No key is left behind when the master key changes: a rotation names every column of wrapped keys of its service."""

from __future__ import annotations

import asyncio
import importlib

import pytest
from sqlalchemy import LargeBinary

from shared import rotation
from shared.database import Database
from shared.sealing import Sealer
from shared.service import Service
from tests.architecture.source import SERVICES

ROTATING = ("intake", "dispatch", "escalation", "notify", "registry")
WRAPPED = ("wrapped", "codes_key")
"""What columns of wrapped keys are called."""


class AskedFor(Exception):
    """What a rotation would have moved."""

    def __init__(self, *places: rotation.Keys) -> None:
        self.places = places


def kept(service: Service) -> set[tuple[str, str]]:
    """Every column of the service's tables that holds wrapped keys."""
    return {
        (table.name, column.name)
        for table in service.tables.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith(WRAPPED)
    }


def moved(name: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Every column the service's own command hands to the rotation."""

    async def tell(database: Database, sealer: Sealer, *places: rotation.Keys) -> int:
        raise AskedFor(*places)

    command = importlib.import_module(f"services.{name}.rotate_keys")
    monkeypatch.setattr(rotation, "rotate", tell)
    with pytest.raises(AskedFor) as asked:
        asyncio.run(command.rotate(None, Sealer(service.settings.master_keys)))
    return {(keys.table, keys.wrapped) for keys in asked.value.places}


@pytest.mark.parametrize("name", ROTATING)
def test_a_rotation_names_every_column_of_wrapped_keys(
    services: dict[str, Service], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved(name, services[name], monkeypatch) == kept(services[name])


def test_nobody_else_keeps_wrapped_keys(services: dict[str, Service]) -> None:
    assert {name for name in SERVICES if kept(services[name])} == set(ROTATING)
