"""The README's tour is executed as it is printed there, and says what it says it says."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.local.stack import Stack
from tests.walking import Walk, walk, walk_of

README = Path(__file__).parent.parent / "README.md"
TOUR = re.compile(r"^## A tour with curl$.*?^```sh$\n.*?^```$\n", re.M | re.S)


def the_tour() -> Walk:
    found = TOUR.search(README.read_text(encoding="utf-8"))
    assert found, "README.md has no block of sh under “A tour with curl”"
    return walk_of(found[0])


async def test_the_tour_goes_as_the_readme_says(cluster: Stack, tmp_path: Path) -> None:
    tour = the_tour()

    printed = await walk(tour, cluster.url, tmp_path)

    assert tour.against(printed) == []
    assert printed[-1] == "closed"


def test_the_tour_needs_nothing_but_curl_and_python() -> None:
    assert set(re.findall(r"\b(jq|wget|http|node|yq)\b(?=\s)", the_tour().script)) == set()
