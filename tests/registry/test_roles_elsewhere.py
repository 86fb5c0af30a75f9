"""A role that changes is heard by every other process, and stands in the next token of whoever holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from services.registry.demo.seats import CORRIDOR_KEEPER
from services.registry.handlers.things import put_things
from services.registry.main import assemble
from services.registry.settings import Settings
from shared.database import Database
from shared.service import Service
from shared.things import Grant
from shared.topics import make_topics
from shared.vocabulary import Role
from tests.registry.conftest import everything, headers_of, session_of

KEEPER = "grid-a1-k"
FEWER = CORRIDOR_KEEPER.model_copy(update={"powers": (Role.VOLUNTEER,)})


def held(*powers: Role, unit_id: str = "grid-a1") -> tuple[Grant, ...]:
    return tuple(Grant(role=power, unit_id=unit_id, held_as=CORRIDOR_KEEPER.id) for power in powers)


async def changed(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "administrator-1")
    answer = await client.put(
        f"/roles/{FEWER.id}", json=FEWER.model_dump(mode="json"), headers={**headers, "If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text


async def claims_of(client: httpx.AsyncClient, session: dict[str, Any]) -> list[dict[str, str]]:
    keys = KeySet.import_key_set((await client.get("/jwks.json")).json())
    grants: list[dict[str, str]] = jwt.decode(session["access_token"], keys, algorithms=["ES256"]).claims[
        "grants"
    ]
    return grants


async def test_the_directory_of_another_process_has_it_for_everybody_who_holds_it(
    settings: Settings, demo: Database, kafka_bootstrap: str, topic_prefix: str
) -> None:
    await make_topics(kafka_bootstrap, topic_prefix)
    connected = settings.model_copy(update={"kafka_bootstrap": kafka_bootstrap, "topic_prefix": topic_prefix})
    service = assemble(connected)
    async with service.running():
        async with service.database.transaction() as tx:
            revision = await put_things(tx, [FEWER])
        assert await service.directory.reached(revision, timeout_seconds=30)
        told = service.directory

        assert told.roles == (await everything(demo)).roles
        assert told.roles[FEWER.id] == FEWER
        for n in range(1, 8):
            keeper = told.people[f"p-grid-a{n}-k"]
            assert keeper.grants == held(Role.VOLUNTEER, unit_id=f"grid-a{n}")
            assert keeper not in told.with_role(Role.BUILDING_HEAD, f"grid-a{n}")
            assert keeper in told.with_role(Role.VOLUNTEER, f"grid-a{n}")


async def test_a_token_says_what_each_power_is_held_as_and_the_next_one_has_what_changed(
    client: httpx.AsyncClient,
) -> None:
    session = await session_of(client, KEEPER)
    assert await claims_of(client, session) == [
        {"role": power.value, "unit_id": "grid-a1", "held_as": CORRIDOR_KEEPER.id}
        for power in CORRIDOR_KEEPER.powers
    ]
    await changed(client)

    next_one = (await client.post("/refresh", json={"refresh_token": session["refresh_token"]})).json()
    assert [grant["role"] for grant in await claims_of(client, next_one)] == ["volunteer"]
    assert [grant["role"] for grant in next_one["person"]["grants"]] == ["volunteer"]


async def test_a_token_that_is_out_counts_until_it_ends_as_when_a_role_is_taken_away(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Services believe a token for its quarter of an hour; the registry itself asks what it knows now."""
    session = await session_of(client, KEEPER)
    await changed(client)
    person = await service.verifier.person_of(session["access_token"], service.directory)
    assert person.has_role(Role.BUILDING_HEAD)

    me = (await client.get("/me", headers={"Authorization": f"Bearer {session['access_token']}"})).json()
    assert [grant["role"] for grant in me["person"]["grants"]] == ["volunteer"]


async def test_one_lends_what_a_role_gives_under_its_name_and_under_no_other(
    client: httpx.AsyncClient, demo: Database
) -> None:
    async with demo.transaction() as tx:
        now = await tx.now()
    headers = await headers_of(client, KEEPER)

    async def lent(**grant: str) -> httpx.Response:
        wanted = {
            "to_person_id": "p-grid-a1-v",
            "grants": [{"role": "building_head", "unit_id": "grid-a1", **grant}],
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
        }
        return await client.post("/delegations", json=wanted, headers=headers)

    assert (await lent(held_as="administrator")).json()["code"] == "not-yours"
    made = await lent(held_as=CORRIDOR_KEEPER.id)
    assert made.status_code == 201, made.text
    assert made.json()["grants"][0]["held_as"] == CORRIDOR_KEEPER.id
    assert (await lent()).status_code == 201
