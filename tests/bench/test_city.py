"""`make city` on days of an hour: what it prints, writes, keeps, and what it says of nonsense."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import city, city_days
from bench.city_days import Done, Job
from services.dispatch.city.run import Run
from services.dispatch.city.scenarios import SCENARIOS, Scenario

PROJECT = Path(__file__).parent.parent.parent
HEAD = "Call Number,Call Type,Received DtTm,Address,Location\n"
RECORDED = HEAD + "".join(
    f'{number},Alarms,04/{day:02}/2020 {hour:02}:15:00 PM,,"({37.70 + number / 100}, {-122.40 - number / 300})"\n'
    for number, (day, hour) in enumerate([(7, 1), (7, 2), (7, 3), (8, 1), (8, 4)], start=1)
)


@pytest.fixture
def short_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour with 30 people, in this process: what is told here does not depend on the length of a day."""
    little: dict[str, Scenario] = {
        name: replace(SCENARIOS[name], hours=1.0, people=30, cases_per_hour=12.0, surges=())
        for name in ("day", "shortage")
    }
    monkeypatch.setattr(city, "SCENARIOS", little)
    monkeypatch.setattr(city_days, "_simulated", here)


def here(jobs: Sequence[Job], kept: Path, processes: int) -> Iterator[Done]:
    for job in jobs:
        result = city_days.work(job)
        city_days._write(kept / city_days._name(job), result)
        yield job, result


def run(tmp_path: Path, *words: str) -> int:
    return city.main(
        [*words, "--kept", str(tmp_path / "kept"), "--json", str(tmp_path / "out" / "city.json")]
    )


@pytest.mark.usefixtures("short_days")
def test_a_table_a_row_per_policy_and_scenario_and_a_picture_per_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = "greedy_pair,engine,engine_unadvised"
    assert run(tmp_path, "--seeds", "3-4", "--policies", policies, "--bound-seeds", "1") == 0
    rows = json.loads((tmp_path / "out" / "city.json").read_text())
    assert [(one["scenario"], one["policy"]) for one in rows] == [
        (scenario, policy) for scenario in ("day", "shortage") for policy in policies.split(",")
    ]
    assert all(one["seeds"] == 2 and 0 <= one["on_time_pct"] <= 100 for one in rows)
    more = json.loads((tmp_path / "out" / "city.more.json").read_text())
    assert [one["scenario"] for one in more["bounds"]] == ["day", "shortage"]
    assert more["seeds"] == [3, 4]
    printed = capsys.readouterr().out
    for said in ("── day · 2 天 days", "先知计划 clairvoyant plan", "engine", "greedy_pair", "95 % interval"):
        assert said in printed
    for scenario in ("day", "shortage"):
        picture = (tmp_path / "out" / "city-plots" / f"{scenario}.svg").read_text(encoding="utf-8")
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert "准时到场率" in picture


@pytest.mark.usefixtures("short_days")
def test_days_that_are_done_are_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--seeds", "3", "--policies", "greedy_pair", "--scenarios", "day", "--bound-seeds", "1")
    assert run(tmp_path, *words) == 0
    first = (tmp_path / "out" / "city.json").read_text()
    monkeypatch.setattr(city_days, "work", lambda job: pytest.fail("was done before"))
    assert run(tmp_path, *words) == 0
    assert (tmp_path / "out" / "city.json").read_text() == first


@pytest.mark.usefixtures("short_days")
def test_a_kept_day_that_is_damaged_is_done_again(tmp_path: Path) -> None:
    words = ("--seeds", "3", "--policies", "greedy_pair", "--scenarios", "day", "--bound-seeds", "0")
    assert run(tmp_path, *words) == 0
    first = (tmp_path / "out" / "city.json").read_text()
    [kept] = (tmp_path / "kept").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    assert run(tmp_path, *words) == 0
    again = (tmp_path / "out" / "city.json").read_text()
    assert [drop(one) for one in json.loads(again)] == [drop(one) for one in json.loads(first)]


