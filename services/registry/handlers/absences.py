"""Leave and absence, handing a shift over by hand, calling somebody in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.registry.commands import CallIn, EndAbsence, EnterAbsence, HandOver
from services.registry.handlers.things import actor_in, hold_still, put_things, rights_of
from services.registry.handlers.versions import must_match
from services.registry.queries import ahead, rosters
from services.registry.queries import things as stored
from services.registry.queries.ahead import Reader
from services.registry.rules import absence as rules
from services.registry.rules.absence import Absence
from services.registry.rules.rosters import may_take_over
from services.registry.rules.spans import Span
from services.registry.rules.told import AbsenceNoted
from shared.database import Transaction
from shared.event import Actor
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.things import Person, Shift, Unit
from shared.vocabulary import Channel, Role, ShiftKind

SEE_TO_ABSENCE = (Role.ADMINISTRATOR, Role.UNIT_OFFICER, Role.SUPERVISOR)
SEE_TO_SHIFTS = (*SEE_TO_ABSENCE, Role.GRID_LEADER, Role.OPERATOR)
"""Who arranges things for others in their unit and below; everybody does so for themselves."""

SEE_ABSENCES = (*SEE_TO_ABSENCE, Role.GRID_LEADER)
"""Who reads when others in their unit and below are away; when somebody is on duty, all staff may know."""


# ── leave and absence ─────────────────────────────────────────────────────────────────────────────────────────────


async def reader(tx: Transaction, who: SignedIn) -> Reader:
    """Whose absences `who` may read, by the rights the registry knows now."""
    known = await stored.known_about(tx, [], who.person_id)
    grants = rights_of(who.person_id, known, await tx.now())
    return Reader(
        who.person_id, tuple(sorted({each.unit_id for each in grants if each.role in SEE_ABSENCES}))
    )


async def enter_absence(tx: Transaction, command: EnterAbsence, who: SignedIn) -> Absence:
    """Cut the person's shifts and have others take them over; the past stays as it was."""
    now = await hold_still(tx)
    span = _span_of(command, now)
    person = await _person(tx, command.person_id)
    actor = await _sees_to(tx, person, who, now)
    taken = await ahead.away(tx, [person.id], span.starts_at)
    if any(other.within(span) for other in taken.get(person.id, ())):
        raise _away_already(taken[person.id])
    absence = Absence(
        id=uuid7(),
        person_id=person.id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        substitute_id=command.substitute_id,
        entered_by=who.person_id,
        entered_at=now,
    )
    absence, shifts = await _arranged(tx, absence, person, now)
    await put_things(tx, shifts, actor, Channel.DESK)
    return await _keep(tx, absence, now, actor)


async def _arranged(
    tx: Transaction, absence: Absence, person: Person, now: datetime
) -> tuple[Absence, list[Shift]]:
    """The absence with what it does, and the shifts as they will be."""
    span = absence.span
    own = rules.cut_by(await rosters.shifts_of(tx, [person.id], span.starts_at, span.ends_at), span)
    units = {shift.unit_id for shift in own if shift.kind is ShiftKind.ON_DUTY}
    staff, able = await _able(tx, person, units)
    if absence.substitute_id is not None:
        await _must_be_able(tx, absence.substitute_id, person, able)
    there = await rosters.shifts_in(tx, units, span.starts_at, span.ends_at)
    others = {id for ids in able.values() for id in ids}
    absences = await ahead.away(tx, others, span.starts_at)
    asked = rules.candidates(able, span, person, staff, there, absences, absence.substitute_id)
    duty = {id: [shift for shift in there if shift.person_id == id] for id in others}
    made, takeovers = rules.cover(str(absence.id), own, span, asked, duty)
    cut = [piece for shift in own for piece in rules.cut(shift, span, now)]
    done = {
        "cut": tuple(own),
        "made": tuple(shift.id for shift in made),
        "takeovers": tuple(takeovers),
    }
    return absence.model_copy(update=done), [*cut, *made]


async def _able(
    tx: Transaction, person: Person, unit_ids: Iterable[str]
) -> tuple[list[Person], dict[str, frozenset[str]]]:
    """The staff of the units, and who of them may do in each what `person` does there."""
    units = await stored.present(tx, Unit, unit_ids)
    staff = await rosters.staff_of(tx, units)
    return staff, {id: may_take_over(person, unit, staff) for id, unit in units.items()}


