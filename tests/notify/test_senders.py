"""Messages go out at least once, and count once: real receivers, real deaths between sending and recording."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from services.notify.handlers.office import Office
from services.notify.handlers.sending import pause_seconds
from services.notify.queries import messages
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers.sending import Sending
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.event import Event
from shared.events.escalation import DeadlineMissed
from shared.events.intake import FollowUpOpened, InformationAsked
from shared.events.notify import NoticeDelivered, NoticeFailed
from shared.health import Beat
from shared.ids import uuid7
from shared.things import Person
from shared.vocabulary import DeadlineKind, Level, NoticeKind
from tests.notify.conftest import hear_in
from tests.notify.receiver import Gateway, a_gateway, a_postbox
from tests.notify.story import NIGHT, Story, a_town

QUICK = {"RETRY_FIRST_SECONDS": "0.05"}
SetUp = Callable[..., Settings]


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with a_gateway(settings.webhook_secrets[0].value) as opened:
        opened.contacts = {
            "phone": "13812345678",
            "tracking_url": "https://yike.test/t",
            "pickup_code": "4711",
        }
        yield opened


@pytest.fixture
async def with_gateway(set_up: SetUp, gateway: Gateway) -> Settings:
    return set_up(RESIDENT_WEBHOOK_URL=f"{gateway.url}/hook", INTAKE_URL=gateway.url, **QUICK)


@asynccontextmanager
async def sending(settings: Settings, via: Via, town: Directory | None = None) -> AsyncIterator[Database]:
    """A database and one sender of this channel at work on it."""
    database = Database(settings.database_url, source="notify", directory=town or a_town())
    sender = asyncio.create_task(Sending(Office(settings), [via]).run(database, Beat("send")))
    try:
        yield database
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await database.close()


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while not (found := await what()):
            await asyncio.sleep(0.02)
    return found


async def ended(database: Database, story: Story) -> list[Event]:
    """What notify announced of its messages; the feed's own are left out."""
    async with database.transaction() as tx:
        told = await journal.story(tx, story.case_id)
    return [e for e in told if isinstance(e, NoticeDelivered | NoticeFailed) and e.via != Via.FEED]


