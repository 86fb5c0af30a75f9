"""A resident contests how the case ended, on the tracking page: number and code, once, within thirty days."""

from __future__ import annotations

from services.intake.commands.asking import ContestCase
from services.intake.commands.follow_ups import CaseAfter
from services.intake.handlers.follow_up import conclude, or_refuse, seal_for, standing_of
from services.intake.handlers.showing import case_of_code
from services.intake.handlers.story import load_known
from services.intake.queries import follow_ups
from services.intake.rules import endings
from services.intake.rules.endings import Asked
from shared.database import Transaction
from shared.event import REQUESTER
from shared.ids import uuid7
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import Channel


async def contest(tx: Transaction, sealer: Sealer, number: str, command: ContestCase) -> CaseAfter | Problem:
    """A wrong code is counted, which must be committed: that refusal is returned, the others are raised."""
    case_id = await case_of_code(tx, sealer, number, command.code)
    if isinstance(case_id, Problem):
        return case_id
    now = await tx.lock(case_id)
    case = await load_known(tx, case_id)
    decided = or_refuse(endings.contest(case, Asked(REQUESTER, Channel.WEB), uuid7(), now))
    if command.remark:
        sealed = await seal_for(tx, sealer, case_id, "contests.remark", command.remark)
        await follow_ups.keep_contest(tx, case_id, now, sealed)
    return standing_of(await conclude(tx, case, decided))
