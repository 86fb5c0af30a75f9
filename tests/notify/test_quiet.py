"""What may wait does so until the end of quiet hours, and comes as one message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notify.channels import Message, Sent
from services.notify.handlers.digests import release
from services.notify.handlers.office import Office
from services.notify.handlers.sending import compose, record
from services.notify.queries import messages
from services.notify.queries.people import Person
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers.keeping import Digests
from services.notify.timers.sending import sources_of
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.events.escalation import DeadlineMissed
from shared.events.intake import FollowUpOpened, RequesterErased
from shared.events.notify import NoticeDelivered, NoticeFailed
from shared.ids import uuid7
from shared.vocabulary import DeadlineKind, Level, NoticeKind, Urgency
from tests.notify.conftest import hear_in
from tests.notify.story import NIGHT, Story, a_town

MISSED = {"kind": DeadlineKind.HANDLE, "level": Level.GRID, "round": 1, "due_at": NIGHT, "late_ms": 0}


def around_now() -> str:
    """Quiet hours that hold now, whenever this runs."""
    now = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    hour = timedelta(hours=1)
    return f"{now - hour:%H:%M}-{now + hour:%H:%M}"


@pytest.fixture
async def office(set_up: Callable[..., Settings]) -> Office:
    return Office(set_up(SMTP_HOST="mail.test", QUIET_HOURS=around_now()))


@pytest.fixture
async def database(office: Office, town: Directory) -> AsyncIterator[Database]:
    mailed = town.people["s-community"].model_copy(update={"email": "s@example.org"})
    town = a_town(people={"s-community": mailed})
    opened = Database(office.settings.database_url, source="notify", directory=town)
    yield opened
    await opened.close()


async def missed_on(database: Database, office: Office, *stories: Story, **fields: object) -> None:
    for story in stories:
        async with database.transaction() as tx:
            first = story.registered(**{"urgency": Urgency.ROUTINE} | fields)
            await hear_in(office, tx, first, story.tell(DeadlineMissed, **MISSED))


async def states(database: Database, via: Via = Via.SMTP) -> list[str]:
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT state FROM messages WHERE via = :via ORDER BY written_at, state", via=via
        )
    return [row["state"] for row in rows]


async def morning(database: Database, office: Office) -> int:
    async with database.transaction() as tx:
        await tx.rows("UPDATE messages SET held_until = business_now() WHERE state = 'held'")
    async with database.transaction() as tx:
        return await release(office, tx)


async def test_at_night_the_feed_has_it_and_the_mail_waits(database: Database, office: Office) -> None:
    await missed_on(database, office, Story())
    assert await states(database) == ["held"]
    async with database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM feed WHERE person_id = 's-community'")) == 1
        assert await messages.claim(tx, {Via.SMTP: 5}, 30) == []
        pending = await Digests(office).pending(tx)
        now = await tx.now()
    assert pending.in_flight == 0
    assert pending.next_due_at is not None
    assert timedelta() < pending.next_due_at - now <= timedelta(hours=1, minutes=1)


async def test_an_emergency_passes(database: Database, office: Office) -> None:
    await missed_on(database, office, Story(), urgency=Urgency.EMERGENCY)
    assert await states(database) == ["due"]


async def test_one_that_waited_comes_by_itself(database: Database, office: Office) -> None:
    await missed_on(database, office, Story())
    assert await morning(database, office) == 1
    assert await states(database) == ["due"]


async def test_several_that_waited_come_as_one_and_each_is_delivered_by_it(
    database: Database, office: Office
) -> None:
    stories = [Story() for _ in range(3)]
    await missed_on(database, office, *stories)
    await morning(database, office)
    assert sorted(await states(database)) == ["due", "gathered", "gathered", "gathered"]
    async with database.transaction() as tx:
        [digest] = await messages.claim(tx, {Via.SMTP: 5}, 30)
    message = await compose(office, database.directory, digest, sources_of(office.settings))
    assert isinstance(message, Message)
    assert "3 条通知" in message.title
    assert message.text.count("红灯") == 3
    async with database.transaction() as tx:
        await record(office, tx, [(digest, Sent())])
    assert await states(database) == ["sent"] * 4
    for story in stories:
        async with database.transaction() as tx:
            told = await journal.story(tx, story.case_id)
        mailed = [event for event in told if isinstance(event, NoticeDelivered) and event.via == "smtp"]
        assert [event.kind for event in mailed] == [NoticeKind.DEADLINE_MISSED]


async def test_who_wants_no_digest_gets_them_one_by_one(database: Database, office: Office) -> None:
    key = office.sealer.new_case_key()[1]
    office.take_people(
        [
            Person(
                person_id="s-community",
                version=1,
                chosen=True,
                channels=["feed", "smtp"],
                quiet_from=office.quiet.starts if office.quiet else None,
                quiet_until=office.quiet.ends if office.quiet else None,
                digest="off",
                digest_at=None,
                language=None,
                wrapped_key=key,
                sealed_number=None,
                devices=0,
                changed_at=NIGHT,
            )
        ]
    )
    await missed_on(database, office, Story(), Story())
    await morning(database, office)
    assert await states(database) == ["due", "due"]


async def test_two_processes_release_each_message_once(database: Database, office: Office) -> None:
    await missed_on(database, office, *(Story() for _ in range(4)))
    async with database.transaction() as tx:
        await tx.rows("UPDATE messages SET held_until = business_now() WHERE state = 'held'")
    async with database.transaction() as one, database.transaction() as other:
        first = await release(office, one)
        second = await release(office, other)
    assert sorted([first, second]) == [0, 4]
    assert sorted(await states(database)) == ["due", *["gathered"] * 4]


async def test_a_requester_is_answered_at_night_and_asked_in_the_morning(
    database: Database, office: Office
) -> None:
    story = Story()
    async with database.transaction() as tx:
        asked = {"follow_up_id": uuid7(), "round": 1, "link_can_be_sent": True}
        first = story.registered(urgency=Urgency.ROUTINE)
        await hear_in(office, tx, first, story.tell(FollowUpOpened, **asked))
        rows = await tx.rows("SELECT kind, state FROM messages ORDER BY kind")
    assert [tuple(row.values()) for row in rows] == [("please_answer", "held"), ("registered", "due")]


async def test_nothing_queued_goes_to_a_requester_who_was_erased(database: Database, office: Office) -> None:
    story = Story()
    async with database.transaction() as tx:
        await hear_in(office, tx, story.registered(), story.tell(RequesterErased))
        assert await messages.claim(tx, {Via.CONSOLE: 5}, 30) == []
        [row] = await tx.rows("SELECT state, body::text AS body FROM messages")
    assert (row["state"], row["body"]) == ("failed", "{}")
    async with database.transaction() as tx:
        told = await journal.story(tx, story.case_id)
    assert [event.because for event in told if isinstance(event, NoticeFailed)] == [
        "the requester was erased"
    ]
