"""Time taken and time left, and the gaps of a rota: tables, and what holds for every roster."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.rules.rosters import RotaKind, gaps, rotas, span_of
from services.registry.rules.spans import Span, joined, left, within
from shared.things import OpeningHours, Person, Shift, Unit
from shared.vocabulary import Post, ShiftKind
from tests.registry.things.town import CALENDAR, KNOWN, NOON, a_person, a_shift, a_unit, hours

ROTAS = {
    (rota.unit_id, rota.kind): rota for rota in rotas(list(KNOWN.units.values()), list(KNOWN.people.values()))
}
DAY = Span(NOON, NOON + hours(24))


def span(begins: float, ends: float) -> Span:
    return Span(NOON + hours(begins), NOON + hours(ends))


@pytest.mark.parametrize(
    ("taken", "still"),
    [
        ([], [(0, 24)]),
        ([(0, 24)], []),
        ([(-5, 30)], []),
        ([(0, 8), (8, 16), (16, 24)], []),
        ([(0, 8), (16, 24)], [(8, 16)]),
        ([(4, 8)], [(0, 4), (8, 24)]),
        ([(4, 10), (8, 12)], [(0, 4), (12, 24)]),
        ([(-9, -1), (25, 30)], [(0, 24)]),
        ([(5, 5)], [(0, 24)]),
    ],
)
def test_what_is_left_of_a_day(taken: list[tuple[float, float]], still: list[tuple[float, float]]) -> None:
    assert left(DAY, [span(*each) for each in taken]) == [span(*each) for each in still]


MOMENTS = st.integers(-600, 2400).map(lambda minutes: NOON + timedelta(minutes=minutes))
SPANS = st.tuples(MOMENTS, MOMENTS).map(lambda pair: Span(min(pair), max(pair)))


@given(st.lists(SPANS, max_size=12))
def test_taken_and_left_make_up_the_whole_and_share_nothing(taken: list[Span]) -> None:
    there, missing = joined(within(taken, DAY)), left(DAY, taken)

    assert joined([*there, *missing]) == [DAY]
    assert not any(a.within(b) for a in there for b in missing)


@given(
    st.lists(
        st.tuples(SPANS, st.sampled_from(["p-a", "p-b", "p-w"]), st.sampled_from(ShiftKind)), max_size=12
    )
)
def test_shifts_and_gaps_make_up_the_period(given_: list[tuple[Span, str, ShiftKind]]) -> None:
    shifts = [
        a_shift(f"s{n}", person, "grid-x1", kind=kind).model_copy(
            update={"starts_at": each.starts_at, "ends_at": each.ends_at}
        )
        for n, (each, person, kind) in enumerate(given_)
    ]
    rota = ROTAS["grid-x1", RotaKind.GRID]

    found = gaps(rota, shifts, DAY, KNOWN.calendars)

    duty = [s for s in shifts if s.kind is ShiftKind.ON_DUTY and s.person_id in ("p-a", "p-b")]
    manning = within(map(span_of, duty), DAY)
    open_ = [Span(gap.starts_at, gap.ends_at) for gap in found]
    assert joined([*manning, *open_]) == [DAY]
    assert not any(a.within(b) for a in manning for b in open_)


@pytest.mark.parametrize(
    ("unit_id", "kind", "who"),
    [
        ("grid-x1", RotaKind.GRID, {"p-a", "p-b"}),
        ("grid-x2", RotaKind.GRID, set()),
        ("community-x", RotaKind.DUTY_OFFICER, {"p-officer-x"}),
        ("street", RotaKind.DUTY_OFFICER, set()),
        ("desk", RotaKind.DESK, {"p-operator"}),
    ],
)
def test_who_may_man_a_rota(unit_id: str, kind: RotaKind, who: set[str]) -> None:
    assert ROTAS[unit_id, kind].person_ids == who
    assert ("top", RotaKind.DESK) not in ROTAS


def test_a_city_without_a_desk_answers_at_its_top() -> None:
    units = [unit for unit in KNOWN.units.values() if unit.kind != "desk"]
    found = {rota.unit_id for rota in rotas(units, list(KNOWN.people.values())) if rota.kind is RotaKind.DESK}
    assert found == {"top"}


@pytest.mark.parametrize(
    ("shifts", "open_"),
    [
        ([], [(0, 24, ())]),
        ([a_shift("1", "p-a", "grid-x1", 0, 24)], []),
        ([a_shift("1", "p-b", "grid-x1", 0, 24)], []),
        ([a_shift("1", "p-w", "grid-x1", 0, 24)], [(0, 24, ())]),
        ([a_shift("1", "p-a", "grid-x2", 0, 24)], [(0, 24, ())]),
        ([a_shift("1", "p-a", "grid-x1", -8, 12), a_shift("2", "p-b", "grid-x1", 14, 40)], [(12, 14, ())]),
        ([a_shift("1", "p-a", "grid-x1", 0, 24).model_copy(update={"retired_at": NOON})], [(0, 24, ())]),
        ([a_shift("1", "p-b", "grid-x1", 6, 12, ShiftKind.ON_CALL)], [(0, 24, ("p-b",))]),
        (
            [a_shift("1", "p-a", "grid-x1", 0, 12), a_shift("2", "p-b", "grid-x1", 0, 12, ShiftKind.ON_CALL)],
            [(12, 24, ())],
        ),
    ],
)
def test_a_gap_is_where_neither_a_nor_b_is_on_duty(
    shifts: list[Shift], open_: list[tuple[float, float, tuple[str, ...]]]
) -> None:
    rota = ROTAS["grid-x1", RotaKind.GRID]

    found = [(gap.starts_at, gap.ends_at, gap.on_call) for gap in gaps(rota, shifts, DAY, KNOWN.calendars)]
    assert found == [(NOON + hours(begins), NOON + hours(ends), who) for begins, ends, who in open_]


MORNING = OpeningHours(weekday=5, opens=time(8, 30), closes=time(12))
AFTERNOON = OpeningHours(weekday=5, opens=time(13, 30), closes=time(17, 30))
WALK_IN = a_unit("post-x", "community-x").model_copy(update={"opening_hours": (MORNING, AFTERNOON)})
OFFICE = a_unit("department-x", "street")
KEEPER = a_person("p-keeper", (Post.STAFF, "post-x"))


@pytest.mark.parametrize(
    ("unit", "people", "kind"),
    [
        (OFFICE, (), RotaKind.DUTY_OFFICER),
        (
            a_unit("team-x", "street"),
            (a_person("p-1", (Post.DUTY_OFFICER, "team-x")),),
            RotaKind.DUTY_OFFICER,
        ),
        (a_unit("team-x", "street"), (a_person("p-1", (Post.STAFF, "team-x")),), None),
        (WALK_IN, (KEEPER,), RotaKind.OPENING_HOURS),
        (OFFICE.model_copy(update={"opening_hours": (MORNING,)}), (), RotaKind.DUTY_OFFICER),
        (OFFICE.model_copy(update={"retired_at": NOON}), (), None),
    ],
)
def test_what_stands_beside_the_ladder_is_manned_too(
    unit: Unit, people: tuple[Person, ...], kind: RotaKind | None
) -> None:
    found = rotas([unit], people)
    assert [rota.kind for rota in found] == ([kind] if kind else [])
    assert all(rota.person_ids == {person.id for person in people} for rota in found)


@pytest.mark.parametrize(
    ("shifts", "holidays", "open_"),
    [
        ([], (), [(-3.5, 0), (1.5, 5.5)]),
        ([a_shift("1", "p-keeper", "post-x", -4, 2)], (), [(2, 5.5)]),
        ([a_shift("1", "p-keeper", "post-x", -4, 8)], (), []),
        ([a_shift("1", "p-a", "post-x", -4, 8)], (), [(-3.5, 0), (1.5, 5.5)]),
        ([], (NOON.date(),), []),
    ],
)
def test_a_walk_in_post_is_manned_while_it_is_open(
    shifts: list[Shift], holidays: tuple[date, ...], open_: list[tuple[float, float]]
) -> None:
    """A Friday in Shanghai; closed on a holiday, and no gap on the other days of its week."""
    [rota] = rotas([WALK_IN], [KEEPER])
    calendars = {"cn": CALENDAR.model_copy(update={"holidays": holidays})}

    found = gaps(rota, shifts, Span(NOON - hours(48), NOON + hours(120)), calendars)
    assert [(gap.starts_at, gap.ends_at) for gap in found] == [
        (NOON + hours(begins), NOON + hours(ends)) for begins, ends in open_
    ]
