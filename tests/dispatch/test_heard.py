"""What intake and escalation tell of a case, and what it means for who is asked and who holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.rules import heard, musts, story
from services.dispatch.rules.facts import CaseState, ExtensionState, PartState
from shared.event import CaseEvent
from shared.events.dispatch import CaseAccepted, CaseOffered, OfferWithdrawn, PartEnded
from shared.events.escalation import (
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    ExtensionAsked,
    ExtensionRefused,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseWithdrawn,
    InformationAsked,
    InformationGiven,
    RequesterErased,
    Window,
)
from shared.going import WithdrawReason
from shared.ids import uuid7
from shared.problems import Problem
from shared.vocabulary import (
    DeadlineKind,
    EscalationCause,
    ExtensionReason,
    Level,
    NoteKind,
    Outcome,
    ParkReason,
    PartRole,
    ReopenReason,
    UnparkReason,
)
from tests.dispatch.world import (
    LEADER,
    START,
    A,
    B,
    Scene,
    a_closing,
    a_merge,
    a_raise,
    a_registration,
    a_reopening,
    an_amendment,
    an_unmerge,
)

HOUR = timedelta(hours=1)


async def test_an_amended_case_is_offered_where_it_belongs_and_who_holds_it_keeps_it(scene: Scene) -> None:
    waiting, held = await scene.registered(), await scene.registered("grid-a3")
    await scene.accept(await scene.offer(held))
    for case in (waiting, held):
        state = await scene.state(case)
        await scene.hear(an_amendment(state.case, "grid-a2", "manhole-cover", scene.now))
    await scene.settle()

    [taken_back] = await scene.events(waiting, OfferWithdrawn)
    assert taken_back.reason is WithdrawReason.CASE_AMENDED
    assert [who for who, _ in await scene.offered_to(waiting)] == [A, "p-grid-a2-a"]
    after = await scene.state(held)
    assert (after.case.grid_id, after.live_offer(after.parts[0].id)) != ("grid-a3", None)
    assert after.taken_by(after.parts[0].id).person_id == "p-grid-a3-a"  # type: ignore[union-attr]
    assert not await scene.events(held, OfferWithdrawn)
    for case in (waiting, held):
        await scene.check_books(case)


async def test_whoever_the_requester_names_is_never_sent(scene: Scene) -> None:
    case = await scene.registered(excluded=(A,))
    [asked] = await scene.events(case, CaseOffered)
    assert asked.person_id == B
    assert {one.person_id: one.removed_by for one in asked.candidates}[A] == "excluded"
    state = await scene.state(case)
    await scene.hear(an_amendment(state.case, "grid-a1", "manhole-cover", excluded=(A, B)))
    await scene.settle()
    assert (await scene.offered_to(case))[-1][0] not in (A, B)
    await scene.check_books(case)


async def test_a_merged_case_frees_its_people_and_an_unmerged_one_is_searched_again(scene: Scene) -> None:
    held, asked = await scene.registered(), await scene.registered("grid-a2")
    offer = await scene.offer(held)
    await scene.accept(offer)
    for case in (held, asked):
        await scene.hear(a_merge(case, scene.now))
    assert [one.because for one in await scene.events(held, PartEnded)] == ["merged"]
    assert [one.reason for one in await scene.events(asked, OfferWithdrawn)] == [WithdrawReason.CASE_MERGED]
    with pytest.raises(Problem) as refused:
        await scene.note(offer.part_id, A, NoteKind.ACCOUNT)
    assert (refused.value.code, refused.value.extra["parent_number"]) == ("case-merged", "481-2093-0001")

    await scene.hear(an_unmerge(held, scene.now))
    await scene.settle()
    state = await scene.state(held)
    assert state.case.state is CaseState.OPEN
    assert (await scene.offer(held)).person_id in (A, B)
    for case in (held, asked):
        await scene.check_books(case)


async def test_a_withdrawn_case_asks_nobody_any_more(scene: Scene) -> None:
    case = await scene.registered()
    await scene.hear(CaseWithdrawn(at=scene.now, case_id=case))
    await scene.hear(a_closing(case, at=scene.now))
    assert [one.reason for one in await scene.events(case, OfferWithdrawn)] == [WithdrawReason.CASE_WITHDRAWN]
    assert (await scene.state(case)).case.state is CaseState.CLOSED
    await scene.check_books(case)


async def test_an_answer_has_no_part_and_its_contest_goes_to_the_community(scene: Scene) -> None:
    case = await scene.registered(category="road-damage", ends_at_once=Outcome.ANSWERED)
    assert (await scene.state(case)).parts == ()
    await scene.hear(a_closing(case, at=scene.now))
    await scene.hear(a_reopening(case, at=scene.now, because=ReopenReason.CONTESTED))
    await scene.settle()
    state = await scene.state(case)
    assert (state.case.level, state.case.unit_id, state.case.round) == (Level.COMMUNITY, "community-a", 2)
    asked = await scene.offer(case)
    assert asked.unit_id == "community-a"
    # Escalation answers the reopening; the part of that unit is open already, and nobody is asked twice.
    await scene.hear(a_raise(case, Level.COMMUNITY, EscalationCause.REOPENED, scene.now, 2))
    await scene.settle()
    assert (await scene.offer(case)).id == asked.id
    await scene.check_books(case)


async def test_who_is_owed_care_is_owed_the_fifteen_minutes_whatever_the_category(scene: Scene) -> None:
    case = await scene.registered(category="road-damage", care=True)
    await scene.until(180)
    assert [at for _, at in await scene.offered_to(case)] == [0, 60, 120, 180]
    assert (await scene.offer(case)).person_id == LEADER
    offer = await scene.offer(case)
    assert offer.emergency
    await scene.accept(offer)
    await scene.until(16 * 60)
    await scene.arrive(offer.part_id, LEADER)
    state = await scene.state(case)
    assert musts.arrive_by(state.case) == START + timedelta(minutes=15)
    assert musts.arrived_late(state)
    await scene.handle(offer.part_id, LEADER)  # a routine case: neither photo nor cause is forced
    await scene.check_books(case)


async def test_an_erased_requester_takes_all_words_and_places_along(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.note(offer.part_id, A, NoteKind.ACCOUNT, "王小明家漏水")
    await scene.hear(RequesterErased(at=scene.now, case_id=case))
    await scene.note(offer.part_id, A, NoteKind.PROGRESS, "以后写的")
    async with scene.database.transaction() as tx:
        texts = await tx.rows("SELECT note, sealed_text FROM notes WHERE case_id = :id", id=case)
    assert {row["note"]: row["sealed_text"] is None for row in texts} == {"account": True, "progress": False}
    await scene.check_books(case)


def _told(case: UUID) -> list[tuple[CaseEvent, str, Any]]:
    common: dict[str, Any] = {"at": START, "case_id": case}
    level: dict[str, Any] = {"level": Level.GRID, "round": 1}
    window, question = Window(starts_at=START, ends_at=START + HOUR), uuid7()
    asked = ExtensionAsked(
        **common,
        **level,
        extension_id=uuid7(),
        person_id=A,
        due_at=START,
        until=START + HOUR,
        reason=ExtensionReason.WEATHER,
        unit_id="grid-a1",
        approving_unit_id="community-a",
    )
    granted = DeadlineExtended(
        **common,
        **level,
        extension_id=asked.extension_id,
        kind=DeadlineKind.HANDLE,
        due_before=START,
        due_at=START + HOUR,
        amber_at=START,
    )
    refused = ExtensionRefused(**common, **level, extension_id=uuid7(), unanswered=True)
    parked = CaseParked(
        **common,
        **level,
        park_id=uuid7(),
        owner_id=A,
        unit_id="grid-a1",
        reason=ParkReason.NEEDS_FUNDS,
        review_at=START + HOUR,
        digest="d",
    )
    resumed = CaseUnparked(**common, **level, park_id=parked.park_id, because=UnparkReason.RESUMED)
    return [
        (InformationAsked(**common, question_id=question, asked_by=A), "questions", (question,)),
        (InformationGiven(**common, question_id=question, asked_by=A), "questions", ()),
        (AppointmentAgreed(**common, appointment=window), "appointment", window),
        (asked, "extension", ExtensionState.ASKED),
        (granted, "extended_until", START + HOUR),
        (refused, "extension", ExtensionState.REFUSED),
        (parked, "review_at", START + HOUR),
        (resumed, "review_at", None),
    ]


def test_what_is_told_about_time_and_questions_is_shown() -> None:
    event = a_registration()
    state = heard.registered(event)
    for told, field, expected in _told(event.case_id):
        state = story.follow(state, [told])
        assert getattr(state.case, field) == expected, told.type


def test_an_emergency_that_loses_its_grid_has_an_officer_and_somebody_who_goes() -> None:
    state = heard.registered(a_registration())
    state = story.follow(state, [an_amendment(state.case, None, "manhole-cover")])
    roles = {(part.role, part.goes, part.unit_id) for part in state.parts if part.state is PartState.WAITING}
    assert roles == {(PartRole.OWNER, False, "community-a"), (PartRole.CO_HANDLER, True, "community-a")}


async def test_what_is_told_is_kept_in_the_rows(scene: Scene) -> None:
    case = await scene.registered()
    for told, _, _ in _told(case):
        await scene.hear(told)
    assert not await scene.events(case, CaseAccepted)
    await scene.check_books(case)
