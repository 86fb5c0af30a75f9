"""Reading and writing a case whole: the rows are the fold of its journal, so they are written from it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.intake.duplicates import Marks
from services.intake.rules.facts import Case, FollowUp
from shared.database import Transaction
from shared.idempotency import RequestKey

CASE = TypeAdapter(Case)
NOT_COLUMNS = {"holders", "follow_up", "progress_call", "questions", "attachments"}
COLUMNS = [field.name for field in fields(Case) if field.name not in NOT_COLUMNS]
FOLLOW_UP_COLUMNS = [field.name for field in fields(FollowUp) if field.name != "attempts"]
CHANGED_LATER = [column for column in FOLLOW_UP_COLUMNS if column not in {"id", "round", "opened_at"}]

LATEST = f"""
    SELECT row_to_json(latest) FROM (
        SELECT {", ".join(FOLLOW_UP_COLUMNS)}, (
            SELECT coalesce(json_agg(a ORDER BY a.number), '[]') FROM (
                SELECT number, at, channel, reached, person_id FROM follow_up_attempts WHERE follow_up_id = f.id
            ) AS a
        ) AS attempts
        FROM follow_ups AS f WHERE f.case_id = c.case_id AND f.kind
"""

LOAD = f"""
    SELECT row_to_json(row)::text AS story FROM (
        SELECT {", ".join(COLUMNS)},
            ARRAY(SELECT person_id FROM case_holders AS h WHERE h.case_id = c.case_id) AS holders,
            ({LATEST} = 'after_handled' ORDER BY f.round DESC LIMIT 1) AS latest) AS follow_up,
            ({LATEST} = 'progress' ORDER BY f.opened_at DESC LIMIT 1) AS latest) AS progress_call,
            (SELECT coalesce(json_agg(q ORDER BY q.asked_at, q.id), '[]') FROM (
                SELECT id, asked_at, asked_by, ended_at FROM questions WHERE case_id = c.case_id
            ) AS q) AS questions,
            (SELECT coalesce(json_agg(a ORDER BY a.added_at, a.id), '[]') FROM (
                SELECT id, added_at, media_type, sha256, size_bytes FROM attachments WHERE case_id = c.case_id
            ) AS a) AS attachments
        FROM cases AS c WHERE c.case_id = :case_id
    ) AS row
"""

# The progress call goes first: it ends in the statement in which the follow-up after `handled` opens, and one of a
# case may be open.
SAVE = f"""
    WITH given AS (
        SELECT CAST(:story AS jsonb) AS story
    ), moved AS (
        UPDATE cases SET ({", ".join(COLUMNS[1:])}) = (
            SELECT {", ".join(COLUMNS[1:])} FROM jsonb_populate_record(NULL::cases, (SELECT story FROM given))
        ) WHERE case_id = CAST(:case_id AS uuid)
    ), recognised AS (
        UPDATE likenesses SET live = :open WHERE case_id = CAST(:case_id AS uuid) AND live <> :open
    ), held AS (
        INSERT INTO case_holders (case_id, person_id)
        SELECT CAST(:case_id AS uuid), jsonb_array_elements_text(story->'holders') FROM given ON CONFLICT DO NOTHING
    ), asked AS (
        INSERT INTO questions (case_id, id, asked_at, asked_by, ended_at)
        SELECT CAST(:case_id AS uuid), q.id, q.asked_at, q.asked_by, q.ended_at
        FROM given, jsonb_populate_recordset(NULL::questions, story->'questions') AS q
        ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at
    ), attached AS (
        INSERT INTO attachments (case_id, id, added_at, media_type, sha256, size_bytes)
        SELECT CAST(:case_id AS uuid), a.id, a.added_at, a.media_type, a.sha256, a.size_bytes
        FROM given, jsonb_populate_recordset(NULL::attachments, story->'attachments') AS a
        ON CONFLICT DO NOTHING
    ), followed AS (
        INSERT INTO follow_ups (case_id, {", ".join(FOLLOW_UP_COLUMNS)})
        SELECT CAST(:case_id AS uuid), {", ".join("f." + column for column in FOLLOW_UP_COLUMNS)}
        FROM given, (VALUES (1, 'progress_call'), (2, 'follow_up')) AS asking(place, name),
             jsonb_populate_record(NULL::follow_ups, story->asking.name) AS f
        WHERE jsonb_typeof(story->asking.name) = 'object' ORDER BY asking.place
        ON CONFLICT (id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in CHANGED_LATER)}
    )
    INSERT INTO follow_up_attempts (follow_up_id, number, at, channel, reached, person_id)
    SELECT CAST(story->asking.name->>'id' AS uuid), a.number, a.at, a.channel, a.reached, a.person_id
    FROM given, (VALUES ('progress_call'), ('follow_up')) AS asking(name),
         jsonb_populate_recordset(NULL::follow_up_attempts, story->asking.name->'attempts') AS a
    WHERE jsonb_typeof(story->asking.name) = 'object'
    ON CONFLICT DO NOTHING
