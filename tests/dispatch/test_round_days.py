"""What a grid's rounds came to, day by day, as it is told: what dispatch's own books say of every day that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.queries import round_days as days
from services.dispatch.rules import round_days, round_story, rounds
from services.dispatch.rules.periods import Period
from services.dispatch.rules.round_days import RoundDay, day_id
from services.dispatch.rules.round_story import Due
from services.dispatch.rules.rounds import owed
from shared.codec import decode_body
from shared.events.fieldwork import RoundDayClosed
from shared.fieldwork import NotDoneReason
from shared.journal import story, verify
from shared.service import Service
from tests.dispatch.phones import Phone
from tests.dispatch.read_side import reading
from tests.dispatch.test_round_rules import MONDAY, NOON, OFTEN, WORDS, Books
from tests.dispatch.test_round_rules import a_stop as a_daily_stop
from tests.dispatch.test_rounds import POINT, THERE, a_leader, a_stop
from tests.dispatch.world import LEADER, A, Scene, doer

ONE_DAY = timedelta(days=1)
DAY_SECONDS = 24 * 3600
GRID = "grid-a1"


# ── in whatever order things happen ───────────────────────────────────────────────────────────────────────────────


class Walked(Books):
    """A stop with what is settled of it; whoever keeps the grid's days is told of each event."""

    def __init__(self, period: Period, grid: Grid) -> None:
        super().__init__(period)
        self.grid = grid
        self.dues: dict[date, Due] = {}

    def write(self, event: Any) -> None:
        before = self.stop
        super().write(event)
        for day in getattr(event, "reopened", ()):
            del self.dues[day]
        self.dues |= {due.due_on: due for due in round_story.settled_by(before, event)}
        if touched := round_days.touched(before, self.stop, event, self.grid.today):
            self.grid.look_at(touched)


class Grid:
    """Two stops, and the days as they were told."""

    def __init__(self, *periods: Period) -> None:
        self.today = MONDAY
        self.told: dict[date, RoundDay] = {}
        self.stops = [Walked(period, self) for period in periods]

    def counted(self, wanted: set[date]) -> dict[date, round_days.Count]:
        settled = [(due, 1) for stop in self.stops for day, due in stop.dues.items() if day in wanted]
        standing = [stop.stop for stop in self.stops if stop.stop.ended_at is None]
        return round_days.count(wanted, settled, standing)

    def look_at(self, wanted: set[date]) -> None:
        assert max(wanted) <= self.today
        for day, found in self.counted(wanted).items():
            known = self.told.get(day) or RoundDay(day_id(GRID, day), GRID, day)
            over = day < self.today
            event = round_days.tell(known, found, over=over, unit_path=(GRID,), begins_at=NOON, now=NOON)
            if event is not None:
                after = round_days.apply(self.told.get(day), event)
                assert after is not None
                self.told[day] = after

    def wait(self, days_: int) -> None:
        for _ in range(days_):
            over, self.today = self.today, self.today + ONE_DAY
            self.look_at({over})


ACTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 1),
        st.sampled_from(["done", "done", "not_done", "change", "correct", "end"]),
        st.integers(0, 2),
    ),
    max_size=14,
)


@settings(max_examples=300)
@given(OFTEN, OFTEN, OFTEN, ACTS)
def test_what_is_told_adds_up_to_the_days_owed(
    one: Period, other: Period, then: Period, acts: list[tuple[int, int, str, int]]
) -> None:
    """Each day of each stop is in the result of its own day once, as it stands, whatever is entered later."""
    grid = Grid(one, other)
    for wait, at, act, which in acts:
        grid.wait(wait)
        stop = grid.stops[at]
        if stop.stop.ended_at is not None:
            continue
        match act:
            case "change":
                stop.plan_anew(grid.today, then)
            case "correct":
                stop.take_back(which)
            case "end":
                stop.write(rounds.end(stop.stop, doer(LEADER), NOON, grid.today, WORDS))
            case _:
                stop.enter((grid.today - MONDAY).days, done=act == "done")
    grid.wait(1)
    yesterday = grid.today - ONE_DAY
    over = {MONDAY + n * ONE_DAY for n in range((grid.today - MONDAY).days)}
    partition = [day for stop in grid.stops for day in stop.days(yesterday)]
    assert sum(grid.told[day].owed for day in grid.told if day in over) == len(partition)
    for day, found in grid.counted(over).items():
        told = grid.told.get(day) or RoundDay(day_id(GRID, day), GRID, day)
        assert (told.owed, told.done) == (partition.count(day), found.done)
        assert told.not_done == {reason.value: n for reason, n in found.not_done.items()}
        assert told.owed == told.done + sum(told.not_done.values())


