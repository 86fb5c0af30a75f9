"""Showing cases: masked to staff, in clear to who may and says why, by number and code to whoever asked."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.changes import ConsentPurpose
from services.intake.commands.registration import Beneficiary
from services.intake.commands.showing import (
    AppointmentShown,
    CaseShown,
    Contact,
    ContactPurpose,
    PlaceShown,
    QuestionShown,
    RemarkRevealed,
    RequesterShown,
    Revealed,
    RevealPurpose,
)
from services.intake.handlers.follow_up import link_hash
from services.intake.handlers.permissions import must_reveal, must_see
from services.intake.handlers.refusals import no_such_case
from services.intake.handlers.registration import context, told, tracking_url
from services.intake.queries import cases, questions, requesters
from services.intake.rules import numbering
from services.intake.rules.endings import refuse_link
from services.intake.rules.facts import Case
from services.intake.rules.privacy import (
    Guesses,
    RequesterRevealed,
    guessed_wrong,
    masked_name,
    masked_phone,
    may_guess,
)
from shared.database import Row, Transaction
from shared.event import SYSTEM
from shared.identity import SignedIn
from shared.problems import Problem
from shared.sealing import Sealer
from shared.vocabulary import Channel, Language

TRY_AGAIN_SECONDS = 900


async def show_case(tx: Transaction, sealer: Sealer, case_id: UUID, who: SignedIn) -> CaseShown:
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    must_see(who, case, tx.directory)
    held = who.person_id in case.holders
    row = await requesters.requester(tx, case_id)
    return CaseShown(
        **asdict(case)
        | {
            "requester": masked(sealer, row, can_be_asked=None if held else case.requester_can_be_asked),
            "state": case.shown_state,
            "questions": (),
        },
        appointment=appointment_of(case),
        awaiting_since=case.open_question.asked_at if case.open_question else None,
        place=PlaceShown(lon=case.lon, lat=case.lat, label=case.place_label),
        unit_id=case.unit_id,
        follow_up_id=case.open_follow_up.id if case.open_follow_up and not held else None,
    )


def masked(sealer: Sealer, row: Row, *, can_be_asked: bool | None) -> RequesterShown:
    name, phone = (opened(sealer, row, column) for column in ("name", "phone"))
    beneficiary = beneficiary_of(sealer, row)
    return RequesterShown(
        on_behalf_of=masked_name(beneficiary.name) if beneficiary else None,
        name=masked_name(name) if name else None,
        phone=masked_phone(phone) if phone else None,
        language=row["language"],
        can_be_asked=can_be_asked,
    )


async def reveal(
    tx: Transaction, sealer: Sealer, case_id: UUID, purpose: RevealPurpose, who: SignedIn
) -> Revealed:
    """Who asked, in clear; who saw it and why stays in the journal."""
    now = await tx.lock(case_id)
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    must_reveal(who, case, tx.directory)
    row = await requesters.requester(tx, case_id)
    tx.note(
        RequesterRevealed(at=now, case_id=case_id, actor=who.actor(), channel=Channel.DESK, purpose=purpose)
    )
    metrics.REVEALS.labels(purpose).inc()
    return Revealed(
        name=opened(sealer, row, "name"),
        phone=opened(sealer, row, "phone"),
        language=row["language"],
        description=opened(sealer, row, "description") or "",
        on_behalf_of=beneficiary_of(sealer, row),
        author=opened(sealer, row, "author"),
        answer=opened(sealer, row, "answer"),
        questions=await questions_of(tx, sealer, row),
        remarks=() if who.person_id in case.holders else await remarks_of(tx, sealer, row),
    )


async def remarks_of(tx: Transaction, sealer: Sealer, row: Row) -> tuple[RemarkRevealed, ...]:
    if row["wrapped_key"] is None:
        return ()
    key, case_id = sealer.unwrap(row["wrapped_key"]), row["case_id"]
    return tuple(
        RemarkRevealed(
            **{name: said[name] for name in ("round", "at", "channel")},
            text=sealer.unseal(key, said["remark_sealed"], f"{said['column']}:{case_id}"),
        )
        for said in await requesters.remarks(tx, case_id)
    )


async def case_of_code(tx: Transaction, sealer: Sealer, number: str, code: str) -> UUID | Problem:
    """The case that number and code open. A wrong code is counted and must be committed: refusals are returned."""
    written = numbering.understood(number)
    found = await requesters.code_of(tx, written) if written else None
    if found is None or found.wrapped_key is None:
        return _not_tracked()
    if not may_guess(found.guesses, found.real_now):
        return _too_many_guesses()
    digest = sealer.digest(sealer.unwrap(found.wrapped_key), code)
    if not hmac.compare_digest(digest, found.digest):
        metrics.WRONG_CODES.inc()
        await requesters.count_guesses(tx, found.case_id, guessed_wrong(found.guesses, found.real_now))
        return _not_tracked()
    if found.guesses.wrong:
        await requesters.count_guesses(tx, found.case_id, Guesses())
    return found.case_id


def _not_tracked() -> Problem:
    return Problem(
        404,
        "not-tracked",
        "工单号或取件码不对 / The number or the code is not right",
        detail="请核对短信或回执上的 11 位工单号和 6 位取件码 / Check its 11 digits and the 6 of the code",
    )


def _too_many_guesses() -> Problem:
    return Problem(
        429,
        "too-many-guesses",
        "错误次数过多 / Too many wrong codes",
        detail="请一刻钟后再试，或来电查询 / Try again in a quarter of an hour, or call us",
        headers={"Retry-After": str(TRY_AGAIN_SECONDS)},
    )


async def contact(
    tx: Transaction, sealer: Sealer, case_id: UUID, purpose: ContactPurpose, public_url: str
) -> Contact:
    """Where one message goes. The follow-up's link is drawn when it is first to be sent."""
    now = await tx.lock(case_id)
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    row = await requesters.requester(tx, case_id)
    phone = opened(sealer, row, "phone")
    if phone is None or ConsentPurpose.CONTACT in case.refused_consents:
        raise Problem(404, "no-contact", "没有联系方式 / There is nothing to send it to")
    link = None
    if purpose is ContactPurpose.PLEASE_ANSWER:
        link = await _link(tx, sealer, case, row, now)
    tx.note(RequesterRevealed(at=now, case_id=case_id, actor=SYSTEM, purpose=purpose))
    metrics.REVEALS.labels(purpose).inc()
    return Contact(
        name=opened(sealer, row, "name"),
        phone=phone,
        language=row["language"],
        number=case.number,
        pickup_code=opened(sealer, row, "pickup_code") or "",
        tracking_url=tracking_url(public_url, case.number),
        follow_up_url=f"{public_url.rstrip('/')}/api/intake/follow-up-links/{link}" if link else None,
        text=await _text_of(tx, sealer, case, row, purpose),
    )


