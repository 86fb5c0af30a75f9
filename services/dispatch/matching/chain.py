"""Who is offered a case: candidates → order → choice. Facts in, a choice with its explanation out; pure.

An emergency in a grid asks its A holder, then B, then whoever is fastest of everybody on duty in the street, and the
grid leader at the policy's fixed step (product.md §4). Anything else goes to the grid's own holders. Above the grid
the unit's duty officers are asked. Everybody is asked once per turn; then the search starts again from the A holder.
Where somebody named a unit (a ruling, a hand-down, a co-handler, an owner beside a volunteer) only its own people are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.dispatch.travel.straight import travel_seconds
from shared.events.dispatch import Candidate
from shared.going import TravelMode
from shared.things import Person, Point, PostHeld
from shared.vocabulary import Post

EXPLAINED_CANDIDATES_MAX = 12
STEP_REACH = timedelta(seconds=10)
"""No offer is made for less than this before the leader's step; the leader is asked instead."""

GOING_POSTS = frozenset({Post.A, Post.B, Post.WORKER, Post.VOLUNTEER})
OWN_GRID_POSTS = (Post.A, Post.B, Post.LEADER)
OWNING_POSTS = (*OWN_GRID_POSTS, Post.DUTY_OFFICER)
"""Who may own a case of a unit that was named, whatever kind of unit it is."""
HELPING_POSTS = (*OWNING_POSTS, Post.WORKER, Post.VOLUNTEER, Post.STAFF)
"""Who may take a share of the work."""


class RemovedBy(StrEnum):
    """The hard filters, in the order they are looked at."""

    EXCLUDED = "excluded"
    DECLINED = "declined"
    ON_CASE = "on_case"
    OFF_DUTY = "off_duty"
    ON_EMERGENCY = "on_emergency"
    JUST_DECLINED = "just_declined"
    ASKED_THIS_TURN = "asked_this_turn"
    NOT_YET = "not_yet"
    HELD_BACK = "held_back"


class ChosenBecause(StrEnum):
    A_HOLDER = "a_holder"
    B_HOLDER = "b_holder"
    FASTEST = "fastest"
    GRID_LEADER = "grid_leader"
    DUTY_OFFICER = "duty_officer"


