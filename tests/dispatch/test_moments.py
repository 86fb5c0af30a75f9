"""From what is decided, and when: the arrays of a moment, and whether there is news since the last decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from services.dispatch.handlers.batches import Batch
from services.dispatch.handlers.moments import Moment, Seeking, pose
from services.dispatch.handlers.news import Decided, Open
from services.dispatch.handlers.roster import Roster
from services.dispatch.handlers.sending import sendings
from services.dispatch.handlers.sought import search_for
from services.dispatch.matching.engine import Engine
from services.dispatch.matching.situation import Assignment
from services.dispatch.matching.under_way import WRAP_UP_SECONDS, seconds_left
from services.dispatch.matching.weights import Weights
from services.dispatch.queries.batches import OnHand, Trip
from services.dispatch.queries.search import SeenAt
from services.dispatch.rules import heard
from services.dispatch.travel.straight import StraightLine, travel_seconds
from shared.events.intake import Place
from shared.ids import uuid7
from shared.things import Person, Point, PostHeld, Shift
from shared.vocabulary import Post
from tests.dispatch.world import LEADER, START, A, B, a_registration, directory

UNDER_WAY = OnHand(engaged=False, going=True, at_routine=False)
PEOPLE = directory().people
SINCE = START - timedelta(hours=3)


def seeking() -> Seeking:
    state = heard.registered(a_registration())
    [part] = state.parts
    return Seeking(state, part, search_for(state, part, None))


def a_trip(person_id: str, **more: object) -> Trip:
    case = seeking().state.case
    trip = Trip(
        offer_id=uuid7(),
        person_id=person_id,
        case_id=case.id,
        unit_id="grid-a1",
        place=case.place,
        registered_at=case.registered_at,
        due_at=None,
        accepted_at=START,
        eta_seconds=None,
        swappable=True,
    )
    return replace(trip, **more)  # type: ignore[arg-type]


def at(seconds: float, *people: Person, **more: object) -> Moment:
    everybody = sorted(people, key=lambda one: one.id)
    given = {"units": frozenset(directory().units), "since": {one.id: SINCE for one in people}} | more
    return Moment(START + timedelta(seconds=seconds), 8, people=everybody, **{"seeking": [seeking()]} | given)  # type: ignore[arg-type]


# ── what remains of a way ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("way", "seen_ago", "departs_in", "left"),
    [
        pytest.param(600, 0, 0, 600, id="sets out now"),
        pytest.param(600, 90, -90, 510, id="has moved since they were seen"),
        pytest.param(600, 30, -500, 570, id="only since then"),
        pytest.param(600, 60, 90, 690, id="wraps up first"),
        pytest.param(600, 180, -30, 570, id="did not move while wrapping up"),
        pytest.param(20, 90, -90, 0, id="should be there"),
    ],
)
def test_what_remains_of_a_way_counts_when_and_from_where_they_set_out(
    way: float, seen_ago: float, departs_in: float, left: float
) -> None:
    assert seconds_left(*map(np.array, ([way], [seen_ago], [departs_in])))[0] == pytest.approx(left)


@pytest.mark.parametrize(
    ("interrupted", "seen_at", "moved", "free_after"),
    [(False, None, 100, 0), (False, 40, 60, 0), (True, None, 0, 50), (True, 90, 0, 50)],
)
def test_somebody_under_way_was_at_their_last_position_and_wraps_up_a_visit_first(
    interrupted: bool, seen_at: int | None, moved: float, free_after: float
) -> None:
    """A hundred seconds after they accepted."""
    there = Point(lon=113.60, lat=24.80)
    accepted = {A: SeenAt(there, START)}
    later = {} if seen_at is None else {A: SeenAt(there, START + timedelta(seconds=seen_at))}
    trip = a_trip(A, interrupted=interrupted)
    moment = at(100, PEOPLE[A], on_hand={A: UNDER_WAY}, trips=[trip], seen=accepted | later)

    people = pose(moment).situation(StraightLine()).people

    assert trip.place.lon is not None
    assert trip.place.lat is not None
    way = travel_seconds(there, Point(lon=trip.place.lon, lat=trip.place.lat), PEOPLE[A].mode)
    assert people.free_after[0] == pytest.approx(free_after)
    assert people.remaining[0] == pytest.approx(way - moved + free_after, abs=1.0)
    assert WRAP_UP_SECONDS == 150


# ── who is what ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_on_a_post_whoever_can_be_had_holds_it() -> None:
    """The first by id is still under way after their shift."""
    first, second = (PEOPLE[A].model_copy(update={"id": id}) for id in ("p-1", "p-2"))

    moment = at(0, first, second, on_hand={"p-1": UNDER_WAY})

    assert moment.people[moment.holders[Post.A, "grid-a1"]].id == "p-2"
    assert at(0, first, second).holders[Post.A, "grid-a1"] == 0


def test_a_skill_is_wished_for_on_a_way_as_well() -> None:
    able = PEOPLE[B].model_copy(update={"skills": ("electrics",)})
    trip = a_trip(A, category_code="street-lamp")
    skills = {"street-lamp": frozenset({"electrics"})}
    unable = PEOPLE[A].model_copy(update={"skills": ()})
    moment = at(0, unable, able, on_hand={A: UNDER_WAY}, trips=[trip], skills=skills)

    cases, people = pose(moment).lacking

    assert [(case, moment.people[row].id) for case, row in zip(cases, people, strict=True)] == [(1, A)]


def test_a_break_begins_no_new_shift_but_leaves_them_where_nobody_knows() -> None:
    town = directory(only=[])
    hours = ((-6, -3), (-2.5, 4), (6, 8))
    for number, (starts, ends) in enumerate(hours):
        town.shifts[f"s-{number}"] = Shift(
            id=f"s-{number}",
            person_id=A,
            unit_id="grid-a1",
            starts_at=START + timedelta(hours=starts),
            ends_at=START + timedelta(hours=ends),
        )
    roster = Roster(town, "street")

    assert roster.on_duty_since(A, START) == START + timedelta(hours=-2.5)
    assert roster.at_work_since(A, START) == START + timedelta(hours=-6)
    assert roster.at_work_since(A, START + timedelta(hours=7)) == START + timedelta(hours=6)


# ── the leader's step ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("also", "asked", "ends_by"),
    [
        pytest.param((), A, 180, id="a leader waits"),
        pytest.param((Post.WORKER,), LEADER, None, id="the leader is asked, who goes by another post too"),
    ],
)
def test_only_a_leader_who_is_not_being_asked_waits_for_their_step(
    also: tuple[Post, ...], asked: str, ends_by: int | None
) -> None:
    leader = PEOPLE[LEADER]
    posts = (*leader.posts, *(PostHeld(post=post, unit_id="grid-a2") for post in also))
    people = [leader.model_copy(update={"posts": posts}), *([PEOPLE[A]] if asked == A else [])]
    moment = at(130, *people)
    posed = pose(moment)
    situation = posed.situation(StraightLine())

    [sending] = sendings(Batch(moment, posed, situation, Engine()(situation), "engine"), Weights())

    assert sending.person.id == asked
    assert sending.ends_by == (None if ends_by is None else START + timedelta(seconds=ends_by))


# ── news ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def nobody_asked(moment: Moment) -> Assignment:
    nobody = replace(moment, seeking=[])
    return Engine()(pose(nobody).situation(StraightLine()))


def what(moment: Moment) -> Open:
    return Open.of(moment, pose(moment))


def test_what_came_since_the_last_decision_is_news_and_nothing_else() -> None:
    one, trip = seeking(), a_trip(A)
    before = at(0, PEOPLE[A], PEOPLE[B], seeking=[one], on_hand={A: UNDER_WAY})
    last = Decided()
    assert last.again_at(before, what(before)) == before.now
    last.keep(before, what(before), nobody_asked(before))

    same = replace(before, now=before.now + timedelta(seconds=9))
    assert last.again_at(same, what(same)) == before.now + timedelta(seconds=60)
    fewer = replace(same, people=[PEOPLE[A]])
    assert last.again_at(fewer, what(fewer)) == before.now + timedelta(seconds=60)
    for came in (
        replace(same, seeking=[one, seeking()]),
        replace(same, on_hand={}),
        replace(same, trips=[trip]),
        replace(same, now=before.now + timedelta(seconds=171), people=[*same.people, PEOPLE[LEADER]]),
    ):
        assert last.again_at(came, what(came)) == came.now


def test_whoever_was_asked_is_news_when_they_are_back_and_the_window_begins_with_the_question() -> None:
    before = at(0, PEOPLE[B])
    last, situation = Decided(), pose(before).situation(StraightLine())
    last.keep(before, what(before), Engine()(situation))

    again = replace(before, now=before.now + timedelta(seconds=2))

    assert last.again_at(again, what(again)) == before.now + timedelta(seconds=5)
    nothing_waits = replace(again, seeking=[], people=[])
    assert last.again_at(nothing_waits, what(nothing_waits)) is None


def test_a_bar_that_fell_is_news() -> None:
    one = seeking()
    resting = replace(one, search=replace(one.search, resting={B: START + timedelta(seconds=60)}))
    before = at(0, PEOPLE[B], seeking=[resting])
    last = Decided()
    last.keep(before, what(before), nobody_asked(before))
    rests = replace(before, now=before.now + timedelta(seconds=30))
    rested = replace(before, now=before.now + timedelta(seconds=60))

    assert last.again_at(rests, what(rests)) == before.now + timedelta(seconds=60)
    assert what(rested).has_news_for(last.left)


def test_a_place_nobody_knows_leaves_a_way_alone() -> None:
    trip = a_trip(A, place=Place(label="不知道在哪"))
    moment = at(100, PEOPLE[A], on_hand={A: UNDER_WAY}, trips=[trip])

    assert pose(moment).situation(StraightLine()).people.remaining[0] == 0.0
