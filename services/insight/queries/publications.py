"""The months published; written once and never again."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson

from shared.database import Transaction

FIRST_CASE = "SELECT min(registered_at) AS at FROM cases"
PUBLISHED = "SELECT month FROM publications ORDER BY month DESC"
PUBLISH = """
    INSERT INTO publications (month, published_at, body)
    VALUES (:month, business_now(), CAST(CAST(:body AS text) AS jsonb)) ON CONFLICT (month) DO NOTHING
"""
READ = "SELECT month, published_at, body FROM publications WHERE month = :month"


async def first_case_at(tx: Transaction) -> Any:
    [row] = await tx.rows(FIRST_CASE)
    return row["at"]


async def months(tx: Transaction) -> list[date]:
    return [row["month"] for row in await tx.rows(PUBLISHED)]


async def publish(tx: Transaction, month: date, body: dict[str, Any]) -> None:
    await tx.rows(PUBLISH, month=month, body=orjson.dumps(body).decode())


async def one(tx: Transaction, month: date) -> dict[str, Any] | None:
    rows = await tx.rows(READ, month=month)
    return dict(rows[0]) if rows else None
