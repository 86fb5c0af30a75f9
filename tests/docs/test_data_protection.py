"""What is stored about people stands in docs/data-protection.md: no table and no sealed column is forgotten there."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, MetaData

from shared.plumbing import add_plumbing

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "data-protection.md").read_text(encoding="utf-8")
SERVICES = ("registry", "intake", "dispatch", "escalation", "notify", "insight")
SECTION = re.compile(r"^### (.+?)$\n(.*?)(?=^##)", re.M | re.S)
SECTIONS = {found[1]: found[2] for found in SECTION.finditer(DOCUMENT)}
PLUMBING = MetaData()
add_plumbing(PLUMBING)


def tables_of(service: str) -> MetaData:
    metadata: MetaData = importlib.import_module(f"services.{service}.tables").Table.metadata
    return metadata


def named_in(section: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", SECTIONS[section]))


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_is_named_with_its_service(service: str) -> None:
    named = named_in(service.capitalize()) | named_in("In every service")

    assert set(tables_of(service).tables) - named == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_sealed_column_is_named_with_its_service(service: str) -> None:
    named = named_in(service.capitalize())
    sealed = {
        column.name
        for table in tables_of(service).sorted_tables
        if table.name not in PLUMBING.tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    assert sealed - named == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_command_that_moves_keys_is_named(service: str) -> None:
    there = importlib.util.find_spec(f"services.{service}.rotate_keys") is not None

    assert (f"services.{service}.rotate_keys" in DOCUMENT) == there


@pytest.mark.parametrize("setting", re.findall(r"`([A-Z_]*(?:KEPT|RETENTION)[A-Z_]*)`", DOCUMENT))
def test_every_period_named_is_a_setting(setting: str) -> None:
    settings = [importlib.import_module(f"services.{service}.settings").Settings for service in SERVICES]

    assert any(setting.lower() in each.model_fields for each in settings)
