"""A small town, and the story of one case in it: events as their owners would publish them, in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from shared.directory import Directory
from shared.event import CaseEvent
from shared.events.dispatch import CaseOffered
from shared.events.intake import CaseRegistered, Place, Rung
from shared.ids import uuid7
from shared.things import Grant, LevelLimits, Limit, Name, Person, Policy, PostHeld, Shift, Unit
from shared.vocabulary import ClockKind, Language, Level, PartRole, Post, Role, Urgency

NIGHT = datetime(2026, 3, 1, 18, 10, tzinfo=UTC)
"""02:10 in the community."""

MINUTES = ClockKind.MINUTES
POLICY = Policy(
    id="emergency",
    urgency=Urgency.EMERGENCY,
    levels=(
        LevelLimits(
            level=Level.GRID,
            acknowledge=Limit(clock=MINUTES, amount=6),
            arrive=Limit(clock=MINUTES, amount=15),
            handle=Limit(clock=ClockKind.WORKING_HOURS, amount=4),
        ),
    ),
    follow_up=Limit(clock=MINUTES, amount=60 * 24),
)
PATH = ("civil-affairs", "street", "community-a", "grid-a1")
LADDER = tuple(
    Rung(level=level, unit_id=unit_id) for level, unit_id in zip(Level, reversed(PATH), strict=True)
)


def a_unit(unit_id: str, level: Level, parent_id: str | None, zh: str) -> Unit:
    return Unit(id=unit_id, kind=level, name=Name(zh=zh, en=unit_id), parent_id=parent_id, level=level)


def a_person(
    person_id: str,
    *,
    grants: dict[Role, str] | None = None,
    post: tuple[Post, str] | None = None,
    **more: Any,
) -> Person:
    return Person(
        id=person_id,
        name=Name(zh=f"王{person_id[-1]}", en=person_id),
        grants=tuple(Grant(role=role, unit_id=unit_id) for role, unit_id in (grants or {}).items()),
        posts=(PostHeld(post=post[0], unit_id=post[1]),) if post else (),
        **more,
    )


def on_duty(person_id: str, unit_id: str, *, now: datetime = NIGHT) -> Shift:
    day = timedelta(days=1)
    return Shift(
        id=f"s-{person_id}", person_id=person_id, unit_id=unit_id, starts_at=now - day, ends_at=now + day
    )


def a_town(*, people: dict[str, Person] | None = None) -> Directory:
    """Four levels with one grid; two officers in the community of whom one is on duty; supervisors at three levels."""
    units = [
        a_unit("civil-affairs", Level.CIVIL_AFFAIRS, None, "民政局"),
        a_unit("street", Level.STREET, "civil-affairs", "街道"),
        a_unit("community-a", Level.COMMUNITY, "street", "建设社区"),
        a_unit("grid-a1", Level.GRID, "community-a", "一号网格"),
    ]
    staff = [
        a_person("a", grants={Role.GRID_WORKER: "grid-a1"}, post=(Post.A, "grid-a1")),
        a_person(
            "b", grants={Role.GRID_WORKER: "grid-a1"}, post=(Post.B, "grid-a1"), language=Language.ENGLISH
        ),
        a_person("o1", grants={Role.UNIT_OFFICER: "community-a"}, post=(Post.DUTY_OFFICER, "community-a")),
        a_person("o2", grants={Role.UNIT_OFFICER: "community-a"}, post=(Post.DUTY_OFFICER, "community-a")),
        a_person("street-o", grants={Role.UNIT_OFFICER: "street"}, post=(Post.DUTY_OFFICER, "street")),
        a_person("s-community", grants={Role.SUPERVISOR: "community-a"}),
        a_person("s-street", grants={Role.SUPERVISOR: "street"}),
        a_person("s-civil", grants={Role.SUPERVISOR: "civil-affairs"}),
        a_person("lead", grants={Role.GRID_LEADER: "grid-a1"}, post=(Post.LEADER, "grid-a1")),
        a_person("op1", grants={Role.OPERATOR: "street"}),
        a_person("op2", grants={Role.OPERATOR: "street"}),
        a_person("caller", grants={Role.FOLLOW_UP_CALLER: "street"}),
        a_person("elsewhere", grants={Role.SUPERVISOR: "community-b", Role.FOLLOW_UP_CALLER: "community-b"}),
    ]
    known = {person.id: person for person in staff} | (people or {})
    shifts = [
        on_duty("o1", "community-a"),
        on_duty("a", "grid-a1"),
        on_duty("b", "grid-a1"),
        on_duty("op1", "street"),
    ]
    return Directory.of(units, known.values(), shifts)


E = TypeVar("E", bound=CaseEvent)


@dataclass
class Story:
    """One case; `tell(EventClass, …)` gives its next event, ten seconds after the one before."""

    at: datetime = NIGHT
    case_id: UUID = field(default_factory=uuid7)
    part_id: UUID = field(default_factory=uuid7)
    offer_id: UUID = field(default_factory=uuid7)
    sequences: Counter[str] = field(default_factory=Counter)

    def tell(self, event_class: type[E], **fields: Any) -> E:
        self.at += timedelta(seconds=10)
        self.sequences[event_class.source] += 1
        known: dict[str, Any] = {
            "at": self.at,
            "case_id": self.case_id,
            "sequence": self.sequences[event_class.source],
        }
        wanted = event_class.model_fields
        part = {"part_id": self.part_id, "part_role": PartRole.OWNER, "level": Level.GRID, "round": 1}
        offer = {
            "offer_id": self.offer_id,
            "person_id": "a",
            "unit_id": "grid-a1",
            "told_at": self.at,
            "goes": True,
        }
        defaults = {name: value for name, value in (part | offer).items() if name in wanted}
        return event_class.model_validate(defaults | known | fields)

    def registered(self, **fields: Any) -> CaseRegistered:
        return self.tell(
            CaseRegistered,
            **{
                "number": "2603-0017-4",
                "category_code": "manhole",
                "urgency": Urgency.EMERGENCY,
                "headline": "井盖缺失",
                "place": Place(lon=104.1, lat=30.6, label="建设路 12 号"),
                "grid_id": "grid-a1",
                "unit_path": PATH,
                "ladder": LADDER,
                "policy": POLICY,
                "requester_can_be_asked": True,
                "registry_revision": 0,
            }
            | fields,
        )

    def offered(self, person_id: str = "a", **fields: Any) -> CaseOffered:
        self.offer_id = uuid7()
        return self.tell(
            CaseOffered,
            **{
                "person_id": person_id,
                "post": Post.A,
                "emergency": True,
                "goes": True,
                "expires_at": self.at + timedelta(seconds=70),
                "eta_seconds": 240,
                "chosen_because": "own_grid",
            }
            | fields,
        )
