"""A resident is told who comes as the community shows it, asked of dispatch at the moment of sending."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_jsonable_python

from services.dispatch.api import internal
from services.notify.channels import Message, Refused, Unreachable
from services.notify.handlers.office import Office
from services.notify.handlers.sending import compose
from services.notify.handlers.telling import message
from services.notify.rules.replica import apply, opened
from services.notify.rules.telling import body_of, to_tell
from services.notify.rules.ways import Priority, Via
from services.notify.settings import Settings
from services.notify.timers.sending import sources_of
from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted
from shared.events.intake import CaseRegistered
from shared.vocabulary import NoticeKind, Urgency
from shared.who_comes import WhoComes
from tests.dispatch_stand_in import NAMED, NOBODY, UNNAMED, Dispatch, a_dispatch
from tests.notify.conftest import hear_in
from tests.notify.receiver import Gateway, a_gateway
from tests.notify.story import Story, a_town
from tests.notify.test_senders import ended, everything_kept, sending, until

PHONE = {"phone": "13812345678"}


@pytest.fixture
def url() -> str:
    """Most of this needs no database."""
    return "postgresql+asyncpg://nobody@127.0.0.1:1/none"


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with a_gateway(settings.webhook_secrets[0].value) as opened:
        opened.contacts = dict(PHONE)
        yield opened


@pytest.fixture
async def dispatch(settings: Settings) -> AsyncIterator[Dispatch]:
    async with a_dispatch(settings.internal_tokens[0]) as opened:
        yield opened


@pytest.fixture
def asking(set_up: Callable[..., Settings], gateway: Gateway, dispatch: Dispatch) -> Callable[..., Settings]:
    def read(**more: Any) -> Settings:
        known = {
            "RESIDENT_WEBHOOK_URL": f"{gateway.url}/hook",
            "INTAKE_URL": gateway.url,
            "DISPATCH_URL": dispatch.url,
            "WHO_COMES_TIMEOUT_SECONDS": "0.3",
        }
        return set_up(**{**known, **more})

    return read


def somebody_accepts(story: Story, urgency: Urgency) -> list[CaseEvent]:
    offered = story.offered("a", emergency=urgency is Urgency.EMERGENCY)
    return [story.registered(urgency=urgency), offered, story.tell(CaseAccepted, person_id="a")]


async def composed(
    settings: Settings, urgency: Urgency = Urgency.EMERGENCY
) -> Message | Refused | Unreachable:
    """The word that somebody is coming, as it would go out now."""
    office, town, story = Office(settings), a_town(), Story()
    registered, *later = somebody_accepts(story, urgency)
    assert isinstance(registered, CaseRegistered)
    case = opened(registered)
    for event in later:
        case = apply(case, event)
    [notice] = [one for one in to_tell(case, event, town) if one.person_id is None]
    assert notice.kind is NoticeKind.WORKER_COMING
    body = to_jsonable_python(body_of(case, event, notice))
    sources = sources_of(settings)
    try:
        outgoing = replace(message(event, notice, Via.WEBHOOK, {}, Priority.EMERGENCY), body=body)
        return await compose(office, town, outgoing, sources)
    finally:
        await sources.close()


@pytest.mark.parametrize(
    ("says", "language", "expected"),
    [
        (NAMED, "zh", "已由网格员 李敏（工号 A-017）接单，正赶往现场，预计 4 分钟到。"),
        (NAMED, "en", "Our grid worker Li Min (badge A-017) accepted case 2603-0017-4 and is on the way"),
        (UNNAMED, "zh", "已由网格员接单，正赶往现场，预计 4 分钟到。"),
        (NAMED | {"role": "volunteer", "badge": None}, "zh", "已由志愿者 李敏接单，正赶往现场"),
        (NAMED | {"eta_seconds": None}, "zh", "（工号 A-017）接单，正赶往现场。"),
        (NAMED | {"arrived_at": "2026-03-01T18:15:00Z"}, "zh", "接单，已到现场。"),
        (UNNAMED | {"role": None}, "zh", "已由网格员接单"),
    ],
)
@pytest.mark.parametrize("urgency", [Urgency.EMERGENCY, Urgency.ROUTINE])
async def test_the_resident_hears_who_comes_as_the_community_shows_it(
    urgency: Urgency,
    says: dict[str, Any],
    language: str,
    expected: str,
    asking: Callable[..., Settings],
    gateway: Gateway,
    dispatch: Dispatch,
) -> None:
    dispatch.says, gateway.contacts = says, {**PHONE, "language": language}
    said = await composed(asking(), urgency)
    assert isinstance(said, Message)
    assert expected in said.text


@pytest.mark.parametrize(
    ("wrong", "more"),
    [
        ({"status": 503}, {}),
        ({"status": 404}, {}),
        ({"says": {"role": "emperor"}}, {}),
        ({"hangs": True}, {}),
        ({}, {"DISPATCH_URL": "http://127.0.0.1:1"}),
        ({}, {"DISPATCH_URL": "no address"}),
        ({}, {"DISPATCH_URL": ""}),
    ],
    ids=["broken", "unknown there", "not understood", "slow", "away", "no address", "not set"],
)
async def test_where_dispatch_cannot_be_asked_the_role_is_said_and_nothing_waits(
    wrong: dict[str, Any],
    more: dict[str, str],
    asking: Callable[..., Settings],
    dispatch: Dispatch,
) -> None:
    for name, value in wrong.items():
        setattr(dispatch, name, value)
    said = await composed(asking(**more))
    assert isinstance(said, Message)
    assert "已由网格员接单，正赶往现场，预计 4 分钟到。" in said.text


async def test_nobody_is_announced_who_is_not_coming_any_more(
    asking: Callable[..., Settings], dispatch: Dispatch
) -> None:
    dispatch.says = dict(NOBODY)
    assert await composed(asking()) == Refused("nobody is coming any more")


async def test_the_posted_name_is_kept_nowhere(
    asking: Callable[..., Settings],
    gateway: Gateway,
    dispatch: Dispatch,
    fresh_database: Callable[[str], str],
) -> None:
    settings, story = asking(DATABASE_URL=fresh_database("notify")), Story()
    async with sending(settings, Via.WEBHOOK) as database:
        async with database.transaction() as tx:
            await hear_in(Office(settings), tx, *somebody_accepts(story, Urgency.EMERGENCY))

        async def both() -> bool:
            return len(await ended(database, story)) == 2

        await until(both)
        kept = await everything_kept(database)
    texts = {taken["type"]: taken["text"] for taken in gateway.taken.values()}
    assert "李敏（工号 A-017）" in texts["worker_coming"]
    assert dispatch.asked == [str(story.case_id)]
    assert "worker_coming" in kept
    assert "李敏" not in kept


def test_what_dispatch_serves_is_what_is_asked_for() -> None:
    """The two shapes are written down on both sides; a field that one forgets would be shown to nobody."""
    assert set(internal.WhoComes.model_fields) - {"case_id"} == set(WhoComes.model_fields)
    served = internal.WhoComes.model_validate(NAMED | {"case_id": "019c0000-0000-7000-8000-000000000000"})
    assert WhoComes.model_validate_json(served.model_dump_json()) == WhoComes.model_validate(NAMED)
    assert not any("phone" in name for name in WhoComes.model_fields)