def test_a_day_without_stops_has_nothing_to_tell() -> None:
    nothing = RoundDay(day_id(GRID, MONDAY), GRID, MONDAY)
    found = round_days.Count()
    assert not round_days.tell(nothing, found, over=True, unit_path=(), begins_at=NOON, now=NOON)


def test_an_entry_touches_the_days_that_it_changes_and_no_others() -> None:
    """Of a stop owed every day since Monday: why it is not done is another for all of them; said again, for none."""
    stop = a_daily_stop()
    thursday = MONDAY + 3 * ONE_DAY
    for reason, days_ in ((NotDoneReason.ILL, 4), (NotDoneReason.ILL, 0), (NotDoneReason.WEATHER, 4)):
        event = rounds.leave_undone(stop, stop.id, doer(A), NOON, thursday, reason, None)
        assert isinstance(event, round_story.StopNotDone)
        after = round_story.apply(stop, event)
        assert after is not None
        assert len(round_days.touched(stop, after, event, thursday)) == days_
        assert len(owed(after, thursday)) == 4
        stop = after


# ── over the routes, with the clock ───────────────────────────────────────────────────────────────────────────────


async def announced(scene: Scene) -> list[RoundDayClosed]:
    async with scene.database.transaction() as tx:
        rows = await tx.rows("SELECT * FROM outbox WHERE type = :type ORDER BY id", type=RoundDayClosed.type)
    told = [
        decode_body(
            RoundDayClosed,
            row["body"],
            id=row["event_id"],
            at=row["at"],
            sequence=row["sequence"],
            subject=row["subject_id"],
        )
        for row in rows
    ]
    return [event for event in told if isinstance(event, RoundDayClosed)]


async def results(scene: Scene) -> list[tuple[int, int, int, dict[str, int]]]:
    """Day of March, owed, done, and why not, in the order they were told."""
    return [
        (event.day.day, event.owed, event.done, {one.reason.value: one.count for one in event.not_done})
        for event in await announced(scene)
    ]


async def check_days(service: Service, scene: Scene) -> None:
    """The last word on each day is what the report says; folding the story gives the row again."""
    last = {event.day: event for event in await announced(scene)}
    for day, event in last.items():
        path = f"/rounds/report?unit={event.grid_id}&from={day}&to={day}"
        [line] = (await a_leader(service, event.grid_id).get(path)).json()["grids"]
        assert (event.owed, event.done) == (line["due"], line["done"])
        assert {one.reason.value: one.count for one in event.not_done} == line["reasons"]
        async with scene.database.transaction() as tx:
            await verify(tx, event.day_id)
            [row] = await days.find(tx, [event.day_id])
            assert round_days.fold(await story(tx, event.day_id)) == row


async def test_a_day_is_told_when_it_ends_and_again_when_it_is_made_good(
    service: Service, scene: Scene
) -> None:
    daily, weekly = [await a_stop(service, period=period) for period in ("days", "week")]
    phone = Phone(service, A)
    assert (await phone.post(f"/rounds/stops/{daily['stop_id']}/done", **THERE)).status_code == 200
    await scene.until(21 * 3600)
    assert await results(scene) == [], "the weekly stop may still be done today"
    await scene.until(DAY_SECONDS)
    assert await results(scene) == [(2, 2, 1, {"not_reached": 1})]
    [told] = await announced(scene)
    assert (told.begins_at.isoformat(), told.unit_path[-1]) == ("2026-03-01T16:00:00+00:00", GRID)
    await scene.until(2 * DAY_SECONDS)
    assert (await results(scene))[1:] == [(3, 1, 0, {"not_reached": 1})]
    away = await phone.post(f"/rounds/stops/{weekly['stop_id']}/not-done", reason="not_home")
    assert away.status_code == 200
    assert (await results(scene))[2:] == [(2, 2, 1, {"not_home": 1})]
    await scene.until(3 * DAY_SECONDS)
    await phone.post(f"/rounds/stops/{weekly['stop_id']}/done", **THERE)
    assert (await results(scene))[3:] == [(4, 1, 0, {"not_reached": 1}), (2, 2, 2, {})]
    await check_days(service, scene)


