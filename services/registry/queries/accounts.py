"""Accounts, sessions and refresh tokens. Every time here is real time, also in a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.rules.sign_in import ShownToken
from shared.database import Transaction
from shared.things import Person

ACCOUNT = """
    SELECT account, person_id, password_hash, demo, CAST(people.body AS text) AS person
    FROM accounts JOIN people ON people.id = accounts.person_id
    WHERE account = :account AND disabled_at IS NULL AND people.body ->> 'retired_at' IS NULL
"""

HOLDERS = """
    SELECT CAST(body AS text) AS person FROM people
    WHERE id = :person_id OR id IN (SELECT person_id FROM accounts WHERE account = :account) ORDER BY id
"""

ACCOUNTS_PRESENT = "SELECT account FROM accounts WHERE account = ANY(CAST(:accounts AS text[]))"

SAVE_ACCOUNTS = """
    INSERT INTO accounts (account, person_id, password_hash, demo, disabled_at)
    SELECT account, person_id, password_hash, :demo, CASE WHEN :disabled THEN clock_timestamp() END
    FROM unnest(CAST(:accounts AS text[]), CAST(:person_ids AS text[]), CAST(:hashes AS text[]))
         AS new(account, person_id, password_hash)
    ON CONFLICT (account) DO UPDATE SET person_id = excluded.person_id, password_hash = excluded.password_hash,
        demo = excluded.demo, disabled_at = excluded.disabled_at
"""

DEMO_ACCOUNTS = "SELECT count(*) AS n FROM accounts WHERE demo"

OPEN_SESSION = """
    INSERT INTO sessions (id, account, expires_at)
    VALUES (:id, :account, clock_timestamp() + make_interval(days => :days))
"""

# Signing in cleans up after oneself; nobody else waits for these rows.
DROP_OLD_SESSIONS = "DELETE FROM sessions WHERE account = :account AND expires_at < clock_timestamp()"

ADD_TOKEN = "INSERT INTO refresh_tokens (token_hash, session_id) VALUES (:token_hash, :session_id)"

LOCK_SESSION = """
    SELECT sessions.id AS session_id, sessions.account, sessions.expires_at, sessions.ended_at, accounts.disabled_at,
           CAST(people.body AS text) AS person, people.body ->> 'retired_at' AS retired_at
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

USE_TOKEN = """
    UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()) WHERE token_hash = :token_hash
"""

DROP_SUCCESSORS = """
    DELETE FROM refresh_tokens AS later USING refresh_tokens AS shown
    WHERE shown.token_hash = :token_hash AND later.session_id = shown.session_id AND later.made_at > shown.made_at
"""

EXTEND_SESSION = """
    UPDATE sessions SET expires_at = clock_timestamp() + make_interval(days => :days) WHERE id = :id
"""

END_SESSION = """
    UPDATE sessions SET ended_at = clock_timestamp(), ended_because = :because WHERE id = :id AND ended_at IS NULL
"""

END_SESSIONS_OF = """
    UPDATE sessions SET ended_at = clock_timestamp(), ended_because = :because
    WHERE account = ANY(CAST(:accounts AS text[])) AND ended_at IS NULL
"""

REAL_NOW = "SELECT clock_timestamp() AS now"


@dataclass(frozen=True)
class Account:
    account: str
    password_hash: str
    demo: bool
    person: Person


@dataclass(frozen=True)
class LockedSession:
    """The session a refresh token belongs to, locked, and what was asked about the token at `now`."""

    id: UUID
    account: str
    person: Person
    token: ShownToken
    now: datetime


async def account(tx: Transaction, name: str) -> Account | None:
    """An account somebody may sign in with."""
    rows = await tx.rows(ACCOUNT, account=name)
    if not rows:
        return None
    row = rows[0]
    return Account(
        row["account"], row["password_hash"], row["demo"], Person.model_validate_json(row["person"])
    )


async def holders(tx: Transaction, name: str, person_id: str) -> list[Person]:
    """Whoever has the account now, disabled or not, and who shall have it, as far as they exist."""
    rows = await tx.rows(HOLDERS, account=name, person_id=person_id)
    return [Person.model_validate_json(row["person"]) for row in rows]


async def accounts_present(tx: Transaction, names: Sequence[str]) -> set[str]:
    return {row["account"] for row in await tx.rows(ACCOUNTS_PRESENT, accounts=list(names))}


async def save_accounts(
    tx: Transaction, accounts: Sequence[tuple[str, str, str]], *, demo: bool, disabled: bool
) -> None:
    """Write (account, person id, hash); their open sessions end."""
    names, person_ids, hashes = ([row[column] for row in accounts] for column in range(3))
    await tx.rows(
        SAVE_ACCOUNTS, accounts=names, person_ids=person_ids, hashes=hashes, demo=demo, disabled=disabled
    )
    await tx.rows(END_SESSIONS_OF, accounts=names, because="account_changed")


async def demo_accounts(tx: Transaction) -> int:
    return int((await tx.rows(DEMO_ACCOUNTS))[0]["n"])


async def open_session(tx: Transaction, id: UUID, name: str, token_hash: bytes, days: int) -> None:
    await tx.rows(DROP_OLD_SESSIONS, account=name)
    await tx.rows(OPEN_SESSION, id=id, account=name, days=days)
    await tx.rows(ADD_TOKEN, token_hash=token_hash, session_id=id)


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
    return LockedSession(session["session_id"], session["account"], person, facts, shown["now"])


async def exchange(tx: Transaction, session_id: UUID, old: bytes, new: bytes, days: int) -> None:
    """Mark `old` used and put `new` in its place; a successor nobody used is forgotten."""
    await tx.rows(DROP_SUCCESSORS, token_hash=old)
    await tx.rows(USE_TOKEN, token_hash=old)
    await tx.rows(ADD_TOKEN, token_hash=new, session_id=session_id)
    await tx.rows(EXTEND_SESSION, id=session_id, days=days)


async def end_session(tx: Transaction, id: UUID, because: str) -> None:
    await tx.rows(END_SESSION, id=id, because=because)


async def end_sessions_of(tx: Transaction, name: str, because: str) -> None:
    await tx.rows(END_SESSIONS_OF, accounts=[name], because=because)


async def real_now(tx: Transaction) -> datetime:
    """The database's own clock: tokens live in real time."""
    now: datetime = (await tx.rows(REAL_NOW))[0]["now"]
    return now
