"""A receiver that is away is left alone, and nobody else with it: neither another person's webhook, nor the staff's for
the residents' gateway, nor the gateway for the staff's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.notify.commands import GiveReceipts, Receipt, ReceiptStatus
from services.notify.handlers.heard import UNREAD
from services.notify.handlers.office import Office
from services.notify.handlers.receipts import take_receipts
from services.notify.handlers.unread import still_unread
from services.notify.rules.circuit import CircuitState, Receiver
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from services.notify.timers.sending import Sending
from shared import journal
from shared.database import Database
from shared.directory import Directory
from shared.events.intake import CaseUrged
from shared.events.notify import NoticeDelivered, NoticeReceived
from shared.health import Beat
from shared.timers import Due
from tests.notify.conftest import hear_in
from tests.notify.receiver import Gateway, a_gateway
from tests.notify.story import Story, a_town
from tests.notify.test_senders import ended, until

PATIENT = {
    "RETRY_FIRST_SECONDS": "0.05",
    "CIRCUIT_FAILURES_MAX": "3",
    "CIRCUIT_OPEN_SECONDS": "60",
    "QUIET_HOURS": "off",
}


@pytest.fixture
async def hooks(settings: Settings) -> AsyncIterator[dict[str, Gateway]]:
    """The webhooks of `a` and of `b`, and the residents' gateway, each a receiver of its own."""
    secret = settings.webhook_secrets[0].value
    async with a_gateway(secret) as of_a, a_gateway(secret) as of_b, a_gateway(secret) as residents:
        residents.contacts = {"phone": "13812345678"}
        yield {"a": of_a, "b": of_b, "residents": residents}


@pytest.fixture
def town(hooks: dict[str, Gateway]) -> Directory:
    known = a_town().people
    return a_town(
        people={
            name: known[name].model_copy(update={"webhook_url": f"{hooks[name].url}/hook"})
            for name in ("a", "b")
        }
    )


@asynccontextmanager
async def at_work(settings: Settings, town: Directory) -> AsyncIterator[tuple[Database, Office, Sending]]:
    database = Database(settings.database_url, source="notify", directory=town)
    office = Office(settings)
    sender = Sending(office, [Via.WEBHOOK])
    running = asyncio.create_task(sender.run(database, Beat("send")))
    try:
        yield database, office, sender
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await database.close()


@pytest.fixture
def patient(set_up: Callable[..., Settings], hooks: dict[str, Gateway]) -> Settings:
    residents = hooks["residents"]
    return set_up(RESIDENT_WEBHOOK_URL=f"{residents.url}/hook", INTAKE_URL=residents.url, **PATIENT)


async def held_by(database: Database, office: Office, person_id: str) -> Story:
    """A case whose holder is urged, which rings their webhook; the resident was told its number."""
    story = Story()
    async with database.transaction() as tx:
        urged = story.tell(CaseUrged, count=1)
        await hear_in(office, tx, story.registered(), story.offered(person_id, emergency=False), urged)
    return story


async def rests(sender: Sending, target: Receiver) -> bool:
    """It is left alone, and nothing is under way any more: what was when its circuit opened still reaches it."""
    now = asyncio.get_running_loop().time()
    closed = sender.circuits.state(target, now) is CircuitState.CLOSED
    return not closed and not any(lane.sending for lane in sender._lanes.values())


def own(gateway: Gateway, person_id: str = "") -> Receiver:
    """A person's webhook; everybody's of that host without a name."""
    return Receiver(Via.WEBHOOK, gateway.url.removeprefix("http://"), person_id)


@pytest.mark.parametrize("away", ["a", "residents"])
async def test_one_that_is_away_rests_nobody_else(
    away: str, patient: Settings, town: Directory, hooks: dict[str, Gateway]
) -> None:
    hooks[away].answer = lambda nth: 503
    target = Receiver(Via.WEBHOOK) if away == "residents" else own(hooks[away], away)
    async with at_work(patient, town) as (database, office, sender):
        for _ in range(2):
            await held_by(database, office, "a")
        await until(lambda: rests(sender, target))
        asked = len(hooks[away].came)

        story = await held_by(database, office, "b")

        async def delivered_to_b() -> list[Any]:
            events = await ended(database, story)
            return [one for one in events if isinstance(one, NoticeDelivered) and one.person_id == "b"]

        assert len(await until(delivered_to_b)) >= 1, "at once, while the other is left alone"
        resting = sender.circuits.resting(asyncio.get_running_loop().time())
        assert target in resting
        assert not [one for one in resting if one.host != target.host]
        assert len(hooks[away].came) == asked
    assert {name for name, hook in hooks.items() if hook.taken} == {"a", "b", "residents"} - {away}


@pytest.mark.parametrize(("is_own", "expected"), [(False, "webhook"), (True, "smtp")])
async def test_the_unread_ladder_passes_over_a_webhook_only_if_it_is_the_person_s_own_that_rests(
    is_own: bool,
    expected: str,
    patient: Settings,
    town: Directory,
    database: Database,
    hooks: dict[str, Gateway],
) -> None:
    known = town.people["a"].model_copy(update={"email": "a@example.org"})
    database.directory.people["a"] = known
    office, story = Office(patient), Story()
    office.open |= {Via.SMTP}
    office.resting = frozenset({own(hooks["a"], "a") if is_own else Receiver(Via.WEBHOOK)})
    async with database.transaction() as tx:
        await hear_in(office, tx, story.registered(), story.offered("a"))
    async with database.transaction() as tx:
        now = await tx.lock(story.case_id)
        await still_unread(office, tx, Due(story.case_id, UNREAD, story.part_id, now, 0), now)
    async with database.transaction() as tx:
        [row] = await tx.rows("SELECT via FROM messages WHERE person_id = 'a'")
    assert row["via"] == expected


async def test_a_webhook_s_receiver_may_say_that_it_arrived(
    patient: Settings, town: Directory, hooks: dict[str, Gateway]
) -> None:
    async with at_work(patient, town) as (database, office, _):
        story = await held_by(database, office, "b")

        async def delivered() -> bool:
            return "case_urged" in [getattr(one, "kind", None) for one in await ended(database, story)]

        await until(delivered)
        [id] = [id for id in hooks["b"].taken if id.endswith(".case_urged.b")]
        receipt = Receipt(id=id, status=ReceiptStatus.DELIVERED)
        async with database.transaction() as tx:
            assert (await take_receipts(office, tx, GiveReceipts(receipts=(receipt,)))).new == 1
        async with database.transaction() as tx:
            [*_, received] = await journal.story(tx, story.case_id)
    assert isinstance(received, NoticeReceived)
    assert (received.person_id, received.via, received.kind) == ("b", "webhook", "case_urged")


async def test_every_channel_has_a_limit_of_its_own(set_up: Callable[..., Settings]) -> None:
    rated = {Via.SMTP: 1, Via.SMS: 2, Via.WEBHOOK: 3, Via.WEBPUSH: 4}
    office = Office(set_up(**{f"{via.upper()}_ROWS_PER_SECOND": str(rate) for via, rate in rated.items()}))
    assert {via: office.rate_of(via) for via in rated} == rated
    assert office.rate_of(Via.CONSOLE) is None
