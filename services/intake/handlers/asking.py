"""待补充: asking the requester, and what they answer, which may say that it is more urgent than anybody knew."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake.commands.changes import AskInformation, Changed, GiveInformation, QuestionAsked
from services.intake.commands.transfer import Transfer
from services.intake.handlers.amending import raise_by_words
from services.intake.handlers.changing import agreed, changed_answer, known
from services.intake.handlers.permissions import must_hold_or_change
from services.intake.handlers.telling import settle
from services.intake.handlers.versions import must_match
from services.intake.queries import questions, requesters
from services.intake.rules import changes
from services.intake.rules.changes import By
from services.intake.rules.facts import Case
from shared.database import Transaction
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer


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
    case, transfer = await give(tx, sealer, case, question_id, command.text, By(who.actor()), now=now)
    return changed_answer(case, transfer=transfer)


async def give(
    tx: Transaction, sealer: Sealer, case: Case, question_id: UUID, text: str, by: By, *, now: datetime
) -> tuple[Case, Transfer | None]:
    """The case as it is then, and whom to call first if the words say so."""
    case = await settle(tx, case, agreed(changes.give_information(case, question_id, by, now)))
    if text:
        sealed = await _sealed(tx, sealer, case.case_id, f"questions.answer:{question_id}", text)
        await questions.keep_answer(tx, question_id, sealed)
    return await raise_by_words(tx, case, text, by, now)


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