async def test_the_read_side_s_figure_is_what_the_books_say(
    service: Service,
    scene: Scene,
    fresh_database: Callable[[str], str],
    kafka_bootstrap: str,
    topic_prefix: str,
) -> None:
    """Over outbox and topic, with the days that were made good later."""
    stops = [(await a_stop(service, period=period))["stop_id"] for period in ("days", "week", "week")]
    phone = Phone(service, A)
    for day, stop in enumerate(stops):
        assert (await phone.post(f"/rounds/stops/{stop}/done", **THERE)).status_code == 200
        await scene.until((day + 1) * DAY_SECONDS)
    report = (await a_leader(service).get("/rounds/report?unit=grid-a1&from=2026-03-02&to=2026-03-04")).json()
    await check_days(service, scene)
    async with reading(scene, fresh_database("insight"), kafka_bootstrap, topic_prefix) as read_side:
        assert await read_side.figure("round_stops_done") == "3/5"
        behind = (await read_side.behind("round_stops_done")).cases
    [line] = report["grids"]
    assert (line["done"], line["due"]) == (3, 5)
    assert [(one.number, int(one.counted), one.listed) for one in behind] == [
        ("grid-a1 2026-03-02", 3, 3),
        ("grid-a1 2026-03-03", 0, 1),
        ("grid-a1 2026-03-04", 0, 1),
    ]


async def test_a_day_is_told_as_soon_as_nothing_is_left_of_it(service: Service, scene: Scene) -> None:
    stop, phone = await a_stop(service), Phone(service, A)
    path = f"/rounds/stops/{stop['stop_id']}"
    await phone.post(f"{path}/done", **THERE)
    assert await results(scene) == [(2, 1, 1, {})]
    [entry] = (await a_leader(service).get(f"{path}/entries")).json()["entries"]
    await phone.post(f"{path}/corrections", entry_id=entry["entry_id"], text="走错了门")
    assert (await results(scene))[1:] == [(2, 1, 0, {"not_reached": 1})]
    await a_stop(service, label="西门")
    await scene.until(DAY_SECONDS)
    told = await results(scene)
    assert told[-1] == (2, 2, 0, {"not_reached": 2})
    await scene.until(DAY_SECONDS + 3600)
    assert await results(scene) == told
    await check_days(service, scene)


async def test_a_grid_whose_stops_have_ended_is_waited_for_no_more(service: Service, scene: Scene) -> None:
    """Days on which nothing is owed are not told; when the last stop has ended, no timer is left."""
    stop = await a_stop(service, since="2026-03-04")
    await scene.until(2 * DAY_SECONDS)
    assert await results(scene) == []
    ended = await a_leader(service).post(f"/rounds/stops/{stop['stop_id']}/end", why="拆除")
    assert ended.status_code == 200, ended.text
    await scene.until(4 * DAY_SECONDS)
    assert await results(scene) == []
    async with scene.database.transaction() as tx:
        assert await tx.rows("SELECT FROM timers") == []
    await a_stop(service, **POINT)
    await scene.until(5 * DAY_SECONDS)
    assert [told[0] for told in await results(scene)] == [6]


async def test_several_at_work_in_one_grid_in_the_same_second(service: Service, scene: Scene) -> None:
    """Whoever comes last counts what all the others entered."""
    stops = [(await a_stop(service, label=f"点 {n}"))["stop_id"] for n in range(8)]
    await scene._set(scene.now + 2 * ONE_DAY)
    phone = Phone(service, A)
    entering = [phone.post(f"/rounds/stops/{stop}/done", **THERE) for stop in stops[:6]]
    leaving = [phone.post(f"/rounds/stops/{stop}/not-done", reason="weather") for stop in stops[6:]]
    ending = asyncio.gather(*(scene.timers.fire() for _ in range(2)))
    answers = await asyncio.gather(*entering, *leaving)
    assert [one.status_code for one in answers] == [200] * 8
    await ending
    await scene.until(3 * DAY_SECONDS)
    last = {told[0]: told[1:] for told in await results(scene)}
    assert last == {
        2: (8, 0, {"not_reached": 6, "weather": 2}),
        3: (8, 0, {"not_reached": 6, "weather": 2}),
        4: (8, 6, {"weather": 2}),
    }
    await check_days(service, scene)
