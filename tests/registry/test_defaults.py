"""What a city starts from: a catalogue an operator can work with, the clocks of product.md §3, words that raise."""

from __future__ import annotations

import pytest

from services.registry.defaults.catalogue import categories, codes_for_a_community
from services.registry.defaults.policies import POLICIES, working_days, working_hours
from services.registry.defaults.snippets import snippets
from services.registry.defaults.words import WORD_LISTS
from services.registry.demo.units import duty_lists, units
from services.registry.demo.world import world
from services.registry.rules.flaws import flaws
from services.registry.rules.things import Known
from shared.directory import Directory
from shared.things import Category, Policy
from shared.vocabulary import EmergencyService, Level, Urgency
from tests.registry.test_demo import FIRST

CATALOGUE = categories()
BY_CODE = {category.code: category for category in CATALOGUE}
FIRST_CODES = frozenset({
    "manhole-cover", "street-lamp", "family-violence", "gas-leak", "fire", "flooding", "lift-trapped",
    "fallen-wire-or-tree", "lost-person", "other-emergency", "road-damage", "water-supply",
    "power-supply", "drain-blocked", "public-fixture", "traffic-sign", "rubbish-heap", "rubble-dumped",
    "public-toilet", "dirty-green", "dead-animal", "small-ads", "unsafe-hoarding", "banner",
    "night-work", "dust", "dug-up-road", "illegal-building", "street-stall", "parking",
    "e-bike-charging", "neighbour-noise", "stray-dog", "neighbour-dispute", "property-service",
    "housing-repair", "care-of-elders", "hardship", "repair-at-home", "home-visit", "errand",
    "papers-and-proofs", "policy-question", "suggestion", "other",
})  # fmt: skip
UNITS = units(1)


def test_the_catalogue_is_large_enough_for_a_city_and_keeps_its_first_codes() -> None:
    assert len(BY_CODE) == len(CATALOGUE) >= 60
    assert set(BY_CODE) >= FIRST_CODES
    assert {category.urgency for category in CATALOGUE} == set(Urgency)


@pytest.mark.parametrize("category", CATALOGUE, ids=lambda category: category.code)
def test_an_operator_can_work_with_every_category(category: Category) -> None:
    assert category.keywords
    assert category.script is not None
    assert category.script.zh.strip()
    assert category.script.en.strip()
    assert (Level.COMMUNITY in category.levels) == (category.rightful_unit_id is None)


def test_where_a_community_may_not_be_asked_a_department_of_the_demo_may() -> None:
    departments = {unit.id for unit in UNITS if unit.kind == "department"}
    named = {category.rightful_unit_id for category in CATALOGUE if category.rightful_unit_id}

    assert named <= departments
    assert len(named) >= 10


def test_a_city_without_these_units_leaves_the_rightful_unit_open() -> None:
    there = {category.rightful_unit_id for category in categories({"justice"})}

    assert there == {None, "justice"}


def test_what_may_be_one_and_the_same_thing_shares_a_group() -> None:
    assert BY_CODE["flooding"].group == BY_CODE["water-supply"].group
    assert BY_CODE["lift-trapped"].group != BY_CODE["fire"].group


def test_every_policy_limits_the_side_matters() -> None:
    for policy in POLICIES:
        assert policy.ruling == working_hours(4)
        assert policy.supervision == working_days(3)
        assert policy.co_handle == working_days(2)
        assert policy.reply == working_days(1)
        assert policy.extension_max == working_days(5)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_higher_level_has_longer_to_handle(policy: Policy) -> None:
    assert [limits.level for limits in policy.levels] == list(Level)
    by_clock: dict[str, list[int]] = {}
    for limits in policy.levels:
        assert limits.handle is not None
        by_clock.setdefault(limits.handle.clock, []).append(limits.handle.amount)
    assert all(amounts == sorted(amounts) for amounts in by_clock.values())


def test_words_only_raise_and_each_emergency_service_has_its_own() -> None:
    assert {words.urgency for words in WORD_LISTS} == {Urgency.EMERGENCY}
    assert {words.service for words in WORD_LISTS} == {None, *EmergencyService}


def test_there_is_something_to_answer_at_once() -> None:
    known = snippets()

    assert len({snippet.id for snippet in known}) == len(known) >= 15
    assert {snippet.category_code for snippet in known} <= set(BY_CODE)
    assert all(snippet.text.zh and snippet.text.en and snippet.keywords for snippet in known)


def test_every_community_has_a_duty_list_that_keeps_out_what_is_not_its_own() -> None:
    lists = duty_lists(UNITS)
    directory = Directory.of(units=UNITS, categories=CATALOGUE, duty_lists=lists)

    assert {duty_list.unit_id for duty_list in lists} == {u.id for u in UNITS if u.level is Level.COMMUNITY}
    assert set(codes_for_a_community()) >= FIRST_CODES
    assert directory.may_be_sent("community-a", "manhole-cover")
    assert not directory.may_be_sent("community-a", "food-safety")
    assert directory.may_be_sent("market-regulation", "food-safety")


def test_the_whole_demo_has_no_flaw() -> None:
    assert flaws(world(FIRST, 2).things, Known()) == []
