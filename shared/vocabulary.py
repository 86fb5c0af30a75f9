"""The terms of the field, one English identifier each; docs/glossary.md pairs them with the Chinese ones.

What a city may extend without a release (unit kinds, posts, categories, policies) is data and not listed here.
"""

from __future__ import annotations

from enum import StrEnum


class Urgency(StrEnum):
    """紧急程度: which clocks a case runs under."""

    EMERGENCY = "emergency"
    ROUTINE = "routine"
    APPOINTMENT = "appointment"


class Level(StrEnum):
    """层级: the rungs of the shipped ladder, lowest first. A city's own ladder may use fewer of them."""

    GRID = "grid"
    COMMUNITY = "community"
    STREET = "street"
    CIVIL_AFFAIRS = "civil_affairs"


class Channel(StrEnum):
    """渠道: the way a word reached us, from residents and from our own people."""

    HOTLINE = "hotline"
    WEB = "web"
    WECHAT = "wechat"
    WALK_IN_POST = "walk_in_post"
    PATROL = "patrol"
    BUILDING_HEAD = "building_head"
    WINDOW = "window"
    SURVEY = "survey"
    WISH_WALL = "wish_wall"
    HOME_VISIT = "home_visit"
    CHAT_FORWARD = "chat_forward"
    COUNCIL = "council"
    OPEN311 = "open311"
    TRANSFER = "transfer"
    MOBILE = "mobile"
    DESK = "desk"
    LINK = "link"
    PHONE = "phone"
    VISIT = "visit"
    PAPER_CARD = "paper_card"
    SYSTEM = "system"


REGISTRATION_CHANNELS = frozenset(
    set(Channel)
    - {
        Channel.MOBILE,
        Channel.DESK,
        Channel.LINK,
        Channel.PHONE,
        Channel.VISIT,
        Channel.PAPER_CARD,
        Channel.SYSTEM,
    }
)
"""Where a case may come from."""

CHANNELS_WITH_NOBODY_TO_ASK = frozenset({Channel.PATROL})
"""Started by our own people: a verifier closes from the evidence (product rule 6)."""


class Role(StrEnum):
    """What a person may do in a unit and everything below it."""

    OPERATOR = "operator"
    GRID_WORKER = "grid_worker"
    GRID_LEADER = "grid_leader"
    BUILDING_HEAD = "building_head"
    RESIDENT_GROUP_LEADER = "resident_group_leader"
    VOLUNTEER = "volunteer"
    SOCIAL_WORKER = "social_worker"
    BEAT_POLICE = "beat_police"
    PROPERTY_MANAGER = "property_manager"
    UNIT_OFFICER = "unit_officer"
    SUPERVISOR = "supervisor"
    FOLLOW_UP_CALLER = "follow_up_caller"
    EVALUATOR = "evaluator"
    ADMINISTRATOR = "administrator"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    READER = "reader"


class Post(StrEnum):
    """Which place in a grid or unit a person holds; A and B are the AB posts (AB岗) of a grid."""

    A = "a"
    B = "b"
    WORKER = "worker"
    LEADER = "leader"
    VOLUNTEER = "volunteer"
    DUTY_OFFICER = "duty_officer"
    STAFF = "staff"


class TravelMode(StrEnum):
    WALK = "walk"
    E_BIKE = "e_bike"
    CAR = "car"


class ActorKind(StrEnum):
    STAFF = "staff"
    REQUESTER = "requester"
    SYSTEM = "system"


class PartRole(StrEnum):
    """主办 / 协办."""

    OWNER = "owner"
    CO_HANDLER = "co_handler"


class DeclineReason(StrEnum):
    """拒单: the five reasons, each one tap on the phone."""

    BUSY = "busy"
    TOO_FAR = "too_far"
    OFF_DUTY = "off_duty"
    UNFIT = "unfit"
    CONFLICT_OF_INTEREST = "conflict_of_interest"


class WithdrawReason(StrEnum):
    """Why an offer was taken back before it was answered."""

    CASE_HANDLED = "case_handled"
    CASE_CLOSED = "case_closed"
    NEXT_STEP = "next_step"
    REOPENED = "reopened"


class ArrivalMethod(StrEnum):
    """到场: how somebody proved to be there."""

    POSITION = "position"
    QR_CODE = "qr_code"
    PHOTO_TIME = "photo_time"
    SELF_DECLARED = "self_declared"