@dataclass(frozen=True, slots=True)
class Responder:
    """Somebody who might be asked, as things stand now. `start` is the last position known, else the base. `on_call`:
    not at work but within reach, and called in to emergencies once nobody at work is left."""

    person_id: str
    post: Post
    unit_id: str
    mode: TravelMode = TravelMode.WALK
    start: Point | None = None
    on_duty: bool = True
    on_call: bool = False
    on_duty_from: datetime | None = None
    on_emergency: bool = False
    load: int = 0
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for. `unit_id` is the grid of a part that goes, else the unit whose officers are asked; with
    `own_people` only its holders of these posts are. `excluded` declined for good, `barred` were named by the
    requester. `skills` are wished for, never demanded."""

    unit_id: str
    emergency: bool
    goes: bool
    place: Point | None
    started_at: datetime
    expires_after: timedelta
    leader_after: timedelta | None = None
    asked: frozenset[str] = frozenset()
    ever_asked: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    resting: Mapping[str, datetime] = field(default_factory=dict)
    own_people: tuple[Post, ...] = ()
    barred: frozenset[str] = frozenset()
    on_case: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    arrive_by: datetime | None = None

    @property
    def leader_at(self) -> datetime | None:
        return None if self.leader_after is None else self.started_at + self.leader_after


@dataclass(frozen=True, slots=True)
class Choice:
    responder: Responder
    eta_seconds: int | None
    because: ChosenBecause
    expires_at: datetime
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Nobody:
    """`again_at` is when the clock alone may change the answer; a person becoming free wakes the search as well."""

    candidates: tuple[Candidate, ...]
    again_at: datetime | None


# ── candidates ────────────────────────────────────────────────────────────────────────────────────────────────────


def eligible(
    search: Search, people: Iterable[Person], units: Collection[str]
) -> list[tuple[Person, Post, str]]:
    """Who may be asked at all, by post; `units` are those whose people may be sent (the street's)."""
    return [
        (person, *held)
        for person in people
        if person.retired_at is None and (held := _best_post(search, person, units)) is not None
    ]


def _best_post(search: Search, person: Person, units: Collection[str]) -> tuple[Post, str] | None:
    held = [(post.post, post.unit_id) for post in person.posts]
    if search.own_people:
        own = ((post, search.unit_id) for post in search.own_people)
        return next((one for one in own if one in held), None)
    if not search.goes:
        return next((h for h in held if h == (Post.DUTY_OFFICER, search.unit_id)), None)
    for post in OWN_GRID_POSTS:
        if (post, search.unit_id) in held:
            return post, search.unit_id
    if not search.emergency:
        return None
    return next((h for h in held if h[0] in GOING_POSTS and h[1] in units), None)


def post_by_hand(search: Search, held: Iterable[PostHeld], *, owns: bool) -> PostHeld | None:
    """By which of the posts they hold somebody may be given the part by hand: as they would be asked for it, but from
    any grid what is no emergency as well. A volunteer owns nothing."""
    posts: tuple[Post, ...] = search.own_people or (Post.DUTY_OFFICER,)
    anywhere = search.goes and not search.own_people
    if anywhere:
        posts = (*OWN_GRID_POSTS, Post.WORKER, *(() if owns else (Post.VOLUNTEER,)))
    fitting = [one for one in held if one.post in posts and (anywhere or one.unit_id == search.unit_id)]
    return min(fitting, key=lambda one: (one.unit_id != search.unit_id, posts.index(one.post)), default=None)


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def removed_by(search: Search, responder: Responder, now: datetime) -> RemovedBy | None:
    """The first hard filter that takes this person out."""
    if responder.person_id in search.barred:
        return RemovedBy.EXCLUDED
    if responder.person_id in search.excluded:
        return RemovedBy.DECLINED
    if responder.person_id in search.on_case:
        return RemovedBy.ON_CASE
    if not responder.on_duty and not (responder.on_call and search.emergency):
        return RemovedBy.OFF_DUTY
    if search.emergency and search.goes and responder.on_emergency:
        return RemovedBy.ON_EMERGENCY
    if now < search.resting.get(responder.person_id, now):
        return RemovedBy.JUST_DECLINED
    return RemovedBy.ASKED_THIS_TURN if responder.person_id in search.asked else None


def reason(search: Search, responder: Responder) -> ChosenBecause:
    """In which of the groups this person is asked."""
    own = {
        Post.A: ChosenBecause.A_HOLDER,
        Post.B: ChosenBecause.B_HOLDER,
        Post.LEADER: ChosenBecause.GRID_LEADER,
        Post.DUTY_OFFICER: ChosenBecause.DUTY_OFFICER,
    }
    if responder.unit_id == search.unit_id and responder.post in own:
        return own[responder.post]
    return ChosenBecause.FASTEST


_ORDER = (
    ChosenBecause.A_HOLDER,
    ChosenBecause.B_HOLDER,
    ChosenBecause.FASTEST,
    ChosenBecause.DUTY_OFFICER,
    ChosenBecause.GRID_LEADER,
)


def eta_seconds(search: Search, responder: Responder) -> int | None:
    if not search.goes or search.place is None or responder.start is None:
        return None
    return travel_seconds(responder.start, search.place, responder.mode)


def rank(search: Search, responder: Responder, now: datetime) -> tuple[bool, int, bool, int, float, int, str]:
    """Those at work, then by group; in it the smallest chance of being late, the skills wished for, the shortest way,
    the smallest load; the id only makes it repeatable.

    At the fixed step the leader goes before everybody, but once: later turns begin with the A holder again."""
    because = reason(search, responder)
    at_step = leader_is_due(search, now) and responder.person_id not in search.ever_asked
    group = -1 if because is ChosenBecause.GRID_LEADER and at_step else _ORDER.index(because)
    eta = eta_seconds(search, responder)
    late = (
        eta is not None and search.arrive_by is not None and now + timedelta(seconds=eta) > search.arrive_by
    )
    lacking = len(search.skills - responder.skills)
    way = float("inf") if eta is None else eta
    return not responder.on_duty, group, late, lacking, way, responder.load, responder.person_id


def leader_is_due(search: Search, now: datetime) -> bool:
    """The fixed step is reached; a routine case has none, its leader simply comes last."""
    return search.leader_at is not None and now + STEP_REACH >= search.leader_at


# ── choice ────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose(search: Search, responders: Sequence[Responder], now: datetime) -> Choice | Nobody:
    """The next to be asked. When everybody was asked in this turn, the next turn begins with this choice."""
    removed = {responder.person_id: removed_by(search, responder, now) for responder in responders}
    able = [r for r in responders if removed[r.person_id] in (None, RemovedBy.ASKED_THIS_TURN)]
    for early in _leaders_before_their_step(search, able, now):
        able.remove(early)
        removed[early.person_id] = RemovedBy.NOT_YET
    fresh = {r.person_id for r in able if removed[r.person_id] is None} or {r.person_id for r in able}
    ordered = sorted(responders, key=lambda r: (r.person_id not in fresh, rank(search, r, now)))
    gone = {id_: because for id_, because in removed.items() if id_ not in fresh}
    candidates = explain(search, ordered, gone, now)
    if not fresh:
        return Nobody(candidates, _again_at(search, responders, removed, now))
    best = ordered[0]
    expires_at = _expires_at(search, removed.values(), now)
    return Choice(best, eta_seconds(search, best), reason(search, best), expires_at, candidates)


def explain(
    search: Search, ordered: Sequence[Responder], gone: Mapping[str, RemovedBy | None], now: datetime
) -> tuple[Candidate, ...]:
    """Who was weighed: the one chosen, then whose turn it would have been, with what removed them."""
    rest = sorted(ordered[1:], key=lambda r: rank(search, r, now))
    return tuple(
        Candidate(
            person_id=r.person_id,
            post=r.post,
            eta_seconds=eta_seconds(search, r),
            removed_by=gone.get(r.person_id),
        )
        for r in [*ordered[:1], *rest][:EXPLAINED_CANDIDATES_MAX]
    )


def _leaders_before_their_step(search: Search, able: Sequence[Responder], now: datetime) -> list[Responder]:
    """The leader waits for the fixed step, unless nobody else could be asked: then nobody waits while one is free."""
    if search.leader_at is None or leader_is_due(search, now):
        return []
    leaders = [r for r in able if reason(search, r) is ChosenBecause.GRID_LEADER]
    return leaders if len(leaders) < len(able) else []


def _expires_at(search: Search, removed: Iterable[RemovedBy | None], now: datetime) -> datetime:
    """An offer ends by the policy, or at the leader's step if a leader waits for it."""
    end = now + search.expires_after
    if search.leader_at is None or RemovedBy.NOT_YET not in removed:
        return end
    return min(end, search.leader_at)


def _again_at(
    search: Search, responders: Iterable[Responder], removed: Mapping[str, RemovedBy | None], now: datetime
) -> datetime | None:
    times = [r.on_duty_from for r in responders if removed[r.person_id] is RemovedBy.OFF_DUTY]
    times += [search.resting.get(r.person_id) for r in responders]
    times.append(search.leader_at)
    return min((time for time in times if time is not None and time > now), default=None)
