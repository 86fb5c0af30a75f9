"""Finding out whether something is known already, joining what is the same, and parting what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.intake import metrics
from services.intake.commands.changes import Family, MergeCase
from services.intake.commands.duplicates import SHOWN_MAX, Candidate, Candidates, LookForDuplicates
from services.intake.duplicates import SCORE_SHOWN_MIN, Sighting, compare, marks_of
from services.intake.handlers.permissions import MAY_SEE, must_change
from services.intake.handlers.refusals import no_such_case, problem_of
from services.intake.handlers.telling import settle
from services.intake.handlers.versions import must_match
from services.intake.queries import cases, duplicates, families
from services.intake.queries.families import Member
from services.intake.rules import merging
from services.intake.rules.facts import Case
from services.intake.rules.merging import Kin, Likeness
from services.intake.rules.places import choose_category, choose_unit
from services.intake.rules.refusals import Refused, RefusedBecause
from shared.database import Transaction
from shared.events.intake import Place
from shared.identity import SignedIn
from shared.sealing import Sealer
from shared.vocabulary import CaseState

CHILDREN_SHOWN_MAX = 200


async def look(tx: Transaction, sealer: Sealer, command: LookForDuplicates, who: SignedIn) -> Candidates:
    """While the caller still talks: open cases that may be the same, likeliest first."""
    place = Place(lon=command.place.lon, lat=command.place.lat, label=command.place.label)
    category = choose_category(tx.directory, command.category_code)
    unit = choose_unit(tx.directory, place, command.grid_id)
    if isinstance(category, Refused):
        raise problem_of(category)
    if isinstance(unit, Refused):
        raise problem_of(unit)
    marks = marks_of(category, place, unit.id, command.description, sealer.blind_index)
    sighting = Sighting(category.code, marks, place.lon, place.lat, await tx.now())
    return await _alike(tx, sighting, duplicates.NOBODY, who)


async def look_again(tx: Transaction, case_id: UUID, who: SignedIn) -> Candidates:
    """The same for a case that stands; none for one that ended at once."""
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    who.must(MAY_SEE, case.unit_id, tx.directory)
    found = await duplicates.sightings(tx, [case_id])
    return await _alike(tx, found[0], case_id, who) if found else Candidates(items=())


async def _alike(tx: Transaction, sighting: Sighting, besides: UUID, who: SignedIn) -> Candidates:
    """Only what the asker may see: an operator sees the whole city, a worker the own units."""
    own = {grant.unit_id for grant in who.grants if grant.role in MAY_SEE}
    found = [
        one for one in await duplicates.candidates(tx, sighting, besides) if not own.isdisjoint(one.unit_path)
    ]
    likenesses = compare(sighting, [one.sighting for one in found])
    alike = [
        (likeness, one)
        for likeness, one in zip(likenesses, found, strict=True)
        if likeness is not None and likeness.score >= SCORE_SHOWN_MIN
    ]
    alike.sort(key=lambda pair: (-pair[0].score, pair[1].sighting.at, pair[1].case_id))
    return Candidates(items=tuple(_shown(one, likeness) for likeness, one in alike[:SHOWN_MAX]))


def _shown(found: duplicates.Found, likeness: Likeness) -> Candidate:
    return Candidate(
        case_id=found.case_id,
        number=found.number,
        category_code=found.sighting.category_code,
        urgency=found.urgency,
        state=found.state,
        headline=found.headline,
        place_label=found.place_label,
        registered_at=found.sighting.at,
        score=likeness.score,
        because=likeness.because,
        distance_m=likeness.distance_m,
    )


async def merge_case(
    tx: Transaction, case_id: UUID, command: MergeCase, who: SignedIn, if_match: str | None
) -> Family:
    """Join two cases that are the same thing; asked for twice, or the other way round, it is done once."""
    if command.with_case_id == case_id:
        raise problem_of(Refused(RefusedBecause.MERGED_WITH_ITSELF))
    named = [case_id, command.with_case_id]
    locked = _involved(await families.families(tx, named), named)
    now = await tx.lock(*locked)
    kin = await families.families(tx, named)
    if not _involved(kin, named) <= locked:
        # Somebody else was quicker, and what they joined would have to move along: this has to be looked at again.
        raise problem_of(Refused(RefusedBecause.CHANGED_MEANWHILE))
    one, other = [await _kin(tx, kin, kin[named_id]) for named_id in named]
    for family in (one, other):
        must_change(who, family.root, tx.directory)
    if if_match is not None:
        must_match(await _known(tx, case_id), if_match)
    if one.root.case_id not in {case_id, other.root.case_id}:
        raise problem_of(Refused(RefusedBecause.CASE_MERGED))
    decided = merging.choose_parent(one, other)
    if isinstance(decided, Refused):
        raise problem_of(decided)
    if decided.parts:
        likeness = await _likeness(tx, decided.parent, decided.parts[0])
        for part, event in merging.merged(decided, likeness, who.actor(), now):
            await settle(tx, part, [event])
        metrics.CASES_MERGED.inc(len(decided.parts))
    return await _family(tx, decided.parent)


def _involved(kin: Mapping[UUID, Member], named: Sequence[UUID]) -> set[UUID]:
    """The cases named, their roots, and what is part of the later root, because it gets another one."""
    if set(named) - kin.keys():
        raise no_such_case()
    roots = sorted({kin[case_id].root_id for case_id in named}, key=lambda root_id: kin[root_id].age)
    moving = {member.case_id for member in kin.values() if member.root_id in roots[1:]}
    return {*named, *roots, *moving}


async def _kin(tx: Transaction, kin: Mapping[UUID, Member], named: Member) -> Kin:
    """The root, and its parts where they move along; of the earliest they stay, and need not be read."""
    root = await _known(tx, named.root_id)
    if kin[root.case_id].age == min(kin[member.root_id].age for member in kin.values()):
        return Kin(root)
    parts = [
        one.case_id for one in kin.values() if one.root_id == root.case_id and one.case_id != root.case_id
    ]
    return Kin(root, tuple([await _known(tx, case_id) for case_id in sorted(parts)]))


async def _likeness(tx: Transaction, parent: Case, part: Case) -> Likeness | None:
    found = await duplicates.sightings(tx, [parent.case_id, part.case_id])
    return compare(found[0], found[1:])[0] if len(found) == 2 else None


async def unmerge_case(tx: Transaction, case_id: UUID, who: SignedIn, if_match: str | None) -> Family:
    """It was another thing after all: it goes on by itself."""
    before = await _known(tx, case_id)
    now = await tx.lock(case_id, *([before.parent_id] if before.parent_id else []))
    child = await _known(tx, case_id)
    if child.parent_id != before.parent_id:
        raise problem_of(Refused(RefusedBecause.CHANGED_MEANWHILE))
    must_change(who, child, tx.directory)
    must_match(child, if_match)
    parent = await _known(tx, child.parent_id) if child.parent_id else None
    decided = merging.unmerge(child, parent, who.actor(), now)
    if isinstance(decided, Refused):
        raise problem_of(decided)
    assert parent is not None
    await settle(tx, child, [decided])
    return await _family(tx, parent)


async def show_family(
    tx: Transaction, case_id: UUID, who: SignedIn, cursor: UUID | None, limit: int
) -> Family:
    """The case this one is part of, or itself, and what is part of that."""
    case = await _known(tx, case_id)
    who.must(MAY_SEE, case.unit_id, tx.directory)
    merged = case.parent_id is not None and case.state is CaseState.MERGED
    parent = await _known(tx, case.parent_id) if merged and case.parent_id else case
    return await _family(tx, parent, cursor, limit)


async def _family(
    tx: Transaction, parent: Case, cursor: UUID | None = None, limit: int = CHILDREN_SHOWN_MAX
) -> Family:
    after = cursor or families.FROM_THE_FIRST
    found = await families.open_children(tx, parent.case_id, after=after, rows_max=limit + 1)
    return Family(
        parent_id=parent.case_id,
        parent_number=parent.number,
        children=tuple(found[:limit]),
        next_cursor=found[limit - 1] if len(found) > limit else None,
    )


async def _known(tx: Transaction, case_id: UUID) -> Case:
    case = await cases.load(tx, case_id)
    if case is None:
        raise no_such_case()
    return case
