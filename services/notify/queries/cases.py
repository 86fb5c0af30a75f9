"""SQL of what is folded from events: the replicas of cases and alarms."""

from __future__ import annotations

from dataclasses import fields
from uuid import UUID

from pydantic import TypeAdapter

from services.notify.rules.facts import AlarmFacts, CaseFacts
from shared.database import Transaction

CASES = TypeAdapter(CaseFacts)
COLUMNS = [column.name for column in fields(CaseFacts)]

LOAD = f"SELECT to_jsonb(c)::text AS facts FROM (SELECT {', '.join(COLUMNS)} FROM cases) AS c WHERE case_id = :case_id"
SAVE = f"""
    INSERT INTO cases ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM jsonb_populate_record(NULL::cases, CAST(:facts AS jsonb))
    ON CONFLICT (case_id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in COLUMNS[1:])}
"""


async def case(tx: Transaction, case_id: UUID) -> CaseFacts:
    """The case as notify knows it. Registration comes first in a case's story, so a case not here is a fault."""
    rows = await tx.rows(LOAD, case_id=case_id)
    if not rows:
        raise LookupError(f"case {case_id} was never registered here")
    return CASES.validate_json(rows[0]["facts"])


async def save(tx: Transaction, facts: CaseFacts) -> None:
    await tx.rows(SAVE, facts=CASES.dump_json(facts).decode())


ALARMS = TypeAdapter(AlarmFacts)
ALARM_COLUMNS = [column.name for column in fields(AlarmFacts)]

LOAD_ALARM = f"""
    SELECT to_jsonb(a)::text AS facts FROM (SELECT {", ".join(ALARM_COLUMNS)} FROM alarms) AS a
    WHERE alarm_id = :alarm_id
"""
SAVE_ALARM = f"""
    INSERT INTO alarms ({", ".join(ALARM_COLUMNS)})
    SELECT {", ".join(ALARM_COLUMNS)} FROM jsonb_populate_record(NULL::alarms, CAST(:facts AS jsonb))
    ON CONFLICT (alarm_id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in ALARM_COLUMNS[1:])}
"""


async def known_case(tx: Transaction, case_id: UUID) -> CaseFacts | None:
    """The case if it is known here: an alarm's case may still be on its way, the two stories being apart."""
    rows = await tx.rows(LOAD, case_id=case_id)
    return CASES.validate_json(rows[0]["facts"]) if rows else None


async def alarm(tx: Transaction, alarm_id: UUID) -> AlarmFacts:
    """The alarm as notify knows it; its raising comes first in its story."""
    rows = await tx.rows(LOAD_ALARM, alarm_id=alarm_id)
    if not rows:
        raise LookupError(f"alarm {alarm_id} was never raised here")
    return ALARMS.validate_json(rows[0]["facts"])


async def save_alarm(tx: Transaction, facts: AlarmFacts) -> None:
    await tx.rows(SAVE_ALARM, facts=ALARMS.dump_json(facts).decode())
