"""SOS: it rings again until somebody answers, each time one rung further up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.notify.handlers.alarms import RING
from services.notify.handlers.office import Office
from services.notify.handlers.sending import compose
from services.notify.queries import cases, messages
from services.notify.rules import replica
from services.notify.rules.telling import alarms as rules
from services.notify.rules.telling.alarms import alarm_tells
from services.notify.rules.ways import Via
from services.notify.timers import timers_of
from services.notify.timers.sending import sources_of
from shared import journal
from shared.database import Database
from shared.event import Actor, AlarmEvent
from shared.events.dispatch import AlarmAnswered, AlarmEnded, AlarmRaised
from shared.ids import uuid7
from shared.timers import TimerLoop
from shared.vocabulary import ActorKind, NoticeKind
from tests.notify.conftest import Hear
from tests.notify.story import NIGHT, PATH, a_town

EVERY = timedelta(seconds=30)
AT_ONCE = {"lead", "op1", "s-community", "s-street", "s-civil"}
COMMUNITY, STREET = {"o1"}, {"street-o"}
TOWN = a_town()


def raised(at: datetime = NIGHT, path: tuple[str, ...] = PATH) -> AlarmRaised:
    return AlarmRaised(alarm_id=uuid7(), at=at, sequence=1, person_id="a", unit_path=path)


# ── the rules ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds", "rings", "next_seconds"),
    [(-1, 0, 30), (0, 0, 30), (29.9, 0, 30), (30, 1, 60), (31, 1, 60), (60, 2, 90), (600, 20, 630)],
)
def test_when_it_rings_is_counted_from_the_raising(seconds: float, rings: int, next_seconds: int) -> None:
    alarm, now = replica.rang(raised()), NIGHT + timedelta(seconds=seconds)
    assert rules.rings_by(alarm, now, EVERY) == rings
    assert rules.next_ring_at(alarm, now, EVERY) == NIGHT + timedelta(seconds=next_seconds)


@pytest.mark.parametrize(
    ("path", "rings", "expected"),
    [
        (PATH, 0, AT_ONCE),
        (PATH, 1, AT_ONCE | COMMUNITY),
        (PATH, 2, AT_ONCE | COMMUNITY | STREET),
        (PATH, 99, AT_ONCE | COMMUNITY | STREET),
        (PATH[:3], 1, {"op1", "s-community", "s-street", "s-civil"} | COMMUNITY),
        (PATH[:2], 1, {"op1", "s-street", "s-civil"} | STREET),
    ],
)
def test_each_ring_goes_one_rung_further_up(path: tuple[str, ...], rings: int, expected: set[str]) -> None:
    event = raised(path=path)
    told = rules.ring(replica.rang(event), rings, event.at, TOWN)
    assert {notice.person_id for notice in told} == expected
    assert {notice.kind for notice in told} == {NoticeKind.ALARM_RAISED}


def test_whoever_it_rang_once_is_rung_again_and_hears_the_end() -> None:
    """Also somebody whose shift is over meanwhile; the worker is not rung by their own call."""
    event = raised()
    alarm = replace(replica.rang(event), told=("o2", "gone-home"))
    again = [notice.person_id for notice in rules.ring(alarm, 1, NIGHT, TOWN)]
    assert sorted(filter(None, again)) == sorted(AT_ONCE | COMMUNITY | {"o2", "gone-home"})
    ended = AlarmEnded(
        alarm_id=alarm.alarm_id, at=NIGHT, person_id="a", actor=Actor(kind=ActorKind.STAFF, person_id="a")
    )
    assert {notice.person_id for notice in alarm_tells(alarm, ended, TOWN)} == AT_ONCE | {"o2", "gone-home"}


# ── with the clock moved ──────────────────────────────────────────────────────────────────────────────────────────


CALLED = AT_ONCE | {"op2"}
ALL_OFFICERS = {"o1", "o2"}
"""Nobody is on duty at the time of the database, so everybody who could be is rung."""


async def rings_at(database: Database, alarm_id: UUID) -> list[datetime]:
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT due_at FROM timers WHERE kind = :kind AND subject_id = :id", kind=RING, id=alarm_id
        )
    return [row["due_at"] for row in rows]


async def half_a_minute_later(database: Database, office: Office, alarm_id: UUID) -> int:
    """Everything that is known of the alarm happened half a minute earlier."""
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE alarms SET raised_at = raised_at - interval '30 seconds' WHERE alarm_id = :id",
            id=alarm_id,
        )
        await tx.rows("UPDATE timers SET due_at = due_at - interval '30 seconds'")
    return await TimerLoop(database, timers_of(office), lambda due: None).fire()


async def rung(database: Database, alarm_id: UUID) -> list[set[str]]:
    """Whom each ring rang, by their feeds."""
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT array_agg(person_id) AS people FROM feed WHERE case_id = :id AND kind = 'alarm_raised'"
            " GROUP BY event_id ORDER BY min(seq), min(created_at), event_id",
            id=alarm_id,
        )
    return [set(row["people"]) for row in rows]


async def an_alarm(database: Database, hear: Hear) -> UUID:
    event = raised(datetime.now(UTC))
    await hear(event)
    return event.alarm_id


async def test_unanswered_it_rings_every_half_minute_and_everybody_told_before_too(
    database: Database, office: Office, hear: Hear
) -> None:
    alarm_id = await an_alarm(database, hear)
    assert await rung(database, alarm_id) == [CALLED]
    for ring, further in enumerate((ALL_OFFICERS, ALL_OFFICERS | STREET, ALL_OFFICERS | STREET), start=1):
        [due_at] = await rings_at(database, alarm_id)
        assert await half_a_minute_later(database, office, alarm_id) == 1
        assert (await rung(database, alarm_id))[-1] == CALLED | further
        assert len(await rung(database, alarm_id)) == ring + 1
        assert await rings_at(database, alarm_id) == [due_at], (
            "half a minute on, in a world half a minute older"
        )


@pytest.mark.parametrize("end", [AlarmAnswered, AlarmEnded])
async def test_it_rings_no_more_when_somebody_answered_or_it_ended(
    end: type[AlarmEvent], database: Database, office: Office, hear: Hear
) -> None:
    alarm_id = await an_alarm(database, hear)
    await half_a_minute_later(database, office, alarm_id)
    said = {"answered_by": "lead"} if end is AlarmAnswered else {}
    await hear(
        end.model_validate(
            {"alarm_id": alarm_id, "at": datetime.now(UTC), "sequence": 2, "person_id": "a", **said}
        )
    )
    assert await rings_at(database, alarm_id) == []
    assert await half_a_minute_later(database, office, alarm_id) == 0
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT person_id FROM feed WHERE case_id = :id AND kind LIKE 'alarm\\_%ed' AND kind <> 'alarm_raised'",
            id=alarm_id,
        )
    assert {row["person_id"] for row in rows} >= CALLED | ALL_OFFICERS, "and everybody it rang hears so"


async def test_the_alarm_is_the_fold_of_its_story(database: Database, office: Office, hear: Hear) -> None:
    alarm_id = await an_alarm(database, hear)
    await half_a_minute_later(database, office, alarm_id)
    await half_a_minute_later(database, office, alarm_id)
    async with database.transaction() as tx:
        first, *others = await journal.story(tx, alarm_id)
        kept = await cases.alarm(tx, alarm_id)
    assert isinstance(first, AlarmRaised)
    folded = replica.rang(first)
    for event in others:
        assert isinstance(event, AlarmEvent)
        folded = replica.apply_to_alarm(folded, event)
    assert replace(folded, raised_at=kept.raised_at) == kept, "the clock alone was moved by hand"
    assert set(kept.told) == CALLED | ALL_OFFICERS | STREET


async def test_a_ring_that_was_late_is_not_rung_when_somebody_has_answered(
    database: Database, office: Office, hear: Hear
) -> None:
    """A gateway that is back after an hour must not wake people for what is over."""
    for person in ("lead", "op1"):
        known = database.directory.people[person]
        hook = {"webhook_url": "https://example.org/hook"}
        database.directory.people[person] = known.model_copy(update=hook)
    alarm_id = await an_alarm(database, hear)
    await hear(AlarmAnswered(alarm_id=alarm_id, at=NIGHT, sequence=2, person_id="a", answered_by="lead"))
    async with database.transaction() as tx:
        claimed = await messages.claim(tx, {Via.WEBHOOK: 9}, 30)
    assert {one.kind: one.is_over for one in claimed} == {
        NoticeKind.ALARM_RAISED: True,
        NoticeKind.ALARM_ANSWERED: False,
    }
    late = next(one for one in claimed if one.is_over)
    said = await compose(office, database.directory, late, sources_of(office.settings))
    assert getattr(said, "because", None) == "the alarm is over"
