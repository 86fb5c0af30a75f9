"""Registry's things in memory: units, people, roles, skills, shifts, the catalogue, its clocks and lists.

Every process reads the whole compacted topic by itself, in no group, and goes on reading; so it starts from the topic
alone, asks nobody while deciding, and two replicas never differ for longer than the topic takes. Nothing of it is
stored: what a decision used is in the event that announced it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import datetime

from pydantic import ValidationError
from shapely import STRtree
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon

from shared import codec
from shared.event import REGISTRY_TOPIC, Event
from shared.events.intake import Rung
from shared.events.things import (
    CalendarChanged,
    CategoryChanged,
    DutyListChanged,
    PersonChanged,
    PolicyChanged,
    PolicyUseChanged,
    RoleChanged,
    ShiftChanged,
    SkillChanged,
    SnippetChanged,
    UnitChanged,
    WordListChanged,
)
from shared.health import Beat
from shared.kafka import Record, tail
from shared.things import (
    Calendar,
    Category,
    DutyList,
    JobRole,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Skill,
    Snippet,
    Unit,
    WordList,
)
from shared.vocabulary import Level, Post, Role, ShiftKind

log = logging.getLogger(__name__)


class Directory:
    """What registry published, as of `revision`. Retired things stay readable; questions leave them out."""

    def __init__(self) -> None:
        self.revision = 0
        self.unreadable = 0
        self.units: dict[str, Unit] = {}
        self.people: dict[str, Person] = {}
        self.shifts: dict[str, Shift] = {}
        self.categories: dict[str, Category] = {}
        self.policies: dict[str, Policy] = {}
        self.calendars: dict[str, Calendar] = {}
        self.policy_uses: dict[str, PolicyUse] = {}
        self.duty_lists: dict[str, DutyList] = {}
        self.word_lists: dict[str, WordList] = {}
        self.snippets: dict[str, Snippet] = {}
        self.skills: dict[str, Skill] = {}
        self.roles: dict[str, JobRole] = {}
        self.complete = asyncio.Event()
        self._moved = asyncio.Event()
        self._tree: tuple[STRtree, list[Unit]] | None = None
        self._forget()

    @classmethod
    def of(
        cls,
        units: Iterable[Unit] = (),
        people: Iterable[Person] = (),
        shifts: Iterable[Shift] = (),
        categories: Iterable[Category] = (),
        policies: Iterable[Policy] = (),
        calendars: Iterable[Calendar] = (),
        policy_uses: Iterable[PolicyUse] = (),
        duty_lists: Iterable[DutyList] = (),
        word_lists: Iterable[WordList] = (),
        snippets: Iterable[Snippet] = (),
        skills: Iterable[Skill] = (),
        roles: Iterable[JobRole] = (),
        revision: int = 0,
    ) -> Directory:
        """A complete directory of these things."""
        directory = cls()
        directory.units = {unit.id: unit for unit in units}
        directory.people = {person.id: person for person in people}
        directory.shifts = {shift.id: shift for shift in shifts}
        directory.categories = {category.code: category for category in categories}
        directory.policies = {policy.id: policy for policy in policies}
        directory.calendars = {calendar.id: calendar for calendar in calendars}
        directory.policy_uses = {use.id: use for use in policy_uses}
        directory.duty_lists = {duty_list.id: duty_list for duty_list in duty_lists}
        directory.word_lists = {word_list.id: word_list for word_list in word_lists}
        directory.snippets = {snippet.id: snippet for snippet in snippets}
        directory.skills = {skill.id: skill for skill in skills}
        directory.roles = {role.id: role for role in roles}
        directory.revision = revision
        directory.complete.set()
        directory._forget()
        return directory

    # ── following the topic ───────────────────────────────────────────────────────────────────────────────────────

    def take(self, event: Event) -> None:
        """Replace one thing by what it is now; an older revision than what is here changes nothing."""
        match event:
            case UnitChanged(unit=unit):
                self.units[unit.id] = unit
            case PersonChanged(person=person):
                self.people[person.id] = person
            case ShiftChanged(shift=shift):
                self.shifts[shift.id] = shift
            case CategoryChanged(category=category):
                self.categories[category.code] = category
            case PolicyChanged(policy=policy):
                self.policies[policy.id] = policy
            case CalendarChanged(calendar=calendar):
                self.calendars[calendar.id] = calendar
            case PolicyUseChanged(policy_use=use):
                self.policy_uses[use.id] = use
            case DutyListChanged(duty_list=duty_list):
                self.duty_lists[duty_list.id] = duty_list
            case WordListChanged(word_list=word_list):
                self.word_lists[word_list.id] = word_list
            case SnippetChanged(snippet=snippet):
                self.snippets[snippet.id] = snippet
            case SkillChanged(skill=skill):
                self.skills[skill.id] = skill
            case RoleChanged(role=role):
                self.roles[role.id] = role
            case _:
                return
        self.pass_by(event.sequence)

    def pass_by(self, revision: int) -> None:
        """The registry is at `revision`, whatever that changed."""
        self.revision = max(self.revision, revision)
        self._forget()

    async def reached(self, revision: int, timeout_seconds: float) -> bool:
        """Wait until `revision` is here; false if it is not after `timeout_seconds`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self.revision < revision:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def path(self, unit_id: str) -> tuple[Unit, ...]:
        """From the top down to the unit itself; empty for an unknown unit."""
        path: list[Unit] = []
        at: str | None = unit_id
        while at is not None and at in self.units and len(path) < 64:
            path.append(self.units[at])
            at = self.units[at].parent_id
        return tuple(reversed(path))

    def covers(self, ancestor_id: str, unit_id: str) -> bool:
        """Whether `unit_id` is `ancestor_id` or below it."""
        return any(unit.id == ancestor_id for unit in self.path(unit_id))

    def ladder(self, unit_id: str) -> tuple[Rung, ...]:
        """The units of the path that are a rung, lowest first."""
        return tuple(
            Rung(level=unit.level, unit_id=unit.id)
            for unit in reversed(self.path(unit_id))
            if unit.level is not None
        )

    def grid_at(self, lon: float, lat: float) -> Unit | None:
        """The lowest unit whose polygon covers the point (a grid, not the community around it); on a border the one
        with the smaller id."""
        if self._tree is None:
            with_polygon = sorted(
                (unit for unit in self.units.values() if unit.polygon and unit.retired_at is None),
                key=lambda unit: (-len(self.path(unit.id)), unit.id),
            )
            shapes = [Polygon([(corner.lon, corner.lat) for corner in unit.polygon]) for unit in with_polygon]
            self._tree = STRtree(shapes), with_polygon
        tree, grids = self._tree
        found = sorted(int(index) for index in tree.query(ShapelyPoint(lon, lat), predicate="intersects"))
        return grids[found[0]] if found else None

    def holders(self, unit_id: str, post: Post) -> list[Person]:
        """Who holds `post` in the unit, in the order of their ids."""
        return self._by_post()[unit_id, post]

    def with_role(self, role: Role, unit_id: str) -> list[Person]:
        """Who holds `role` in exactly this unit, each once however they came by it, in the order of their ids."""
        return self._by_role()[role, unit_id]

    def on_duty(self, unit_id: str | None, now: datetime) -> list[tuple[Person, Shift]]:
        """Who is at work in the unit now (`None`: in any unit), in the order of their ids. Being on call is not."""
        found = {}
        for shift in self._shifts_of()[unit_id] if unit_id is not None else self.shifts.values():
            person = self.people.get(shift.person_id)
            if person is not None and person.retired_at is None and _stands(shift, ShiftKind.ON_DUTY, now):
                found[person.id] = (person, shift)
        return [found[person_id] for person_id in sorted(found)]

    def is_on_duty(self, person_id: str, now: datetime) -> bool:
        return any(_stands(shift, ShiftKind.ON_DUTY, now) for shift in self._shifts_by_person()[person_id])

    def shifts_of(self, person_id: str) -> list[Shift]:
        """Every shift of one person there is or was: past, to come, on call, retired."""
        return list(self._shifts_by_person()[person_id])

    def on_call(self, unit_id: str | None, now: datetime) -> list[tuple[Person, Shift]]:
        """Who is at home within reach now and may be called in, in the order of their ids."""
        shifts = self._shifts_of()[unit_id] if unit_id is not None else self.shifts.values()
        found = {}
        for shift in shifts:
            person = self.people.get(shift.person_id)
            if person is not None and person.retired_at is None and _stands(shift, ShiftKind.ON_CALL, now):
                found[person.id] = (person, shift)
        return [found[person_id] for person_id in sorted(found)]

    def policy_for(self, category: Category, unit_path: Sequence[str], at: datetime) -> Policy:
        """The clocks of a case of `category` that begins at `at` in the unit at the end of `unit_path` (ids from the
        top down). Among the uses that hold then and there: the most specific unit, then one for this very category,
        then the latest `valid_from`. Without any, the category's own policy; KeyError if that is not known."""
        place = {unit_id: depth for depth, unit_id in enumerate(unit_path, start=1)}
        holding = [
            (
                0 if use.unit_id is None else place[use.unit_id],
                use.category_code is not None,
                use.valid_from,
                use.id,
            )
            for use in self._uses_of()[category.code] + self._uses_of()[None]
            if _holds(use, at) and (use.unit_id is None or use.unit_id in place) and self._fits(use, category)
        ]
        policy_id = self.policy_uses[max(holding)[-1]].policy_id if holding else category.policy_id
        return self.policies[policy_id]

    def _fits(self, use: PolicyUse, category: Category) -> bool:
        """A use for every category is for those of its policy's urgency."""
        policy = self.policies.get(use.policy_id)
        return policy is not None and policy.retired_at is None and policy.urgency is category.urgency

    def may_be_sent(self, unit_id: str, category_code: str) -> bool:
        """Whether the unit's duty list, or that of the community it belongs to, lets a case of the category reach
        it. Units without a list take all."""
        for holder in self._whose_lists(unit_id):
            lists = self._duties_of()[holder]
            if lists:
                return any(category_code in each.category_codes for each in lists)
        return True

    def _whose_lists(self, unit_id: str) -> list[str]:
        """The unit itself, and what is above it up to its community: a grid is asked what its community is."""
        upwards = list(reversed(self.path(unit_id)))
        for place, unit in enumerate(upwards):
            if unit.level not in (None, Level.GRID):
                return (
                    [each.id for each in upwards[: place + 1]] if unit.level is Level.COMMUNITY else [unit_id]
                )
        return [unit_id]

    # ── indexes, made when asked for and dropped when something changes ───────────────────────────────────────────

    def _forget(self) -> None:
        self._tree = None
        self._posts: defaultdict[tuple[str, Post], list[Person]] | None = None
        self._with_power: defaultdict[tuple[Role, str], list[Person]] | None = None
        self._unit_shifts: defaultdict[str, list[Shift]] | None = None
        self._person_shifts: defaultdict[str, list[Shift]] | None = None
        self._uses: defaultdict[str | None, list[PolicyUse]] | None = None
        self._duties: defaultdict[str, list[DutyList]] | None = None
        self._moved.set()

    def _active(self) -> list[Person]:
        return sorted((p for p in self.people.values() if p.retired_at is None), key=lambda person: person.id)

    def _by_post(self) -> defaultdict[tuple[str, Post], list[Person]]:
        if self._posts is None:
            self._posts = defaultdict(list)
            for person in self._active():
                for held in person.posts:
                    self._posts[held.unit_id, held.post].append(person)
        return self._posts

    def _by_role(self) -> defaultdict[tuple[Role, str], list[Person]]:
        if self._with_power is None:
            self._with_power = defaultdict(list)
            for person in self._active():
                for held in {(grant.role, grant.unit_id) for grant in person.grants}:
                    self._with_power[held].append(person)
        return self._with_power

    def _shifts_of(self) -> defaultdict[str, list[Shift]]:
        if self._unit_shifts is None:
            self._unit_shifts = defaultdict(list)
            for shift in self.shifts.values():
                self._unit_shifts[shift.unit_id].append(shift)
        return self._unit_shifts

    def _shifts_by_person(self) -> defaultdict[str, list[Shift]]:
        if self._person_shifts is None:
            self._person_shifts = defaultdict(list)
            for shift in self.shifts.values():
                self._person_shifts[shift.person_id].append(shift)
        return self._person_shifts

    def _uses_of(self) -> defaultdict[str | None, list[PolicyUse]]:
        if self._uses is None:
            self._uses = defaultdict(list)
            for use in self.policy_uses.values():
                self._uses[use.category_code].append(use)
        return self._uses

    def _duties_of(self) -> defaultdict[str, list[DutyList]]:
        if self._duties is None:
            self._duties = defaultdict(list)
            for duty_list in self.duty_lists.values():
                if duty_list.retired_at is None:
                    self._duties[duty_list.unit_id].append(duty_list)
        return self._duties


