"""Accounts: their rows in and out. Every time here is real time, also in a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.rules.account_story import AccountState
from services.registry.rules.sign_in import Tries
from shared.database import Row, Transaction
from shared.ids import uuid7
from shared.things import Person

COLUMNS = """
    accounts.id, account, person_id, password_hash, demo, disabled_at, one_time_until, locked_until, tries,
    tries_since, codes_key, codes_sealed, codes_on_at, codes_last_step, accounts.made_at,
    accounts.version,
    CAST(people.body AS text) AS person,
    (SELECT count(*) FROM recovery_codes WHERE account_id = accounts.id AND used_at IS NULL) AS recovery_codes_left,
    (SELECT count(*) FROM sessions WHERE sessions.account = accounts.account AND ended_at IS NULL
        AND expires_at > clock_timestamp()) AS sessions_open
"""

ACCOUNT = f"""
    SELECT {COLUMNS} FROM accounts JOIN people ON people.id = person_id WHERE account = :account
"""

OF_PERSON = f"""
    SELECT {COLUMNS} FROM accounts JOIN people ON people.id = person_id
    WHERE person_id = :person_id AND disabled_at IS NULL ORDER BY account
"""

# Those whose every unit lies at or below one of `own`; who names no unit is for whoever administers the top.
PAGE = f"""
    WITH RECURSIVE mine AS (
        SELECT id FROM units WHERE id = ANY(CAST(:own AS text[]))
        UNION SELECT units.id FROM units JOIN mine ON units.parent_id = mine.id
    )
    SELECT {COLUMNS} FROM accounts JOIN people ON people.id = person_id
    WHERE account > :after AND (CAST(:person_id AS text) IS NULL OR person_id = :person_id)
      AND NOT EXISTS (
        SELECT FROM jsonb_array_elements((body -> 'grants') || (body -> 'posts')) AS held
        WHERE held ->> 'unit_id' NOT IN (SELECT id FROM mine))
      AND (CAST(:at_top AS boolean) OR jsonb_array_length((body -> 'grants') || (body -> 'posts')) > 0)
    ORDER BY account LIMIT :rows_max
"""

ID = "SELECT id FROM accounts WHERE account = :account"

HOLDERS = """
    SELECT CAST(body AS text) AS person FROM people
    WHERE id = :person_id OR id IN (SELECT person_id FROM accounts WHERE account = :account) ORDER BY id
"""

ACCOUNTS_PRESENT = "SELECT account FROM accounts WHERE account = ANY(CAST(:accounts AS text[]))"

MAKE = """
    INSERT INTO accounts (id, account, person_id, password_hash, demo, one_time_until)
    SELECT id, account, person_id, password_hash, CAST(:demo AS boolean), CAST(:one_time_until AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS text[]), CAST(:person_ids AS text[]), CAST(:hashes AS text[]))
         AS new(id, account, person_id, password_hash)
"""

SAVE_STATE = """
    UPDATE accounts SET person_id = :person_id, demo = :demo, one_time_until = :one_time_until,
        locked_until = :locked_until,
        disabled_at = CASE WHEN CAST(:disabled AS boolean) THEN coalesce(disabled_at, clock_timestamp()) END,
        version = version
            + CASE WHEN person_id <> :person_id OR (disabled_at IS NOT NULL) <> :disabled THEN 1 ELSE 0 END,
        codes_on_at = CASE WHEN CAST(:codes AS boolean) THEN coalesce(codes_on_at, clock_timestamp()) END
    WHERE id = :id
"""

SET_PASSWORD = "UPDATE accounts SET password_hash = :hash, version = version + 1 WHERE id = :id"
COUNT_TRIES = "UPDATE accounts SET tries = :tries, tries_since = :since WHERE id = :id"
GIVE_BACK = "UPDATE accounts SET tries = greatest(0, tries - 1) WHERE account = :account"
KEEP_CODES = """
    UPDATE accounts SET codes_key = :key, codes_sealed = :sealed, codes_last_step = NULL WHERE id = :id
"""
USE_STEP = "UPDATE accounts SET codes_last_step = :step WHERE id = :id"
DROP_CODES = """
    UPDATE accounts SET codes_key = NULL, codes_sealed = NULL, codes_on_at = NULL, codes_last_step = NULL
    WHERE id = :id
"""
DROP_RECOVERY_CODES = "DELETE FROM recovery_codes WHERE account_id = :id"
ADD_RECOVERY_CODES = """
    INSERT INTO recovery_codes (account_id, code_hash) SELECT :id, hash FROM unnest(CAST(:hashes AS bytea[])) AS hash
"""
USE_RECOVERY_CODE = """
    UPDATE recovery_codes SET used_at = clock_timestamp()
    WHERE account_id = :id AND code_hash = :hash AND used_at IS NULL RETURNING 1
