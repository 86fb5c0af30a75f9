"""Feedback cards on paper, entered by a caller many at a time. The number printed on a card counts once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.intake.commands.asking import CardAnswer, CardAnswers, CardFilledIn, CardResult, EnterCards
from services.intake.handlers.follow_up import conclude, keep_remark
from services.intake.handlers.permissions import MAY_ASK
from services.intake.handlers.refusals import WORDS
from services.intake.handlers.story import load_known
from services.intake.queries import follow_ups
from services.intake.rules import endings
from services.intake.rules.endings import Answers, Asked
from services.intake.rules.facts import Case
from services.intake.rules.numbering import understood
from services.intake.rules.places import time_zone_for
from services.intake.rules.refusals import Refused
from shared.database import Transaction
from shared.event import CaseEvent
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.sealing import Sealer
from shared.vocabulary import Channel, Role

UNKNOWN = "请核对卡片上的工单号 / Check the number of the case on the card"
COUNTED = "这张卡片已经录入过 / This card was entered already"
NOT_YOURS = "不是您所辖的工单 / The case is not of your units"


async def enter_cards(tx: Transaction, sealer: Sealer, command: EnterCards, who: SignedIn) -> CardAnswers:
    """Each card by itself: one that is refused leaves the others as they are. Answers come in the order given."""
    known, parents = await follow_ups.cases_of_numbers(
        tx, [number for card in command.cards if (number := understood(card.number))]
    )
    now = await tx.lock(*known.values(), *parents) if known else await tx.now()
    # Card numbers are claimed in their own order, so that two batches never wait for each other in a circle.
    answers: dict[int, CardAnswer] = {}
    for place, card in sorted(enumerate(command.cards), key=lambda entry: entry[1].card_number):
        answers[place] = await _enter(tx, sealer, card, known, who, now)
    return CardAnswers(items=tuple(answers[place] for place in range(len(command.cards))))


async def _enter(
    tx: Transaction,
    sealer: Sealer,
    card: CardFilledIn,
    known: Mapping[str, UUID],
    who: SignedIn,
    now: datetime,
) -> CardAnswer:
    case_id = known.get(understood(card.number) or "")
    if case_id is None:
        return _told(card, CardResult.UNKNOWN_NUMBER, UNKNOWN)
    case = await load_known(tx, case_id)
    role = next((role for role in MAY_ASK if who.may(role, case.unit_id, tx.directory)), None)
    if role is None:
        return _told(card, CardResult.NOT_YOURS, NOT_YOURS)
    if await follow_ups.is_counted(tx, card.card_number):
        return _told(card, CardResult.COUNTED_BEFORE, COUNTED)
    parent = await load_known(tx, case.parent_id) if case.parent_id else None
    decided, result = _decided(tx, card, case, parent, who, role, now)
    if isinstance(decided, Refused):
        return _told(card, CardResult.REFUSED, WORDS[decided.because][2], because=decided.because.value)
    if not await follow_ups.count_card(tx, card.card_number, case, who.person_id, now):
        return _told(card, CardResult.COUNTED_BEFORE, COUNTED)
    asking = case.open_follow_up
    case = await conclude(tx, case, decided)
    if asking is not None:
        await keep_remark(tx, sealer, case, asking.id, card.remark)
    return CardAnswer(card_number=card.card_number, result=result, case_id=case.case_id, state=case.state)


def _decided(
    tx: Transaction,
    card: CardFilledIn,
    case: Case,
    parent: Case | None,
    who: SignedIn,
    role: Role,
    now: datetime,
) -> tuple[tuple[CaseEvent, ...] | Refused, CardResult]:
    """A card that comes in after the case was closed contests its end if it says so, and is too late otherwise."""
    answers = Answers(card.contacted, card.solved, card.satisfaction, card.coached)
    asked = Asked(who.actor(role), Channel.PAPER_CARD, answers)
    if case.open_follow_up is None and not answers.content and endings.may_ask(case, who.person_id, parent):
        return endings.contest(case, parent, asked, uuid7(), now), CardResult.CONTESTED
    zone = time_zone_for(tx.directory, case.unit_path)
    return endings.record_attempt(case, asked, zone, now, parent), CardResult.RECORDED


def _told(card: CardFilledIn, result: CardResult, detail: str, *, because: str | None = None) -> CardAnswer:
    return CardAnswer(card_number=card.card_number, result=result, because=because, detail=detail)
