"""The terms of the field, one English identifier each; docs/glossary.md pairs them with the Chinese ones.

Data, not here: kinds of units, categories, skills, roles, policies. Code: posts, and powers a role may have (`Role`).
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


REGISTRATION_CHANNELS = frozenset(Channel) - {
    Channel.MOBILE,
    Channel.DESK,
    Channel.LINK,
    Channel.PHONE,
    Channel.VISIT,
    Channel.PAPER_CARD,
    Channel.SYSTEM,
}
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


class ActorKind(StrEnum):
    STAFF = "staff"
    REQUESTER = "requester"
    SYSTEM = "system"


class PartRole(StrEnum):
    """主办 / 协办."""

    OWNER = "owner"
    CO_HANDLER = "co_handler"


class Must(StrEnum):
    """四个必须: what an emergency case owes the resident; the fourth is met at closing."""

    ARRIVE = "arrive"
    PHOTOGRAPH_AND_ACCOUNT = "photograph_and_account"
    MEASURE = "measure"
    FOLLOW_THROUGH = "follow_through"


class RequesterKind(StrEnum):
    """诉求人: who asks, and for whom."""

    SELF = "self"
    PROXY = "proxy"
    GUARDIAN = "guardian"
    ANONYMOUS = "anonymous"


class NotAcceptedReason(StrEnum):
    """不予受理: the six reasons, each with its own sentence for the caller."""

    EMERGENCY_SERVICE = "emergency_service"
    LEGAL_ROUTE = "legal_route"
    NOTHING_NEW = "nothing_new"
    CONFIDENTIAL = "confidential"
    BEYOND_DUTY = "beyond_duty"
    UNLAWFUL = "unlawful"


class EmergencyService(StrEnum):
    """Whom a caller in danger is put through to before anything is written down: 110, 119, 120, 122."""

    POLICE = "police"
    FIRE = "fire"
    MEDICAL = "medical"
    TRAFFIC = "traffic"


class FollowUpKind(StrEnum):
    """回访 after `handled`; or a progress call when `handle` was missed, which closes nothing."""

    AFTER_HANDLED = "after_handled"
    PROGRESS = "progress"


class ReopenReason(StrEnum):
    """重办: what the resident said."""

    NOT_SOLVED = "not_solved"
    DISSATISFIED = "dissatisfied"
    CONTESTED = "contested"


class ReturnBasis(StrEnum):
    """退单: on what the handler bases that it is not theirs."""

    DUTY_LIST = "duty_list"
    LAW = "law"
    OTHER_GROUND = "other_ground"


class Ruling(StrEnum):
    """裁定: the answer to a return. A refused return cannot be made again."""

    REDISPATCH = "redispatch"
    REFUSE = "refuse"


class ExtensionReason(StrEnum):
    """延期: once, with a reason."""

    NEEDS_PARTS = "needs_parts"
    NEEDS_ANOTHER_DEPARTMENT = "needs_another_department"
    RESIDENT_AWAY = "resident_away"
    WEATHER = "weather"
    OTHER = "other"


class ParkReason(StrEnum):
    """挂账: why a hard case waits, with owner, plan and review date; it still counts as unresolved."""

    NEEDS_FUNDS = "needs_funds"
    NEEDS_SEASON = "needs_season"
    NEEDS_ANOTHER_PROJECT = "needs_another_project"
    NO_RULE_YET = "no_rule_yet"
    OTHER = "other"


class UnparkReason(StrEnum):
    HANDLED = "handled"
    CLOSED = "closed"
    REVIEWED = "reviewed"
    RESUMED = "resumed"


class SetBecause(StrEnum):
    """Why deadlines were fixed: the case entered the level; or the same clocks were computed anew from the same
    beginning, because the case, its appointment or the calendar changed; or `handle` runs again after a parking."""

    LEVEL = "level"
    AMENDED = "amended"
    APPOINTMENT = "appointment"
    CALENDAR = "calendar"
    UNPARKED = "unparked"


class ActingPurpose(StrEnum):
    """代办: why an administrator acts for somebody; asked for each time, and journalled."""

    PHONE_LOST = "phone_lost"
    PERSON_ABSENT = "person_absent"
    HELP_ASKED_FOR = "help_asked_for"
    ENTRY_CORRECTED = "entry_corrected"


class ShiftKind(StrEnum):
    """Working, or at home within reach."""

    ON_DUTY = "on_duty"
    ON_CALL = "on_call"


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
    """时限: the musts with a clock, then those of side matters. Only a missed acknowledge or handle raises a case."""

    ACKNOWLEDGE = "acknowledge"
    ARRIVE = "arrive"
    CONTACT = "contact"
    HANDLE = "handle"
    FOLLOW_UP = "follow_up"
    RULING = "ruling"
    SUPERVISION = "supervision"
    REVIEW = "review"
    CO_HANDLE = "co_handle"
    REPLY = "reply"


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
    AWAITING_INFORMATION = "awaiting_information"
    PARKED = "parked"
    MERGED = "merged"


class ClosedBy(StrEnum):
    """What allowed a case to close (product rule 6)."""

    FOLLOW_UP = "follow_up"
    THREE_ATTEMPTS = "three_attempts"
    VERIFICATION = "verification"
    WITHDRAWAL = "withdrawal"
    ANSWER = "answer"
    REFUSAL = "refusal"


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
    HELP_REQUESTED = "help_requested"
    HELP_ANSWERED = "help_answered"
    ALARM_RAISED = "alarm_raised"
    ALARM_ANSWERED = "alarm_answered"
    ALARM_ENDED = "alarm_ended"
    RETURN_ASKED = "return_asked"
    RETURN_RULED = "return_ruled"
    EXTENSION_ASKED = "extension_asked"
    EXTENSION_ANSWERED = "extension_answered"
    CASE_PARKED = "case_parked"
    CASE_UNPARKED = "case_unparked"
    SUPERVISION_ANSWERED = "supervision_answered"
    REPLY_OWED = "reply_owed"
    REPLY_GIVEN = "reply_given"
    HANDED_DOWN = "handed_down"
    REASSIGNED = "reassigned"
    CO_HANDLER_ASKED = "co_handler_asked"
    CASE_AMENDED = "case_amended"
    CASE_URGED = "case_urged"
    CASE_MERGED = "case_merged"
    CASE_UNMERGED = "case_unmerged"
    CASE_ANSWERED = "case_answered"
    NOT_ACCEPTED = "not_accepted"
    CASE_WITHDRAWN = "case_withdrawn"
    INFORMATION_ASKED = "information_asked"
    INFORMATION_GIVEN = "information_given"
    APPOINTMENT_AGREED = "appointment_agreed"
    ENTRY_FLAGGED = "entry_flagged"
    ENTRY_CORRECTED = "entry_corrected"
    DEVICE_TIME_ACCEPTED = "device_time_accepted"
    ATTACHMENT_ADDED = "attachment_added"
    PART_HANDLED = "part_handled"
    CASE_LISTED = "case_listed"
    PROGRESS_CALL = "progress_call"
    CALLED_IN = "called_in"
    ACTING_FOR = "acting_for"
    MASS_TASK_GIVEN = "mass_task_given"
    MASS_TASK_TAKEN = "mass_task_taken"
    MASS_TASK_CLOSED = "mass_task_closed"
    ADVICE = "advice"
    MATCHING_CHANGED = "matching_changed"
    DIGEST = "digest"


class Language(StrEnum):
    CHINESE = "zh"
    ENGLISH = "en"
