"""Amending a case: what was understood wrongly, learnt later, or has moved. The first clock goes on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake.commands.changes import AmendCase, Changed
from services.intake.commands.transfer import Transfer
from services.intake.duplicates import marks_of
from services.intake.handlers.changing import changed_answer, known
from services.intake.handlers.permissions import must_change
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import context
from services.intake.handlers.telling import settle
from services.intake.handlers.versions import must_match
from services.intake.queries import duplicates, requesters
from services.intake.rules.changes import Amended, By, amend
from services.intake.rules.facts import Case
from services.intake.rules.places import (
    choose_category,
    choose_policy,
    choose_unit,
    headline_for,
    route_for,
)
from services.intake.rules.refusals import Refused, RefusedBecause
from services.intake.rules.triage import Reading, highest, read_words
from shared import journal
from shared.database import Transaction
from shared.directory import Directory
from shared.events.intake import CaseAmended, CaseRegistered, Place
from shared.identity import SignedIn
from shared.sealing import Sealer
from shared.things import Category, Unit
from shared.vocabulary import Level, Role


async def amend_case(
    tx: Transaction, sealer: Sealer, case_id: UUID, command: AmendCase, who: SignedIn, if_match: str | None
) -> Changed:
    """The case as it is from now on; clocks are computed anew from its registration."""
    now = await tx.lock(case_id)
    case = await known(tx, case_id)
    must_change(who, case, tx.directory)
    must_match(case, if_match)
    reading = read_words(command.description or "", tx.directory.word_lists.values())
    by = By(who.actor(), supervises=who.may(Role.SUPERVISOR, case.unit_id, tx.directory))
    decided = await _decide(tx, case, command, reading, by, now)
    if isinstance(decided, Refused):
        raise problem_of(decided)
    if decided is None:
        return changed_answer(case, transfer=reading.transfer)
    # The words first: whoever writes both a requester and a case does so in this order.
    await _keep_words(tx, sealer, case_id, command.description)
    case = await settle(tx, case, [decided])
    await _recognise_anew(tx, sealer, case, command.description)
    return changed_answer(case, decided.changed, reading.transfer)


async def raise_by_words(
    tx: Transaction, case: Case, text: str, by: By, now: datetime
) -> tuple[Case, Transfer | None]:
    """What was said later may only raise the urgency. It is kept whatever becomes of that: where it cannot be raised
    (handled meanwhile, part of another case), whom to call is said all the same."""
    reading = read_words(text, tx.directory.word_lists.values())
    if reading.urgency is None:
        return case, None
    raised = AmendCase(urgency=highest(case.urgency, reading.urgency))
    decided = await _decide(tx, case, raised, reading, by, now)
    told = [decided] if isinstance(decided, CaseAmended) else []
    return await settle(tx, case, told), reading.transfer


async def _decide(
    tx: Transaction, case: Case, command: AmendCase, reading: Reading, by: By, now: datetime
) -> CaseAmended | Refused | None:
    last = await _last_told(tx, case.case_id)
    wanted = _wanted(case, last, command, reading, tx.directory)
    if isinstance(wanted, Refused):
        return wanted
    return amend(case, last, wanted, by, tx.directory.revision, now)


async def _last_told(tx: Transaction, case_id: UUID) -> CaseRegistered | CaseAmended:
    """How the case was told last, with the ladder and policy it has."""
    story = await journal.story(tx, case_id)
    return next(event for event in reversed(story) if isinstance(event, CaseRegistered | CaseAmended))


def _wanted(
    case: Case,
    last: CaseRegistered | CaseAmended,
    command: AmendCase,
    reading: Reading,
    directory: Directory,
) -> Amended | Refused:
    category = _category(case, command, directory)
    place = last.place
    if command.place is not None:
        place = Place(lon=command.place.lon, lat=command.place.lat, label=command.place.label)
    unit = _unit(case, command, place, directory)
    if isinstance(category, Refused):
        return category
    if isinstance(unit, Refused):
        return unit
    if command.excluded and any(person_id not in directory.people for person_id in command.excluded):
        return Refused(RefusedBecause.UNKNOWN_PERSON)
    renamed = (category.code, place) != (last.category_code, last.place)
    urgency = highest(command.urgency or highest(case.urgency, category.urgency), reading.urgency)
    path = tuple(above.id for above in directory.path(unit.id))
    as_before = (category.code, path, urgency) == (last.category_code, last.unit_path, last.urgency)
    # What holds is decided as of the registration, as it was then: only what was understood is new.
    route = last.ladder if as_before else route_for(directory, unit, category)
    policy = (
        last.policy if as_before else choose_policy(directory, category, urgency, path, case.registered_at)
    )
    if isinstance(route, Refused):
        return route
    if isinstance(policy, Refused):
        return policy
    return Amended(
        category_code=category.code,
        urgency=urgency,
        headline=headline_for(category, place) if renamed else last.headline,
        place=place,
        grid_id=unit.id if unit.level is Level.GRID else None,
        unit_path=path,
        ladder=route if isinstance(route, tuple) else route.ladder,
        policy=policy,
        excluded=last.excluded if command.excluded is None else tuple(dict.fromkeys(command.excluded)),
        care=last.care if command.care is None else command.care,
        crisis=reading.service or case.crisis,
        description=command.description is not None,
    )


def _category(case: Case, command: AmendCase, directory: Directory) -> Category | Refused:
    """A case may stay in a category that was retired since."""
    if command.category_code in {None, case.category_code} and case.category_code in directory.categories:
        return directory.categories[case.category_code]
    return choose_category(directory, command.category_code or case.category_code)


def _unit(case: Case, command: AmendCase, place: Place, directory: Directory) -> Unit | Refused:
    if command.place is None and command.grid_id is None and case.unit_id in directory.units:
        return directory.units[case.unit_id]
    return choose_unit(directory, place, command.grid_id)


async def _keep_words(tx: Transaction, sealer: Sealer, case_id: UUID, description: str | None) -> None:
    """The new words under the case's own key."""
    if description is None:
        return
    row = await requesters.requester(tx, case_id)
    if row["wrapped_key"] is not None:
        sealed = sealer.seal(sealer.unwrap(row["wrapped_key"]), description, context("description", case_id))
        await requesters.keep_description(tx, case_id, sealed if description else None)


async def _recognise_anew(tx: Transaction, sealer: Sealer, case: Case, description: str | None) -> None:
    category = tx.directory.categories.get(case.category_code)
    if category is not None:
        place = Place(lon=case.lon, lat=case.lat, label=case.place_label)
        marks = marks_of(category, place, case.unit_id, description or "", sealer.blind_index)
        await duplicates.mark_anew(tx, case.case_id, marks)
