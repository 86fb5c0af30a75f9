"""A city's SMS gateway over real HTTP: what it is asked, what it answers, what it says afterwards; and what becomes of
the queue while it is away or slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.responses import Response

from services.notify.handlers.office import Office
from services.notify.queries import messages
from services.notify.rules.circuit import CircuitState, Receiver
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers.sending import Sending
from shared import journal
from shared.database import Database
from shared.event import Event
from shared.events.intake import FollowUpOpened
from shared.events.notify import NoticeDelivered, NoticeFailed, NoticeReceived
from shared.health import Beat
from shared.ids import uuid7
from shared.keys import Secret
from shared.vocabulary import NoticeKind
from tests.notify.browser import SmsGateway, an_sms_gateway, post_signed
from tests.notify.conftest import StartReplica, hear_in
from tests.notify.story import Story, a_town

CONTACT = {"phone": "13812345678", "pickup_code": "471108", "tracking_url": "https://yike.test/t"}
QUICK = {"RETRY_FIRST_SECONDS": "0.05", "SEND_LEASE_SECONDS": "5"}
SetUp = Callable[..., Settings]


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[SmsGateway]:
    async with an_sms_gateway(settings.webhook_secrets[0], CONTACT) as opened:
        yield opened


@pytest.fixture
def with_texts(set_up: SetUp, gateway: SmsGateway) -> Callable[..., Settings]:
    def read(**more: Any) -> Settings:
        return set_up(SMS_GATEWAY_URL=f"{gateway.url}/texts", INTAKE_URL=gateway.url, **{**QUICK, **more})

    return read


@asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[tuple[Database, Office, Sending]]:
    database = Database(settings.database_url, source="notify", directory=a_town())
    office = Office(settings)
    sender = Sending(office, [Via.SMS])
    running = asyncio.create_task(sender.run(database, Beat("send")))
    try:
        yield database, office, sender
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await database.close()


async def register(database: Database, office: Office, *stories: Story) -> None:
    async with database.transaction() as tx:
        await hear_in(office, tx, *(story.registered() for story in stories))


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(30):
        while not (found := await what()):
            await asyncio.sleep(0.02)
    return found


async def told(database: Database, story: Story) -> list[Event]:
    async with database.transaction() as tx:
        events = await journal.story(tx, story.case_id)
    return [e for e in events if isinstance(e, NoticeDelivered | NoticeFailed | NoticeReceived)]


async def test_a_resident_is_texted_in_the_documented_shape(
    with_texts: Callable[..., Settings], gateway: SmsGateway
) -> None:
    story = Story()
    async with sending(with_texts()) as (database, office, _):
        await register(database, office, story)
        [delivered] = await until(lambda: told(database, story))
    [text] = gateway.texts.values()
    assert (delivered.via, delivered.person_id) == ("sms", None)
    assert text["to"] == "13812345678"
    assert text["text"].startswith("【一刻】您的诉求已登记，工单号 2603-0017-4，取件码 471108")
    assert text["receipts_url"].endswith("/api/notify/receipts")
    assert (text["kind"], text["language"], text["urgent"]) == ("registered", "zh", True)


@pytest.mark.parametrize(
    ("answer", "expected", "because"),
    [
        (Response(status_code=409), NoticeDelivered, None),
        (Response(b'{"code": "no_such_number"}', 422), NoticeFailed, "HTTP 422 no_such_number"),
        (Response(b'{"code": "13812345678"}', 400), NoticeFailed, "HTTP 400"),
    ],
)
async def test_what_the_gateway_answers_for_good(
    answer: Response,
    expected: type,
    because: str | None,
    with_texts: Callable[..., Settings],
    gateway: SmsGateway,
) -> None:
    gateway.answer = lambda nth: answer
    story = Story()
    async with sending(with_texts()) as (database, office, _):
        await register(database, office, story)
        [event] = await until(lambda: told(database, story))
    assert isinstance(event, expected)
    assert getattr(event, "because", None) == because


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 503])
async def test_what_passes_is_tried_again_under_the_same_id(
    status: int, with_texts: Callable[..., Settings], gateway: SmsGateway
) -> None:
    gateway.answer = lambda nth: Response(status_code=status if nth < 3 else 202)
    story = Story()
    async with sending(with_texts()) as (database, office, _):
        await register(database, office, story)
        [event] = await until(lambda: told(database, story))
    assert (type(event), event.attempt) == (NoticeDelivered, 3)
    assert len({said["id"] for said in gateway.came}) == 1


async def test_retry_after_is_heeded(with_texts: Callable[..., Settings], gateway: SmsGateway) -> None:
    gateway.answer = lambda nth: Response(status_code=429, headers={"Retry-After": "600"})
    async with sending(with_texts()) as (database, office, _):
        await register(database, office, Story())

        async def put_off() -> bool:
            async with database.transaction() as tx:
                seconds = "extract(epoch FROM due_at - clock_timestamp())"
                rows = await tx.rows(f"SELECT {seconds} AS seconds FROM messages WHERE because IS NOT NULL")
            return bool(rows) and rows[0]["seconds"] > 500

        await until(put_off)
    assert len(gateway.came) == 1


async def test_a_gateway_that_is_away_is_left_alone_and_tried_by_one_message(
    with_texts: Callable[..., Settings], gateway: SmsGateway
) -> None:
    """Nothing is lost, no attempt is burnt while it is left alone, and the queue's age shows that they wait."""
    away = True
    gateway.answer = lambda nth: Response(status_code=503 if away else 202)
    settings = with_texts(CIRCUIT_FAILURES_MAX="3", CIRCUIT_OPEN_SECONDS="60", SEND_AT_ONCE_MAX="4")
    stories = [Story() for _ in range(12)]
    async with sending(settings) as (database, office, sender):

        def state() -> CircuitState:
            return sender.circuits.state(Receiver(Via.SMS), asyncio.get_running_loop().time())

        async def rests() -> bool:
            return state() is CircuitState.OPEN

        await register(database, office, *stories)
        await until(rests)
        assert len(gateway.came) <= 3 + 4, "the ones in flight when it opened, and no more"
        async with database.transaction() as tx:
            queue = (await messages.queues(tx))[Via.SMS]
        assert queue.rows == 12
        assert queue.seconds > 0
        away = False
        sender.circuits.limits = replace(sender.circuits.limits, open_seconds=0.0)

        async def all_sent() -> bool:
            """Those that were put off for the minute of rest go now."""
            async with database.transaction() as tx:
                await tx.rows(
                    "UPDATE messages SET due_at = clock_timestamp()"
                    " WHERE state = 'due' AND due_at > clock_timestamp() + interval '30 seconds'"
                )
            return len(gateway.texts) == 12

        await until(all_sent)
        await until(lambda: told(database, stories[-1]))
        assert state() is CircuitState.CLOSED
    assert (REGISTRY.get_sample_value("yike_notify_circuit_openings_total", {"via": "sms"}) or 0) >= 1


