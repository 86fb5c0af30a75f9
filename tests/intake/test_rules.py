"""Numbers, places, masks, guesses, and the public state of a case."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.rules.cases import apply, fold
from services.intake.rules.numbering import DIGITS, draw_code, draw_number, understood
from services.intake.rules.places import pool_for, time_zone_for, unit_named_in
from services.intake.rules.privacy import Guesses, guessed_wrong, masked_name, masked_phone, may_guess
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.directory import Directory
from shared.events.intake import CaseReopened, Place
from shared.ids import uuid7
from shared.vocabulary import CaseState, Level
from tests.intake.world import OFFICER, START, WORKER, Others, a_registration, inside, the_directory

numbers = st.builds(draw_number)


@given(numbers)
def test_a_number_is_understood_however_it_is_grouped(number: str) -> None:
    digits = number.replace("-", "")
    assert len(digits) == DIGITS
    assert digits[0] not in "01"
    wide = digits.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    for said in (digits, wide, " ".join(digits), f" {number} ", number.replace("-", "—")):
        assert understood(said) == number


@given(numbers, st.integers(0, DIGITS - 1), st.sampled_from("0123456789"))
def test_any_wrong_digit_is_noticed(number: str, place: int, digit: str) -> None:
    digits = number.replace("-", "")
    assume(digits[place] != digit)
    assert understood(digits[:place] + digit + digits[place + 1 :]) is None


@given(numbers, st.integers(0, DIGITS - 2))
def test_any_two_neighbours_changed_round_are_noticed(number: str, place: int) -> None:
    digits = number.replace("-", "")
    one, two = digits[place], digits[place + 1]
    assume(one != two)
    assert understood(digits[:place] + two + one + digits[place + 2 :]) is None


@pytest.mark.parametrize("said", ["", "4812093557", "481-2093-557x", "²²²²²²²²²²²", "1" * 500])
def test_what_is_no_number_is_not_understood(said: str) -> None:
    assert understood(said) is None


def test_codes_have_six_digits() -> None:
    assert all(len(code) == 6 and code.isdigit() for code in (draw_code() for _ in range(100)))


@pytest.mark.parametrize(
    ("label", "unit_id"),
    [
        ("建设社区第7网格", "grid-a7"),
        ("JIANSHE COMMUNITY, GRID 7", "grid-a7"),
        ("Jianshe community, grid 77", "community-a"),
        ("住在建设社区，靠近新亚洲体育城社区第2网格", "grid-b2"),
        ("一刻街道办事处旁", None),
        ("", None),
    ],
)
def test_an_address_may_name_its_unit(label: str, unit_id: str | None) -> None:
    found = unit_named_in(the_directory(), label)
    assert (found.id if found else None) == unit_id


def test_a_name_that_two_units_share_says_nothing() -> None:
    directory = the_directory()
    twin = directory.units["community-b"].model_copy(update={"name": directory.units["community-a"].name})
    directory.units["community-b"] = twin
    assert unit_named_in(directory, "建设社区") is None


def test_an_unknown_place_is_the_nearest_community_s() -> None:
    near_b = inside("grid-b9")
    pool = pool_for(the_directory(), Place(lon=near_b["lon"], lat=near_b["lat"]))
    assert not isinstance(pool, Refused)
    assert pool.id == "community-b"


def test_without_units_nothing_can_be_taken_in() -> None:
    assert pool_for(Directory.of(), Place()) == Refused(RefusedBecause.REGISTRY_NOT_READY)


def test_local_time_is_that_of_the_case_s_units() -> None:
    directory = the_directory()
    calendar = directory.calendars["cn"].model_copy(update={"id": "kz", "time_zone": "Asia/Almaty"})
    directory.calendars["kz"] = calendar
    directory.units["grid-a1"] = directory.units["grid-a1"].model_copy(update={"calendar_id": "kz"})
    assert time_zone_for(directory, ["community-a", "grid-a1"]).key == "Asia/Almaty"
    assert time_zone_for(directory, ["community-a", "grid-a2"]).key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("clear", "masked"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86****5678"),
        ("110", "****10"),
        ("8888", "****88"),
    ],
)
def test_phones_are_masked(clear: str, masked: str) -> None:
    assert masked_phone(clear) == masked


@pytest.mark.parametrize(("clear", "masked"), [("王小明", "王*"), ("John", "J*"), ("", "")])
def test_names_are_masked(clear: str, masked: str) -> None:
    assert masked_name(clear) == masked


def test_five_wrong_codes_end_the_guessing_for_a_quarter_of_an_hour() -> None:
    guesses = Guesses()
    for minute in range(5):
        now = START + timedelta(minutes=minute)
        assert may_guess(guesses, now)
        guesses = guessed_wrong(guesses, now)
    assert not may_guess(guesses, START + timedelta(minutes=14))
    later = START + timedelta(minutes=15)
    assert may_guess(guesses, later)
    assert guessed_wrong(guesses, later) == Guesses(1, later)


# ── the public state ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_public_state_follows_the_work() -> None:
    registration = a_registration()
    case = fold([registration])
    states = [case.state]
    for event in Others(case.case_id).work():
        case = apply(case, event)
        states.append(case.state)
    assert [str(state) for state in states] == [
        "registered",
        "offered",
        "accepted",
        "arrived",
        "in_progress",
        "handled",
    ]


def test_another_offer_takes_no_case_back() -> None:
    registration = a_registration()
    others = Others(registration.case_id)
    case = fold([registration, others.accepted(), others.arrived(), others.offered(OFFICER)])
    assert case.state is CaseState.ARRIVED


def test_a_raise_moves_the_level_and_a_void_takes_it_back() -> None:
    registration = a_registration()
    others = Others(registration.case_id)
    case = fold([registration, others.raised()])
    assert case.level is Level.COMMUNITY
    assert apply(case, others.voided()).level is Level.GRID


def test_a_reopened_case_begins_again_but_its_clock_does_not() -> None:
    registration = a_registration()
    work = Others(registration.case_id).work()
    reopened = CaseReopened(at=START, case_id=registration.case_id, follow_up_id=uuid7(), round=2)
    case = fold([registration, *work, reopened])
    assert (case.state, case.round, case.handled_at) == (CaseState.REOPENED, 2, None)
    assert case.registered_at == START
    assert case.holders == {WORKER}


def test_what_belongs_to_an_older_round_changes_nothing_but_who_held_it() -> None:
    registration = a_registration()
    reopened = CaseReopened(at=START, case_id=registration.case_id, follow_up_id=uuid7(), round=2)
    case = fold([registration, reopened])
    late = fold([registration, reopened, *Others(registration.case_id, round=1).work(OFFICER)])
    assert late.state is case.state is CaseState.REOPENED
    assert OFFICER in late.holders
