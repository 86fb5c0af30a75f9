"""What people read over HTTP, and what they must not."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.insight.api.sheets import BYTE_ORDER_MARK
from services.insight.figures.shipped import DEFINITIONS
from shared.vocabulary import Channel, Role
from tests.insight.stories import dissatisfied, manhole_at_night, nobody_answers, satisfied
from tests.insight.story import CALLED, Story
from tests.people import an_issuer

FoldStories = Callable[..., Awaitable[None]]
PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}


def as_(role: Role, unit: str, person: str = "p-somebody") -> dict[str, str]:
    return an_issuer().headers(person, (role, unit))


SUPERVISOR = as_(Role.SUPERVISOR, "street")
READER = as_(Role.READER, "street")


async def asked(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], **params: Any
) -> httpx.Response:
    return await client.get(path, headers=headers, params=params)


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_supervisor_reads_the_case_whole(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    story = satisfied(manhole_at_night())
    await fold_stories(story)
    case = (await asked(client, f"/cases/{story.case_id}", SUPERVISOR)).json()
    assert (case["number"], case["state"], case["holder_id"]) == ("1000-0001", "closed", "p-grid-a1-b")
    assert case["headline"] == "井盖缺失"
    assert case["musts_met"] == ["arrive", "photograph_and_account", "measure", "follow_through"]
    assert case["follow_ups"][0]["satisfaction"] == "satisfied"


async def test_a_reader_sees_no_personal_data(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    story = nobody_answers()
    await fold_stories(story)
    for path in (f"/cases/{story.case_id}", f"/cases/{story.case_id}/timeline", "/cases", "/cases.csv"):
        text = (await asked(client, path, READER)).text
        assert story.number in text
        for personal in ("井盖缺失", "江北路", "p-grid-a1-a", "p-community-a-o1", "人p-", "Person p-"):
            assert personal not in text, (path, personal)
    whole = (await asked(client, f"/cases/{story.case_id}/timeline", SUPERVISOR)).text
    assert "人p-grid-a1-a" in whole


@pytest.mark.parametrize(
    ("role", "unit", "person", "status"),
    [
        (Role.SUPERVISOR, "community-b", "p-x", 404),
        (Role.READER, "community-b", "p-x", 404),
        (Role.GRID_WORKER, "grid-a1", "p-x", 200),
        (Role.GRID_WORKER, "grid-a2", "p-x", 404),
        (Role.VOLUNTEER, "grid-a1", "p-x", 404),
        (Role.VOLUNTEER, "grid-a2", "p-grid-a2-v", 200),
        (Role.UNIT_OFFICER, "community-a", "p-x", 200),
        (Role.EVALUATOR, "street", "p-x", 200),
    ],
)
async def test_a_case_is_there_for_those_it_concerns(
    client: httpx.AsyncClient, fold_stories: FoldStories, role: Role, unit: str, person: str, status: int
) -> None:
    story = nobody_answers()
    await fold_stories(story)
    for path in (f"/cases/{story.case_id}", f"/cases/{story.case_id}/timeline"):
        assert (await asked(client, path, as_(role, unit, person))).status_code == status


async def test_lists_and_figures_stay_within_the_units_of_the_caller(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(manhole_at_night())
    own, other = as_(Role.SUPERVISOR, "community-a"), as_(Role.SUPERVISOR, "community-b")
    assert len((await asked(client, "/cases", own)).json()["cases"]) == 1
    assert (await asked(client, "/cases", other)).json()["cases"] == []
    for path in (
        "/cases",
        "/board",
        "/figures",
        "/figures/on_time_arrival",
        "/figures/on_time_arrival/cases",
    ):
        assert (await asked(client, path, own, unit="grid-a1")).status_code == 200
        assert (await asked(client, path, other, unit="grid-a1")).status_code == 403
        assert (await asked(client, path, own, unit="street")).status_code == 403
        assert (await asked(client, path, own, unit="nowhere")).status_code == 404
        assert (await asked(client, path, as_(Role.GRID_WORKER, "grid-a1"))).status_code == 403
        assert (await client.get(path)).status_code == 401


async def test_lists_are_paged_and_narrowed(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    stories = [manhole_at_night(number=f"3000-{n}") for n in range(5)]
    await fold_stories(*stories, satisfied(manhole_at_night(number="3000-closed")))
    numbers: list[str] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await asked(client, "/cases", SUPERVISOR, state="handled", limit=2, **more)).json()
        numbers += [case["number"] for case in page["cases"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(numbers) == [f"3000-{n}" for n in range(5)]
    closed = (await asked(client, "/cases", SUPERVISOR, outcome="solved", unit="grid-a1")).json()["cases"]
    assert [case["number"] for case in closed] == ["3000-closed"]


async def test_a_cursor_of_somebody_elses_making_is_refused(client: httpx.AsyncClient) -> None:
    assert (await asked(client, "/cases", SUPERVISOR, cursor="bm90LW91cnM")).status_code == 422


# ── the timeline ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "zh",
            [
                "登记，编号 1000-0001，单位grid-a1",
                "人p-grid-a1-a未应答，派单超时",
                "人p-grid-a1-b接单",
                "回访：已解决、满意",
            ],
        ),
        (
            "en",
            [
                "Registered as 1000-0001, Unit grid-a1",
                "Person p-grid-a1-a did not answer, the offer lapsed",
                "Person p-grid-a1-b accepted",
                "Follow-up: solved, satisfied",
            ],
        ),
    ],
)
async def test_the_timeline_reads_as_sentences(
    client: httpx.AsyncClient, fold_stories: FoldStories, language: str, sentences: list[str]
) -> None:
    story = satisfied(manhole_at_night())
    await fold_stories(story)
    path = f"/cases/{story.case_id}/timeline"
    lines = (await asked(client, path, SUPERVISOR, language=language)).json()["lines"]
    told = [line["sentence"] for line in lines]
    assert len(told) == len(story.events)
    assert [sentence for sentence in told if sentence in sentences] == sentences


async def test_every_event_has_a_sentence_in_both_languages(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    for story in (dissatisfied(manhole_at_night()), nobody_answers()):
        await fold_stories(story)
        for language in ("zh", "en"):
            answer = await asked(client, f"/cases/{story.case_id}/timeline", SUPERVISOR, language=language)
            for line in answer.json()["lines"]:
                assert line["sentence"]
                assert not line["sentence"].startswith("yike.")
                assert "{" not in line["sentence"]


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_figure_comes_with_its_definition_and_companions(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(satisfied(manhole_at_night()), satisfied(manhole_at_night(arrives=17)))
    figure = (await asked(client, "/figures/on_time_arrival", READER, **PERIOD)).json()
    assert (figure["printed"], figure["percent"], figure["text"]) == ("1/2", "50.0", "1/2 (50.0 %)")
    assert (figure["unit"], figure["version"]) == ("件", 2)
    assert [beside["name"] for beside in figure["beside"]] == [
        "on_time_arrival_since_told",
        "device_times_accepted",
    ]
    assert figure["definition"]["exclusions"]["zh"] == "已合并（结案与否）和已撤回的工单不计"
    rates = (await asked(client, "/figures/satisfaction_rate", READER, **PERIOD)).json()
    assert "follow_ups_reached" in [beside["name"] for beside in rates["beside"]]


async def test_an_empty_figure_has_no_percentage(client: httpx.AsyncClient) -> None:
    figures = (await asked(client, "/figures", READER, **PERIOD)).json()
    assert {(figure["percent"], figure["text"]) for figure in figures} == {(None, "0/0 (n/a)"), (None, "0")}


async def test_a_period_is_local_time_and_not_empty(client: httpx.AsyncClient) -> None:
    figure = (await asked(client, "/figures/on_time_arrival", READER, **PERIOD)).json()
    assert figure["period"]["starts_at"] == "2026-03-01T00:00:00+08:00"
    upside_down = {"from": PERIOD["to"], "to": PERIOD["from"]}
    assert (await asked(client, "/figures/on_time_arrival", READER, **upside_down)).status_code == 422


@pytest.mark.parametrize("year", ["0001", "1999", "2101", "9999"])
async def test_a_time_without_cases_is_refused(client: httpx.AsyncClient, year: str) -> None:
    for path, name in (("/cases", "starts_at"), ("/figures", "from"), ("/figures/on_time_arrival", "to")):
        answer = await asked(client, path, READER, **{name: f"{year}-01-01"}, compare=True)
        assert (answer.status_code, answer.json()["code"]) == (422, "no-such-period")


async def test_a_figure_drills_down_to_case_numbers_page_by_page(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(*(manhole_at_night(number=f"4000-{n}", arrives=10 + 2 * n) for n in range(5)))
    path = "/figures/on_time_arrival/cases"
    n = (await asked(client, path, READER, **PERIOD, side="n")).json()
    assert [case["number"] for case in n["cases"]] == [f"4000-{n}" for n in range(3)]
    first = (await asked(client, path, READER, **PERIOD, limit=3)).json()
    rest = (await asked(client, path, READER, **PERIOD, limit=3, cursor=first["next_cursor"])).json()
    assert sorted(case["number"] for case in first["cases"] + rest["cases"]) == [
        f"4000-{n}" for n in range(5)
    ]
    assert rest["next_cursor"] is None


async def test_an_unknown_figure_names_those_there_are(client: httpx.AsyncClient) -> None:
    answer = await asked(client, "/figures/stars", READER)
    assert answer.status_code == 404
    assert "on_time_arrival" in answer.json()["figures"]


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/cases", "/figures", "/figures/on_time_arrival", "/figures/on_time_arrival/cases"]
)
async def test_tables_open_right_in_a_spreadsheet(
    client: httpx.AsyncClient, fold_stories: FoldStories, path: str
) -> None:
    await fold_stories(manhole_at_night(number="5000-1"))
    by_address = await asked(client, f"{path}.csv", SUPERVISOR, **PERIOD)
    by_header = await client.get(path, headers={**SUPERVISOR, "Accept": "text/csv"}, params=PERIOD)
    for answer in (by_address, by_header):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.content.startswith(BYTE_ORDER_MARK.encode())
        assert b"\r\n" in answer.content
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows
        assert all(None not in row.values() for row in rows)


async def test_no_cell_is_run_as_a_formula(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    story = Story()
    story.registered(headline='=HYPERLINK("http://x")')
    await fold_stories(story)
    text = (await asked(client, "/cases.csv", SUPERVISOR)).text
    [row] = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)))
    assert row["headline"].startswith("'=")
    assert row["registered_at"] == CALLED.isoformat()


async def test_a_list_by_local_days(client: httpx.AsyncClient, fold_stories: FoldStories) -> None:
    """A time without a zone is local, in lists as in figures."""
    await fold_stories(manhole_at_night())
    called = CALLED.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    before, after = (called + timedelta(minutes=minutes) for minutes in (-1, 1))
    seen = await asked(client, "/cases", SUPERVISOR, starts_at=before, ends_at=after)
    unseen = await asked(client, "/cases", SUPERVISOR, starts_at=after)
    assert (len(seen.json()["cases"]), unseen.json()["cases"]) == (1, [])


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/cases", "2026-03-01T00:00:00|018f0000-0000-7000-8000-000000000000"),
        ("/cases", "2026-03-01T00:00:00+00:00|nobody"),
        ("/cases", f"0001-01-01T00:00:00+14:00|{UUID(int=1)}"),
        (
            "/figures/on_time_arrival/cases",
            "2026-03-01T00:00:00+00:00|018f0000-0000-7000-8000-000000000000|x",
        ),
        ("/figures/on_time_arrival/cases", f"2026-03-01T00:00:00+00:00|{UUID(int=1)}|{10**12}"),
        ("/figures/on_time_arrival/cases", f"2026-03-01T00:00:00+00:00|{UUID(int=1)}"),
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(
    client: httpx.AsyncClient, path: str, inside: str
) -> None:
    given = base64.urlsafe_b64encode(inside.encode()).decode()
    answer = await asked(client, path, SUPERVISOR, cursor=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-cursor")


# ── figures split, narrowed and compared ──────────────────────────────────────────────────────────────────────────


async def test_a_figure_is_split_and_each_part_drills_down(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    phoned, seen = manhole_at_night(number="4100-1"), manhole_at_night(number="4100-2", arrives=20)
    first = seen.told[0]
    first.event = first.event.model_copy(update={"channel": Channel.PATROL})
    await fold_stories(phoned, seen)
    path = "/figures/on_time_arrival"
    figure = (await asked(client, path, READER, **PERIOD, by="channel")).json()
    assert [(group["key"], group["label"]["zh"], group["text"]) for group in figure["groups"]] == [
        ("hotline", "热线", "1/1 (100.0 %)"),
        ("patrol", "巡查", "0/1 (0.0 %)"),
    ]
    assert [len(beside["groups"]) for beside in figure["beside"]] == [2, 2]
    for channel, text, number in (
        ("hotline", "1/1 (100.0 %)", "4100-1"),
        ("patrol", "0/1 (0.0 %)", "4100-2"),
    ):
        narrowed = (await asked(client, path, READER, **PERIOD, channel=channel)).json()
        assert narrowed["text"] == text
        cases = (await asked(client, f"{path}/cases", READER, **PERIOD, channel=channel)).json()["cases"]
        assert [case["number"] for case in cases] == [number]
    units = (await asked(client, path, READER, **PERIOD, by="unit", unit="community-a")).json()["groups"]
    assert [(group["key"], group["label"]["en"]) for group in units] == [("grid-a1", "Unit grid-a1")]
    assert (await asked(client, path, READER, **PERIOD, by="colour")).status_code == 422


async def test_a_figure_is_compared_with_the_period_before(
    client: httpx.AsyncClient, fold_stories: FoldStories
) -> None:
    await fold_stories(
        manhole_at_night(arrives=20), manhole_at_night(called=CALLED + timedelta(days=10), arrives=9)
    )
    span = {"from": "2026-03-11", "to": "2026-03-21"}
    figure = (await asked(client, "/figures/on_time_arrival", READER, **span, compare=True)).json()
    before = figure["before"]
    assert (figure["text"], before["text"], before["change"]) == ("1/1 (100.0 %)", "0/1 (0.0 %)", "100.0")
    assert before["period"] == {
        "starts_at": "2026-03-01T00:00:00+08:00",
        "ends_at": "2026-03-11T00:00:00+08:00",
    }
    registered = (await asked(client, "/figures/registered", READER, **span, compare=True)).json()
    assert (registered["text"], registered["percent"], registered["before"]["change"]) == ("1", None, "0")
    plain = (await asked(client, "/figures/on_time_arrival", READER, **span)).json()
    assert plain["before"] is None


async def test_what_the_articles_print_is_told_as_printed(client: httpx.AsyncClient) -> None:
    told = {known["id"]: known for known in (await asked(client, "/figures/printed", READER)).json()}
    assert (told["S1-a"]["printed"], told["S1-a"]["n"], told["S1-a"]["d"]) == ("95.2 %", None, 721)
    assert told["S1-a"]["rounding"] == {"mode": "truncate", "decimals": 1}
    assert {known["figure"] for known in told.values()} <= set(DEFINITIONS)
    assert (await client.get("/figures/printed")).status_code == 401
