"""Recorded calls are read through a mapping; what cannot be read is said and counted; a synthetic day repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploy.demo.__main__ import ROUTINE, URGENT
from deploy.demo.calls import SYNTHETIC_CALLS, BadRow, Call, read_calls, synthetic_calls
from deploy.demo.mapping import DEFAULT, MAPPINGS, CallMapping, MappingError, read_mapping
from services.registry.defaults.catalogue import categories
from shared.vocabulary import Urgency

ZONE = ZoneInfo("Asia/Shanghai")

MAPPING = """
received_format = "%Y-%m-%d %H:%M"
other_category = "other-emergency"

[columns]
call = "编号"
received = "来电时间"
type = "类别"
place = "地址"
lon = "经度"
lat = "纬度"

[categories]
"火情" = "fire"
"""
HEADER = "编号,来电时间,类别,地址,经度,纬度,派车"


def mapping(folder: Path, text: str = MAPPING) -> CallMapping:
    file = folder / "mapping.toml"
    file.write_text(text, encoding="utf-8")
    return read_mapping(file)


def read(folder: Path, *rows: str, day: str | None = None) -> tuple[list[Call], list[BadRow]]:
    file = folder / "calls.csv"
    file.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return read_calls(file, mapping(folder), ZONE, day)


def test_columns_and_call_types_go_by_other_names(tmp_path: Path) -> None:
    calls, bad = read(tmp_path, "1,2026-11-20 08:30,火情,建设路3号,103.1,30.1,甲")

    assert bad == []
    [call] = calls
    assert (call.category_code, call.label) == ("fire", "建设路3号")
    assert call.at == datetime(2026, 11, 20, 0, 30, tzinfo=UTC), "wall-clock time of the demo community"


def test_a_type_without_a_category_is_the_other_emergency(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, "1,2026-11-20 08:30,没见过,路,103.1,30.1,甲")

    assert call.category_code == "other-emergency"


def test_one_call_stands_in_a_row_for_every_unit_sent(tmp_path: Path) -> None:
    calls, bad = read(
        tmp_path,
        "7,2026-11-20 08:30,火情,路,103.1,30.1,甲",
        "7,2026-11-20 08:31,火情,路,103.1,30.1,乙",
        "8,2026-11-20 08:32,火情,路,103.2,30.2,甲",
    )

    assert [call.at.minute for call in calls] == [30, 32]
    assert bad == []


def test_calls_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    calls, _ = read(
        tmp_path,
        "1,2026-11-20 10:00,火情,晚,103.1,30.1,甲",
        "2,2026-11-20 09:00,火情,早,103.1,30.1,甲",
    )

    assert [(call.index, call.label) for call in calls] == [(0, "早"), (1, "晚")]


@pytest.mark.parametrize(
    ("row", "because"),
    [
        (",2026-11-20 08:30,火情,路,103.1,30.1,甲", "no call number"),
        ("1,20.11.2026,火情,路,103.1,30.1,甲", "does not match format"),
        ("1,2026-11-20 08:30,火情,路,,30.1,甲", "not on the earth"),
        ("1,2026-11-20 08:30,火情,路,103.1", "not on the earth"),
        ("1,2026-11-20 08:30,火情,路,103.1,91,甲", "not on the earth"),
        ("1,2026-11-20 08:30,火情,路,东,30.1,甲", "could not convert"),
        ("1", "does not match format"),
    ],
)
def test_a_bad_row_is_left_out_and_named_by_its_line(tmp_path: Path, row: str, because: str) -> None:
    good = "2,2026-11-20 08:30,火情,路,103.1,30.1,甲"

    calls, bad = read(tmp_path, good, row)

    assert len(calls) == 1
    assert [one.line for one in bad] == [3]
    assert because in bad[0].because


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("编号,来电时间,地址,经度,纬度\n", encoding="utf-8")

    with pytest.raises(ValueError, match="类别"):
        read_calls(file, mapping(tmp_path), ZONE, None)


@pytest.mark.parametrize(
    ("without", "named"),
    [("call", "call"), ("lat", "location"), ("received_format", "received_format")],
)
def test_what_a_mapping_lacks_is_named(tmp_path: Path, without: str, named: str) -> None:
    kept = "\n".join(line for line in MAPPING.splitlines() if not line.startswith(f"{without} ="))

    with pytest.raises(MappingError, match=named):
        mapping(tmp_path, kept)


def test_a_mapping_that_is_not_there_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nowhere\.toml"):
        read_mapping(tmp_path / "nowhere.toml")
    with pytest.raises(MappingError, match=r"mapping\.toml"):
        mapping(tmp_path, "columns = [")


@pytest.mark.parametrize(
    ("day", "labels"),
    [
        (None, ["周五早", "周五夜"]),
        ("2026-11-21", ["周六"]),
        ("all", ["周五早", "周五夜", "周六"]),
        ("2026-11-25", []),
    ],
)
def test_a_day_is_chosen_by_the_communitys_own_clock(
    tmp_path: Path, day: str | None, labels: list[str]
) -> None:
    calls, _ = read(
        tmp_path,
        "1,2026-11-20 00:05,火情,周五早,103.1,30.1,甲",
        "2,2026-11-20 23:55,火情,周五夜,103.1,30.1,甲",
        "3,2026-11-21 12:00,火情,周六,103.1,30.1,甲",
        day=day,
    )

    assert [call.label for call in calls] == labels


def test_recorded_places_are_stretched_over_the_area_and_outliers_stay_at_its_edge(tmp_path: Path) -> None:
    inside = [
        f"{number},2026-11-20 08:00,火情,{number},{103 + number / 1000},{30 + number / 1000},甲"
        for number in range(200)
    ]

    calls, _ = read(tmp_path, *inside, "999,2026-11-20 08:01,火情,远,150,60,甲")

    by_label = {call.label: (call.x, call.y) for call in calls}
    assert by_label["远"] == (1.0, 1.0)
    assert by_label["0"] == (0.0, 0.0)
    assert by_label["100"] == pytest.approx((0.5, 0.5), abs=0.02)
    assert max(abs(call.x - call.y) for call in calls) < 1e-9


def test_one_place_alone_lies_in_the_middle(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, "1,2026-11-20 08:30,火情,路,103.1,30.1,甲")

    assert (call.x, call.y) == (0.5, 0.5)


def test_a_location_of_latitude_and_longitude_in_one_column_is_read(tmp_path: Path) -> None:
    text = MAPPING.replace('lon = "经度"\n', "").replace('lat = "纬度"', 'location = "位置"')
    file = tmp_path / "calls.csv"
    rows = [
        "编号,来电时间,类别,地址,位置",
        '1,2026-11-20 08:30,火情,西南,"(30.1, -103.2)"',
        '2,2026-11-20 08:31,火情,东北,"(30.2, -103.1)"',
        "3,2026-11-20 08:32,火情,哪里,不详",
    ]
    file.write_text("\n".join(rows), encoding="utf-8")

    calls, bad = read_calls(file, mapping(tmp_path, text), ZONE, None)

    assert [(call.label, call.x, call.y) for call in calls] == [("西南", 0.0, 0.0), ("东北", 1.0, 1.0)]
    assert bad == [BadRow(4, "no location")]


def test_a_synthetic_day_hangs_on_its_seed_alone() -> None:
    one, again, other = (synthetic_calls(seed, URGENT, ROUTINE, ZONE) for seed in (1, 1, 2))

    assert one == again
    assert one != other
    assert len(one) == SYNTHETIC_CALLS
    assert {call.at.astimezone(ZONE).date() for call in one} == {one[0].at.astimezone(ZONE).date()}
    assert [call.at for call in one] == sorted(call.at for call in one)
    assert all(0 <= call.x <= 1 and 0 <= call.y <= 1 for call in one)


def test_every_category_of_the_demo_is_in_the_catalogue() -> None:
    urgency = {category.code: category.urgency for category in categories()}

    assert {urgency[code] for code in URGENT} == {Urgency.EMERGENCY}
    assert {urgency[code] for code in ROUTINE} == {Urgency.ROUTINE}


@pytest.mark.parametrize("file", sorted(MAPPINGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_mapping_of_ours_can_be_used(file: Path) -> None:
    ours = read_mapping(file)

    assert {ours.other_category, *ours.categories.values()} <= {category.code for category in categories()}


def test_the_recorded_calls_are_all_emergencies() -> None:
    """Nothing of theirs is refused as a call for 120; what is replayed is the urgency."""
    urgency = {category.code: category.urgency for category in categories()}
    ours = read_mapping(DEFAULT)

    assert {urgency[code] for code in (ours.other_category, *ours.categories.values())} == {Urgency.EMERGENCY}
