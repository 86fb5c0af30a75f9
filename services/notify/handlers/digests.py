"""What waited for the morning: sent when its time has come, several as one."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import to_json

from services.notify import metrics
from services.notify.channels.variables import Audience
from services.notify.handlers.office import Office
from services.notify.queries import messages
from services.notify.queries.messages import HeldMessage, Outgoing
from services.notify.rules.ways import DigestMode, Priority, Via
from shared.database import Transaction
from shared.ids import uuid7
from shared.vocabulary import NoticeKind

log = logging.getLogger(__name__)

RELEASED_MAX = 500
LINES_MAX = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A message that waited, by its title."""

    held: HeldMessage
    title: str


async def release(office: Office, tx: Transaction) -> int:
    """Release what has waited long enough, in one transaction; how many messages there were."""
    waited = await messages.releasable(tx, await tx.now(), RELEASED_MAX)
    if not waited:
        return 0
    together: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    alone: list[UUID] = []
    for one in waited:
        title = _title(office, tx, one)
        if one.person_id is None or title is None:
            alone.append(one.notice_id)
        else:
            together[one.person_id, one.via].append(Line(one, title))
    digests: list[Outgoing] = []
    into: dict[UUID, UUID] = {}
    for (person_id, via), lines in together.items():
        if len(lines) == 1:
            alone.append(lines[0].held.notice_id)
            continue
        digest = _digest(person_id, Via(via), lines)
        digests.append(digest)
        into |= {line.held.notice_id: digest.notice_id for line in lines}
    await messages.release(tx, alone)
    await messages.gather(tx, into)
    await messages.write(tx, digests)
    return len(waited)


def _title(office: Office, tx: Transaction, held: HeldMessage) -> str | None:
    """What a digest calls it; `None` for what goes by itself. So does one whose words cannot be said: among the senders
    its fault stops nobody else."""
    person_id = held.person_id
    if person_id is None or office.preferences(person_id).digest is DigestMode.OFF:
        return None
    try:
        language = office.language(tx.directory.people.get(person_id), person_id)
        kind = NoticeKind(held.body["kind"])
        return office.words(tx.directory, Audience.STAFF, kind, language, dict(held.body)).title
    except Exception:
        metrics.UNTITLED.inc()
        log.exception("message %s cannot stand in a digest", held.notice_id)
        return None


def _digest(person_id: str, via: Via, lines: Sequence[Line]) -> Outgoing:
    """One message that names each by its title, the first twenty of them."""
    digest_id = uuid7()
    said = [f"· {line.title}" for line in lines[:LINES_MAX]]
    if (more := len(lines) - len(said)) > 0:
        said.append(f"· +{more}")
    body = {"kind": NoticeKind.DIGEST, "count": len(lines), "lines": "\n".join(said)}
    return Outgoing(
        notice_id=digest_id,
        key=f"{digest_id}.{NoticeKind.DIGEST}.{person_id}",
        event_id=digest_id,
        case_id=lines[0].held.case_id,
        kind=NoticeKind.DIGEST,
        person_id=person_id,
        via=via,
        body=to_json(body).decode(),
        priority=Priority.ORDINARY,
    )
