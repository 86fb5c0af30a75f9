"""What may become of a case that stands, short of its end by a follow-up: amendments, 催办, questions, appointments,
consents, withdrawal. None of them restarts a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.commands.changes import ConsentPurpose
from services.intake.rules.appointments import refuse_window
from services.intake.rules.facts import Case
from services.intake.rules.kept import ConsentRecorded
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.triage import lowers
from shared.event import Actor, CaseEvent
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseRegistered,
    CaseUrged,
    CaseWithdrawn,
    InformationAsked,
    InformationGiven,
    Place,
    Rung,
    Window,
)
from shared.things import Policy
from shared.vocabulary import (
    CaseState,
    Channel,
    ClosedBy,
    EmergencyService,
    Outcome,
    RequesterKind,
    Urgency,
)

URGED_AGAIN_AFTER = timedelta(minutes=10)
"""A second tap on the tracking page within it is the same urging."""


@dataclass(frozen=True)
class By:
    """Who changes it, by which way. `held`: they hold or held the case."""

    actor: Actor
    channel: Channel = Channel.DESK
    supervises: bool = False
    held: bool = False


@dataclass(frozen=True)
class Amended:
    """The case as it should be from now on. `description` says whether its words are new."""

    category_code: str
    urgency: Urgency
    headline: str
    place: Place
    grid_id: str | None
    unit_path: tuple[str, ...]
    ladder: tuple[Rung, ...]
    policy: Policy
    excluded: tuple[str, ...]
    care: bool
    crisis: EmergencyService | None
    description: bool = False


def refuse_change(case: Case) -> Refused | None:
    """Only what is still to be dealt with by itself can change."""
    if case.state is CaseState.MERGED:
        return Refused(RefusedBecause.CASE_MERGED)
    return None if case.open else Refused(RefusedBecause.CASE_ENDED)


def amend(
    case: Case,
    last: CaseRegistered | CaseAmended,
    wanted: Amended,
    by: By,
    registry_revision: int,
    now: datetime,
) -> CaseAmended | Refused | None:
    """None where nothing differs. `last` says how the case stood."""
    if refused := refuse_change(case):
        return refused
    if lowers(case.urgency, wanted.urgency) and not by.supervises:
        return Refused(RefusedBecause.URGENCY_LOWERED)
    fields = [name for name in Amended.__dataclass_fields__ if name != "description"]
    changed = [name for name in fields if getattr(wanted, name) != getattr(last, name)]
    changed += ["description"] if wanted.description else []
    if not changed:
        return None
    return CaseAmended(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        changed=tuple(changed),
        category_code=wanted.category_code,
        urgency=wanted.urgency,
        headline=wanted.headline,
        place=wanted.place,
        grid_id=wanted.grid_id,
        unit_path=wanted.unit_path,
        ladder=wanted.ladder,
        policy=wanted.policy,
        excluded=wanted.excluded,
        care=wanted.care,
        crisis=wanted.crisis,
        registry_revision=registry_revision,
    )


def urge(case: Case, parent: Case | None, by: By, now: datetime) -> list[tuple[Case, CaseUrged]] | Refused:
    """Counted on the case, and on the one it is part of, because that is where somebody holds it."""
    worked_on = parent or case
    if not worked_on.open:
        return Refused(RefusedBecause.CASE_ENDED)
    if case.urged_at is not None and now < case.urged_at + URGED_AGAIN_AFTER:
        return []
    return [
        (
            one,
            CaseUrged(
                at=now, case_id=one.case_id, actor=by.actor, channel=by.channel, count=one.urged_count + 1
            ),
        )
        for one in ([case, parent] if parent else [case])
    ]


def ask_information(
    case: Case, question_id: UUID, asked_by: str, by: By, now: datetime
) -> InformationAsked | Refused:
    """One question at a time."""
    if refused := refuse_change(case):
        return refused
    if case.open_question is not None:
        return Refused(RefusedBecause.QUESTION_OPEN)
    return InformationAsked(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        question_id=question_id,
        asked_by=asked_by,
    )


def give_information(case: Case, question_id: UUID, by: By, now: datetime) -> InformationGiven | Refused:
    question = case.open_question
    if question is None or question.id != question_id:
        return Refused(RefusedBecause.NO_SUCH_QUESTION)
    return InformationGiven(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        question_id=question_id,
        asked_by=question.asked_by,
    )


def agree_appointment(
    case: Case, starts_at: datetime, ends_at: datetime, by: By, now: datetime
) -> AppointmentAgreed | Refused | None:
    """None where this very window is agreed already. A window moves the clocks of whoever holds the case, so to a
    later one the desk or the requester agrees; more time is an extension."""
    if refused := refuse_change(case) or refuse_window(starts_at, ends_at, now):
        return refused
    if case.urgency is not Urgency.APPOINTMENT:
        return Refused(RefusedBecause.NO_APPOINTMENT)
    if by.held and case.appointment_ends_at is not None and ends_at > case.appointment_ends_at:
        return Refused(RefusedBecause.LATER_WINDOW)
    if (case.appointment_starts_at, case.appointment_ends_at) == (starts_at, ends_at):
        return None
    return AppointmentAgreed(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        appointment=Window(starts_at=starts_at, ends_at=ends_at),
    )


def withdraw(case: Case, *, has_parts: bool, by: By, now: datetime) -> list[CaseEvent] | Refused:
    """The requester no longer asks, and it closes at once: until it is handled, and only if nobody else asked for the
    same thing through it."""
    if not case.open and case.state is not CaseState.MERGED:
        return Refused(RefusedBecause.CASE_ENDED)
    if case.handled_at is not None:
        return Refused(RefusedBecause.CASE_ENDED)
    if has_parts:
        return Refused(RefusedBecause.OTHERS_ASKED_TOO)
    withdrawn = CaseWithdrawn(at=now, case_id=case.case_id, actor=by.actor, channel=by.channel)
    closed = CaseClosed(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        outcome=Outcome.WITHDRAWN,
        closed_by=ClosedBy.WITHDRAWAL,
        round=case.round,
    )
    return [withdrawn, closed]


def record_consent(
    case: Case, purpose: ConsentPurpose, by: By, now: datetime, *, given: bool, reachable: bool
) -> ConsentRecorded | Refused | None:
    """None where it was said before. `reachable`: there is somebody who could be asked if they agree."""
    if case.requester_kind is RequesterKind.ANONYMOUS or case.erased_at is not None:
        return Refused(RefusedBecause.ANONYMOUS_CONSENT)
    refused = case.refused_consents - {purpose} if given else case.refused_consents | {purpose}
    if refused == case.refused_consents:
        return None
    return ConsentRecorded(
        at=now,
        case_id=case.case_id,
        actor=by.actor,
        channel=by.channel,
        purpose=purpose,
        given=given,
        requester_can_be_asked=reachable and ConsentPurpose.CONTACT not in refused,
    )