async def _must_be_able(
    tx: Transaction, named: str, person: Person, able: Mapping[str, frozenset[str]]
) -> None:
    """Whoever asks names only somebody who may do the work in each of the units; where nothing is to be done, in one
    of those where the person holds a post."""
    if (await _person(tx, named)).id == person.id:
        raise _nobody_takes_over()
    fits = all
    if not able:
        fits, able = any, (await _able(tx, person, {held.unit_id for held in person.posts}))[1]
    if not fits(named in ids for ids in able.values()):
        raise _no_post_there()


async def end_absence(
    tx: Transaction, id: UUID, command: EndAbsence, who: SignedIn, if_match: str | None = None
) -> Absence:
    """The person comes back early, or never went: what is left of their shifts is theirs again. Who says which
    version they read does not end otherwise what somebody ended meanwhile."""
    now = await hold_still(tx)
    if (absence := await ahead.absence(tx, id)) is None:
        raise not_found()
    actor = await _sees_to(tx, await _person(tx, absence.person_id), who, now)
    if if_match is not None:
        must_match(if_match, absence.version)
    at = max(command.at or now, now)
    if at.tzinfo is None or at >= absence.ends_at:
        raise Problem(
            409,
            "absence-over",
            "该请假到那时已经结束 / The absence is over by then",
            detail="请选更早的时间 / Choose an earlier time",
            ends_at=absence.ends_at.isoformat(),
        )
    ids = {piece.id for shift in absence.cut for piece in rules.cut(shift, absence.span, now)}
    present = await stored.present(tx, Shift, ids | set(absence.made))
    back = rules.given_back(absence, at, now, present)
    ended = absence.model_copy(
        update={
            "ends_at": max(at, absence.starts_at),
            "ended_at": now,
            "takeovers": _until(absence, at),
            "version": absence.version + 1,
        }
    )
    ended = await _keep(tx, ended, now, actor)  # first, so that the person's shifts no longer run into it
    await put_things(tx, back, actor, Channel.DESK)
    return ended


def _until(absence: Absence, at: datetime) -> tuple[rules.Takeover, ...]:
    return tuple(
        taken.model_copy(update={"ends_at": min(taken.ends_at, at)})
        for taken in absence.takeovers
        if taken.starts_at < at
    )


async def _keep(tx: Transaction, absence: Absence, now: datetime, actor: Actor) -> Absence:
    await ahead.save_absence(tx, absence)
    tx.note(AbsenceNoted(at=now, actor=actor, channel=Channel.DESK, absence=absence))
    return absence


def _span_of(command: EnterAbsence, now: datetime) -> Span:
    if command.starts_at.tzinfo is None or command.ends_at.tzinfo is None:
        raise _not_a_time(now)
    starts_at = max(command.starts_at, now)
    longest = timedelta(days=rules.ABSENCE_DAYS_MAX)
    if not starts_at < command.ends_at <= starts_at + longest:
        raise _not_a_time(now)
    return Span(starts_at, command.ends_at)


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def hand_over(tx: Transaction, shift_id: str, command: HandOver, who: SignedIn) -> list[Shift]:
    """The shift's holder goes, and somebody else goes on until its end: the B holder for the A holder and the other
    way round, unless somebody is named."""
    now = await hold_still(tx)
    shift, actor = await _shift_to_act_on(tx, shift_id, who, now)
    at = max(command.at or now, now, shift.starts_at)
    if at.tzinfo is None or shift.kind is not ShiftKind.ON_DUTY or at >= shift.ends_at:
        raise _shift_over(shift)
    to = await _taker(tx, shift, command.to_person_id)
    away = await ahead.away(tx, [to.id], at)
    if any(span.within(Span(at, shift.ends_at)) for span in away.get(to.id, ())):
        raise _away_already(away[to.id])
    duty = await rosters.shifts_of(tx, [to.id], at, shift.ends_at)
    shifts = rules.handed_over(shift, to.id, at, duty)
    await put_things(tx, shifts, actor, Channel.DESK)
    return shifts


async def _taker(tx: Transaction, shift: Shift, to_person_id: str | None) -> Person:
    holder = (await stored.present(tx, Person, [shift.person_id]))[shift.person_id]
    staff, able = await _able(tx, holder, [shift.unit_id])
    if to_person_id is not None:
        await _must_be_able(tx, to_person_id, holder, able)
        return await _person(tx, to_person_id)
    found = rules.stand_ins(holder, shift.unit_id, staff)
    if not found:
        raise _nobody_takes_over()
    return await _person(tx, found[0])


