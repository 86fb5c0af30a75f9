"""岗位角色 without any database: which powers follow from which roles, what a list of staff may call them, and what is
wrong with one."""

from __future__ import annotations

import pytest

from services.registry.commands import Given
from services.registry.defaults import things as defaults
from services.registry.rules.delegation import holds
from services.registry.rules.flaws import flaws
from services.registry.rules.roles import SHIPPED, given, named, with_powers
from services.registry.rules.things import Known
from shared.directory import Directory
from shared.things import Grant, JobRole, Name
from shared.vocabulary import Role
from tests.registry.things.town import KEEPER, KNOWN, NOON, a_person
from tests.registry.things.town import named as name_of

EVERYTHING = JobRole(id="all", name=name_of("everything"), powers=tuple(Role))
ROLES = {"keeper": KEEPER, "all": EVERYTHING}


def held(*written: str) -> tuple[Grant, ...]:
    """`building_head@grid-x1 keeper`: a power in a unit, and what it is held as."""
    out = []
    for text in written:
        at, _, role_id = text.partition(" ")
        power, _, unit_id = at.partition("@")
        out.append(Grant(role=Role(power), unit_id=unit_id, held_as=role_id or None))
    return tuple(out)


@pytest.mark.parametrize(
    ("asked", "powers"),
    [
        ([], ()),
        (["volunteer@grid-x1"], held("volunteer@grid-x1")),
        (["keeper@grid-x1"], held("building_head@grid-x1 keeper", "volunteer@grid-x1 keeper")),
        (
            ["keeper@grid-x1", "keeper@grid-x2"],
            held(
                "building_head@grid-x1 keeper",
                "volunteer@grid-x1 keeper",
                "building_head@grid-x2 keeper",
                "volunteer@grid-x2 keeper",
            ),
        ),
        (
            ["volunteer@grid-x1", "keeper@grid-x1"],
            held("volunteer@grid-x1", "building_head@grid-x1 keeper", "volunteer@grid-x1 keeper"),
        ),
        (
            ["keeper@grid-x1", "keeper@grid-x1"],
            held("building_head@grid-x1 keeper", "volunteer@grid-x1 keeper"),
        ),
        (["all@top"], held(*(f"{power}@top all" for power in Role))),
    ],
)
def test_the_powers_follow_from_the_roles_given(asked: list[str], powers: tuple[Grant, ...]) -> None:
    wanted = [
        Given(role=role, unit_id=unit_id) for role, _, unit_id in (text.partition("@") for text in asked)
    ]
    assert with_powers(wanted, ROLES) == powers
    assert with_powers(powers, ROLES) == powers, "what is read may be sent back"
    assert [f"{role}@{unit_id}" for role, unit_id in given(powers)] == list(dict.fromkeys(asked))


def test_a_power_asked_for_beside_its_role_is_not_given() -> None:
    wanted = held("administrator@top keeper", "volunteer@top keeper")
    assert with_powers(wanted, ROLES) == held("building_head@top keeper", "volunteer@top keeper")


def test_nobody_has_powers_of_a_role_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        with_powers([Given(role="nobody-knows", unit_id="top")], ROLES)


RENAMED = SHIPPED["building_head"].model_copy(update={"name": Name(zh="楼长", en="head of a house")})
GONE = KEEPER.model_copy(update={"id": "gone", "name": Name(zh="走了", en="Gone"), "retired_at": NOON})
TAKEN_OVER = KEEPER.model_copy(update={"id": "other", "name": Name(zh="楼栋长", en="Other")})


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("grid_worker", "grid_worker"),
        ("网格员", "grid_worker"),
        ("Follow-up Caller", "follow_up_caller"),
        ("keeper", "keeper"),
        (" 楼道管家 ", "keeper"),
        ("CORRIDOR KEEPER", "keeper"),
        ("gone", "gone"),
        ("走了", None),
        ("king", None),
        ("", None),
    ],
)
def test_a_list_of_staff_calls_a_role_by_its_id_or_its_name(text: str, id: str | None) -> None:
    assert named(text, {**ROLES, "gone": GONE}) == id


