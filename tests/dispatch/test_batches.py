"""A street is matched as a whole: at once or in windows, by its policy, beside which another may be watched."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.dispatch.handlers import batches as handled_batches
from services.dispatch.handlers.batches import Batches
from services.dispatch.handlers.moments import pose
from services.dispatch.handlers.roster import Rosters
from services.dispatch.handlers.search import Matching
from services.dispatch.matching.policies import policies
from services.dispatch.matching.situation import Assignment, Edges, Policy, Situation
from services.dispatch.matching.weights import Weights
from services.dispatch.queries import batches
from services.dispatch.queries.search import waiting
from services.dispatch.rules.facts import OfferState
from shared.database import Database, Transaction
from shared.directory import Directory
from shared.events.dispatch import CaseOffered, NobodyAvailable
from shared.going import MatchingPolicy
from shared.ids import uuid7
from shared.vocabulary import ShiftKind
from tests.dispatch.matching.situations import people_at, places
from tests.dispatch.world import LEADER, SEALER, START, A, B, Scene, a_merge, a_registration, directory


def by_policy(policy: MatchingPolicy | None = None, shadow: MatchingPolicy | None = None) -> Directory:
    made = directory()
    chosen = {"matching_policy": policy, "shadow_policy": shadow}
    made.units["street"] = made.units["street"].model_copy(update=chosen)
    return made


@pytest.mark.parametrize("town", [directory(only=[A, B])])
async def test_under_contention_cases_wait_for_each_other_in_windows(scene: Scene, town: Directory) -> None:
    """Two people, four cases: after the first batch the rest is looked at every five seconds, which the simulated
    clock is told of; whoever can still be in time goes before whoever cannot."""
    late = a_registration("grid-a3", at=START - timedelta(minutes=40))
    await scene.hear(late, *(a_registration() for _ in range(3)))
    await scene.settle()
    asked = await _open_offers(scene)
    assert set(asked.values()) == {A, B}
    assert late.case_id not in asked
    fresh = a_registration()
    await scene.hear(fresh)
    await scene.settle()
    async with scene.database.transaction() as tx:
        pending = await scene.matching.pending(tx)
    assert pending.next_due_at == START + timedelta(seconds=5)
    assert await scene.events(fresh.case_id, NobodyAvailable) == []
    await scene.until(5)
    assert len(await scene.events(fresh.case_id, NobodyAvailable)) == 1
    await scene.until(30)
    assert len(await scene.events(fresh.case_id, NobodyAvailable)) == 1
    await scene.check_books(fresh.case_id)


def test_a_router_is_asked_of_both_places_where_somebody_may_be() -> None:
    people = people_at([(0, 0), (100, 0)], [0, 1], elsewhere_chance=[0.0, 0.4])
    people = replace(people, elsewhere=places([(5, 5), (900, 0)]))
    starts, modes = handled_batches.starts_of(people)
    assert starts.lon.tolist() == places([(0, 0), (100, 0), (900, 0)]).lon.tolist()
    assert modes.tolist() == [0, 1, 1]
    alone = people_at([(0, 0)])
    assert handled_batches.starts_of(alone) == (alone.places, alone.modes)


async def _open_offers(scene: Scene) -> dict[object, str]:
    async with scene.database.transaction() as tx:
        rows = await tx.rows("SELECT case_id, person_id FROM offers WHERE state = 'offered'")
    return {row["case_id"]: row["person_id"] for row in rows}


@pytest.mark.parametrize("town", [directory(only=[A])])
async def test_when_nothing_waits_any_more_no_window_is_open(scene: Scene, town: Directory) -> None:
    await scene.registered()
    second = await scene.registered()
    assert scene.matching.next_at == START + timedelta(seconds=5)
    await scene.hear(a_merge(second))
    await scene.settle()
    assert scene.matching.next_at is None


@pytest.mark.parametrize("town", [by_policy(MatchingPolicy.OWN_GRID)])
async def test_a_street_may_be_sent_by_another_policy(scene: Scene, town: Directory) -> None:
    """Only the grid's own people are asked; with everybody else on duty the case waits for them."""
    case = await scene.registered()
    await scene.until(160)
    told = await scene.events(case, CaseOffered)
    assert {event.person_id for event in told} == {A, B}
    assert {event.policy for event in told} == {"own_grid"}
    await scene.until(181)
    assert (await scene.offer(case)).person_id == LEADER


async def test_where_nobody_is_sent_for_now_it_is_said_of_whoever_could_have_gone(scene: Scene) -> None:
    """The policy lets the case wait: it is told once, with the reason of each, and looked at again in a minute."""
    every, looks = policies(Weights()), list[int]()

    def waits(situation: Situation) -> Assignment:
        looks.append(len(situation.people))
        nothing = np.empty(0, dtype=np.intp)
        none = Edges(nothing, nothing, np.empty(0), np.empty(0), np.empty(0))
        return Assignment(none, nothing, np.empty(0, dtype=bool))

    scene.matching = Matching(SEALER, policies={**every, MatchingPolicy.ENGINE: waits})
    case = await scene.registered()
    [told] = await scene.events(case, NobodyAvailable)
    reasons = {one.person_id: one.removed_by for one in told.candidates}
    assert (reasons[A], reasons[B]) == ("held_back", "held_back")
    looked = len(looks)
    await scene.until(61)
    assert len(looks) > looked
    assert len(await scene.events(case, NobodyAvailable)) == 1


