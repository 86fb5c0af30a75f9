"""What waited for the morning: sent when its time has come, several as one."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from pydantic_core import to_json

from services.notify.channels.variables import Audience
from services.notify.handlers.office import Office
from services.notify.queries import messages
from services.notify.queries.messages import HeldMessage, Outgoing
from services.notify.rules.ways import DigestMode, Priority, Via
from shared.database import Transaction
from shared.ids import uuid7
from shared.vocabulary import NoticeKind

RELEASED_MAX = 500
LINES_MAX = 20


async def release(office: Office, tx: Transaction) -> int:
    """Release what has waited long enough, in one transaction; how many messages there were."""
    waited = await messages.releasable(tx, await tx.now(), RELEASED_MAX)
    if not waited:
        return 0
    together: defaultdict[tuple[str, str], list[HeldMessage]] = defaultdict(list)
    alone: list[UUID] = []
    for one in waited:
        if one.person_id is None or office.preferences(one.person_id).digest is DigestMode.OFF:
            alone.append(one.notice_id)
        else:
            together[one.person_id, one.via].append(one)
    digests: list[Outgoing] = []
    into: dict[UUID, UUID] = {}
    for (person_id, via), gathered in together.items():
        if len(gathered) == 1:
            alone.append(gathered[0].notice_id)
            continue
        digest = _digest(office, tx, person_id, Via(via), gathered)
        digests.append(digest)
        into |= {one.notice_id: digest.notice_id for one in gathered}
    await messages.release(tx, alone)
    await messages.gather(tx, into)
    await messages.write(tx, digests)
    return len(waited)


def _digest(
    office: Office, tx: Transaction, person_id: str, via: Via, gathered: list[HeldMessage]
) -> Outgoing:
    """One message that names each by its title, the first twenty of them."""
    digest_id = uuid7()
    language = office.language(tx.directory.people.get(person_id), person_id)
    titles = [
        office.words(
            tx.directory, Audience.STAFF, NoticeKind(one.body["kind"]), language, dict(one.body)
        ).title
        for one in gathered[:LINES_MAX]
    ]
    lines = [f"· {title}" for title in titles]
    if (more := len(gathered) - len(titles)) > 0:
        lines.append(f"· +{more}")
    body = {"kind": NoticeKind.DIGEST, "count": len(gathered), "lines": "\n".join(lines)}
    return Outgoing(
        notice_id=digest_id,
        key=f"{digest_id}.{NoticeKind.DIGEST}.{person_id}",
        event_id=digest_id,
        case_id=gathered[0].case_id,
        kind=NoticeKind.DIGEST,
        person_id=person_id,
        via=via,
        body=to_json(body).decode(),
        priority=Priority.ORDINARY,
    )
