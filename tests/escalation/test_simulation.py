"""What would have escalated: the stories of cases told again under another policy, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.rules.simulation import Lived, live_again
from services.registry.defaults.policies import EMERGENCY, ROUTINE, minutes
from shared.database import Database
from shared.event import CaseEvent
from shared.events.escalation import CaseEscalated, DeadlineMissed
from shared.things import Policy
from shared.vocabulary import DeadlineKind, Level, Role, Urgency
from tests.escalation.conftest import Clock, hear
from tests.escalation.story import LADDER, WORKING, Story, after
from tests.people import an_issuer

Who = tuple[str, Role, str]
ACK, HANDLE = DeadlineKind.ACKNOWLEDGE, DeadlineKind.HANDLE
UNITS = {rung.unit_id: WORKING for rung in LADDER}


def with_grid(policy: Policy, **limits: Any) -> Policy:
    grid, *above = policy.levels
    return policy.model_copy(update={"levels": (grid.model_copy(update=limits), *above)})


def again(story: Story, policy: Policy | None, until: float) -> Lived:
    own = story.registered.policy.id
    lived = live_again(story.journal, UNITS, after(until), policy, own)
    assert lived is not None
    return lived


def test_a_shorter_limit_would_have_raised_a_case_that_was_taken_in_time() -> None:
    story = Story()
    story.hear(story.accepted(5))
    story.hear(story.arrived(10))
    story.hear(story.handled(60))
    story.hear(story.closed(90))
    assert again(story, None, 1000) == Lived((), 0, Level.GRID)
    stricter = with_grid(EMERGENCY, acknowledge=minutes(4))
    assert again(story, stricter, 1000) == Lived(((ACK, Level.GRID),), 1, Level.COMMUNITY)


def test_a_longer_limit_would_not_have() -> None:
    story = Story()
    story.at(6)
    story.hear(story.accepted(7))
    story.hear(story.arrived(10))
    story.hear(story.handled(60))
    story.hear(story.closed(90))
    assert again(story, None, 1000).raises == 1
    assert again(story, with_grid(EMERGENCY, acknowledge=minutes(10)), 1000) == Lived((), 0, Level.GRID)


def test_what_somebody_raised_by_hand_they_raised() -> None:
    story = Story(Urgency.ROUTINE)
    story.hear(story.accepted(5))
    story.raised(20, Level.STREET)
    lived = again(story, with_grid(ROUTINE, handle=minutes(10_000)), 21)
    assert (lived.raises, lived.level) == (1, Level.STREET)


def test_an_open_case_is_told_to_its_end_so_far() -> None:
    story = Story()
    assert again(story, None, 5).misses == ()
    assert again(story, None, 7).misses == ((ACK, Level.GRID),)


WHAT = st.sampled_from(
    [Story.accepted, Story.arrived, Story.contacted, Story.handled, Story.reopened, Story.closed]
)


@given(st.lists(st.tuples(WHAT, st.floats(0.01, 400)), max_size=12))
def test_under_its_own_policy_a_case_lives_as_it_did(
    steps: list[tuple[Callable[[Story, float], CaseEvent], float]],
) -> None:
    """Where nothing was heard late and every timer rang in time."""
    story, at = Story(), 0.0
    for what, pause in steps:
        at += pause
        story.at(at - 0.0001)
        story.hear(what(story, at))
    story.at(at + 100)
    misses = tuple((e.kind, e.level) for e in story.told if isinstance(e, DeadlineMissed))
    lived = again(story, None, at + 100)
    assert sorted(lived.misses) == sorted(misses)
    assert lived.raises == sum(isinstance(event, CaseEscalated) for event in story.told)


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────

SUPERVISOR: Who = ("p-street-s1", Role.SUPERVISOR, "street")
ADMINISTRATOR: Who = ("p-admin", Role.ADMINISTRATOR, "civil-affairs")
OFFICER: Who = ("p-community-a-o1", Role.UNIT_OFFICER, "community-a")
OTHER: Who = ("p-community-b-s1", Role.SUPERVISOR, "community-b")


async def simulate(
    client: httpx.AsyncClient, who: Who = SUPERVISOR, query: str = "", **more: Any
) -> httpx.Response:
    body = {
        "policy": with_grid(EMERGENCY, acknowledge=minutes(4)).model_dump(mode="json"),
        "from": after(-10).isoformat(),
        "to": after(10).isoformat(),
        "unit": "community-a",
    }
    return await client.post(
        f"/policy-simulations{query}", json=body | more, headers=an_issuer().headers(who[0], who[1:])
    )


async def last_month(database: Database, clock: Clock) -> None:
    """Three emergencies: taken after 3 and 5 minutes, and never; and a routine case that is none of them."""
    for taken in (3, 5, None):
        story = Story()
        await hear(database, story.registered)
        if taken is not None:
            await clock.stand_at(after(taken))
            await hear(database, story.accepted(taken), story.arrived(taken), story.handled(taken))
    await hear(database, Story(Urgency.ROUTINE).registered)
    await clock.fast_forward(6)


async def test_totals_are_n_of_d_and_what_changed_is_named(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await last_month(database, clock)
    async with database.transaction() as tx:
        before = await tx.rows("SELECT count(*) AS lines FROM journal")
    answer = await simulate(client)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["raised"] == {"old_n": 1, "new_n": 2, "d": 3}
    assert told["misses"] == [{"kind": "acknowledge", "level": "grid", "old_n": 1, "new_n": 2, "d": 3}]
    [changed] = told["changed"]
    assert (changed["old"]["raises"], changed["new"]["raises"]) == (0, 1)
    async with database.transaction() as tx:
        assert await tx.rows("SELECT count(*) AS lines FROM journal") == before


async def test_pages_add_up(client: httpx.AsyncClient, database: Database, clock: Clock) -> None:
    await last_month(database, clock)
    seen, cursor = [], ""
    while True:
        page = (await simulate(client, query=f"?limit=1{cursor}")).json()
        seen.append(page["raised"]["d"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sum(seen) == 3


@pytest.mark.parametrize(
    ("who", "status"), [(SUPERVISOR, 200), (ADMINISTRATOR, 200), (OFFICER, 403), (OTHER, 403)]
)
async def test_who_may_try_a_policy(
    client: httpx.AsyncClient, database: Database, clock: Clock, who: Who, status: int
) -> None:
    assert (await simulate(client, who)).status_code == status


@pytest.mark.parametrize(
    ("who", "unit", "status"),
    [
        (OTHER, "community-b", 200),
        (OTHER, "community-a", 403),
        (OTHER, "street", 403),
        (SUPERVISOR, "community-b", 200),
        (SUPERVISOR, "civil-affairs", 403),
        (ADMINISTRATOR, "nowhere", 403),
    ],
)
async def test_on_whose_cases_it_is_tried(
    client: httpx.AsyncClient, clock: Clock, who: Who, unit: str, status: int
) -> None:
    assert (await simulate(client, who, unit=unit)).status_code == status


GRID = EMERGENCY.levels[0]


@pytest.mark.parametrize(
    ("flawed", "says"),
    [
        (EMERGENCY.model_copy(update={"levels": ()}), "It limits no level"),
        (EMERGENCY.model_copy(update={"levels": (GRID, *EMERGENCY.levels)}), "A level is limited twice"),
        (with_grid(EMERGENCY, acknowledge=minutes(0)), "A limit must be more than nothing"),
        (with_grid(EMERGENCY, handle=minutes(10**12)), "A limit is a year at most"),
        (with_grid(EMERGENCY, handle=None), "Without both limits a level never raises a case"),
        (EMERGENCY.model_copy(update={"care_arrive": minutes(0)}), "A limit must be more than nothing"),
        (EMERGENCY.model_copy(update={"amber_percent": 0}), "amber_percent must be 1 to 99"),
    ],
)
async def test_what_the_registry_would_not_keep_is_not_tried(
    client: httpx.AsyncClient, clock: Clock, flawed: Policy, says: str
) -> None:
    answer = await simulate(client, policy=flawed.model_dump(mode="json"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert says in answer.text


async def test_a_period_ends_after_it_begins(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    assert (await simulate(client, to=after(-20).isoformat())).status_code == 422
    assert (await simulate(client, query="?limit=5000")).status_code == 422
    assert (await simulate(client, instead_of="routine")).json()["raised"]["d"] == 0
    assert (await simulate(client, category_code="noise")).json()["raised"]["d"] == 0
