"""What a resident says on the tracking page of how it ended, with number and code: the three questions while they are
asked, and within thirty days of the end a contest, once.

A wrong code is counted, which must be committed: that refusal is returned, the others are raised.
"""

from __future__ import annotations

from services.intake.commands.asking import ContestCase, GiveOwnAnswers
from services.intake.commands.follow_ups import CaseAfter
from services.intake.handlers.follow_up import (
    answers_of,
    conclude,
    keep_remark,
    or_refuse,
    seal_for,
    standing_of,
)
from services.intake.handlers.story import load_known
from services.intake.handlers.tracking import own_case, own_word
from services.intake.queries import follow_ups
from services.intake.rules import endings
from services.intake.rules.endings import Asked
from shared.database import Transaction
from shared.event import REQUESTER
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import Channel


async def answer(
    tx: Transaction, sealer: Sealer, number: str, command: GiveOwnAnswers
) -> CaseAfter | Problem:
    own = await own_word(tx, sealer, number, command)
    if isinstance(own, Problem):
        return own
    decided = or_refuse(endings.answer_own(own.case, answers_of(command), own.now))
    assert own.case.follow_up is not None
    case = await conclude(tx, own.case, decided)
    await keep_remark(tx, sealer, case, own.case.follow_up.id, command.remark)
    return standing_of(case)


async def contest(tx: Transaction, sealer: Sealer, number: str, command: ContestCase) -> CaseAfter | Problem:
    """Also with a code that a holder knows: all it does is to take the case to other people."""
    own = await own_case(tx, sealer, number, command)
    if isinstance(own, Problem):
        return own
    parent = await load_known(tx, own.case.parent_id) if own.case.parent_id else None
    decided = or_refuse(endings.contest(own.case, parent, Asked(REQUESTER, Channel.WEB), uuid7(), own.now))
    if command.remark:
        sealed = await seal_for(tx, sealer, own.case.case_id, "contests.remark", command.remark)
        await follow_ups.keep_contest(tx, own.case.case_id, own.now, sealed)
    return standing_of(await conclude(tx, own.case, decided))