async def call_in(tx: Transaction, shift_id: str, command: CallIn, who: SignedIn) -> Shift:
    """Somebody on call comes to work now, until their time on call ends or the time given."""
    now = await hold_still(tx)
    shift, actor = await _shift_to_act_on(tx, shift_id, who, now)
    if shift.kind is not ShiftKind.ON_CALL or not shift.starts_at <= now < shift.ends_at:
        raise Problem(
            409,
            "not-on-call",
            "该班次现在不是待命 / This is no shift on call that runs now",
            detail="请先查看谁在待命 / See who is on call first",
        )
    until = shift.ends_at if command.until is None else command.until
    if until.tzinfo is None or not now < until <= shift.ends_at:
        raise Problem(
            422,
            "until-out-of-range",
            "结束时间不合适 / This end is not possible",
            detail="须在现在之后、待命结束之前 / Choose a time after now, until they are no longer on call",
            now=now.isoformat(),
            on_call_until=shift.ends_at.isoformat(),
        )
    called = rules.called_in(shift, now, until)
    await put_things(tx, [called], actor, Channel.DESK)
    return called


async def _shift_to_act_on(tx: Transaction, id: str, who: SignedIn, now: datetime) -> tuple[Shift, Actor]:
    """The shift, if it is one's own or one sees to shifts in its unit."""
    found = await stored.one(tx, Shift, id)
    if found is None or found[0].retired_at is not None:
        raise not_found()
    shift = found[0]
    if shift.person_id == who.person_id:
        return shift, who.actor()
    known = await stored.known_about(tx, [shift], who.person_id)
    return shift, actor_in(who, SEE_TO_SHIFTS, [shift.unit_id], known, now)


# ── shared ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _person(tx: Transaction, id: str) -> Person:
    found = await stored.one(tx, Person, id)
    if found is None or found[0].retired_at is not None:
        raise not_found(f"没有人员 {id} / There is no person {id}")
    return found[0]


async def _sees_to(tx: Transaction, person: Person, who: SignedIn, now: datetime) -> Actor:
    """Everybody for themselves; others for whoever works in their units only."""
    if person.id == who.person_id:
        return who.actor()
    known = await stored.known_about(tx, [person], who.person_id)
    units = [held.unit_id for held in person.posts] or [grant.unit_id for grant in person.grants]
    return actor_in(who, SEE_TO_ABSENCE, units, known, now)


def _not_a_time(now: datetime) -> Problem:
    return Problem(
        422,
        "absence-out-of-range",
        "请假时间不合适 / This time is not possible",
        detail=f"须带时区，结束晚于现在和开始，且不超过 {rules.ABSENCE_DAYS_MAX} 天"
        f" / Give times with a zone, an end after now and after the beginning, {rules.ABSENCE_DAYS_MAX} days at most",
        now=now.isoformat(),
    )


def _away_already(spans: Sequence[Span]) -> Problem:
    return Problem(
        409,
        "away-already",
        "该时间已登记请假 / They are away in that time already",
        detail="请先销假，或换人、换时间 / End that absence first, or choose somebody else or another time",
        away=[[span.starts_at.isoformat(), span.ends_at.isoformat()] for span in spans],
    )


def _no_post_there() -> Problem:
    return Problem(
        409,
        "no-post-there",
        "接班人在该单位没有承担这项工作的岗位 / They hold no post in this unit that does this work",
        detail="网格须由 A 岗或 B 岗接替，其他单位由同类岗位接替；请另选人员，或先安排岗位"
        " / An A or B holder is stood in for by an A or B holder, a duty officer by a duty officer; name one of the"
        " unit, or give them such a post first",
    )


def _nobody_takes_over() -> Problem:
    return Problem(
        409,
        "nobody-to-take-over",
        "没有可接班的人 / Nobody is there to take over",
        detail="请指定一位同单位的人员 / Name somebody else of the unit",
    )


def _shift_over(shift: Shift) -> Problem:
    return Problem(
        409,
        "shift-over",
        "该班次不能交接：已结束、未到或只是待命 / This shift cannot be handed over: it is over, or only on call",
        detail="请选正在或将要值守的班次 / Choose a shift on duty that still runs or is ahead",
        ends_at=shift.ends_at.isoformat(),
    )
