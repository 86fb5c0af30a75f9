"""Lent roles and acting for somebody: who may do what, until when, and whose names the journal gets."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import APIRouter
from joserfc import jwt

from shared.directory import Directory
from shared.event import Actor
from shared.identity import Act, Claims, SignedIn, Verifier
from shared.problems import Problem
from shared.routes import Caller, Registry, allow, router_for
from shared.service import Service
from shared.things import Delegation, Grant, Name, Person, Unit
from shared.vocabulary import ActorKind, Level, Role
from tests.people import ISSUER, an_issuer
from tests.shared.edge.conftest import settings_of
from tests.shared.edge.small_service import TABLES

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
OFFICER = Grant(role=Role.UNIT_OFFICER, unit_id="community")
WORKER = Grant(role=Role.GRID_WORKER, unit_id="grid-1")


def a_unit(id: str, level: Level, parent_id: str | None) -> Unit:
    return Unit(id=id, kind=level, name=Name(zh=id, en=id), level=level, parent_id=parent_id)


UNITS = (
    a_unit("street", Level.STREET, None),
    a_unit("community", Level.COMMUNITY, "street"),
    a_unit("grid-1", Level.GRID, "community"),
    a_unit("grid-2", Level.GRID, "community"),
)


def somebody(id: str, *grants: Grant, **more: object) -> Person:
    return Person(id=id, name=Name(zh=id, en=id), grants=grants).model_copy(update=more)


def lends(*grants: Grant, starts_at: datetime = NOW, ends_at: datetime = NOW + WEEK) -> Delegation:
    return Delegation(id="d-1", person_id="p-officer", grants=grants, starts_at=starts_at, ends_at=ends_at)


def who_is_there(*lent: Delegation, lender: Person | None = None) -> Directory:
    worker = somebody("p-worker", WORKER, acts_for=lent)
    return Directory.of(units=UNITS, people=[lender or somebody("p-officer", OFFICER), worker])


def verifier() -> Verifier:
    return an_issuer().verifier(settings_of("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))


async def signed_in(directory: Directory, now: datetime = NOW, token: str = "") -> SignedIn:
    async def business_now() -> datetime:
        return now

    token = token or an_issuer().token("p-worker", (WORKER.role, WORKER.unit_id))
    return await verifier().person_of(token, directory, business_now)


@pytest.mark.parametrize(
    ("now", "lent"),
    [
        (NOW - timedelta(microseconds=1), False),
        (NOW, True),
        (NOW + WEEK - timedelta(microseconds=1), True),
        (NOW + WEEK, False),
    ],
)
async def test_a_lent_role_holds_from_its_beginning_up_to_its_end(now: datetime, lent: bool) -> None:
    directory = who_is_there(lends(OFFICER))
    who = await signed_in(directory, now)

    assert who.may(Role.UNIT_OFFICER, "grid-2", directory) is lent
    assert who.has_role(Role.UNIT_OFFICER) is lent
    assert who.may(Role.GRID_WORKER, "grid-1", directory)


async def test_a_lent_role_reaches_no_further_than_what_was_lent() -> None:
    directory = who_is_there(lends(Grant(role=Role.UNIT_OFFICER, unit_id="grid-2")))
    who = await signed_in(directory)

    assert who.may(Role.UNIT_OFFICER, "grid-2", directory)
    assert not who.may(Role.UNIT_OFFICER, "grid-1", directory)
    with pytest.raises(Problem):
        who.must(Role.UNIT_OFFICER, "community", directory)


@pytest.mark.parametrize(
    "lender",
    [
        somebody("p-officer", OFFICER, retired_at=NOW),
        somebody("p-officer", Grant(role=Role.READER, unit_id="community")),
        somebody("p-officer", Grant(role=Role.UNIT_OFFICER, unit_id="grid-1")),
        somebody("p-another", OFFICER),
    ],
    ids=["left", "other role", "smaller unit", "unknown"],
)
async def test_nobody_lends_what_is_not_theirs_any_more(lender: Person) -> None:
    directory = who_is_there(lends(OFFICER), lender=lender)

    assert not (await signed_in(directory)).has_role(Role.UNIT_OFFICER)


async def test_the_journal_names_the_lender_of_a_lent_role_and_of_no_other() -> None:
    directory = who_is_there(lends(OFFICER))
    who = await signed_in(directory)

    role = who.must((Role.UNIT_OFFICER, Role.GRID_WORKER), "grid-1", directory)
    assert who.actor(role) == Actor(
        kind=ActorKind.STAFF, person_id="p-worker", role=Role.UNIT_OFFICER, on_behalf_of="p-officer"
    )
    assert who.actor(Role.GRID_WORKER).on_behalf_of is None


async def test_of_ones_own_role_and_a_lent_one_of_the_same_name_the_unit_decides() -> None:
    second = Grant(role=Role.GRID_WORKER, unit_id="grid-2")
    directory = who_is_there(lends(second), lender=somebody("p-officer", second))
    who = await signed_in(directory)

    who.must(Role.GRID_WORKER, "grid-2", directory)
    assert who.actor(Role.GRID_WORKER).on_behalf_of == "p-officer"
    who.must(Role.GRID_WORKER, "grid-1", directory)
    assert who.actor(Role.GRID_WORKER).on_behalf_of is None


async def test_without_a_clock_nothing_is_lent() -> None:
    token = an_issuer().token("p-worker", (WORKER.role, WORKER.unit_id))

    who = await verifier().person_of(token, who_is_there(lends(OFFICER)))
    assert who.grants == (WORKER,)


# ── acting for somebody ───────────────────────────────────────────────────────────────────────────────────────────


def acting_token(act: object, grants: Iterable[Grant] = (WORKER,), seconds: int = 600) -> str:
    now = int(time.time())
    claims = Claims(
        iss=ISSUER, sub="p-worker", name="甲", grants=tuple(grants), iat=now, exp=now + seconds
    ).model_dump(mode="json", exclude_none=True)
    key = an_issuer().key
    return jwt.encode({"alg": "ES256", "kid": key.kid}, {**claims, "act": act}, key)


async def test_who_acts_for_somebody_is_named_beside_them() -> None:
    who = await signed_in(who_is_there(), token=acting_token(Act(sub="p-officer").model_dump()))

    assert (who.person_id, who.done_by) == ("p-worker", "p-officer")
    assert who.actor(Role.GRID_WORKER) == Actor(
        kind=ActorKind.STAFF, person_id="p-officer", role=Role.GRID_WORKER, on_behalf_of="p-worker"
    )
    with pytest.raises(Problem) as refused:
        who.must_be_oneself()
    assert refused.value.code == "only-oneself"


async def test_who_acts_for_somebody_has_not_what_others_lent_them() -> None:
    who = await signed_in(who_is_there(lends(OFFICER)), token=acting_token({"sub": "p-officer"}))

    assert who.grants == (WORKER,)


@pytest.mark.parametrize("act", ["p-officer", {}, {"person": "p-officer"}, 7])
async def test_a_claim_that_names_nobody_is_refused(act: object) -> None:
    with pytest.raises(Problem) as refused:
        await signed_in(who_is_there(), token=acting_token(act))

    assert refused.value.status == 401


async def test_who_left_acts_for_nobody() -> None:
    directory = who_is_there(lender=somebody("p-officer", OFFICER, retired_at=NOW))
    with pytest.raises(Problem) as refused:
        await signed_in(directory, token=acting_token({"sub": "p-officer"}))

    assert refused.value.extra["because"] == "retired"


async def test_acting_for_somebody_ends_with_its_token() -> None:
    with pytest.raises(Problem) as refused:
        await signed_in(who_is_there(), token=acting_token({"sub": "p-officer"}, seconds=-31))

    assert refused.value.status == 401


async def test_a_route_lets_in_by_a_lent_role_on_business_time(small_database: str) -> None:
    router = router_for("small")

    @router.get("/whose", dependencies=[allow(Role.UNIT_OFFICER)])
    async def whose(who: Caller, directory: Registry) -> Actor:
        return who.actor(who.must(Role.UNIT_OFFICER, "grid-1", directory))

    now = datetime.now(UTC)  # the test's database runs on real time
    there = who_is_there(lends(OFFICER, starts_at=now - WEEK, ends_at=now + WEEK))
    past = who_is_there(lends(OFFICER, starts_at=now - WEEK, ends_at=now - timedelta(seconds=1)))
    answers = [await asked(small_database, router, directory) for directory in (there, past)]

    assert [answer.status_code for answer in answers] == [200, 403]
    assert answers[0].json()["on_behalf_of"] == "p-officer"


async def asked(database_url: str, router: APIRouter, directory: Directory) -> httpx.Response:
    settings = settings_of(database_url)
    service = Service(
        name="small",
        settings=settings,
        routers=[router],
        tables=TABLES,
        directory=directory,
        verifier=an_issuer().verifier(settings),
    )
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://small") as client:
        headers = an_issuer().headers("p-worker", (WORKER.role, WORKER.unit_id))
        answer = await client.get("/api/small/whose", headers=headers)
    await service.database.close()
    return answer
