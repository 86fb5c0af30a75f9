"""The terms of who goes: the offer, the way, the arrival. Beside vocabulary.py, and like it in docs/glossary.md."""

from __future__ import annotations

from enum import StrEnum


class TravelMode(StrEnum):
    WALK = "walk"
    E_BIKE = "e_bike"
    CAR = "car"


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
    CASE_MERGED = "case_merged"
    CASE_WITHDRAWN = "case_withdrawn"
    CASE_AMENDED = "case_amended"
    RETURNED = "returned"
    HANDED_DOWN = "handed_down"
    REASSIGNED = "reassigned"
    SWAP_OVER = "swap_over"


class ArrivalMethod(StrEnum):
    """到场: how somebody proved to be there."""

    POSITION = "position"
    QR_CODE = "qr_code"
    PHOTO_TIME = "photo_time"
    SELF_DECLARED = "self_declared"


class LateCause(StrEnum):
    """Why an arrival was late; asked after the work, never before it."""

    TRAFFIC = "traffic"
    WEATHER = "weather"
    DISTANCE = "distance"
    ANOTHER_CASE = "another_case"
    WRONG_PLACE = "wrong_place"
    OFFERED_LATE = "offered_late"
    OTHER = "other"


class ReassignReason(StrEnum):
    """交接: why what a person holds goes to somebody else."""

    SHIFT_ENDED = "shift_ended"
    PHONE_LOST = "phone_lost"
    LEAVE = "leave"
    BY_SUPERVISOR = "by_supervisor"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    SWAPPED = "swapped"
    TAKEN_OVER = "taken_over"


class EntryFlag(StrEnum):
    """What is odd about an arrival or a piece of evidence: shown to the supervisor, never a reason to refuse it."""

    SEEN_BEFORE = "seen_before"
    OLDER_THAN_CASE = "older_than_case"
    FAR_FROM_PLACE = "far_from_place"
    IMPOSSIBLE_SPEED = "impossible_speed"


class EntryKind(StrEnum):
    """What somebody entered on a case, for flags and corrections."""

    ARRIVAL = "arrival"
    EVIDENCE = "evidence"
    ACCOUNT = "account"
    MEASURE = "measure"
    PROGRESS = "progress"


class MatchingPolicy(StrEnum):
    """派单策略: by which a street's emergencies are sent. ENGINE is what ships; the others are for comparison, and for
    a street that wants its old ways back."""

    OWN_GRID = "own_grid"
    ROUND_ROBIN = "round_robin"
    NEAREST_FREE = "nearest_free"
    FASTEST_FREE = "fastest_free"
    GREEDY_PAIR = "greedy_pair"
    ENGINE = "engine"
