"""A copy of everything that is kept about a person, across cases, for who asks for their own data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.intake import metrics
from services.intake.commands.asking import FollowUpTold
from services.intake.commands.personal import (
    AttachmentTold,
    EntryTold,
    PersonAsked,
    PersonsCase,
    PersonsData,
)
from services.intake.commands.showing import PlaceShown, RevealPurpose
from services.intake.handlers.callers_list import cursor_of, read_cursor
from services.intake.handlers.permissions import MAY_EXPORT, units_of
from services.intake.handlers.refusals import no_such_case
from services.intake.handlers.showing import beneficiary_of, opened, questions_of, remarks_of
from services.intake.handlers.story import load_known
from services.intake.queries import cases, follow_ups, personal, requesters
from services.intake.queries.search import FROM_THE_NEWEST
from services.intake.rules.privacy import RequesterRevealed, RequesterSearched, searches_of
from shared.database import Transaction
from shared.event import Event
from shared.identity import SignedIn
from shared.journal import story
from shared.sealing import Sealer
from shared.vocabulary import Channel

PURPOSE = RevealPurpose.DATA_SUBJECT_REQUEST


async def export_person(tx: Transaction, sealer: Sealer, command: PersonAsked, who: SignedIn) -> PersonsData:
    """Journalled in every case it shows, and with whoever exported it."""
    assert command.phone is not None
    rows = await personal.of_phone(
        tx,
        sealer.blind_indexes(command.phone),
        units_of(who, MAY_EXPORT),
        before=read_cursor(command.cursor) if command.cursor else FROM_THE_NEWEST,
        rows_max=command.limit + 1,
    )
    taken = rows[: command.limit]
    own = searches_of(who.person_id)
    now = await tx.lock(own, *(row["case_id"] for row in taken))
    given: dict[str, Any] = {
        "at": now,
        "actor": who.actor(MAY_EXPORT[0]),
        "channel": Channel.DESK,
        "purpose": PURPOSE,
    }
    tx.note(RequesterSearched(case_id=own, found=len(taken), **given))
    tx.note(*(RequesterRevealed(case_id=row["case_id"], **given) for row in taken))
    metrics.REVEALS.labels(PURPOSE).inc(len(taken))
    more = len(rows) > command.limit
    return PersonsData(
        cases=tuple([await _case(tx, sealer, row["case_id"]) for row in taken]),
        next_cursor=cursor_of(taken[-1]["registered_at"], taken[-1]["case_id"]) if more else None,
    )


async def export_case(tx: Transaction, sealer: Sealer, case_id: UUID, who: SignedIn) -> PersonsCase:
    """Of one case, also where no phone leads to it."""
    now = await tx.lock(case_id)
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    role = who.must(MAY_EXPORT, case.unit_id, tx.directory)
    given = {"actor": who.actor(role), "channel": Channel.DESK, "purpose": PURPOSE}
    tx.note(RequesterRevealed(at=now, case_id=case_id, **given))
    metrics.REVEALS.labels(PURPOSE).inc()
    return await _case(tx, sealer, case_id)


async def _case(tx: Transaction, sealer: Sealer, case_id: UUID) -> PersonsCase:
    case = await load_known(tx, case_id)
    row = await requesters.requester(tx, case_id)
    kept = {name: getattr(case, name) for name in PersonsCase.model_fields if hasattr(case, name)}
    told = kept | {
        "place": PlaceShown(lon=case.lon, lat=case.lat, label=case.place_label),
        "name": opened(sealer, row, "name"),
        "phone": opened(sealer, row, "phone"),
        "language": row["language"],
        "on_behalf_of": beneficiary_of(sealer, row),
        "author": opened(sealer, row, "author"),
        "description": opened(sealer, row, "description"),
        "answer_given": opened(sealer, row, "answer"),
        "refused_consents": sorted(case.refused_consents),
        "follow_ups": [_follow_up(row["story"]) for row in await follow_ups.of_case(tx, case_id)],
        "remarks": await remarks_of(tx, sealer, row),
        "questions": await questions_of(tx, sealer, row),
        "attachments": [
            AttachmentTold(
                attachment_id=one.id,
                added_at=one.added_at,
                media_type=one.media_type,
                size_bytes=one.size_bytes,
            )
            for one in case.attachments
        ],
        "history": [_entry(event) for event in await story(tx, case_id)],
    }
    return PersonsCase.model_validate(told)


def _follow_up(story: dict[str, Any]) -> FollowUpTold:
    """Who called is the caller's own data."""
    told = FollowUpTold.model_validate(story)
    attempts = tuple(one.model_copy(update={"person_id": None}) for one in told.attempts)
    return told.model_copy(update={"attempts": attempts})


def _entry(event: Event) -> EntryTold:
    return EntryTold(
        at=event.at,
        type=event.type,
        actor=event.actor.kind,
        role=event.actor.role,
        purpose=event.purpose if isinstance(event, RequesterRevealed | RequesterSearched) else None,
    )
