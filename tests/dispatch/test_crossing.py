"""A raise is on its way while the case is merged, taken out again, amended or handled: dispatch and escalation end up
at one level. That they do in every order is tests/life; here the rows, the offers and the parts are looked at."""

from __future__ import annotations

import pytest

from services.dispatch.rules.facts import CaseState, PartState
from shared.event import SYSTEM
from shared.events.dispatch import CaseHandled, OfferWithdrawn
from shared.going import WithdrawReason
from shared.vocabulary import EscalationCause, Level, PartRole
from tests.dispatch.world import Scene, a_merge, a_raise, a_void, an_amendment, an_unmerge


@pytest.mark.parametrize("order", ["raised, merged", "merged, raised", "out again, raised"])
async def test_a_case_taken_out_again_is_with_the_unit_it_was_raised_to(scene: Scene, order: str) -> None:
    case = await scene.registered()
    raised = a_raise(case, at=scene.now)
    merged, out = a_merge(case, scene.now), an_unmerge(case, scene.now)
    story = {
        "raised, merged": (raised, merged, out),
        "merged, raised": (merged, raised, out),
        "out again, raised": (merged, out, raised),
    }[order]
    await scene.hear(*story)
    await scene.settle()
    state = await scene.state(case)
    assert state.case.state is CaseState.OPEN
    assert (state.case.level, state.case.unit_id) == (Level.COMMUNITY, "community-a")
    owner = state.owner
    assert owner is not None
    assert (owner.unit_id, owner.goes, owner.state) == ("community-a", False, PartState.OFFERED)
    going = [part for part in state.parts if part.goes and part.state is not PartState.ENDED]
    assert [part.role for part in going] == [PartRole.CO_HANDLER], "one search for somebody to go beside it"
    await scene.check_books(case)


async def test_a_merged_case_raised_meanwhile_asks_nobody(scene: Scene) -> None:
    case = await scene.registered()
    await scene.hear(a_merge(case, scene.now), a_raise(case, at=scene.now))
    await scene.settle()
    state = await scene.state(case)
    assert (state.case.state, state.case.level) == (CaseState.MERGED, Level.COMMUNITY)
    assert all(part.state is PartState.ENDED for part in state.parts)
    await scene.check_books(case)


async def test_what_was_handled_before_its_merge_was_heard_stays_handled_and_is_said_again(
    scene: Scene,
) -> None:
    case = await scene.registered()
    offer = await scene.offer(case)
    await scene.accept(offer)
    await scene.arrive(offer.part_id, offer.person_id)
    await scene.do_the_musts(offer.part_id, offer.person_id)
    await scene.handle(offer.part_id, offer.person_id)
    for said in (1, 2):  # merged and taken out once more while the first of it is on its way
        await scene.hear(a_merge(case, scene.now))
        assert (await scene.state(case)).case.state is CaseState.MERGED
        await scene.hear(an_unmerge(case, scene.now))
        await scene.settle()
        state = await scene.state(case)
        assert state.case.state is CaseState.HANDLED
        assert state.owner is None, "nobody is asked to do it a second time"
        first, *again = await scene.events(case, CaseHandled)
        assert len(again) == said
        assert len({one.id for one in (first, *again)}) == 1 + said
        assert {(one.part_id, one.person_id, one.musts_met) for one in again} == {
            (first.part_id, first.person_id, first.musts_met)
        }
        assert {one.actor for one in again} == {SYSTEM}
    await scene.check_books(case)


async def test_a_raise_by_the_old_ladder_leads_to_the_unit_of_the_new_one(scene: Scene) -> None:
    case = await scene.registered()
    known = (await scene.state(case)).case
    await scene.hear(an_amendment(known, "grid-b1", "manhole-cover", scene.now), a_raise(case, at=scene.now))
    await scene.settle()
    state = await scene.state(case)
    assert (state.case.level, state.case.unit_id) == (Level.COMMUNITY, "community-b")
    assert state.owner is not None
    assert state.owner.unit_id == "community-b"
    await scene.check_books(case)


async def test_a_raise_to_a_level_that_is_no_more_is_not_followed(scene: Scene) -> None:
    case = await scene.registered()
    known = (await scene.state(case)).case
    shorter = tuple(rung for rung in known.ladder if rung.level is not Level.COMMUNITY)
    amended = an_amendment(known, "grid-a1", "manhole-cover", scene.now, ladder=shorter, changed=("ladder",))
    raised = a_raise(case, at=scene.now)
    await scene.hear(amended, raised, a_void(raised, Level.GRID))
    await scene.settle()
    state = await scene.state(case)
    assert (state.case.level, [part.role for part in state.parts]) == (Level.GRID, [PartRole.OWNER])
    await scene.check_books(case)


async def test_a_raise_that_is_voided_takes_its_offer_back_and_the_grid_answers_for_it(scene: Scene) -> None:
    """What led to the void crossed a second amendment, so dispatch followed the raise."""
    case = await scene.registered()
    raised = a_raise(case, cause=EscalationCause.BY_HAND, at=scene.now)
    await scene.hear(raised)
    await scene.settle()
    await scene.hear(a_void(raised, Level.GRID))
    await scene.settle()
    state = await scene.state(case)
    assert (state.case.level, state.case.unit_id) == (Level.GRID, "grid-a1")
    owner = state.owner
    assert owner is not None
    assert (owner.level, owner.unit_id, owner.goes) == (Level.GRID, "grid-a1", False)
    taken_back = [one.reason for one in await scene.events(case, OfferWithdrawn)]
    assert WithdrawReason.CASE_AMENDED in taken_back
    assert len([part for part in state.parts if part.goes and part.state is not PartState.ENDED]) == 1
    await scene.check_books(case)


async def test_an_officer_who_took_a_voided_raise_keeps_it(scene: Scene) -> None:
    case = await scene.registered()
    raised = a_raise(case, at=scene.now)
    await scene.hear(raised)
    await scene.settle()
    owner = (await scene.state(case)).owner
    assert owner is not None
    await scene.accept(await scene.offer(case, owner.id))
    await scene.hear(a_void(raised, Level.GRID))
    after = (await scene.state(case)).owner
    assert after is not None
    assert (after.id, after.state) == (owner.id, PartState.ACCEPTED)
    await scene.check_books(case)