def drop(one: dict[str, object]) -> dict[str, object]:
    """Without what a clock on the wall said."""
    return {key: value for key, value in one.items() if key != "solver_p99_ms"}


@pytest.mark.usefixtures("short_days")
def test_stopped_it_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(job: Job) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(city_days, "work", stopped)
    assert run(tmp_path, "--seeds", "3") == 130
    assert "已停止" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeds", "abc"], "SEEDS 应形如 100-129"),
        (["--seeds", "9-3"], "SEEDS looks like 100-129"),
        (["--seeds", ""], "not ''"),
        (["--seeds", "0-5000"], "at most 1000"),
        (["--scenarios", "dya"], "没有这样的场景：dya"),
        (["--scenarios", "day,moon"], "no such scenario: moon; there are: day, night"),
        (["--policies", "best"], "没有这样的派单策略：best；可用：own_grid"),
        (["--policies", ","], "no such policy: ,"),
        (["--scenarios", "replay"], "replay 需要 CALLS=文件 / replay needs CALLS=file"),
        (["--calls", "nowhere.csv"], "来电文件读不出来 / the file of calls cannot be read"),
        (["--calls", "{columns}"], "来电文件的列不对 / the file of calls has other columns"),
        (["--calls", "{empty}"], "没有一条能用的来电 / there is not one usable call"),
        (["--calls", "{binary}"], "来电文件读不出来 / the file of calls cannot be read"),
        (["--calls", "{empty}", "--mapping", "nowhere.toml"], "列对照文件不能用 / the mapping file"),
        (["--json", "{folder}"], "写不了 / cannot write"),
    ],
)
def test_what_is_not_there_is_said_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    files = {name: tmp_path / name for name in ("columns", "empty", "binary", "folder")}
    files["columns"].write_text("a,b\n1,2\n")
    files["empty"].write_text(HEAD)
    files["binary"].write_bytes(b"\xff\xfe\x00\x81")
    files["folder"].mkdir()
    asked = [word.format(**files) for word in words]
    assert city.main([*asked, "--plots", str(tmp_path / "plots")]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert " / " in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("100-102", [100, 101, 102]), ("7", [7]), ("8,0-2, 1", [0, 1, 2, 8])],
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert city.seeds_of(text) == seeds


def test_a_recording_is_replayed_day_by_day_and_counted_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city_days, "_simulated", here)
    calls = tmp_path / "calls.csv"
    calls.write_text(RECORDED + "6,Alarms,not a time,,\n")
    words = ("--calls", str(calls), "--scenarios", "replay", "--policies", "fastest_free", "--seeds", "1-2")
    assert run(tmp_path, *words, "--bound-seeds", "1") == 0
    [one] = json.loads((tmp_path / "out" / "city.json").read_text())
    assert (one["scenario"], one["seeds"]) == ("replay", 2)
    more = json.loads((tmp_path / "out" / "city.more.json").read_text())
    assert more["further"][0]["cases"] == 10


def test_two_processes_give_what_this_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself, as `make city` calls it, on a recording of one quiet day."""
    calls = tmp_path / "calls.csv"
    calls.write_text("".join(RECORDED.splitlines(keepends=True)[:3]))
    words = ["--seeds", "1-2", "--calls", str(calls), "--scenarios", "replay", "--policies", "fastest_free"]
    words += ["--bound-seeds", "0", "--json", str(tmp_path / "two.json"), "--processes", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.city", *words, "--kept", str(tmp_path / "two")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "2/2 天 days" in done.stderr
    monkeypatch.setattr(city_days, "_simulated", here)
    assert run(tmp_path, *words) == 0
    two, one = (json.loads((tmp_path / name).read_text()) for name in ("two.json", "out/city.json"))
    assert [drop(each) for each in two] == [drop(each) for each in one]