class Must(StrEnum):
    """四个必须: what an emergency case owes the resident; the fourth is met at closing."""

    ARRIVE = "arrive"
    PHOTOGRAPH_AND_ACCOUNT = "photograph_and_account"
    MEASURE = "measure"
    FOLLOW_THROUGH = "follow_through"


class LateCause(StrEnum):
    """Why an arrival was late; asked after the work, never before it."""

    TRAFFIC = "traffic"
    WEATHER = "weather"
    DISTANCE = "distance"
    ANOTHER_CASE = "another_case"
    WRONG_PLACE = "wrong_place"
    OFFERED_LATE = "offered_late"
    OTHER = "other"


class NoteKind(StrEnum):
    """What a handler writes: the short account, the measure taken, or progress told in between."""

    ACCOUNT = "account"
    MEASURE = "measure"
    PROGRESS = "progress"


class ClockKind(StrEnum):
    """How a limit is counted: natural minutes, the unit's working time, or calendar days."""

    MINUTES = "minutes"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    NATURAL_DAYS = "natural_days"


class DeadlineKind(StrEnum):
    """时限: the musts with a clock. Only a missed acknowledge or handle raises a case."""

    ACKNOWLEDGE = "acknowledge"
    ARRIVE = "arrive"
    CONTACT = "contact"
    HANDLE = "handle"
    FOLLOW_UP = "follow_up"


class EscalationCause(StrEnum):
    """上报/提级: by deadline, by hand, or by a dissatisfied resident."""

    ACKNOWLEDGE_MISSED = "acknowledge_missed"
    HANDLE_MISSED = "handle_missed"
    BY_HAND = "by_hand"
    REOPENED = "reopened"


class EscalationReason(StrEnum):
    """Why somebody raised a case by hand."""

    BEYOND_OUR_POWERS = "beyond_our_powers"
    NEEDS_ANOTHER_DEPARTMENT = "needs_another_department"
    NEEDS_MORE_PEOPLE = "needs_more_people"
    DANGER_GROWS = "danger_grows"
    RESIDENT_DEMANDS_IT = "resident_demands_it"
    OTHER = "other"


class SupervisionKind(StrEnum):
    """督办: 日常 / 挂牌 / 约谈."""

    ORDINARY = "ordinary"
    LISTED = "listed"
    INTERVIEW = "interview"


class Satisfaction(StrEnum):
    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    BASICALLY_SATISFIED = "basically_satisfied"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"
    NO_OPINION = "no_opinion"


DISSATISFIED = frozenset({Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED})
"""Answers that reopen a case one level up."""


class Outcome(StrEnum):
    """结果: how a closed case ended."""

    SOLVED = "solved"
    PARTLY_SOLVED = "partly_solved"
    CANNOT_BE_SOLVED = "cannot_be_solved"
    UNFOUNDED = "unfounded"
    BEYOND_DUTY = "beyond_duty"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    ANSWERED = "answered"
    NOT_ACCEPTED = "not_accepted"


HANDLER_OUTCOMES = frozenset(
    {Outcome.SOLVED, Outcome.PARTLY_SOLVED, Outcome.CANNOT_BE_SOLVED, Outcome.UNFOUNDED, Outcome.BEYOND_DUTY}
)
"""What a handler may say when handling."""


class CaseState(StrEnum):
    """Where a case stands, in the words a resident reads (product §2)."""

    REGISTERED = "registered"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    HANDLED = "handled"
    REOPENED = "reopened"
    CLOSED = "closed"


class ClosedBy(StrEnum):
    """What allowed a case to close (product rule 6)."""

    FOLLOW_UP = "follow_up"
    THREE_ATTEMPTS = "three_attempts"
    VERIFICATION = "verification"
    WITHDRAWAL = "withdrawal"


class NoticeKind(StrEnum):
    """What a person is told; one template each in Chinese and English."""

    OFFER = "offer"
    OFFER_ENDED = "offer_ended"
    CASE_HELD = "case_held"
    CASE_RAISED = "case_raised"
    RAISE_VOIDED = "raise_voided"
    DEADLINE_AMBER = "deadline_amber"
    DEADLINE_MISSED = "deadline_missed"
    NOBODY_AVAILABLE = "nobody_available"
    SUPERVISION_ORDERED = "supervision_ordered"
    CASE_REOPENED = "case_reopened"
    CASE_ENDED = "case_ended"
    FOLLOW_UP_DUE = "follow_up_due"
    REGISTERED = "registered"
    WORKER_COMING = "worker_coming"
    PLEASE_ANSWER = "please_answer"


class Language(StrEnum):
    CHINESE = "zh"
    ENGLISH = "en"
