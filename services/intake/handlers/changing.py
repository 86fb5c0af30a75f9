"""What staff change of a case on somebody's behalf: 催办, questions, appointments, consents, withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake.commands.changes import (
    AskInformation,
    Changed,
    GiveInformation,
    QuestionAsked,
    RecordConsent,
    WindowGiven,
)
from services.intake.handlers.permissions import MAY_REGISTER, must_change, must_hold_or_change
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.story import LINK_EXPIRES
from services.intake.handlers.telling import settle
from services.intake.handlers.versions import must_match
from services.intake.queries import cases, families, questions, requesters
from services.intake.rules import changes
from services.intake.rules.changes import By
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.event import CaseEvent
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import EmergencyService


async def known(tx: Transaction, case_id: UUID) -> Case:
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    return case


def agreed(decided: CaseEvent | Sequence[CaseEvent] | Refused | None) -> list[CaseEvent]:
    """The events; a refusal is raised."""
    if isinstance(decided, Refused):
        raise problem_of(decided)
    if decided is None:
        return []
    return [decided] if isinstance(decided, CaseEvent) else list(decided)


def changed_answer(
    case: Case, changed: tuple[str, ...] = (), crisis: EmergencyService | None = None
) -> Changed:
    return Changed(
        case_id=case.case_id,
        number=case.number,
        state=case.shown_state,
        urgency=case.urgency,
        unit_id=case.unit_id,
        outcome=case.outcome,
        urged_count=case.urged_count,
        parent_id=case.parent_id,
        appointment_starts_at=case.appointment_starts_at,
        appointment_ends_at=case.appointment_ends_at,
        changed=changed,
        crisis=crisis,
    )


async def urge_case(tx: Transaction, case_id: UUID, who: SignedIn) -> Changed:
    """The resident called again."""
    who.must(MAY_REGISTER, (await known(tx, case_id)).unit_id, tx.directory)
    return changed_answer(await urge(tx, case_id, By(who.actor())))


async def urge(tx: Transaction, case_id: UUID, by: By) -> Case:
    """With the case the one it is part of is locked, because somebody works on that."""
    before = await known(tx, case_id)
    now = await tx.lock(case_id, *([before.parent_id] if before.parent_id else []))
    case = await known(tx, case_id)
    if case.parent_id != before.parent_id:
        raise problem_of(Refused(RefusedBecause.CHANGED_MEANWHILE))
    parent = await known(tx, case.parent_id) if case.parent_id else None
    decided = changes.urge(case, parent, by, now)
    if isinstance(decided, Refused):
        raise problem_of(decided)
    for one, event in decided:
        settled = await settle(tx, one, [event])
        case = settled if one.case_id == case_id else case
    return case


async def ask(
    tx: Transaction, sealer: Sealer, case_id: UUID, command: AskInformation, who: SignedIn
) -> QuestionAsked:
    """待补充: by whoever holds the case, or whose office it is. The words are sealed under the case's key."""
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    must_hold_or_change(who, case, tx.directory)
    question_id = uuid7()
    decided = changes.ask_information(case, question_id, who.person_id, By(who.actor()), now)
    await settle(tx, case, agreed(decided))
    sealed = await _sealed(tx, sealer, case_id, f"questions.text:{question_id}", command.text)
    await questions.keep_text(tx, question_id, sealed)
    return QuestionAsked(case_id=case_id, question_id=question_id)


async def answer_for(
    tx: Transaction,
    sealer: Sealer,
    case_id: UUID,
    question_id: UUID,
    command: GiveInformation,
    who: SignedIn,
    if_match: str | None,
) -> Changed:
    """The requester answered on the phone; or the question is taken back."""
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    must_hold_or_change(who, case, tx.directory)
    must_match(case, if_match)
    return changed_answer(await give(tx, sealer, case, question_id, command.text, By(who.actor()), now=now))


async def give(
    tx: Transaction, sealer: Sealer, case: Case, question_id: UUID, text: str, by: By, *, now: datetime
) -> Case:
    case = await settle(tx, case, agreed(changes.give_information(case, question_id, by, now)))
    if text:
        sealed = await _sealed(tx, sealer, case.case_id, f"questions.answer:{question_id}", text)
        await questions.keep_answer(tx, question_id, sealed)
    return case


async def agree_window(tx: Transaction, case_id: UUID, command: WindowGiven, who: SignedIn) -> Changed:
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    must_hold_or_change(who, case, tx.directory)
    decided = changes.agree_appointment(case, command.starts_at, command.ends_at, By(who.actor()), now)
    return changed_answer(await settle(tx, case, agreed(decided)))


async def withdraw_case(tx: Transaction, case_id: UUID, who: SignedIn, if_match: str | None) -> Changed:
    await tx.lock(case_id)
    case = await known(tx, case_id)
    must_change(who, case, tx.directory)
    must_match(case, if_match)
    return changed_answer(await withdraw(tx, case_id, By(who.actor())))


async def withdraw(tx: Transaction, case_id: UUID, by: By) -> Case:
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    has_parts = bool(await families.open_children(tx, case_id))
    case = await settle(tx, case, agreed(changes.withdraw(case, has_parts=has_parts, by=by, now=now)))
    tx.disarm(case_id, LINK_EXPIRES)
    return case


async def record_consent(tx: Transaction, case_id: UUID, command: RecordConsent, who: SignedIn) -> Changed:
    must_change(who, await known(tx, case_id), tx.directory)
    return changed_answer(await consent(tx, case_id, command, By(who.actor())))


async def consent(tx: Transaction, case_id: UUID, command: RecordConsent, by: By) -> Case:
    """Kept in the journal; who no longer agrees to be contacted is asked nothing any more."""
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    row = await requesters.requester(tx, case_id)
    somebody = row["name_sealed"] is not None or row["phone_sealed"] is not None
    decided = changes.record_consent(case, command.purpose, by, now, given=command.given, reachable=somebody)
    return await settle(tx, case, agreed(decided))


async def _sealed(tx: Transaction, sealer: Sealer, case_id: UUID, where: str, text: str) -> bytes:
    row = await requesters.requester(tx, case_id)
    if row["wrapped_key"] is None:
        raise Problem(
            410,
            "requester-erased",
            "诉求人信息已删除 / The requester was erased",
            detail="无法再联系或补充 / There is nobody left to ask",
        )
    return sealer.seal(sealer.unwrap(row["wrapped_key"]), text, where)
