"""Who may rule, extend, park, order and answer, and who may not; what they are told; which version they act on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import reduce
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.escalation.queries import cases as queries
from services.escalation.rules.case import Case
from services.escalation.rules.fold import apply
from shared import journal
from shared.database import Database
from shared.events.escalation import CaseListed, ReturnRuled
from shared.events.intake import RequesterErased
from shared.ids import uuid7
from shared.things import Category, DutyList, Grant, Name, Person
from shared.vocabulary import DeadlineKind, Level, Role, Urgency
from tests.escalation.conftest import Clock, hear
from tests.escalation.story import LADDER, Story, after
from tests.people import an_issuer

Who = tuple[str, Role, str]
HOLDER: Who = ("p-grid-a1-a", Role.GRID_WORKER, "grid-a1")
NEIGHBOUR: Who = ("p-grid-b1-a", Role.GRID_WORKER, "grid-b1")
LEADER: Who = ("p-grid-a1-l", Role.GRID_LEADER, "grid-a1")
OFFICER: Who = ("p-community-a-o1", Role.UNIT_OFFICER, "community-a")
STREET_OFFICER: Who = ("p-street-o1", Role.UNIT_OFFICER, "street")
SUPERVISOR: Who = ("p-street-s1", Role.SUPERVISOR, "street")
OTHER_OFFICER: Who = ("p-community-b-o1", Role.UNIT_OFFICER, "community-b")
OTHER_SUPERVISOR: Who = ("p-community-b-s1", Role.SUPERVISOR, "community-b")
DIRECTOR: Who = ("p-civil-affairs-s1", Role.SUPERVISOR, "civil-affairs")
TOP_OFFICER: Who = ("p-civil-affairs-o1", Role.UNIT_OFFICER, "civil-affairs")
CALLER: Who = ("p-caller-1", Role.FOLLOW_UP_CALLER, "civil-affairs")
READER: Who = ("p-reader-1", Role.READER, "civil-affairs")
EVERYBODY = (
    HOLDER, NEIGHBOUR, LEADER, OFFICER, STREET_OFFICER, SUPERVISOR, OTHER_OFFICER, OTHER_SUPERVISOR, DIRECTOR,
    TOP_OFFICER, CALLER, READER,
)  # fmt: skip

DAY = timedelta(days=1)
WORDS = "承办人写的话 13812345678"


def headers(who: Who, **more: str) -> dict[str, str]:
    return an_issuer().headers(who[0], who[1:]) | more


class Desk:
    """One case on a desk; `ask` is a command of somebody."""

    def __init__(self, client: httpx.AsyncClient, database: Database, story: Story) -> None:
        self.client, self.database, self.story = client, database, story

    @property
    def case_id(self) -> UUID:
        return self.story.case_id

    async def ask(self, who: Who, path: str, body: dict[str, Any], **more: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers=headers(who, **more))

    async def case(self, who: Who = OFFICER) -> dict[str, Any]:
        answer = await self.client.get(f"/cases/{self.case_id}", headers=headers(who))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def known_in(database: Database, person_id: str, unit_id: str) -> None:
    grants = (Grant(role=Role.UNIT_OFFICER, unit_id=unit_id),)
    owner = Person(id=person_id, name=Name(zh="负责人", en="Owner"), grants=grants)
    database.directory.people[person_id] = owner


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database, clock: Clock) -> Desk:
    """A routine case of grid a1 that its A holder took."""
    for unit_id in ("community-a", "grid-a2", "community-b", "grid-b1", "street", "market-regulation"):
        known_in(database, f"p-{unit_id}", unit_id)
    known_in(database, "p-owner", "community-a")
    story = Story(Urgency.ROUTINE)
    await clock.stand_at(after(5))
    await hear(database, story.registered, story.accepted(1))
    return Desk(client, database, story)


async def rule_it(desk: Desk, who: Who, **body: Any) -> httpx.Response:
    returned = desk.story.returned(2)
    await hear(desk.database, returned)
    path = f"/cases/{desk.case_id}/returns/{returned.return_id}/ruling"
    return await desk.ask(who, path, {"ruling": "refuse", "text": WORDS} | body)


async def ask_it(desk: Desk, who: Who) -> httpx.Response:
    until = after(4 * 24 * 60).isoformat()
    body = {"until": until, "reason": "needs_parts"}
    return await desk.ask(who, f"/cases/{desk.case_id}/extensions", body)


async def decide_it(desk: Desk, who: Who) -> httpx.Response:
    assert (await ask_it(desk, HOLDER)).status_code == 200
    [asked] = (await desk.case())["extensions"]
    path = f"/cases/{desk.case_id}/extensions/{asked['id']}/decision"
    return await desk.ask(who, path, {"approved": True})


async def park_it(desk: Desk, who: Who, **body: Any) -> httpx.Response:
    plan = {"reason": "needs_funds", "owner_id": "p-owner", "plan": WORDS}
    plan["review_at"] = (after(0) + 30 * DAY).isoformat()
    return await desk.ask(who, f"/cases/{desk.case_id}/park", plan | body)


async def unpark_it(desk: Desk, who: Who) -> httpx.Response:
    assert (await park_it(desk, OFFICER)).status_code == 200
    return await desk.ask(who, f"/cases/{desk.case_id}/unpark", {"because": "resumed"})


async def park_it_again(desk: Desk, who: Who) -> httpx.Response:
    """At the same level: the community, where its own officer may not."""
    body = {"reason": "beyond_our_powers"}
    assert (await desk.ask(HOLDER, f"/cases/{desk.case_id}/escalate", body)).status_code == 200
    assert (await unpark_it(desk, OFFICER)).status_code == 200
    return await park_it(desk, who)


async def order_it(desk: Desk, who: Who) -> httpx.Response:
    return await desk.ask(who, f"/cases/{desk.case_id}/orders", {"kind": "listed", "text": WORDS})


async def answer_it(desk: Desk, who: Who) -> httpx.Response:
    assert (await order_it(desk, SUPERVISOR)).status_code == 200
    [ordered] = (await desk.case())["supervision_orders"]
    return await desk.ask(who, f"/orders/{ordered['id']}/answer", {"text": WORDS})


async def reply_it(desk: Desk, who: Who) -> httpx.Response:
    body = {"reason": "beyond_our_powers"}
    raised = await desk.ask(HOLDER, f"/cases/{desk.case_id}/escalate", body)
    path = f"/cases/{desk.case_id}/raises/{raised.json()['raises'][0]['id']}/reply"
    return await desk.ask(who, path, {"text": WORDS})


IN_CHARGE_ABOVE = {OFFICER, STREET_OFFICER, SUPERVISOR, DIRECTOR, TOP_OFFICER}
Act = Callable[[Desk, Who], Awaitable[httpx.Response]]
ACTS: list[tuple[Act, set[Who]]] = [
    (rule_it, IN_CHARGE_ABOVE),
    (ask_it, {HOLDER}),
    (decide_it, IN_CHARGE_ABOVE),
    (park_it, IN_CHARGE_ABOVE),
    (unpark_it, IN_CHARGE_ABOVE),
    (park_it_again, IN_CHARGE_ABOVE - {OFFICER}),
    (order_it, {SUPERVISOR, DIRECTOR}),
    (answer_it, {HOLDER, LEADER, OFFICER, STREET_OFFICER, TOP_OFFICER}),
    (reply_it, IN_CHARGE_ABOVE),
]


@pytest.mark.parametrize(("act", "allowed"), ACTS, ids=[act.__name__ for act, _ in ACTS])
async def test_who_may_and_who_may_not(desk: Desk, act: Act, allowed: set[Who]) -> None:
    """Each on a case of its own."""
    for who in EVERYBODY:
        story = Story(Urgency.ROUTINE)
        await hear(desk.database, story.registered, story.accepted(1))
        answer = await act(Desk(desk.client, desk.database, story), who)
        assert (answer.status_code == 200) is (who in allowed), (who, answer.text)
        if who not in allowed:
            assert answer.status_code in {403, 409}
            assert answer.json()["code"] in {"forbidden", "holder-unknown", "parking-needs-approval"}


NAMED: list[tuple[Who, str, bool]] = [
    (OFFICER, "community-a", True),
    (OFFICER, "grid-a2", True),
    (OFFICER, "street", True),
    (OFFICER, "market-regulation", True),
    (OFFICER, "community-b", False),
    (OFFICER, "grid-b1", False),
    (STREET_OFFICER, "community-b", True),
    (SUPERVISOR, "grid-b1", True),
]


@pytest.mark.parametrize(("who", "unit_id", "allowed"), NAMED)
async def test_what_is_named_in_a_body_is_not_next_door(
    desk: Desk, who: Who, unit_id: str, allowed: bool
) -> None:
    """To where a return goes, and who sees to a parked case: whoever has charge of both may name either."""

    async def lines() -> int:
        async with desk.database.transaction() as tx:
            return len(await journal.story(tx, desk.case_id))

    returned = desk.story.returned(2)
    await hear(desk.database, returned)
    before = await lines()
    body = {"ruling": "redispatch", "to_unit_id": unit_id, "text": WORDS}
    parked = await park_it(desk, who, owner_id=f"p-{unit_id}")
    ruled = await desk.ask(who, f"/cases/{desk.case_id}/returns/{returned.return_id}/ruling", body)
    for answer in (parked, ruled):
        expected = 200 if allowed else 403
        assert answer.status_code == expected, answer.text
        assert allowed or answer.json()["code"] == "next-door"
    assert (await lines() > before) is allowed


async def test_nobody_decides_what_they_asked_for(desk: Desk) -> None:
    """The holder of a case may be an officer as well."""
    both = an_issuer().headers(HOLDER[0], HOLDER[1:], (Role.UNIT_OFFICER, "community-a"))
    returned = desk.story.returned(2)
    await hear(desk.database, returned)
    path = f"/cases/{desk.case_id}/returns/{returned.return_id}/ruling"
    body = {"ruling": "refuse", "text": WORDS}
    assert (await desk.client.post(path, json=body, headers=both)).json()["code"] == "own-request"


async def test_at_the_last_level_only_its_supervisors_approve(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = Story(Urgency.ROUTINE, ladder=LADDER[3:])
    await hear(database, story.registered, story.accepted(1, person_id=TOP_OFFICER[0]))
    desk = Desk(client, database, story)
    body = {"until": after(20 * 24 * 60).isoformat(), "reason": "weather"}
    asked = await desk.ask(TOP_OFFICER, f"/cases/{story.case_id}/extensions", body)
    path = f"/cases/{story.case_id}/extensions/{asked.json()['extensions'][0]['id']}/decision"
    another: Who = ("p-civil-affairs-o2", Role.UNIT_OFFICER, "civil-affairs")
    assert (await desk.ask(another, path, {"approved": True})).status_code == 403
    assert (await desk.ask(DIRECTOR, path, {"approved": True})).status_code == 200


# ── rulings ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_ruling_stands(desk: Desk) -> None:
    answer = await rule_it(desk, OFFICER)
    [ruled] = answer.json()["returns"]
    assert (ruled["ruling"], ruled["ruled_by"], ruled["text"]) == ("refuse", OFFICER[0], WORDS)
    path = f"/cases/{desk.case_id}/returns/{ruled['id']}/ruling"
    again = await desk.ask(SUPERVISOR, path, {"ruling": "redispatch", "to_unit_id": "street", "text": WORDS})
    assert (again.status_code, again.json()["code"]) == (409, "ruled-before")


async def test_nothing_is_sent_to_a_community_outside_its_duty_list(desk: Desk) -> None:
    directory = desk.database.directory
    directory.categories["manhole-cover"] = Category(
        code="manhole-cover",
        name=Name(zh="井盖", en="Manhole cover"),
        class_name=Name(zh="市政", en="Works"),
        urgency=Urgency.EMERGENCY,
        policy_id="emergency",
        levels=tuple(Level),
        rightful_unit_id="street",
    )
    directory.duty_lists["d"] = DutyList(id="d", unit_id="community-b", category_codes=("noise",))
    directory.pass_by(2)
    answer = await rule_it(desk, STREET_OFFICER, ruling="redispatch", to_unit_id="community-b")
    assert (answer.status_code, answer.json()["code"]) == (409, "outside-duty-list")
    assert answer.json()["rightful_unit_id"] == "street"
    answer = await rule_it(desk, OFFICER, ruling="redispatch", to_unit_id="nowhere")
    assert answer.json()["code"] == "no-such-unit"
    answer = await rule_it(desk, OFFICER, ruling="redispatch", to_unit_id="street")
    assert (answer.status_code, answer.json()["unit_id"]) == (200, "street")


async def test_a_redispatch_names_a_unit_and_a_refusal_does_not(desk: Desk) -> None:
    assert (await rule_it(desk, OFFICER, ruling="redispatch")).status_code == 422
    assert (await rule_it(desk, OFFICER, to_unit_id="street")).status_code == 422


async def test_a_ruling_that_crosses_its_deadline_finds_the_return_refused(desk: Desk, clock: Clock) -> None:
    returned = desk.story.returned(2)
    await hear(desk.database, returned)
    await clock.stand_at(after(24 * 60))
    path = f"/cases/{desk.case_id}/returns/{returned.return_id}/ruling"
    answer = await desk.ask(OFFICER, path, {"ruling": "refuse", "text": WORDS})
    assert (answer.status_code, answer.json()["code"]) == (409, "ruled-before")
    await clock.fast_forward(24 * 60)
    async with desk.database.transaction() as tx:
        told = [event for event in await journal.story(tx, desk.case_id) if isinstance(event, ReturnRuled)]
    assert [event.unanswered for event in told] == [True]


async def test_rulings_wait_on_the_list_of_the_unit_that_rules(desk: Desk) -> None:
    await hear(desk.database, desk.story.returned(2))
    answer = await desk.client.get("/deadlines?kind=ruling&unit=community-a", headers=headers(OFFICER))
    assert [(one["kind"], one["unit_id"]) for one in answer.json()["deadlines"]] == [
        ("ruling", "community-a")
    ]


# ── extensions, parking, orders ───────────────────────────────────────────────────────────────────────────────────


async def test_an_extension_longer_than_allowed_is_told_how_long_it_may_be(desk: Desk) -> None:
    body = {"until": after(30 * 24 * 60).isoformat(), "reason": "other"}
    answer = await desk.ask(HOLDER, f"/cases/{desk.case_id}/extensions", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "extension-too-long")
    allowed = {"until": answer.json()["latest"], "reason": "other"}
    assert (await desk.ask(HOLDER, f"/cases/{desk.case_id}/extensions", allowed)).status_code == 200


async def test_an_approved_extension_moves_the_clock_and_is_granted_once(desk: Desk) -> None:
    answer = await decide_it(desk, OFFICER)
    assert answer.json()["extensions"][0]["state"] == "granted"
    due = {one["kind"]: one["due_at"] for one in answer.json()["deadlines"]}
    assert due["handle"] == after(4 * 24 * 60).isoformat().replace("+00:00", "Z")
    assert (await ask_it(desk, HOLDER)).json()["code"] == "extended-before"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"owner_id": "nobody"}, 409, "no-such-person"),
        ({"review_at": (after(0) + 91 * DAY).isoformat()}, 409, "review-date"),
        ({"review_at": after(-60).isoformat()}, 409, "review-date"),
        ({"review_at": "2026-03-30T09:00:00"}, 422, "invalid"),
    ],
)
async def test_what_a_parking_needs(desk: Desk, body: dict[str, str], status: int, code: str) -> None:
    answer = await park_it(desk, OFFICER, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_parked_case_shows_owner_plan_and_review_and_goes_on(desk: Desk) -> None:
    answer = await park_it(desk, OFFICER)
    [parked] = answer.json()["parkings"]
    assert (parked["owner_id"], parked["plan"], parked["ended_at"]) == ("p-owner", WORDS, None)
    assert "handle" not in {one["kind"] for one in answer.json()["deadlines"]}
    assert (await park_it(desk, OFFICER)).json()["code"] == "parked-before"
    gone = await desk.ask(OFFICER, f"/cases/{desk.case_id}/unpark", {"because": "handled"})
    assert gone.status_code == 422
    answer = await desk.ask(OFFICER, f"/cases/{desk.case_id}/unpark", {"because": "reviewed"})
    assert "handle" in {one["kind"] for one in answer.json()["deadlines"]}
    again = await desk.ask(OFFICER, f"/cases/{desk.case_id}/unpark", {"because": "reviewed"})
    assert again.json()["code"] == "not-parked"


async def test_orders_are_listed_for_both_units_until_they_are_answered(desk: Desk) -> None:
    assert (await order_it(desk, SUPERVISOR)).status_code == 200
    assert (await order_it(desk, SUPERVISOR)).json()["code"] == "ordered-before"

    async def listed(who: Who, query: str) -> list[str]:
        answer = await desk.client.get(f"/orders{query}", headers=headers(who))
        assert answer.status_code == 200, answer.text
        return [one["supervising_unit_id"] for one in answer.json()["orders"]]

    assert await listed(OFFICER, "?state=open") == await listed(SUPERVISOR, "?kind=listed") == ["street"]
    assert await listed(OTHER_OFFICER, "") == []
    assert await listed(SUPERVISOR, "?state=answered") == []
    [ordered] = (await desk.case())["supervision_orders"]
    assert (await desk.ask(OFFICER, f"/orders/{ordered['id']}/answer", {"text": WORDS})).status_code == 200
    again = await desk.ask(OFFICER, f"/orders/{ordered['id']}/answer", {"text": WORDS})
    assert again.json()["code"] == "answered-before"
    assert await listed(SUPERVISOR, "?state=open") == []
    assert await listed(SUPERVISOR, "?state=answered") == ["street"]
    assert (await desk.client.get("/orders", headers=headers(CALLER))).status_code == 403
    assert (await desk.client.get("/orders?cursor=!!", headers=headers(OFFICER))).status_code == 422
    assert (await desk.ask(OFFICER, f"/orders/{uuid7()}/answer", {"text": WORDS})).status_code == 404


async def test_orders_come_in_pages(desk: Desk) -> None:
    for kind in ("ordinary", "listed", "interview"):
        body = {"kind": kind, "text": WORDS}
        await desk.ask(SUPERVISOR, f"/cases/{desk.case_id}/orders", body)
    found, cursor = [], ""
    while True:
        page = (await desk.client.get(f"/orders?limit=2{cursor}", headers=headers(OFFICER))).json()
        found += [one["kind"] for one in page["orders"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == ["interview", "listed", "ordinary"]


async def test_a_reply_is_given_once_and_only_for_a_raise_by_hand(desk: Desk, clock: Clock) -> None:
    answer = await reply_it(desk, OFFICER)
    [raised] = answer.json()["raises"]
    assert (raised["replied_by"], raised["reply"]) == (OFFICER[0], WORDS)
    path = f"/cases/{desk.case_id}/raises/{raised['id']}/reply"
    assert (await desk.ask(OFFICER, path, {"text": WORDS})).json()["code"] == "replied-before"
    await clock.fast_forward(24 * 60 * 30)
    by_clock = (await desk.case())["raises"][1]
    path = f"/cases/{desk.case_id}/raises/{by_clock['id']}/reply"
    assert (await desk.ask(STREET_OFFICER, path, {"text": WORDS})).json()["code"] == "no-reply-owed"


async def test_a_raise_names_a_level_of_the_case_above_its_own(desk: Desk) -> None:
    path = f"/cases/{desk.case_id}/escalate"
    wrong = await desk.ask(OFFICER, path, {"reason": "other", "to_level": "grid"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "level-not-above")
    answer = await desk.ask(OFFICER, path, {"reason": "other", "to_level": "street"})
    assert answer.json()["level"] == "street"
    assert answer.json()["raises"][0]["skipped"][0]["reason"] == "named_further_up"


# ── versions, repeats, privacy ────────────────────────────────────────────────────────────────────────────────────


async def test_if_match_acts_only_on_the_version_that_was_looked_at(desk: Desk) -> None:
    seen = await desk.client.get(f"/cases/{desk.case_id}", headers=headers(OFFICER))
    version = seen.headers["ETag"]
    await hear(desk.database, desk.story.contacted(3))
    path, body = f"/cases/{desk.case_id}/escalate", {"reason": "other"}
    stale = await desk.ask(OFFICER, path, body, **{"If-Match": version})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed-meanwhile")
    seen = await desk.client.get(f"/cases/{desk.case_id}", headers=headers(OFFICER))
    fresh = await desk.ask(OFFICER, path, body, **{"If-Match": seen.headers["ETag"]})
    assert fresh.status_code == 200
    assert (await desk.ask(OFFICER, path, body, **{"If-Match": "*"})).status_code == 200
    assert (await desk.ask(OFFICER, path, body, **{"If-Match": '"none"'})).status_code == 412


async def test_the_same_command_sent_twice_acts_once(desk: Desk) -> None:
    key = {"Idempotency-Key": str(uuid7())}
    body = {"kind": "listed", "text": WORDS}
    answers = [await desk.ask(SUPERVISOR, f"/cases/{desk.case_id}/orders", body, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(answers[1].json()["supervision_orders"]) == 1


async def everything(desk: Desk) -> None:
    """A case on which everything was written that can be."""
    for act, who in ((rule_it, OFFICER), (decide_it, OFFICER), (answer_it, OFFICER), (unpark_it, OFFICER)):
        assert (await act(desk, who)).status_code == 200, act
    assert (await reply_it(desk, OFFICER)).status_code == 200


async def test_what_is_written_is_nowhere_in_the_clear_and_goes_with_the_person(desk: Desk) -> None:
    await everything(desk)
    async with desk.database.transaction() as tx:
        for table in (
            "journal",
            "outbox",
            "raises",
            "texts",
            "cases",
            "returns",
            "parkings",
            "supervision_orders",
        ):
            rows = await tx.rows(f"SELECT t::text AS line FROM {table} AS t")
            assert not [row for row in rows if "13812345678" in row["line"] or "承办人" in row["line"]], table
    before = await desk.case()
    assert before["parkings"][0]["plan"] == before["returns"][0]["text"] == WORDS
    await hear(desk.database, RequesterErased(case_id=desk.case_id, at=after(5)))
    erased = await desk.case()
    assert erased["parkings"][0]["plan"] is None
    assert erased["raises"][0]["reply"] is None
    async with desk.database.transaction() as tx:
        assert await tx.rows("SELECT 1 FROM texts UNION ALL SELECT 1 FROM case_keys") == []
        assert await journal.verify(tx, desk.case_id) > 0


async def test_a_reader_sees_what_happened_and_no_names(desk: Desk) -> None:
    await everything(desk)
    seen = await desk.case(READER)
    told = str(seen)
    assert not [who for who in EVERYBODY if who[0] in told]
    assert WORDS not in told
    assert seen["returns"][0]["ruling"] == "refuse"


async def test_the_rows_are_the_fold_of_the_journal(desk: Desk, clock: Clock) -> None:
    await everything(desk)
    await hear(desk.database, desk.story.asked_to_help(5, 60), desk.story.merged(6), desk.story.unmerged(7))
    await hear(desk.database, desk.story.amended(8), desk.story.arrived(9))
    await clock.fast_forward(60 * 24 * 60)
    async with desk.database.transaction() as tx:
        told = await journal.story(tx, desk.case_id)
        case = await queries.load(tx, desk.case_id)
    nothing: Case | None = None
    assert reduce(apply, told, nothing) == case  # type: ignore[arg-type]


async def test_the_daily_list_has_a_timer_until_it_is_dealt_with(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    story = Story(ladder=LADDER[3:])
    await hear(database, story.registered)
    for day in range(3):
        await clock.fast_forward((day + 1) * 24 * 60)

    async def timers() -> list[str]:
        async with database.transaction() as tx:
            rows = await tx.rows("SELECT kind FROM timers WHERE subject_id = :id", id=story.case_id)
        return [row["kind"] for row in rows]

    async with database.transaction() as tx:
        told = [event for event in await journal.story(tx, story.case_id) if isinstance(event, CaseListed)]
    assert [event.days for event in told] == [1, 2, 3]
    assert "daily_list" in await timers()
    await clock.stand_at(after(4 * 24 * 60 - 100))
    await hear(database, story.handled(4 * 24 * 60 - 100))
    assert await timers() == [DeadlineKind.FOLLOW_UP.value]
