"""What a requester sees and does with number and code: the page, 催办, answers, appointments, consents, withdrawal.

Every function returns a refusal of the code instead of raising it, because a wrong code is counted and that must be
committed; all other refusals are raised.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from services.intake.commands.changes import (
    AgreeWindow,
    AnswerQuestion,
    OwnCase,
    RecordConsent,
    RecordOwnConsent,
    WithCode,
)
from services.intake.commands.showing import AttachmentShown, TrackingPage
from services.intake.commands.transfer import Transfer
from services.intake.handlers.asking import give
from services.intake.handlers.changing import agreed, consent, known, urge, withdraw
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import told
from services.intake.handlers.showing import appointment_of, case_of_code, opened, questions_of
from services.intake.handlers.telling import settle
from services.intake.queries import cases, requesters
from services.intake.rules import changes, numbering
from services.intake.rules.changes import By
from services.intake.rules.facts import Case
from services.intake.rules.privacy import code_speaks
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.event import REQUESTER
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import CaseState, Channel

OWN = By(REQUESTER, Channel.WEB)


@dataclass(frozen=True, slots=True)
class Found:
    """What number and code open. `awaited_id` is the case somebody may be coming to, which is the one it is part of
    where there is one; `None` while nobody can be."""

    page: TrackingPage
    awaited_id: UUID | None


async def track(tx: Transaction, sealer: Sealer, number: str, code: str) -> Found | Problem:
    """Where the case stands. Of a part the page shows how far the case it is part of has come."""
    case_id = await case_of_code(tx, sealer, number, code)
    if isinstance(case_id, Problem):
        return case_id
    case = await known(tx, case_id)
    parent = await known(tx, case.parent_id) if case.parent_id else None
    row = await requesters.requester(tx, case_id)
    asked, speaks = case.follow_up, code_speaks(case, parent, row["code_shown_to"])
    page = TrackingPage(
        **asdict(case)
        | {
            "state": case.shown_state,
            "attachments": tuple(AttachmentShown(**asdict(one)) for one in case.attachments),
            "questions": await questions_of(tx, sealer, row),
        },
        merged_into=parent.number if parent else None,
        merged_state=parent.shown_state if parent else None,
        told=told(tx.directory, case, opened(sealer, row, "answer") or ""),
        appointment=appointment_of(case),
        asked_at=asked.opened_at if asked and asked.open and speaks else None,
    )
    whole = parent or case
    return Found(page, whole.case_id if whole.open and whole.accepted_at else None)


async def urge_own(tx: Transaction, sealer: Sealer, number: str, command: WithCode) -> OwnCase | Problem:
    own = await own_case(tx, sealer, number, command)
    return own if isinstance(own, Problem) else _own(await urge(tx, own.case.case_id, OWN))


async def withdraw_own(tx: Transaction, sealer: Sealer, number: str, command: WithCode) -> OwnCase | Problem:
    own = await own_word(tx, sealer, number, command)
    return own if isinstance(own, Problem) else _own(await withdraw(tx, own.case.case_id, OWN))


async def answer_own(
    tx: Transaction, sealer: Sealer, number: str, command: AnswerQuestion
) -> OwnCase | Problem:
    own = await own_case(tx, sealer, number, command)
    if isinstance(own, Problem):
        return own
    return _own(*await give(tx, sealer, own.case, command.question_id, command.text, OWN, now=own.now))


async def agree_own(tx: Transaction, sealer: Sealer, number: str, command: AgreeWindow) -> OwnCase | Problem:
    """Another window, within the limits; whoever holds the case is told."""
    own = await own_word(tx, sealer, number, command)
    if isinstance(own, Problem):
        return own
    decided = changes.agree_appointment(own.case, command.starts_at, command.ends_at, OWN, own.now)
    return _own(await settle(tx, own.case, agreed(decided)))


async def consent_own(
    tx: Transaction, sealer: Sealer, number: str, command: RecordOwnConsent
) -> OwnCase | Problem:
    own = await own_word(tx, sealer, number, command)
    if isinstance(own, Problem):
        return own
    said = RecordConsent(purpose=command.purpose, given=command.given)
    return _own(await consent(tx, own.case.case_id, said, OWN))


@dataclass(frozen=True, slots=True)
class Own:
    """The case that number and code open, and when it was locked."""

    case: Case
    now: datetime


async def own_case(tx: Transaction, sealer: Sealer, number: str, command: WithCode) -> Own | Problem:
    """The case, locked together with the one it is part of. That comes before the requester's row, which is locked
    while its code is checked: staff lock the case first as well."""
    written = numbering.understood(number)
    found = await cases.numbered(tx, written) if written else None
    now = await tx.lock(*found) if found else await tx.now()
    case_id = await case_of_code(tx, sealer, number, command.code)
    return case_id if isinstance(case_id, Problem) else Own(await known(tx, case_id), now)


async def own_word(tx: Transaction, sealer: Sealer, number: str, command: WithCode) -> Own | Problem:
    """The same for what ends the case, puts it off or keeps the questions away: with a code that nobody knows who
    works on it. To urge, to inform and to contest gains them nothing."""
    own = await own_case(tx, sealer, number, command)
    if isinstance(own, Own):
        parent = await known(tx, own.case.parent_id) if own.case.parent_id else None
        row = await requesters.requester(tx, own.case.case_id)
        if not code_speaks(own.case, parent, row["code_shown_to"]):
            raise problem_of(Refused(RefusedBecause.CODE_KNOWN_TO_HOLDER))
    return own


def _own(case: Case, transfer: Transfer | None = None) -> OwnCase:
    return OwnCase(
        transfer=transfer,
        number=case.number,
        state=CaseState(case.shown_state),
        urged_count=case.urged_count,
        outcome=case.outcome,
        appointment_starts_at=case.appointment_starts_at,
        appointment_ends_at=case.appointment_ends_at,
    )
