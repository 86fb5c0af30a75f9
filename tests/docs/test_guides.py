"""The README's tour and the guides are executed as they are printed: every block of sh, in order, and each line says
what it says it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from shared.vocabulary import NotAcceptedReason
from tests.walking import BLOCK, Walk, walk, walk_of

PROJECT = Path(__file__).parent.parent.parent
README, API, POLICIES = (
    (PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/api.md", "docs/policies.md")
)
TOUR = re.compile(r"^## A tour with curl$.*?^```sh$\n.*?^```$\n", re.M | re.S)
GUIDES = ("README.md", "docs/api.md", "docs/policies.md")


def guide(name: str) -> Walk:
    """Of the README its tour; `policies.md` says that it goes on with the helpers of `api.md`: its first block."""
    match name:
        case "README.md":
            tour = TOUR.search(README)
            assert tour, "README.md has no block of sh under “A tour with curl”"
            return walk_of(tour[0])
        case "docs/api.md":
            return walk_of(API)
        case _:
            helpers = BLOCK.search(API)
            assert helpers, "api.md has no block of sh"
            return Walk(helpers[1] + walk_of(POLICIES).script)


@pytest.mark.parametrize("name", GUIDES)
async def test_a_guide_goes_as_it_says(name: str, cluster: Stack, tmp_path: Path) -> None:
    walked = guide(name)

    printed = await walk(walked, cluster.url, tmp_path, LOGS=str(cluster.folder / "logs"))

    assert walked.against(printed) == []


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_needs_nothing_but_curl_and_python(name: str) -> None:
    assert set(re.findall(r"\b(jq|wget|http|node|yq|uuidgen)\b(?=\s)", guide(name).script)) == set()


def test_the_tour_ends_with_a_closed_case() -> None:
    assert guide("README.md").said[-1].pattern == "closed"


def test_the_guide_names_all_reasons_not_to_accept_a_case() -> None:
    assert [reason for reason in NotAcceptedReason if f"`{reason.value}`" not in API] == []