async def test_a_rate_is_kept_and_what_waits_is_seen(
    with_texts: Callable[..., Settings], gateway: SmsGateway
) -> None:
    loop = asyncio.get_running_loop()
    async with sending(with_texts(SMS_ROWS_PER_SECOND="1")) as (database, office, _):
        began = loop.time()
        await register(database, office, *(Story() for _ in range(4)))

        async def all_sent() -> bool:
            return len(gateway.texts) == 4

        await until(all_sent)
        passed = loop.time() - began
    assert passed >= 4 - 1 - 0.05
    assert REGISTRY.get_sample_value("yike_notify_rate_rows_per_second", {"via": "sms"}) == 1
    assert (REGISTRY.get_sample_value("yike_notify_rate_limited_total", {"via": "sms"}) or 0) > 0


# ── receipts ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def a_text_out(settings: Settings, gateway: SmsGateway) -> tuple[Story, str]:
    story = Story()
    async with sending(settings) as (database, office, _):
        await register(database, office, story)
        await until(lambda: told(database, story))
    return story, next(iter(gateway.texts))


async def test_a_receipt_is_told_once_however_often_it_comes(
    with_texts: Callable[..., Settings],
    gateway: SmsGateway,
    database: Database,
    start_replica: StartReplica,
) -> None:
    story, key = await a_text_out(with_texts(), gateway)
    receipts = [{"id": id, "status": "delivered"} for id in (key, "unheard.of", key.upper())]
    async with start_replica() as base_url:
        first = await gateway.send_receipts(base_url, *receipts)
        again = await gateway.send_receipts(base_url, *receipts)
    assert (first.status_code, first.json()) == (
        200,
        {"new": 1, "unknown": sorted([key.upper(), "unheard.of"])},
    )
    assert again.json()["new"] == 0
    received = [event for event in await told(database, story) if isinstance(event, NoticeReceived)]
    assert [(event.via, event.kind, event.person_id) for event in received] == [("sms", "registered", None)]


async def test_a_text_that_never_arrived_has_failed(
    with_texts: Callable[..., Settings],
    gateway: SmsGateway,
    database: Database,
    start_replica: StartReplica,
) -> None:
    story, key = await a_text_out(with_texts(), gateway)
    lost = {"id": key, "status": "undelivered", "because": "switched off"}
    async with start_replica() as base_url:
        assert (await gateway.send_receipts(base_url, lost)).json()["new"] == 1
        assert (await gateway.send_receipts(base_url, lost)).json()["new"] == 0
    [failed] = [event for event in await told(database, story) if isinstance(event, NoticeFailed)]
    assert failed.because == "the gateway says switched off"


async def test_a_link_that_was_refused_says_whose_it_was(
    with_texts: Callable[..., Settings], gateway: SmsGateway
) -> None:
    gateway.answer = lambda nth: Response(status_code=422)
    story, follow_up_id = Story(), uuid7()
    asked = {"follow_up_id": follow_up_id, "round": 1, "link_can_be_sent": True}
    async with sending(with_texts()) as (database, office, _):
        async with database.transaction() as tx:
            await hear_in(office, tx, story.registered(), story.tell(FollowUpOpened, **asked))

        async def both() -> list[Event]:
            failed = await told(database, story)
            return failed if len(failed) == 2 else []

        failed = [event for event in await until(both) if isinstance(event, NoticeFailed)]
    links = {event.kind: event.follow_up_id for event in failed}
    assert links == {NoticeKind.REGISTERED: None, NoticeKind.PLEASE_ANSWER: follow_up_id}


async def test_receipts_need_the_secret_and_a_timestamp_of_now(
    gateway: SmsGateway, start_replica: StartReplica
) -> None:
    receipt = {"id": "x", "status": "delivered"}
    async with start_replica() as base_url:
        url = f"{base_url}/api/notify/receipts"
        refused = [
            await post_signed(Secret("other", b"0" * 32), url, {"receipts": [receipt]}),
            await gateway.send_receipts(base_url, receipt, now="1700000000"),
            await gateway.send_receipts(base_url, receipt, **{"webhook-id": "another"}),
            await gateway.send_receipts(base_url, receipt, **{"webhook-timestamp": "soon"}),
            await gateway.send_receipts(base_url, receipt, **{"webhook-signature": ""}),
        ]
        invalid = await gateway.send_receipts(base_url, receipt | {"phone": "13812345678"})
    assert [answer.status_code for answer in refused] == [401] * 5
    assert refused[0].json()["code"] == "not-signed"
    assert invalid.status_code == 422