def test_what_ships_keeps_its_first_name_until_the_city_calls_something_else_so() -> None:
    renamed = {RENAMED.id: RENAMED}
    assert {named(text, renamed) for text in ("楼栋长", "楼长", "building_head")} == {"building_head"}
    both = {**renamed, TAKEN_OVER.id: TAKEN_OVER}
    assert (named("楼栋长", both), named("building_head", both)) == ("other", "building_head")


def test_every_power_is_a_role_that_ships_with_the_defaults() -> None:
    assert [role.powers for role in SHIPPED.values()] == [(power,) for power in Role]
    assert [role.id for role in SHIPPED.values()] == [power.value for power in Role]
    assert {role.id for role in defaults() if isinstance(role, JobRole)} == set(SHIPPED)


@pytest.mark.parametrize(
    ("role", "found"),
    [
        (KEEPER, []),
        (KEEPER.model_copy(update={"id": " "}), ["no-id"]),
        (KEEPER.model_copy(update={"name": Name(zh="", en="x")}), ["no-name"]),
        (KEEPER.model_copy(update={"name": Name(zh="管家", en=" ")}), ["no-name"]),
        (KEEPER.model_copy(update={"powers": ()}), ["no-power"]),
        (KEEPER.model_copy(update={"powers": (Role.READER, Role.READER)}), ["power-twice"]),
        (KEEPER.model_copy(update={"name": Name(zh="志愿者", en="Helper")}), ["name-taken"]),
        (KEEPER.model_copy(update={"name": Name(zh="帮手", en="Volunteer")}), ["name-taken"]),
        (KEEPER.model_copy(update={"name": Name(zh="unit_officer", en="x")}), ["name-taken"]),
        (RENAMED, []),
        (SHIPPED["reader"].model_copy(update={"powers": (Role.ADMINISTRATOR,)}), ["shipped-powers"]),
        (SHIPPED["reader"].model_copy(update={"powers": (Role.READER, Role.OPERATOR)}), ["shipped-powers"]),
        (SHIPPED["evaluator"].model_copy(update={"retired_at": NOON}), []),
    ],
)
def test_what_is_wrong_with_a_role(role: JobRole, found: list[str]) -> None:
    assert [flaw.code for flaw in flaws([role], KNOWN)] == found
    assert all(" / " in flaw.text for flaw in flaws([role], KNOWN))


def test_a_name_is_free_again_when_its_role_is_retired() -> None:
    twin = KEEPER.model_copy(update={"id": "twin"})
    retired = KEEPER.model_copy(update={"retired_at": NOON})
    assert [flaw.code for flaw in flaws([twin], KNOWN.after([KEEPER]))] == ["name-taken"]
    assert flaws([twin], KNOWN.after([retired])) == []


def test_one_lends_a_power_under_the_name_one_holds_it_by() -> None:
    own, known = held("building_head@community-x keeper"), KNOWN
    for wanted, may in (
        ("building_head@grid-x1 keeper", True),
        ("building_head@grid-x1", True),
        ("building_head@grid-x1 all", False),
        ("volunteer@grid-x1", False),
    ):
        assert holds(own, held(wanted)[0], known) == may


def test_who_has_a_power_twice_is_found_once() -> None:
    twice = a_person("p-twice").model_copy(
        update={"grants": held("volunteer@grid-x1", "volunteer@grid-x1 keeper")}
    )
    assert Directory.of(people=[twice]).with_role(Role.VOLUNTEER, "grid-x1") == [twice]


def test_who_left_may_have_had_a_role_that_is_no_more() -> None:
    retired = KEEPER.model_copy(update={"retired_at": NOON})
    known = Known.of([*KNOWN.things(), retired])
    there = a_person("p-k").model_copy(update={"grants": held("volunteer@grid-x1 keeper")})
    assert [flaw.code for flaw in flaws([there], known)] == ["retired-role"]
    assert flaws([there.model_copy(update={"retired_at": NOON})], known) == []
