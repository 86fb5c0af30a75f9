"""Asking the resident, and what follows: another attempt, the end of the case, or its reopening."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.follow_ups import CaseAfter, GiveAnswers, LinkShown, RecordAttempt, VerifyCase
from services.intake.handlers.permissions import MAY_ASK, MAY_VERIFY
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.story import (
    CHILD_CONTESTS,
    CHILD_NOT_CONTENT,
    LINK_EXPIRES,
    load_known,
    tell_parts,
)
from services.intake.handlers.versions import must_match
from services.intake.queries import cases, requesters
from services.intake.rules import endings
from services.intake.rules.cases import apply
from services.intake.rules.endings import Answers, Asked
from services.intake.rules.facts import Case
from services.intake.rules.merging import contests_with_parent, sends_parent_back
from services.intake.rules.places import time_zone_for
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.event import CaseEvent
from shared.events.intake import CaseClosed, CaseReopened, FollowUpRecorded
from shared.events.notify import NoticeFailed
from shared.identity import SignedIn
from shared.problems import not_found
from shared.sealing import Sealer
from shared.timers import Due


async def record_attempt(
    tx: Transaction, sealer: Sealer, follow_up_id: UUID, command: RecordAttempt, who: SignedIn
) -> CaseAfter:
    """A caller's attempt to ask, reached or not."""
    case_id = await requesters.case_of_follow_up(tx, follow_up_id)
    if case_id is None:
        raise not_found("没有这个回访 / There is no such follow-up")
    now = await tx.lock(case_id)
    case = await load_known(tx, case_id)
    role = who.must(MAY_ASK, case.unit_id, tx.directory)
    asking = case.open_follow_up
    if asking is None or asking.id != follow_up_id:
        raise problem_of(Refused(RefusedBecause.FOLLOW_UP_CLOSED))
    asked = Asked(who.actor(role), command.channel, answers_of(command) if command.reached else None)
    zone = time_zone_for(tx.directory, case.unit_path)
    parent = await load_known(tx, case.parent_id) if case.parent_id else None
    decided = or_refuse(endings.record_attempt(case, asked, zone, now, parent))
    case = await conclude(tx, case, decided)
    await keep_remark(tx, sealer, case, follow_up_id, command.remark)
    return standing_of(case)


async def answer_link(tx: Transaction, sealer: Sealer, token: str, command: GiveAnswers) -> CaseAfter:
    """The resident's own answer, once."""
    follow_up_id, case_id = await _of_link(tx, token)
    now = await tx.lock(case_id)
    case = await load_known(tx, case_id)
    decided = or_refuse(endings.answer_link(case, follow_up_id, answers_of(command), now))
    case = await conclude(tx, case, decided)
    await keep_remark(tx, sealer, case, follow_up_id, command.remark)
    return standing_of(case)


async def show_link(tx: Transaction, token: str) -> LinkShown:
    """What the resident is asked about. Looking changes nothing: messengers fetch links to preview them."""
    follow_up_id, case_id = await _of_link(tx, token)
    case = await load_known(tx, case_id)
    if refused := endings.refuse_link(case, follow_up_id, await tx.now()):
        raise problem_of(refused)
    follow_up = case.follow_up
    assert follow_up is not None
    assert follow_up.link_expires_at is not None
    assert case.handled_at is not None
    assert case.handled_outcome is not None
    return LinkShown(
        number=case.number,
        category_code=case.category_code,
        registered_at=case.registered_at,
        handled_at=case.handled_at,
        handled_outcome=case.handled_outcome,
        expires_at=follow_up.link_expires_at,
        language=(await requesters.requester(tx, case_id))["language"],
    )


async def link_expired(tx: Transaction, due: Due, now: datetime) -> None:
    """Nobody used the link in time: that was one attempt, if it was ever sent."""
    assert due.part_id is not None
    if await requesters.sealed_link(tx, due.part_id) is None:
        return
    case = await load_known(tx, due.subject_id)
    await conclude(tx, case, endings.link_unanswered(case, due.part_id, now))


