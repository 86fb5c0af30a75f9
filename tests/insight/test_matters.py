"""How a case stands after each of the things that may happen beside the straight way."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import httpx
import pytest

from services.insight.queries import rows
from services.insight.rules.facts import PartState
from services.insight.rules.standing import dues, standing
from shared.database import Database
from shared.going import EntryFlag
from shared.vocabulary import (
    CaseState,
    DeadlineKind,
    EmergencyService,
    Level,
    NotAcceptedReason,
    Outcome,
    Role,
    Ruling,
    SetBecause,
)
from tests.insight.matters import MATTERS, doubtful, parked, returned
from tests.insight.matters_of_intake import amended, answered_at_once
from tests.insight.story import CALLED, Story
from tests.insight.test_fold import folded
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]


def as_(role: Role, unit: str) -> dict[str, str]:
    return an_issuer().headers("p-somebody", (role, unit))


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("returned", CaseState.ACCEPTED),
        ("returned_and_redispatched", CaseState.REGISTERED),
        ("merged", CaseState.MERGED),
        ("unmerged", CaseState.REGISTERED),
        ("merged_to_the_end", CaseState.CLOSED),
        ("part_again", CaseState.MERGED),
        ("answered_at_once", CaseState.CLOSED),
        ("contested", CaseState.REOPENED),
        ("not_accepted", CaseState.CLOSED),
        ("withdrawn", CaseState.CLOSED),
        ("parked", CaseState.PARKED),
        ("resumed", CaseState.ACCEPTED),
        ("extended", CaseState.HANDLED),
        ("many_hands", CaseState.ACCEPTED),
        ("doubtful", CaseState.IN_PROGRESS),
        ("talkative", CaseState.AWAITING_INFORMATION),
    ],
)
def test_every_matter_has_its_state(name: str, state: CaseState) -> None:
    assert standing(folded(MATTERS[name](Story()).events)).state is state


def test_a_refused_return_leaves_the_holder_and_the_clock() -> None:
    row = folded(returned(Story()).events)
    [back] = row.returns
    assert (back.ruling, back.unanswered, back.rightful_unit_id) == (Ruling.REFUSE, False, "street")
    stands = standing(row)
    assert stands.holder_id == "p-grid-a1-a"
    assert stands.next_kind is DeadlineKind.ARRIVE
    assert stands.level is Level.GRID  # the clock of the ruling belongs to the unit above, not to the case


def test_a_merged_case_runs_no_clock_and_names_its_parent() -> None:
    row = folded(MATTERS["merged"](Story()).events)
    assert row.parent_number == "1000-0009"
    assert standing(row).next_due_at is None


def test_a_contested_answer_goes_on_at_the_community() -> None:
    row = folded(answered_at_once(Story(), contested=True).events)
    stands = standing(row)
    assert (stands.level, stands.level_unit_id) == (Level.COMMUNITY, "community-a")
    assert [(r.outcome, r.reopened_at is not None) for r in row.rounds] == [
        (Outcome.ANSWERED, True),
        (None, False),
    ]


def test_not_accepted_keeps_the_reason_and_the_rightful_unit() -> None:
    row = folded(MATTERS["not_accepted"](Story()).events)
    assert (row.not_accepted_reason, row.rightful_unit_id) == (NotAcceptedReason.BEYOND_DUTY, "street")


def test_a_parked_case_keeps_the_time_it_had_to_be_handled() -> None:
    row = folded(parked(Story()).events)
    park = standing(row).park
    assert park is not None
    assert (park.owner_id, park.review_at) == ("p-community-a-o1", CALLED + timedelta(minutes=60_000))
    assert dues(row, 1).handle_due_at == CALLED + timedelta(minutes=240)
    resumed = folded(parked(Story(), resumed=True).events)
    assert standing(resumed).park is None
    assert dues(resumed, 1).handle_due_at == CALLED + timedelta(minutes=500)


def test_an_extended_deadline_is_the_same_clock_with_a_later_time() -> None:
    row = folded(MATTERS["extended"](Story()).events)
    [handle] = [clock for clock in row.clocks if clock.kind is DeadlineKind.HANDLE]
    assert (handle.extended_from, handle.met) == (CALLED + timedelta(minutes=240), True)
    assert [extension.approved for extension in row.extensions] == [True]
    refused = folded(MATTERS["refused"](Story()).events)
    assert [extension.approved for extension in refused.extensions] == [False]


def test_many_hands_leave_one_owner_and_everything_told() -> None:
    row = folded(MATTERS["many_hands"](Story()).events)
    stands = standing(row)
    assert (stands.holder_id, stands.level, row.hand_overs) == ("p-grid-a1-a", Level.COMMUNITY, 2)
    assert ([asked.came for asked in row.helps], row.listed_days) == ([1], 2)
    assert {part.state for part in row.parts} == {PartState.ACCEPTED, PartState.DONE}
    assert row.supervisions[0].answered_at is not None
    assert row.raises[0].replied_at is not None
    works = {work.person_id: work for work in row.works}
    assert works["p-grid-a2-v"].seconds == 15 * 60
    assert works["p-community-a-o1"].seconds == 0  # an officer's part does not go
    assert works["p-grid-a1-a"].fields == 1  # help; the unit asked came with it


def test_the_phone_s_own_time_counts_once_it_was_accepted() -> None:
    row = folded(doubtful(Story()).events)
    assert row.arrived_at == CALLED + timedelta(minutes=20)
    assert standing(row).arrival_counts_at == CALLED + timedelta(minutes=13)


def test_what_was_entered_twice_is_counted_for_who_had_to() -> None:
    row = folded(doubtful(Story()).events)
    [work] = row.works
    assert (work.double_entries, work.photos, work.commands, row.corrections) == (2, 2, 9, 1)
    assert row.flagged[0].flags == (EntryFlag.SEEN_BEFORE, EntryFlag.FAR_FROM_PLACE)


def test_an_amended_place_moves_the_case_to_its_unit() -> None:
    story = Story()
    story.registered()
    amended(story, 5, grid="grid-a3")
    row = folded(story.events)
    assert (row.grid_id, standing(row).level_unit_id) == ("grid-a3", "grid-a3")


@pytest.mark.parametrize(
    ("registered", "learnt", "stands"),
    [
        (None, [None], None),
        (None, [EmergencyService.FIRE], EmergencyService.FIRE),
        (EmergencyService.FIRE, [None], EmergencyService.FIRE),
        (EmergencyService.FIRE, [EmergencyService.MEDICAL, None], EmergencyService.MEDICAL),
    ],
)
def test_danger_that_was_learnt_of_stays(
    registered: EmergencyService | None,
    learnt: list[EmergencyService | None],
    stands: EmergencyService | None,
) -> None:
    story = Story()
    story.registered(crisis=registered)
    for minute, crisis in enumerate(learnt, start=5):
        amended(story, minute, grid="grid-a3", crisis=crisis)
    assert folded(story.events).crisis == stands


async def test_what_was_told_before_is_filled_in(database: Database, fold_stories: FoldStories) -> None:
    stories = [MATTERS[name](Story(number=name)) for name in ("answered_at_once", "talkative", "parked")]
    await fold_stories(*stories)
    filled_in = import_module(
        "services.insight.migrations.versions.0004_danger_and_where_it_was_taken_in"
    ).STATEMENTS[1:]
    async with database.transaction() as tx:
        for statement in ("UPDATE cases SET taken_at = NULL, crisis = NULL", *filled_in):
            await tx.rows(statement)
        stored = await rows.load(tx, [story.case_id for story in stories])
    assert stored == {story.case_id: folded(story.events) for story in stories}


async def test_a_list_says_where_a_case_was_taken_in_and_what_danger_there_is(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(*(MATTERS[name](Story(number=name)) for name in ("answered_at_once", "talkative")))
    answer = await client.get("/cases.csv", headers=as_(Role.SUPERVISOR, "street"))
    listed = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert {row["number"]: (row["taken_at"], row["crisis"]) for row in listed} == {
        "answered_at_once": ("community-a", ""),
        "talkative": ("", "fire"),
    }


def test_a_recomputed_clock_never_runs_twice() -> None:
    story = Story()
    story.clocks(0, story.registered(), handle=240)
    story.clocks(5, because=SetBecause.CALENDAR, handle=300)
    row = folded(story.events)
    assert [(clock.stopped_at is None, clock.replaced) for clock in row.clocks] == [
        (False, False),
        (True, False),
    ]


def test_questions_are_open_until_answered_and_progress_calls_are_no_follow_ups() -> None:
    row = folded(MATTERS["talkative"](Story()).events)
    assert (len(row.questions), row.questions_asked, row.urged) == (1, 2, 2)
    assert (row.follow_ups, row.progress_calls, row.progress_reached) == ((), 1, 1)
    assert row.appointment_starts_at == CALLED + timedelta(minutes=120)


async def test_of_an_erased_requester_no_row_says_the_place(
    database: Database, fold_stories: FoldStories
) -> None:
    """Whether the words came with the erasure, before it or after."""
    story = MATTERS["talkative"](Story())
    late = amended(story, 6000, grid="grid-a3")
    *before, erased, after = story.told
    assert after.event is late
    for told in ([*before], [erased], [after]):
        part = Story(case_id=story.case_id)
        part.told = told
        await fold_stories(part)
    async with database.transaction() as tx:
        [row] = await tx.rows("SELECT headline, place_label, grid_id FROM cases")
        [texts] = await tx.rows("SELECT count(*) AS n FROM timeline WHERE data ?| array['place', 'headline']")
    assert dict(row) == {"headline": "", "place_label": "", "grid_id": "grid-a3"}
    assert texts["n"] == 0


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def asked(client: httpx.AsyncClient, path: str, headers: dict[str, str], **params: Any) -> Any:
    return await client.get(path, headers=headers, params=params)


@pytest.mark.parametrize(
    ("role", "unit", "sees"),
    [
        (Role.SUPERVISOR, "street", True),
        (Role.SUPERVISOR, "community-a", True),
        (Role.UNIT_OFFICER, "community-a", False),
        (Role.GRID_WORKER, "grid-a1", False),
        (Role.READER, "street", False),
    ],
)
async def test_what_is_odd_is_for_supervisors_only(
    client: httpx.AsyncClient, fold_stories: FoldStories, role: Role, unit: str, sees: bool
) -> None:
    story = doubtful(Story())
    await fold_stories(story)
    case = await asked(client, f"/cases/{story.case_id}", as_(role, unit))
    told = await asked(client, f"/cases/{story.case_id}/timeline", as_(role, unit), language="zh")
    assert ("seen_before" in case.text) is sees
    assert ("照片曾出现过" in told.text) is sees
    if role is not Role.GRID_WORKER:
        flagged = await asked(client, "/cases", as_(role, unit), flagged=True)
        assert flagged.status_code == (200 if sees else 403)


async def test_lists_are_narrowed_by_what_happened(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    stories = {name: tell(Story(number=name)) for name, tell in MATTERS.items()}
    await fold_stories(*stories.values())
    supervisor = as_(Role.SUPERVISOR, "street")

    async def found(**narrowed: Any) -> set[str]:
        answer = await asked(client, "/cases", supervisor, limit=200, **narrowed)
        return {case["number"] for case in answer.json()["cases"]}

    assert await found(state="parked") == {"parked"}
    assert await found(flagged=True) == {"doubtful"}
    assert await found(outcome="not_accepted") == {"not_accepted"}
    assert await found(state="awaiting_information") == {"talkative"}
    assert await found(reopened=True) == {"contested"}
    assert await found(raised=True) == {"many_hands"}
    assert await found(holder="p-nobody") == set()
    assert await found(category="manhole", channel="hotline", unit="grid-a2") == {"talkative"}
    assert await found(category="lamp") == set()
    assert await found(crisis="fire") == {"talkative"}
    assert await found(crisis="police") == set()
    assert await found(taken_at="community-a") == {"answered_at_once", "contested"}
    reader = await asked(client, "/cases", as_(Role.READER, "street"), holder="p-grid-a1-a")
    assert reader.status_code == 403


async def test_a_parent_shows_its_children(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    parent = Story(number="8000-1")
    parent.registered()
    children = [MATTERS["merged"](Story(number=f"8000-{n}")) for n in (2, 3)]
    for child in children:
        for told in child.told:
            if told.event.type == "yike.case.merged":
                told.event = told.event.model_copy(update={"parent_id": parent.case_id})
    await fold_stories(parent, *children)
    case = (await asked(client, f"/cases/{parent.case_id}", as_(Role.SUPERVISOR, "street"))).json()
    assert [(child["number"], child["state"]) for child in case["children"]] == [
        ("8000-2", "merged"),
        ("8000-3", "merged"),
    ]
    board = (await asked(client, "/board", as_(Role.SUPERVISOR, "street"))).json()
    assert board["counts"]["running"] == 1


@pytest.mark.parametrize("name", MATTERS)
async def test_every_matter_reads_as_sentences(
    client: httpx.AsyncClient, fold_stories: FoldStories, name: str
) -> None:
    story = MATTERS[name](Story())
    await fold_stories(story)
    path = f"/cases/{story.case_id}/timeline"
    for language in ("zh", "en"):
        lines = (await asked(client, path, as_(Role.SUPERVISOR, "street"), language=language)).json()["lines"]
        assert len(lines) == len(story.events)
        for line in lines:
            assert line["sentence"]
            assert not line["sentence"].startswith("yike.")
            assert not any(mark in line["sentence"] for mark in ("{", "None", "_"))
