"""Records that could not be applied, and the cases parked behind them.

`python -m shared.dead_letters dispatch list` shows them; `… dispatch replay [--case ID]` applies them again in the
order they came, after the cause was mended. A case that fails again stays parked, the others go on.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from collections.abc import Sequence
from uuid import UUID

from shared.database import Database, Row, Transaction
from shared.directory import Directory, DirectoryReader
from shared.health import Beat
from shared.inbox import Inbox, Subscriptions
from shared.kafka import Record
from shared.retry import is_transient

PARKED_CASES = """
    SELECT subject_id, count(*) AS letters, min(at) AS since, (array_agg(error ORDER BY id))[1] AS error
    FROM dead_letters GROUP BY subject_id ORDER BY min(id)
"""
LETTERS = """
    SELECT id, topic, partition, record_offset, headers, body FROM dead_letters
    WHERE subject_id = :subject_id ORDER BY id FOR UPDATE
"""
REMOVE = "DELETE FROM dead_letters WHERE subject_id = :subject_id"


async def replay(database: Database, inbox: Inbox, subject: UUID) -> str | None:
    """Apply all letters of a case in one transaction and unpark it; what went wrong if it could not be."""
    try:
        async with database.transaction() as tx:
            now = await tx.lock(subject)
            records = [_record(row) for row in await tx.rows(LETTERS, subject_id=subject)]
            await tx.rows(REMOVE, subject_id=subject)
            await inbox.replay(tx, records, now)
    except Exception as wrong:
        if is_transient(wrong):
            raise
        return repr(wrong)
    return None


async def parked_cases(tx: Transaction) -> Sequence[dict[str, object]]:
    """subject_id, letters (count), since, error of each parked case, the longest parked first."""
    return [dict(row) for row in await tx.rows(PARKED_CASES)]


def subjects(cases: Sequence[dict[str, object]]) -> list[UUID]:
    """The cases that can be replayed. A record that names no case parked none, and is kept to be looked at."""
    return [UUID(str(parked["subject_id"])) for parked in cases if parked["subject_id"] is not None]


async def _read_whole(reader: DirectoryReader, directory: Directory) -> None:
    """Raises what keeps the reader from coming to the end."""
    reading = asyncio.create_task(reader.run(Beat("directory")))
    complete = asyncio.create_task(directory.complete.wait())
    try:
        done, _ = await asyncio.wait({reading, complete}, return_when=asyncio.FIRST_COMPLETED)
        if reading in done:
            await reading
    finally:
        reading.cancel()
        complete.cancel()


def _record(letter: Row) -> Record:
    return Record(
        topic=letter["topic"],
        partition=letter["partition"],
        offset=letter["record_offset"],
        key=letter["headers"].get("ce_subject", ""),
        value=letter["body"],
        headers=letter["headers"],
    )


async def _main(service: str, command: str, case: UUID | None) -> int:
    subscriptions: Subscriptions = importlib.import_module(f"services.{service}.subscriptions").SUBSCRIPTIONS
    directory = Directory()
    database = Database(os.environ["DATABASE_URL"], source=service, directory=directory)
    bootstrap, prefix = os.environ["KAFKA_BOOTSTRAP"], os.environ.get("TOPIC_PREFIX", "")
    inbox = Inbox(
        database,
        subscriptions,
        bootstrap=bootstrap,
        topic_prefix=prefix,
        journal=service != "insight",
        complete=service == "insight",
    )
    failed = 0
    try:
        async with database.transaction() as tx:
            cases = await parked_cases(tx)
        for parked in cases:
            print(
                f"{parked['subject_id']}  {parked['letters']} letters since {parked['since']}: {parked['error']}"
            )
        if command == "replay":
            await _read_whole(DirectoryReader(directory, bootstrap=bootstrap, topic_prefix=prefix), directory)
            for subject in [case] if case else subjects(cases):
                wrong = await replay(database, inbox, subject)
                failed += wrong is not None
                print(f"{subject}: {'applied' if wrong is None else 'still parked: ' + wrong}")
    finally:
        await database.close()
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("command", choices=("list", "replay"))
    parser.add_argument("--case", type=UUID)
    given = parser.parse_args()
    return asyncio.run(_main(given.service, given.command, given.case))


if __name__ == "__main__":
    sys.exit(main())