async def link_never_sent(tx: Transaction, event: NoticeFailed, now: datetime) -> None:
    """A link that could not be brought was no attempt to ask: nothing happens when it runs out."""
    if event.follow_up_id is not None:
        tx.disarm(event.case_id, LINK_EXPIRES, event.follow_up_id)


async def verify_case(
    tx: Transaction, sealer: Sealer, case_id: UUID, command: VerifyCase, who: SignedIn, if_match: str | None
) -> CaseAfter:
    """Somebody who did not handle it looks at the evidence, where nobody can be asked."""
    now = await tx.lock(case_id)
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    role = who.must(MAY_VERIFY, case.unit_id, tx.directory)
    must_match(case, if_match)
    decided = or_refuse(endings.verify(case, who.actor(role), solved=command.solved, now=now))
    if command.remark:
        sealed = await seal_for(tx, sealer, case_id, f"verification_remarks.{case.round}", command.remark)
        await requesters.keep_verification_remark(tx, case_id, case.round, sealed)
    return standing_of(await conclude(tx, case, decided))


def standing_of(case: Case) -> CaseAfter:
    follow_up = case.open_follow_up or case.follow_up
    return CaseAfter(
        case_id=case.case_id,
        number=case.number,
        state=case.state,
        round=case.round,
        outcome=case.outcome,
        closed_by=case.closed_by,
        attempts=len(follow_up.attempts) if follow_up else 0,
        next_attempt_at=follow_up.due_at if follow_up and follow_up.open else None,
    )


def link_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def _of_link(tx: Transaction, token: str) -> tuple[UUID, UUID]:
    found = await requesters.follow_up_of_link(tx, link_hash(token))
    if found is None:
        raise not_found("没有这个链接 / There is no such link")
    return found


def answers_of(command: RecordAttempt | GiveAnswers) -> Answers:
    assert command.contacted is not None
    return Answers(command.contacted, command.solved, command.satisfaction, command.coached)


def or_refuse(decided: Sequence[CaseEvent] | Refused) -> Sequence[CaseEvent]:
    if isinstance(decided, Refused):
        raise problem_of(decided)
    return decided


async def conclude(tx: Transaction, case: Case, decided: Sequence[CaseEvent]) -> Case:
    """Apply, save and announce what was decided; the link's timer goes with its follow-up."""
    if not decided:
        return case
    before, now = case, decided[-1].at
    for event in decided:
        case = apply(case, event)
        _count(event)
    if case.follow_up is None or not case.follow_up.open:
        tx.disarm(case.case_id, LINK_EXPIRES)
    await cases.save(tx, case)
    tx.announce(*decided)
    await tell_parts(tx, before, case, now)
    if (parent_id := sends_parent_back(before, case)) is not None:
        tx.arm(parent_id, CHILD_NOT_CONTENT, now, case.case_id)
    if (parent_id := contests_with_parent(before, case)) is not None:
        tx.arm(parent_id, CHILD_CONTESTS, now, case.case_id)
    return case


def _count(event: CaseEvent) -> None:
    match event:
        case FollowUpRecorded():
            metrics.FOLLOW_UPS_RECORDED.labels(event.channel, str(event.reached).lower()).inc()
        case CaseClosed():
            metrics.CASES_CLOSED.labels(event.closed_by, event.outcome).inc()
        case CaseReopened():
            metrics.CASES_REOPENED.inc()


async def keep_remark(tx: Transaction, sealer: Sealer, case: Case, follow_up_id: UUID, remark: str) -> None:
    """What was said beside the answers of the latest attempt."""
    if not remark:
        return
    [asked] = [one for one in (case.follow_up, case.progress_call) if one and one.id == follow_up_id]
    number = asked.attempts[-1].number
    column = f"follow_up_attempts.{follow_up_id}.{number}"
    sealed = await seal_for(tx, sealer, case.case_id, column, remark)
    await requesters.keep_remark(tx, follow_up_id, number, sealed)


async def seal_for(tx: Transaction, sealer: Sealer, case_id: UUID, column: str, text: str) -> bytes:
    row = await requesters.requester(tx, case_id)
    return sealer.seal(sealer.unwrap(row["wrapped_key"]), text, f"{column}:{case_id}")
