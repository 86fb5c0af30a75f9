"""What the words of each kind of notice may use, must use, and look like with example data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.notify.rules.facts import MASS_TASKS
from shared.vocabulary import Language, NoticeKind


class Audience(StrEnum):
    """To whom the words are said: our own people, or whoever asked."""

    STAFF = "staff"
    REQUESTER = "requester"


K = NoticeKind
_CASE = frozenset({"number", "headline", "place"})
_LINK = frozenset({"number", "tracking_url"})

STAFF: Mapping[NoticeKind, frozenset[str]] = {
    K.OFFER: _CASE | {"emergency", "expires_at", "due_at", "goes", "eta_seconds", "why"},
    K.OFFER_ENDED: _CASE | {"reason"},
    K.CASE_HELD: _CASE | {"holder", "due_at", "goes"},
    K.CASE_RAISED: _CASE | {"cause", "from_level", "to_level", "unit"},
    K.RAISE_VOIDED: _CASE | {"level"},
    K.DEADLINE_AMBER: _CASE | {"deadline", "due_at"},
    K.DEADLINE_MISSED: _CASE | {"deadline", "due_at", "level"},
    K.NOBODY_AVAILABLE: _CASE | {"unit"},
    K.SUPERVISION_ORDERED: _CASE | {"order", "unit", "supervising_unit"},
    K.SUPERVISION_ANSWERED: _CASE | {"unit", "author"},
    K.CASE_REOPENED: _CASE,
    K.CASE_ENDED: _CASE | {"outcome"},
    K.FOLLOW_UP_DUE: _CASE | {"due_at"},
    K.PROGRESS_CALL: _CASE,
    K.HELP_REQUESTED: _CASE | {"asker"},
    K.HELP_ANSWERED: _CASE | {"helper", "unit"},
    K.ALARM_RAISED: frozenset({"number", "headline", "worker", "unit"}),
    K.ALARM_ANSWERED: frozenset({"worker", "unit", "answerer"}),
    K.ALARM_ENDED: frozenset({"worker", "unit", "by_mistake"}),
    K.RETURN_ASKED: _CASE | {"asker", "basis", "rightful_unit"},
    K.RETURN_RULED: _CASE | {"ruling", "unanswered", "unit"},
    K.EXTENSION_ASKED: _CASE | {"asker", "due_at", "until", "extension_reason", "unit"},
    K.EXTENSION_ANSWERED: _CASE | {"approved", "unanswered", "due_at"},
    K.CASE_PARKED: _CASE | {"unit", "park_reason", "review_at"},
    K.CASE_UNPARKED: _CASE | {"unparked"},
    K.REPLY_OWED: _CASE | {"asker", "raise_reason"},
    K.REPLY_GIVEN: _CASE | {"author"},
    K.HANDED_DOWN: _CASE | {"author", "unit"},
    K.REASSIGNED: _CASE | {"from_person", "to_person", "handed_over"},
    K.CO_HANDLER_ASKED: _CASE | {"author", "unit", "due_at"},
    K.PART_HANDLED: _CASE | {"author"},
    K.CASE_AMENDED: _CASE | {"changed"},
    K.CASE_URGED: _CASE | {"count"},
    K.CASE_MERGED: _CASE | {"parent_number"},
    K.CASE_UNMERGED: _CASE,
    K.CASE_WITHDRAWN: _CASE,
    K.INFORMATION_GIVEN: _CASE,
    K.APPOINTMENT_AGREED: _CASE | {"starts_at", "ends_at"},
    K.ENTRY_FLAGGED: _CASE | {"worker", "entry", "flags"},
    K.ENTRY_CORRECTED: _CASE | {"worker", "entry"},
    K.DEVICE_TIME_ACCEPTED: _CASE | {"device_at", "received_at"},
    K.ATTACHMENT_ADDED: _CASE,
    K.CASE_LISTED: _CASE | {"days", "unit"},
    K.CALLED_IN: frozenset({"unit", "until"}),
    K.ACTING_FOR: frozenset({"lender", "roles", "until"}),
    K.MASS_TASK_GIVEN: frozenset({"task", "unit", "people", "due_at"}),
    K.MASS_TASK_TAKEN: frozenset({"task", "unit"}),
    K.MASS_TASK_CLOSED: frozenset({"task", "unit", "done", "total"}),
    K.ADVICE: frozenset({"unit"}),
    K.MATCHING_CHANGED: frozenset({"unit", "policy", "shadow_policy", "advises"}),
    K.DIGEST: frozenset({"count", "lines"}),
}

REQUESTER: Mapping[NoticeKind, frozenset[str]] = {
    K.REGISTERED: _CASE | {"pickup_code", "tracking_url"},
    K.WORKER_COMING: _CASE | {"eta_seconds", "role", "posted_name", "badge", "arrived_at"},
    K.PLEASE_ANSWER: _CASE | {"answer_url"},
    K.CASE_AMENDED: _CASE | _LINK,
    K.CASE_MERGED: _CASE | _LINK | {"parent_number"},
    K.CASE_UNMERGED: _CASE | _LINK,
    K.CASE_ANSWERED: _CASE | _LINK | {"pickup_code", "text"},
    K.NOT_ACCEPTED: _CASE | _LINK | {"pickup_code", "refusal", "service", "rightful_unit", "text"},
    K.CASE_WITHDRAWN: _CASE,
    K.INFORMATION_ASKED: _CASE | _LINK | {"pickup_code", "text"},
    K.EXTENSION_ANSWERED: _CASE | _LINK | {"due_at"},
    K.CASE_PARKED: _CASE | _LINK | {"review_at"},
    K.CASE_UNPARKED: _CASE | _LINK,
    K.APPOINTMENT_AGREED: _CASE | {"starts_at", "ends_at"},
}

VARIABLES: Mapping[tuple[Audience, NoticeKind], frozenset[str]] = {
    **{(Audience.STAFF, kind): names for kind, names in STAFF.items()},
    **{(Audience.REQUESTER, kind): names for kind, names in REQUESTER.items()},
}
"""What a template may use; what is not known is `None` there."""

NUMBERED = frozenset({"number"})
MUST_SAY: Mapping[tuple[Audience, NoticeKind], frozenset[str]] = {
    **{what: NUMBERED for what, names in VARIABLES.items() if "number" in names},
    **{
        (Audience.STAFF, kind): frozenset({"worker"})
        for kind in (K.ALARM_RAISED, K.ALARM_ANSWERED, K.ALARM_ENDED)
    },
    (Audience.STAFF, K.CALLED_IN): frozenset({"unit"}),
    (Audience.STAFF, K.ACTING_FOR): frozenset({"lender"}),
    **{(Audience.STAFF, kind): frozenset({"task"}) for kind in MASS_TASKS},
    **{(Audience.STAFF, kind): frozenset({"unit"}) for kind in (K.ADVICE, K.MATCHING_CHANGED)},
    (Audience.STAFF, K.DIGEST): frozenset({"lines"}),
    (Audience.REQUESTER, K.PLEASE_ANSWER): frozenset({"answer_url"}),
    (Audience.REQUESTER, K.INFORMATION_ASKED): NUMBERED | {"tracking_url"},
}
"""What words without it would be worth nothing: which case it is, or the link to answer by."""

OPTIONAL = frozenset(
    {
        "place",
        "due_at",
        "eta_seconds",
        "why",
        "pickup_code",
        "tracking_url",
        "rightful_unit",
        "service",
        "to_person",
        "raise_reason",
        "unit",
        "role",
        "posted_name",
        "badge",
        "arrived_at",
        "text",
        "shadow_policy",
    }
)
"""What is not always known, and so has to be asked for with `if`; in an alarm the case's own words as well."""
ALWAYS: Mapping[NoticeKind, frozenset[str]] = {
    **{kind: frozenset({"unit"}) for kind in (K.CASE_RAISED, K.NOBODY_AVAILABLE, K.SUPERVISION_ORDERED)},
    **{kind: frozenset({"due_at"}) for kind in (K.DEADLINE_AMBER, K.DEADLINE_MISSED)},
    **{kind: frozenset({"unit", "due_at"}) for kind in MASS_TASKS},
}