"""
DEMO_ACCOUNTS = "SELECT count(*) AS n FROM accounts WHERE demo"
REAL_NOW = "SELECT clock_timestamp() AS now"


@dataclass(frozen=True)
class Codes:
    """The second step as it is stored: its secret sealed under a key that is itself wrapped."""

    wrapped_key: bytes
    sealed: bytes
    last_step: int | None


@dataclass(frozen=True)
class Account:
    """`codes` may be there and not be on yet: `state.codes` says whether they are."""

    id: UUID
    name: str
    password_hash: str
    person: Person
    state: AccountState
    tries: Tries
    codes: Codes | None
    made_at: datetime
    sessions_open: int
    version: int

    @property
    def may_be_used(self) -> bool:
        return not self.state.disabled and self.person.retired_at is None


async def account(tx: Transaction, name: str) -> Account | None:
    rows = await tx.rows(ACCOUNT, account=name)
    return _read(rows[0]) if rows else None


async def locked(tx: Transaction, name: str) -> tuple[Account, datetime] | None:
    """An account whose story is locked until the end of the transaction, and business time."""
    rows = await tx.rows(ID, account=name)
    if not rows:
        return None
    now = await tx.lock(rows[0]["id"])
    found = await account(tx, name)
    return (found, now) if found is not None else None


async def of_person(tx: Transaction, person_id: str) -> list[Account]:
    return [_read(row) for row in await tx.rows(OF_PERSON, person_id=person_id)]


async def page(
    tx: Transaction, own: Sequence[str], after: str, rows_max: int, *, at_top: bool, person_id: str | None
) -> list[Account]:
    """The next accounts by name of people within the units `own`."""
    rows = await tx.rows(
        PAGE, own=list(own), after=after, rows_max=rows_max, at_top=at_top, person_id=person_id
    )
    return [_read(row) for row in rows]


async def holders(tx: Transaction, name: str, person_id: str) -> list[Person]:
    """Whoever has the account now, disabled or not, and who shall have it, as far as they exist."""
    rows = await tx.rows(HOLDERS, account=name, person_id=person_id)
    return [Person.model_validate_json(row["person"]) for row in rows]


async def accounts_present(tx: Transaction, names: Sequence[str]) -> set[str]:
    return {row["account"] for row in await tx.rows(ACCOUNTS_PRESENT, accounts=list(names))}


async def make(
    tx: Transaction,
    rows: Sequence[tuple[str, str, str]],
    *,
    demo: bool = False,
    one_time_until: datetime | None = None,
) -> list[UUID]:
    """Insert (account, person id, hash); their ids in the same order."""
    ids = [uuid7() for _ in rows]
    names, person_ids, hashes = ([row[column] for row in rows] for column in range(3))
    await tx.rows(
        MAKE,
        ids=ids,
        accounts=names,
        person_ids=person_ids,
        hashes=hashes,
        demo=demo,
        one_time_until=one_time_until,
    )
    return ids


async def save_state(tx: Transaction, id: UUID, state: AccountState) -> None:
    await tx.rows(
        SAVE_STATE,
        id=id,
        person_id=state.person_id,
        demo=state.demo,
        disabled=state.disabled,
        one_time_until=state.one_time_until,
        locked_until=state.locked_until,
        codes=state.codes,
    )


async def set_password(tx: Transaction, id: UUID, password_hash: str) -> None:
    await tx.rows(SET_PASSWORD, id=id, hash=password_hash)


async def count_tries(tx: Transaction, id: UUID, tries: Tries) -> None:
    await tx.rows(COUNT_TRIES, id=id, tries=tries.count, since=tries.since)


async def give_back(tx: Transaction, name: str) -> None:
    """A try that was not wrong is not counted."""
    await tx.rows(GIVE_BACK, account=name)


async def keep_codes(tx: Transaction, id: UUID, wrapped_key: bytes, sealed: bytes) -> None:
    await tx.rows(KEEP_CODES, id=id, key=wrapped_key, sealed=sealed)


async def use_step(tx: Transaction, id: UUID, step: int) -> None:
    await tx.rows(USE_STEP, id=id, step=step)


async def drop_codes(tx: Transaction, id: UUID) -> None:
    await tx.rows(DROP_CODES, id=id)
    await tx.rows(DROP_RECOVERY_CODES, id=id)


async def keep_recovery_codes(tx: Transaction, id: UUID, hashes: Sequence[bytes]) -> None:
    """In place of those there were."""
    await tx.rows(DROP_RECOVERY_CODES, id=id)
    await tx.rows(ADD_RECOVERY_CODES, id=id, hashes=list(hashes))


async def use_recovery_code(tx: Transaction, id: UUID, code_hash: bytes) -> bool:
    return bool(await tx.rows(USE_RECOVERY_CODE, id=id, hash=code_hash))


async def demo_accounts(tx: Transaction) -> int:
    return int((await tx.rows(DEMO_ACCOUNTS))[0]["n"])


async def real_now(tx: Transaction) -> datetime:
    """The database's own clock: tokens and locks live in real time."""
    now: datetime = (await tx.rows(REAL_NOW))[0]["now"]
    return now


def _read(row: Row) -> Account:
    codes = None
    if row["codes_key"] is not None:
        codes = Codes(row["codes_key"], row["codes_sealed"], row["codes_last_step"])
    state = AccountState(
        person_id=row["person_id"],
        demo=row["demo"],
        disabled=row["disabled_at"] is not None,
        one_time_until=row["one_time_until"],
        locked_until=row["locked_until"],
        codes=row["codes_on_at"] is not None,
        recovery_codes_left=row["recovery_codes_left"],
    )
    return Account(
        id=row["id"],
        name=row["account"],
        password_hash=row["password_hash"],
        person=Person.model_validate_json(row["person"]),
        state=state,
        tries=Tries(row["tries"], row["tries_since"], row["locked_until"]),
        codes=codes,
        made_at=row["made_at"],
        sessions_open=row["sessions_open"],
        version=row["version"],
    )
