"""What no file may do, however good its reasons look from inside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PRODUCT, PROJECT, Source, calls, dotted, sources, texts

LINES_MAX = 500
WRITTEN = ("services", "shared", "deploy", "bench", "tests", "web")
MADE_BY_TOOLS = ("node_modules", "dist", "generated")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base", "processor"}

CLOCKS = re.compile(
    r"(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime|ctime|strftime))$"
)
MAY_READ_A_CLOCK = {
    "services/notify/channels/webhook.py": "the signature's timestamp, which the receiver compares with its own clock",
    "services/notify/channels/webpush.py": "when a VAPID token ends, by the push service's clock",
    "shared/figures.py": "the skew between this machine's clock and the database's is what is measured",
    "shared/identity.py": "tokens run out in real time, also in a simulation",
    "deploy/local/stack.py": "since when the stack runs, for `make status`",
    "deploy/local/__main__.py": "the same",
    "deploy/local/follow.py": "the time of day in front of what is said while the stack starts",
}
"""Everybody else takes `now` from the database (shared/clock.py), which a simulation can move."""

TRANSACTION_TIME = re.compile(
    r"(?<![\w.])(now\(\)|(current|local)_?time(stamp)?\b|transaction_timestamp)", re.I
)
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE)\b")
NOTIFIES = re.compile(r"\bNOTIFY\s|pg_notify")


def test_no_file_is_longer_than_500_lines() -> None:
    """What separates loved from endured code is the largest file."""
    files = (
        path
        for folder in WRITTEN
        for kind in ("py", "ts", "tsx")
        for path in (PROJECT / folder).rglob(f"*.{kind}")
        if not set(path.parts) & set(MADE_BY_TOOLS)
    )
    counted = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in files}

    assert {path: lines for path, lines in counted.items() if lines > LINES_MAX} == {}


def test_no_name_says_nothing() -> None:
    parts = [(source, set(source.path.with_suffix("").parts)) for source in sources(*PRODUCT, "tests")]

    assert [str(source.path) for source, words in parts if words & VAGUE] == []


def test_nobody_reads_a_clock_of_their_own() -> None:
    reading = {
        str(source.path) for source in sources(*PRODUCT) for name, _ in calls(source) if CLOCKS.search(name)
    }
    hidden = [
        source.at(node)
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for given in node.names
        if CLOCKS.search(f"time.{given.name}")
    ]

    assert reading == set(MAY_READ_A_CLOCK)
    assert hidden == [], "write time.time(), so that it is seen"


def test_no_statement_reads_the_time_its_transaction_began() -> None:
    """That time lies before the lock was held and would put events out of order; it is also never simulated."""
    assert [
        source.at(text)
        for source in sources("services", "shared")
        for text in texts(source)
        if SQL.search(str(text.value)) and TRANSACTION_TIME.search(str(text.value))
    ] == []


def test_nothing_notifies_inside_a_business_transaction() -> None:
    """NOTIFY makes commits queue for one lock: 9,055 → 879 inserts a second with 64 connections (seen). The driver
    of the simulation, outside of services, may."""
    assert [
        source.at(text)
        for source in sources("services", "shared")
        for text in texts(source)
        if NOTIFIES.search(str(text.value))
    ] == []


def test_only_shared_kafka_speaks_to_kafka() -> None:
    speaking = {str(source.path) for source in sources(*PRODUCT) if "aiokafka" in imported(source)}

    assert speaking == {"shared/kafka.py"}


def imported(source: Source) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {given.name.partition(".")[0] for given in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_every_constant_is_used() -> None:
    """A statement that nothing runs is read, changed and indexed for as if it mattered."""
    everywhere = {name for source in sources(*PRODUCT, "tests") for name in taken_from_elsewhere(source)}
    unused = [
        f"{source.at(node)} {name}"
        for source in sources(*PRODUCT)
        if "versions" not in source.path.parts
        for reached in [everywhere | read(source)]
        for node in source.tree.body
        for name in constants(node)
        if name not in reached
    ]

    assert unused == []


def read(source: Source) -> set[str]:
    nodes = ast.walk(source.tree)
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def taken_from_elsewhere(source: Source) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            found |= {given.name for given in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def constants(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = [dotted(target) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        targets = [dotted(node.target)]
    else:
        return []
    return [name for name in targets if re.fullmatch(r"_?[A-Z][A-Z0-9_]+", name)]


def test_the_import_contracts_hold() -> None:
    """Who may import whom: pyproject.toml, [tool.importlinter]."""
    command = Path(sys.executable).parent / "lint-imports"
    checked = subprocess.run([command, "--no-cache"], cwd=PROJECT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