"""

REQUESTER_COLUMNS = (
    "case_id",
    "wrapped_key",
    "name_sealed",
    "phone_sealed",
    "phone_index",
    "description_sealed",
    "beneficiary_sealed",
    "author_sealed",
    "answer_sealed",
    "language",
    "pickup_code_sealed",
    "pickup_code_digest",
    "code_shown_to",
)

INSERT = f"""
    WITH opened AS (
        INSERT INTO cases ({", ".join(COLUMNS)})
        SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::cases, CAST(:cases AS jsonb))
    ), recognised AS (
        INSERT INTO likenesses (case_id, category_group, cell, building, registered_at, signature, live)
        SELECT *, true FROM unnest(CAST(:like_ids AS uuid[]), CAST(:groups AS text[]), CAST(:cells AS bigint[]),
                             CAST(:buildings AS text[]), CAST(:like_ats AS timestamptz[]),
                             CAST(:signatures AS bytea[]))
    )
    INSERT INTO requesters ({", ".join(REQUESTER_COLUMNS)}, wrong_codes)
    SELECT {", ".join(REQUESTER_COLUMNS)}, 0
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:wrapped_keys AS bytea[]), CAST(:names AS bytea[]),
                CAST(:phones AS bytea[]), CAST(:phone_indexes AS bytea[]), CAST(:descriptions AS bytea[]),
                CAST(:beneficiaries AS bytea[]), CAST(:authors AS bytea[]), CAST(:answers AS bytea[]),
                CAST(:languages AS text[]), CAST(:codes AS bytea[]), CAST(:code_digests AS text[]),
                CAST(:codes_shown_to AS text[]))
         AS new({", ".join(REQUESTER_COLUMNS)})
"""

# In key order, so that two batches over the same keys never wait for each other in a circle.
CLAIM = """
    INSERT INTO idempotency_keys (scope, key, body_sha256, status, headers)
    SELECT scope, key, sha256, 201, json_build_object('location', location)
    FROM unnest(CAST(:scopes AS text[]), CAST(:keys AS text[]), CAST(:sha256s AS bytea[]),
                CAST(:locations AS text[])) AS new(scope, key, sha256, location)
    ORDER BY scope, key
    ON CONFLICT DO NOTHING RETURNING scope, key
"""

CLAIMED_BEFORE = """
    SELECT k.scope, k.key, k.body_sha256, k.headers->>'location' AS location
    FROM idempotency_keys AS k
    JOIN unnest(CAST(:scopes AS text[]), CAST(:keys AS text[])) AS asked(scope, key)
      ON k.scope = asked.scope AND k.key = asked.key