async def _text_of(
    tx: Transaction, sealer: Sealer, case: Case, row: Row, purpose: ContactPurpose
) -> str | None:
    """What the message is about, where that is more than the state of the case."""
    if purpose is ContactPurpose.INFORMATION_ASKED:
        asked = [one.text for one in await questions_of(tx, sealer, row) if one.ended_at is None]
        return asked[-1] if asked else None
    if purpose in {ContactPurpose.CASE_ANSWERED, ContactPurpose.NOT_ACCEPTED}:
        said = told(tx.directory, case, opened(sealer, row, "answer") or "")
        return None if said is None else (said.en if row["language"] == Language.ENGLISH else said.zh)
    return None


async def _link(tx: Transaction, sealer: Sealer, case: Case, row: Row, now: datetime) -> str:
    follow_up = case.follow_up
    if follow_up is None or refuse_link(case, follow_up.id, now):
        raise Problem(409, "no-open-link", "没有待回答的回访 / There is nothing to answer any more")
    key, where = sealer.unwrap(row["wrapped_key"]), f"follow_ups.link:{follow_up.id}"
    sealed = await requesters.sealed_link(tx, follow_up.id)
    if sealed is not None:
        return sealer.unseal(key, sealed, where)
    token = secrets.token_urlsafe(24)
    await requesters.keep_link(tx, follow_up.id, link_hash(token), sealer.seal(key, token, where))
    return token


def opened(sealer: Sealer, row: Row, column: str) -> str | None:
    sealed = row[f"{column}_sealed"]
    if sealed is None or row["wrapped_key"] is None:
        return None
    return sealer.unseal(sealer.unwrap(row["wrapped_key"]), sealed, context(column, row["case_id"]))


def beneficiary_of(sealer: Sealer, row: Row) -> Beneficiary | None:
    """For whom a proxy or a guardian asks. Not every list reads that column."""
    given = opened(sealer, row, "beneficiary") if "beneficiary_sealed" in row else None
    return Beneficiary.model_validate_json(given) if given else None


async def questions_of(tx: Transaction, sealer: Sealer, row: Row) -> tuple[QuestionShown, ...]:
    """What the requester was asked and answered, in clear; nothing once the key is gone."""
    if row["wrapped_key"] is None:
        return ()
    key = sealer.unwrap(row["wrapped_key"])

    def words(asked: Row, column: str) -> str | None:
        sealed = asked[f"{column}_sealed"]
        return sealer.unseal(key, sealed, f"questions.{column}:{asked['id']}") if sealed is not None else None

    return tuple(
        QuestionShown(
            question_id=asked["id"],
            asked_at=asked["asked_at"],
            ended_at=asked["ended_at"],
            text=words(asked, "text") or "",
            answer=words(asked, "answer"),
        )
        for asked in await questions.of_case(tx, row["case_id"])
    )


def appointment_of(case: Case) -> AppointmentShown | None:
    if case.appointment_starts_at is None or case.appointment_ends_at is None:
        return None
    return AppointmentShown(starts_at=case.appointment_starts_at, ends_at=case.appointment_ends_at)
