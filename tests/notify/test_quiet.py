"""What may wait does so until the end of quiet hours, and comes as one message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

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


def a_choice(office: Office, person_id: str, **chosen: Any) -> Person:
    """What somebody chose, with quiet hours that hold now."""
    assert office.quiet is not None
    known: dict[str, Any] = {
        "person_id": person_id,
        "version": 1,
        "chosen": True,
        "channels": ["feed"],
        "quiet_from": office.quiet.starts,
        "quiet_until": office.quiet.ends,
        "digest": "after_quiet",
        "digest_at": None,
        "language": None,
        "wrapped_key": office.sealer.new_case_key()[1],
        "sealed_number": None,
        "devices": 0,
        "changed_at": NIGHT,
    }
    return Person(**known | chosen)


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
    office.take_people([a_choice(office, "s-community", channels=["feed", "smtp"], digest="off")])
    await missed_on(database, office, Story(), Story())
    await morning(database, office)
    assert await states(database) == ["due", "due"]


async def test_one_that_cannot_be_said_goes_by_itself_and_stops_no_digest(
    database: Database, office: Office
) -> None:
    """Ending here would end the process, and the next one at the same row."""
    stories = [Story() for _ in range(3)]
    await missed_on(database, office, *stories)
    async with database.transaction() as tx:
        await tx.rows(
            'UPDATE messages SET body = body || CAST(\'{"due_at": "never"}\' AS jsonb) WHERE case_id = :case_id',
            case_id=stories[1].case_id,
        )
    before = REGISTRY.get_sample_value("yike_notify_untitled_total") or 0
    assert await morning(database, office) == 3
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT case_id, kind, state FROM messages WHERE via = 'smtp'")
    found = {(row["case_id"], row["kind"]): row["state"] for row in rows}
    assert found.pop((stories[1].case_id, "deadline_missed")) == "due"
    assert sorted(found.values()) == ["due", "gathered", "gathered"], "the others come as one"
    assert REGISTRY.get_sample_value("yike_notify_untitled_total") == before + 1


async def test_the_queue_s_age_begins_when_it_was_to_be_sent(database: Database, office: Office) -> None:
    """What slept until the morning has not been waiting since yesterday."""
    await missed_on(database, office, Story())
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE messages SET written_at = written_at - interval '9 hours',"
            " due_at = due_at - interval '9 hours', waits_since = waits_since - interval '9 hours'"
        )
    await morning(database, office)
    async with database.transaction() as tx:
        assert 0 <= (await messages.queues(tx))[Via.SMTP].seconds < 60
        [claimed] = await messages.claim(tx, {Via.SMTP: 5}, 30)
    assert 0 <= claimed.waited_seconds < 60, "and it is tried as long as any other"


@pytest.mark.parametrize("digest", ["after_quiet", "daily"])
@pytest.mark.parametrize(
    ("urgency", "care", "expected"),
    [
        (Urgency.ROUTINE, False, {"offer": "due", "deadline_missed": "held"}),
        (Urgency.ROUTINE, True, {"offer": "due", "deadline_missed": "due"}),
        (Urgency.EMERGENCY, False, {"offer": "due", "deadline_missed": "due"}),
    ],
)
async def test_at_night_an_offer_rings_and_so_does_all_of_a_case_that_is_owed_minutes(
    digest: str,
    urgency: Urgency,
    care: bool,
    expected: dict[str, str],
    database: Database,
    office: Office,
) -> None:
    """Somebody on a care register is owed the quarter of an hour at night as well."""
    chosen = {"channels": ["webhook", "feed", "smtp"], "digest": digest}
    daily = {"digest_at": time(17)} if digest == "daily" else {}
    office.take_people([a_choice(office, "s-community", **chosen, **daily)])
    person = database.directory.people["s-community"]
    hooked = person.model_copy(update={"webhook_url": "https://example.org/hook"})
    database.directory.people["s-community"] = hooked
    story = Story()
    async with database.transaction() as tx:
        first = story.registered(urgency=urgency, care=care)
        offer = story.offered("s-community", emergency=care or urgency is Urgency.EMERGENCY)
        await hear_in(office, tx, first, offer, story.tell(DeadlineMissed, **MISSED))
        rows = await tx.rows(
            "SELECT kind, state FROM messages WHERE via = 'webhook' AND person_id = 's-community'"
        )
    assert {row["kind"]: row["state"] for row in rows} == expected


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