@pytest.mark.parametrize("town", [by_policy(shadow=MatchingPolicy.ROUND_ROBIN)])
async def test_what_another_policy_would_have_done_stands_beside_and_does_nothing(
    scene: Scene, town: Directory
) -> None:
    def counted() -> float:
        values = [
            REGISTRY.get_sample_value("yike_dispatch_shadow_total", {"agrees": yes})
            for yes in ("true", "false")
        ]
        return sum(value or 0.0 for value in values)

    before = counted()
    case = await scene.registered("grid-a3")
    offer = await scene.offer(case)
    [told] = await scene.events(case, CaseOffered)
    assert told.policy == "engine"
    assert told.shadow is not None
    assert told.shadow.policy == "round_robin"
    assert told.shadow.person_id not in (None, told.person_id)
    assert told.shadow.p_late is not None
    assert (offer.policy, offer.shadow) == ("engine", told.shadow)
    assert counted() == before + 1
    await scene.check_books(case)


@pytest.mark.parametrize("town", [by_policy(shadow=MatchingPolicy.ROUND_ROBIN)])
async def test_a_comparison_that_fails_keeps_nobody_waiting(
    scene: Scene, town: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does anything else that takes long: what many are weighed by has the emergencies' own thread."""
    threads, every = list[str](), policies(Weights())

    def broken(situation: Situation) -> Assignment:
        raise ValueError("one case too many")

    def watched(situation: Situation) -> Assignment:
        threads.append(threading.current_thread().name)
        return every[MatchingPolicy.ENGINE](situation)

    monkeypatch.setattr(handled_batches, "ASIDE_PAIRS_MIN", 1)
    changed: dict[str, Policy] = {MatchingPolicy.ROUND_ROBIN: broken, MatchingPolicy.ENGINE: watched}
    scene.matching = Matching(SEALER, policies={**every, **changed})
    case = await scene.registered()
    [told] = await scene.events(case, CaseOffered)
    assert (told.policy, told.shadow) == ("engine", None)
    assert threads
    assert all(name.startswith("ways") for name in threads)


@pytest.mark.parametrize("town", [directory(off_duty=[A])])
async def test_the_explanation_names_who_was_weighed_and_what_took_others_out(
    scene: Scene, town: Directory
) -> None:
    case = await scene.registered()
    [told] = await scene.events(case, CaseOffered)
    weighed = {one.person_id: one for one in told.candidates}
    assert told.candidates[0].person_id == told.person_id == B
    assert told.candidates[0].p_late is not None
    assert told.eta_seconds == told.candidates[0].eta_seconds
    assert weighed[A].removed_by == "off_duty"
    assert weighed[LEADER].removed_by == "not_yet"
    await scene.accept(await scene.offer(case))
    second = await scene.registered()
    [told] = await scene.events(second, CaseOffered)
    assert {one.person_id: one.removed_by for one in told.candidates}[B] == "on_emergency"


async def test_an_offer_says_when_it_ends_if_the_leader_waits(scene: Scene) -> None:
    """Nobody is given time beyond the leader's step."""
    case = await scene.registered()
    await scene.until(150)
    told = await scene.events(case, CaseOffered)
    ends = [(event.expires_at - START).total_seconds() for event in told]
    assert ends == [60, 120, 180]


async def test_people_on_call_are_asked_once_nobody_at_work_is_left(database: Database) -> None:
    """By the flags a policy is given: who is within reach only, and who is at work."""
    directory_ = database.directory
    shift = next(one for one in directory_.shifts.values() if one.person_id == B)
    directory_.shifts[shift.id] = shift.model_copy(update={"kind": ShiftKind.ON_CALL})
    directory_.revision += 1
    scene = Scene(database)
    await scene.begin()
    event = a_registration()
    await scene.hear(event)
    async with database.transaction() as tx:
        moment = await Batches(SEALER, Rosters()).look(tx, "street", await waiting(tx))
    posed = pose(moment)
    names = [person.id for person in moment.people]
    assert [name for name, called in zip(names, posed.on_call, strict=True) if called] == [B]
    assert names == sorted(names)
    assert [names[row] for row in posed.cases.holders[0]] == [A, B, LEADER]


async def test_what_a_batch_reads_uses_indexes(database: Database) -> None:
    """With seqscan discouraged a plan that still scans has no index to use."""
    people = {"people": ["p"]}
    async with database.transaction() as tx:
        await tx.rows("SET LOCAL enable_seqscan = off")
        assert "offers_on_hand" in await _plan(tx, batches.STANDING, **people)
        going = await _plan(tx, batches.GOING, **people)
        assert "offers_by_swap" in going
        assert "Seq Scan" not in going
        lately = await _plan(tx, batches.LATELY, **people, since=[START], not_before=START)
        assert lately.count("Index Scan using offers_by_person") >= 2
        nights = {"since": START, "until": START, "zone": "Asia/Shanghai"}
        assert "offers_by_person" in await _plan(tx, batches.NIGHTS, **people, **nights)
        over = await _plan(tx, batches.SWAPS_OVER)
        assert "Seq Scan" not in over
        assert "offers_under_way" in await _plan(tx, batches.UNDER_WAY)
        assert "Seq Scan" not in await _plan(tx, batches.TRIP, offer_id=uuid7())


async def _plan(tx: Transaction, sql: str, **parameters: object) -> str:
    return "\n".join(row["QUERY PLAN"] for row in await tx.rows("EXPLAIN " + sql, **parameters))


async def test_whoever_is_asked_is_asked_nothing_else(scene: Scene) -> None:
    cases = [await scene.registered() for _ in range(3)]
    asked = [await scene.offer(case) for case in cases]
    assert len({offer.person_id for offer in asked}) == 3
    assert {offer.state for offer in asked} == {OfferState.OFFERED}
