"""What is written when an event is heard: the replica, feeds, messages, and what is announced."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import fields, replace

import orjson
import pytest

from services.notify.commands import ReadFeed
from services.notify.handlers.office import Office
from services.notify.handlers.reading import read_feed
from services.notify.queries import cases, feeds, messages
from services.notify.rules import replica
from services.notify.rules.facts import CaseFacts
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted, CaseHandled, OfferLapsed
from shared.events.escalation import CaseEscalated, Deadline, DeadlineMissed, DeadlinesSet
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened
from shared.events.notify import NoticeDelivered, NoticeRead
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.vocabulary import ClosedBy, DeadlineKind, EscalationCause, Level, NoticeKind, Outcome
from tests.notify.conftest import Hear, hear_in
from tests.notify.story import NIGHT, Story, a_person, a_town


async def feed_of(database: Database, person_id: str, after: int = 0) -> list[dict[str, object]]:
    async with database.transaction() as tx:
        page = await feeds.feed_page(tx, person_id, after, 1000)
    return [{**orjson.loads(item.body), "seq": item.seq, "read": item.read} for item in page.items]


async def story_of(database: Database, story: Story) -> list[CaseEvent]:
    async with database.transaction() as tx:
        await journal.verify(tx, story.case_id)
        return [event for event in await journal.story(tx, story.case_id) if isinstance(event, CaseEvent)]


def a_whole_life(story: Story) -> list[CaseEvent]:
    later = NIGHT
    return [
        story.registered(care=True),
        story.offered("a"),
        story.tell(OfferLapsed),
        story.offered("b"),
        story.tell(CaseAccepted, person_id="b"),
        story.tell(
            DeadlinesSet,
            level=Level.GRID,
            round=1,
            deadlines=(Deadline(kind=DeadlineKind.HANDLE, due_at=later, amber_at=later),),
        ),
        story.tell(
            DeadlineMissed, kind=DeadlineKind.HANDLE, level=Level.GRID, round=1, due_at=later, late_ms=0
        ),
        story.tell(
            CaseEscalated,
            cause=EscalationCause.HANDLE_MISSED,
            from_level=Level.GRID,
            from_unit_id="grid-a1",
            to_level=Level.COMMUNITY,
            to_unit_id="community-a",
            counts_from=later,
            round=1,
        ),
        story.tell(CaseHandled, person_id="b", outcome=Outcome.SOLVED, musts_met=()),
        story.tell(CaseReopened, follow_up_id=uuid7(), round=2),
        story.tell(CaseClosed, outcome=Outcome.SOLVED, closed_by=ClosedBy.FOLLOW_UP, round=2),
    ]


async def test_an_offer_is_on_the_feed_of_that_person_in_their_language(
    database: Database, hear: Hear
) -> None:
    story = Story()
    await hear(story.registered())
    await hear(story.offered("b"))

    [row] = await feed_of(database, "b")
    assert row["kind"] == "offer"
    assert str(row["title"]).startswith("Emergency offer")
    assert row["offer_id"] == str(story.offer_id)
    assert await feed_of(database, "a") == []


async def test_the_feed_row_and_its_delivery_are_one_transaction(database: Database, hear: Hear) -> None:
    story = Story()
    await hear(story.registered(), story.offered("a"))

    [row] = await feed_of(database, "a")
    delivered = [event for event in await story_of(database, story) if isinstance(event, NoticeDelivered)]
    assert [(str(event.notice_id), event.person_id, event.via) for event in delivered] == [
        (row["notice_id"], "a", "feed")
    ]


async def test_state_is_the_fold_of_the_journal(database: Database, hear: Hear) -> None:
    story = Story()
    for event in a_whole_life(story):
        await hear(event)

    first, *others = await story_of(database, story)
    assert isinstance(first, CaseRegistered)
    folded = replica.opened(first)
    for event in others:
        folded = replica.apply(folded, event)
    async with database.transaction() as tx:
        assert await cases.case(tx, story.case_id) == folded
    assert folded.closed
    assert folded.care


async def test_every_column_of_a_case_survives_saving(database: Database, hear: Hear) -> None:
    story = Story()
    whole = replica.apply(replica.opened(story.registered()), story.offered("a"))
    async with database.transaction() as tx:
        for unusual in (
            whole,
            replace(whole, due={}, parts=(), closed=True, level=Level.STREET, round=3, care=True),
        ):
            await cases.save(tx, unusual)
            assert await cases.case(tx, story.case_id) == unusual
    assert {field.name for field in fields(CaseFacts)} == set(cases.COLUMNS)


async def test_the_requester_is_told_by_message_and_no_address_is_kept(
    database: Database, hear: Hear, settings: Settings
) -> None:
    story = Story()
    await hear(registered := story.registered())
    async with database.transaction() as tx:
        [message] = await messages.claim(tx, {Via.CONSOLE: 10}, 30)
    assert message.key == f"{registered.id}.registered.requester"
    assert message.person_id is None
    assert message.body["number"] == registered.number


async def test_beside_the_feed_goes_what_the_person_has_an_address_for(
    set_up: Callable[..., Settings], town: Directory
) -> None:
    settings = set_up(SMTP_HOST="mail.test")
    with_mail = a_person("s-community", email="s@example.org", webhook_url="https://example.org/hook")
    town.people["s-community"] = with_mail.model_copy(update={"grants": town.people["s-community"].grants})
    town = a_town(people={"s-community": town.people["s-community"]})
    database, story = Database(settings.database_url, source="notify", directory=town), Story()
    async with database.transaction() as tx:
        missed = {"kind": DeadlineKind.ARRIVE, "level": Level.GRID, "round": 1, "due_at": NIGHT, "late_ms": 0}
        await hear_in(Office(settings), tx, story.registered(), story.tell(DeadlineMissed, **missed))
    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.SMTP: 10, Via.WEBHOOK: 10}, 30)
    hook, mail = sorted(claimed, key=lambda message: message.via, reverse=True)
    assert mail.key == hook.key
    assert len(await feed_of(database, "s-community")) == 1
    await database.close()


async def test_who_is_not_in_the_directory_yet_still_gets_the_feed(database: Database, hear: Hear) -> None:
    await hear(*(story := Story(), [story.registered(), story.offered("new")])[1])
    assert [row["kind"] for row in await feed_of(database, "new")] == ["offer"]


async def test_reading_marks_and_announces_each_notice_once(database: Database, hear: Hear) -> None:
    first, second = Story(), Story()
    await hear(first.registered(), first.offered("a"))
    await hear(second.registered(), second.offered("a"))
    a = SignedIn("a")

    async def read(up_to: int) -> tuple[int, int]:
        async with database.transaction() as tx:
            return await read_feed(tx, a, ReadFeed(up_to=up_to))

    assert await read(1) == (2, 1)
    assert await read(99) == (2, 2)
    assert await read(1) == (2, 2)
    for story in (first, second):
        receipts = [event for event in await story_of(database, story) if isinstance(event, NoticeRead)]
        assert [(event.person_id, event.actor.person_id, event.kind) for event in receipts] == [
            ("a", "a", NoticeKind.OFFER)
        ]
    assert [row["read"] for row in await feed_of(database, "a")] == [True, True]


async def test_batches_that_tell_the_same_people_in_other_orders_do_not_deadlock(
    database: Database, hear: Hear
) -> None:
    people = [f"p{number}" for number in range(8)]

    async def batch() -> None:
        for _ in range(8):
            stories = [Story() for _ in range(6)]
            events = [
                event
                for story in stories
                for event in (story.registered(), story.offered(random.choice(people)))
            ]
            await hear(*events)

    await asyncio.gather(*(batch() for _ in range(6)))

    seen = [await feed_of(database, person) for person in people]
    assert sum(map(len, seen)) == 6 * 8 * 6
    for rows in seen:
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


async def test_an_event_of_an_unknown_case_is_a_fault(hear: Hear) -> None:
    with pytest.raises(LookupError):
        await hear(Story().offered("a"))
