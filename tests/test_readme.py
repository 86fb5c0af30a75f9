"""The README's tour is executed as it is printed there, and says what it says it says."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

from deploy.local.stack import Stack
from tests.curl import put_on_path

README = Path(__file__).parent.parent / "README.md"
TOUR = re.compile(r"^## A tour with curl$.*?^```sh$\n(.*?)^```$", re.M | re.S)
SAID = re.compile(r"# → (.*)$", re.M)


def the_tour() -> str:
    found = TOUR.search(README.read_text(encoding="utf-8"))
    assert found, "README.md has no block of sh under “A tour with curl”"
    return found[1]


async def test_the_tour_goes_as_the_readme_says(cluster: Stack, tmp_path: Path) -> None:
    """Each `# → what` is one line of output; `…` stands for anything."""
    tour = the_tour()
    path = os.environ["PATH"] if shutil.which("curl") else put_on_path(tmp_path)
    walking = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", tour),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PATH": path, "YIKE": cluster.url},
        cwd=tmp_path,
    )
    async with asyncio.timeout(120):
        out, err = await walking.communicate()

    assert walking.returncode == 0, err.decode()
    printed, said = out.decode().splitlines(), SAID.findall(tour)
    assert len(printed) == len(said), printed
    for line, pattern in zip(printed, said, strict=True):
        assert fnmatchcase(line, pattern.strip().replace("[", "[[]").replace("…", "*")), line
    assert printed[-1] == "closed"


def test_the_tour_needs_nothing_but_curl_and_python() -> None:
    assert set(re.findall(r"\b(jq|wget|http|node|yq)\b(?=\s)", the_tour())) == set()
