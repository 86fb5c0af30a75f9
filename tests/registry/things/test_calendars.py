"""Days changed by hand, and a warning in time when the coming year is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from services.registry.handlers import calendars as handlers
from services.registry.handlers.things import put_things
from services.registry.metrics import CALENDAR_DAYS_LEFT
from services.registry.rules.calendars import RUNS_OUT_DAYS, CalendarFlaw, flaw_of, warning_of, with_days
from shared import journal
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT, CalendarChanged
from shared.things import Calendar
from tests.registry.things.conftest import Ask, set_clock
from tests.registry.things.town import CALENDAR, KNOWN, NOON


def a_calendar(known_until: date, **changes: object) -> Calendar:
    return CALENDAR.model_copy(update={"known_until": known_until, **changes})


AS_IT_IS = {"If-Match": "*"}
ALERTS = Path(__file__).parents[3] / "deploy/prometheus/alerts.yml"


@pytest.mark.parametrize(
    ("known_until", "today", "flaw"),
    [
        (date(2026, 12, 31), date(2026, 10, 31), None),
        (date(2026, 12, 31), date(2026, 11, 1), CalendarFlaw.YEAR_MISSING),
        (date(2027, 12, 31), date(2026, 11, 1), None),
        (date(2027, 12, 30), date(2026, 12, 31), CalendarFlaw.YEAR_MISSING),
        (date(2027, 12, 31), date(2027, 1, 1), None),
        (date(2026, 8, 1), date(2026, 6, 2), None),
        (date(2026, 8, 1), date(2026, 6, 3), CalendarFlaw.RUNS_OUT),
        (date(2026, 8, 1), date(2026, 8, 1), CalendarFlaw.RUNS_OUT),
        (date(2026, 8, 1), date(2026, 8, 2), CalendarFlaw.OVER),
        (date(2026, 12, 31), date(2027, 1, 1), CalendarFlaw.OVER),
    ],
)
def test_when_a_calendar_does_not_reach_far_enough(
    known_until: date, today: date, flaw: CalendarFlaw | None
) -> None:
    assert flaw_of(a_calendar(known_until), today) == flaw


def test_nobody_is_warned_of_what_nobody_uses() -> None:
    over = a_calendar(date(2020, 1, 1))
    assert warning_of(over, 0, date(2026, 1, 1)) is None
    assert warning_of(over.model_copy(update={"retired_at": NOON}), 3, date(2026, 1, 1)) is None


def test_days_are_made_free_worked_or_ordinary() -> None:
    first, second, third = date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)
    before = a_calendar(date(2027, 12, 31), holidays=(first, second), workdays=(third,))

    after = with_days(before, holidays=[third], workdays=[second], ordinary=[first], known_until=None)
    assert (after.holidays, after.workdays) == ((third,), (second,))
    assert after.known_until == before.known_until


async def test_the_coming_year_is_missed_from_november_on(ask: Ask, town: Database) -> None:
    [warning] = (await ask("p-reader").get("/calendars/warnings")).json()["items"]
    assert (warning["calendar_id"], warning["code"], warning["units"]) == ("cn", "year_missing", 8)
    zh, en = warning["text"].split(" / ")
    assert "录入" in zh
    assert "enter" in en

    answer = await ask("p-admin").post(
        "/calendars/cn/days", json={"holidays": ["2027-01-01"], "known_until": "2027-12-31"}, headers=AS_IT_IS
    )
    assert answer.status_code == 200, answer.text
    assert (await ask("p-reader").get("/calendars/warnings")).json()["items"] == []


async def test_warnings_come_in_pages(ask: Ask, town: Database) -> None:
    """Each calendar that units count by may be warned of."""
    other = a_calendar(date(2026, 12, 31)).model_copy(update={"id": "other"})
    moved = KNOWN.units["grid-x2"].model_copy(update={"calendar_id": "other"})
    async with town.transaction() as tx:
        await put_things(tx, [other, moved])
    first = (await ask("p-a").get("/calendars/warnings", params={"limit": 1})).json()
    assert ([one["calendar_id"] for one in first["items"]], first["next_cursor"]) == (["cn"], "cn")
    rest = (await ask("p-a").get("/calendars/warnings", params={"limit": 1, "cursor": "cn"})).json()
    assert ([one["calendar_id"] for one in rest["items"]], rest["next_cursor"]) == (["other"], None)


async def test_the_day_is_that_of_the_calendars_own_zone(ask: Ask, town: Database) -> None:
    """Half past four in the afternoon of New Year's Eve in London is New Year's Day in Shanghai."""
    async with town.transaction() as tx:
        await put_things(tx, [a_calendar(date(2026, 12, 31))])
    await set_clock(town, datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    assert [each["code"] for each in (await ask("p-a").get("/calendars/warnings")).json()["items"]] == [
        "year_missing"
    ]
    await set_clock(town, datetime(2026, 12, 31, 16, 0, tzinfo=UTC))
    assert [each["code"] for each in (await ask("p-a").get("/calendars/warnings")).json()["items"]] == [
        "over"
    ]


async def test_a_changed_day_is_told_to_everybody(ask: Ask, town: Database) -> None:
    read = await ask("p-admin").get("/calendars/cn")
    body = {"workdays": ["2026-11-21"]}
    silent = await ask("p-admin").post("/calendars/cn/days", json=body)
    assert silent.status_code == 428
    late = await ask("p-admin").post("/calendars/cn/days", json=body, headers={"If-Match": '"0"'})
    assert late.status_code == 412
    fits = {"If-Match": read.headers["etag"]}
    changed = await ask("p-admin").post("/calendars/cn/days", json=body, headers=fits)

    async with town.transaction() as tx:
        last = (await journal.story(tx, REGISTRY_SUBJECT))[-1]
    assert isinstance(last, CalendarChanged)
    assert last.calendar.workdays == (date(2026, 11, 21),)
    assert changed.headers["etag"] == f'"{last.sequence}"'


@pytest.mark.parametrize(("who", "status"), [("p-admin", 200), ("p-admin-x", 403), ("p-officer-x", 403)])
async def test_days_are_changed_at_the_top(ask: Ask, who: str, status: int) -> None:
    answer = await ask(who).post("/calendars/cn/days", json={"holidays": ["2026-11-23"]}, headers=AS_IT_IS)
    assert answer.status_code == status, answer.text


async def test_days_that_contradict_each_other_are_refused(ask: Ask) -> None:
    both = {"holidays": ["2026-11-23"], "workdays": ["2026-11-23"]}
    answer = await ask("p-admin").post("/calendars/cn/days", json=both, headers=AS_IT_IS)
    assert [flaw["code"] for flaw in answer.json()["flaws"]] == ["holiday-and-workday"]
    assert (await ask("p-admin").post("/calendars/mars/days", json={})).status_code == 404


async def test_the_board_sees_how_far_calendars_reach(town: Database) -> None:
    async with town.transaction() as tx:
        await handlers.measure(tx)

    [family] = list(CALENDAR_DAYS_LEFT.collect())
    assert [(sample.labels["calendar"], sample.value) for sample in family.samples] == [("cn", 40.0)]


def test_operators_are_called_when_a_calendar_is_warned_of() -> None:
    """The alert and the warning begin on the same day."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    [alert] = [
        rule
        for group in groups
        for rule in group["rules"]
        if "yike_registry_calendar_days_left" in rule["expr"]
    ]
    assert alert["expr"].endswith(f"< {RUNS_OUT_DAYS}")
