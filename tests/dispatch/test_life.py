"""A case inside dispatch, from the call to the end, in the field's words."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.dispatch.rules.facts import CaseState, PartState
from shared.directory import Directory
from shared.events.dispatch import (
    Candidate,
    CaseAccepted,
    CaseHandled,
    CaseOffered,
    NobodyAvailable,
    OfferLapsed,
    OfferWithdrawn,
    PartEnded,
    WorkerArrived,
)
from shared.going import DeclineReason, LateCause, WithdrawReason
from shared.problems import Problem
from shared.vocabulary import EscalationCause, Level, Must, NoteKind, PartRole, Urgency
from tests.dispatch.world import LEADER, A, B, Scene, a_closing, a_raise, a_reopening, a_void, directory


async def test_1_the_a_holder_is_asleep_and_b_arrives_in_time(scene: Scene) -> None:
    case = await scene.registered()
    assert await scene.offered_to(case) == [(A, 0)]

    await scene.until(60)
    assert await scene.offered_to(case) == [(A, 0), (B, 60)]
    [lapsed] = await scene.events(case, OfferLapsed)
    assert lapsed.person_id == A

    await scene.until(80)
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.until(14 * 60)
    await scene.arrive(offer.part_id, B)
    await scene.do_the_musts(offer.part_id, B)
    await scene.handle(offer.part_id, B)

    [handled] = await scene.events(case, CaseHandled)
    assert handled.musts_met == (Must.ARRIVE, Must.PHOTOGRAPH_AND_ACCOUNT, Must.MEASURE)
    assert handled.late_cause is None
    assert handled.level is Level.GRID
    await scene.hear(a_closing(case, at=scene.now))
    assert (await scene.state(case)).case.state is CaseState.CLOSED
    await scene.check_books(case)


async def test_2_a_late_arrival_is_recorded_and_its_cause_asked_after_the_work(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.until(17 * 60)
    await scene.arrive(offer.part_id, A)
    await scene.do_the_musts(offer.part_id, A)
    with pytest.raises(Problem) as asked:
        await scene.handle(offer.part_id, A)
    assert asked.value.code == "late-cause-needed"

    await scene.handle(offer.part_id, A, LateCause.TRAFFIC)
    [handled] = await scene.events(case, CaseHandled)
    assert handled.late_cause is LateCause.TRAFFIC
    await scene.check_books(case)


async def test_3_nobody_answers_and_every_step_comes_at_its_absolute_time(scene: Scene) -> None:
    case = await scene.registered()
    await scene.until(180)
    asked = await scene.offered_to(case)
    assert [seconds for _, seconds in asked] == [0, 60, 120, 180]
    people = [person for person, _ in asked]
    assert (people[0], people[1], people[3]) == (A, B, LEADER)

    await scene.until(360)
    await scene.raised(case)
    state = await scene.state(case)
    going = next(part for part in state.parts if part.goes)
    assert going.role is PartRole.CO_HANDLER
    officer = next(offer for offer in state.offers if offer.unit_id == "community-a" and offer.live)
    assert not officer.goes
    assert officer.offered_at == scene.now

    await scene.until(960)
    await scene.raised(case, Level.STREET)
    await scene.until(1860)
    await scene.raised(case, Level.CIVIL_AFFAIRS)
    state = await scene.state(case)
    assert [part.role for part in state.parts].count(PartRole.OWNER) == 1
    assert [part.level for part in state.parts if part == state.owner] == [Level.CIVIL_AFFAIRS]
    # Somebody who goes is still being searched for, beside the officers.
    assert state.live_offer(going.id) is not None
    seconds = [at for _, at in await scene.offered_to(case) if at % 60]
    assert seconds == []
    await scene.check_books(case)


async def test_a_decline_moves_on_at_once(scene: Scene) -> None:
    case = await scene.registered()
    await scene.until(10)
    await scene.decline(await scene.offer(case))
    assert (await scene.offered_to(case))[-1] == (B, 10)


async def test_an_offer_before_the_leaders_step_is_cut_short_and_not_held_against_anybody(
    scene: Scene,
) -> None:
    case = await scene.registered()
    await scene.until(30)
    await scene.decline(await scene.offer(case))
    await scene.until(180)
    assert [at for _, at in await scene.offered_to(case)] == [0, 30, 90, 150, 180]
    assert (await scene.offered_to(case))[-1] == (LEADER, 180)
    [withdrawn] = await scene.events(case, OfferWithdrawn)
    assert withdrawn.reason is WithdrawReason.NEXT_STEP


async def test_whoever_is_on_an_emergency_is_not_sent_to_another(scene: Scene) -> None:
    first, second = await scene.registered(), await scene.registered()
    assert (await scene.offer(first)).person_id == A
    assert (await scene.offer(second)).person_id == B
    why = {one.person_id: one.removed_by for one in await _candidates(scene, second)}
    assert why[A] == "on_emergency"


@pytest.mark.parametrize("town", [directory(only=[A, LEADER])])
async def test_handling_frees_the_holder_for_the_next_emergency(scene: Scene, town: Directory) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, A)
    await scene.do_the_musts(offer.part_id, A)
    await scene.handle(offer.part_id, A)
    assert (await scene.offer(await scene.registered())).person_id == A


@pytest.mark.parametrize("town", [directory(only=[])])
async def test_nobody_on_duty_is_said_once_and_the_search_goes_on(scene: Scene, town: Directory) -> None:
    case = await scene.registered()
    await scene.until(300)
    [told] = await scene.events(case, NobodyAvailable)
    assert {one.removed_by for one in told.candidates} == {"off_duty"}

    whole = directory()
    scene.database.directory.shifts.update(whole.shifts)
    scene.database.directory.revision += 1
    scene.database.directory._forget()
    await scene.settle()
    # The leader's step is long past, so the leader is the first of all.
    assert await scene.offered_to(case) == [(LEADER, 300)]
    await scene.check_books(case)


@pytest.mark.parametrize("town", [directory(only=[A, B])])
async def test_after_a_full_turn_the_search_starts_again_from_the_a_holder(
    scene: Scene, town: Directory
) -> None:
    case = await scene.registered()
    await scene.until(240)
    assert await scene.offered_to(case) == [(A, 0), (B, 60), (A, 120), (B, 180), (A, 240)]
    assert (await scene.state(case)).parts[0].turn == 3
    await scene.check_books(case)


@pytest.mark.parametrize("town", [directory(only=[A, B])])
async def test_a_conflict_of_interest_holds_for_the_whole_case(scene: Scene, town: Directory) -> None:
    case = await scene.registered()
    await scene.decline(await scene.offer(case), DeclineReason.CONFLICT_OF_INTEREST)
    await scene.until(180)
    assert {person for person, at in await scene.offered_to(case) if at > 0} <= {B}


@pytest.mark.parametrize("town", [directory(only=[A, B, LEADER])])
async def test_the_leader_is_asked_early_when_nobody_else_could_be(scene: Scene, town: Directory) -> None:
    await scene.registered()
    await scene.registered()
    third = await scene.registered()
    await scene.until(5)  # as many cases as people: they are matched in windows
    assert await scene.offered_to(third) == [(LEADER, 5)]


async def test_an_emergency_at_an_unknown_place_gets_an_officer_and_somebody_who_goes(scene: Scene) -> None:
    case = await scene.registered(grid=None)
    state = await scene.state(case)
    assert {(part.role, part.goes) for part in state.parts} == {
        (PartRole.OWNER, False),
        (PartRole.CO_HANDLER, True),
    }
    assert all(state.live_offer(part.id) for part in state.parts)
    await scene.check_books(case)


async def test_a_routine_case_is_offered_to_its_own_grid_only(scene: Scene) -> None:
    case = await scene.registered(category=_routine())
    await scene.until(3 * 3600)
    assert {person for person, _ in await scene.offered_to(case)} <= {A, B, LEADER}


async def test_a_raise_keeps_who_was_going_and_the_officer_handles(scene: Scene) -> None:
    case = await scene.registered()
    going = await scene.offer(case)
    await scene.accept(going)
    await scene.until(600)
    await scene.arrive(going.part_id, A)
    await scene.raised(case, cause=EscalationCause.BY_HAND)
    officer = await scene.offer(case)
    await scene.accept(officer)
    await scene.do_the_musts(going.part_id, A)
    with pytest.raises(Problem) as refused:
        await scene.handle(going.part_id, A)
    assert (refused.value.code, refused.value.extra["owner"]) == ("owner-handles", officer.person_id)

    await scene.handle(officer.part_id, officer.person_id)
    [handled] = await scene.events(case, CaseHandled)
    assert handled.level is Level.COMMUNITY
    state = await scene.state(case)
    assert state.part(going.part_id).state is PartState.ARRIVED  # stays to be told the end
    assert not state.offer(going.id).goes
    await scene.check_books(case)


async def test_until_an_officer_accepts_whoever_went_may_handle_at_the_level_dispatch_knows(
    scene: Scene,
) -> None:
    case = await scene.registered()
    going = await scene.offer(case)
    await scene.accept(going)
    await scene.arrive(going.part_id, A)
    await scene.do_the_musts(going.part_id, A)
    await scene.raised(case, cause=EscalationCause.HANDLE_MISSED)
    await scene.handle(going.part_id, A)
    [handled] = await scene.events(case, CaseHandled)
    assert handled.level is Level.COMMUNITY
    [withdrawn] = await scene.events(case, OfferWithdrawn)
    assert withdrawn.reason is WithdrawReason.CASE_HANDLED
    await scene.check_books(case)


async def test_a_raise_that_crosses_handled_changes_nothing_but_the_level_until_it_is_voided(
    scene: Scene,
) -> None:
    case = await _handled(scene)
    before = await scene.state(case)
    raised = a_raise(case, at=scene.now)
    await scene.hear(raised)
    after = await scene.state(case)
    assert after == replace(before, case=replace(before.case, level=Level.COMMUNITY, unit_id="community-a"))
    await scene.hear(a_void(raised, Level.GRID))
    assert await scene.state(case) == before
    await scene.check_books(case)


async def test_a_raise_of_an_older_round_changes_nothing(scene: Scene) -> None:
    case = await _handled(scene)
    await scene.hear(a_reopening(case, at=scene.now))
    before = await scene.state(case)
    await scene.hear(a_raise(case, at=scene.now, round=1))
    assert await scene.state(case) == before


async def test_8_dissatisfied_frees_the_holder_and_goes_one_level_up(scene: Scene) -> None:
    case = await _handled(scene)
    await scene.hear(a_reopening(case, at=scene.now))
    [ended] = await scene.events(case, PartEnded)
    assert (ended.person_id, ended.because) == (A, "reopened")
    assert (await scene.state(case)).owner is None

    await scene.raised(case, cause=EscalationCause.REOPENED, round=2)
    officer = await scene.offer(case)
    await scene.accept(officer)
    await scene.handle(officer.part_id, officer.person_id)
    first, second = await scene.events(case, CaseHandled)
    assert (first.round, second.round, second.level) == (1, 2, Level.COMMUNITY)
    await scene.check_books(case)


async def test_reopened_at_the_top_stays_there_with_a_new_officer(scene: Scene) -> None:
    case = await _handled(scene)
    await scene.hear(a_reopening(case, at=scene.now))
    await scene.hear(
        a_raise(
            case, Level.CIVIL_AFFAIRS, EscalationCause.REOPENED, scene.now, 2, from_level=Level.CIVIL_AFFAIRS
        )
    )
    await scene.settle()
    assert (await scene.offer(case)).unit_id == "civil-affairs"


async def test_closing_takes_offers_back_and_ends_what_is_held(scene: Scene) -> None:
    case = await scene.registered()
    await scene.accept(await scene.offer(case))
    await scene.raised(case)
    await scene.hear(a_closing(case, at=scene.now))
    [withdrawn], [ended] = await scene.events(case, OfferWithdrawn), await scene.events(case, PartEnded)
    assert (withdrawn.reason, ended.because) == (WithdrawReason.CASE_CLOSED, "closed")
    await scene.until(3600)
    assert len(await scene.events(case, OfferWithdrawn)) == 1
    await scene.check_books(case)


async def test_an_emergency_cannot_be_handled_with_a_must_missing(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await _refused_musts(scene, offer.part_id, ["arrive", "photograph_and_account", "measure"])
    await scene.arrive(offer.part_id, A)
    await scene.photograph(offer.part_id, A)
    await _refused_musts(scene, offer.part_id, ["photograph_and_account", "measure"])
    await scene.note(offer.part_id, A, NoteKind.ACCOUNT)
    await _refused_musts(scene, offer.part_id, ["measure"])
    await scene.note(offer.part_id, A, NoteKind.MEASURE)
    await scene.handle(offer.part_id, A)


async def test_a_routine_case_is_never_forced_to_a_photo(scene: Scene) -> None:
    case = await scene.registered(category=_routine())
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.handle(offer.part_id, A)
    assert len(await scene.events(case, CaseHandled)) == 1


async def test_doing_it_twice_is_the_same_answer_and_one_event(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, A)
    await scene.arrive(offer.part_id, A)
    await scene.do_the_musts(offer.part_id, A)
    await scene.handle(offer.part_id, A)
    await scene.handle(offer.part_id, A)
    for kind in (CaseAccepted, WorkerArrived, CaseHandled):
        assert len(await scene.events(case, kind)) == 1


async def test_somebody_elses_offer_is_a_409_that_says_what_to_do(scene: Scene) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    with pytest.raises(Problem) as refused:
        await scene.accept(offer, B)
    assert (refused.value.status, refused.value.code) == (409, "not-yours")
    assert refused.value.detail


async def _handled(scene: Scene) -> UUID:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, A)
    await scene.do_the_musts(offer.part_id, A)
    await scene.handle(offer.part_id, A)
    return case


async def _refused_musts(scene: Scene, part_id: UUID, missing: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        await scene.handle(part_id, A)
    assert (refused.value.code, refused.value.extra["missing"]) == ("musts-missing", missing)


async def _candidates(scene: Scene, case_id: UUID) -> tuple[Candidate, ...]:
    return (await scene.events(case_id, CaseOffered))[-1].candidates


def _routine() -> str:
    categories = directory(only=()).categories.values()
    return next(one.code for one in categories if one.urgency is Urgency.ROUTINE)
