"""Examples of what notify tells."""

from __future__ import annotations

from shared import vocabulary as v
from shared.events import notify as e
from tests.contracts.examples.world import OTHER, PHONE, WORKER, of_case

TOLD = {"notice_id": OTHER, "kind": v.NoticeKind.OFFER, "person_id": WORKER, "via": "feed"}
NOTIFY = (
    e.NoticeDelivered(**of_case(1), **TOLD, attempt=1),
    e.NoticeRead(**of_case(2, *PHONE), **TOLD),
    e.NoticeFailed(**of_case(3), **TOLD | {"via": "smtp"}, attempt=5, because="refused"),
    e.NoticeReceived(**of_case(4), **TOLD),
)
