"""Examples of what notify tells."""

from __future__ import annotations

from shared import vocabulary as v
from shared.events import notify as e
from tests.contracts.examples.world import BY_OFFICER, OFFICER, OTHER, PHONE, WORKER, of_alarm, of_case

TOLD = {"notice_id": OTHER, "kind": v.NoticeKind.OFFER, "person_id": WORKER, "via": "feed"}
RANG = TOLD | {"kind": v.NoticeKind.ALARM_RAISED, "person_id": OFFICER, "via": "webpush"}
NOTIFY = (
    e.NoticeDelivered(**of_case(1), **TOLD, attempt=1),
    e.NoticeRead(**of_case(2, *PHONE), **TOLD),
    e.NoticeFailed(
        **of_case(3),
        **TOLD | {"kind": v.NoticeKind.PLEASE_ANSWER, "person_id": None, "via": "webhook"},
        attempt=5,
        because="refused",
        follow_up_id=OTHER,
    ),
    e.NoticeReceived(**of_case(4), **TOLD),
    e.AlarmNoticeDelivered(**of_alarm(5), **RANG, attempt=1),
    e.AlarmNoticeRead(**of_alarm(6, BY_OFFICER, v.Channel.MOBILE), **RANG),
    e.AlarmNoticeFailed(**of_alarm(7), **RANG | {"via": "sms"}, attempt=5, because="refused"),
    e.AlarmNoticeReceived(**of_alarm(8), **RANG),
)
