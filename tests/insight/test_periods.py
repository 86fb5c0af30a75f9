"""A figure by day, week and month: the local ones of the unit, each with its n/d and its cases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.insight.figures.shipped import DEFINITIONS
from services.insight.queries import counts
from services.insight.rules.naming import Dimension, zone_of
from services.insight.rules.periods import PERIODS_MAX, periods
from shared.database import Database
from shared.directory import Directory
from shared.things import Calendar
from shared.vocabulary import Role
from tests.insight.stories import manhole_at_night, satisfied
from tests.insight.world import directory as the_directory
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
READER = an_issuer().headers("p-somebody", (Role.READER, "street"))
SHANGHAI, URUMQI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi"), ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 3, 1, 16, tzinfo=UTC)
"""Of Monday the second of March, in Shanghai."""


@pytest.mark.parametrize(
    ("by", "starts", "ends", "zone", "expected"),
    [
        (Dimension.DAY, MIDNIGHT, MIDNIGHT + timedelta(days=2), SHANGHAI, ["2026-03-02", "2026-03-03"]),
        (Dimension.DAY, MIDNIGHT, MIDNIGHT + timedelta(seconds=1), SHANGHAI, ["2026-03-02"]),
        (Dimension.DAY, MIDNIGHT, MIDNIGHT + timedelta(seconds=1), URUMQI, ["2026-03-01"]),
        (Dimension.WEEK, MIDNIGHT - timedelta(hours=1), MIDNIGHT + timedelta(days=7), SHANGHAI,
         ["2026-W09", "2026-W10"]),
        # The first of January 2027 is a Friday: of the last week of the year before.
        (Dimension.WEEK, datetime(2026, 12, 31, 16, tzinfo=UTC), datetime(2027, 1, 4, 16, tzinfo=UTC), SHANGHAI,
         ["2026-W53", "2027-W01"]),
        (Dimension.MONTH, MIDNIGHT, datetime(2026, 5, 1, tzinfo=UTC), SHANGHAI, ["2026-03", "2026-04", "2026-05"]),
        # The clocks go forward on the twenty-ninth: a day of 23 hours is a day.
        (Dimension.DAY, datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), BERLIN,
         ["2026-03-29"]),
    ],
)  # fmt: skip
def test_the_periods_a_span_touches(
    by: Dimension, starts: datetime, ends: datetime, zone: ZoneInfo, expected: list[str]
) -> None:
    assert periods(by, starts, ends, zone) == expected


async def test_the_database_writes_periods_alike(database: Database, fold_stories: FoldStories) -> None:
    """Around midnights, in each of the zones; every case in one of the periods of the span."""
    moments = [
        datetime(2026, 12, 31, hour, 30, tzinfo=UTC) + timedelta(days=day)
        for day in range(-2, 5)
        for hour in (15, 16, 17, 18, 22, 23)
    ]
    await fold_stories(*(satisfied(manhole_at_night(called=moment)) for moment in moments))
    starts, ends = moments[0], moments[-1] + timedelta(hours=1)
    async with database.transaction() as tx:
        for zone in (SHANGHAI, URUMQI, BERLIN):
            within = counts.Scope(("street",), starts, ends, ends, zone=zone.key)
            for by in (Dimension.DAY, Dimension.WEEK, Dimension.MONTH):
                found = await counts.groups(tx, DEFINITIONS["registered"], within, by)
                assert sum(part.d for part in found.values()) == len(moments)
                for key, part in found.items():
                    alike = [moment for moment in moments if [key] == _period_of(moment, by, zone)]
                    assert part.d == len(alike)


def _period_of(moment: datetime, by: Dimension, zone: ZoneInfo) -> list[str]:
    return periods(by, moment, moment + timedelta(microseconds=1), zone)


async def asked(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    return await client.get(path, headers=READER, params={"from": "2026-03-01", "to": "2026-03-04", **params})


async def test_a_figure_by_day_says_every_day_and_lists_its_cases(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    """Called a minute before midnight, counted when fifteen minutes are over: on the next day."""
    await fold_stories(
        satisfied(manhole_at_night(called=MIDNIGHT - timedelta(minutes=1), number="1")),
        satisfied(manhole_at_night(called=MIDNIGHT - timedelta(hours=1), number="2", arrives=20)),
        satisfied(manhole_at_night(called=MIDNIGHT + timedelta(hours=23), number="3")),
    )
    figure = (await asked(client, "/figures/on_time_arrival", by="day")).json()
    assert [(group["key"], group["printed"]) for group in figure["groups"]] == [
        ("2026-03-01", "0/1"),
        ("2026-03-02", "2/2"),
        ("2026-03-03", "0/0"),
    ]
    assert figure["groups"][2]["rate"] is None
    for by, key, numbers in (
        ("day", "2026-03-01", ["2"]),
        ("day", "2026-03-02", ["1", "3"]),
        ("day", "2026-03-03", []),
        ("week", "2026-W09", ["2"]),
        ("week", "2026-W10", ["1", "3"]),
        ("month", "2026-03", ["2", "1", "3"]),
    ):
        cases = (await asked(client, "/figures/on_time_arrival/cases", **{by: key})).json()["cases"]
        assert [case["number"] for case in cases] == numbers
        split = (await asked(client, "/figures/on_time_arrival", by=by)).json()["groups"]
        [group] = [group for group in split if group["key"] == key]
        assert group["d"] == len(numbers)
    sheet = await asked(client, "/figures/on_time_arrival.csv", by="day")
    assert sheet.text.count("\n") > 3
    for wrong in ({"day": "2026-3-1"}, {"week": "10"}, {"month": "March"}):
        assert (await asked(client, "/figures/on_time_arrival/cases", **wrong)).status_code == 422


async def test_a_figure_has_so_many_periods_and_no_more(client: httpx.AsyncClient) -> None:
    begins = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    for days, status in ((PERIODS_MAX, 200), (PERIODS_MAX + 1, 422)):
        span = {"from": begins.isoformat(), "to": (begins + timedelta(days=days)).isoformat()}
        for path in ("/figures/registered", "/figures"):
            assert (await asked(client, path, by="day", **span)).status_code == status
        assert (await asked(client, "/figures/registered", by="week", **span)).status_code == 200
    refused = (await asked(client, "/figures/registered", by="day", **span)).json()
    assert (refused["code"], refused["periods_max"]) == ("too-many-periods", PERIODS_MAX)


def test_days_begin_where_the_unit_is() -> None:
    world = the_directory()
    far = world.units["community-b"].model_copy(update={"calendar_id": "xj"})
    directory = Directory.of(
        units=[*(unit for unit in world.units.values() if unit.id != far.id), far],
        calendars=[
            Calendar(id=id_, time_zone=zone.key, holidays=(), workdays=(), known_until=date(2030, 1, 1))
            for id_, zone in (("cn", SHANGHAI), ("xj", URUMQI))
        ],
    )
    assert zone_of(directory, ("community-b",)) == URUMQI
    assert zone_of(directory, ("community-a",)) == zone_of(directory) == SHANGHAI
    assert zone_of(Directory(), ("community-a",)) == SHANGHAI
