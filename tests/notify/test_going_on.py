"""A member of staff's channel that is stuck: their next one takes over within seconds, nobody else's messages wait for
it, and it is no reason to wake an operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from services.notify.commands import GiveReceipts, Receipt, ReceiptStatus
from services.notify.handlers.office import Office
from services.notify.handlers.receipts import take_receipts
from services.notify.queries import messages
from services.notify.rules import ways
from services.notify.rules.circuit import Receiver
from services.notify.rules.ways import CHOSEN, Preferences, Reach, Tried, Via
from services.notify.settings import Settings
from services.notify.timers.sending import Sending
from shared.database import Database
from shared.directory import Directory
from shared.events.intake import CaseUrged
from shared.health import Beat
from tests.notify.conftest import hear_in
from tests.notify.receiver import Gateway, Postbox, a_gateway, a_postbox
from tests.notify.story import Story, a_town
from tests.notify.test_senders import until

STUCK, TRYING = Tried(tries=ways.TRIES_MAX), Tried(tries=1)
DONE, FAILED = Tried(done=True), Tried(failed=True)
V = Via


@pytest.mark.parametrize(
    ("tried", "resting", "expected"),
    [
        ({V.WEBHOOK: TRYING}, set(), None),
        ({V.WEBHOOK: STUCK}, set(), V.WEBPUSH),
        ({V.WEBHOOK: FAILED}, set(), V.WEBPUSH),
        ({V.WEBHOOK: TRYING}, {V.WEBHOOK}, V.WEBPUSH),
        ({V.WEBHOOK: STUCK}, {V.WEBPUSH}, V.SMS),
        # Another one has it, or may still do.
        ({V.WEBHOOK: STUCK, V.WEBPUSH: DONE}, set(), None),
        ({V.WEBHOOK: DONE, V.WEBPUSH: FAILED}, {V.WEBHOOK}, None),
        ({V.WEBHOOK: STUCK, V.WEBPUSH: TRYING}, set(), None),
        ({V.WEBHOOK: STUCK, V.WEBPUSH: FAILED}, set(), V.SMS),
        ({V.WEBHOOK: STUCK, V.WEBPUSH: STUCK, V.SMS: FAILED}, set(), V.SMTP),
        # None is left that is not known to be down.
        ({V.WEBHOOK: STUCK, V.WEBPUSH: STUCK, V.SMS: FAILED}, {V.SMTP}, None),
        ({V.WEBHOOK: STUCK, V.WEBPUSH: STUCK, V.SMS: FAILED, V.SMTP: STUCK}, set(), None),
    ],
)
def test_which_channel_takes_over(tried: dict[Via, Tried], resting: set[Via], expected: Via | None) -> None:
    everywhere = Reach(frozenset({*CHOSEN}))
    assert ways.takes_over(Preferences(), everywhere, tried, resting) is expected


def test_only_a_channel_the_person_chose_and_has_takes_over() -> None:
    chosen = Preferences(channels=(V.FEED, V.WEBHOOK, V.SMTP))
    assert ways.takes_over(chosen, Reach(frozenset({*CHOSEN})), {V.WEBHOOK: STUCK}, ()) is V.SMTP
    assert ways.takes_over(chosen, Reach(frozenset({V.WEBHOOK, V.SMS})), {V.WEBHOOK: STUCK}, ()) is None


@pytest.fixture
async def hooks(settings: Settings) -> AsyncIterator[Gateway]:
    """One host on which everybody has their webhook; that of `a` is dead."""
    async with a_gateway(settings.webhook_secrets[0].value) as opened:
        opened.answer = lambda nth: 503 if opened.came[-1].endswith(".a") else 204
        yield opened


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with a_postbox() as opened:
        yield opened


@pytest.fixture
def town(hooks: Gateway) -> Directory:
    known = a_town().people
    given: dict[str, Any] = {"webhook_url": f"{hooks.url}/hook"}
    return a_town(
        people={
            "a": known["a"].model_copy(update=given | {"email": "a@example.org"}),
            "b": known["b"].model_copy(update=given),
        }
    )


@pytest.fixture
async def at_work(
    set_up: Callable[..., Settings], town: Directory, postbox: Postbox
) -> AsyncIterator[tuple[Database, Office, Sending]]:
    settings = set_up(
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=postbox.port,
        SMTP_SECURITY="none",
        RETRY_FIRST_SECONDS="0.05",
        CIRCUIT_OPEN_SECONDS="60",
        QUIET_HOURS="off",
    )
    database = Database(settings.database_url, source="notify", directory=town)
    office = Office(settings)
    sender = Sending(office, [Via.WEBHOOK, Via.SMTP])
    running = asyncio.create_task(sender.run(database, Beat("send")))
    yield database, office, sender
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


async def urged(database: Database, office: Office, person_id: str) -> Story:
    """An ordinary word to whoever holds a case: their webhook rings, and nothing else."""
    story = Story()
    async with database.transaction() as tx:
        event = story.tell(CaseUrged, count=1)
        await hear_in(office, tx, story.registered(), story.offered(person_id, emergency=False), event)
    return story


async def test_a_dead_webhook_s_next_channel_takes_over_and_nobody_else_waits(
    at_work: tuple[Database, Office, Sending], hooks: Gateway, postbox: Postbox
) -> None:
    database, office, sender = at_work
    for _ in range(4):
        await urged(database, office, "a")

    async def mailed() -> bool:
        return len([one for one in postbox.mails if "case_urged" in str(one["Message-ID"])]) == 4

    await until(mailed)
    now = asyncio.get_running_loop().time()
    own = Receiver(Via.WEBHOOK, hooks.url.removeprefix("http://"), "a")
    assert sender.circuits.resting(now) == {own}, "their own address, and not the host of all"
    asked = len([key for key in hooks.came if key.endswith(".a")])

    await urged(database, office, "b")

    async def rang_b() -> bool:
        return any(key.endswith(".case_urged.b") for key in hooks.taken)

    await until(rang_b)
    assert len([key for key in hooks.came if key.endswith(".a")]) == asked, "a's is left alone"

    async def only_a_s_wait() -> bool:
        async with database.transaction() as tx:
            queue = (await messages.queues(tx))[Via.WEBHOOK]
        return queue.rows > 0 and queue.seconds == 0

    assert await until(only_a_s_wait), "what waits for a dead address pages nobody"


async def test_what_a_receiver_says_never_arrived_goes_on_as_well(
    at_work: tuple[Database, Office, Sending], hooks: Gateway, postbox: Postbox
) -> None:
    database, office, _ = at_work
    hooks.answer = lambda nth: 204
    await urged(database, office, "a")

    async def rang() -> list[str]:
        return [key for key in hooks.taken if key.endswith(".case_urged.a")]

    [key] = await until(rang)

    async def said() -> int:
        receipt = Receipt(id=key, status=ReceiptStatus.UNDELIVERED)
        async with database.transaction() as tx:
            return (await take_receipts(office, tx, GiveReceipts(receipts=(receipt,)))).new

    assert await said() == 1
    assert await said() == 0

    async def mailed() -> bool:
        return any("case_urged" in str(one["Message-ID"]) for one in postbox.mails)

    await until(mailed)
