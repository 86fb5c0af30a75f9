"""委托: a person lends roles to another for a period, and takes them back; an administrator acts for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.registry.commands import ActForSomebody, Delegate
from services.registry.handlers.sign_in import Issuer
from services.registry.handlers.things import put_things
from services.registry.queries import accounts, rights
from services.registry.queries import things as stored
from services.registry.rules import acting
from services.registry.rules.delegation import running, unfit_because
from services.registry.rules.things import may_change
from shared.database import Transaction
from shared.events.things import REGISTRY_SUBJECT
from shared.identity import SignedIn, not_allowed
from shared.ids import uuid7
from shared.problems import Problem, not_found
from shared.things import Delegation, Person
from shared.vocabulary import Channel, Role


@dataclass(frozen=True)
class Lending:
    """A delegation with both ends named."""

    delegation: Delegation
    borrower_id: str


async def delegate(tx: Transaction, command: Delegate, who: SignedIn) -> Lending:
    """Lend to `to_person_id` what the caller holds in their own right."""
    who.must_be_oneself()
    now = await tx.lock(REGISTRY_SUBJECT)
    lender, borrower = await _person(tx, who.person_id), await _person(tx, command.to_person_id)
    wanted = Delegation(
        id=str(uuid7()),
        person_id=lender.id,
        grants=command.grants,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
    )
    lending = len(await lendings_of(tx, lender.id, now))
    borrowed = len(running(borrower.acts_for, now))
    asked = borrower.model_copy(update={"grants": command.grants})
    known = await stored.known_about(tx, [lender, asked])
    flaw = unfit_because(lender, borrower, wanted, max(lending, borrowed), known, now)
    if flaw is not None:
        code, why = flaw
        raise Problem(422, code, "不能这样委托 / This cannot be delegated", detail=why)
    acts_for = (*running(borrower.acts_for, now), wanted)
    await put_things(
        tx, [borrower.model_copy(update={"acts_for": acts_for})], who.actor(), Channel.DESK, lending=True
    )
    return Lending(wanted, borrower.id)


async def revoke(tx: Transaction, id: str, who: SignedIn) -> None:
    """By who lent it, who borrowed it, or who administers the borrower; it ends at once, everywhere."""
    who.must_be_oneself()
    now = await tx.lock(REGISTRY_SUBJECT)
    borrower = await rights.borrower_of(tx, id)
    if borrower is None:
        raise not_found("没有这项委托 / There is no such delegation")
    [ended] = [delegation for delegation in borrower.acts_for if delegation.id == id]
    actor = who.actor()
    if who.person_id not in (borrower.id, ended.person_id):
        await _must_administer(tx, who, borrower, now)
        actor = who.actor(Role.ADMINISTRATOR)
    left = tuple(delegation for delegation in running(borrower.acts_for, now) if delegation.id != id)
    await put_things(tx, [borrower.model_copy(update={"acts_for": left})], actor, Channel.DESK, lending=True)


async def mine(tx: Transaction, who: SignedIn) -> tuple[list[Lending], list[Lending]]:
    """What the caller lends and borrows, as far as it has not ended."""
    now = await tx.now()
    person = await _person(tx, who.person_id)
    borrowed = [Lending(delegation, person.id) for delegation in running(person.acts_for, now)]
    return await lendings_of(tx, person.id, now), borrowed


async def lendings_of(tx: Transaction, lender_id: str, now: datetime) -> list[Lending]:
    return [
        Lending(delegation, borrower.id)
        for borrower in await rights.borrowers_of(tx, lender_id)
        for delegation in running(borrower.acts_for, now)
        if delegation.person_id == lender_id
    ]


async def act_for(
    tx: Transaction, issuer: Issuer, command: ActForSomebody, who: SignedIn
) -> tuple[Person, str]:
    """A short token to act for somebody within the units the caller administers; asked for with a purpose."""
    who.must_be_oneself()
    now = await tx.lock(REGISTRY_SUBJECT)
    person = await _person(tx, command.person_id)
    await _must_administer(tx, who, person, now)
    if (why := acting.refused_because(who.person_id, person)) is not None:
        raise Problem(403, "nobody-acts-for-them", "不能代办 / Nobody may act for them", detail=why)
    id = uuid7()
    real_now = await accounts.real_now(tx)
    token, _ = issuer.access_token(person, real_now, done_by=who.person_id, id=id)
    tx.note(
        acting.ActedForSomebody(
            at=now,
            actor=who.actor(Role.ADMINISTRATOR),
            channel=Channel.DESK,
            token_id=id,
            person_id=person.id,
            purpose=command.purpose,
        )
    )
    return person, token


async def _must_administer(tx: Transaction, who: SignedIn, person: Person, now: datetime) -> None:
    asking = await _person(tx, who.person_id)
    grants = await rights.grants_of(tx, asking, now)
    known = await stored.known_about(tx, [person, asking.model_copy(update={"grants": grants})])
    if not may_change(grants, person, known.after([person])):
        raise not_allowed([Role.ADMINISTRATOR])


async def _person(tx: Transaction, id: str) -> Person:
    found = await stored.one(tx, Person, id)
    if found is None or found[0].retired_at is not None:
        raise not_found(f"没有人员 {id} / There is no person {id}")
    return found[0]
