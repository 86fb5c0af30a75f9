"""The page with number and code shows who comes, as dispatch says it to us."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from services.intake.main import assemble
from services.intake.settings import Settings
from shared.directory import Directory
from shared.service import Service
from tests.dispatch_stand_in import NAMED, NOBODY, UNNAMED, Dispatch, a_dispatch
from tests.intake.test_changes import act, page, registered
from tests.intake.world import START, Others, hear, set_clock
from tests.people import an_issuer


@pytest.fixture
async def dispatch(settings: Settings) -> AsyncIterator[Dispatch]:
    async with a_dispatch(settings.internal_tokens[0]) as opened:
        yield opened


@pytest.fixture
async def service(settings: Settings, directory: Directory, dispatch: Dispatch) -> AsyncIterator[Service]:
    """Intake that knows where dispatch is."""
    settings = settings.model_copy(update={"dispatch_url": dispatch.url, "who_comes_timeout_seconds": 0.3})
    made = assemble(settings, directory=directory, verifier=an_issuer().verifier(settings))
    await set_clock(made.database, START)
    yield made
    await made.who_comes.close()
    await made.database.close()


async def test_whoever_has_number_and_code_sees_who_comes_as_the_community_shows_it(
    client: httpx.AsyncClient, service: Service, dispatch: Dispatch
) -> None:
    case = await registered(client)
    others = Others(UUID(case["case_id"]))
    assert (await page(client, case))["who_comes"] is None
    assert dispatch.asked == [], "nobody has accepted"

    await hear(service.database, others.offered(), others.accepted())
    shown = (await page(client, case))["who_comes"]
    assert (shown["role"], shown["post"]) == ("grid_worker", "a")
    assert (shown["name"], shown["badge"]) == ({"zh": "李敏", "en": "Li Min"}, "A-017")
    assert (shown["eta_seconds"], shown["arrived_at"]) == (240, None)
    assert "phone" not in shown

    dispatch.says = dict(UNNAMED)
    shown = (await page(client, case))["who_comes"]
    assert (shown["role"], shown["name"], shown["badge"]) == ("grid_worker", None, None)
    dispatch.says = dict(NOBODY)
    assert (await page(client, case))["who_comes"]["role"] is None

    asked = len(dispatch.asked)
    await hear(service.database, others.arrived(), others.noted(), others.handled())
    assert (await page(client, case))["who_comes"] is None
    assert len(dispatch.asked) == asked, "it is done"


async def test_a_wrong_code_asks_nobody(
    client: httpx.AsyncClient, service: Service, dispatch: Dispatch
) -> None:
    case = await registered(client)
    others = Others(UUID(case["case_id"]))
    await hear(service.database, others.offered(), others.accepted())
    wrong = "000000" if case["pickup_code"] != "000000" else "000001"
    assert (await client.get(f"/track/{case['number']}", params={"code": wrong})).status_code == 404
    assert dispatch.asked == []


@pytest.mark.parametrize("wrong", [{"status": 500}, {"hangs": True}], ids=["broken", "slow"])
async def test_the_page_is_shown_where_dispatch_cannot_be_asked(
    wrong: dict[str, object], client: httpx.AsyncClient, service: Service, dispatch: Dispatch
) -> None:
    for name, value in wrong.items():
        setattr(dispatch, name, value)
    case = await registered(client)
    others = Others(UUID(case["case_id"]))
    await hear(service.database, others.offered(), others.accepted())
    shown = await page(client, case)
    assert shown["who_comes"] is None
    assert shown["accepted_at"] is not None


async def test_whoever_asked_about_a_part_sees_who_comes_to_the_whole(
    client: httpx.AsyncClient, service: Service, dispatch: Dispatch
) -> None:
    whole, part = await registered(client), await registered(client)
    others = Others(UUID(whole["case_id"]))
    await hear(service.database, others.offered(), others.accepted())
    merged = await act(client, part, "merge", {"with_case_id": whole["case_id"]})
    assert merged.status_code == 200, merged.text
    assert (await page(client, part))["who_comes"]["badge"] == NAMED["badge"]
    assert dispatch.asked == [whole["case_id"]]
