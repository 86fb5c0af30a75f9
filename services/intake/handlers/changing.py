"""What staff change of a case on somebody's behalf: 催办, appointments, consents, withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.intake.commands.changes import Changed, RecordConsent, WindowGiven
from services.intake.commands.transfer import Transfer
from services.intake.handlers.permissions import MAY_REGISTER, must_change, must_hold_or_change
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.story import LINK_EXPIRES, PARENT_MOVED
from services.intake.handlers.telling import settle
from services.intake.handlers.versions import must_match
from services.intake.queries import cases, families, requesters
from services.intake.rules import changes
from services.intake.rules.changes import By
from services.intake.rules.endings import may_ask
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.event import CaseEvent
from shared.identity import SignedIn
from shared.vocabulary import CaseState


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


def changed_answer(case: Case, changed: tuple[str, ...] = (), transfer: Transfer | None = None) -> Changed:
    return Changed(
        transfer=transfer,
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


async def agree_window(tx: Transaction, case_id: UUID, command: WindowGiven, who: SignedIn) -> Changed:
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    must_hold_or_change(who, case, tx.directory)
    by = By(who.actor(), held=not may_ask(case, who.person_id))
    decided = changes.agree_appointment(case, command.starts_at, command.ends_at, by, now)
    return changed_answer(await settle(tx, case, agreed(decided)))


async def _must_speak_for_requester(tx: Transaction, who: SignedIn, case: Case) -> None:
    """To take the case back, or to agree to something, is the requester's; the desk writes it down for them. Whoever
    held it, or the case it is part of, would so escape the questions about their own work."""
    must_change(who, case, tx.directory)
    held = [case, *([await known(tx, case.parent_id)] if case.parent_id else [])]
    if not all(may_ask(one, who.person_id) for one in held):
        raise problem_of(Refused(RefusedBecause.RESIDENTS_OWN))


async def withdraw_case(tx: Transaction, case_id: UUID, who: SignedIn, if_match: str | None) -> Changed:
    await tx.lock(case_id)
    case = await known(tx, case_id)
    await _must_speak_for_requester(tx, who, case)
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
    await tx.lock(case_id)
    await _must_speak_for_requester(tx, who, await known(tx, case_id))
    return changed_answer(await consent(tx, case_id, command, By(who.actor())))


async def consent(tx: Transaction, case_id: UUID, command: RecordConsent, by: By) -> Case:
    """Kept in the journal; who no longer agrees to be contacted is asked nothing any more. A part then ends with the
    case it is part of, which may have closed before."""
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    row = await requesters.requester(tx, case_id)
    somebody = row["name_sealed"] is not None or row["phone_sealed"] is not None
    decided = changes.record_consent(case, command.purpose, by, now, given=command.given, reachable=somebody)
    case = await settle(tx, case, agreed(decided))
    if case.state is CaseState.MERGED:
        tx.arm(case_id, PARENT_MOVED, now)
    return case
