"""When an account is locked, which code counts, what may be lent, what an account's story makes of it; no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.rules import acting, one_time_codes
from services.registry.rules.account_story import (
    AccountDisabled,
    AccountEnabled,
    AccountEvent,
    AccountGiven,
    AccountLocked,
    AccountMade,
    AccountState,
    AccountUnlocked,
    CodesTurnedOff,
    CodesTurnedOn,
    PasswordSet,
    RecoveryCodesMade,
    SecondStep,
    SessionOpened,
    SignInFailed,
    WrongPart,
    apply,
)
from services.registry.rules.delegation import PERIOD_DAYS_MAX, RUNNING_MAX, running, unfit_because
from services.registry.rules.sign_in import Tries, TryLimits, locks, may_try, one_more
from services.registry.rules.sign_in import unfit_because as password_unfit
from services.registry.rules.things import Known
from shared.things import Delegation, Grant, Name, Person, Unit
from shared.vocabulary import Role

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMITS = TryLimits(tries_max=5, within=15 * MINUTE, locked_for=15 * MINUTE)
NEVER = Tries()


@pytest.mark.parametrize(
    ("tries", "at", "allowed"),
    [
        (NEVER, NOW, True),
        (Tries(4, NOW), NOW + MINUTE, True),
        (Tries(5, NOW), NOW + MINUTE, False),
        (Tries(5, NOW), NOW + 15 * MINUTE, True),
        (Tries(0, None, NOW + MINUTE), NOW, False),
        (Tries(0, None, NOW + MINUTE), NOW + MINUTE, True),
    ],
)
def test_an_account_takes_so_many_passwords_in_a_while(tries: Tries, at: datetime, allowed: bool) -> None:
    assert may_try(tries, at, LIMITS) is allowed


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_no_hour_has_more_tries_than_its_locks_allow(gaps: list[int]) -> None:
    """However they are spread, and however many come at once: five, then a quarter of an hour of nothing."""
    tries, at, taken = NEVER, NOW, []
    for gap in gaps:
        at += gap * MINUTE / 4
        if not may_try(tries, at, LIMITS):
            continue
        taken.append(at)
        tries = one_more(tries, at, LIMITS)
        if locks(tries, LIMITS):
            tries = Tries(locked_until=at + LIMITS.locked_for)
    for first in taken:
        assert sum(first <= each < first + LIMITS.locked_for for each in taken) <= 2 * LIMITS.tries_max - 1


def test_many_at_once_are_counted_before_any_is_checked() -> None:
    tries, allowed = NEVER, 0
    for _ in range(100):
        if may_try(tries, NOW, LIMITS):
            tries, allowed = one_more(tries, NOW, LIMITS), allowed + 1

    assert allowed == LIMITS.tries_max


@pytest.mark.parametrize(
    ("new", "fit"),
    [
        ("the quick brown fox", True),
        ("一二三四五六七八九十", True),
        ("the old password", False),
        ("grid-a1-a-2026", False),
        ("aaaaaaaaaaaa", False),
        ("abababababab", False),
    ],
)
def test_a_password_is_judged_by_what_it_is_not(new: str, fit: bool) -> None:
    assert (password_unfit("grid-a1-a", "the old password", new) is None) is fit


# ── the second step ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("off_by", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_for_its_half_minute_and_one_on_either_side(off_by: int, good: bool) -> None:
    secret = one_time_codes.new_secret()
    code = pyotp.TOTP(secret).at(NOW + off_by * timedelta(seconds=30))

    assert (one_time_codes.step_of(secret, code, NOW, None) is not None) is good


def test_a_code_is_good_once() -> None:
    secret = one_time_codes.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    step = one_time_codes.step_of(secret, code, NOW, None)

    assert step is not None
    assert one_time_codes.step_of(secret, code, NOW, step) is None
    following = pyotp.TOTP(secret).at(NOW + timedelta(seconds=30))
    assert one_time_codes.step_of(secret, following, NOW, step) == step + 1


def test_recovery_codes_are_all_different_and_read_however_they_are_typed() -> None:
    codes = one_time_codes.new_recovery_codes()

    assert len(set(codes)) == one_time_codes.RECOVERY_CODES
    typed = codes[0].upper().replace("-", " ")
    assert one_time_codes.recovery_digest(typed) == one_time_codes.recovery_digest(codes[0])


# ── an account's story ────────────────────────────────────────────────────────────────────────────────────────────

ID = UUID(int=7)
GIVEN = {"at": NOW, "account_id": ID}
MADE = AccountMade(**GIVEN, person_id="p-1", demo=True)
ON = CodesTurnedOn(**GIVEN, recovery_codes=10)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([MADE], AccountState("p-1", demo=True)),
        ([MADE, PasswordSet(**GIVEN)], AccountState("p-1")),
        ([MADE, PasswordSet(**GIVEN, one_time_until=NOW)], AccountState("p-1", one_time_until=NOW)),
        ([MADE, AccountDisabled(**GIVEN)], AccountState("p-1", demo=True, disabled=True)),
        ([MADE, AccountDisabled(**GIVEN), AccountEnabled(**GIVEN)], AccountState("p-1", demo=True)),
        ([MADE, AccountLocked(**GIVEN, until=NOW)], AccountState("p-1", demo=True, locked_until=NOW)),
        ([MADE, AccountLocked(**GIVEN, until=NOW), AccountUnlocked(**GIVEN)], AccountState("p-1", demo=True)),
        ([MADE, SignInFailed(**GIVEN, wrong=WrongPart.PASSWORD)], AccountState("p-1", demo=True)),
        ([MADE, ON], AccountState("p-1", demo=True, codes=True, recovery_codes_left=10)),
        (
            [MADE, ON, SessionOpened(**GIVEN, session_id=ID, second_step=SecondStep.RECOVERY_CODE)],
            AccountState("p-1", demo=True, codes=True, recovery_codes_left=9),
        ),
        (
            [MADE, ON, SessionOpened(**GIVEN, session_id=ID, second_step=SecondStep.CODE)],
            AccountState("p-1", demo=True, codes=True, recovery_codes_left=10),
        ),
        (
            [MADE, ON, RecoveryCodesMade(**GIVEN, recovery_codes=5)],
            AccountState("p-1", demo=True, codes=True, recovery_codes_left=5),
        ),
        ([MADE, ON, CodesTurnedOff(**GIVEN)], AccountState("p-1", demo=True)),
        ([MADE, ON, AccountGiven(**GIVEN, person_id="p-2")], AccountState("p-2")),
    ],
)
def test_the_story_of_an_account_says_what_it_is(events: list[AccountEvent], state: AccountState) -> None:
    assert reduce(apply, events, AccountState()) == state


# ── lending and acting for somebody ───────────────────────────────────────────────────────────────────────────────


def a_unit(id: str, parent_id: str | None) -> Unit:
    return Unit(id=id, kind="unit", name=Name(zh=id, en=id), parent_id=parent_id)


def somebody(id: str, *grants: Grant, **more: object) -> Person:
    return Person(id=id, name=Name(zh=id, en=id), grants=grants).model_copy(update=more)


KNOWN = Known.of(
    [a_unit("top", None), a_unit("left", "top"), a_unit("below", "left"), a_unit("right", "top")]
)
OFFICER = Grant(role=Role.UNIT_OFFICER, unit_id="left")
LENDER = somebody("p-lender", OFFICER)
BORROWER = somebody("p-borrower")
DAY = timedelta(days=1)


def lending(*grants: Grant, **more: object) -> Delegation:
    made = Delegation(id="d", person_id="p-lender", grants=grants, starts_at=NOW, ends_at=NOW + DAY)
    return made.model_copy(update=more)


def of(role: Role, unit_id: str) -> Grant:
    return Grant(role=role, unit_id=unit_id)


@pytest.mark.parametrize(
    ("wanted", "borrower", "running_now", "code"),
    [
        (lending(OFFICER), BORROWER, 0, None),
        (lending(of(Role.UNIT_OFFICER, "below")), BORROWER, 0, None),
        (lending(of(Role.UNIT_OFFICER, "top")), BORROWER, 0, "not-yours"),
        (lending(of(Role.UNIT_OFFICER, "right")), BORROWER, 0, "not-yours"),
        (lending(of(Role.SUPERVISOR, "left")), BORROWER, 0, "not-yours"),
        (lending(of(Role.UNIT_OFFICER, "nowhere")), BORROWER, 0, "not-yours"),
        (lending(), BORROWER, 0, "nothing-lent"),
        (lending(OFFICER), LENDER, 0, "to-oneself"),
        (lending(OFFICER), somebody("p-borrower", retired_at=NOW), 0, "borrower-left"),
        (lending(OFFICER, ends_at=NOW), BORROWER, 0, "period-over"),
        (lending(OFFICER, starts_at=NOW + 2 * DAY), BORROWER, 0, "period-over"),
        (lending(OFFICER, ends_at=NOW + PERIOD_DAYS_MAX * DAY), BORROWER, 0, None),
        (lending(OFFICER, ends_at=NOW + PERIOD_DAYS_MAX * DAY + MINUTE), BORROWER, 0, "period-too-long"),
        (lending(OFFICER, ends_at=datetime(2027, 1, 1)), BORROWER, 0, "no-time-zone"),  # noqa: DTZ001
        (lending(OFFICER), BORROWER, RUNNING_MAX - 1, None),
        (lending(OFFICER), BORROWER, RUNNING_MAX, "too-many"),
    ],
)
def test_one_lends_only_what_is_ones_own_and_for_a_while(
    wanted: Delegation, borrower: Person, running_now: int, code: str | None
) -> None:
    flaw = unfit_because(LENDER, borrower, wanted, running_now, KNOWN, NOW)

    assert (flaw[0] if flaw else None) == code


def test_what_was_lent_is_not_lent_on() -> None:
    between = somebody("p-between", acts_for=(lending(OFFICER),))

    flaw = unfit_because(between, BORROWER, lending(OFFICER, person_id="p-between"), 0, KNOWN, NOW)
    assert flaw is not None
    assert flaw[0] == "not-yours"


def test_what_has_ended_is_dropped() -> None:
    assert running([lending(OFFICER, ends_at=NOW), lending(OFFICER)], NOW) == (lending(OFFICER),)


@pytest.mark.parametrize(
    ("person", "allowed"),
    [
        (LENDER, True),
        (somebody("p-admin", OFFICER), False),
        (somebody("p-gone", OFFICER, retired_at=NOW), False),
        (somebody("p-nothing"), False),
        *((somebody("p-apart", OFFICER, of(role, "left")), False) for role in acting.NOBODY_ACTS_FOR),
    ],
)
def test_nobody_acts_for_those_whose_worth_is_to_be_nobody_else(person: Person, allowed: bool) -> None:
    assert (acting.refused_because("p-admin", person) is None) is allowed