"""

NUMBERED = "SELECT case_id, parent_id FROM cases WHERE number = :number"
LOCATION = "/api/intake/cases/"


@dataclass(frozen=True)
class SealedRequester:
    """A requester's row; every value but `language`, the digest and `code_shown_to` is bytes that only the case's key
    opens."""

    case_id: UUID
    wrapped_key: bytes
    name_sealed: bytes | None
    phone_sealed: bytes | None
    phone_index: bytes | None
    description_sealed: bytes | None
    beneficiary_sealed: bytes | None
    author_sealed: bytes | None
    answer_sealed: bytes | None
    language: str
    pickup_code_sealed: bytes
    pickup_code_digest: str
    code_shown_to: str | None


@dataclass(frozen=True)
class Recognised:
    """A new case and what it is recognised by."""

    case_id: UUID
    registered_at: datetime
    marks: Marks


async def load(tx: Transaction, case_id: UUID) -> Case | None:
    rows = await tx.rows(LOAD, case_id=case_id)
    return CASE.validate_json(rows[0]["story"]) if rows else None


async def numbered(tx: Transaction, number: str) -> tuple[UUID, ...] | None:
    """The case of this number, and the one it is part of, if it is."""
    rows = await tx.rows(NUMBERED, number=number)
    return tuple(id for id in (rows[0]["case_id"], rows[0]["parent_id"]) if id) if rows else None


def etag(case: Case) -> str:
    """Of what people see and decide about: it stays while the work goes on."""
    seen = CASE.dump_python(case.as_people_left_it, mode="json")
    seen["refused_consents"].sort()
    return f'"{hashlib.sha256(orjson.dumps(seen)).hexdigest()[:16]}"'


async def etag_of(tx: Transaction, case_id: UUID) -> str:
    """Of a case that exists, as it is at this point of the transaction."""
    case = await load(tx, case_id)
    assert case is not None
    return etag(case)


async def save(tx: Transaction, case: Case) -> None:
    """Write the case, its holders, its follow-up and attempts as they are now; one statement."""
    await tx.rows(SAVE, case_id=case.case_id, story=CASE.dump_json(case).decode(), open=case.open)


async def insert(
    tx: Transaction,
    cases: Sequence[Case],
    requesters: Sequence[SealedRequester],
    likenesses: Sequence[Recognised],
) -> None:
    """Many new cases, their requesters, and what those still open are recognised by; one statement."""
    await tx.rows(
        INSERT,
        cases=orjson.dumps([CASE.dump_python(case, mode="json") for case in cases]).decode(),
        case_ids=[requester.case_id for requester in requesters],
        wrapped_keys=[requester.wrapped_key for requester in requesters],
        names=[requester.name_sealed for requester in requesters],
        phones=[requester.phone_sealed for requester in requesters],
        phone_indexes=[requester.phone_index for requester in requesters],
        descriptions=[requester.description_sealed for requester in requesters],
        beneficiaries=[requester.beneficiary_sealed for requester in requesters],
        authors=[requester.author_sealed for requester in requesters],
        answers=[requester.answer_sealed for requester in requesters],
        like_ids=[likeness.case_id for likeness in likenesses],
        groups=[likeness.marks.category_group for likeness in likenesses],
        cells=[likeness.marks.cell for likeness in likenesses],
        buildings=[likeness.marks.building for likeness in likenesses],
        like_ats=[likeness.registered_at for likeness in likenesses],
        signatures=[likeness.marks.signature for likeness in likenesses],
        languages=[requester.language for requester in requesters],
        codes=[requester.pickup_code_sealed for requester in requesters],
        code_digests=[requester.pickup_code_digest for requester in requesters],
        codes_shown_to=[requester.code_shown_to for requester in requesters],
    )


async def claim_keys(tx: Transaction, keys: Sequence[tuple[RequestKey, UUID]]) -> set[tuple[str, str]]:
    """Take these idempotency keys for these cases; which were free."""
    rows = await tx.rows(
        CLAIM,
        scopes=[key.scope for key, _ in keys],
        keys=[key.key for key, _ in keys],
        sha256s=[key.body_sha256 for key, _ in keys],
        locations=[f"{LOCATION}{case_id}" for _, case_id in keys],
    )
    return {(row["scope"], row["key"]) for row in rows}


async def claimed_before(
    tx: Transaction, keys: Sequence[RequestKey]
) -> dict[tuple[str, str], tuple[bytes, UUID]]:
    """Of the keys that were taken before: the digest of what was sent, and the case it made."""
    rows: Sequence[Any] = await tx.rows(
        CLAIMED_BEFORE, scopes=[key.scope for key in keys], keys=[key.key for key in keys]
    )
    return {
        (row["scope"], row["key"]): (row["body_sha256"], UUID(row["location"].removeprefix(LOCATION)))
        for row in rows
    }