def _stands(shift: Shift, kind: ShiftKind, now: datetime) -> bool:
    return shift.kind is kind and shift.retired_at is None and shift.starts_at <= now < shift.ends_at


def _holds(use: PolicyUse, at: datetime) -> bool:
    return (
        use.retired_at is None and use.valid_from <= at and (use.valid_until is None or at < use.valid_until)
    )


class DirectoryReader:
    """Keeps a directory at the end of the topic."""

    def __init__(self, directory: Directory, *, bootstrap: str, topic_prefix: str = "") -> None:
        self._directory = directory
        self._bootstrap = bootstrap
        self._topic = topic_prefix + REGISTRY_TOPIC

    async def run(self, beat: Beat) -> None:
        """Follow the topic for ever, from its beginning."""
        async with aclosing(tail(self._bootstrap, self._topic)) as records:
            async for batch, reached_end in records:
                for record in batch:
                    self.read(record)
                if reached_end:
                    self._directory.complete.set()
                beat()

    def read(self, record: Record) -> None:
        """Take what the record says. One that this version cannot read (a newer registry's, while a release rolls
        out) leaves its thing as it was: ending here would end every process of every service."""
        try:
            event = codec.decode(record.headers, record.value)
        except (codec.Foreign, ValidationError, ValueError) as wrong:
            self._directory.unreadable += 1
            log.error("the registry's record of %s cannot be read: %s", record.key, type(wrong).__name__)
            if (sequence := record.headers.get("ce_sequence", "")).isdecimal():
                self._directory.pass_by(int(sequence))
            return
        if event is not None:
            self._directory.take(event)
