"""Who may read and change what, over HTTP; going on and off duty on one's own phone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.database import Database
from shared.routes import rules_of
from shared.service import Service
from tests.registry.conftest import headers_of

KINDS = ("units", "people", "shifts", "categories", "policies", "calendars")


def test_every_route_has_exactly_one_rule(service: Service) -> None:
    assert {path: rules for path, rules in rules_of(service.app).items() if len(rules) != 1} == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_reads_without_signing_in(client: httpx.AsyncClient, kind: str) -> None:
    assert (await client.get(f"/{kind}")).status_code == 401


AS_IT_IS = {"If-Match": "*"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_grid_worker_reads_and_does_not_change(client: httpx.AsyncClient, kind: str) -> None:
    headers = await headers_of(client, "grid-a1-a")
    page = (await client.get(f"/{kind}", params={"limit": 1}, headers=headers)).json()
    thing = page["items"][0]
    path = f"/{kind}/{thing.get('id') or thing['code']}"

    assert (await client.get(path, headers=headers)).json() == thing
    assert (await client.put(path, json=thing, headers=headers)).status_code == 403


@pytest.mark.parametrize("kind", KINDS)
async def test_an_administrator_changes_every_kind(client: httpx.AsyncClient, kind: str) -> None:
    headers = await headers_of(client, "administrator-1")
    thing = (await client.get(f"/{kind}", params={"limit": 1}, headers=headers)).json()["items"][0]
    path = f"/{kind}/{thing.get('id') or thing['code']}"
    before = int((await client.get(path, headers=headers)).headers["etag"].strip('"'))

    answer = await client.put(path, json=altered(kind, thing), headers=headers | AS_IT_IS)

    assert answer.status_code == 200, answer.text
    assert answer.json()["revision"] > before
    assert answer.headers["etag"] == f'"{answer.json()["revision"]}"'
    assert (await client.get(path, headers=headers)).json() == altered(kind, thing)


def altered(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    """The same thing with something sensible changed."""
    changes: dict[str, dict[str, Any]] = {
        "units": {"name": {"zh": "新名", "en": "New name"}},
        "people": {"language": "en"},
        "shifts": {"ends_at": "2030-01-01T00:00:00Z"},
        "categories": {"keywords": ["新词"]},
        "policies": {"amber_percent": 75},
        "calendars": {"known_until": "2027-12-31"},
    }
    return {**thing, **changes[kind]}


@pytest.mark.parametrize(
    ("path", "status"), [("/people", 403), ("/shifts", 403), ("/units", 200), ("/policies", 200)]
)
async def test_a_reader_of_figures_sees_no_people(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(path, headers=await headers_of(client, "reader-1"))).status_code == status


async def test_where_a_colleague_lives_stays_with_them(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "grid-a1-a")

    assert (await client.get("/people/p-grid-a2-a", headers=headers)).json()["base"] is None
    assert (await client.get("/people/p-grid-a1-a", headers=headers)).json()["base"] is not None


async def test_pages_follow_each_other_without_gap(client: httpx.AsyncClient) -> None:
    headers, seen = await headers_of(client, "administrator-1"), []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/people", params={"cursor": cursor, "limit": 25}, headers=headers)).json()
        seen += [person["id"] for person in page["items"]]
        cursor = page["next_cursor"]

    assert len(seen) == 520
    assert seen == sorted(set(seen))


async def test_shifts_are_found_by_person_and_time(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "operator-1")
    noon = "2026-11-21T04:00:00Z"
    found = await client.get(
        "/shifts", params={"unit_id": "street", "starts_before": noon, "ends_after": noon}, headers=headers
    )

    assert len(found.json()["items"]) == 1
    mine = await client.get("/shifts", params={"person_id": "p-grid-a1-a"}, headers=headers)
    assert {shift["person_id"] for shift in mine.json()["items"]} == {"p-grid-a1-a"}


async def test_a_change_over_somebody_elses_is_refused(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "administrator-1")
    read = await client.get("/policies/routine", headers=headers)
    await client.put("/policies/routine", json=altered("policies", read.json()), headers=headers | AS_IT_IS)

    late = await client.put(
        "/policies/routine",
        json={**read.json(), "amber_percent": 60},
        headers={**headers, "If-Match": read.headers["etag"]},
    )
    assert late.status_code == 412


async def test_a_typing_error_is_not_lost_in_silence(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "administrator-1")
    unit = (await client.get("/units/grid-a1", headers=headers)).json()

    assert (
        await client.put("/units/grid-a1", json={**unit, "polygons": []}, headers=headers)
    ).status_code == 422
    assert (await client.put("/units/grid-a2", json=unit, headers=headers)).json()["code"] == "other-id"


async def test_many_changes_come_all_or_not_at_all(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "administrator-1")
    hall = {
        "id": "hall",
        "kind": "post",
        "name": {"zh": "民生驿站", "en": "Post"},
        "parent_id": "community-a",
    }
    keeper = {
        "id": "p-keeper",
        "name": {"zh": "某某（演示）", "en": "Somebody (demo)"},
        "posts": [{"post": "staff", "unit_id": "hall"}],
    }

    refused = await client.post("/changes", json={"people": [keeper]}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["flaws"][0]["code"] == "unknown-unit"
    assert (
        await client.post("/changes", json={"people": [keeper], "units": [hall]}, headers=headers)
    ).status_code == 200
    assert (await client.get("/people/p-keeper", headers=headers)).status_code == 200


async def test_an_administrator_of_one_community_stays_within_it(client: httpx.AsyncClient) -> None:
    top = await headers_of(client, "administrator-1")
    person = (await client.get("/people/p-community-a-s1", headers=top)).json()
    person["grants"] = [{"role": "administrator", "unit_id": "community-a"}]
    await client.put("/people/p-community-a-s1", json=person, headers=top | AS_IT_IS)
    local = await headers_of(client, "community-a-s1")

    async def renamed(unit_id: str) -> int:
        unit = (await client.get(f"/units/{unit_id}", headers=local)).json()
        body, asking = altered("units", unit), local | AS_IT_IS
        return (await client.put(f"/units/{unit_id}", json=body, headers=asking)).status_code

    assert await renamed("grid-a1") == 200
    assert await renamed("grid-b1") == 403
    person["grants"] = [{"role": "administrator", "unit_id": "civil-affairs"}]
    asking = local | AS_IT_IS
    assert (await client.put("/people/p-community-a-s1", json=person, headers=asking)).status_code == 403


async def test_rights_taken_away_are_gone_at_once(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, "administrator-1") | AS_IT_IS
    person = (await client.get("/people/p-administrator-1", headers=headers)).json()
    person["grants"] = [{"role": "reader", "unit_id": "civil-affairs"}]
    assert (await client.put("/people/p-administrator-1", json=person, headers=headers)).status_code == 200

    unit = (await client.get("/units/grid-a1", headers=headers)).json()
    assert (
        await client.put("/units/grid-a1", json=altered("units", unit), headers=headers)
    ).status_code == 403


# ── on and off duty ───────────────────────────────────────────────────────────────────────────────────────────────


async def business_now(database: Database) -> datetime:
    async with database.transaction() as tx:
        return await tx.now()


async def at_noon_off_the_roster(database: Database) -> datetime:
    """A standing clock at a time for which the demo has no shifts."""
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate)"
            " VALUES (now() - interval '1 s', '2030-06-01 04:00Z', 0)"
        )
    return await business_now(database)


async def test_one_goes_on_duty_and_off_again(client: httpx.AsyncClient, demo: Database) -> None:
    now = await at_noon_off_the_roster(demo)
    headers = await headers_of(client, "grid-a1-w")
    assert (await client.get("/me", headers=headers)).json()["on_duty"] is False

    until = (now + timedelta(hours=4)).isoformat()
    shift = await client.post("/me/on-duty", json={"until": until}, headers=headers)
    assert shift.status_code == 200, shift.text
    me = (await client.get("/me", headers=headers)).json()
    assert me["on_duty"] is True
    assert [unit["id"] for unit in me["unit_paths"][0]] == [
        "civil-affairs",
        "street",
        "community-a",
        "grid-a1",
    ]

    ended = await client.post("/me/off-duty", headers=headers)
    assert [each["id"] for each in ended.json()["ended"]] == [shift.json()["id"]]
    assert (await client.get("/me", headers=headers)).json()["on_duty"] is False
    assert (await client.post("/me/off-duty", headers=headers)).json() == {"ended": []}


@pytest.mark.parametrize("hours", [-1, 25])
async def test_a_shift_of_ones_own_ends_within_a_day(
    client: httpx.AsyncClient, demo: Database, hours: int
) -> None:
    until = (await business_now(demo) + timedelta(hours=hours)).isoformat()
    answer = await client.post(
        "/me/on-duty", json={"until": until}, headers=await headers_of(client, "grid-a1-w")
    )

    assert answer.json()["code"] == "until-out-of-range"


async def test_nobody_goes_on_duty_without_signing_in(client: httpx.AsyncClient) -> None:
    assert (await client.post("/me/on-duty", json={"until": "2026-11-21T00:00:00Z"})).status_code == 401
