"""影子比较: n of d, mean differences, and the offers behind them, for the street's supervisors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.dispatch.queries.shadow import PAGE, SUMS
from shared.ids import uuid7
from shared.service import Service
from shared.vocabulary import Role
from tests.dispatch.phones import Phone
from tests.dispatch.world import START, A, Scene

COMPARE = """
    UPDATE offers SET policy = :policy, eta_seconds = :eta, shadow = CAST(:shadow AS jsonb),
        candidates = CAST(:candidates AS jsonb)
    WHERE case_id = :case_id
"""


async def compared(
    scene: Scene, shadow: dict[str, Any], *, eta: int | None = 300, p_late: float = 0.1
) -> UUID:
    """A case whose offer stands beside what another policy would have chosen. Each in a grid of its own, as nobody is
    asked twice."""
    case = await scene.registered()
    offer = await scene.offer(case)
    weighed = [{"person_id": offer.person_id, "post": "a", "eta_seconds": eta, "p_late": p_late}]
    chose = {"policy": "fastest_free", **shadow}
    if chose.get("person_id") == "same":
        chose["person_id"] = offer.person_id
    async with scene.database.transaction() as tx:
        await tx.rows(
            COMPARE,
            case_id=case,
            policy="engine",
            eta=eta,
            shadow=orjson.dumps(chose).decode(),
            candidates=orjson.dumps(weighed).decode(),
        )
    return case


async def test_how_often_and_how_far_two_policies_differ(service: Service, scene: Scene) -> None:
    await compared(scene, {"person_id": "same", "eta_seconds": 300, "p_late": 0.1})
    await compared(scene, {"person_id": "p-x", "eta_seconds": 360, "p_late": 0.25})
    await compared(scene, {"person_id": "p-y", "eta_seconds": None, "p_late": None})
    await compared(scene, {"person_id": None})
    await compared(scene, {"policy": "own_grid", "person_id": "same", "eta_seconds": 200, "p_late": 0.0})
    await scene.registered()
    await scene.until(1)

    report = (await supervisor(service).get("/shadow?street=street")).json()

    assert report["comparisons"] == [
        {
            "policy": "engine",
            "shadow_policy": "fastest_free",
            "offers": 4,
            "same": 1,
            "nobody": 1,
            "timed": 2,
            "eta_difference_seconds": -30.0,
            "weighed": 2,
            "p_late_difference": pytest.approx(-0.075),
        },
        {
            "policy": "engine",
            "shadow_policy": "own_grid",
            "offers": 1,
            "same": 1,
            "nobody": 0,
            "timed": 1,
            "eta_difference_seconds": 100.0,
            "weighed": 1,
            "p_late_difference": pytest.approx(0.1),
        },
    ]
    assert len(report["offers"]) == 5, "what nothing stands beside is not compared"


async def test_from_the_figures_to_the_offers(service: Service, scene: Scene) -> None:
    cases = [
        await compared(scene, {"person_id": "same" if same else "p-x", "eta_seconds": 10})
        for same in (True, False, False)
    ]
    await scene.until(1)
    reader = supervisor(service)

    first = (await reader.get("/shadow?street=street&different_only=true&limit=1")).json()
    second = (
        await reader.get(f"/shadow?street=street&different_only=true&limit=1&cursor={first['next_cursor']}")
    ).json()

    assert [page["offers"][0]["case_id"] for page in (first, second)] == [str(cases[2]), str(cases[1])]
    assert first["comparisons"] == second["comparisons"]
    shown = first["offers"][0]
    assert (shown["same"], shown["eta_seconds"], shown["shadow_eta_seconds"]) == (False, 300, 10)
    why = (await reader.get(f"/offers/{shown['offer_id']}/explanation")).json()
    assert (why["policy"], why["shadow"]["policy"], why["shadow"]["same"]) == (
        "engine",
        "fastest_free",
        False,
    )


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(
    service: Service, scene: Scene
) -> None:
    await compared(scene, {"person_id": "p-x"})
    reader = supervisor(service)
    at = START.isoformat().replace("+00:00", "Z")
    later = (START + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    before = (START - timedelta(days=1)).isoformat().replace("+00:00", "Z")

    assert len((await reader.get(f"/shadow?street=street&from={at}&to={later}")).json()["offers"]) == 1
    assert (await reader.get(f"/shadow?street=street&from={before}&to={at}")).json()["offers"] == []
    for period in (f"from={later}&to={at}", f"from=2020-01-01T00:00:00Z&to={at}"):
        refused = await reader.get(f"/shadow?street=street&{period}")
        assert (refused.status_code, refused.json()["code"]) == (422, "unusable-period")


async def test_only_supervisors_of_the_street_compare(service: Service, scene: Scene) -> None:
    for stranger in (
        Phone(service, A),
        Phone(service, "p-o", Role.UNIT_OFFICER, "street"),
        Phone(service, "p-s", Role.SUPERVISOR, "community-a"),
        Phone(service, "p-admin", Role.ADMINISTRATOR, "civil-affairs"),
    ):
        assert (await stranger.get("/shadow?street=street")).status_code == 403
    assert (await supervisor(service).get("/shadow?street=nowhere")).status_code == 403


async def test_whoever_is_sent_is_not_told_who_else_might_have_been(service: Service, scene: Scene) -> None:
    case = await compared(scene, {"person_id": "p-x", "eta_seconds": 10})
    offer = await scene.offer(case)

    assert (await Phone(service, offer.person_id).get(f"/offers/{offer.id}/explanation")).json()[
        "shadow"
    ] is None


async def test_comparing_reads_by_an_index(scene: Scene) -> None:
    given = {"street_id": "street", "since": START, "until": START + timedelta(days=1)}
    page = {"before_at": START, "before_id": uuid7(), "different_only": False, "most": 50}
    async with scene.database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        for sql, more in ((SUMS, {}), (PAGE, page)):
            plan = "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **given, **more))
            assert "offers_shadowed" in plan, plan


def supervisor(service: Service) -> Phone:
    return Phone(service, "p-street-s1", Role.SUPERVISOR, "street")
