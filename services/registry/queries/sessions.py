"""Sessions and their refresh tokens. Every time here is real time, also in a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.rules.sign_in import ShownToken
from shared.database import Transaction
from shared.things import Person

OPEN_SESSION = """
    INSERT INTO sessions (id, account, device, expires_at)
    VALUES (:id, :account, :device, clock_timestamp() + make_interval(days => :days))
"""

# Signing in cleans up after oneself; nobody else waits for these rows.
DROP_OLD_SESSIONS = "DELETE FROM sessions WHERE account = :account AND expires_at < clock_timestamp()"

ADD_TOKEN = "INSERT INTO refresh_tokens (token_hash, session_id) VALUES (:token_hash, :session_id)"

LOCK_SESSION = """
    SELECT sessions.id AS session_id, sessions.account, accounts.id AS account_id, sessions.expires_at,
           sessions.ended_at, accounts.disabled_at, CAST(people.body AS text) AS person,
           people.body ->> 'retired_at' AS retired_at
    FROM refresh_tokens JOIN sessions ON sessions.id = session_id JOIN accounts USING (account)
         JOIN people ON people.id = person_id
    WHERE token_hash = :token_hash FOR UPDATE OF sessions
"""

# A statement of its own: read after the session is locked, so that of two that show the same token one sees the other.
TOKEN = """
    SELECT used_at, clock_timestamp() AS now, EXISTS (
        SELECT FROM refresh_tokens AS later
        WHERE later.session_id = shown.session_id AND later.made_at > shown.made_at AND later.used_at IS NOT NULL
    ) AS successor_used
    FROM refresh_tokens AS shown WHERE token_hash = :token_hash
"""

ACCOUNT_OF = """
    SELECT accounts.id FROM refresh_tokens JOIN sessions ON sessions.id = session_id JOIN accounts USING (account)
    WHERE token_hash = :token_hash
"""

USE_TOKEN = """
    UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()) WHERE token_hash = :token_hash
"""

DROP_SUCCESSORS = """
    DELETE FROM refresh_tokens AS later USING refresh_tokens AS shown
    WHERE shown.token_hash = :token_hash AND later.session_id = shown.session_id AND later.made_at > shown.made_at
"""

EXTEND_SESSION = """
    UPDATE sessions SET expires_at = clock_timestamp() + make_interval(days => :days),
        last_used_at = clock_timestamp() WHERE id = :id
"""

END_SESSION = """
    UPDATE sessions SET ended_at = clock_timestamp(), ended_because = :because
    WHERE id = :id AND ended_at IS NULL RETURNING id
"""

END_SESSIONS_OF = """
    UPDATE sessions SET ended_at = clock_timestamp(), ended_because = :because
    WHERE account = ANY(CAST(:accounts AS text[])) AND ended_at IS NULL RETURNING id
"""

OPEN_SESSIONS = """
    SELECT id, account, device, made_at, last_used_at, expires_at FROM sessions
    WHERE account = ANY(CAST(:accounts AS text[])) AND ended_at IS NULL AND expires_at > clock_timestamp()
      AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))
    ORDER BY id DESC LIMIT CAST(:rows_max AS int)
"""


@dataclass(frozen=True)
class LockedSession:
    """The session a refresh token belongs to, locked, and what was asked about the token at `now`."""

    id: UUID
    account: str
    account_id: UUID
    person: Person
    token: ShownToken
    now: datetime


@dataclass(frozen=True)
class OpenSession:
    id: UUID
    account: str
    device: str | None
    made_at: datetime
    last_used_at: datetime
    expires_at: datetime


async def open_session(
    tx: Transaction, id: UUID, name: str, device: str | None, token_hash: bytes, days: int
) -> None:
    await tx.rows(DROP_OLD_SESSIONS, account=name)
    await tx.rows(OPEN_SESSION, id=id, account=name, device=device, days=days)
    await tx.rows(ADD_TOKEN, token_hash=token_hash, session_id=id)


async def account_of(tx: Transaction, token_hash: bytes) -> UUID | None:
    """Whose refresh token this is; asked first, because an account is locked before its sessions."""
    rows = await tx.rows(ACCOUNT_OF, token_hash=token_hash)
    return rows[0]["id"] if rows else None


async def session_of(tx: Transaction, token_hash: bytes) -> LockedSession | None:
    """The session of a refresh token, locked until the end of the transaction."""
    rows = await tx.rows(LOCK_SESSION, token_hash=token_hash)
    token = await tx.rows(TOKEN, token_hash=token_hash) if rows else []
    if not token:
        return None
    session, shown = rows[0], token[0]
    facts = ShownToken(
        expires_at=session["expires_at"],
        used_at=shown["used_at"],
        successor_used=shown["successor_used"],
        session_ended=session["ended_at"] is not None,
        account_disabled=session["disabled_at"] is not None or session["retired_at"] is not None,
    )
    person = Person.model_validate_json(session["person"])
    return LockedSession(
        session["session_id"], session["account"], session["account_id"], person, facts, shown["now"]
    )


async def exchange(tx: Transaction, session_id: UUID, old: bytes, new: bytes, days: int) -> None:
    """Mark `old` used and put `new` in its place; a successor nobody used is forgotten."""
    await tx.rows(DROP_SUCCESSORS, token_hash=old)
    await tx.rows(USE_TOKEN, token_hash=old)
    await tx.rows(ADD_TOKEN, token_hash=new, session_id=session_id)
    await tx.rows(EXTEND_SESSION, id=session_id, days=days)


async def end_session(tx: Transaction, id: UUID, because: str) -> bool:
    """Whether it was open."""
    return bool(await tx.rows(END_SESSION, id=id, because=because))


async def end_sessions_of(tx: Transaction, name: str, because: str) -> int:
    """How many were open."""
    return len(await tx.rows(END_SESSIONS_OF, accounts=[name], because=because))


async def open_sessions(
    tx: Transaction, names: Sequence[str], *, before: UUID | None = None, rows_max: int | None = None
) -> list[OpenSession]:
    """Those of these accounts, the latest made first; of them those made before the session `before`."""
    rows = await tx.rows(OPEN_SESSIONS, accounts=list(names), before=before, rows_max=rows_max)
    return [OpenSession(**row) for row in rows]