async def states(database: Database) -> list[tuple[str, int]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT state, attempts FROM messages ORDER BY notice_id")
    return [(row["state"], row["attempts"]) for row in rows]


async def everything_kept(database: Database) -> str:
    """All that is written down of messages and told of them."""
    async with database.transaction() as tx:
        [row] = await tx.rows(
            "SELECT (SELECT string_agg(m::text, '') FROM messages AS m)"
            " || (SELECT string_agg(j::text, '') FROM journal AS j)"
            " || (SELECT string_agg(o::text, '') FROM outbox AS o) AS everything"
        )
    return str(row["everything"])


async def register(database: Database, story: Story, settings: Settings) -> None:
    async with database.transaction() as tx:
        await hear_in(Office(settings), tx, story.registered())


async def test_the_requester_hears_the_number_and_the_address_stays_nowhere(
    with_gateway: Settings, gateway: Gateway
) -> None:
    story = Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        await register(database, story, with_gateway)
        [delivered] = await until(lambda: ended(database, story))
        kept = await everything_kept(database)
    assert (delivered.person_id, delivered.kind, delivered.attempt) == (None, NoticeKind.REGISTERED, 1)
    [taken] = gateway.taken.values()
    assert taken["data"]["phone"] == "13812345678"
    assert "取件码 4711" in taken["text"]
    assert gateway.asked[0][0] == "registered"
    assert "2603-0017-4" in kept
    assert "13812345678" not in kept


async def test_a_sender_killed_between_sending_and_recording_sends_again_under_the_same_key(
    with_gateway: Settings, gateway: Gateway, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway has the message, the sender dies before it hears so: the next one sends it again, and it counts
    once on both sides."""
    story = Story()
    database = Database(url, source="notify", directory=a_town())
    await register(database, story, with_gateway)
    monkeypatch.setenv("SEND_LEASE_SECONDS", "1")  # the doomed one's; nobody else's may end while they send
    doomed = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.notify.one_sender")
    gateway.at_first = doomed.kill
    async with asyncio.timeout(20):
        assert await doomed.wait() == -signal.SIGKILL
    assert await states(database) == [("due", 1)]

    async with sending(with_gateway, Via.WEBHOOK):
        [delivered] = await until(lambda: ended(database, story))

    assert len(gateway.came) == 2
    assert len(set(gateway.came)) == len(gateway.taken) == 1
    assert delivered.attempt == 2
    assert await states(database) == [("sent", 2)]
    await database.close()


async def test_two_senders_share_the_messages_and_send_none_twice(
    with_gateway: Settings, gateway: Gateway
) -> None:
    stories = [Story() for _ in range(40)]
    async with sending(with_gateway, Via.WEBHOOK) as one, sending(with_gateway, Via.WEBHOOK):
        for story in stories:
            await register(one, story, with_gateway)

        async def all_sent() -> bool:
            return [state for state, _ in await states(one)] == ["sent"] * len(stories)

        await until(all_sent)
    assert len(gateway.came) == len(set(gateway.came)) == len(stories)


async def waited(database: Database, hours: float) -> None:
    """So long the messages have been waiting to be sent, and now they are due."""
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE messages SET waits_since = clock_timestamp() - make_interval(secs => :seconds),"
            " due_at = clock_timestamp() WHERE state = 'due'",
            seconds=hours * 3600,
        )


@pytest.mark.parametrize("away_hours", [0.05, 1, 23.9])
async def test_a_gateway_may_be_away_for_hours_and_gets_it_all_the_same(
    away_hours: float, set_up: SetUp, gateway: Gateway
) -> None:
    """Three minutes, and what a day has: the number, who comes and the link to answer by are worth it."""
    impatient = QUICK | {"RETRY_LONGEST_SECONDS": "0.1"}
    settings = set_up(RESIDENT_WEBHOOK_URL=f"{gateway.url}/hook", INTAKE_URL=gateway.url, **impatient)
    away = True
    gateway.answer = lambda nth: 503 if away else 204
    story = Story()
    async with sending(settings, Via.WEBHOOK) as database:
        await register(database, story, settings)

        async def tried(times: int) -> bool:
            return len(gateway.came) >= times

        await until(partial(tried, 1))
        await waited(database, away_hours)
        await until(partial(tried, 9))
        assert [state for state, _ in await states(database)] == ["due"]
        away = False
        [delivered] = await until(lambda: ended(database, story))
    assert isinstance(delivered, NoticeDelivered)
    assert delivered.attempt > 9


async def test_what_was_tried_for_a_day_is_given_up(with_gateway: Settings, gateway: Gateway) -> None:
    gateway.answer = lambda nth: 503
    story = Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        await register(database, story, with_gateway)
        await waited(database, 24)
        [failed] = await until(lambda: ended(database, story))
        assert [state for state, _ in await states(database)] == ["failed"]
    assert isinstance(failed, NoticeFailed)
    assert failed.because == "HTTP 503"


async def test_a_gateway_that_comes_back_gets_it(with_gateway: Settings, gateway: Gateway) -> None:
    gateway.answer = lambda nth: 503 if nth < 3 else 204
    story = Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        await register(database, story, with_gateway)
        [delivered] = await until(lambda: ended(database, story))
    assert isinstance(delivered, NoticeDelivered)
    assert delivered.attempt == 3


async def test_a_refusal_is_final_and_announced(with_gateway: Settings, gateway: Gateway) -> None:
    gateway.answer = lambda nth: 410
    story = Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        await register(database, story, with_gateway)
        [failed] = await until(lambda: ended(database, story))
    assert isinstance(failed, NoticeFailed)
    assert (failed.attempt, failed.because) == (1, "HTTP 410")


async def test_without_a_gateway_the_console_shows_it(
    set_up: SetUp, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    settings = set_up(INTAKE_URL=gateway.url, **QUICK)
    story = Story()
    async with sending(settings, Via.CONSOLE) as database:
        await register(database, story, settings)
        with caplog.at_level("INFO"):
            [delivered] = await until(lambda: ended(database, story))
    assert isinstance(delivered, NoticeDelivered)
    assert delivered.via == "console"
    assert "2603-0017-4" in caplog.text


async def test_the_link_to_answer_comes_from_intake_at_the_moment_of_sending(
    with_gateway: Settings, gateway: Gateway
) -> None:
    story = Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        await register(database, story, with_gateway)
        await until(lambda: ended(database, story))
        gateway.contacts = {
            "phone": "13812345678",
            "follow_up_url": "https://yike.test/a/once",
            "language": "en",
        }
        async with database.transaction() as tx:
            opened = story.tell(FollowUpOpened, follow_up_id=uuid7(), round=1, link_can_be_sent=True)
            await hear_in(Office(with_gateway), tx, opened)

        async def both() -> bool:
            return len(await ended(database, story)) == 2

        await until(both)
    asked = gateway.taken[f"{opened.id}.please_answer.requester"]
    assert asked["text"].endswith("https://yike.test/a/once")
    assert asked["language"] == "en"


@pytest.mark.parametrize("question", ["请问井盖在路的哪一侧？", "问" * 400], ids=["short", "long"])
async def test_what_the_resident_is_asked_comes_from_intake_and_stays_nowhere(
    question: str, with_gateway: Settings, gateway: Gateway
) -> None:
    """A message has its length; the page says it whole."""
    story = Story()
    gateway.contacts |= {"text": question}
    async with sending(with_gateway, Via.WEBHOOK) as database:
        async with database.transaction() as tx:
            asked = story.tell(InformationAsked, question_id=uuid7(), asked_by="a")
            await hear_in(Office(with_gateway), tx, story.registered(), asked)

        async def both() -> bool:
            return len(await ended(database, story)) == 2

        await until(both)
        kept = await everything_kept(database)
    said = gateway.taken[f"{asked.id}.information_asked.requester"]["text"]
    assert question[:299] in said
    assert said.endswith("请打开查看并答复：https://yike.test/t")
    assert len(said) < 400
    assert question[:20] not in kept


async def test_a_supervisor_with_a_mailbox_is_mailed_a_missed_deadline(set_up: SetUp) -> None:
    town = a_town()
    known = town.people["s-community"]
    mailed: Person = known.model_copy(update={"email": "s@example.org"})
    town = a_town(people={"s-community": mailed})
    story = Story()
    with a_postbox() as postbox:
        settings = set_up(SMTP_HOST="127.0.0.1", SMTP_PORT=postbox.port, SMTP_SECURITY="none", **QUICK)
        async with sending(settings, Via.SMTP, town) as database:
            async with database.transaction() as tx:
                missed = {"kind": DeadlineKind.ARRIVE, "level": Level.GRID, "round": 1, "due_at": NIGHT}
                event = story.tell(DeadlineMissed, late_ms=0, **missed)
                await hear_in(Office(settings), tx, story.registered(), event)
            [delivered] = await until(lambda: ended(database, story))
    assert (delivered.person_id, delivered.via) == ("s-community", "smtp")
    [mail] = postbox.mails
    assert mail["Message-ID"].startswith(f"<{event.id}.deadline_missed.s-community@")


async def test_a_dead_channel_does_not_hold_up_another(
    set_up: SetUp, gateway: Gateway, with_gateway: Settings
) -> None:
    """Each channel has its own sender; what waits for a dead mail server is seen in the queue's age."""
    settings = set_up(SMTP_HOST="127.0.0.1", SMTP_PORT=1, SMTP_SECURITY="none")
    town = a_town()
    mailed = town.people["s-community"].model_copy(update={"email": "s@example.org"})
    town = a_town(people={"s-community": mailed})
    story = Story()
    async with sending(settings, Via.SMTP, town) as database, sending(settings, Via.WEBHOOK, town):
        async with database.transaction() as tx:
            missed = {"kind": DeadlineKind.ARRIVE, "level": Level.GRID, "round": 1, "due_at": NIGHT}
            await hear_in(
                Office(settings), tx, story.registered(), story.tell(DeadlineMissed, late_ms=0, **missed)
            )
        [delivered] = await until(lambda: ended(database, story))
        async with database.transaction() as tx:
            queue = (await messages.queues(tx))[Via.SMTP]
    assert delivered.via == "webhook"
    assert queue.rows == 1
    assert queue.seconds > 0


def test_pauses_double_up_to_the_longest(settings: Settings) -> None:
    pauses = [pause_seconds(attempt, settings) for attempt in range(1, 40)]
    assert 0.67 <= pauses[0] <= 1
    assert 2.6 <= pauses[2] <= 4
    assert max(pauses) <= settings.retry_longest_seconds


async def test_a_message_that_breaks_our_own_words_is_given_up_and_the_others_go_on(
    with_gateway: Settings, gateway: Gateway
) -> None:
    broken, sound = Story(), Story()
    async with sending(with_gateway, Via.WEBHOOK) as database:
        async with database.transaction() as tx:
            await hear_in(Office(with_gateway), tx, broken.registered())
            await tx.rows("UPDATE messages SET body = body || CAST('{\"place\": 1}' AS jsonb)")
            await tx.rows("UPDATE messages SET waits_since = waits_since - interval '1 day'")
        await register(database, sound, with_gateway)
        [delivered] = await until(lambda: ended(database, sound))
        [failed] = await until(lambda: ended(database, broken))
    assert isinstance(delivered, NoticeDelivered)
    assert isinstance(failed, NoticeFailed)
    assert failed.because == "AttributeError of ours"
