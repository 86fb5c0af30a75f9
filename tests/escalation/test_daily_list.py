"""The named persons' daily list: who is named, and who may read it."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

import httpx
import pytest

from services.escalation.handlers.ground import stations
from services.escalation.queries import cases as queries
from services.escalation.rules.case import Case
from services.escalation.rules.fold import apply
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.things import Grant, Name, Person
from shared.vocabulary import Role, Urgency
from tests.escalation.conftest import Clock, hear, the_directory
from tests.escalation.story import LADDER, START, Story
from tests.people import an_issuer

Who = tuple[str, Role, str]
TOP_OFFICER: Who = ("p-civil-affairs-o1", Role.UNIT_OFFICER, "civil-affairs")
DIRECTOR: Who = ("p-civil-affairs-s1", Role.SUPERVISOR, "civil-affairs")
STREET_OFFICER: Who = ("p-street-o1", Role.UNIT_OFFICER, "street")
SUPERVISOR: Who = ("p-street-s1", Role.SUPERVISOR, "street")
OFFICER: Who = ("p-community-a-o1", Role.UNIT_OFFICER, "community-a")
OTHER_OFFICER: Who = ("p-community-b-o1", Role.UNIT_OFFICER, "community-b")
READER: Who = ("p-reader-1", Role.READER, "civil-affairs")
DAY = 24 * 60


def person(id: str, role: Role, unit_id: str) -> Person:
    return Person(id=id, name=Name(zh="同事", en="Colleague"), grants=(Grant(role=role, unit_id=unit_id),))


@pytest.mark.parametrize(
    ("grants", "named"),
    [
        (((Role.SUPERVISOR, "civil-affairs"), (Role.UNIT_OFFICER, "civil-affairs")), ("p-0",)),
        (((Role.UNIT_OFFICER, "civil-affairs"), (Role.SUPERVISOR, "street")), ("p-0",)),
        (((Role.READER, "civil-affairs"),), ()),
    ],
)
def test_supervisors_are_named_or_where_there_are_none_the_units_officers(
    grants: tuple[tuple[Role, str], ...], named: tuple[str, ...]
) -> None:
    known = the_directory()
    people = [person(f"p-{place}", role, unit_id) for place, (role, unit_id) in enumerate(grants)]
    directory = Directory.of(
        units=list(known.units.values()), people=people, calendars=list(known.calendars.values())
    )
    [top] = stations(directory, LADDER[3:], Urgency.ROUTINE, "noise", START)
    assert top.named_ids == named


async def ask(client: httpx.AsyncClient, who: Who, query: str = "") -> httpx.Response:
    return await client.get(f"/daily-list{query}", headers=an_issuer().headers(who[0], who[1:]))


async def numbers(client: httpx.AsyncClient, who: Who, query: str = "") -> list[str]:
    answer = await ask(client, who, query)
    assert answer.status_code == 200, answer.text
    return [one["case_id"] for one in answer.json()["cases"]]


@pytest.fixture
async def overdue(database: Database, clock: Clock) -> list[Story]:
    """Two emergencies at the last level that nobody took, on the list for the second day."""
    people = database.directory.people
    people["p-named"] = person("p-named", Role.SUPERVISOR, "civil-affairs")
    database.directory.pass_by(2)
    stories = [Story(ladder=LADDER[3:]) for _ in range(2)]
    for story in stories:
        await hear(database, story.registered)
    for day in (1, 2):
        await clock.fast_forward(day * DAY)
    return stories


async def test_it_says_which_cases_what_was_missed_who_is_named_and_what_became_of_it(
    client: httpx.AsyncClient, database: Database, overdue: list[Story]
) -> None:
    told = (await ask(client, TOP_OFFICER)).json()
    assert told["day"] == "2026-03-04"
    assert {one["case_id"] for one in told["cases"]} == {str(story.case_id) for story in overdue}
    first = told["cases"][0]
    assert (first["number"], first["days"], first["unit_id"]) == ("481-2093-5574", 2, "civil-affairs")
    assert (first["person_ids"], first["supervising_unit_id"]) == (["p-named"], "civil-affairs")
    assert (first["missed"], first["dealt_with"]) == (["acknowledge", "arrive"], False)
    dealt = next(story for story in overdue if str(story.case_id) == first["case_id"])
    await hear(database, dealt.accepted(2 * DAY))
    assert not (await ask(client, TOP_OFFICER)).json()["cases"][0]["dealt_with"], "nobody has arrived yet"
    await hear(database, dealt.arrived(2 * DAY))
    assert [one["dealt_with"] for one in (await ask(client, TOP_OFFICER)).json()["cases"]] == [True, False]
    assert len(await numbers(client, TOP_OFFICER, "?day=2026-03-03")) == 2
    assert await numbers(client, TOP_OFFICER, "?day=2026-03-02") == []


async def test_the_entries_are_the_fold_of_the_journal(database: Database, overdue: list[Story]) -> None:
    async with database.transaction() as tx:
        told = await journal.story(tx, overdue[0].case_id)
        case = await queries.load(tx, overdue[0].case_id)
    nothing: Case | None = None
    assert reduce(apply, told, nothing) == case  # type: ignore[arg-type]
    assert case is not None
    assert [one.days for one in case.listings] == [1, 2]


async def test_it_comes_in_pages(client: httpx.AsyncClient, overdue: list[Story]) -> None:
    first = (await ask(client, DIRECTOR, "?limit=1")).json()
    second = (await ask(client, DIRECTOR, f"?limit=1&cursor={first['next_cursor']}")).json()
    assert len({one["case_id"] for page in (first, second) for one in page["cases"]}) == 2
    assert (await ask(client, DIRECTOR, "?cursor=!!")).status_code == 422
    for query in ("?limit=501", "?day=0", "?day=today", "?day=2026-02-30"):
        assert (await ask(client, DIRECTOR, query)).status_code == 422, query


@pytest.mark.parametrize(
    ("who", "query", "status"),
    [
        (DIRECTOR, "", 200),
        (DIRECTOR, "?unit=street", 200),
        (OFFICER, "?unit=community-a", 200),
        (OFFICER, "?unit=community-b", 403),
        (OFFICER, "?unit=street", 403),
        (OTHER_OFFICER, "?unit=community-a", 403),
        (READER, "", 403),
    ],
)
async def test_who_may_read_it(
    client: httpx.AsyncClient, clock: Clock, who: Who, query: str, status: int
) -> None:
    assert (await ask(client, who, query)).status_code == status


async def test_each_sees_what_their_units_have_or_supervise(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    """A review that community a missed stands on the street's list and on its own, and on nobody's next door."""
    people = database.directory.people
    people["p-owner"] = person("p-owner", Role.UNIT_OFFICER, "community-a")
    database.directory.pass_by(2)
    story = Story(Urgency.ROUTINE, ladder=LADDER[1:])
    await hear(database, story.registered, story.accepted(0), story.contacted(0))
    plan = {"reason": "needs_funds", "owner_id": "p-owner", "plan": "等资金"}
    plan["review_at"] = (START + timedelta(days=1)).isoformat()
    headers = an_issuer().headers(OFFICER[0], OFFICER[1:])
    parked = await client.post(f"/cases/{story.case_id}/park", json=plan, headers=headers)
    assert parked.status_code == 200, parked.text
    await clock.fast_forward(2 * DAY)
    for who in (OFFICER, STREET_OFFICER, SUPERVISOR, DIRECTOR):
        assert await numbers(client, who) == [str(story.case_id)], who
    assert await numbers(client, OTHER_OFFICER) == []
    [entry] = (await ask(client, SUPERVISOR)).json()["cases"]
    assert (entry["unit_id"], entry["supervising_unit_id"], entry["missed"]) == (
        "community-a",
        "street",
        ["review"],
    )
