"""Tables of examples for the pure rules: who is chosen, how long the way is, what is missing, what is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.dispatch.commands import AcceptOffer
from services.dispatch.matching.chain import (
    HELPING_POSTS,
    OWNING_POSTS,
    ChosenBecause,
    Nobody,
    RemovedBy,
    Responder,
    Search,
    choose,
    eligible,
)
from services.dispatch.rules import heard, musts
from services.dispatch.rules.facts import Arrival, EvidenceFile, Note, State
from services.dispatch.travel.straight import distance_m, travel_seconds
from shared.going import ArrivalMethod, TravelMode
from shared.ids import uuid7
from shared.things import Name, Person, Point, PostHeld
from shared.vocabulary import Must, NoteKind, Post
from tests.dispatch.world import START, a_registration

PLACE = Point(lon=102.700, lat=25.040)
MINUTE = timedelta(minutes=1)
EMERGENCY = Search(
    unit_id="g1",
    emergency=True,
    goes=True,
    place=PLACE,
    started_at=START,
    expires_after=MINUTE,
    leader_after=3 * MINUTE,
)


def somebody(id_: str, post: Post, unit: str = "g1", metres: float = 500, **more: Any) -> Responder:
    start = Point(lon=PLACE.lon, lat=PLACE.lat + metres / 111_195)
    return replace(Responder(id_, post, unit, TravelMode.WALK, start), **more)


HOLDER_A, HOLDER_B = somebody("a", Post.A, metres=2000), somebody("b", Post.B, metres=1500)
NEAR, FAR = somebody("near", Post.WORKER, "g2", 100), somebody("far", Post.VOLUNTEER, "g1", 900)
LEADS = somebody("leader", Post.LEADER, metres=10)
EVERYBODY = [LEADS, FAR, NEAR, HOLDER_B, HOLDER_A]


@pytest.mark.parametrize(
    ("search", "people", "minutes", "chosen", "because"),
    [
        (EMERGENCY, EVERYBODY, 0, "a", ChosenBecause.A_HOLDER),
        (replace(EMERGENCY, asked=frozenset("a")), EVERYBODY, 1, "b", ChosenBecause.B_HOLDER),
        (replace(EMERGENCY, asked=frozenset("ab")), EVERYBODY, 2, "near", ChosenBecause.FASTEST),
        (
            replace(EMERGENCY, asked=frozenset({"a", "b", "near"})),
            EVERYBODY,
            2.5,
            "far",
            ChosenBecause.FASTEST,
        ),
        (replace(EMERGENCY, asked=frozenset("ab")), EVERYBODY, 3, "leader", ChosenBecause.GRID_LEADER),
        (
            replace(EMERGENCY, asked=frozenset({"leader"}), ever_asked=frozenset({"leader"})),
            EVERYBODY,
            4,
            "a",
            ChosenBecause.A_HOLDER,
        ),
        (
            replace(EMERGENCY, asked=frozenset({"a", "b", "near", "far"})),
            EVERYBODY,
            1,
            "a",
            ChosenBecause.A_HOLDER,
        ),
        (EMERGENCY, [replace(HOLDER_A, on_emergency=True), HOLDER_B], 0, "b", ChosenBecause.B_HOLDER),
        (EMERGENCY, [replace(HOLDER_A, on_duty=False), NEAR], 0, "near", ChosenBecause.FASTEST),
        (replace(EMERGENCY, excluded=frozenset("a")), EVERYBODY, 0, "b", ChosenBecause.B_HOLDER),
        (EMERGENCY, [LEADS], 0, "leader", ChosenBecause.GRID_LEADER),
        (
            replace(EMERGENCY, emergency=False, leader_after=None),
            [LEADS, HOLDER_B],
            9,
            "b",
            ChosenBecause.B_HOLDER,
        ),
        (
            replace(EMERGENCY, unit_id="community", goes=False, leader_after=None),
            [
                somebody("o1", Post.DUTY_OFFICER, "community", load=2, on_emergency=True),
                somebody("o2", Post.DUTY_OFFICER, "community", load=1),
            ],
            0,
            "o2",
            ChosenBecause.DUTY_OFFICER,
        ),
    ],
)
def test_who_is_asked_next(
    search: Search, people: list[Responder], minutes: float, chosen: str, because: ChosenBecause
) -> None:
    choice = choose(search, people, START + minutes * MINUTE)
    assert not isinstance(choice, Nobody)
    assert (choice.responder.person_id, choice.because) == (chosen, because)


DEADLINE = START + 15 * MINUTE
GAS = frozenset({"gas"})
ASKED_AB = replace(EMERGENCY, asked=frozenset("ab"), skills=GAS, arrive_by=DEADLINE)
FITTER = somebody("fitter", Post.WORKER, "g2", 700, skills=GAS)


@pytest.mark.parametrize(
    ("search", "people", "chosen"),
    [
        (ASKED_AB, [NEAR, FITTER], "fitter"),  # both in time: the skill wished for counts before the way
        (ASKED_AB, [NEAR, replace(FITTER, start=None, skills=frozenset())], "near"),
        (
            ASKED_AB,
            [NEAR, somebody("late", Post.WORKER, "g2", 9000, skills=GAS)],
            "near",
        ),  # too late is too late
        (ASKED_AB, [NEAR], "near"),  # a wish, never a filter
        (EMERGENCY, [replace(HOLDER_A, on_duty=False, on_call=True), NEAR], "near"),
        (EMERGENCY, [replace(HOLDER_A, on_duty=False, on_call=True)], "a"),
        (replace(EMERGENCY, barred=frozenset("a")), [HOLDER_A, HOLDER_B], "b"),
        (replace(EMERGENCY, on_case=frozenset("a")), [HOLDER_A, HOLDER_B], "b"),
    ],
)
def test_skills_reach_and_exclusions(search: Search, people: list[Responder], chosen: str) -> None:
    choice = choose(search, people, START + MINUTE)
    assert not isinstance(choice, Nobody)
    assert choice.responder.person_id == chosen


def test_who_is_within_reach_is_not_called_in_for_a_routine_case() -> None:
    routine = replace(EMERGENCY, emergency=False, leader_after=None)
    nobody = choose(routine, [replace(HOLDER_A, on_duty=False, on_call=True)], START)
    assert isinstance(nobody, Nobody)
    assert nobody.candidates[0].removed_by == RemovedBy.OFF_DUTY


@pytest.mark.parametrize(
    ("own_people", "posts", "asked"),
    [
        (OWNING_POSTS, (Post.WORKER, Post.VOLUNTEER, Post.B), [Post.B]),
        (OWNING_POSTS, (Post.DUTY_OFFICER, Post.STAFF), [Post.DUTY_OFFICER]),
        (HELPING_POSTS, (Post.WORKER, Post.VOLUNTEER, Post.B), [Post.WORKER, Post.VOLUNTEER, Post.B]),
        ((), (Post.WORKER, Post.DUTY_OFFICER), [Post.WORKER]),
    ],
)
def test_where_a_unit_was_named_only_its_own_people_are_asked(
    own_people: tuple[Post, ...], posts: tuple[Post, ...], asked: list[Post]
) -> None:
    name = Name(zh="某人", en="somebody")
    people = [
        Person(id=f"{post}-{unit}", name=name, posts=(PostHeld(post=post, unit_id=unit),))
        for post in posts
        for unit in ("g1", "g2")
    ]
    found = eligible(replace(EMERGENCY, own_people=own_people), people, {"g1", "g2"})
    assert [post for _, post, unit in found if unit == "g1"] == asked
    assert own_people == () or all(unit == "g1" for _, _, unit in found)


def test_an_offer_ends_by_the_policy_or_at_the_leaders_step() -> None:
    for minutes, lasts in ((0, 60), (2, 60), (2.5, 30)):
        choice = choose(replace(EMERGENCY, asked=frozenset("ab")), EVERYBODY, START + minutes * MINUTE)
        assert not isinstance(choice, Nobody)
        assert choice.expires_at - (START + minutes * MINUTE) == timedelta(seconds=lasts)


def test_everybody_who_could_not_go_is_named_with_the_reason() -> None:
    people = [
        replace(HOLDER_A, on_duty=False, on_duty_from=START + 30 * MINUTE),
        replace(HOLDER_B, on_emergency=True),
        NEAR,
        somebody("rests", Post.WORKER, "g3"),
    ]
    search = replace(EMERGENCY, excluded=frozenset({"near"}), resting={"rests": START + MINUTE})
    nobody = choose(search, people, START)
    assert isinstance(nobody, Nobody)
    assert {one.person_id: one.removed_by for one in nobody.candidates} == {
        "a": RemovedBy.OFF_DUTY,
        "b": RemovedBy.ON_EMERGENCY,
        "near": RemovedBy.DECLINED,
        "rests": RemovedBy.JUST_DECLINED,
    }
    assert nobody.again_at == START + MINUTE


def test_the_way_is_the_straight_line_with_a_detour_at_the_speed_of_the_mode() -> None:
    there = Point(lon=PLACE.lon, lat=PLACE.lat + 0.01)
    assert distance_m(PLACE, there) == pytest.approx(1112, abs=1)
    assert travel_seconds(PLACE, there, TravelMode.WALK) == pytest.approx(1112, abs=2)
    assert travel_seconds(PLACE, there, TravelMode.E_BIKE) < travel_seconds(PLACE, there, TravelMode.WALK)
    assert travel_seconds(PLACE, PLACE, TravelMode.CAR) == 0


def done(
    *, arrived_after: float | None = None, media_type: str | None = None, notes: tuple[NoteKind, ...] = ()
) -> State:
    state = heard.registered(a_registration())
    part = state.parts[0].id
    if arrived_after is not None:
        at = START + arrived_after * MINUTE
        state = replace(state, arrivals=(Arrival(uuid7(), part, "a", at, ArrivalMethod.QR_CODE, None, None),))
    if media_type is not None:
        state = replace(
            state, evidence=(EvidenceFile(uuid7(), part, "a", START, media_type, "", 1, None, None),)
        )
    written = tuple(Note(uuid7(), part, "a", START, note, "") for note in notes)
    return replace(state, notes=written)


ALL_THREE = (Must.ARRIVE, Must.PHOTOGRAPH_AND_ACCOUNT, Must.MEASURE)


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        (done(), ALL_THREE),
        (done(arrived_after=1), ALL_THREE[1:]),
        (done(arrived_after=1, media_type="image/jpeg"), ALL_THREE[1:]),
        (done(media_type="application/pdf", notes=(NoteKind.ACCOUNT,)), ALL_THREE),
        (done(media_type="image/png", notes=(NoteKind.ACCOUNT,)), (Must.ARRIVE, Must.MEASURE)),
        (done(arrived_after=1, media_type="image/png", notes=(NoteKind.ACCOUNT, NoteKind.MEASURE)), ()),
        (done(arrived_after=1, media_type="image/png", notes=(NoteKind.PROGRESS,)), ALL_THREE[1:]),
    ],
)
def test_what_still_stands_between_an_emergency_and_handled(state: State, missing: tuple[Must, ...]) -> None:
    assert musts.missing(state) == missing


@pytest.mark.parametrize(("minutes", "late"), [(14, False), (15, False), (15.01, True), (17, True)])
def test_late_is_after_fifteen_minutes_from_registration(minutes: float, late: bool) -> None:
    assert musts.arrived_late(done(arrived_after=minutes)) is late


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z"]
)
def test_a_time_no_column_can_hold_is_refused_before_it_is_kept(moment: str) -> None:
    with pytest.raises(ValueError, match="time out of range"):
        AcceptOffer.model_validate({"device_at": moment})
    at_home = AcceptOffer.model_validate({"device_at": "2026-03-02T02:10:00+08:00"})
    assert at_home.device_at == START
