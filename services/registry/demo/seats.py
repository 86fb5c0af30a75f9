"""Who sits where in the demo: for each unit its seats, with role (by its id), post and means of travel.

`seats` are those the first two communities have always had; `further_seats` came later and stand behind all of
them, because who works on which day hangs on one's place in the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.registry.commands import Given
from services.registry.demo.organisation import GROUPS_OF_A_BRANCH
from services.registry.rules.roles import with_powers
from shared.going import TravelMode
from shared.things import Grant, JobRole, Name, PostHeld, Unit
from shared.vocabulary import Level, Post, Role

WALK, BIKE, CAR = TravelMode.WALK, TravelMode.E_BIKE, TravelMode.CAR

GRIDS_OF_A_LEADER = 9
"""武江北社区 has grids of 60 households: the A holder of one is the B holder of the one before it, and nine of them
share a leader."""

VOLUNTEERS_OF_A_GRID_OF_E = 10
SOCIAL_WORKERS = {"a": 4, "b": 6, "c": 4, "d": 76, "e": 4}


CORRIDOR_KEEPER = JobRole(
    id="corridor-keeper",
    name=Name(zh="楼道管家", en="corridor keeper"),
    powers=(Role.BUILDING_HEAD, Role.VOLUNTEER),
)
"""建设社区 has somebody on every stair who looks after it and lends a hand: two powers under a name of its own."""


@dataclass(frozen=True)
class Seat:
    """A place to be filled: `suffix` ends the person's id, `modes` is how its holders get about. `also` are units in
    which the same person holds a post as well."""

    suffix: str
    role: str
    post: Post
    modes: tuple[TravelMode, ...]
    also: tuple[PostHeld, ...] = ()

    def grants(self, unit_id: str) -> tuple[Grant, ...]:
        held = [unit_id, *(also.unit_id for also in self.also if also.post is not Post.STAFF)]
        given = [Given(role=self.role, unit_id=id) for id in held]
        return with_powers(given, {CORRIDOR_KEEPER.id: CORRIDOR_KEEPER})

    def posts(self, unit_id: str) -> tuple[PostHeld, ...]:
        return PostHeld(post=self.post, unit_id=unit_id), *self.also


AB_SEATS = (
    Seat("a", Role.GRID_WORKER, Post.A, (BIKE,)),
    Seat("b", Role.GRID_WORKER, Post.B, (BIKE, WALK)),
)
LEADER_SEAT = Seat("l", Role.GRID_LEADER, Post.LEADER, (BIKE,))
GRID_SEATS = (
    *AB_SEATS,
    Seat("w", Role.GRID_WORKER, Post.WORKER, (BIKE, WALK)),
    Seat("v", Role.VOLUNTEER, Post.VOLUNTEER, (WALK,)),
    LEADER_SEAT,
)
OFFICER_SEATS = tuple(Seat(f"o{n}", Role.UNIT_OFFICER, Post.DUTY_OFFICER, (CAR,)) for n in (1, 2, 3))
SUPERVISOR_SEATS = tuple(Seat(f"s{n}", Role.SUPERVISOR, Post.STAFF, (WALK,)) for n in (1, 2, 3))
DESK = (PostHeld(post=Post.STAFF, unit_id="desk"),)
DESK_SEATS = (
    *(Seat(f"operator-{n}", Role.OPERATOR, Post.STAFF, (WALK,), DESK) for n in (1, 2, 3)),
    *(Seat(f"caller-{n}", Role.FOLLOW_UP_CALLER, Post.STAFF, (WALK,)) for n in (1, 2)),
    Seat("administrator-1", Role.ADMINISTRATOR, Post.STAFF, (WALK,)),
    Seat("protection-1", Role.DATA_PROTECTION_OFFICER, Post.STAFF, (WALK,)),
    Seat("reader-1", Role.READER, Post.STAFF, (WALK,)),
)
FURTHER_IN_A_GRID = (
    Seat("h", Role.BUILDING_HEAD, Post.STAFF, (WALK,)),
    Seat("g", Role.RESIDENT_GROUP_LEADER, Post.STAFF, (WALK,)),
)
KEEPERS = (Seat("k", CORRIDOR_KEEPER.id, Post.STAFF, (WALK,)),)
FURTHER_IN_A_COMMUNITY = (
    Seat("m1", Role.ADMINISTRATOR, Post.STAFF, (WALK,)),
    Seat("p1", Role.PROPERTY_MANAGER, Post.STAFF, (BIKE,)),
    Seat("p2", Role.PROPERTY_MANAGER, Post.STAFF, (BIKE,)),
    Seat("b1", Role.BEAT_POLICE, Post.STAFF, (CAR,)),
    *(Seat(f"e{n}", Role.EVALUATOR, Post.STAFF, (WALK,)) for n in (1, 2, 3)),
)
DEPARTMENT_SEATS = OFFICER_SEATS[:2]


def seats(unit: Unit) -> Iterator[tuple[str, Seat]]:
    """Who there is in `unit`, as (person id, seat)."""
    chosen: Sequence[Seat] = ()
    if unit.level is Level.GRID:
        chosen = _in_grid(unit)
    elif unit.level is Level.CIVIL_AFFAIRS:
        chosen = (*OFFICER_SEATS, *SUPERVISOR_SEATS)
        yield from ((f"p-{seat.suffix}", seat) for seat in DESK_SEATS)
    elif unit.level is not None:
        chosen = (*OFFICER_SEATS, SUPERVISOR_SEATS[0])
    yield from ((f"p-{unit.id}-{seat.suffix}", seat) for seat in chosen)


def _in_grid(unit: Unit) -> Sequence[Seat]:
    match unit.id.removeprefix("grid-")[0]:
        case "c":
            return _in_small_grid(int(unit.id.removeprefix("grid-c")))
        case "e":
            volunteers = range(1, VOLUNTEERS_OF_A_GRID_OF_E + 1)
            return (
                *AB_SEATS,
                replace(LEADER_SEAT, also=_party_posts(int(unit.id.removeprefix("grid-e")))),
                *(Seat(f"v{n}", Role.VOLUNTEER, Post.VOLUNTEER, (WALK,)) for n in volunteers),
            )
    return GRID_SEATS


def _party_posts(number: int) -> tuple[PostHeld, ...]:
    """惠民社区 pairs its grids with the party's: the leader of a grid leads the building group of its number, and that
    of a branch's first group the branch."""
    branch, place = divmod(number - 1, GROUPS_OF_A_BRANCH)
    led = [f"group-e{number}", *([f"branch-e{branch + 1}"] if place == 0 else [])]
    return tuple(PostHeld(post=Post.LEADER, unit_id=id) for id in led)


