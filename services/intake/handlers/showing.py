"""Showing cases: masked to staff, in clear to who may and says why, by number and code to whoever asked."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.intake import metrics
from services.intake.commands.showing import (
    CaseShown,
    Contact,
    ContactPurpose,
    PlaceShown,
    RemarkRevealed,
    RequesterShown,
    Revealed,
    RevealPurpose,
    Tracked,
)
from services.intake.handlers.follow_up import link_hash
from services.intake.handlers.permissions import must_reveal, must_see
from services.intake.handlers.refusals import no_such_case
from services.intake.handlers.registration import context, tracking_url
from services.intake.handlers.story import load_known
from services.intake.queries import cases, requesters
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
from shared.vocabulary import Channel

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
        | {"requester": masked(sealer, row, can_be_asked=None if held else case.requester_can_be_asked)},
        place=PlaceShown(lon=case.lon, lat=case.lat, label=case.place_label),
        unit_id=case.unit_id,
        follow_up_id=case.open_follow_up.id if case.open_follow_up and not held else None,
    )


def masked(sealer: Sealer, row: Row, *, can_be_asked: bool | None) -> RequesterShown:
    name, phone = (_open(sealer, row, column) for column in ("name", "phone"))
    return RequesterShown(
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
        name=_open(sealer, row, "name"),
        phone=_open(sealer, row, "phone"),
        language=row["language"],
        description=_open(sealer, row, "description") or "",
        remarks=() if who.person_id in case.holders else await _remarks(tx, sealer, row),
    )


async def _remarks(tx: Transaction, sealer: Sealer, row: Row) -> tuple[RemarkRevealed, ...]:
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


async def track(tx: Transaction, sealer: Sealer, number: str, code: str) -> Tracked | Problem:
    """Where the case stands. An unknown number and a wrong code are told in the same words."""
    case_id = await case_of_code(tx, sealer, number, code)
    if isinstance(case_id, Problem):
        return case_id
    return Tracked(**asdict(await load_known(tx, case_id)))


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
    phone = _open(sealer, row, "phone")
    if phone is None:
        raise Problem(404, "no-contact", "没有联系方式 / There is nothing to send it to")
    link = None
    if purpose is ContactPurpose.PLEASE_ANSWER:
        link = await _link(tx, sealer, case, row, now)
    tx.note(RequesterRevealed(at=now, case_id=case_id, actor=SYSTEM, purpose=purpose))
    metrics.REVEALS.labels(purpose).inc()
    return Contact(
        name=_open(sealer, row, "name"),
        phone=phone,
        language=row["language"],
        number=case.number,
        pickup_code=_open(sealer, row, "pickup_code") or "",
        tracking_url=tracking_url(public_url, case.number),
        follow_up_url=f"{public_url.rstrip('/')}/api/intake/follow-up-links/{link}" if link else None,
    )


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


def _open(sealer: Sealer, row: Row, column: str) -> str | None:
    sealed = row[f"{column}_sealed"]
    if sealed is None or row["wrapped_key"] is None:
        return None
    return sealer.unseal(sealer.unwrap(row["wrapped_key"]), sealed, context(column, row["case_id"]))
