"""What a caller is told where the case ends at once, and who is rightly asked instead."""

from __future__ import annotations

from services.intake.rules.triage import NUMBERS
from shared.things import Name
from shared.vocabulary import EmergencyService, NotAcceptedReason

TOLD = {
    NotAcceptedReason.EMERGENCY_SERVICE: Name(
        zh="情况紧急，请立即拨打 {number}，专业力量处置更快。",
        en="This is an emergency: please call {number} now, they will be there faster than we can.",
    ),
    NotAcceptedReason.LEGAL_ROUTE: Name(
        zh="此事须通过诉讼、仲裁、行政复议等法定途径解决，我们不能代为受理。",
        en="This has to be settled by a court, arbitration or administrative review; we cannot take it on.",
    ),
    NotAcceptedReason.NOTHING_NEW: Name(
        zh="此事已有处理结果，您反映的情况没有新的事实，因此不再重复受理。",
        en="This has been dealt with, and there is nothing new in what you told us, so it is not taken up again.",
    ),
    NotAcceptedReason.CONFIDENTIAL: Name(
        zh="此事涉及国家秘密、商业秘密或他人隐私，依法不能受理。",
        en="This concerns a state or business secret or somebody's private life, and by law cannot be taken on.",
    ),
    NotAcceptedReason.BEYOND_DUTY: Name(
        zh="此事不在我们的职责范围内，请向{unit}反映。",
        en="This is not ours to deal with; please turn to {unit}.",
    ),
    NotAcceptedReason.UNLAWFUL: Name(
        zh="您的要求违反法律法规或公序良俗，不能受理。",
        en="What you ask for is against the law or public order, and cannot be taken on.",
    ),
}
CONTEST = Name(
    zh="如有异议，可在 30 日内凭工单号和取件码提出。",
    en="If you disagree, say so within 30 days with the case number and the code.",
)
NOBODY_NAMED = Name(zh="主管部门", en="the authority in charge")
DONE = Name(zh="您的事项已当场办结。", en="Your request was dealt with on the spot.")


def told_of_refusal(
    reason: NotAcceptedReason, service: EmergencyService | None, rightful_unit: Name | None
) -> Name:
    """The sentence for the caller, and how to contest it."""
    unit = rightful_unit or NOBODY_NAMED
    number = NUMBERS[service] if service else ""
    words = TOLD[reason]
    return Name(
        zh=words.zh.format(number=number, unit=unit.zh) + CONTEST.zh,
        en=f"{words.en.format(number=number, unit=unit.en)} {CONTEST.en}",
    )


def told_of_answer(snippet: Name | None, own_words: str) -> Name:
    """The snippet's text and what the operator added in their own words, which nobody translates."""
    zh = "\n".join(part for part in (snippet.zh if snippet else "", own_words) if part)
    en = "\n".join(part for part in (snippet.en if snippet else "", own_words) if part)
    return Name(zh=zh or DONE.zh, en=en or DONE.en)
