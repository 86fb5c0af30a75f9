"""Over which ways, in which order, and when: tables of examples."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.rules import replica, ways
from services.notify.rules.circuit import Allowance, Circuit, CircuitLimits, CircuitState
from services.notify.rules.facts import Notice
from services.notify.rules.ways import DigestMode, Preferences, Priority, QuietHours, Reach, Via
from shared.vocabulary import NoticeKind, Urgency
from tests.notify.story import Story

ZONE = ZoneInfo("Asia/Shanghai")
K, V = NoticeKind, Via
EVERYWHERE = Reach(frozenset({V.WEBPUSH, V.SMS, V.WEBHOOK, V.SMTP}))
NIGHTLY = QuietHours(time(22), time(7))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("kind", "says", "expected"),
    [
        (K.ALARM_RAISED, {}, (V.FEED, V.WEBPUSH, V.SMS, V.WEBHOOK, V.SMTP)),
        (K.OFFER, {"emergency": True}, (V.FEED,)),
        (K.OFFER, {"emergency": False}, (V.FEED, V.WEBPUSH, V.WEBHOOK)),
        (K.DEADLINE_MISSED, {}, (V.FEED, V.WEBPUSH, V.WEBHOOK, V.SMTP)),
        (K.CASE_ENDED, {}, (V.FEED, V.WEBHOOK)),
        (K.RETURN_ASKED, {}, (V.FEED, V.WEBPUSH, V.WEBHOOK, V.SMTP)),
    ],
)
def test_which_ways_at_once(kind: NoticeKind, says: dict[str, bool], expected: tuple[Via, ...]) -> None:
    assert ways.ways_at_once(Notice(kind, "a", says), Preferences(), EVERYWHERE) == expected
    assert ways.ways_at_once(Notice(kind, "a", says), Preferences(), Reach(frozenset())) == (V.FEED,)


def test_what_is_put_before_the_feed_rings_with_it() -> None:
    first = Preferences(channels=(V.SMS, V.FEED, V.WEBPUSH))
    offer = Notice(K.OFFER, "a", {"emergency": True})
    assert ways.ways_at_once(offer, first, EVERYWHERE) == (V.FEED, V.SMS)
    assert ways.next_way(first, EVERYWHERE, {V.FEED, V.SMS}, ()) is V.WEBPUSH


@pytest.mark.parametrize(
    ("used", "resting", "expected"),
    [
        ({V.FEED}, set(), V.WEBPUSH),
        ({V.FEED, V.WEBPUSH}, set(), V.SMS),
        ({V.FEED, V.WEBPUSH}, {V.SMS}, V.WEBHOOK),
        ({V.FEED, V.WEBPUSH, V.SMS, V.WEBHOOK}, {V.SMTP}, V.SMTP),
        ({V.FEED, V.WEBPUSH, V.SMS, V.WEBHOOK, V.SMTP}, set(), None),
    ],
)
def test_the_next_channel_of_an_unread_offer(used: set[Via], resting: set[Via], expected: Via | None) -> None:
    assert ways.next_way(Preferences(), EVERYWHERE, used, resting) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T21:59", None),
        ("2026-03-02T22:00", "2026-03-03T07:00"),
        ("2026-03-02T23:59", "2026-03-03T07:00"),
        ("2026-03-03T00:00", "2026-03-03T07:00"),
        ("2026-03-03T06:59:59", "2026-03-03T07:00"),
        ("2026-03-03T07:00", None),
    ],
)
def test_quiet_hours_over_midnight(at: str, expected: str | None) -> None:
    found = ways.held_until(K.CASE_ENDED, Priority.ORDINARY, Preferences(quiet=NIGHTLY), local(at), ZONE)
    assert found == (local(expected) if expected else None)


@pytest.mark.parametrize(
    ("kind", "urgent", "expected"),
    [
        (K.OFFER, True, Priority.EMERGENCY),
        (K.OFFER, False, Priority.ORDINARY),
        (K.DEADLINE_MISSED, True, Priority.EMERGENCY),
        (K.ALARM_RAISED, False, Priority.ALARM),
        (K.CASE_ENDED, False, Priority.ORDINARY),
    ],
)
def test_how_urgent_a_notice_is(kind: NoticeKind, urgent: bool, expected: Priority) -> None:
    assert ways.priority_of(kind, urgent=urgent) is expected


@pytest.mark.parametrize(
    ("urgency", "care", "expected"),
    [
        (Urgency.EMERGENCY, False, True),
        (Urgency.EMERGENCY, True, True),
        (Urgency.ROUTINE, True, True),
        (Urgency.APPOINTMENT, True, True),
        (Urgency.ROUTINE, False, False),
        (Urgency.APPOINTMENT, False, False),
    ],
)
def test_minutes_are_owed_to_emergencies_and_to_people_on_a_care_register(
    urgency: Urgency, care: bool, expected: bool
) -> None:
    registered = Story().registered(urgency=urgency, care=care)
    assert replica.opened(registered).urgent is expected


def test_a_daily_digest_waits_for_its_hour_also_by_day() -> None:
    daily = Preferences(digest=DigestMode.DAILY, digest_at=time(17))
    for at, expected in (("2026-03-02T09:00", "2026-03-02T17:00"), ("2026-03-02T17:00", "2026-03-03T17:00")):
        found = ways.held_until(K.CASE_ENDED, Priority.ORDINARY, daily, local(at), ZONE)
        assert found == local(expected)


def test_a_requester_who_has_just_spoken_is_answered_at_night() -> None:
    night = local("2026-03-02T23:00")
    ordinary = Priority.ORDINARY
    assert ways.requester_held_until(K.REGISTERED, ordinary, NIGHTLY, night, ZONE) is None
    assert ways.requester_held_until(K.PLEASE_ANSWER, ordinary, NIGHTLY, night, ZONE) == local(
        "2026-03-03T07:00"
    )
    assert ways.requester_held_until(K.PLEASE_ANSWER, Priority.EMERGENCY, NIGHTLY, night, ZONE) is None


PREFERENCES = st.builds(
    Preferences,
    quiet=st.none() | st.builds(QuietHours, st.times(), st.times()),
    digest=st.sampled_from(DigestMode),
    digest_at=st.none() | st.times(),
)
TIMES = st.datetimes(
    datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
)


@given(st.sampled_from(NoticeKind), st.sampled_from([Priority.ALARM, Priority.EMERGENCY]), PREFERENCES, TIMES)
def test_nothing_urgent_ever_waits(
    kind: NoticeKind, priority: Priority, preferences: Preferences, at: datetime
) -> None:
    assert ways.held_until(kind, priority, preferences, at, ZONE) is None


@given(st.sampled_from(Priority), PREFERENCES, TIMES)
def test_an_offer_never_waits(priority: Priority, preferences: Preferences, at: datetime) -> None:
    assert ways.held_until(K.OFFER, priority, preferences, at, ZONE) is None


@given(PREFERENCES, TIMES)
def test_nothing_waits_longer_than_a_day_or_into_the_past(preferences: Preferences, at: datetime) -> None:
    until = ways.held_until(K.CASE_ENDED, Priority.ORDINARY, preferences, at, ZONE)
    assert until is None or at < until <= at + timedelta(days=1)


# ── circuits and allowances ───────────────────────────────────────────────────────────────────────────────────────

LIMITS = CircuitLimits(failures_max=3, period_seconds=10, open_seconds=30)


def failed(*times: float) -> Circuit:
    circuit = Circuit()
    for at in times:
        circuit = circuit.failed(at, LIMITS)
    return circuit


@pytest.mark.parametrize(
    ("times", "now", "expected"),
    [
        ((), 0, CircuitState.CLOSED),
        ((0, 1), 2, CircuitState.CLOSED),
        ((0, 1, 2), 2, CircuitState.OPEN),
        ((0, 1, 12), 12, CircuitState.CLOSED),
        ((0, 1, 2), 31.9, CircuitState.OPEN),
        ((0, 1, 2), 32, CircuitState.HALF_OPEN),
    ],
)
def test_a_circuit_opens_after_so_many_failures_in_a_period(
    times: tuple[float, ...], now: float, expected: CircuitState
) -> None:
    assert failed(*times).state(now, LIMITS) is expected


def test_half_open_one_message_tries_and_decides() -> None:
    half = failed(0, 1, 2)
    assert half.lets_pass(32, LIMITS)
    trying = half.passing(32, LIMITS)
    assert not trying.lets_pass(33, LIMITS)
    assert trying.succeeded().state(33, LIMITS) is CircuitState.CLOSED
    again = trying.failed(33, LIMITS)
    assert again.state(34, LIMITS) is CircuitState.OPEN
    assert again.seconds_left(34, LIMITS) == 29


def test_a_probe_that_was_never_answered_frees_its_place() -> None:
    trying = failed(0, 1, 2).passing(32, LIMITS)
    assert trying.seconds_left(40, LIMITS) == 22
    assert trying.lets_pass(62, LIMITS)


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 20)), max_size=60), st.floats(0.5, 50))
def test_no_more_rows_go_than_the_rate_allows(turns: list[tuple[float, int]], rate: float) -> None:
    now, sent, allowance = 0.0, 0, Allowance.full(rate, 0.0)
    for passed, wanted in turns:
        now += passed
        allowance = allowance.refilled(now)
        rows = allowance.room(wanted)
        allowance, sent = allowance.spent(rows), sent + rows
        assert sent <= now * rate + max(1.0, rate) + 1e-6


def test_without_a_rate_there_is_no_limit() -> None:
    assert Allowance.full(None, 0.0).spent(10**6).refilled(1.0).room(500) == 500