def _in_small_grid(number: int) -> Sequence[Seat]:
    first = (number - 1) // GRIDS_OF_A_LEADER * GRIDS_OF_A_LEADER + 1
    before = number - 1 if number > first else first + GRIDS_OF_A_LEADER - 1
    holder = Seat("a", Role.GRID_WORKER, Post.A, (BIKE,), _held(Post.B, before))
    if number != first:
        return (holder,)
    others = range(first + 1, first + GRIDS_OF_A_LEADER)
    leader = Seat("l", Role.GRID_LEADER, Post.LEADER, (BIKE,), _held(Post.LEADER, *others))
    return holder, leader, Seat("v", Role.VOLUNTEER, Post.VOLUNTEER, (WALK,))


def _held(post: Post, *numbers: int) -> tuple[PostHeld, ...]:
    return tuple(PostHeld(post=post, unit_id=f"grid-c{number}") for number in numbers)


def further_seats(unit: Unit) -> Iterator[tuple[str, Seat]]:
    """Who else there is in `unit`: people who register, look after, police, administer, evaluate; departments."""
    chosen: Sequence[Seat] = ()
    if unit.kind == "department":
        chosen = DEPARTMENT_SEATS
    elif unit.level is Level.GRID and not unit.id.startswith("grid-c"):
        chosen = (*FURTHER_IN_A_GRID, *(KEEPERS if unit.id.startswith("grid-a") else ()))
    elif unit.level is Level.COMMUNITY:
        chosen = (*FURTHER_IN_A_COMMUNITY, *_social_workers(unit.id[-1]))
    elif unit.level is Level.STREET:
        chosen = FURTHER_IN_A_COMMUNITY[:1]
    yield from ((f"p-{unit.id}-{seat.suffix}", seat) for seat in chosen)


def _social_workers(letter: str) -> Sequence[Seat]:
    """The first of them keeps the community's walk-in post."""
    keeper = (PostHeld(post=Post.STAFF, unit_id=f"post-{letter}1"),)
    return [
        Seat(f"w{n}", Role.SOCIAL_WORKER, Post.STAFF, (BIKE, WALK), keeper if n == 1 else ())
        for n in range(1, SOCIAL_WORKERS[letter] + 1)
    ]