_WORDS: Mapping[str, tuple[str, str]] = {
    "headline": ("井盖缺失", "Manhole cover missing"),
    "place": ("建设路 12 号", "12 Jianshe Road"),
    "unit": ("建设社区", "Jianshe community"),
    "supervising_unit": ("街道", "Street office"),
    "rightful_unit": ("市场监管所", "Market regulation office"),
    **dict.fromkeys(("holder", "asker", "worker", "from_person", "author", "lender"), ("王晓", "Wang Xiao")),
    **dict.fromkeys(("helper", "answerer", "to_person", "posted_name"), ("李敏", "Li Min")),
    "task": ("全员采样", "Sampling everybody"),
    "text": ("请问井盖在路的哪一侧？", "On which side of the road is it?"),
    "lines": (
        "· 黄灯：办结时限将到\n· 待回访：26030017401",
        "· Amber: handling due soon\n· Follow-up due: 26030017401",
    ),
}
_SAME: Mapping[str, Any] = {
    "number": "26030017401",
    "emergency": True,
    "goes": True,
    "expires_at": "2026-03-02T02:11:00+00:00",
    "due_at": "2026-03-02T02:25:00+00:00",
    "until": "2026-03-05T02:25:00+00:00",
    "review_at": "2026-04-02T02:00:00+00:00",
    "starts_at": "2026-03-02T06:00:00+00:00",
    "ends_at": "2026-03-02T08:00:00+00:00",
    "device_at": "2026-03-02T02:12:00+00:00",
    "received_at": "2026-03-02T02:40:00+00:00",
    "eta_seconds": 240,
    "role": "grid_worker",
    "roles": ["supervisor", "unit_officer"],
    "badge": "A-017",
    "arrived_at": None,
    "why": "fastest",
    "reason": "lapsed",
    "cause": "by_hand",
    "level": "grid",
    "from_level": "grid",
    "to_level": "community",
    "deadline": "handle",
    "order": "listed",
    "outcome": "solved",
    "basis": "duty_list",
    "ruling": "refuse",
    "unanswered": False,
    "extension_reason": "needs_parts",
    "approved": True,
    "park_reason": "needs_funds",
    "unparked": "reviewed",
    "raise_reason": "needs_more_people",
    "handed_over": "shift_ended",
    "changed": ["place", "urgency"],
    "count": 2,
    "entry": "evidence",
    "flags": ["seen_before"],
    "days": 3,
    "people": 40,
    "done": 7387,
    "total": 7815,
    "parent_number": "26030016902",
    "by_mistake": False,
    "policy": "engine",
    "shadow_policy": "fastest_free",
    "advises": True,
    "refusal": "emergency_service",
    "service": "fire",
    "pickup_code": "471108",
    "tracking_url": "https://yike.example/t/26030017401",
    "answer_url": "https://yike.example/a/Kq3",
}


def optional(audience: Audience, kind: NoticeKind) -> frozenset[str]:
    """What may be `None` in these words."""
    must = MUST_SAY.get((audience, kind), frozenset()) | ALWAYS.get(kind, frozenset())
    of_case = _CASE if kind in (K.ALARM_RAISED, K.ALARM_ANSWERED, K.ALARM_ENDED) else frozenset()
    return ((OPTIONAL | of_case) & VARIABLES[audience, kind]) - must


def example(language: Language) -> dict[str, Any]:
    """Invented data for every variable there is, as a preview shows it."""
    place = 0 if language is Language.CHINESE else 1
    return {**_SAME, **{name: words[place] for name, words in _WORDS.items()}}
