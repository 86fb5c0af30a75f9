"""By which policy a street's emergencies are sent: who may say it, of which unit, and what is told."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.registry.rules.cells import Unreadable
from services.registry.rules.flaws import flaws
from services.registry.rules.sheets import UNITS, row_of
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT, UnitChanged
from shared.going import MatchingPolicy
from shared.journal import story
from shared.things import Unit
from tests.registry.things.conftest import Ask, put
from tests.registry.things.town import KNOWN

STREET = KNOWN.units["street"]
FAST, GREEDY, ENGINE = MatchingPolicy.FASTEST_FREE, MatchingPolicy.GREEDY_PAIR, MatchingPolicy.ENGINE
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("unit_id", "said", "found"),
    [
        ("street", {}, []),
        ("street", {"matching_policy": FAST}, []),
        ("street", {"matching_policy": FAST, "shadow_policy": ENGINE, "advises": True}, []),
        ("street", {"shadow_policy": GREEDY}, []),
        ("street", {"shadow_policy": ENGINE}, ["shadow-is-policy"]),
        ("street", {"matching_policy": FAST, "shadow_policy": FAST}, ["shadow-is-policy"]),
        ("top", {"matching_policy": GREEDY, "advises": True}, []),
        ("community-x", {"matching_policy": ENGINE}, ["not-matched-here"]),
        ("community-x", {"shadow_policy": FAST}, ["not-matched-here"]),
        ("grid-x1", {"advises": True}, ["not-matched-here"]),
        ("desk", {"shadow_policy": ENGINE}, ["not-matched-here", "shadow-is-policy"]),
    ],
)
def test_only_where_emergencies_are_matched_is_said_how(
    unit_id: str, said: dict[str, Any], found: list[str]
) -> None:
    unit = KNOWN.units[unit_id].model_copy(update=said)
    assert [flaw.code for flaw in flaws([unit], KNOWN)] == found
    assert all(" / " in flaw.text for flaw in flaws([unit], KNOWN))


def test_a_street_that_becomes_another_unit_sends_by_no_policy_of_its_own() -> None:
    unit = STREET.model_copy(update={"matching_policy": FAST, "level": None})
    assert "not-matched-here" in {flaw.code for flaw in flaws([unit], KNOWN)}


async def test_an_administrator_chooses_and_everybody_is_told(ask: Ask, town: Database) -> None:
    admin = ask("p-admin")
    wanted = STREET.model_copy(update={"matching_policy": FAST, "shadow_policy": ENGINE, "advises": True})

    answer = await put(admin, "/units/street", wanted.model_dump(mode="json"))

    assert answer.status_code == 200, answer.text
    async with town.transaction() as tx:
        told = (await story(tx, REGISTRY_SUBJECT))[-1]
    assert isinstance(told, UnitChanged)
    assert told.unit == wanted
    past = (await admin.get("/units/street/history")).json()["items"][0]
    assert past["changed"] == ["matching_policy", "shadow_policy", "advises"]
    assert past["actor"]["person_id"] == "p-admin"


@pytest.mark.parametrize("somebody", ["p-admin-x", "p-operator", "p-a", "p-reader"])
async def test_nobody_else_chooses_and_whoever_works_there_reads_it(ask: Ask, somebody: str) -> None:
    wanted = STREET.model_copy(update={"matching_policy": FAST})

    answer = await put(ask(somebody), "/units/street", wanted.model_dump(mode="json"))

    assert answer.status_code == 403
    assert (await ask(somebody).get("/units/street")).json()["matching_policy"] is None


async def test_a_policy_nobody_knows_is_refused(ask: Ask) -> None:
    body = STREET.model_dump(mode="json") | {"matching_policy": "by_lot"}

    answer = await put(ask("p-admin"), "/units/street", body)

    assert answer.status_code == 422
    assert "matching_policy" in answer.text


def test_a_sheet_says_it_in_either_language() -> None:
    column = {column.en: column.cell for column in UNITS.columns}["matching_policy"]

    assert [column.read(written, SHANGHAI) for written in ("最快", "fastest_free", "引擎", "")] == [
        "fastest_free",
        "fastest_free",
        "engine",
        None,
    ]
    with pytest.raises(Unreadable, match="unknown-word"):
        column.read("抽签", SHANGHAI)


def test_what_is_exported_says_the_same_again() -> None:
    street = STREET.model_copy(update={"matching_policy": GREEDY, "shadow_policy": ENGINE, "advises": True})

    row = dict(zip((column.en for column in UNITS.columns), row_of(UNITS, street, SHANGHAI), strict=True))

    cells = {column.en: column.cell for column in UNITS.columns}
    named = ("matching_policy", "shadow_policy", "advises")
    read = {name: cells[name].read(row[name], SHANGHAI) for name in named}
    assert Unit.model_validate(street.model_dump() | read) == street
