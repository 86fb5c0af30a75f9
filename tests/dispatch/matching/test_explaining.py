"""Explanations name people who were really there, the person chosen first, and say in two languages what decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from services.dispatch.matching.chain import ChosenBecause
from services.dispatch.matching.explaining import WEIGHED_MAX, Because, Explanation, Removed, explained
from services.dispatch.matching.situation import NOBODY, Situation, Standing
from services.dispatch.rules.explaining import BECAUSE
from shared.going import MatchingPolicy
from tests.dispatch.matching.situations import (
    E_BIKE,
    ENGINE,
    POLICIES,
    WALK,
    WEIGHTS,
    a_case_list,
    a_situation,
    barring,
    people_at,
    situations,
)


def only(situation: Situation) -> Explanation:
    (one,) = explained(situation, ENGINE(situation), WEIGHTS)
    return one


@pytest.mark.parametrize("name", list(MatchingPolicy))
@settings(max_examples=20, deadline=None)
@given(situation=situations())
def test_explanations_name_real_candidates(name: str, situation: Situation) -> None:
    made = POLICIES[name](situation)
    told = explained(situation, made, WEIGHTS)
    assert [(one.case, one.person) for one in told] == list(
        zip(made.case.tolist(), made.person.tolist(), strict=True)
    )
    barred = set(zip(*(some.tolist() for some in situation.barred), strict=True))
    for one in told:
        rows = [weighed.person for weighed in one.weighed]
        assert rows[0] == one.person
        assert one.weighed[0].removed_by is None
        assert len(set(rows)) == len(rows) <= WEIGHED_MAX
        assert all(0 <= row < len(situation.people) for row in rows)
        assert all(0 <= weighed.p_late <= 1 and weighed.eta_seconds >= 0 for weighed in one.weighed)
        goer = int(situation.cases.goer[one.case])
        assert [weighed.person for weighed in one.weighed if weighed.removed_by == Removed.ON_THE_WAY] == (
            [] if goer == NOBODY else [goer]
        )
        assert goer == NOBODY or rows[1] == goer
        others = [weighed.eta_seconds for weighed in one.weighed[1:] if weighed.person != goer]
        assert others == sorted(others)
        for weighed in one.weighed[1:]:
            gone = (one.case, weighed.person) in barred or weighed.person in set(made.person.tolist())
            assert weighed.removed_by is not None or not gone


@settings(max_examples=20, deadline=None)
@given(situation=situations())
def test_the_person_weighed_last_is_no_nearer_than_those_told(situation: Situation) -> None:
    """Everybody who could be asked is told while there are few enough."""
    for one in explained(situation, ENGINE(situation), WEIGHTS):
        here = int((situation.people.standing < Standing.GOING).sum())
        called_off = situation.people.standing[one.person] == Standing.GOING
        taken_over = situation.cases.goer[one.case] != NOBODY
        assert len(one.weighed) == min(WEIGHED_MAX, here + int(called_off or taken_over))


def test_words_shared_with_the_chain_mean_the_same() -> None:
    shared = {Because.A_HOLDER, Because.B_HOLDER, Because.GRID_LEADER, Because.FASTEST}
    assert {one.value for one in shared} <= {one.value for one in ChosenBecause}


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(Because) <= set(BECAUSE)
    assert all(words.zh and words.en for words in BECAUSE.values())


def test_the_own_grid_is_named() -> None:
    situation = a_situation(
        a_case_list([(0, 0)], holders=[[1, NOBODY, NOBODY]]), people_at([(100, 0), (200, 0)])
    )
    one = only(situation)
    assert (one.because, [weighed.person for weighed in one.weighed]) == (Because.A_HOLDER, [1, 0])


def test_the_own_grids_people_are_told_however_far_off() -> None:
    others = [(10 * n, 0) for n in range(1, 20)]
    situation = a_situation(
        a_case_list([(0, 0)], holders=[[19, NOBODY, 20]]), people_at([*others, (2500, 0), (2000, 0)])
    )
    one = only(situation)
    told = [weighed.person for weighed in one.weighed]
    assert (told[0], told[-2:], len(told)) == (one.person, [20, 19], WEIGHED_MAX)


def test_who_declined_is_told_with_the_word_of_the_caller() -> None:
    situation = barring(a_situation(a_case_list([(0, 0)]), people_at([(100, 0), (200, 0)])), (0, 0))
    (one,) = explained(situation, ENGINE(situation), WEIGHTS, {(0, 0): "declined"})
    assert one.because is Because.ONLY_ONE
    assert [(weighed.person, weighed.removed_by) for weighed in one.weighed] == [(1, None), (0, "declined")]


def test_who_is_needed_elsewhere_at_the_same_time_is_told_as_that() -> None:
    """Two cases, and the one both want goes where nobody else would be in time."""
    situation = a_situation(
        a_case_list([(0, 0), (1000, 0)], due=[900, 600]), people_at([(300, 0), (-200, 0), (900, 0)])
    )
    chosen = {one.case: one for one in explained(situation, ENGINE(situation), WEIGHTS)}
    assert {case: one.person for case, one in chosen.items()} == {0: 1, 1: 2}
    assert chosen[0].because is Because.FASTEST
    assert {w.person: w.removed_by for w in chosen[0].weighed} == {1: None, 0: None, 2: "sent_elsewhere"}


def test_a_rider_from_further_off_is_least_likely_to_be_late() -> None:
    people = people_at([(620, 0), (2350, 0)], [WALK, E_BIKE])
    situation = a_situation(a_case_list([(0, 0)], due=800), people)
    assert only(situation).because in (Because.FASTEST, Because.LEAST_LATE)


def test_a_swap_is_called_a_swap() -> None:
    cases = a_case_list([(3000, 0), (100, 0)], due=[-60, 600], goer=[0, NOBODY], age=[900, 5])
    people = people_at([(0, 0), (2500, 0)], [E_BIKE, WALK])
    people = replace(
        people,
        standing=np.asarray([Standing.GOING, Standing.FREE], dtype=np.int8),
        remaining=np.asarray([960.0, np.inf]),
        swappable=np.asarray([True, False]),
    )
    assert only(a_situation(cases, people)).because is Because.SWAP
