"""Documents whose examples are executed: every block of sh in order, in one shell, against a running system.

`# → what` at the end of a line is what that line prints, one line of output each; `…` stands for anything.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.curl import put_on_path

BLOCK = re.compile(r"^```sh$\n(.*?)^```$", re.M | re.S)
SAID = re.compile(r"# → (.*)$")
WALKED_WITHIN_SECONDS = 900


@dataclass(frozen=True)
class Said:
    """What the document says that one of its lines prints."""

    line: int
    pattern: str

    def is_what(self, printed: str) -> bool:
        return fnmatchcase(printed, self.pattern.replace("[", "[[]").replace("…", "*"))


@dataclass(frozen=True)
class Walk:
    """The shell of a document, on its own lines of the file so that bash names them in what it complains about."""

    script: str

    @property
    def said(self) -> list[Said]:
        lines = enumerate(self.script.splitlines(), start=1)
        return [Said(number, found[1].strip()) for number, line in lines if (found := SAID.search(line))]

    def against(self, printed: list[str]) -> list[str]:
        """Where the document and what was printed part; nothing if they agree."""
        wrong = [
            f"line {said.line} says {said.pattern!r}, printed was {line!r}"
            for said, line in zip(self.said, printed, strict=False)
            if not said.is_what(line)
        ]
        if len(printed) != len(self.said):
            wrong.append(f"{len(self.said)} lines are said and {len(printed)} were printed: {printed}")
        return wrong


def walk_of(text: str) -> Walk:
    """The blocks of sh in `text`, with everything else blank."""
    kept, end = "", 0
    for block in BLOCK.finditer(text):
        kept += "\n" * text.count("\n", end, block.start(1)) + block[1]
        end = block.end(1)
    return Walk(kept)


async def walk(document: Walk, url: str, folder: Path, **told: str) -> list[str]:
    """What the document's shell prints with `url` as the system, and `told` in its environment; it stops at the first
    command that fails."""
    path = os.environ["PATH"] if shutil.which("curl") else put_on_path(folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    script, out, err = (folder / name for name in ("walk.sh", "walk.out", "walk.err"))
    script.write_text(document.script, encoding="utf-8")
    with out.open("wb") as printing, err.open("wb") as complaining:
        walking = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", str(script)),
            stdout=printing,
            stderr=complaining,
            env={**os.environ, **told, "PATH": path, "YIKE": url},
            cwd=folder,
            start_new_session=True,
        )
        await _ended(walking)
    printed = out.read_text(encoding="utf-8").splitlines()
    wrong = [err.read_text(encoding="utf-8"), *printed[-5:], *document.against(printed)]
    assert walking.returncode == 0, "\n".join(wrong)
    return printed


async def _ended(walking: asyncio.subprocess.Process) -> None:
    """A document that waits for what never happens is ended with everything it started."""
    try:
        async with asyncio.timeout(WALKED_WITHIN_SECONDS):
            await walking.wait()
    except TimeoutError:
        os.killpg(walking.pid, signal.SIGKILL)
        await walking.wait()
