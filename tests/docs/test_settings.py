"""Every setting of every service is named in docs/operating.md, and nothing is named there that is no setting."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from shared.settings import ServiceSettings

OPERATING = (Path(__file__).parent.parent.parent / "docs" / "operating.md").read_text(encoding="utf-8")
SERVICES = ("registry", "intake", "dispatch", "escalation", "notify", "insight")
TABLE = re.compile(r"^\| (\w[\w ]*) \| default \| \|$\n(.*?)(?=^$)", re.M | re.S)
TABLES = {found[1]: set(re.findall(r"`([A-Z0-9_]+)`", found[2])) for found in TABLE.finditer(OPERATING)}


def fields(service: str) -> set[str]:
    settings: type[ServiceSettings] = importlib.import_module(f"services.{service}.settings").Settings
    return {name.upper() for name in settings.model_fields}


def own(service: str) -> set[str]:
    return fields(service) - {name.upper() for name in ServiceSettings.model_fields}


def test_every_setting_that_all_services_have_is_named() -> None:
    assert TABLES["every service"] == {name.upper() for name in ServiceSettings.model_fields}


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_is_named_with_it(service: str) -> None:
    assert own(service) - TABLES.get(service, set()) == set()


@pytest.mark.parametrize("service", sorted(set(TABLES) - {"every service"}))
def test_what_is_named_with_a_service_is_a_setting(service: str) -> None:
    assert TABLES[service] - fields(service) == set()
