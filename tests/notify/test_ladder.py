"""An emergency offer that stays unread goes on over the person's channels; alarms go over all of them at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.notify.channels import Refused, Result, Sent
from services.notify.commands import GiveReceipts, ReadFeed, Receipt, ReceiptStatus
from services.notify.handlers.heard import UNREAD
from services.notify.handlers.office import Office
from services.notify.handlers.reading import read_feed
from services.notify.handlers.receipts import take_receipts
from services.notify.handlers.sending import compose, record
from services.notify.handlers.telling import message
from services.notify.handlers.unread import still_unread
from services.notify.queries import messages
from services.notify.rules.circuit import Receiver
from services.notify.rules.facts import Notice
from services.notify.rules.ways import Priority, Via
from services.notify.settings import Settings
from services.notify.timers import timers_of
from services.notify.timers.sending import sources_of
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.event import Event
from shared.events.dispatch import AlarmAnswered, AlarmRaised, CaseAccepted, CaseOffered, OfferLapsed
from shared.events.notify import (
    AlarmNoticeDelivered,
    AlarmNoticeEvent,
    AlarmNoticeFailed,
    AlarmNoticeRead,
    AlarmNoticeReceived,
)
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.things import Person
from shared.timers import Due, TimerLoop
from shared.vocabulary import NoticeKind
from tests.notify.conftest import hear_in
from tests.notify.story import NIGHT, PATH, Story, a_town


def with_ways(town: Directory, person_id: str) -> Person:
    """The same person with a mailbox and a webhook."""
    known = {"email": f"{person_id}@example.org", "webhook_url": "https://example.org/hook"}
    return town.people[person_id].model_copy(update=known)


@pytest.fixture
async def office(set_up: Callable[..., Settings]) -> Office:
    return Office(set_up(SMTP_HOST="mail.test"))


@pytest.fixture
async def database(office: Office, town: Directory) -> AsyncIterator[Database]:
    town = a_town(people={person: with_ways(town, person) for person in ("a", "lead", "op1")})
    opened = Database(office.settings.database_url, source="notify", directory=town)
    yield opened
    await opened.close()


async def hear(database: Database, office: Office, *events: Event) -> None:
    async with database.transaction() as tx:
        await hear_in(office, tx, *events)


async def armed(database: Database) -> list[datetime]:
    async with database.transaction() as tx:
        return [row["due_at"] for row in await tx.rows("SELECT due_at FROM timers WHERE kind = 'unread'")]


async def later(database: Database, office: Office) -> int:
    """Fifteen seconds pass: what is armed is due, and fires."""
    async with database.transaction() as tx:
        await tx.rows("UPDATE timers SET due_at = business_now() - interval '1 millisecond'")
    return await TimerLoop(database, timers_of(office), lambda due: None).fire()


async def went_over(database: Database) -> list[str]:
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT via FROM messages WHERE person_id = 'a' AND kind = 'offer' ORDER BY written_at"
        )
    return [row["via"] for row in rows]


async def an_offer(database: Database, office: Office, **fields: object) -> tuple[Story, CaseOffered]:
    story = Story()
    offer = None
    await hear(database, office, story.registered(), offer := story.offered("a", **fields))
    return story, offer


async def test_unread_it_goes_to_one_channel_after_the_other_and_stays_with_the_person(
    database: Database, office: Office
) -> None:
    story, _ = await an_offer(database, office)
    assert await went_over(database) == []
    [due_at] = await armed(database)
    async with database.transaction() as tx:
        assert timedelta(seconds=10) < due_at - await tx.now() <= timedelta(seconds=15)

    await later(database, office)
    assert await went_over(database) == ["webhook"]
    await later(database, office)
    assert await went_over(database) == ["webhook", "smtp"]
    assert await armed(database) == [], "there is nowhere left to go"

    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.WEBHOOK: 5, Via.SMTP: 5}, 30)
    assert {(one.person_id, one.priority) for one in claimed} == {("a", Priority.EMERGENCY)}
    assert {one.body["offer_id"] for one in claimed} == {str(story.offer_id)}


async def test_once_read_it_goes_nowhere_else(database: Database, office: Office) -> None:
    await an_offer(database, office)
    async with database.transaction() as tx:
        await read_feed(tx, SignedIn("a"), ReadFeed(up_to=99))
    await later(database, office)
    assert await went_over(database) == []


@pytest.mark.parametrize("ends", [CaseAccepted, OfferLapsed])
async def test_an_answered_offer_is_not_watched_any_more(
    ends: type[CaseAccepted | OfferLapsed], database: Database, office: Office
) -> None:
    story, _ = await an_offer(database, office)
    await hear(database, office, story.tell(ends))
    assert await armed(database) == []


async def test_the_next_person_s_offer_has_a_ladder_of_its_own(database: Database, office: Office) -> None:
    story, _ = await an_offer(database, office)
    await later(database, office)
    await hear(database, office, story.tell(OfferLapsed), story.offered("b"))
    assert await armed(database) == [], "b has no other channel"
    assert await went_over(database) == ["webhook"]


async def test_a_routine_offer_is_not_watched(database: Database, office: Office) -> None:
    await an_offer(database, office, emergency=False)
    assert await armed(database) == []


async def test_a_channel_known_to_be_down_is_passed_over(database: Database, office: Office) -> None:
    await an_offer(database, office)
    office.resting = frozenset({Receiver("webhook", "example.org")})
    await later(database, office)
    assert await went_over(database) == ["smtp"]


async def test_a_channel_that_fails_is_not_waited_for(database: Database, office: Office) -> None:
    await an_offer(database, office, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    await later(database, office)
    async with database.transaction() as tx:
        [claimed] = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    async with database.transaction() as tx:
        await record(office, tx, [(claimed, Refused("HTTP 410"))])
    await TimerLoop(database, timers_of(office), lambda due: None).fire()
    assert await went_over(database) == ["webhook", "smtp"]


async def test_a_channel_whose_gateway_says_it_never_arrived_is_not_waited_for_either(
    database: Database, office: Office
) -> None:
    await an_offer(database, office, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    await later(database, office)
    async with database.transaction() as tx:
        [claimed] = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    async with database.transaction() as tx:
        await record(office, tx, [(claimed, Sent())])
    receipt = Receipt(id=claimed.key, status=ReceiptStatus.UNDELIVERED)
    async with database.transaction() as tx:
        assert (await take_receipts(office, tx, GiveReceipts(receipts=(receipt,)))).new == 1
    await TimerLoop(database, timers_of(office), lambda due: None).fire()
    assert await went_over(database) == ["webhook", "smtp"]


async def test_however_late_it_was_looked_at_the_next_channel_s_time_counts_from_when_it_was_due(
    database: Database, office: Office
) -> None:
    """Lateness does not add up from channel to channel (product.md §9)."""
    story, offer = await an_offer(database, office)
    late = timedelta(seconds=40)
    async with database.transaction() as tx:
        now = await tx.lock(story.case_id)
        await still_unread(office, tx, Due(story.case_id, UNREAD, offer.part_id, now - late, 40_000), now)
    assert await armed(database) == [now - late + timedelta(seconds=15)]


async def test_the_late_failure_of_an_old_offer_s_message_leaves_the_next_one_its_time(
    database: Database, office: Office
) -> None:
    town = database.directory.people
    town["b"] = with_ways(database.directory, "b")
    story, _ = await an_offer(database, office, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    await later(database, office)
    async with database.transaction() as tx:
        [of_the_first] = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    await hear(database, office, story.tell(OfferLapsed), story.offered("b"))
    [due_at] = await armed(database)
    async with database.transaction() as tx:
        await record(office, tx, [(of_the_first, Refused("HTTP 410"))])
    assert await armed(database) == [due_at]


@pytest.mark.parametrize("ends", [CaseAccepted, OfferLapsed])
async def test_an_offer_that_is_answered_is_not_sent_when_its_channel_is_back(
    ends: type[CaseAccepted | OfferLapsed], database: Database, office: Office
) -> None:
    story, _ = await an_offer(database, office, expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    await later(database, office)
    await hear(database, office, story.tell(ends))
    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    over = {one.kind: one.is_over for one in claimed}
    assert over.pop(NoticeKind.OFFER) is True
    assert list(over.values()) == [False], "that it ended, or who holds it, is still worth saying"


async def test_an_offer_that_ran_out_meanwhile_is_not_sent_any_more(
    database: Database, office: Office
) -> None:
    await an_offer(database, office)
    await later(database, office)
    async with database.transaction() as tx:
        [claimed] = await messages.claim(tx, {Via.WEBHOOK: 5}, 30)
    said = await compose(office, database.directory, claimed, sources_of(office.settings))
    assert said == Refused("the offer is over")


async def test_a_timer_that_fires_twice_sends_once(database: Database, office: Office) -> None:
    """A process dies after the COMMIT, the timer of another part fires: the key decides."""
    story, offer = await an_offer(database, office)
    await later(database, office)
    async with database.transaction() as tx:
        await tx.lock(story.case_id)
        tx.arm(story.case_id, UNREAD, NIGHT, offer.part_id)
    await later(database, office)
    await later(database, office)
    assert sorted(await went_over(database)) == ["smtp", "webhook"]


# ── SOS ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_alarm_goes_over_every_way_at_once_and_before_everything_else(
    database: Database, office: Office
) -> None:
    await an_offer(database, office)
    await later(database, office)
    alarm = AlarmRaised(alarm_id=uuid7(), at=NIGHT, sequence=1, person_id="a", unit_path=PATH)
    await hear(database, office, alarm)
    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.WEBHOOK: 2}, 30)
        rows = await tx.rows(
            "SELECT person_id, body->>'kind' AS kind FROM feed WHERE case_id = :id", id=alarm.alarm_id
        )
        mails = await messages.claim(tx, {Via.SMTP: 9}, 30)
    assert {(one.person_id, one.priority) for one in claimed} == {("lead", 0), ("op1", 0)}
    assert {one.person_id for one in mails} == {"lead", "op1"}
    told = {row["person_id"] for row in rows}
    assert told == {"lead", "op1", "s-community", "s-street", "s-civil"}


async def published(database: Database, alarm_id: UUID) -> list[AlarmNoticeEvent]:
    """Notify's part of the alarm's story, as the outbox has it."""
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT type FROM outbox ORDER BY id")
        story = [one for one in await journal.story(tx, alarm_id) if isinstance(one, AlarmNoticeEvent)]
    assert [row["type"] for row in rows] == [event.type for event in story]
    assert [event.sequence for event in story] == list(range(1, len(story) + 1))
    return story


async def test_who_was_told_of_an_alarm_is_part_of_its_story(database: Database, office: Office) -> None:
    alarm_id = uuid7()
    known = {"alarm_id": alarm_id, "at": NIGHT, "person_id": "a"}
    await hear(database, office, AlarmRaised(**known, sequence=1, unit_path=PATH))
    await hear(database, office, AlarmAnswered(**known, sequence=2, answered_by="lead"))
    told = await published(database, alarm_id)
    assert all(isinstance(event, AlarmNoticeDelivered) for event in told)
    assert {(event.kind, event.via) for event in told} == {
        ("alarm_raised", "feed"),
        ("alarm_answered", "feed"),
    }
    assert "a" in {event.person_id for event in told}, "the worker hears that somebody comes"


async def test_reading_an_alarm_is_part_of_its_story_too(database: Database, office: Office) -> None:
    alarm_id = uuid7()
    await hear(
        database,
        office,
        AlarmRaised(alarm_id=alarm_id, at=NIGHT, sequence=1, person_id="a", unit_path=PATH),
    )
    async with database.transaction() as tx:
        assert await read_feed(tx, SignedIn("lead"), ReadFeed(up_to=1)) == (1, 1)
    *_, last = await published(database, alarm_id)
    assert isinstance(last, AlarmNoticeRead)
    assert (last.person_id, last.actor.person_id, last.alarm_id) == ("lead", "lead", alarm_id)


@pytest.mark.parametrize("result", [Sent(), Refused("HTTP 410")], ids=["taken", "refused"])
async def test_what_became_of_an_alarm_s_message_is_part_of_its_story(
    result: Result, database: Database, office: Office
) -> None:
    """By the sender first, and where it was taken by the gateway's receipt."""
    alarm_id = uuid7()
    raised = AlarmRaised(alarm_id=alarm_id, at=NIGHT, sequence=1, person_id="a", unit_path=PATH)
    await hear(database, office, raised)
    to_lead = Notice(NoticeKind.ALARM_RAISED, "lead")
    async with database.transaction() as tx:
        await messages.write(tx, [message(raised, to_lead, Via.SMS, {}, Priority.ALARM)])
        [claimed] = await messages.claim(tx, {Via.SMS: 5}, 30)
    async with database.transaction() as tx:
        await record(office, tx, [(claimed, result)])
    receipt = Receipt(id=str(claimed.notice_id), status=ReceiptStatus.DELIVERED)
    async with database.transaction() as tx:
        assert (await take_receipts(office, tx, GiveReceipts(receipts=(receipt,)))).new == 1
    async with database.transaction() as tx:
        [beside] = await tx.rows(
            "SELECT received_at FROM messages WHERE person_id = 'lead' AND via = 'webhook'"
        )
    assert beside["received_at"] is None, "nobody said anything of the same word over the webhook"
    over_sms = [event for event in await published(database, alarm_id) if event.via == Via.SMS]
    first = AlarmNoticeDelivered if isinstance(result, Sent) else AlarmNoticeFailed
    assert [type(event) for event in over_sms] == [first, AlarmNoticeReceived]
    assert {event.person_id for event in over_sms} == {"lead"}
