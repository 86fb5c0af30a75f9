"""The rules of taking in, as tables in the field's words: what may be one thing, and what is not taken on."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from services.intake.duplicates import SCORE_SHOWN_MIN, Sighting, compare, marks_of
from services.intake.rules.answers import told_of_refusal
from services.intake.rules.cases import fold
from services.intake.rules.endings import Answers, Asked, record_attempt
from services.intake.rules.refusals import Refused
from services.registry import defaults
from shared.event import Actor
from shared.events.intake import CaseClosed, CaseReopened, FollowUpOpened, Place
from shared.ids import uuid7
from shared.things import Category, Name
from shared.vocabulary import (
    ActorKind,
    Channel,
    EmergencyService,
    NotAcceptedReason,
    Role,
    Satisfaction,
)
from tests.intake.world import CALLER, START, Others, a_registration

# ── what may be one and the same thing ────────────────────────────────────────────────────────────────────────────

CATALOGUE = {thing.code: thing for thing in defaults.things() if isinstance(thing, Category)}
DEGREES_PER_METRE = 1 / 111_320


def digest(piece: str) -> bytes:
    return hmac.new(b"key", piece.encode(), sha256).digest()[:16]


def report(
    said: str,
    category: str = "flooding",
    at: str = "春和路12号",
    *,
    metres: float | None = 0,
    after: timedelta = timedelta(),
) -> Sighting:
    """`metres` to the north of the first report; None where nobody knows the position."""
    lon, lat = (None, None) if metres is None else (102.75, 25.05 + metres * DEGREES_PER_METRE)
    marks = marks_of(CATALOGUE[category], Place(lon=lon, lat=lat, label=at), "grid-a1", said, digest)
    return Sighting(category, marks, lon, lat, START + after)


FIRST = report("水管爆了，路面全是水")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("second", "score", "because"),
    [
        # one after the other, from the same house
        (report("路面全是水，水管爆了"), 100, "same_building same_category recent alike_words"),
        (
            report("水管爆裂，满地是水", at="春和路 12 号", metres=20, after=HOUR / 2),
            88,
            "same_building same_category recent alike_words",
        ),
        # a house is one place however large, and also where nobody knows the position
        (
            report("水管爆了", at="春和路12号3单元", metres=420),
            89,
            "same_building same_category recent alike_words",
        ),
        (report("家里停水了", metres=None), 80, "same_building same_category recent"),
        (report("家里停水了", at="菜市场", metres=None), None, ""),
        # near by: 300 m and not a metre more
        (report("水管爆了", at="春和路38号", metres=299), 70, "near same_category recent alike_words"),
        (report("水管爆了", at="春和路38号", metres=301), None, ""),
        # 72 hours and not a minute more
        (report("一楼进水", at="菜市场", metres=100, after=72 * HOUR), 58, "near same_category"),
        (report("水管爆了，路面全是水", after=72 * HOUR + MINUTE), None, ""),
        (
            report("水管爆了，路面全是水", after=2 * HOUR + MINUTE),
            100,
            "same_building same_category alike_words",
        ),
        # another category of the group, and one of none
        (report("积水排不走", "drain-blocked"), 68, "same_building same_group recent"),
        (report("水管爆了，路面全是水", "street-lamp"), None, ""),
        (report("水管爆了，路面全是水", "pond-smell"), None, ""),
        # the words alone rule nothing out: who calls next may say it differently
        (report("楼下淹了"), 80, "same_building same_category recent"),
        (report(""), 80, "same_building same_category recent"),
    ],
)
def test_what_may_be_the_same_thing_and_why(second: Sighting, score: int | None, because: str) -> None:
    [likeness] = compare(FIRST, [second])
    if score is None:
        assert likeness is None
        return
    assert likeness is not None
    assert abs(likeness.score - score) <= 2
    assert likeness.because == tuple(because.split())
    assert likeness.score >= SCORE_SHOWN_MIN


# ── what is not taken on, and what the caller is told ─────────────────────────────────────────────────────────────

MARKET = Name(zh="市场监管所", en="Market regulation office")
CONTEST_ZH = "如有异议，可在 30 日内凭工单号和取件码提出。"
CONTEST_EN = "If you disagree, say so within 30 days with the case number and the code."


@pytest.mark.parametrize(
    ("reason", "service", "unit", "zh", "en"),
    [
        (
            NotAcceptedReason.EMERGENCY_SERVICE,
            EmergencyService.POLICE,
            None,
            "情况紧急，请立即拨打 110，专业力量处置更快。",
            "This is an emergency: please call 110 now, they will be there faster than we can.",
        ),
        (
            NotAcceptedReason.EMERGENCY_SERVICE,
            EmergencyService.FIRE,
            None,
            "情况紧急，请立即拨打 119，专业力量处置更快。",
            "This is an emergency: please call 119 now, they will be there faster than we can.",
        ),
        (
            NotAcceptedReason.EMERGENCY_SERVICE,
            EmergencyService.MEDICAL,
            None,
            "情况紧急，请立即拨打 120，专业力量处置更快。",
            "This is an emergency: please call 120 now, they will be there faster than we can.",
        ),
        (
            NotAcceptedReason.EMERGENCY_SERVICE,
            EmergencyService.TRAFFIC,
            None,
            "情况紧急，请立即拨打 122，专业力量处置更快。",
            "This is an emergency: please call 122 now, they will be there faster than we can.",
        ),
        (
            NotAcceptedReason.LEGAL_ROUTE,
            None,
            None,
            "此事须通过诉讼、仲裁、行政复议等法定途径解决，我们不能代为受理。",
            "This has to be settled by a court, arbitration or administrative review; we cannot take it on.",
        ),
        (
            NotAcceptedReason.NOTHING_NEW,
            None,
            None,
            "此事已有处理结果，您反映的情况没有新的事实，因此不再重复受理。",
            "This has been dealt with, and there is nothing new in what you told us, so it is not taken up again.",
        ),
        (
            NotAcceptedReason.CONFIDENTIAL,
            None,
            None,
            "此事涉及国家秘密、商业秘密或他人隐私，依法不能受理。",
            "This concerns a state or business secret or somebody's private life, and by law cannot be taken on.",
        ),
        (
            NotAcceptedReason.BEYOND_DUTY,
            None,
            MARKET,
            "此事不在我们的职责范围内，请向市场监管所反映。",
            "This is not ours to deal with; please turn to Market regulation office.",
        ),
        (
            NotAcceptedReason.BEYOND_DUTY,
            None,
            None,
            "此事不在我们的职责范围内，请向主管部门反映。",
            "This is not ours to deal with; please turn to the authority in charge.",
        ),
        (
            NotAcceptedReason.UNLAWFUL,
            None,
            None,
            "您的要求违反法律法规或公序良俗，不能受理。",
            "What you ask for is against the law or public order, and cannot be taken on.",
        ),
    ],
)
def test_what_the_caller_is_told(
    reason: NotAcceptedReason, service: EmergencyService | None, unit: Name | None, zh: str, en: str
) -> None:
    told = told_of_refusal(reason, service, unit)
    assert (told.zh, told.en) == (zh + CONTEST_ZH, f"{en} {CONTEST_EN}")


# ── asking afterwards ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", [Channel.PHONE, Channel.VISIT, Channel.PAPER_CARD])
@pytest.mark.parametrize(
    ("solved", "satisfaction", "ends"),
    [
        (True, Satisfaction.VERY_SATISFIED, CaseClosed),
        (True, Satisfaction.SATISFIED, CaseClosed),
        (True, Satisfaction.BASICALLY_SATISFIED, CaseClosed),
        (True, Satisfaction.NO_OPINION, CaseClosed),
        (True, Satisfaction.DISSATISFIED, CaseReopened),
        (True, Satisfaction.VERY_DISSATISFIED, CaseReopened),
        (False, Satisfaction.VERY_SATISFIED, CaseReopened),
        (False, Satisfaction.NO_OPINION, CaseReopened),
    ],
)
def test_an_answer_counts_the_same_however_it_was_asked_for(
    channel: Channel, solved: bool, satisfaction: Satisfaction, ends: type[CaseClosed | CaseReopened]
) -> None:
    registered = a_registration()
    asked = FollowUpOpened(
        at=START, case_id=registered.case_id, follow_up_id=uuid7(), round=1, link_can_be_sent=True
    )
    case = fold([registered, *Others(registered.case_id).work(), asked])
    caller = Actor(kind=ActorKind.STAFF, person_id=CALLER, role=Role.FOLLOW_UP_CALLER)
    answers = Answers(contacted=True, solved=solved, satisfaction=satisfaction)
    decided = record_attempt(case, Asked(caller, channel, answers), ZoneInfo("Asia/Shanghai"), START)
    assert not isinstance(decided, Refused)
    assert isinstance(decided[-1], ends)
