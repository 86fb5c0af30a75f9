"""Leave cuts shifts and shows who takes over; shifts change hands; somebody on call is called in; gaps are shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registry.handlers.things import put_things
from services.registry.queries import ahead
from services.registry.rules.things import Thing
from services.registry.rules.told import Ahead, apply
from shared import journal
from shared.database import Database
from shared.events.things import REGISTRY_SUBJECT
from shared.things import Grant, PostHeld
from shared.vocabulary import Post, Role, ShiftKind
from tests.registry.conftest import everything
from tests.registry.things.conftest import Ask, set_clock
from tests.registry.things.town import KNOWN, NOON, a_shift, hours


async def roster(town: Database, *things: Thing) -> None:
    async with town.transaction() as tx:
        await put_things(tx, things)


async def on_duty(town: Database, unit_id: str = "grid-x1") -> list[tuple[str, float, float]]:
    """Who works when, in hours from NOON; what is retired or on call left out."""
    shifts = (await everything(town)).shifts.values()
    return sorted(
        (
            shift.person_id,
            (shift.starts_at - NOON) / timedelta(hours=1),
            (shift.ends_at - NOON) / timedelta(hours=1),
        )
        for shift in shifts
        if shift.unit_id == unit_id and shift.retired_at is None and shift.kind is ShiftKind.ON_DUTY
    )


def at(count: float) -> str:
    return (NOON + hours(count)).isoformat()


async def leave(
    client: httpx.AsyncClient, person_id: str, begins: float, ends: float, **more: Any
) -> httpx.Response:
    body = {"person_id": person_id, "starts_at": at(begins), "ends_at": at(ends), **more}
    return await client.post("/absences", json=body)


def hour(text: str) -> float:
    return (datetime.fromisoformat(text) - NOON) / timedelta(hours=1)


def taken(answer: httpx.Response) -> list[tuple[str | None, float, float]]:
    return [
        (one["person_id"], hour(one["starts_at"]), hour(one["ends_at"])) for one in answer.json()["takeovers"]
    ]


# ── what leave does ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("begins", "ends", "duty"),
    [
        (24, 48, [("p-a", 0, 24), ("p-a", 48, 72), ("p-b", 24, 48)]),
        (24, 90, [("p-a", 0, 24), ("p-b", 24, 72)]),
        (-9, 24, [("p-a", 24, 72), ("p-b", 0, 24)]),
        (0, 72, [("p-b", 0, 72)]),
        (80, 90, [("p-a", 0, 72)]),
    ],
)
async def test_the_b_holder_takes_over_what_leave_cuts(
    ask: Ask, town: Database, begins: float, ends: float, duty: list[tuple[str, float, float]]
) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 0, 72))

    answer = await leave(ask("p-officer-x"), "p-a", begins, ends)
    assert answer.status_code == 201, answer.text
    assert await on_duty(town) == duty


async def test_who_is_on_duty_anyway_gets_no_second_shift(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("a", "p-a", "grid-x1", 0, 12), a_shift("b", "p-b", "grid-x1", 4, 8))

    answer = await leave(ask("p-a"), "p-a", 0, 12)
    assert taken(answer) == [("p-b", 0, 4), ("p-b", 4, 8), ("p-b", 8, 12)]
    assert await on_duty(town) == [("p-b", 0, 4), ("p-b", 4, 8), ("p-b", 8, 12)]


async def test_an_absent_counterpart_leaves_a_gap_and_says_so(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("a", "p-a", "grid-x1", 0, 12))
    await leave(ask("p-b"), "p-b", 4, 24)

    assert taken(await leave(ask("p-a"), "p-a", 0, 12)) == [("p-b", 0, 4), (None, 4, 12)]
    gaps = (
        await ask("p-a").get("/rosters/gaps", params={"unit": "grid-x1", "from": at(0), "to": at(12)})
    ).json()
    assert [(gap["starts_at"], gap["rota"]) for gap in gaps["items"]] == [("2026-11-20T08:00:00Z", "grid")]


async def a_second_officer(town: Database) -> None:
    """The officer of one community is one of the other as well."""
    officer = KNOWN.people["p-officer-y"]
    held = PostHeld(post=Post.DUTY_OFFICER, unit_id="community-x")
    await roster(town, officer.model_copy(update={"posts": (*officer.posts, held)}))


async def test_whoever_is_on_call_takes_over_for_as_long_as_they_are(ask: Ask, town: Database) -> None:
    await a_second_officer(town)
    await roster(
        town,
        a_shift("o", "p-officer-x", "community-x", 0, 12),
        a_shift("c", "p-officer-y", "community-x", 2, 10, ShiftKind.ON_CALL),
    )

    answer = await leave(ask("p-admin-x"), "p-officer-x", 0, 12)
    assert taken(answer) == [(None, 0, 2), ("p-officer-y", 2, 10), (None, 10, 12)]
    assert await on_duty(town, "community-x") == [("p-officer-y", 2, 10)]


async def test_a_named_substitute_takes_over_alone(ask: Ask, town: Database) -> None:
    await a_second_officer(town)
    await roster(town, a_shift("o", "p-officer-x", "community-x", 0, 12))

    answer = await leave(ask("p-officer-x"), "p-officer-x", 0, 12, substitute_id="p-officer-y")
    assert taken(answer) == [("p-officer-y", 0, 12)]
    assert (await leave(ask("p-admin"), "p-b", 0, 12, substitute_id="p-b")).status_code == 409


SUBSTITUTES = [
    ("p-b", None),
    ("p-w", "no-post-there"),
    ("p-y", "no-post-there"),
    ("p-officer-x", "no-post-there"),
    ("p-operator", "no-post-there"),
    ("p-a", "nobody-to-take-over"),
    ("p-nobody", "not-found"),
]


@pytest.mark.parametrize("who", ["p-a", "p-officer-x", "p-admin"])
@pytest.mark.parametrize("rostered", [True, False])
@pytest.mark.parametrize(("named", "code"), SUBSTITUTES)
async def test_nobody_rosters_whom_the_unit_has_no_such_post_for(
    ask: Ask, town: Database, who: str, rostered: bool, named: str, code: str | None
) -> None:
    """For oneself as for others: only who mans the same rota stands in, and what is refused changes nothing."""
    if rostered:
        await roster(town, a_shift("a", "p-a", "grid-x1", 0, 12))
    before = await everything(town)

    answer = await leave(ask(who), "p-a", 0, 12, substitute_id=named)
    assert answer.json().get("code") == code, answer.text
    if code is not None:
        assert await everything(town) == before
        assert (await ask("p-a").get("/absences")).json()["items"] == []


@pytest.mark.parametrize("on_call", ["p-b", "p-w", "p-y"])
async def test_what_is_taken_over_is_no_gap_and_what_is_not_is_one(
    ask: Ask, town: Database, on_call: str
) -> None:
    """The takeovers of an absence and the gaps of the roster say the same."""
    await roster(
        town,
        a_shift("a", "p-a", "grid-x1", 0, 12),
        a_shift("c", on_call, "grid-x1", 2, 10, ShiftKind.ON_CALL),
    )
    await leave(ask("p-b"), "p-b", 4, 6)

    left = taken(await leave(ask("p-a"), "p-a", 0, 12))
    gaps = await ask("p-a").get("/rosters/gaps", params={"unit": "grid-x1", "from": at(0), "to": at(12)})
    uncovered = [(starts, ends) for person_id, starts, ends in left if person_id is None]
    assert uncovered == [(hour(gap["starts_at"]), hour(gap["ends_at"])) for gap in gaps.json()["items"]]
    assert uncovered == [(4, 6)]


async def test_nobody_is_put_on_duty_while_away(ask: Ask, town: Database) -> None:
    await leave(ask("p-a"), "p-a", 24, 48)
    shift = a_shift("later", "p-a", "grid-x1", 40, 60)

    refused = await ask("p-admin").put("/shifts/later", json=shift.model_dump(mode="json"))
    assert [flaw["code"] for flaw in refused.json()["flaws"]] == ["person-away"]
    after = shift.model_copy(update={"starts_at": NOON + hours(48)})
    assert (await ask("p-admin").put("/shifts/later", json=after.model_dump(mode="json"))).status_code == 200


async def test_nobody_is_away_twice_at_a_time(ask: Ask) -> None:
    await leave(ask("p-a"), "p-a", 24, 48)
    assert (await leave(ask("p-a"), "p-a", 40, 60)).json()["code"] == "away-already"
    assert (await leave(ask("p-a"), "p-a", 48, 60)).status_code == 201


@pytest.mark.parametrize(("begins", "ends"), [(5, 4), (-9, -1), (0, 24 * 401)])
async def test_leave_ends_after_it_begins_and_now_and_within_bounds(
    ask: Ask, begins: float, ends: float
) -> None:
    assert (await leave(ask("p-a"), "p-a", begins, ends)).json()["code"] == "absence-out-of-range"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("p-a", 201),
        ("p-b", 403),
        ("p-officer-x", 201),
        ("p-officer-y", 403),
        ("p-admin-x", 201),
        ("p-admin", 201),
        ("p-reader", 403),
        ("p-operator", 403),
    ],
)
async def test_who_may_enter_somebodys_leave(ask: Ask, who: str, status: int) -> None:
    assert (await leave(ask(who), "p-a", 0, 12)).status_code == status


# ── coming back ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("back_at", "duty"),
    [
        (0, [("p-a", 0, 72)]),
        (30, [("p-a", 0, 24), ("p-a", 30, 72), ("p-b", 24, 30)]),
    ],
)
async def test_who_comes_back_has_what_is_left_of_the_shift(
    ask: Ask, town: Database, back_at: float, duty: list[tuple[str, float, float]]
) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 0, 72))
    absence = (await leave(ask("p-a"), "p-a", 24, 48)).json()
    await set_clock(town, NOON + hours(back_at))

    assert (await ask("p-officer-y").post(f"/absences/{absence['id']}/end", json={})).status_code == 403
    ended = await ask("p-a").post(f"/absences/{absence['id']}/end", json={})
    assert ended.status_code == 200, ended.text
    assert await on_duty(town) == duty
    again = await leave(ask("p-a"), "p-a", max(back_at, 24), 48)
    assert again.status_code == 201, again.text


async def test_what_somebody_changed_since_stays(ask: Ask, town: Database) -> None:
    """The second half went to somebody else meanwhile: coming back does not take it from them."""
    await roster(town, a_shift("s", "p-a", "grid-x1", 0, 72))
    absence = (await leave(ask("p-a"), "p-a", 24, 48)).json()
    second = (await everything(town)).shifts["s~2"]
    await roster(town, second.model_copy(update={"person_id": "p-w"}))

    await ask("p-a").post(f"/absences/{absence['id']}/end", json={"at": at(30)})
    assert await on_duty(town) == [("p-a", 0, 24), ("p-b", 24, 30), ("p-w", 48, 72)]


async def test_who_ends_what_somebody_ended_meanwhile_is_told(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 0, 72))
    absence = (await leave(ask("p-a"), "p-a", 24, 48)).json()
    read = (await ask("p-officer-x").get(f"/absences/{absence['id']}")).headers["etag"]

    async def ends(who: str, count: float, **headers: str) -> httpx.Response:
        path = f"/absences/{absence['id']}/end"
        return await ask(who).post(path, json={"at": at(count)}, headers=headers)

    first = await ends("p-a", 40, **{"If-Match": read})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    late = await ends("p-officer-x", 30, **{"If-Match": read})
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert await on_duty(town) == [("p-a", 0, 24), ("p-a", 40, 72), ("p-b", 24, 40)]
    again = await ends("p-officer-x", 30, **{"If-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert (await ends("p-officer-x", 28)).status_code == 200, "whoever says nothing changes what stands"


async def test_an_absence_that_is_over_is_not_ended(ask: Ask, town: Database) -> None:
    absence = (await leave(ask("p-a"), "p-a", 24, 48)).json()
    await set_clock(town, NOON + hours(50))
    assert (await ask("p-a").post(f"/absences/{absence['id']}/end", json={})).json()["code"] == "absence-over"


async def test_absences_are_listed_by_time_person_and_unit(ask: Ask) -> None:
    await leave(ask("p-a"), "p-a", 24, 48)
    await leave(ask("p-y"), "p-y", 24, 48)
    admin = ask("p-admin")

    async def who(**params: str) -> list[str]:
        page = (await admin.get("/absences", params=params)).json()
        return sorted(item["person_id"] for item in page["items"])

    assert await who() == ["p-a", "p-y"]
    assert await who(unit="community-x") == ["p-a"]
    assert await who(person_id="p-y") == ["p-y"]
    assert await who(**{"from": at(48)}) == []
    first = (await admin.get("/absences", params={"limit": 1})).json()
    rest = await admin.get("/absences", params={"limit": 1, "cursor": first["next_cursor"]})
    assert rest.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("p-a", {"p-a"}),
        ("p-y", {"p-y"}),
        ("p-b", set()),
        ("p-w", set()),
        ("p-operator", set()),
        ("p-officer-x", {"p-a"}),
        ("p-officer-y", {"p-y"}),
        ("p-admin-x", {"p-a"}),
        ("p-admin", {"p-a", "p-y"}),
    ],
)
async def test_who_reads_when_others_are_away(ask: Ask, who: str, seen: set[str]) -> None:
    """Oneself, and who plans or leads the unit; when somebody works, all staff may see."""
    ids = {id: (await leave(ask(id), id, 24, 48)).json()["id"] for id in ("p-a", "p-y")}

    for params in ({}, {"unit": "street"}, {"person_id": "p-a"}):
        page = (await ask(who).get("/absences", params=params)).json()["items"]
        wanted = seen & {"p-a"} if "person_id" in params else seen
        assert {item["person_id"] for item in page} == wanted
    for person_id, id in ids.items():
        status = (await ask(who).get(f"/absences/{id}")).status_code
        assert status == (200 if person_id in seen else 404)
    assert (await ask(who).get("/shifts")).status_code == 200
    assert (await ask("p-reader").get("/absences")).status_code == 403


async def test_a_grid_leader_reads_the_absences_of_their_grid(ask: Ask, town: Database) -> None:
    await leave(ask("p-a"), "p-a", 24, 48)
    leading = Grant(role=Role.GRID_LEADER, unit_id="grid-x1")
    await roster(town, KNOWN.people["p-w"].model_copy(update={"grants": (leading,)}))

    page = (await ask("p-w").get("/absences")).json()["items"]
    assert [item["person_id"] for item in page] == ["p-a"]


async def test_absences_are_what_the_journal_tells(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 0, 72))
    first = (await leave(ask("p-a"), "p-a", 24, 48)).json()
    await ask("p-a").post(f"/absences/{first['id']}/end", json={"at": at(30)})
    await leave(ask("p-b"), "p-b", 24, 48)

    async with town.transaction() as tx:
        told = Ahead()
        for event in await journal.story(tx, REGISTRY_SUBJECT):
            told = apply(told, event)
        assert len(told.absences) == 2
        assert list(told.absences.values()) == [await ahead.absence(tx, id) for id in told.absences]


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hands_over_to_b(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", -4, 8))
    assert (await ask("p-a").post("/shifts/s/hand-over", json={"at": at(2)})).status_code == 200
    assert await on_duty(town) == [("p-a", -4, 2), ("p-b", 2, 8)]


async def test_a_shift_ahead_changes_hands_whole(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", 4, 8), a_shift("b", "p-b", "grid-x1", 0, 6))
    await ask("p-officer-x").post("/shifts/s/hand-over", json={})
    assert await on_duty(town) == [("p-b", 0, 6), ("p-b", 6, 8)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"to_person_id": "p-b"}, None),
        ({"to_person_id": "p-w"}, "no-post-there"),
        ({"to_person_id": "p-y"}, "no-post-there"),
        ({"to_person_id": "p-a"}, "nobody-to-take-over"),
        ({"to_person_id": "p-nobody"}, "not-found"),
        ({"at": at(8)}, "shift-over"),
    ],
)
async def test_to_whom_and_until_when_a_shift_is_handed_over(
    ask: Ask, town: Database, body: dict[str, str], code: str | None
) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", -4, 8))
    answer = await ask("p-a").post("/shifts/s/hand-over", json=body)
    assert answer.json().get("code") == code, answer.text


async def test_nobody_hands_over_to_somebody_away(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("s", "p-a", "grid-x1", -4, 8))
    await leave(ask("p-b"), "p-b", 4, 20)
    assert (await ask("p-a").post("/shifts/s/hand-over", json={})).json()["code"] == "away-already"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("p-a", 200),
        ("p-b", 403),
        ("p-y", 403),
        ("p-officer-x", 200),
        ("p-officer-y", 403),
        ("p-operator", 200),
    ],
)
async def test_who_may_hand_a_shift_over_or_call_in(ask: Ask, town: Database, who: str, status: int) -> None:
    await roster(
        town,
        a_shift("s", "p-a", "grid-x1", -4, 8),
        a_shift("c", "p-a", "grid-x1", -4, 8, ShiftKind.ON_CALL),
    )
    assert (await ask(who).post("/shifts/c/call-in", json={})).status_code == status
    assert (await ask(who).post("/shifts/s/hand-over", json={})).status_code == status


async def test_somebody_on_call_is_called_in(ask: Ask, town: Database) -> None:
    await roster(town, a_shift("c", "p-b", "grid-x1", -4, 8, ShiftKind.ON_CALL))
    assert (await ask("p-b").get("/me")).json()["on_duty"] is False

    called = await ask("p-operator").post("/shifts/c/call-in", json={"until": at(4)})
    assert called.status_code == 200, called.text
    assert await on_duty(town) == [("p-b", 0, 4)]
    assert (await ask("p-b").get("/me")).json()["on_duty"] is True


@pytest.mark.parametrize(
    ("kind", "begins", "ends", "until", "code"),
    [
        (ShiftKind.ON_DUTY, -4, 8, None, "not-on-call"),
        (ShiftKind.ON_CALL, 1, 8, None, "not-on-call"),
        (ShiftKind.ON_CALL, -4, 8, at(9), "until-out-of-range"),
        (ShiftKind.ON_CALL, -4, 8, at(0), "until-out-of-range"),
    ],
)
async def test_only_who_is_on_call_now_is_called_in(
    ask: Ask, town: Database, kind: ShiftKind, begins: float, ends: float, until: str | None, code: str
) -> None:
    await roster(town, a_shift("c", "p-b", "grid-x1", begins, ends, kind))
    assert (await ask("p-officer-x").post("/shifts/c/call-in", json={"until": until})).json()["code"] == code
