"""Leave and absence: which shifts it cuts and who takes over; handing a shift on, and calling somebody in.

No reason is asked for: why somebody is away is not for the registry. Everything is worked out again from the shifts
as they were (`Absence.cut`), so that coming back early gives back what is left of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.rules.rosters import span_of
from services.registry.rules.spans import Span, left, within
from shared.things import Person, Shift, Value
from shared.vocabulary import Post, ShiftKind

ABSENCE_DAYS_MAX = 400
COUNTERPART = {Post.A: Post.B, Post.B: Post.A}
"""AB岗: each of the two stands in for the other."""


class Takeover(Value):
    """Who does what somebody away would have done; `person_id` is None where nobody does: a gap. `shift_id` is the
    shift made for it, None where they were on duty anyway."""

    unit_id: str
    starts_at: datetime
    ends_at: datetime
    person_id: str | None = None
    shift_id: str | None = None


@dataclass(frozen=True)
class Candidate:
    """Somebody who may take over in a unit, in the times of `free`."""

    person_id: str
    unit_id: str
    free: tuple[Span, ...]


class Absence(Value):
    """Away from `starts_at` to `ends_at` (exclusive). `cut` are the shifts that ran into it, as they were; `made`
    are those made for whoever takes over. `ended_at` is when it was ended early or taken back, which makes another
    `version`."""

    id: UUID
    person_id: str
    starts_at: datetime
    ends_at: datetime
    substitute_id: str | None = None
    cut: tuple[Shift, ...] = ()
    made: tuple[str, ...] = ()
    takeovers: tuple[Takeover, ...] = ()
    entered_by: str
    entered_at: datetime
    ended_at: datetime | None = None
    version: int = 1

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


# ── cutting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def cut(shift: Shift, away: Span, now: datetime) -> list[Shift]:
    """The shift without the time away: one or two shifts, or one that is retired because nothing is left of it."""
    kept = left(span_of(shift), [away])
    if not kept:
        return [shift.model_copy(update={"retired_at": now})]
    pieces = [shift.model_copy(update={"starts_at": kept[0].starts_at, "ends_at": kept[0].ends_at})]
    pieces += [
        shift.model_copy(
            update={"id": second_id(shift), "starts_at": span.starts_at, "ends_at": span.ends_at}
        )
        for span in kept[1:]
    ]
    return pieces


def second_id(shift: Shift) -> str:
    """The id of what is left of a shift after an absence in its middle."""
    return f"{shift.id}~2"


def cut_by(shifts: Iterable[Shift], away: Span) -> list[Shift]:
    """Those of `shifts` that run into the time away."""
    return [shift for shift in shifts if shift.retired_at is None and span_of(shift).within(away)]


def given_back(
    absence: Absence, ends_at: datetime, now: datetime, shifts: Mapping[str, Shift]
) -> list[Shift]:
    """The shifts as they are when `absence` ends already at `ends_at`: the person's own again from then on, those of
    the stand-ins ended. `shifts` are the present ones by id; one that somebody changed since stays as it is."""
    shorter = Span(absence.starts_at, max(ends_at, absence.starts_at))
    out: list[Shift] = []
    for original in absence.cut:
        was = {shift.id: shift for shift in cut(original, absence.span, now)}
        if any(not _as_left(shifts.get(id), shift) for id, shift in was.items()):
            continue
        will_be = {shift.id: shift for shift in cut(original, shorter, now)}
        out += will_be.values()
        out += [
            shift.model_copy(update={"retired_at": now}) for id, shift in was.items() if id not in will_be
        ]
    after = Span(shorter.ends_at, absence.ends_at)
    for id in absence.made:
        if (made := shifts.get(id)) is not None and made.retired_at is None and span_of(made).within(after):
            out += cut(made, after, now)[:1]
    return out


def _as_left(present: Shift | None, left_as: Shift) -> bool:
    """Whether a cut shift is still as the absence left it; when it was retired does not matter."""
    if present is None:
        return False
    if present.retired_at is not None or left_as.retired_at is not None:
        return (present.retired_at is None) == (left_as.retired_at is None)
    return present == left_as


# ── covering ──────────────────────────────────────────────────────────────────────────────────────────────────────


def cover(
    absence_id: str,
    missing: Sequence[Shift],
    away: Span,
    candidates: Sequence[Candidate],
    duty: Mapping[str, Sequence[Shift]],
) -> tuple[list[Shift], list[Takeover]]:
    """New shifts for what `missing` leaves open while somebody is away, and who takes over what.

    `candidates` in the order in which they are asked; `duty` are each one's shifts. Who is on duty in the unit anyway
    takes over without a new shift.
    """
    made: list[Shift] = []
    takeovers: list[Takeover] = []
    for shift in sorted(missing, key=lambda shift: (shift.starts_at, shift.id)):
        if shift.kind is not ShiftKind.ON_DUTY:
            continue
        open_ = within([span_of(shift)], away)
        for candidate in candidates:
            if candidate.unit_id == shift.unit_id:
                open_, new, taken = _covered_by(
                    absence_id, candidate, shift.unit_id, open_, [*duty.get(candidate.person_id, ()), *made]
                )
                made += new
                takeovers += taken
        takeovers += [
            Takeover(unit_id=shift.unit_id, starts_at=gap.starts_at, ends_at=gap.ends_at) for gap in open_
        ]
    return made, sorted(takeovers, key=lambda taken: (taken.starts_at, taken.unit_id, taken.ends_at))


def _covered_by(
    absence_id: str, candidate: Candidate, unit_id: str, open_: Sequence[Span], duty: Sequence[Shift]
) -> tuple[list[Span], list[Shift], list[Takeover]]:
    """What stays open after `candidate`, their new shifts, and what they take over."""
    still: list[Span] = []
    made: list[Shift] = []
    taken: list[Takeover] = []
    on_duty = [
        span_of(shift)
        for shift in duty
        if shift.person_id == candidate.person_id
        and shift.unit_id == unit_id
        and shift.kind is ShiftKind.ON_DUTY
        and shift.retired_at is None
    ]
    for span in open_:
        anyway = within(on_duty, span)
        taken += [_taken(unit_id, part, candidate.person_id) for part in anyway]
        rest = left(span, anyway)
        fresh = [part for gap in rest for part in within(candidate.free, gap)]
        shifts = [_stand_in(absence_id, candidate.person_id, unit_id, part) for part in fresh]
        taken += [
            _taken(unit_id, part, candidate.person_id, shift.id)
            for part, shift in zip(fresh, shifts, strict=True)
        ]
        made += shifts
        still += [part for gap in rest for part in left(gap, fresh)]
    return still, made, taken


def _taken(unit_id: str, span: Span, person_id: str, shift_id: str | None = None) -> Takeover:
    return Takeover(
        unit_id=unit_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        person_id=person_id,
        shift_id=shift_id,
    )


def _stand_in(absence_id: str, person_id: str, unit_id: str, span: Span) -> Shift:
    return Shift(
        id=f"{person_id}:{span.starts_at:%Y%m%dT%H%M%S}:{absence_id[-12:]}",
        person_id=person_id,
        unit_id=unit_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
    )


# ── who ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def stand_ins(person: Person, unit_id: str, staff: Sequence[Person]) -> list[str]:
    """Who takes over in a unit of their own accord: the B holder for the A holder and the other way round."""
    wanted = {
        COUNTERPART[held.post]
        for held in person.posts
        if held.unit_id == unit_id and held.post in COUNTERPART
    }
    return sorted(
        other.id
        for other in staff
        if other.id != person.id
        and other.retired_at is None
        and any(held.unit_id == unit_id and held.post in wanted for held in other.posts)
    )


def candidates(
    able: Mapping[str, frozenset[str]],
    away: Span,
    person: Person,
    staff: Sequence[Person],
    shifts: Sequence[Shift],
    absences: Mapping[str, Sequence[Span]],
    substitute_id: str | None = None,
) -> list[Candidate]:
    """Who takes over, in the order asked: the named substitute alone; else the counterpart, then whoever is on call
    there, for as long as they are. Of those who may (`able`, by unit), and nobody while they are away themselves."""
    found = []
    for unit_id in sorted(able):
        if substitute_id is not None:
            found.append(Candidate(substitute_id, unit_id, (away,)))
            continue
        found += [Candidate(id, unit_id, (away,)) for id in stand_ins(person, unit_id, staff)]
        within_reach = [
            shift
            for shift in shifts
            if shift.unit_id == unit_id and shift.kind is ShiftKind.ON_CALL and shift.retired_at is None
        ]
        for id in sorted({shift.person_id for shift in within_reach}):
            spans = tuple(span_of(shift) for shift in within_reach if shift.person_id == id)
            found.append(Candidate(id, unit_id, spans))
    return [
        Candidate(one.person_id, one.unit_id, tuple(_free(one.free, absences.get(one.person_id, ()))))
        for one in found
        if one.person_id in able[one.unit_id]
    ]


def _free(spans: Sequence[Span], absences: Sequence[Span]) -> list[Span]:
    return [part for span in spans for part in left(span, absences)]


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────


def handed_over(shift: Shift, to_person_id: str, at: datetime, duty: Sequence[Shift]) -> list[Shift]:
    """`shift` ends at `at` and `to_person_id` goes on until its end; what they are on duty for anyway needs no new
    shift. A shift handed over at its beginning is retired."""
    rest = Span(at, shift.ends_at)
    ended = {"ends_at": at} if shift.starts_at < at else {"retired_at": at}
    running = [
        span_of(other)
        for other in duty
        if other.person_id == to_person_id
        and other.unit_id == shift.unit_id
        and other.kind is ShiftKind.ON_DUTY
        and other.retired_at is None
    ]
    made = [
        Shift(
            id=f"{to_person_id}:{span.starts_at:%Y%m%dT%H%M%S}:{shift.id[:60]}",
            person_id=to_person_id,
            unit_id=shift.unit_id,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
        )
        for span in left(rest, running)
    ]
    return [shift.model_copy(update=ended), *made]


def called_in(shift: Shift, now: datetime, until: datetime) -> Shift:
    """The shift of somebody on call who comes to work now."""
    return Shift(
        id=f"{shift.person_id}:{now:%Y%m%dT%H%M%S}:called-in",
        person_id=shift.person_id,
        unit_id=shift.unit_id,
        starts_at=now,
        ends_at=until,
    )
